import AcousticFeatures
import AcousticModels
import Basics
import Foundation
import SpeechText
import TensorEngine
import TestSupport
import Testing

/// A network with several languages beside it, laid out as MMS.
@Suite struct LanguageTests {
  private func written() throws -> String {
    let directory = try Golden.temporaryDirectory()
    try TinyModel.writeLanguages(to: directory)
    return directory
  }

  @Test func chosen() throws {
    let directory = try written()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    #expect(LanguageAdapters.languages(in: directory) == ["fra"])
    try onEngine {
      let english = try AcousticModel(directory: directory)
      let french = try AcousticModel(directory: directory, language: "fra")
      #expect(english.vocabulary.count == 6 && french.vocabulary.count == 8)
      #expect(french.vocabulary.blank == 0 && french.network.sizes.labelCount == 8)
      #expect(english.language == nil && french.language == "fra")
      func values(_ model: AcousticModel, _ name: String) throws -> [Float] {
        try #require(model.parameters.first { $0.name == name }).tensor.values
      }
      let adapter = "wav2vec2.encoder.layers.1.adapter_layer.linear_1.weight"
      #expect(try values(english, adapter) != values(french, adapter))
      let shared = "wav2vec2.encoder.layers.1.attention.q_proj.weight"
      #expect(try values(english, shared) == values(french, shared))
      // What is written has that language alone.
      try french.write(to: "\(directory)/alone")
      let alone = try AcousticModel(directory: "\(directory)/alone")
      #expect(try values(alone, adapter) == values(french, adapter))
      #expect(alone.vocabulary == french.vocabulary)
    }
  }

  @Test(arguments: ["deu", "../fra", "", "fra/x"]) func missing(_ language: String) throws {
    let directory = try written()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let error = #expect(throws: IdiolectError.self) {
      try onEngine { try AcousticModel(directory: directory, language: language) }
    }
    #expect(error?.code == .notFound && error?.message.contains("fra") == true)
  }
}
