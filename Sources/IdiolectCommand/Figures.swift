import Foundation

/// Lengths, counts and tables as people read them; rates are written by `percent` and `points`.
enum Figures {
  /// `0.42 s`, `12.3 s`, `4 min 31 s`, `2 h 5 min`
  static func duration(_ seconds: Double) -> String {
    guard seconds.isFinite, seconds < 1e12 else { return "unknown" }
    if seconds < 10 { return String(format: "%.2f s", seconds) }
    if seconds < 60 { return String(format: "%.1f s", seconds) }
    let whole = Int(seconds.rounded())
    return whole < 3600
      ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole % 3600 / 60) min"
  }

  /// `10 ms`
  static func milliseconds(_ seconds: Double) -> String {
    String(format: "%g ms", (seconds * 1e6).rounded() / 1e3)
  }

  /// `412 MB`, `3.1 GB`
  static func bytes(_ count: Int) -> String {
    count < 1_000_000_000
      ? "\(max(1, (count + 500_000) / 1_000_000)) MB"
      : String(format: "%.1f GB", Double(count) / 1e9)
  }

  /// `1,048,576`
  static func count(_ number: Int) -> String {
    var digits = String(number.magnitude)
    var groups: [String] = []
    while digits.count > 3 {
      groups.insert(String(digits.suffix(3)), at: 0)
      digits.removeLast(3)
    }
    return (number < 0 ? "−" : "") + ([digits] + groups).joined(separator: ",")
  }

  /// `1 recording`, `1,500 recordings`
  static func count(_ number: Int, _ noun: String) -> String {
    "\(count(number)) \(noun)\(number == 1 ? "" : "s")"
  }

  /// Left-aligned columns, the numbers right-aligned.
  ///
  /// - Parameter rows: all of one length; the first column is text.
  static func table(_ rows: [[String]]) -> [String] {
    guard let first = rows.first else { return [] }
    let widths = first.indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
    return rows.map { row in
      row.indices.map { column in
        let padding = String(repeating: " ", count: widths[column] - row[column].count)
        return column == 0 ? row[column] + padding : padding + row[column]
      }.joined(separator: "  ")
    }
  }
}
