import Basics
package import TensorEngine

/// A normalisation, a narrow layer and a wide one at the end of an encoder layer, added to what came in
/// (Houlsby et al. 2019), named as transformers names the adapters of MMS. As it begins, nothing changes.
package final class BottleneckAdapter {
  private let norm: LayerNorm
  private let narrow, widen: Linear

  /// - Parameters:
  ///   - size: of what comes in and goes out.
  ///   - width: of what lies between.
  init(_ name: String, size: Int, width: Int, from source: ParameterSource) throws {
    norm = try LayerNorm("\(name).norm", size: size, from: source)
    narrow = try Linear("\(name).linear_1", inputs: size, outputs: width, from: source)
    widen = try Linear(
      "\(name).linear_2", inputs: width, outputs: size, initialisation: .constant(0), from: source)
  }

  /// [rows, size] to the same.
  func callAsFunction(_ x: Tensor, _ pass: Pass) -> Tensor {
    let hidden = narrow(norm(x, result: pass.precision), pass).activated(.relu, pass)
    return x.adding(widen(hidden, pass), scaledBy: 1)
  }

  /// What the parameters of an encoder layer's adapter are called in it.
  static let name = "adapter_layer"

  package static func owns(_ parameter: Parameter) -> Bool {
    parameter.name.contains(".\(name).")
  }
}

extension AcousticModel {
  /// Parameters of adapters at the end of every encoder layer.
  ///
  /// - Throws: as `addingAdapters`.
  package func adapterParameters(width: Int?) throws -> Int {
    let configuration = try withAdapters(width: width)
    let width = configuration.adapterWidth!
    return (1...configuration.layerCount).reduce(0) { sum, depth in
      let size = configuration.layerWidth(depth)
      // A normalisation, and a matrix with its bias each way.
      return sum + 2 * size + (size + 1) * width + (width + 1) * size
    }
  }

  /// The same network with an adapter at the end of every encoder layer; the base's own where it has some.
  ///
  /// - Parameter width: of the adapters; nil for 64, or the base's own.
  /// - Throws: `.invalidArgument` where the base has adapters of another width, or its layers leave no place for any.
  package func addingAdapters(width: Int?, seed: UInt64) throws -> AcousticModel {
    try reshaped(try withAdapters(width: width), seed: seed)
  }

  private func withAdapters(width: Int?) throws -> any NetworkConfiguration {
    var configuration = network.sizes
    if let own = configuration.adapterWidth {
      guard width == nil || width == own else {
        throw IdiolectError(
          .invalidArgument,
          "strategy adapter:\(width ?? 0): the base has adapters \(own) wide already; leave the width out"
        )
      }
    }
    configuration.adapterWidth = configuration.adapterWidth ?? width ?? 64
    do {
      try configuration.validate(file: "network")
    } catch {
      // Of a network that could be opened, nothing else can be wrong. Otherwise found out after the training.
      throw IdiolectError(
        .invalidArgument,
        "strategy adapter: the layers of this base normalise what they give (do_stable_layer_norm is false, as in wav2vec2-base), which leaves an adapter no place; use lora, or a base that normalises what comes in",
        cause: error)
    }
    return configuration
  }
}
