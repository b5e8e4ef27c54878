import Basics
import Foundation
import Synchronization
import Testing

/// Oracle: what a terminal would show, with a clock that the test turns.
@Suite struct ProgressTests {
  private final class Screen: Sendable {
    let time = Mutex(0.0)
    let writes = Mutex([String]())
    func progress(_ style: ProgressBar.Style, total: Int? = 100) -> ProgressBar {
      ProgressBar(
        "training", total: total, unit: "steps", style: style,
        clock: { self.time.withLock { $0 } },
        output: { text in self.writes.withLock { $0.append(text) } })
    }
    func pass(_ seconds: Double) { time.withLock { $0 += seconds } }
    var shown: [String] { writes.withLock { $0 } }
  }

  private let erase = "\r\u{1B}[K"

  @Test func showsRateAndTimeLeft() {
    let screen = Screen()
    let progress = screen.progress(.bar(width: 100))
    screen.pass(10)
    progress.advance(by: 25, label: "epoch 1")
    #expect(
      screen.shown == [
        erase + "training  █████░░░░░░░░░░░░░░░  25 %  25/100 steps  2.5/s  0:30 left  epoch 1"
      ])
  }

  @Test func redrawsAtMostTenTimesASecond() {
    let screen = Screen()
    let progress = screen.progress(.bar(width: 80), total: 10_000)
    for _ in 0..<5000 {
      screen.pass(0.001)
      progress.advance()
    }
    #expect((40...51).contains(screen.shown.count))
  }

  @Test func clearsItselfBeforeOtherPrints() {
    let screen = Screen()
    let progress = screen.progress(.bar(width: 80))
    #expect(progress.around { 1 } == 1)
    #expect(screen.shown == [], "nothing to clear")
    progress.advance()
    progress.around { screen.writes.withLock { $0.append("printed\n") } }
    #expect(screen.shown.suffix(2) == [erase, "printed\n"])
    progress.advance()
    #expect(screen.shown.count == 4, "it comes back at once")
    progress.finish()
    progress.finish()
    progress.advance()
    #expect(screen.shown.count == 5)
    #expect(screen.shown.last == erase)
  }

  @Test func endsWithItsOwner() {
    let screen = Screen()
    do {
      let progress = screen.progress(.bar(width: 80))
      progress.advance()
    }
    #expect(screen.shown.last == erase)
  }

  @Test func fitsTheTerminal() {
    let screen = Screen()
    let progress = screen.progress(.bar(width: 40))
    screen.pass(1)
    progress.advance(label: String(repeating: "long ", count: 50) + "\n\u{1B}[2J")
    let line = screen.shown[0].dropFirst(erase.unicodeScalars.count)
    #expect(line.count <= 39 && line.hasSuffix("…"))
    let wide = screen.progress(.bar(width: 1000))
    wide.advance(label: "a\n\u{1B}[2Jb")
    #expect(screen.shown[1].hasSuffix("a  [2Jb"), "control characters become spaces")
    #expect(screen.progress(.bar(width: 0)).around { true })
  }

  @Test func linesForALog() {
    let screen = Screen()
    let progress = screen.progress(.lines(everySeconds: 30), total: nil)
    for _ in 0..<100 {
      screen.pass(1)
      progress.advance(label: "x")
    }
    progress.finish()
    #expect(
      screen.shown == [
        "training  30 steps  1.0/s  x\n", "training  60 steps  1.0/s  x\n",
        "training  90 steps  1.0/s  x\n",
      ])
  }

  @Test func silent() {
    let screen = Screen()
    let progress = screen.progress(.silent)
    for _ in 0..<10 {
      screen.pass(10)
      progress.advance()
    }
    progress.clear()
    progress.finish()
    #expect(screen.shown == [])
  }

  /// Without a terminal nothing is written, whoever runs this test: standard error is a file here.
  @Test func quietWithoutTerminal() async throws {
    let result = try await #require(
      processExitsWith: .success, observing: [\.standardErrorContent]
    ) {
      let progress = ProgressBar("training", total: 3)
      for _ in 0..<3 { progress.advance() }
      progress.finish()
    }
    #expect(result.standardErrorContent == [])
  }

  @Test(arguments: [
    (0, "0:00"), (0.2, "0:01"), (61, "1:01"), (3599.5, "1:00:00"), (12_000, "3:20:00"),
    (-5, "0:00"), (.nan, "0:00"), (.infinity, "999:59:59"),
  ])
  func durations(seconds: Double, text: String) {
    #expect(ProgressBar.duration(seconds) == text)
  }
}
