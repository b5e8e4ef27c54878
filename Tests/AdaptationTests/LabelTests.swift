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
    let rival = report.decision.rival
    #expect(rival == (mode == .replace ? .scratch : .base))
    #expect(said.contains { $0.hasPrefix("from scratch for the same") } == (mode == .replace))
    if report.shipsAdapted || mode == .replace {
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
}
