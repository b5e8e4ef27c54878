import Basics
import Foundation
import TestSupport
import Testing

/// Oracle: what a direct call of the body would do, but all on one thread.
@Suite struct EngineThreadTests {
  private struct Failure: Error, Equatable { let number: Int }

  private func current() -> UInt { UInt(pthread_self()) }

  @Test func isAlwaysTheSameThread() async throws {
    let first = try onEngine { current() }
    #expect(first != current())
    #expect(!EngineThread.isCurrent)
    let threads = try await withThrowingTaskGroup(of: UInt.self) { group in
      for _ in 0..<50 { group.addTask { try onEngine { current() } } }
      return try await group.reduce(into: Set()) { $0.insert($1) }
    }
    #expect(threads == [first])
  }

  @Test func nestedCallsRunInPlace() throws {
    let threads = try onEngine { (current(), try onEngine { try onEngine { current() } }) }
    #expect(threads.0 == threads.1)
    #expect(try onEngine { EngineThread.isCurrent })
  }

  @Test func errorsComeBack() throws {
    #expect(throws: Failure(number: 3)) { try onEngine { throw Failure(number: 3) } }
    #expect(throws: Failure(number: 4)) {
      try onEngine { try onEngine { throw Failure(number: 4) } }
    }
    #expect(try onEngine { 5 } == 5, "it works on after an error")
  }

  /// Many short jobs from several threads: the caller must not resume while its closure is still held.
  @Test func manyShortJobs() async throws {
    let total = try await withThrowingTaskGroup(of: Int.self) { group in
      for task in 0..<4 {
        group.addTask {
          var sum = 0
          for index in 0..<20_000 { try onEngine { sum += index % (task + 1) } }
          return sum
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(total == (1...4).reduce(0) { $0 + expected($1) })
  }

  private func expected(_ modulus: Int) -> Int { (0..<20_000).reduce(0) { $0 + $1 % modulus } }
}
