import Basics
import CKernels

/// A dense, row-major array of float32, and its place on the tape.
///
/// A reference: copies share storage and gradient. Everything that touches one runs on the engine thread.
public final class Tensor {
  /// Sizes, outermost first.
  public let shape: [Int]
  package private(set) var storage: Storage
  /// Where the first element lies in the storage, in elements.
  package let offset: Int

  /// Whether `Tape.backward` computes a gradient for it. Set it on leaves (parameters); results inherit it.
  public var requiresGradient: Bool {
    get { slot.isRequired }
    set { slot.isRequired = newValue }
  }
  /// What `Tape.backward` left; nil before, and on results after the walk has passed them.
  public var gradient: Tensor? {
    get { slot.gradient }
    set { slot.gradient = newValue }
  }
  package let slot: GradientSlot

  private var lowered: Storage?

  /// The number of elements.
  public let count: Int

  /// Uninitialised memory of `shape`.
  package init(uninitialised shape: [Int]) {
    self.shape = shape
    slot = GradientSlot(shape: shape)
    count = shape.reduce(1, *)
    storage = Storage(byteCount: count * MemoryLayout<Float>.stride)
    offset = 0
  }

  private init(storage: Storage, offset: Int, shape: [Int]) {
    self.storage = storage
    self.offset = offset
    self.shape = shape
    slot = GradientSlot(shape: shape)
    count = shape.reduce(1, *)
  }

  /// A tensor of `shape` with the given row-major values.
  public convenience init(_ values: [Float], shape: [Int]) {
    precondition(
      values.count == shape.reduce(1, *), "\(values.count) values do not fill shape \(shape)")
    self.init(uninitialised: shape)
    values.withUnsafeBufferPointer {
      if let source = $0.baseAddress { pointer.update(from: source, count: $0.count) }
    }
  }

  /// A tensor of `shape` that is `value` everywhere.
  public convenience init(repeating value: Float, shape: [Int]) {
    self.init(uninitialised: shape)
    pointer.update(repeating: value, count: count)
  }

  package var pointer: UnsafeMutablePointer<Float> {
    storage.pointer.assumingMemoryBound(to: Float.self) + offset
  }

  /// The elements in row-major order, copied.
  public var values: [Float] { Array(UnsafeBufferPointer(start: pointer, count: count)) }

  /// The only element of a scalar.
  public var scalar: Float {
    precondition(count == 1, "shape \(shape) is not a scalar")
    return pointer[0]
  }

  /// The product of all sizes but the last.
  package var rows: Int { shape.dropLast().reduce(1, *) }
  /// The last size.
  package var columns: Int { shape.last ?? 1 }

  /// The same memory under another shape. Not recorded: use `reshaped` where gradients flow.
  package func view(_ shape: [Int]) -> Tensor {
    precondition(shape.reduce(1, *) == count, "shape \(self.shape) cannot be viewed as \(shape)")
    return Tensor(storage: storage, offset: offset, shape: shape)
  }

  /// Rows `range` of a matrix, sharing memory. Not recorded.
  package func rowsView(_ range: Range<Int>) -> Tensor {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of a tensor of \(shape)")
    return Tensor(
      storage: storage, offset: offset + range.lowerBound * columns, shape: [range.count, columns])
  }

  /// Whether no view shares the memory.
  package var ownsStorage: Bool { isKnownUniquelyReferenced(&storage) }

  /// A copy with storage of its own, off the tape.
  package func copy() -> Tensor {
    let result = Tensor(uninitialised: shape)
    result.pointer.update(from: pointer, count: count)
    return result
  }

  // MARK: - bfloat16

  /// The same values in bfloat16, converted once and kept until `didChange`.
  package func bfloat16() -> Storage {
    if let lowered { return lowered }
    let made = Storage(byteCount: count * 2)
    ck_to_bfloat16(pointer, made.pointer.assumingMemoryBound(to: UInt16.self), count)
    lowered = made
    return made
  }

  /// Forgets what was derived from the values, after they were written in place.
  package func didChange() { lowered = nil }
}
