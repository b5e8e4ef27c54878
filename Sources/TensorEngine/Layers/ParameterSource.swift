import Basics

/// Where a layer's parameters come from, random or a checkpoint: layers have one initialiser for both.
///
/// It hands out parameters by name and keeps the list, so that a network's parameters are those its
/// layers asked for, in that order.
public final class ParameterSource {
  /// Gives the values of a named parameter, or nil to begin as its layer says.
  public typealias Values = (_ name: String, _ shape: [Int]) throws -> [Float]?
  /// Writes values where they are to stay: a large model is not copied twice.
  package typealias Fill = (_ place: UnsafeMutableBufferPointer<Float>) throws -> Void

  private enum Origin {
    case values(Values)
    case fill((_ name: String, _ shape: [Int]) throws -> Fill?)
  }

  public private(set) var parameters: [Parameter] = []
  private var names: Set<String> = []
  private var random: SeededRandom
  private let origin: Origin

  /// Random parameters that a seed determines.
  public convenience init(seed: UInt64) {
    self.init(seed: seed) { _, _ in nil }
  }

  /// Parameters from `values`, random where it has none.
  public init(seed: UInt64 = 0, values: @escaping Values) {
    random = SeededRandom(seed: seed)
    origin = .values(values)
  }

  /// Parameters that `fill` writes, random where it gives nil; it throws before memory is taken for a shape that it
  /// does not have.
  package init(fill: @escaping (_ name: String, _ shape: [Int]) throws -> Fill?) {
    random = SeededRandom(seed: 0)
    origin = .fill(fill)
  }

  /// A parameter of `shape` named `name`. Names are unique.
  ///
  /// - Throws: what gives the values throws; `.invalidModel` when it gives another number of them.
  public func parameter(
    _ name: String, _ shape: [Int], _ role: ParameterRole, _ initialisation: Initialisation
  ) throws -> Tensor {
    precondition(names.insert(name).inserted, "the parameter \(name) is asked for twice")
    let count = shape.reduce(1, *)
    let tensor: Tensor
    if case .fill(let fill) = origin, let write = try fill(name, shape) {
      tensor = Tensor(uninitialised: shape)
      try write(UnsafeMutableBufferPointer(start: tensor.pointer, count: count))
    } else if case .values(let values) = origin, let given = try values(name, shape) {
      guard given.count == count else {
        throw IdiolectError(
          .invalidModel,
          "\(name): the model's files hold \(given.count) values, its configuration asks for \(shape)"
        )
      }
      tensor = Tensor(given, shape: shape)
    } else {
      switch initialisation {
      case .constant(let value): tensor = Tensor(repeating: value, shape: shape)
      case .uniform(let bound):
        tensor = Tensor((0..<count).map { _ in random.uniform(-bound...bound) }, shape: shape)
      case .normal(let deviation):
        tensor = Tensor((0..<count).map { _ in random.normal() * deviation }, shape: shape)
      case .values(let values): tensor = Tensor(values, shape: shape)
      }
    }
    parameters.append(Parameter(name: name, role: role, tensor: tensor))
    return tensor
  }
}
