import Basics
import Foundation
package import SpeechCorpus

/// Names all that determines a training, so that a run is never resumed with something else.
package struct RunFingerprint {
  package let text: String

  package init(
    settings: TrainingSettings, base: String, strategy: String, utterances: [Utterance]
  ) throws {
    var hash = SHA256()
    func add(_ text: String) { Data((text + "\n").utf8).withUnsafeBytes { hash.update($0) } }
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    add(String(decoding: try encoder.encode(settings), as: UTF8.self))
    add(strategy)
    if !base.isEmpty {
      add(try SHA256.hash(file: "\(base)/model.safetensors").hex)
    }
    for utterance in utterances {
      add("\(utterance.id)\t\(utterance.offsetSeconds)\t\(utterance.text)")
    }
    text = hash.digest().hex
  }
}
