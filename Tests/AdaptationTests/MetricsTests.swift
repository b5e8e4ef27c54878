import Adaptation
import Basics
import Foundation
import TestSupport
import Testing

/// The course of a training, for people and for TensorBoard.
struct MetricsTests {
  private let corpus: TinyCorpus

  init() throws { corpus = try TinyCorpus() }

  private var directory: String { "\(corpus.path)/log" }

  private func log(after step: Int = 0) throws -> MetricsLog {
    try FileManager.default.createDirectory(
      atPath: directory, withIntermediateDirectories: true)
    return MetricsLog(directory: directory, resumingAfter: step) { Issue.record("\($0)") }
  }

  private func metric(_ step: Int) -> Metric {
    Metric(step: step, epoch: 0, seconds: Double(step), loss: 3.25, learningRate: 1e-3)
  }

  @Test func goesOnWhereTheCheckpointWas() throws {
    let first = try log()
    for step in 1...5 { first.add(metric(step)) }
    first.flush()
    // Killed while a line was written.
    let file = try #require(FileHandle(forWritingAtPath: "\(directory)/metrics.jsonl"))
    try file.seekToEnd()
    try file.write(contentsOf: Data("{\"step\":6,\"ep".utf8))
    try file.close()
    let second = try log(after: 3)
    second.add(metric(4))
    second.flush()
    #expect(MetricsLog.read("\(directory)/metrics.jsonl") == (1...4).map(metric))
  }

  @Test func whatIsNoNumberIsLeftOut() throws {
    let log = try log()
    log.add(Metric(step: 1, epoch: 0, seconds: 0, loss: .nan))
    log.flush()
    #expect(MetricsLog.read("\(directory)/metrics.jsonl").isEmpty)
  }

  /// Bytes that TensorBoard 2.21 reads as these scalars; `Scripts/golden/event_files.py` made sure.
  @Test func eventsAreTensorBoards() throws {
    let log = try log()
    log.add(
      Metric(
        step: 300, epoch: 1, seconds: 2.5, loss: 1.5, learningRate: 1e-3, gradientNorm: 0.25))
    log.add(Metric(step: 300, epoch: 1, seconds: 2.5, devCER: 0.125, devWER: 0.5))
    log.flush()
    let path = "\(directory)/tensorboard/events.out.tfevents.0.idiolect"
    let bytes = try #require(FileManager.default.contents(atPath: path))
    #expect(
      SHA256.hash(bytes).hex == "9bf06c0266d22f3003dbc02a73e1221ee51616c7b964c2a54cedf7638dc5c623")
  }

  @Test func aRunHasACourse() throws {
    let report = try AdaptationRun(try corpus.request()).run()
    let course = MetricsLog.read("\(corpus.path)/out/training/metrics.jsonl")
    #expect(course.filter { $0.loss != nil }.count == report.training.updates)
    #expect(course.filter { $0.devCER != nil }.count == report.training.looks.count)
    #expect(course.map(\.step) == course.map(\.step).sorted())
  }
}
