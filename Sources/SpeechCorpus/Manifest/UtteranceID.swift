/// How utterances are named: as the manifest says, else by the path of the recording.
///
/// A name becomes a key of Kaldi's tables, a tensor's name, or a path below a folder of features.
enum UtteranceID {
  /// Of an utterance that its manifest gives no name.
  static func derived(fromAudio audio: String, offsetSeconds: Double) -> String {
    offsetSeconds == 0 ? audio : "\(audio)@\(offsetSeconds)"
  }

  /// Why `id` cannot be a name; nil where it can.
  static func fault(_ id: String) -> String? {
    if id.isEmpty { return "is empty" }
    let separates = id.unicodeScalars.contains {
      $0.properties.isWhitespace || $0.properties.generalCategory == .control
    }
    if separates { return "holds white space or a control character" }
    // By bytes: a slash and the accent after it would be one character.
    let parts = id.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    let leadsElsewhere = parts.contains { part in
      ["", ".", ".."].contains { part.elementsEqual($0.utf8) }
    }
    return leadsElsewhere ? "is no path below a folder" : nil
  }

  static let remedy =
    "name each utterance otherwise, without white space and with no part that is empty, '.' or '..'"
}
