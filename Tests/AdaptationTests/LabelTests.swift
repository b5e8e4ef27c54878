import AcousticModels
import Adaptation
import Basics
import Foundation
import SpeechCorpus
import SpeechText
import TensorEngine
import TestSupport
import Testing

/// New characters extend or replace the output layer; rows of shared ones are kept bit for bit.
struct LabelTests {
  /// Rows of weight and bias.
  private func rows(_ model: AcousticModel) -> [[Float]] {
    let weight = model.network.outputLayer.weight.values
    let bias = model.network.outputLayer.bias!.values
    let width = weight.count / bias.count
    return bias.indices.map { weight[$0 * width..<($0 + 1) * width] + [bias[$0]] }
  }

  /// A base whose blank comes first.
  private func blankFirst() throws -> AcousticModel {
    try AcousticModel(
      random: TinyModel.configuration, seed: 5,
      vocabulary: Vocabulary(labels: ["<blank>"] + " abcde".map { String($0) }, blank: 0))
  }

  @Test(arguments: LabelTransfer.Mode.allCases) func keepsRows(_ mode: LabelTransfer.Mode) throws {
    try onEngine {
      for base in [try TinyModel.make(), try blankFirst()] {
        let transfer = try LabelTransfer(
          base: base.vocabulary, alphabet: Alphabet(texts: ["cab é ж"]), mode: mode)
        let model = try base.replacingLabels(transfer, seed: 1)
        let (old, new) = (rows(base), rows(model))
        func row(_ label: String, _ model: AcousticModel) -> Int {
          model.vocabulary.labels.firstIndex(of: label)!
        }
        var shared = [" ", "a", "b", "c"]
        if mode == .extend { shared += ["d", "e"] }
        for label in shared {
          #expect(new[row(label, model)] == old[row(label, base)], "\(label)")
        }
        #expect(new[row("é", model)] == old[row("e", base)])
        #expect(new[model.vocabulary.blank] == old[base.vocabulary.blank])
        #expect(model.network.sizes.blank == model.vocabulary.blank)
        #expect(!old.contains(new[row("ж", model)]))
        #expect(new.count == (mode == .extend ? old.count + 2 : 7))
        if mode == .extend { #expect(Array(new.prefix(old.count)) == old) }
        // All else is the base's.
        for (mine, theirs) in zip(model.parameters, base.parameters)
        where !mine.name.hasPrefix("ctc_head.") {
          #expect(mine.tensor.values == theirs.tensor.values, "\(mine.name)")
        }
      }
    }
  }

  /// The whole run, with the blank first and last: the adapted model has the labels it should.
  @Test(arguments: LabelMode.allCases, [true, false])
  func runs(_ mode: LabelMode, _ isBlankFirst: Bool) throws {
    let corpus = try TinyCorpus()
    if isBlankFirst {
      try FileManager.default.removeItem(atPath: corpus.base)
      try onEngine { try blankFirst().write(to: corpus.base) }
    }
    var request = try corpus.request()
    var clips = try TinyCorpus.clips(6)
    for index in clips.indices { clips[index].text = "é abcde" + (index == 0 ? " ж" : "") }
    request.train = try corpus.write(clips, "train")
    request.labels = mode
    request.strategy = .lora(rank: 2)
    var said: [String] = []
    let report = try AdaptationRun(request) { said.append($0) }.run()
    let name = mode == .replace ? "replace" : "extend"
    #expect(said.contains { $0.hasPrefix("output layer, \(name): ") }, "\(said)")
    // Low-rank updates do not fit a base with other labels.
    #expect(corpus.bytes("out/adapter/adapter_config.json") == nil)
    let model = try onEngine { try AcousticModel(directory: "\(corpus.path)/out") }
    let base = try onEngine { try AcousticModel(directory: corpus.base) }
    // A seventh of the text is é: whatever becomes of its labels, the base cannot write it.
    #expect(report.decision.rival == .scratch && !report.coverage.canWrite)
    #expect(said.contains { $0.hasPrefix("from scratch for the same") })
    #expect(Set(report.models.map(\.kind)) == [.base, .adapted, .averaged, .scratch])
    #expect(report.lines.contains { $0.contains("the base cannot write the target") })
    if report.ships != .base {
      #expect(model.vocabulary.labels.contains("ж"))
      #expect(model.vocabulary.count == (mode == .replace ? 9 : base.vocabulary.count + 2))
    } else {
      #expect(model.vocabulary == base.vocabulary)
    }
    let last = try SafetensorsFile(path: "\(corpus.path)/out/training/last.safetensors")
    let rows = mode == .replace ? 9 : base.vocabulary.count + 2
    #expect(last.entries["ctc_head.bias"]?.shape == [rows])
    // The new rows train too, whatever the strategy.
    #expect(last.entries["first:ctc_head.weight"] != nil)
  }

  /// By how much of the text lacks a label, not by how many kinds of character or what becomes of the output layer:
  /// two letters of Twi are a twelfth of its text.
  @Test func whatTheBaseCannotWrite() throws {
    let base = try onEngine { try TinyModel.make() }
    func share(_ text: String) -> LabelCoverage {
      LabelCoverage(of: [Utterance(id: "", audioPath: "", text: text)], by: base)
    }
    #expect(share("plain words").share == 1)
    #expect(abs(share("ɛna ɔkɔ fie anɔpa yi nyinaa").share - 23.0 / 27) < 1e-9)
    #expect(!share("ɛna ɔkɔ fie anɔpa yi nyinaa").canWrite)
    #expect(share("a café by the sea for all of us").canWrite)
    #expect(share("").canWrite)
  }

  /// A rare new character extends the output layer, and the base is what there is to be better than; so it is where
  /// the labels are replaced, and where training from scratch is not wanted or cross-validation judges.
  @Test(arguments: LabelMode.allCases) func rareCharacters(_ mode: LabelMode) throws {
    let corpus = try TinyCorpus()
    var request = try corpus.request()
    var clips = try TinyCorpus.clips(6)
    clips[0].text = "é \(clips[0].text)"
    request.train = try corpus.write(clips, "train")
    request.labels = mode
    let report = try AdaptationRun(request).run()
    #expect(report.decision.rival == .base && report.coverage.canWrite)
    #expect(try corpus.record("out")["lineage"]["label_coverage"].double() == report.coverage.share)
    #expect(!report.lines.contains { $0.contains("cannot write") })
  }

  @Test(arguments: [true, false]) func withoutARival(_ isCrossValidated: Bool) throws {
    let corpus = try TinyCorpus()
    var request = try corpus.request()
    var clips = try TinyCorpus.clips(6)
    for index in clips.indices { clips[index].text = "é abcde" }
    request.train = try corpus.write(clips, "train")
    request.comparesWithScratch = isCrossValidated
    if isCrossValidated { request.dev = nil }
    let report = try AdaptationRun(request).run()
    #expect((report.choice?.folds == 4) == isCrossValidated)
    #expect(report.decision.rival == .base && !report.coverage.canWrite)
    #expect(report.lines.contains { $0.contains("nothing was trained from scratch") })
  }
}
