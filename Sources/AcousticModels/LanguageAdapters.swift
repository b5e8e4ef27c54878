import Basics
import Foundation
import SpeechText
import TensorEngine

/// The adapters and output layers of languages that lie beside a model's weights, `adapter.LANG.safetensors` (or
/// `.bin`), as MMS has them: more than a thousand languages on one network.
package enum LanguageAdapters {
  /// Whether a name can be a language's in a file name.
  static func isName(_ language: String) -> Bool {
    !language.isEmpty && language.count <= 64
      && language.allSatisfy { $0.isLetter || $0.isNumber || "-_".contains($0) }
  }

  /// Sorted.
  package static func languages(in directory: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: directory)) ?? []
    let found = names.compactMap { name -> String? in
      guard name.hasPrefix("adapter."),
        let ending = [".safetensors", ".bin"].first(where: name.hasSuffix)
      else { return nil }
      let language = name.dropFirst("adapter.".count).dropLast(ending.count)
      return language.isEmpty ? nil : String(language)
    }
    return Set(found).sorted()
  }

  /// What stands for the model's own tensors of the same names.
  ///
  /// - Throws: `.notFound` that lists languages where this one is not there; what opening the file throws.
  static func weights(_ language: String, in directory: String) throws -> WeightStore {
    // A language is a name, not a path.
    if !language.contains("/"), !language.isEmpty {
      for ending in ["safetensors", "bin"] {
        let path = "\(directory)/adapter.\(language).\(ending)"
        if FileManager.default.fileExists(atPath: path) { return try WeightStore(file: path) }
      }
    }
    let known = languages(in: directory)
    throw IdiolectError(
      .notFound,
      known.isEmpty
        ? "\(directory): holds no languages to choose from (adapter.LANG.safetensors); leave --language out"
        : "\(directory): has no adapter for the language '\(language)'; it has \(known.count): \(known.prefix(12).joined(separator: ", "))\(known.count > 12 ? ", …" : "")"
    )
  }
}

extension AcousticModel {
  /// Writes the adapters and the output layer as a language to be laid beside the weights of its base, with the
  /// files of its labels.
  ///
  /// - Parameters:
  ///   - language: nil, or no name of a file, for `adapted`.
  ///   - hash: of the base's weights.
  /// - Throws: `.inputOutput`.
  package func writeLanguage(_ language: String?, to directory: String, hash: String) throws {
    try AtomicFile.makeDirectory(directory)
    let name = language.flatMap { LanguageAdapters.isName($0) ? $0 : nil } ?? "adapted"
    let own = parameters.filter { parameter in
      BottleneckAdapter.owns(parameter) || parameter.name.hasPrefix("\(network.outputLayer.name).")
    }
    try vocabulary.write(toDirectory: directory)
    try SafetensorsWriter.write(
      own.map { parameter in
        SafetensorsTensor(parameter.name, shape: parameter.tensor.shape) {
          parameter.tensor.values
        }
      },
      metadata: ["format": "pt", "base_sha256": hash],
      to: "\(directory)/adapter.\(name).safetensors")
  }
}
