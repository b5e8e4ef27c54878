/// Untrusted text, safe for one line of a terminal: control characters become `replacement`.
package func printable(_ text: String, replacement: Unicode.Scalar = "\u{FFFD}") -> String {
  func isControl(_ scalar: Unicode.Scalar) -> Bool { scalar.properties.generalCategory == .control }
  guard text.unicodeScalars.contains(where: isControl) else { return text }
  var result = String.UnicodeScalarView()
  for scalar in text.unicodeScalars { result.append(isControl(scalar) ? replacement : scalar) }
  return String(result)
}
