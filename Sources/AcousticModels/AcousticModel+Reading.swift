import AcousticFeatures
package import Basics
import Foundation
import SpeechText
import TensorEngine

extension AcousticModel {
  /// Opens a model directory in the Hugging Face layout, one with a checkpoint of DeepSpeech and its `alphabet.txt`, or
  /// an archive of NeMo's (`.nemo`).
  ///
  /// - Parameter language: whose adapter and output layer are taken, where the directory has several, as MMS; nil
  ///   for those in the model's own weights.
  /// - Throws: `.notFound`, `.invalidModel` or `.unsupported`, naming the file and what is wrong: a tensor
  ///   that is missing, extra or misshapen, a front end that is not the one the model was trained with.
  public convenience init(directory: String, language: String? = nil) throws {
    guard let isFolder = FilePath.isFolder(directory) else {
      throw IdiolectError(
        .notFound, "\(directory): no such model; give a directory that holds config.json")
    }
    if !isFolder, directory.hasSuffix(".nemo") {
      try self.init(nemo: directory)
      return
    }
    guard isFolder else {
      throw IdiolectError(
        .invalidModel, "\(directory): a model is a directory with config.json, this is a file")
    }
    guard FileManager.default.fileExists(atPath: "\(directory)/config.json") else {
      if let checkpoint = try DeepSpeechCheckpoint(directory: directory) {
        try self.init(checkpoint)
        return
      }
      throw IdiolectError(
        .notFound,
        "\(directory): holds no config.json, so it is no model; give a directory that does")
    }
    let config = try JSONNode(path: "\(directory)/config.json")
    var configuration = try AcousticModel.configuration(config)
    let adapter = try language.map { try LanguageAdapters.weights($0, in: directory) }
    if let rows = adapter?["lm_head.weight"]?.shape.first { configuration.labelCount = rows }
    let frontEnd = try FrontEndConfiguration(modelDirectory: directory)
    let vocabulary = try Vocabulary.read(
      directory: directory, blank: configuration.blank, size: configuration.labelCount,
      language: language)
    configuration.blank = vocabulary.blank
    let store = try WeightStore(directory: directory)
    let source = ParameterSource(checkpoint: store, inPlace: adapter)
    let recordPath = "\(directory)/\(AcousticModel.recordFile)"
    let record =
      FileManager.default.fileExists(atPath: recordPath) ? try JSONNode(path: recordPath) : nil
    try self.init(
      configuration: configuration, source: source, vocabulary: vocabulary, frontEnd: frontEnd,
      normalizer: try record.map(AcousticModel.normalizer) ?? TextNormalizer(),
      record: record?.value, path: directory, language: language)
    try source.refuseUnused(in: store)
    if let adapter { try source.refuseUnused(in: adapter) }
    if let record {
      let trained = try record["front_end"]["fingerprint"].string(
        default: self.frontEnd.fingerprint)
      guard trained == self.frontEnd.fingerprint else {
        throw IdiolectError(
          .invalidModel,
          "\(directory): trained with the front end \(trained), but its processor settings give \(self.frontEnd.fingerprint); restore the processor_config.json it was saved with"
        )
      }
    }
  }

  /// - Throws: `.unsupported` for a family that is not known; what its configuration throws.
  package static func configuration(_ config: JSONNode) throws -> any NetworkConfiguration {
    let family = try config["model_type"].string(default: "missing")
    if let networks = try? config["architectures"].strings(), !networks.isEmpty,
      !networks.contains(where: { $0.hasSuffix("ForCTC") })
    {
      throw IdiolectError(
        .unsupported,
        "\(config.file): it holds \(networks.joined(separator: ", ")), which gives no labels; take one that was fine-tuned with CTC, whose architectures end in ForCTC"
      )
    }
    switch family {
    case FastConformerConfiguration.modelType, FastConformerConfiguration.plainModelType:
      return try FastConformerConfiguration(config)
    case "wav2vec2-bert": return try Wav2Vec2BertConfiguration(config)
    case DeepSpeechConfiguration.modelType: return try DeepSpeechConfiguration(config)
    case WaveNetConfiguration.modelType: return try WaveNetConfiguration(config)
    case JasperConfiguration.modelType: return try JasperConfiguration(config)
    default: break
    }
    if Wav2Vec2Configuration.Kind(rawValue: family) != nil {
      return try Wav2Vec2Configuration(config)
    }
    let known =
      ["parakeet_ctc", "wav2vec2-bert"] + Wav2Vec2Configuration.Kind.allCases.map(\.rawValue)
    throw IdiolectError(
      .unsupported,
      "\(config.file): model_type is '\(family)'; \(known.joined(separator: ", ")) can be opened")
  }

