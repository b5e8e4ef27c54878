import Basics
import Foundation

/// What a step, or a look at the dev set, measured.
package struct Metric: Codable, Sendable, Hashable {
  package var step: Int
  package var epoch: Int
  /// Wall time of training so far.
  package var seconds: Double
  /// CTC loss per label of the step's batches; nil at a look.
  package var loss: Double?
  package var learningRate: Double?
  /// Before clipping, per label.
  package var gradientNorm: Double?
  package var devCER: Double?
  package var devWER: Double?

  package init(
    step: Int, epoch: Int, seconds: Double, loss: Double? = nil, learningRate: Double? = nil,
    gradientNorm: Double? = nil, devCER: Double? = nil, devWER: Double? = nil
  ) {
    (self.step, self.epoch, self.seconds) = (step, epoch, seconds)
    (self.loss, self.learningRate, self.gradientNorm) = (loss, learningRate, gradientNorm)
    (self.devCER, self.devWER) = (devCER, devWER)
  }

  private enum CodingKeys: String, CodingKey {
    case step, epoch, seconds, loss
    case learningRate = "learning_rate"
    case gradientNorm = "gradient_norm"
    case devCER = "dev_cer"
    case devWER = "dev_wer"
  }

  /// Names and values as TensorBoard shows them.
  var scalars: [(tag: String, value: Double)] {
    [
      ("train/loss", loss), ("train/learning_rate", learningRate),
      ("train/gradient_norm", gradientNorm), ("dev/cer", devCER), ("dev/wer", devWER),
    ].compactMap { tag, value in value.map { (tag, $0) } }
  }
}

/// The course of a training in `metrics.jsonl`, an object a line, and as TensorBoard's events.
///
/// Both are written when a checkpoint is, so that a run that resumes goes on where they end. A course that
/// cannot be written is said once, and ends no training.
package final class MetricsLog {
  private let path: String
  private let events: String
  private var pending: [Metric] = []
  private let report: (String) -> Void
  private var failed = false

  /// - Parameters:
  ///   - directory: of the checkpoints.
  ///   - step: of the checkpoint that is gone on from; what was measured after it is measured again.
  package init(directory: String, resumingAfter step: Int, report: @escaping (String) -> Void) {
    path = "\(directory)/metrics.jsonl"
    events = "\(directory)/tensorboard/events.out.tfevents.0.idiolect"
    self.report = report
    attempt {
      try AtomicFile.makeDirectory("\(directory)/tensorboard")
      let kept = MetricsLog.read(path).filter { $0.step <= step && step > 0 }
      try AtomicFile.write(try kept.map(MetricsLog.line).joined(), to: path)
      try AtomicFile.write(
        EventFile.header + kept.reduce(Data()) { $0 + EventFile.records($1) }, to: events)
    }
  }

  /// Removes the course of an older run, lest it be taken for that of the next.
  static func remove(from directory: String) {
    for name in ["metrics.jsonl", "tensorboard"] {
      try? FileManager.default.removeItem(atPath: "\(directory)/\(name)")
    }
  }

  package func add(_ metric: Metric) {
    guard [metric.loss, metric.gradientNorm, metric.devCER].allSatisfy({ $0?.isFinite ?? true })
    else { return }
    pending.append(metric)
  }

  /// Appends what was added since.
  package func flush() {
    defer { pending = [] }
    guard !failed, !pending.isEmpty else { return }
    attempt {
      try MetricsLog.append(Data(try pending.map(MetricsLog.line).joined().utf8), to: path)
      try MetricsLog.append(pending.reduce(Data()) { $0 + EventFile.records($1) }, to: events)
    }
  }

  /// What the file holds; a line that is cut short by a kill is left out.
  package static func read(_ path: String) -> [Metric] {
    guard let text = FileManager.default.contents(atPath: path) else { return [] }
    let decoder = JSONDecoder()
    return text.split(separator: UInt8(ascii: "\n")).compactMap {
      try? decoder.decode(Metric.self, from: Data($0))
    }
  }

  private static func line(_ metric: Metric) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return String(decoding: try encoder.encode(metric), as: UTF8.self) + "\n"
  }

  private static func append(_ data: Data, to path: String) throws {
    guard let file = FileHandle(forWritingAtPath: path) else {
      throw IdiolectError(.inputOutput, "\(path): cannot be written")
    }
    defer { try? file.close() }
    try file.seekToEnd()
    try file.write(contentsOf: data)
  }

  private func attempt(_ body: () throws -> Void) {
    do {
      try body()
    } catch {
      failed = true
      report("the course of the training cannot be written: \(error)")
    }
  }
}
