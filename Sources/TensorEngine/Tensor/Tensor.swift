import Basics
package import CKernels
import Foundation

/// A dense, row-major array of numbers, and its place on the tape.
///
/// Its values are float32, bfloat16, or both: bfloat16 where a matrix product in that precision made them
/// or reads them. Whichever is missing is made from the other when asked for. A reference: copies share
/// storage and gradient. Everything that touches one runs on the engine thread.
public final class Tensor {
  /// Sizes, outermost first.
  public let shape: [Int]
  /// The number of elements.
  public let count: Int

  /// Memory that this tensor reads from `start`, in elements, on.
  private struct Values {
    var storage: Storage
    let start: Int
  }
  private var wide: Values?
  private var narrow: Values?
  private var eightBits: QuantisedWeight?

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

  private init(shape: [Int], wide: Values?, narrow: Values?) {
    self.shape = shape
    count = shape.reduce(1, *)
    self.wide = wide
    self.narrow = narrow
    slot = GradientSlot(shape: shape, precision: wide == nil ? .bfloat16 : .float32)
  }

  /// Uninitialised memory of `shape`, for values in `precision`.
  package convenience init(uninitialised shape: [Int], _ precision: Precision = .float32) {
    let values = Values(storage: Tensor.memory(shape, precision), start: 0)
    self.init(
      shape: shape, wide: precision == .float32 ? values : nil,
      narrow: precision == .bfloat16 ? values : nil)
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
    return Tensor(shape: shape, wide: wide, narrow: narrow)
  }

  /// Rows `range` of a matrix, sharing memory. Not recorded.
  package func rowsView(_ range: Range<Int>) -> Tensor {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of a tensor of \(shape)")
    func part(_ values: Values?) -> Values? {
      values.map { Values(storage: $0.storage, start: $0.start + range.lowerBound * columns) }
    }
    return Tensor(shape: [range.count, columns], wide: part(wide), narrow: part(narrow))
  }

  /// A float32 copy with storage of its own, off the tape.
  package func copy() -> Tensor {
    let result = Tensor(uninitialised: shape)
    if wide != nil {
      result.pointer.update(from: pointer, count: count)
    } else {
      ck_from_bfloat16(narrowPointer, result.pointer, count)
    }
    return result
  }

  /// Whether another has the same shape and bits.
  package func hasValues(of other: Tensor) -> Bool {
    shape == other.shape && memcmp(pointer, other.pointer, 4 * count) == 0
  }

  // MARK: - Memory

  /// The values in float32, widened once where they were made in bfloat16.
  package var pointer: UnsafeMutablePointer<Float> {
    if wide == nil {
      let made = Tensor.memory(shape, .float32)
      ck_from_bfloat16(narrowPointer, made.pointer.assumingMemoryBound(to: Float.self), count)
      wide = Values(storage: made, start: 0)
    }
    return wide!.storage.pointer.assumingMemoryBound(to: Float.self) + wide!.start
  }

  private var narrowPointer: UnsafeMutablePointer<UInt16> {
    narrow!.storage.pointer.assumingMemoryBound(to: UInt16.self) + narrow!.start
  }

  /// What the values are held in; float32 where both.
  package var precision: Precision { wide == nil ? .bfloat16 : .float32 }

  /// The values as they are held: float32 where both.
  package var held: (pointer: UnsafeMutableRawPointer, type: ck_type) {
    wide == nil
      ? (UnsafeMutableRawPointer(narrowPointer), CK_BFLOAT16)
      : (UnsafeMutableRawPointer(pointer), CK_FLOAT32)
  }

  /// The values as a matrix product in `precision` reads them; valid while the tensor lives.
  ///
  /// bfloat16 is converted once and kept until `didChange`.
  package func operand(_ precision: Precision) -> UnsafeRawPointer {
    guard precision == .bfloat16 else { return UnsafeRawPointer(pointer) }
    if narrow == nil {
      let made = Tensor.memory(shape, .bfloat16)
      ck_to_bfloat16(pointer, made.pointer.assumingMemoryBound(to: UInt16.self), count)
      narrow = Values(storage: made, start: 0)
    }
    return UnsafeRawPointer(narrowPointer)
  }

  /// The matrix in 8 bits, each row by its largest magnitude; converted once and kept until `didChange`.
  package var quantised: OpaquePointer {
    if eightBits == nil {
      eightBits = QuantisedWeight(pointer, rows: shape[0], columns: count / max(1, shape[0]))
    }
    return eightBits!.packed
  }

  /// The same values held in `precision` alone, off the tape: what a rule keeps of an operand.
  package func kept(_ precision: Precision) -> Tensor {
    _ = operand(precision)
    return Tensor(
      shape: shape, wide: precision == .float32 ? wide : nil,
      narrow: precision == .bfloat16 ? narrow : nil)
  }

  // MARK: - Spare rows

  /// `rows` rounded up. Each size of a product costs a millisecond to prepare when it first comes up, and
  /// batches of speech have ever new numbers of frames; rounded, they have few.
  private static func rounded(_ rows: Int) -> Int {
    let step = rows < 128 ? 1 : rows < 1024 ? 32 : 128
    return (rows + step - 1) / step * step
  }

  /// Memory for a tensor of `shape`, a matrix with room for the spare rows of a product.
  private static func memory(_ shape: [Int], _ precision: Precision) -> Storage {
    let rows = shape.dropLast().reduce(1, *)
    let row = (shape.last ?? 1) * precision.byteCount
    return Storage(byteCount: rows * row, spare: (rounded(rows) - rows) * row)
  }

  /// The rows a product over the values as held may run over: rounded up where spare memory follows the
  /// last row, else `rows`. What lies in spare rows is undefined.
  package var roomyRows: Int {
    guard let values = wide ?? narrow else { return rows }
    let end = (values.start + count) * precision.byteCount
    let needed = (Tensor.rounded(rows) - rows) * columns * precision.byteCount
    return end == values.storage.byteCount && end + needed <= values.storage.capacity
      ? Tensor.rounded(rows) : rows
  }

  /// Sets the spare rows up to `limit`, at most `roomyRows`, to zero.
  package func clearSpareRows(to limit: Int) {
    let row = columns * precision.byteCount
    memset(held.pointer + rows * row, 0, max(0, limit - rows) * row)
  }

  /// Forgets what was derived from the float32 values, after they were written in place.
  package func didChange() {
    precondition(wide != nil, "only float32 values are written in place")
    (narrow, eightBits) = (nil, nil)
  }

  /// Whether values are float32 and no other tensor shares their memory.
  package var ownsFloat32: Bool { wide != nil && isKnownUniquelyReferenced(&wide!.storage) }
}

/// Memory of a weight in 8 bits.
private final class QuantisedWeight {
  let packed: OpaquePointer

  init(_ values: UnsafePointer<Float>, rows: Int, columns: Int) {
    packed = ck_int8_pack(values, Int64(rows), Int64(columns))
  }

  deinit { ck_int8_release(packed) }
}
