import Basics
import Foundation
import Idiolect

/// What there is to say of a model.
enum ModelReport {
  static func lines(_ model: AcousticModel) throws -> [String] {
    let network = model.network.sizes
    var lines = [
      "\(model.path ?? "model"): \(network.family), "
        + "\(Figures.count(model.parameterCount)) parameters",
      "encoder: \(network.summary)",
      "output: a frame every \(Figures.milliseconds(model.outputHopSeconds)) "
        + "(subsampled by \(network.subsamplingFactor)), \(network.labelCount) labels, "
        + "blank \(network.blank)",
      "labels: \(labels(model.vocabulary))",
      "front end: \(frontEnd(model)) at \(Figures.count(model.frontEnd.sampleRate)) Hz, "
        + "\(Figures.milliseconds(model.frontEnd.hopSeconds)) apart, \(model.frontEnd.fingerprint)",
      "reference text: \(text(model.normalizer))",
    ]
    let languages = model.path.map(LanguageAdapters.languages) ?? []
    if !languages.isEmpty {
      let shown = languages.prefix(40).joined(separator: " ")
      lines.append(
        "languages (--language): \(shown)\(languages.count > 40 ? " and \(languages.count - 40) more" : "")"
      )
    }
    lines += try needs(model)
    if let record = model.record {
      lines.append("record (adaptation.json):")
      let text = record.text(.pretty).split(separator: "\n").map(String.init)
      lines += text.prefix(60).map { "  \(Failure.oneLine($0))" }
      if text.count > 60 { lines.append("  and \(text.count - 60) more lines") }
    } else {
      lines.append("no adaptation.json: not written by idiolect")
    }
    return lines
  }

  private static func needs(_ model: AcousticModel) throws -> [String] {
    let needs = try onEngine { try ModelNeeds(model, precision: .automatic) }
    let rows = needs.adapting.map { row in
      [
        "  \(row.strategy)", Figures.count(row.trained), Figures.bytes(row.bytes),
        Figures.bytes(row.recomputingBytes),
      ]
    }
    return [
      "memory to transcribe: about \(Figures.bytes(needs.transcribing))",
      "to adapt, in batches of \(Figures.duration(ModelNeeds.batchSeconds)), by strategy: parameters trained, at most about, with --recompute",
    ] + Figures.table(rows)
  }

  private static func frontEnd(_ model: AcousticModel) -> String {
    switch model.frontEndConfiguration {
    case .logMel: "\(model.frontEnd.bins) log-mel bins"
    case .waveform: "samples"
    default: "\(model.frontEnd.bins) features"
    }
  }

  private static func labels(_ vocabulary: Vocabulary) -> String {
    let texts = vocabulary.textLabels.map { vocabulary.text(of: $0) }
    let shown = texts.prefix(80).map { $0 == " " ? "␣" : Failure.oneLine($0) }
    return shown.joined(separator: " ")
      + (texts.count > shown.count ? " and \(texts.count - shown.count) more" : "")
  }

  private static func text(_ normalizer: TextNormalizer) -> String {
    var steps: [String] = []
    if normalizer.composes { steps.append("NFC") }
    if normalizer.lowercases { steps.append("lower case") }
    if normalizer.unifiesApostrophes { steps.append("one apostrophe") }
    if normalizer.dropsPunctuation {
      let kept = normalizer.keptPunctuation
      steps.append("no punctuation" + (kept.isEmpty ? "" : " but \(Failure.oneLine(kept))"))
    }
    if normalizer.foldsWhitespace { steps.append("single spaces") }
    return steps.isEmpty ? "as it is" : steps.joined(separator: ", ")
  }
}
