import Basics
import Foundation
import SpeechCorpus
import TensorEngine
import TestSupport
import Testing

/// `idiolect train` with other networks than the bundled bases'.
struct TrainCommandTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    let clips = try Manifest(path: "\(Golden.repository)/AudioSamples/scottish-adapt.jsonl")
      .utterances.sorted { ($0.durationSeconds ?? 0, $0.id) < ($1.durationSeconds ?? 0, $1.id) }
    try Manifest.write(Array(clips[..<8]), to: "\(place.directory)/train.jsonl")
    try Manifest.write(Array(clips[8..<12]), to: "\(place.directory)/dev.jsonl")
  }

  /// Runs in the workplace; `$idiolect` is the program.
  private func run(_ script: String) throws -> Program {
    try Program(shell: script, directory: place.directory)
  }

  /// Trained from nothing, adapted without its topmost layers, and transcribing.
  @Test(arguments: ["", "--causal"]) func waveNet(_ option: String) throws {
    let quick = "--epochs 2 --batch-seconds 6"
    let trained = try run(
      "\"$idiolect\" train --train train.jsonl --dev dev.jsonl \(quick) --network wavenet --hidden 16 --layers 7 \(option) -o base"
    )
    #expect(trained.status == 0, "\(trained.errors)")
    let adapted = try run(
      "\"$idiolect\" adapt --model base --train train.jsonl --dev dev.jsonl \(quick) --strategy upper:2 --keep-layers 4 -o out"
    )
    #expect(adapted.status == 0, "\(adapted.errors)")
    let heard = try run(
      "\"$idiolect\" transcribe --model base \(Golden.repository)/Tests/Golden/features/flite.flac")
    #expect(heard.status == 0, "\(heard.errors)")
    let told = try run("\"$idiolect\" inspect base")
    #expect(told.output.contains("speech-to-text-wavenet"))
    #expect(told.output.contains("none of them later") == !option.isEmpty)
    let names = try SafetensorsFile(path: "\(place.directory)/base/model.safetensors").names
    #expect(names.contains("layers.6.gate.weight") && !names.contains("layers.7.gate.weight"))
  }

  @Test(arguments: [
    ("--causal", "--causal"), ("--network wavenet --heads 4", "--heads"),
    ("--network wavenet --kernel 4", "kernel_size"), ("--network jasper", "jasper"),
    ("--network wavenet --layers 65000", "num_stacks"),
    ("--network wavenet --from model", "--network"),
  ])
  func refuses(_ options: String, _ named: String) throws {
    let run = try run("\"$idiolect\" train --train train.jsonl \(options) -o base")
    #expect(run.status == 64 && run.errors.contains(named), "\(run.errors)")
    #expect(try !place.names().contains("base"))
  }
}
