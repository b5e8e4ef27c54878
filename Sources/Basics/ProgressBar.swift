import Foundation
import Synchronization

/// A progress line on standard error: bar, count, rate, time left and a label.
///
///     let progress = ProgressBar("transcribing", total: 1200, unit: "utterances")
///     for … { progress.advance(label: utterance.name) }
///     progress.finish()
///
/// Redrawn at most ten times a second, and silent when standard error is no terminal, unless lines at an
/// interval are asked for. Standard output is never touched. May be used from any thread.
package final class ProgressBar: Sendable {
  /// Where and how to show.
  package enum Style: Sendable, Equatable {
    case silent
    /// One line, drawn over itself, of at most `width` columns.
    case bar(width: Int)
    /// A new line every so many seconds, as suits a log.
    case lines(everySeconds: Double)
  }

  private struct State {
    var done = 0
    var label = ""
    var drawn = -Double.infinity
    var isOnScreen = false
    var isFinished = false
  }

  private let title: String
  private let total: Int?
  private let unit: String
  private let style: Style
  private let clock: @Sendable () -> Double
  private let output: @Sendable (String) -> Void
  private let start: Double
  private let state = Mutex(State())

  /// - Parameters:
  ///   - total: how many steps there are, if known.
  ///   - unit: what a step is, in the plural.
  ///   - lineSeconds: seconds between lines when standard error is no terminal; nil for none.
  package convenience init(
    _ title: String, total: Int? = nil, unit: String = "steps", lineSeconds: Double? = nil
  ) {
    self.init(
      title, total: total, unit: unit, style: Self.style(lineSeconds: lineSeconds),
      clock: { ProcessInfo.processInfo.systemUptime }, output: Self.writeToStandardError)
  }

  /// With the clock in seconds and the output given, as tests need it.
  package init(
    _ title: String, total: Int?, unit: String, style: Style,
    clock: @escaping @Sendable () -> Double, output: @escaping @Sendable (String) -> Void
  ) {
    (self.title, self.total, self.unit, self.style) = (title, total, unit, style)
    (self.clock, self.output) = (clock, output)
    start = clock()
  }

  deinit { finish() }

  /// Counts steps as done.
  package func advance(by steps: Int = 1, label: String? = nil) {
    guard style != .silent else { return }
    let now = clock()
    state.withLock { state in
      state.done += steps
      if let label { state.label = label }
      guard !state.isFinished else { return }
      switch style {
      case .silent: break
      case .bar(let width):
        guard now - state.drawn >= 0.1 else { return }
        state.drawn = now
        state.isOnScreen = true
        output("\r\u{1B}[K" + clip(text(state, now, bar: true), to: width - 1))
      case .lines(let seconds):
        guard now - max(state.drawn, start) >= seconds else { return }
        state.drawn = now
        output(text(state, now, bar: false) + "\n")
      }
    }
  }

  /// Runs `body`, which prints, with the bar out of the way; the bar comes back with the next step.
  package func around<T>(_ body: () throws -> T) rethrows -> T {
    clear()
    return try body()
  }

  /// Takes the bar off the screen, until the next step.
  package func clear() {
    state.withLock { state in
      guard state.isOnScreen else { return }
      output("\r\u{1B}[K")
      state.isOnScreen = false
      state.drawn = -.infinity
    }
  }

  /// Takes the bar off the screen for good.
  package func finish() {
    state.withLock { state in
      if state.isOnScreen { output("\r\u{1B}[K") }
      state.isOnScreen = false
      state.isFinished = true
    }
  }

  private func text(_ state: State, _ now: Double, bar: Bool) -> String {
    let rate = Double(state.done) / max(now - start, 1e-9)
    var parts = [title]
    if let total, total > 0 {
      let fraction = min(1, max(0, Double(state.done) / Double(total)))
      if bar {
        let filled = Int(fraction * 20)
        parts.append(
          String(repeating: "█", count: filled) + String(repeating: "░", count: 20 - filled))
      }
      parts.append("\(Int(fraction * 100)) %")
      parts.append("\(state.done)/\(total) \(unit)")
    } else {
      parts.append("\(state.done) \(unit)")
    }
    parts.append(
      rate >= 10 || rate == 0 ? "\(Int(min(rate, 1e12)))/s" : String(format: "%.1f/s", rate))
    if let total, state.done < total, rate > 0 {
      parts.append(Self.duration(Double(total - state.done) / rate) + " left")
    }
    if !state.label.isEmpty { parts.append(state.label) }
    // A label from a file name must not move the cursor.
    return printable(parts.joined(separator: "  "), replacement: " ")
  }

  /// Such as `0:42`, `12:05` or `3:20:00`.
  package static func duration(_ seconds: Double) -> String {
    let seconds = Int(min(max(seconds.isNaN ? 0 : seconds, 0), 3_599_999).rounded(.up))
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60)
    return hours > 0
      ? String(format: "%d:%02d:%02d", hours, minutes, seconds % 60)
      : String(format: "%d:%02d", minutes, seconds % 60)
  }
}

extension ProgressBar {
  private static func style(lineSeconds: Double?) -> Style {
    guard isatty(STDERR_FILENO) == 1 else {
      return lineSeconds.map { .lines(everySeconds: $0) } ?? .silent
    }
    var size = winsize()
    let known = ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return .bar(width: known ? Int(size.ws_col) : 80)
  }

  private static func writeToStandardError(_ text: String) {
    var text = text
    // Progress that cannot be shown is no failure.
    text.withUTF8 { _ = write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}

/// A line longer than the terminal would wrap, and then not be cleared.
private func clip(_ text: String, to width: Int) -> String {
  text.count <= width ? text : String(text.prefix(max(0, width - 1))) + "…"
}
