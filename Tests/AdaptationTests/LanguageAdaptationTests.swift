import AcousticModels
import Adaptation
import Basics
import Foundation
import SpeechCorpus
import SpeechText
import TensorEngine
import TestSupport
import Testing

/// Adapting one language of a base that has several, and what belongs to which of them.
struct LanguageAdaptationTests {
  private let corpus: TinyCorpus

  init() throws {
    corpus = try TinyCorpus()
    try FileManager.default.removeItem(atPath: corpus.base)
    try TinyModel.writeLanguages(to: corpus.base)
  }

  private func request(_ strategy: Strategy) throws -> AdaptationRequest {
    func clips(_ range: Range<Int>) throws -> [Utterance] {
      try TinyCorpus.clips(range.count, from: range.lowerBound).map { clip in
        var clip = clip
        (clip.text, clip.language) = ("a bad bad bad cab café", "tw")
        return clip
      }
    }
    var request = AdaptationRequest(
      base: corpus.base, train: try corpus.write(clips(0..<6), "train"),
      output: "\(corpus.path)/out")
    // The last weights, whether they are better or not.
    request.holdsOut = false
    request.test = try corpus.write(clips(6..<10), "test")
    request.language = "fra"
    request.strategy = strategy
    request.settings = TinyCorpus.settings
    request.settings.learningRate = 1e-2
    return request
  }

  /// The adapters and the output layer of the target: a language more, laid beside the base.
  @Test func aLanguageMore() throws {
    let request = try request(.adapter(width: nil))
    let report = try AdaptationRun(request).run()
    let folder = report.shipsAdapted ? "out/adapter" : "out/training/adapter"
    let file = "\(corpus.path)/\(folder)/adapter.tw.safetensors"
    let (new, old) = (
      try SafetensorsFile(path: file),
      try SafetensorsFile(path: "\(corpus.base)/adapter.fra.safetensors")
    )
    #expect(new.names.sorted() == old.names.sorted())
    // The letter that was new, f, has a row.
    #expect(new.entries["lm_head.weight"]?.shape == [9, 16])
    let adapters = new.names.filter { $0.contains(".adapter_layer.") }
    #expect(try adapters.contains { try new.readFloats($0) != old.readFloats($0) })
    try FileManager.default.copyItem(
      atPath: file, toPath: "\(corpus.base)/adapter.tw.safetensors")
    try TinyModel.writeVocabulary(["tw": " abcdéèf"], to: corpus.base)
    try onEngine {
      let heard = try AcousticModel(directory: corpus.base, language: "tw")
      let wide = try #require(heard.parameters.first { $0.name == adapters[0] })
      #expect(try wide.tensor.values == new.readFloats(adapters[0]))
    }
    let lineage = try corpus.record("out")["lineage"]
    #expect(try lineage["language"].string() == "fra" && lineage["keep_layers"].value == .null)
  }

  /// A run is not gone on with in another language, nor with other layers.
  @Test func languageAndLayersBelongToARun() throws {
    var request = try request(.full)
    request.keptLayers = 1
    _ = try AdaptationRun(request).run()
    #expect(try corpus.record("out")["lineage"]["keep_layers"].int() == 1)
    request.resumes = true
    // The same in all but its name.
    try FileManager.default.copyItem(
      atPath: "\(corpus.base)/adapter.fra.safetensors",
      toPath: "\(corpus.base)/adapter.deu.safetensors")
    try TinyModel.writeVocabulary(["fra": " abcdéè", "deu": " abcdéè"], to: corpus.base)
    for change in [{ $0.language = "deu" }, { $0.keptLayers = nil }]
      as [(inout AdaptationRequest) -> Void]
    {
      var other = request
      change(&other)
      let error = #expect(throws: IdiolectError.self) { try AdaptationRun(other).run() }
      #expect(error?.message.contains("other settings") == true, "\(error?.message ?? "")")
    }
  }

  /// A low-rank adapter made beside one language is refused beside another.
  @Test func adaptersBelongToALanguage() throws {
    let folder = "\(corpus.path)/adapter"
    try onEngine {
      let hash = try WeightStore(directory: corpus.base).sha256()
      let (french, own) = (
        try AcousticModel(directory: corpus.base, language: "fra"),
        try AcousticModel(directory: corpus.base)
      )
      for (made, other) in [(french, own), (own, french)] {
        _ = try made.network.addLowRank(rank: 2, alpha: 4, seed: 1)
        try LowRankAdapter(made.network)?.write(
          to: folder, base: corpus.base, hash: hash, language: made.language)
        made.use(nil)
        _ = try AdapterProfile(directory: folder, for: made)
        let error = #expect(throws: IdiolectError.self) {
          try AdapterProfile(directory: folder, for: other)
        }
        #expect(error?.message.contains("--language") == true)
      }
    }
  }

  /// Found out before anything trains, with what to do instead.
  @Test func layersThatLeaveAdaptersNoPlace() throws {
    try FileManager.default.removeItem(atPath: corpus.base)
    try onEngine { try TinyModel.wav2vec2().write(to: corpus.base) }
    var request = try corpus.request()
    request.strategy = .adapter(width: 4)
    let error = #expect(throws: IdiolectError.self) { try AdaptationRun(request).run() }
    #expect(error?.code == .invalidArgument)
    #expect(error?.message.hasPrefix("strategy adapter: ") == true)
    #expect(corpus.bytes("out/training/last.safetensors") == nil)
  }
}
