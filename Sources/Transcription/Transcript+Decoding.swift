package import CTC
package import SpeechText

extension Transcript {
  /// The transcript of one window, its times counted from the window's own beginning.
  ///
  /// - Parameters:
  ///   - labels: what the decoder found.
  ///   - hopSeconds: from one output frame to the next.
  package init(
    _ labels: [DecodedLabel], vocabulary: Vocabulary, hopSeconds: Double, durationSeconds: Double
  ) {
    // The last output frame may reach beyond the last sample.
    func seconds(_ frame: Int) -> Double { min(Double(frame) * hopSeconds, durationSeconds) }
    let tokens: [Piece] = labels.compactMap { label in
      let text = vocabulary.text(of: label.label)
      guard !text.isEmpty else { return nil }
      return Piece(
        text: text, startSeconds: seconds(label.startFrame), endSeconds: seconds(label.endFrame),
        confidence: label.confidence)
    }
    self.init(
      text: vocabulary.decode(labels.map(\.label)), tokens: tokens, words: Self.words(tokens),
      confidence: Self.mean(tokens), durationSeconds: durationSeconds)
  }

  /// One transcript of consecutive windows, each with the second it begins at.
  package init(joining windows: [(start: Double, transcript: Transcript)]) {
    self.init(text: "")
    for (start, window) in windows {
      tokens += window.tokens.map { $0.shifted(by: start) }
      words += window.words.map { $0.shifted(by: start) }
      durationSeconds = start + window.durationSeconds
    }
    // A recording of one window keeps the text exactly as the tokenizer spells it.
    text =
      windows.count == 1
      ? windows[0].transcript.text
      : windows.map { trimmed($0.transcript.text) }.filter { !$0.isEmpty }.joined(separator: " ")
    confidence = Self.mean(tokens)
  }

  /// Tokens between spaces; a token may hold spaces itself.
  private static func words(_ tokens: [Piece]) -> [Piece] {
    var words: [Piece] = []
    var current: [Piece] = []
    func close() {
      guard let first = current.first, let last = current.last else { return }
      words.append(
        Piece(
          text: current.map(\.text).joined(), startSeconds: first.startSeconds,
          endSeconds: last.endSeconds, confidence: mean(current)))
      current = []
    }
    for token in tokens {
      let parts = token.text.unicodeScalars.split(omittingEmptySubsequences: false) {
        $0.properties.isWhitespace
      }
      for (index, part) in parts.enumerated() {
        if index > 0 { close() }
        guard !part.isEmpty else { continue }
        var piece = token
        piece.text = String(part)
        current.append(piece)
      }
    }
    close()
    return words
  }

  private static func mean(_ pieces: [Piece]) -> Float {
    pieces.isEmpty ? 0 : pieces.reduce(0) { $0 + $1.confidence } / Float(pieces.count)
  }
}

extension Transcript.Piece {
  func shifted(by seconds: Double) -> Self {
    var piece = self
    piece.startSeconds += seconds
    piece.endSeconds += seconds
    return piece
  }
}

private func trimmed(_ text: String) -> String {
  let scalars = text.unicodeScalars.drop { $0.properties.isWhitespace }
  return scalars.lastIndex { !$0.properties.isWhitespace }.map { String(scalars[...$0]) } ?? ""
}
