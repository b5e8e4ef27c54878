/// What a look at the dev set found.
package struct DevScore: Sendable {
  package var characterErrorRate: Double
  package var wordErrorRate: Double
  /// Lines to show: hypothesis against reference.
  package var example: String

  package init(characterErrorRate: Double, wordErrorRate: Double, example: String = "") {
    self.characterErrorRate = characterErrorRate
    self.wordErrorRate = wordErrorRate
    self.example = example
  }
}
