import Basics
import CKernels
import Foundation
package import SpeechCorpus
package import SpeechText

/// Names all that determines a training, so that a run is never resumed with something else.
package struct RunFingerprint {
  package let text: String

  /// - Parameters:
  ///   - base: the hash of the base's weights; empty for random ones.
  ///   - utterances: those that train, then those that choose.
  package init(
    settings: TrainingSettings, base: String, strategy: String, vocabulary: Vocabulary,
    utterances: [Utterance]
  ) throws {
    var hash = SHA256()
    func add(_ text: String) { Data((text + "\n").utf8).withUnsafeBytes { hash.update($0) } }
    // Where checkpoints lie and what memory holds changes no bit of the result.
    var settings = settings
    settings.checkpointSteps = 0
    settings.featureCacheBytes = 0
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    add(String(decoding: try encoder.encode(settings), as: UTF8.self))
    add(strategy)
    add(base)
    add("\(vocabulary.labels) \(vocabulary.blank)")
    for utterance in utterances {
      add(
        "\(utterance.id)\t\(utterance.offsetSeconds)\t\(utterance.durationSeconds ?? -1)\t\(utterance.text)"
      )
    }
    text = "\(hash.digest().hex)\(RunFingerprint.mark)\(try onEngine { Int(ck_threads()) })"
  }

  /// Between the hash and the number of threads, which stands apart so that a message can name it.
  private static let mark = " threads "

  /// How many threads the one run had, where that is all in which it differs from the other.
  package static func otherThreads(_ one: String, _ other: String) -> Int? {
    guard let here = one.range(of: mark), let there = other.range(of: mark),
      one[..<here.lowerBound] == other[..<there.lowerBound],
      one[here.upperBound...] != other[there.upperBound...]
    else { return nil }
    return Int(one[here.upperBound...])
  }
}
