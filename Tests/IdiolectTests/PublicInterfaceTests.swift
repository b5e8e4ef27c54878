import Foundation
import Idiolect
import Testing

/// Uses the library as a program outside this package does: `import Idiolect`, and nothing that is not
/// public. `swiftc -typecheck` without this package's name accepts this file.
struct PublicInterfaceTests {
  private func temporaryDirectory() throws -> String {
    let path = NSTemporaryDirectory() + "idiolect-\(UUID().uuidString)"
    try AtomicFile.makeDirectory(path)
    return path
  }

  /// Opens the bundled model, writes it anew, and transcribes with both.
  @Test func modelsAreOpenedWrittenAndRun() throws {
    let directory = try temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let checkout = #filePath.components(separatedBy: "/Tests/")[0]
    let model = try onEngine { try AcousticModel(directory: "\(checkout)/Models/english-small") }
    try onEngine { try model.write(to: "\(directory)/copy", storage: .float32) }
    let copy = try onEngine { try AcousticModel(directory: "\(directory)/copy") }
    let samples = try readAudio(
      "\(checkout)/Tests/Golden/features/flite.flac", sampleRate: model.frontEnd.sampleRate)
    let first = try Transcriber(model: model, precision: .float32).transcribe(samples: samples)
    let second = try Transcriber(model: copy, precision: .float32).transcribe(samples: samples)
    #expect(first.text == second.text)
    #expect(first.durationSeconds > 0)
  }

  /// Two equally likely labels in each of two frames: of the nine paths, three say "1".
  @Test func lossDecodingAndAlignment() throws {
    let logits = [Float](repeating: 0, count: 6)
    var gradient = [Float](repeating: 1, count: 6)
    let segments = PackedSegment.packed(frames: [2])
    let utterance = CTCUtterance(name: "two frames", segment: segments[0], target: [1])
    let result = try logits.withUnsafeBufferPointer { logits in
      try gradient.withUnsafeMutableBufferPointer {
        try CTCLoss(labels: 3, blank: 0)(
          logits: logits, utterances: [utterance], policy: .fail, gradient: $0)
      }
    }
    #expect(abs((result.losses[0] ?? 0) - log(3)) < 1e-12)
    #expect(result.meanLoss == result.losses[0] && result.excluded.isEmpty)
    #expect(abs(gradient.reduce(0, +)) < 1e-6)

    let clear: [Float] = [0, 9, 0, 9, 0, 0]
    try clear.withUnsafeBufferPointer { clear in
      let decoded: [DecodedLabel] = try GreedyDecoder(labels: 3, blank: 0)(logits: clear)
      let aligned = try ForcedAlignment(of: [1], to: clear, labels: 3, blank: 0, name: "clear")
      #expect(decoded.map(\.label) == [1] && aligned.labels.map(\.label) == [1])
      #expect(decoded[0].startFrame == 0 && decoded[0].endFrame == 1)
    }
  }

  @Test func lossOnATape() throws {
    try onEngine {
      let logits = Tensor(repeating: 0, shape: [2, 3])
      logits.requiresGradient = true
      let tape = Tape()
      let segment = PackedSegment(firstRow: 0, rows: 2, frames: 2)
      let loss = try tape.recording {
        try CTCLoss(labels: 3, blank: 0).onTape(
          logits: logits, utterances: [CTCUtterance(name: "one", segment: segment, target: [1])],
          policy: .exclude
        ).loss
      }
      tape.backward(from: loss)
      #expect(abs(loss.scalar - log(3)) < 1e-6)
      #expect(logits.gradient?.count == 6)
    }
  }

  @Test func whatTooShortAudioIsCalled() throws {
    let segment = PackedSegment(firstRow: 0, rows: 1, frames: 1)
    let utterance = CTCUtterance(name: "short", segment: segment, target: [1, 2])
    let logits: [Float] = [0, 0, 0]
    let result = try logits.withUnsafeBufferPointer {
      try CTCLoss(labels: 3, blank: 0)(logits: $0, utterances: [utterance], policy: .exclude)
    }
    #expect(result.excluded.first?.reason == .tooShort(frames: 1, required: 2))
  }

  @Test func errorsAndVersion() {
    #expect(!idiolectVersion.isEmpty)
    let error = #expect(throws: IdiolectError.self) { try Manifest(path: "/nonexistent") }
    #expect(error?.code == .notFound)
  }
}
