import AcousticFeatures
import Basics
import Foundation
import SpeechText
import TensorEngine

/// A model as NeMo's `save_to` packs it: configuration, weights and tokenizer in one archive.
///
/// Kuchaiev et al. 2019 (NeMo).
struct NeMoArchive {
  let path: String
  let archive: TarArchive
  /// `model_config.yaml`
  let configuration: JSONNode

  /// - Throws: `.notFound`, `.inputOutput`, or `.invalidModel` that names the file and what is wrong with it.
  init(path: String) throws {
    self.path = path
    archive = try TarArchive(path: path)
    let file = "\(path): model_config.yaml"
    guard let text = try archive.data("model_config.yaml") else {
      throw IdiolectError(.invalidModel, "\(path): has no model_config.yaml: NeMo did not write it")
    }
    do {
      configuration = JSONNode(NeMoArchive.modern(try JSONValue(yaml: text)), file: file)
    } catch let error as IdiolectError {
      throw IdiolectError(.invalidModel, "\(file): \(error.message)", cause: error)
    }
  }

  /// Hydra's older layout as today's, as NeMo turns it: `cls` is `_target_`, and `params` stand beside it.
  private static func modern(_ value: JSONValue) -> JSONValue {
    guard var section = value.object else { return value }
    if section["_target_"] == nil, let target = section["cls"] {
      section["_target_"] = target
      section["cls"] = nil
    }
    if let settings = section["params"]?.object {
      section["params"] = nil
      for (key, setting) in settings.members { section[key] = setting }
    }
    for (key, part) in section.members { section[key] = modern(part) }
    return .object(section)
  }

  /// By the encoder's name.
  var network: any NetworkConfiguration {
    get throws {
      let target = try configuration["encoder"]["_target_"].string(default: "missing")
      return target.hasSuffix(".ConvASREncoder")
        ? try JasperConfiguration(encoder: configuration["encoder"])
        : try FastConformerConfiguration(nemo: configuration)
    }
  }

  func weights() throws -> WeightStore { try WeightStore(archive: path) }

  /// What the parts of a network that hears with CTC are called: of a hybrid with a transducer its second decoder.
  var decoder: (settings: JSONNode, weights: String) {
    let auxiliary = configuration["aux_ctc"]["decoder"]
    return auxiliary.exists
      ? (auxiliary, "ctc_decoder") : (configuration["decoder"], "decoder")
  }

  /// Characters, or the pieces of a SentencePiece model; the blank is last.
  func vocabulary() throws -> Vocabulary {
    let type = try configuration["tokenizer"]["type"].string(default: "")
    switch type {
    case "":
      let labels = try decoder.settings["vocabulary"].strings()
      return try naming { try Vocabulary(labels: labels + ["<pad>"], blank: labels.count) }
    case "bpe":
      let named = try configuration["tokenizer"]["model_path"].string(default: "")
      let member =
        named.hasPrefix("nemo:")
        ? String(named.dropFirst(5))
        : archive.names.first { $0.hasSuffix("tokenizer.model") } ?? named
      guard let model = try archive.data(member) else {
        throw IdiolectError(.invalidModel, "\(path): has no tokenizer '\(member)'")
      }
      return try Vocabulary(sentencePiece: model, name: "\(path): \(member)")
    default:
      throw IdiolectError(
        .unsupported,
        "\(path): tokenizer.type is '\(type)'; characters and 'bpe' (SentencePiece) can be opened")
    }
  }

  private func naming<T>(_ body: () throws -> T) throws -> T {
    do { return try body() } catch let error as IdiolectError {
      throw IdiolectError(error.code, "\(path): \(error.message)", cause: error)
    }
  }
}

extension AcousticModel {
  /// Opens an archive that NeMo wrote: CTC networks with a Conformer, a FastConformer, or convolutions alone.
  ///
  /// - Throws: `.notFound`, `.invalidModel` or `.unsupported`, naming the file and what is wrong.
  convenience init(nemo path: String) throws {
    let archive = try NeMoArchive(path: path)
    var configuration = try archive.network
    let vocabulary = try archive.vocabulary()
    (configuration.labelCount, configuration.blank) = (vocabulary.count, vocabulary.blank)
    try configuration.validate(file: archive.configuration.file)
    let store = try archive.weights()
    let decoder = archive.decoder.weights
    let isConformer = configuration is FastConformerConfiguration
    func foreignName(_ name: String) -> String {
      isConformer
        ? FastConformerConfiguration.nemoName(name, decoder: decoder)
        : name.replacing("decoder.decoder_layers.", with: "\(decoder).decoder_layers.")
    }
    let source = ParameterSource(checkpoint: store, foreignName: foreignName)
    try self.init(
      configuration: configuration, source: source, vocabulary: vocabulary,
      frontEnd: .logMel(try LogMelConfiguration(nemo: archive.configuration["preprocessor"])),
      normalizer: TextNormalizer(), path: path)
    // What makes features is in the configuration; a transducer beside the network is not heard.
    let others =
      ["preprocessor.", "joint.", "encoder.pos_bias_"] + (decoder == "decoder" ? [] : ["decoder."])
    try source.refuseUnused(in: store, but: others, foreignName: foreignName)
  }
}
