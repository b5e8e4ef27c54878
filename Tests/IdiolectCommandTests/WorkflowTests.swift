import AcousticModels
import Adaptation
import Basics
import Foundation
import SpeechCorpus
import TensorEngine
import TestSupport
import Testing

/// Commands around an adaptation, one short run each of the built program: rank, merge, compare, transcribe --adapt,
/// adapt --unlabelled, train --meta.
struct WorkflowTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    let clips = try Manifest(path: "\(Golden.repository)/AudioSamples/scottish-adapt.jsonl")
      .utterances.sorted { ($0.durationSeconds ?? 0, $0.id) < ($1.durationSeconds ?? 0, $1.id) }
    try FileManager.default.createDirectory(
      atPath: "\(place.directory)/mine", withIntermediateDirectories: true)
    for (name, part) in [
      ("mine/train", clips[..<6]), ("dev", clips[6..<10]), ("test", clips[10..<14]),
      ("other", clips[14..<18]),
    ] {
      try Manifest.write(
        part.enumerated().map { index, clip in
          var clip = clip
          clip.speaker = index % 2 == 0 ? "anna" : "ben"
          return clip
        }, to: "\(place.directory)/\(name).jsonl")
    }
  }

  private let quick = "--epochs 1 --batch-seconds 3"

  /// Runs in the workplace; `$idiolect` is the program.
  private func run(_ script: String) throws -> Program {
    try Program(shell: script, directory: place.directory)
  }

  private func succeed(_ script: String) throws -> Program {
    let result = try run("\"$idiolect\" \(script)")
    try #require(result.status == 0, "\(result.errors)")
    return result
  }

  private func refuse(_ script: String, _ status: Int32, _ part: String) throws {
    let result = try run("\"$idiolect\" \(script)")
    #expect(result.status == status && result.errorLines.count == 1, "\(result.errors)")
    #expect(result.errors.contains(part), "\(result.errors) lacks \(part)")
  }

  /// An adapter of the model here, as adapt would leave it, that changes what it hears.
  private func makeAdapter(_ name: String, language: String? = nil) throws {
    try onEngine {
      let model = try AcousticModel(directory: place.model)
      var random = SeededRandom(seed: 3)
      for parameter in try model.network.addLowRank(rank: 2, alpha: 4, seed: 1) {
        for index in 0..<parameter.tensor.count {
          parameter.tensor.pointer[index] = random.normal()
        }
        parameter.tensor.didChange()
      }
      try LowRankAdapter(model.network)?.write(
        to: "\(place.directory)/\(name)", base: place.model,
        hash: WeightStore(directory: place.model).sha256(), language: language)
    }
  }

  @Test func ranks() throws {
    let text = try succeed("rank --models model --data dev.jsonl --minutes 1")
    for part in [
      "H-score", "1 of 2", "2 of 2", "CER untouched", "blanks within 60 ms of a label count as it",
      "aligned by model;",
    ] {
      #expect(text.output.contains(part), "\(text.output) lacks \(part)")
    }
    let json = try succeed("rank --models model,model --data dev.jsonl --format json").lines[0]
    let node = JSONNode(try JSONValue(parsing: json), file: "output")
    #expect(
      try node["candidates"].array().count == 4 && node["blank_reach_seconds"].double() == 0.06)
    try refuse("rank --models model --language fra --data dev.jsonl", 66, "leave --language out")
  }

  /// Of several bases, those that have languages hear the one that is asked for.
  @Test func ranksALanguage() throws {
    try TinyModel.writeLanguages(to: "\(place.directory)/languages")
    let clips = try Manifest(path: "\(place.directory)/dev.jsonl").utterances.map { clip in
      var clip = clip
      clip.text = "a bad dab a bad cab a è"
      return clip
    }
    try Manifest.write(clips, to: "\(place.directory)/french.jsonl")
    for (option, share) in [("--language fra", 1.0), ("", 22.0 / 23)] {
      let run = try succeed(
        "rank --models model,languages \(option) --data french.jsonl --format json")
      let bases = try JSONNode(try JSONValue(parsing: run.lines[0]), file: "out")["bases"].array()
      #expect(try abs(bases[1]["overlap"].double() - share) < 1e-9)
    }
  }

  @Test func merges() throws {
    let model = try onEngine { try AcousticModel(directory: place.model) }
    try onEngine { try model.write(to: place.model, storage: .float16) }
    try makeAdapter("adapter")
    _ = try succeed("merge --model model --adapter adapter --shares 0.5 -o merged")
    let files = try ["model", "merged"].map {
      try SafetensorsFile(path: "\(place.directory)/\($0)/model.safetensors")
    }
    // Stored as the base is.
    for name in files[0].names {
      #expect(files[0].entries[name]?.type == files[1].entries[name]?.type, "\(name)")
    }
    let record = try JSONNode(path: "\(place.directory)/merged/adaptation.json")["merged"]
    #expect(try record["base"].string() == "model")
    #expect(
      try record["base_sha256"].string()
        == SHA256.hash(file: "\(place.model)/model.safetensors").hex)
    let adapter = try record["adapters"].array()[0]
    #expect(try adapter["adapter"].string() == "adapter" && adapter["share"].double() == 0.5)
    _ = try succeed("transcribe --model merged 0.wav")
    let before = try SHA256.hash(file: "\(place.model)/model.safetensors").hex
    try refuse("merge --model model --adapter adapter -o ./model/", 64, "the base model itself")
    #expect(try SHA256.hash(file: "\(place.model)/model.safetensors").hex == before)
    try makeAdapter("french", language: "fra")
    try refuse("merge --model model --adapter adapter -o ./adapter/", 64, "an adapter")
    try refuse("merge --model model --adapter adapter --shares 1e38 -o huge", 65, "huge")
    #expect(!FileManager.default.fileExists(atPath: "\(place.directory)/huge"))
    try refuse("merge --model model --adapter french -o more", 65, "--language")
  }

  /// Each text is that of the model as it was, or of one that adapted, and the reason is said.
  @Test func adaptsToEachRecording() throws {
    let run = try succeed("transcribe --model model --adapt 0.wav 1.wav")
    #expect(run.lines.count == 2 && run.lines[0].hasPrefix("0.wav\t"))
    #expect(run.errorLines.allSatisfy { $0.contains("not adapted: ") })
    try refuse("transcribe --model model --adapt --logits l.npy 0.wav", 64, "--logits")
  }

  @Test func learnsFromWhatItHears() throws {
    let run = try succeed(
      "adapt --model model --train mine/train.jsonl --unlabelled other.jsonl --dev dev.jsonl --rounds 1 \(quick) -o out"
    )
    #expect(run.output.contains("unlabelled utterances kept"), "\(run.output)")
    let lineage = try JSONNode(path: "\(place.directory)/out/adaptation.json")["lineage"]
    #expect(try lineage["unlabelled"].string() == "other.jsonl")
    try refuse("adapt --model model --unlabelled other.jsonl -o more", 64, "--test")
  }

  @Test func preparesForFewSentences() throws {
    _ = try succeed(
      "train --from model --train mine/train.jsonl --meta speaker \(quick) -o prepared")
    let record = try JSONNode(path: "\(place.directory)/prepared/adaptation.json")["training"]
    #expect(try record["settings"]["task"].string() == "speaker")
    _ = try succeed("transcribe --model prepared 0.wav")
  }

  /// Of itself the model goes below runs/, by the name of the manifest's folder or its own, but over no other.
  @Test func whereTheModelGoes() throws {
    let adapt = "adapt --model model --dev dev.jsonl \(quick) --train"
    let run = try succeed("\(adapt) mine/train.jsonl")
    #expect(run.lines.first == "output: runs/mine" && run.lines.last == "model: runs/mine")
    let model = "\(place.directory)/runs/mine/model.safetensors"
    let before = try SHA256.hash(file: model).hex
    try refuse("\(adapt) mine/train.jsonl --lr 0.1", 64, "runs/mine: a model lies there already")
    #expect(try SHA256.hash(file: model).hex == before)
    // Who names the place means it, and who goes on with a run does.
    _ = try succeed("\(adapt) mine/train.jsonl --resume")
    #expect(
      try succeed("\(adapt) mine/train.jsonl -o runs/mine").lines.first != "output: runs/mine")
    #expect(try succeed("\(adapt) ./other.jsonl").lines.first == "output: runs/other")
    #expect(
      try succeed("\(adapt) \(place.directory)/mine/../test.jsonl").lines.first
        == "output: runs/test")
  }

  /// Runs are told apart by the utterances that judged them, not by the names of manifests.
  @Test func compares() throws {
    let adapt = "adapt --model model --train mine/train.jsonl --dev dev.jsonl \(quick)"
    _ = try succeed("\(adapt) --test test.jsonl -o one")
    _ = try run("cp test.jsonl same.jsonl; head -3 test.jsonl > few.jsonl")
    _ = try succeed("\(adapt) --test same.jsonl -o two")
    #expect(try !succeed("compare one two").output.contains("judged by"))
    // Another corpus under the same name.
    _ = try run("mv few.jsonl test.jsonl")
    _ = try succeed("\(adapt) --test test.jsonl -o three")
    let marked = try succeed("compare one three")
    #expect(marked.output.contains("judged by") && marked.output.contains("test.jsonl ("))
  }
}
