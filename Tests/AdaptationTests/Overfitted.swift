import AcousticModels
import Adaptation
import Basics
import Foundation
import SpeechCorpus
import TensorEngine
import TestSupport

/// A small network trained from random weights until it knows eight clips by heart; made once.
enum Overfitted {
  struct Outcome: Sendable {
    let directory: String
    /// On the clips it was trained on.
    let characterErrorRate: Double
  }

  static func clips() throws -> [Utterance] { try TinyCorpus.clips(8) }

  static let outcome = Result { try make() }

  private static func make() throws -> Outcome {
    let directory = try Golden.temporaryDirectory()
    let manifest = "\(directory)/clips.jsonl"
    try Manifest.write(try clips(), to: manifest)
    var request = ScratchRequest(train: manifest, output: "\(directory)/model")
    request.dev = manifest
    request.storage = .float32
    var network = TinyModel.configuration
    network.hiddenSize = 64
    network.headCount = 4
    network.intermediateSize = 128
    network.dropout = 0
    network.activationDropout = 0
    network.attentionDropout = 0
    network.layerDrop = 0
    request.network = .fastConformer(network)
    request.settings.precision = .float32
    request.settings.epochs = 250
    request.settings.batchSeconds = 15
    request.settings.learningRate = 4e-3
    request.settings.evaluationSteps = 50
    request.settings.speeds = []
    request.settings.specAugment = nil
    try ScratchRun(request).run()
    let record = try JSONNode(path: "\(directory)/model/adaptation.json")
    return Outcome(
      directory: "\(directory)/model",
      characterErrorRate: try record["training"]["dev_cer"].double())
  }
}
