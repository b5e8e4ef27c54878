import Basics
import CKernels
import Foundation
import TensorEngine

/// Does pieces of work on request and says how long they took: one side of `Scripts/compare`.
///
/// Lines on standard input: `prepare KIND PRECISION NUMBERS…`, `run TIMES`, `write PREFIX` (the results of
/// the last run, one .npy each), `memory` (this process's peak of resident bytes). Each is answered with one
/// line.
@main struct Worker {
  static func main() throws {
    while let line = readLine() {
      let words = line.split(separator: " ").map(String.init)
      let answer: String
      do { answer = try Session.shared.answer(words) } catch { answer = "error \(error)" }
      FileHandle.standardOutput.write(Data((answer + "\n").utf8))
    }
  }
}

/// One piece of work, prepared: `run` does it once, `results` are what the last run made.
struct Work {
  let run: () throws -> Void
  let results: () -> [Tensor]
  /// What one run took, where it is not all of it that counts.
  var seconds: (() -> Double)?
}

final class Session: @unchecked Sendable {
  // Used by one thread, which waits while the engine thread works.
  static let shared = Session()
  private var work: Work?

  func answer(_ words: [String]) throws -> String {
    switch words.first {
    case "threads":
      try onEngine { ck_set_threads(Int32(words[1])!) }
      return "ok \(try onEngine { String(cString: ck_library_version()) })"
    case "prepare":
      work = nil
      work = try onEngine {
        try Catalogue.work(
          words[1], try Precision(option: words[2]), Array(words.dropFirst(3)))
      }
      return "ok"
    case "run":
      let clock = ContinuousClock()
      let time = try onEngine {
        try clock.measure { for _ in 0..<Int(words[1])! { try work!.run() } }
      }
      return "\(work!.seconds.map { $0() * Double(words[1])! } ?? time / .seconds(1))"
    case "write":
      return try onEngine {
        let results = work!.results()
        for (index, tensor) in results.enumerated() {
          try NumpyFile(shape: tensor.shape, values: tensor.values).write(
            to: "\(words[1])\(index).npy")
        }
        return "\(results.count)"
      }
    case "memory":
      let status = try String(contentsOfFile: "/proc/self/status", encoding: .utf8)
      let peak = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }!
      return "\(Int(peak.split { !$0.isNumber }[0])! * 1024)"
    default: return "error unknown request"
    }
  }
}
