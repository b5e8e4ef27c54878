import AcousticFeatures
import Basics
import Foundation
import SpeechText
import TensorEngine

/// A directory with a checkpoint that DeepSpeech wrote, and its `alphabet.txt`.
struct DeepSpeechCheckpoint {
  let directory: String
  let store: WeightStore

  /// nil where a directory is none: it has no `.index` of variables.
  ///
  /// - Throws: `.notFound` without `alphabet.txt`; what reading the checkpoint throws.
  init?(directory: String) throws {
    guard let prefix = TensorFlowBundle.newest(in: directory) else { return nil }
    guard FilePath.isFolder("\(directory)/alphabet.txt") == false else {
      throw IdiolectError(
        .notFound,
        "\(directory): has a checkpoint, \(prefix.dropFirst(directory.count + 1)).index, but no alphabet.txt, its labels, beside it; copy there the one that it was trained with"
      )
    }
    self.directory = directory
    store = WeightStore(bundle: try TensorFlowBundle(prefix: prefix), path: directory)
  }

  /// The sizes, by the shapes of the variables.
  ///
  /// - Throws: `.invalidModel` that names what is missing or does not fit.
  var configuration: DeepSpeechConfiguration {
    get throws {
      func shape(_ name: String) throws -> [Int] {
        guard let shape = store[name]?.shape, shape.count == 2 else {
          throw IdiolectError(
            .invalidModel,
            "\(directory): has no variable \(name), a matrix: DeepSpeech did not write it")
        }
        return shape
      }
      var result = DeepSpeechConfiguration()
      result.inputBins = try shape("layer_1/weights")[0]
      let recurrent = try shape("\(Self.recurrent)/kernel")[1] / 4
      result.widths = [
        try shape("layer_1/weights")[1], try shape("layer_2/weights")[1],
        try shape("layer_3/weights")[1], recurrent, try shape("layer_5/weights")[1],
      ]
      result.labelCount = try shape("layer_6/weights")[1]
      result.blank = result.labelCount - 1
      guard store["layer_1/layer_normalization/gamma"] == nil else {
        throw IdiolectError(
          .unsupported, "\(directory): was trained with --layer_norm, which cannot be opened")
      }
      try result.validate(file: directory)
      return result
    }
  }

  private static let recurrent = "cudnn_lstm/rnn/multi_rnn_cell/cell_0/cudnn_compatible_lstm_cell"

  /// One label a line; `#` begins a comment, `\#` is the label #. The blank comes after them.
  func vocabulary() throws -> Vocabulary {
    let path = "\(directory)/alphabet.txt"
    guard let data = FileManager.default.contents(atPath: path), data.count <= 1 << 22,
      let text = String(data: data, encoding: .utf8)
    else { throw IdiolectError(.invalidModel, "\(path): is no text in UTF-8 of a sensible size") }
    var labels: [String] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let line = line.hasSuffix("\r") ? line.dropLast() : line
      if line.hasPrefix("#") || line.isEmpty { continue }
      labels.append(line == "\\#" ? "#" : String(line))
    }
    do {
      return try Vocabulary(labels: labels + [Vocabulary.defaultBlank], blank: labels.count)
    } catch let error as IdiolectError {
      throw IdiolectError(error.code, "\(path): \(error.message)")
    }
  }

  /// Parameters of our names from TensorFlow's variables, whose matrices are [in, out] and whose gates have another
  /// order.
  func source(_ configuration: DeepSpeechConfiguration) -> ParameterSource {
    let store = store
    return ParameterSource { name, shape in
      let parts = name.split(separator: ".")
      let isOutput = name.hasPrefix("output.")
      let layer = isOutput ? 6 : (Int(parts[1]) ?? 0) + 1
      guard layer == 4 else {
        guard isOutput || parts[2] == "dense" else { return nil }
        let variable = "layer_\(layer)/\(name.hasSuffix(".bias") ? "bias" : "weights")"
        return try Self.turned(store, variable, shape)
      }
      let hidden = configuration.widths[3]
      func gates(_ values: [Float], _ width: Int) -> [Float] {
        // Input, cell, forget, output there; input, forget, cell, output here.
        [0, 2, 1, 3].flatMap { values[$0 * hidden * width..<($0 + 1) * hidden * width] }
      }
      switch parts.last {
      case "weight_ih_l0", "weight_hh_l0":
        let inputs = configuration.widths[2]
        let all = try Self.turned(store, "\(Self.recurrent)/kernel", [4 * hidden, inputs + hidden])
        let columns = parts.last == "weight_ih_l0" ? 0..<inputs : inputs..<inputs + hidden
        let part = (0..<4 * hidden).flatMap { row in
          all[
            row * (inputs + hidden) + columns.lowerBound..<row * (inputs + hidden)
              + columns.upperBound]
        }
        return gates(part, columns.count)
      case "bias_ih_l0": return gates(try Self.turned(store, "\(Self.recurrent)/bias", shape), 1)
      case "bias_hh_l0": return [Float](repeating: 0, count: 4 * hidden)
      default: return nil
      }
    }
  }

  /// A variable, a matrix transposed to `shape`.
  private static func turned(
    _ store: WeightStore, _ name: String, _ shape: [Int]
  ) throws -> [Float] {
    let wanted = Array(shape.reversed())
    guard let entry = store[name] else {
      throw IdiolectError(
        .invalidModel, "\(store.path): the variable \(name) is missing, \(wanted) was expected")
    }
    guard entry.shape == wanted else {
      throw IdiolectError(
        .invalidModel,
        "\(store.path): the variable \(name) has shape \(entry.shape), \(wanted) was expected")
    }
    let values = try store.readFloats(name)
    guard shape.count == 2 else { return values }
    return transposed(values, rows: shape[0], columns: shape[1])
  }

  /// [columns, rows] to [rows, columns].
  private static func transposed(_ values: [Float], rows: Int, columns: Int) -> [Float] {
    [Float](unsafeUninitializedCapacity: rows * columns) { buffer, count in
      values.withUnsafeBufferPointer { values in
        for row in 0..<rows {
          for column in 0..<columns {
            buffer[row &* columns &+ column] = values[column &* rows &+ row]
          }
        }
      }
      count = rows * columns
    }
  }
}

extension AcousticModel {
  convenience init(_ checkpoint: DeepSpeechCheckpoint) throws {
    let configuration = try checkpoint.configuration
    let vocabulary = try checkpoint.vocabulary()
    guard vocabulary.count == configuration.labelCount else {
      throw IdiolectError(
        .invalidModel,
        "\(checkpoint.directory)/alphabet.txt: has \(vocabulary.count - 1) labels, the checkpoint \(configuration.labelCount - 1)"
      )
    }
    try self.init(
      configuration: configuration, source: checkpoint.source(configuration),
      vocabulary: vocabulary,
      frontEnd: FeaturePreset.deepspeechContext.configuration(), normalizer: TextNormalizer(),
      path: checkpoint.directory)
  }
}
