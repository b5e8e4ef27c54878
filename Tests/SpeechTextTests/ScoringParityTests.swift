import Basics
import Foundation
import SpeechText
import TestSupport
import Testing

/// Oracle: `Scripts/golden/scoring.py`, a plain recursion and NumPy's generator.
@Suite("Scores and NumPy")
struct ScoringParityTests {
  struct Pair: Decodable {
    let reference, hypothesis: String
    let words, wordLength, characters, characterLength: Int
  }

  struct Bootstrap: Decodable {
    let length, base, adapted: [Int]
    let speaker: [String]?
    let rate, difference, probabilityBetter: Double
    let interval, differenceInterval: [Double]
    let units: Int
  }

  struct File: Decodable {
    let pairs: [Pair]
    let bootstraps: [Bootstrap]
  }

  let file: File

  init() throws {
    let url = URL(fileURLWithPath: "\(Golden.directory)/text/scoring.json")
    file = try JSONDecoder().decode(File.self, from: Data(contentsOf: url))
  }

  @Test("Totals are the least possible")
  func totals() {
    #expect(file.pairs.count == 150)
    for pair in file.pairs {
      let words = ErrorCounts.words(reference: pair.reference, hypothesis: pair.hypothesis)
      #expect(words.errors == pair.words && words.referenceLength == pair.wordLength)
      let characters = ErrorCounts.characters(
        reference: pair.reference, hypothesis: pair.hypothesis)
      #expect(characters.errors == pair.characters)
      #expect(characters.referenceLength == pair.characterLength)
    }
  }

  @Test("Intervals agree within what 10,000 draws leave open")
  func bootstraps() throws {
    for example in file.bootstraps {
      func counts(_ errors: [Int]) -> [ErrorCounts] {
        zip(errors, example.length).map { errors, length in
          var counts = ErrorCounts()
          counts.substitutions = errors
          counts.correct = length - errors
          return counts
        }
      }
      let speakers: [String?] =
        example.speaker ?? Array(repeating: nil, count: example.length.count)
      let scored = zip(counts(example.base), speakers).map {
        ScoredUtterance(counts: $0, speaker: $1)
      }
      let interval = try ErrorInterval(scored)
      #expect(abs(interval.rate - example.rate) < 1e-12)
      #expect(abs(interval.lower - example.interval[0]) < 0.004)
      #expect(abs(interval.upper - example.interval[1]) < 0.004)
      #expect(interval.units == example.units)
      #expect(interval.unit == (example.speaker == nil ? .utterances : .speakers))
      let paired = try PairedBootstrap(
        base: counts(example.base), adapted: counts(example.adapted), speakers: speakers)
      #expect(abs(paired.difference - example.difference) < 1e-12)
      #expect(abs(paired.lower - example.differenceInterval[0]) < 0.004)
      #expect(abs(paired.upper - example.differenceInterval[1]) < 0.004)
      #expect(abs(paired.probabilityBetter - example.probabilityBetter) < 0.01)
      let again = try PairedBootstrap(
        base: counts(example.base), adapted: counts(example.adapted), speakers: speakers)
      #expect(again == paired)
    }
  }

  @Test("Equal models are neither better nor worse")
  func ties() throws {
    let counts = (0..<10).map { _ in ErrorCounts.words(reference: "a b", hypothesis: "a") }
    let paired = try PairedBootstrap(
      base: counts, adapted: counts, speakers: Array(repeating: nil, count: 10))
    #expect(paired.difference == 0 && paired.probabilityBetter == 0.5)
    #expect(!paired.isBetter && !paired.isWorse)
    #expect(throws: IdiolectError.self) { try ErrorInterval([]) }
  }

  @Test("Alignment in linear memory is as cheap as with the whole matrix")
  func longTexts() {
    var random = SeededRandom(seed: 3)
    // Above the size at which texts are halved (2,048 squared).
    let reference = (0..<3_000).map { _ in random.integer(below: 30) }
    var hypothesis = reference
    for _ in 0..<900 {
      let place = random.integer(below: hypothesis.count)
      switch random.integer(below: 3) {
      case 0: hypothesis[place] = random.integer(below: 30)
      case 1: hypothesis.remove(at: place)
      default: hypothesis.insert(random.integer(below: 30), at: place)
      }
    }
    let alignment = Alignment(reference: reference, hypothesis: hypothesis)
    var row = Array(0...hypothesis.count)
    for (i, a) in reference.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, b) in hypothesis.enumerated() {
        let cost = min(diagonal + (a == b ? 0 : 1), row[j] + 1, row[j + 1] + 1)
        diagonal = row[j + 1]
        row[j + 1] = cost
      }
    }
    #expect(ErrorCounts(alignment).errors == row.last)
    // Every element once, in order, and pairs as they are named.
    var (i, j) = (0, 0)
    for step in alignment.steps {
      switch step {
      case .correct(let a, let b):
        #expect(a == i && b == j && reference[a] == hypothesis[b])
        (i, j) = (i + 1, j + 1)
      case .substitution(let a, let b):
        #expect(a == i && b == j && reference[a] != hypothesis[b])
        (i, j) = (i + 1, j + 1)
      case .deletion(let a):
        #expect(a == i)
        i += 1
      case .insertion(let b):
        #expect(b == j)
        j += 1
      }
    }
    #expect(i == reference.count && j == hypothesis.count)
  }
}
