package import AcousticModels
import Basics
import Foundation
import TensorEngine

/// The low-rank updates of a network, and their export as a PEFT directory.
///
/// `PeftModel.from_pretrained(base, "adapter")` on the base gives the adapted network. Convolutions over
/// one frame are linear here; in PEFT they are `Conv1d`, with a trailing size of 1.
package struct LowRankAdapter {
  private struct Update {
    let name: String
    let a, b: Tensor
    /// Sizes of the layer's weight beyond [out, in], all 1.
    let trailing: [Int]
  }

  private let updates: [Update]
  package let rank: Int
  package private(set) var alpha: Float

  /// Nil for a network without low-rank updates; read them before they are folded in.
  package init?(_ network: any AcousticNetwork) {
    let linears = network.layers.flatMap(\.linears)
    updates = linears.compactMap { linear in
      linear.lowRank.map {
        Update(
          name: linear.name, a: $0.a, b: $0.b, trailing: Array(linear.weight.shape.dropFirst(2)))
      }
    }
    guard let first = linears.lazy.compactMap(\.lowRank).first else { return nil }
    rank = first.a.shape[0]
    alpha = first.scale * Float(rank)
  }

  /// The updates made smaller: of weights that were drawn back toward the base's.
  package mutating func scale(by share: Double) { alpha *= Float(share) }

  /// Writes `adapter_config.json` and `adapter_model.safetensors`.
  ///
  /// - Parameters:
  ///   - base: the directory of the base, and the hash of its weights.
  ///   - language: that the base heard, of one that has several.
  /// - Throws: `.inputOutput`.
  package func write(
    to directory: String, base: String, hash: String, language: String? = nil
  ) throws {
    try AtomicFile.makeDirectory(directory)
    let modules = Set(updates.map { String($0.name.split(separator: ".").last!) })
    let configuration: JSONValue = [
      "peft_type": "LORA", "task_type": .null, "base_model_name_or_path": .string(base),
      "inference_mode": true, "r": .integer(rank), "lora_alpha": .number(Double(alpha)),
      "lora_dropout": 0.0, "bias": "none", "fan_in_fan_out": false, "init_lora_weights": true,
      "target_modules": .array(modules.sorted().map { .string($0) }), "modules_to_save": .null,
    ]
    try AtomicFile.write(configuration.text(), to: "\(directory)/adapter_config.json")
    let tensors = updates.flatMap { update in
      [("lora_A", update.a), ("lora_B", update.b)].map { factor, tensor in
        SafetensorsTensor(
          "base_model.model.\(update.name).\(factor).weight", shape: tensor.shape + update.trailing
        ) { tensor.values }
      }
    }
    try SafetensorsWriter.write(
      tensors,
      metadata: AdapterProfile.metadata(base: hash, language: language)
        .merging(["format": "pt"]) { $1 },
      to: "\(directory)/adapter_model.safetensors")
  }
}
