import AcousticModels
import Adaptation
import AudioIO
import Basics
import Foundation
import SpeechCorpus
import TensorEngine
import TestSupport

/// A directory with a tiny base, and the shortest clips of the Scottish samples.
final class TinyCorpus {
  let path: String
  var base: String { "\(path)/base" }

  init(seed: UInt64 = 1) throws {
    path = try Golden.temporaryDirectory()
    try onEngine { try TinyModel.make(seed: seed).write(to: "\(path)/base") }
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// The shortest clips, from the `first`-th on, with texts of their own or the given ones.
  static func clips(_ count: Int, from first: Int = 0, of name: String = "adapt") throws
    -> [Utterance]
  {
    let manifest = try Manifest(path: "\(Golden.repository)/AudioSamples/scottish-\(name).jsonl")
    let sorted = manifest.utterances.sorted {
      ($0.durationSeconds ?? 0, $0.id) < ($1.durationSeconds ?? 0, $1.id)
    }
    return Array(sorted[first..<first + count])
  }

  /// The same utterances with recordings of their own in this directory, which tests may damage.
  func copies(_ utterances: [Utterance], _ prefix: String = "copy") throws -> [Utterance] {
    try utterances.enumerated().map { index, utterance in
      var copy = utterance
      copy.id = "\(prefix)\(index).opus"
      copy.audioPath = "\(path)/\(copy.id)"
      try FileManager.default.copyItem(atPath: utterance.audioPath, toPath: copy.audioPath)
      return copy
    }
  }

  /// The same speech recorded at another level, which a network hears alike and no leak check takes for a
  /// copy.
  func takes(_ utterances: [Utterance], _ prefix: String, level: Float) throws -> [Utterance] {
    try utterances.enumerated().map { index, utterance in
      var take = utterance
      take.id = "\(prefix)\(index).wav"
      take.audioPath = "\(path)/\(take.id)"
      try AudioWriter.write(
        readAudio(utterance.audioPath, sampleRate: 16_000).map { $0 * level }, sampleRate: 16_000,
        to: take.audioPath)
      return take
    }
  }

  @discardableResult
  func write(_ utterances: [Utterance], _ name: String) throws -> String {
    try Manifest.write(utterances, to: "\(path)/\(name).jsonl")
    return "\(path)/\(name).jsonl"
  }

  /// Six clips train, four are dev: two choose, two judge.
  func request(_ output: String = "out") throws -> AdaptationRequest {
    var request = AdaptationRequest(
      base: base, train: try write(try TinyCorpus.clips(6), "train"), output: "\(path)/\(output)")
    request.dev = try write(try TinyCorpus.clips(4, from: 6), "dev")
    request.strategy = .full
    request.settings = TinyCorpus.settings
    return request
  }

  static var settings: TrainingSettings {
    var settings = TrainingSettings()
    settings.epochs = 2
    settings.batchSeconds = 3
    settings.precision = .float32
    settings.checkpointSteps = 1
    return settings
  }

  func bytes(_ file: String) -> Data? { FileManager.default.contents(atPath: "\(path)/\(file)") }

  /// The tensors of a model in this directory, by name.
  func weights(_ directory: String) throws -> [String: [Float]] {
    try weights(from: "\(path)/\(directory)")
  }

  /// The tensors of a model anywhere, by name.
  func weights(from directory: String) throws -> [String: [Float]] {
    try onEngine {
      let model = try AcousticModel(directory: directory)
      return Dictionary(uniqueKeysWithValues: model.parameters.map { ($0.name, $0.tensor.values) })
    }
  }

  /// `adaptation.json` of a model in this directory.
  func record(_ directory: String) throws -> JSONNode {
    try JSONNode(path: "\(path)/\(directory)/adaptation.json")
  }

  func quarantine(_ directory: String) -> String {
    bytes("\(directory)/training/quarantine.jsonl").map { String(decoding: $0, as: UTF8.self) }
      ?? ""
  }
}