  /// The file beside the weights that tells what Idiolect did.
  package static let recordFile = "adaptation.json"

  private static func normalizer(_ record: JSONNode) throws -> TextNormalizer {
    guard let stored = record["text"].value else { return TextNormalizer() }
    do {
      return try JSONDecoder().decode(TextNormalizer.self, from: Data(stored.text().utf8))
    } catch {
      throw IdiolectError(
        .invalidModel, "\(record.file): its text normalisation cannot be read", cause: error)
    }
  }
}

extension ParameterSource {
  /// Parameters from a checkpoint, each of which must be there in its shape, but for what its authors may leave out.
  ///
  /// Names of older versions of transformers stand for those of today.
  ///
  /// - Parameters:
  ///   - others: where they are taken from where it has them.
  ///   - foreignName: what the checkpoint calls a parameter.
  convenience init(
    checkpoint own: WeightStore, inPlace others: WeightStore? = nil,
    foreignName: @escaping (String) -> String = formerName
  ) {
    self.init(fill: { wanted, shape in
      let store = others.flatMap { $0.contains(wanted) ? $0 : nil } ?? own
      let name = store[wanted] == nil ? foreignName(wanted) : wanted
      guard let entry = store[name] else {
        if ParameterSource.mayLack(wanted) { return nil }
        throw IdiolectError(
          .invalidModel,
          "\(store.path): the tensor \(name) is missing, \(shape) was expected; is its configuration of another model?"
        )
      }
      guard entry.shape == shape else {
        throw IdiolectError(
          .invalidModel,
          "\(store.path): the tensor \(name) has shape \(entry.shape), \(shape) was expected; is config.json of another model?"
        )
      }
      let counts = name.hasSuffix("num_batches_tracked")
      guard counts || entry.type != .int64 else {
        throw IdiolectError(
          .invalidModel,
          "\(store.path): the tensor \(name) holds whole numbers (I64); weights are F16, BF16 or F32"
        )
      }
      return { place in
        if entry.type == .int64 {
          _ = place.update(fromContentsOf: try store.readInt64s(name).map(Float.init))
        } else {
          try store.readFloats(name, into: place)
        }
        if counts, let wrong = place.first(where: { !(0...0x1p53).contains($0) }) {
          throw IdiolectError(
            .invalidModel, "\(store.path): \(name) is \(wrong); a count lies between 0 and 2^53")
        }
      }
    })
  }

  /// - Parameters:
  ///   - others: what names begin with that are not wanted.
  ///   - foreignName: what the checkpoint calls a parameter.
  /// - Throws: `.invalidModel` that names tensors which no layer asked for.
  func refuseUnused(
    in store: WeightStore, but others: [String] = [],
    foreignName: (String) -> String = formerName
  ) throws {
    let known = parameters.flatMap { [$0.name, foreignName($0.name)] }
    let extra = Set(store.names).subtracting(known)
      .filter { name in !others.contains { name.hasPrefix($0) } }.sorted()
    guard extra.isEmpty else {
      throw IdiolectError(
        .invalidModel,
        "\(store.path): \(extra.count) tensors that the network of config.json does not have, first \(extra[0]); is config.json of another model?"
      )
    }
  }

  /// What stands for masked frames, which only training reads, and what the configuration determines: transformers
  /// makes them anew where a checkpoint has none, as the first of wav2vec 2.0.
  private static func mayLack(_ name: String) -> Bool {
    name.hasSuffix(".masked_spec_embed") || name.hasSuffix(".embed_positions.inv_freq")
  }

  /// What a tensor was called before PyTorch 2.0 parametrised weights.
  static func formerName(_ name: String) -> String {
    name.replacing(".parametrizations.weight.original0", with: ".weight_g")
      .replacing(".parametrizations.weight.original1", with: ".weight_v")
  }
}
