import AcousticFeatures
import AcousticModels
import AudioIO
public import Basics
import CTC
package import SpeechCorpus
import SpeechText
import TensorEngine

/// What goes through the network in one piece.
struct Window {
  let features: Features
  let seconds: Double
}

extension Transcriber {
  private var pass: Pass {
    Pass(training: false, precision: precision, quantises: options.quantises)
  }

  /// One pass over a batch: features to transcripts, in their order.
  func transcribe(batch: [Window]) throws -> [Transcript] {
    let decoder = GreedyDecoder(labels: model.vocabulary.count, blank: model.vocabulary.blank)
    let decoded = try onEngine {
      let (logits, segments) = model.network(
        FeatureBatch(batch.map(\.features)), pass)
      // What is not a number here comes from the weights: features are finite.
      return try naming(model.path ?? "model") {
        try decoder(
          logits: UnsafeBufferPointer(start: logits.pointer, count: logits.count),
          segments: (0..<segments.count).map { PackedSegment(segments, $0) })
      }
    }
    return zip(batch, decoded).map { window, labels in
      Transcript(
        labels, vocabulary: model.vocabulary, hopSeconds: model.outputHopSeconds,
        durationSeconds: window.seconds)
    }
  }

  /// The network's raw output for a clip: the whole tensor that transformers returns for it alone,
  /// trailing masked frame included.
  ///
  /// The clip goes through the network in one piece, whatever its length, up to five minutes.
  ///
  /// - Returns: `[output frames, labels]`.
  /// - Throws: as `transcribe(path:)`; `.invalidArgument` for a longer clip.
  public func logits(path: String) throws -> NumpyFile {
    try logits(of: Utterance(id: path, audioPath: path, text: ""))
  }

  /// The same for an utterance, which may be part of a recording.
  package func logits(of utterance: Utterance) throws -> NumpyFile {
    let limit = 300.0
    let path = utterance.audioPath
    let reader = try AudioReader(
      path, sampleRate: model.frontEnd.sampleRate, offsetSeconds: utterance.offsetSeconds,
      durationSeconds: utterance.durationSeconds)
    let most = Int(limit) * model.frontEnd.sampleRate
    let samples = try reader.next(maximumFrames: most + 1) ?? []
    guard samples.count <= most else {
      throw IdiolectError(
        .invalidArgument,
        "\(path): longer than \(Int(limit)) s, and raw logits are of one pass; cut out a part of it"
      )
    }
    return try logits(features: naming(path) { try model.frontEnd(samples) })
  }

  /// The network's raw output for features `[frames, bins]`: `[output frames, labels]`.
  func logits(features: Features) throws -> NumpyFile {
    try onEngine {
      let (logits, _) = model.network(
        FeatureBatch([features], keepsInvalidFrames: true), pass)
      return NumpyFile(shape: logits.shape, values: logits.values)
    }
  }
}

/// Runs `body`; its error begins with the name of the recording.
func naming<Value>(_ name: String, _ body: () throws -> Value) throws -> Value {
  do {
    return try body()
  } catch let error as IdiolectError where !error.message.hasPrefix(name) {
    throw IdiolectError(error.code, "\(name): \(error.message)", cause: error)
  }
}
