import AcousticModels
import Basics
import CKernels
import Foundation
import SpeechCorpus
import TensorEngine
import TestSupport
import Testing

/// `idiolect adapt` and `train`: what they write, what they refuse, and what a kill cannot harm.
struct AdaptCommandTests {
  private let place: Workplace

  init() throws {
    place = try Workplace()
    let samples = "\(Golden.repository)/AudioSamples"
    func clips(_ name: String) throws -> [Utterance] {
      try Manifest(path: "\(samples)/scottish-\(name).jsonl").utterances
        .sorted { ($0.durationSeconds ?? 0, $0.id) < ($1.durationSeconds ?? 0, $1.id) }
    }
    let (adapt, test) = (try clips("adapt"), try clips("test"))
    try Manifest.write(Array(adapt[..<6]), to: "\(place.directory)/train.jsonl")
    try Manifest.write(Array(adapt[6..<10]), to: "\(place.directory)/dev.jsonl")
    try Manifest.write(Array(test[..<2]), to: "\(place.directory)/test.jsonl")
  }

  private var quick: String { "--epochs 2 --batch-seconds 3" }

  /// Runs in the workplace; `$idiolect` is the program.
  private func run(_ script: String) throws -> Program {
    try Program(shell: script, directory: place.directory)
  }

  private func adapt(_ options: String) throws -> Program {
    try run("\"$idiolect\" adapt --model model --train train.jsonl \(quick) \(options)")
  }

  private func bytes(_ name: String) -> Data? {
    FileManager.default.contents(atPath: "\(place.directory)/\(name)")
  }

  /// A network of samples adapts like one of log-mels; its convolutions over samples stay.
  @Test(arguments: ["full", "upper:1", "lora:2", "bias"]) func wav2vec2(_ strategy: String) throws {
    let directory = place.directory
    try onEngine { try TinyModel.wav2vec2().write(to: "\(directory)/samples") }
    let run = try run(
      "\"$idiolect\" adapt --model samples --train train.jsonl --dev dev.jsonl \(quick) --strategy \(strategy) -o out"
    )
    #expect(run.status == 0, "\(run.errors)")
    let heard = try self.run(
      "\"$idiolect\" transcribe --model out \(Golden.repository)/Tests/Golden/features/flite.flac")
    #expect(heard.status == 0, "\(heard.errors)")
    let (before, after) = (
      try SafetensorsFile(path: "\(directory)/samples/model.safetensors"),
      try SafetensorsFile(path: "\(directory)/out/training/last.safetensors")
    )
    let moved = try before.names.filter {
      try after.names.contains($0) && before.readFloats($0) != after.readFloats($0)
    }
    let adds = strategy.hasPrefix("lora")
    #expect(adds || !moved.isEmpty, "\(after.names)")
    #expect(!moved.contains { $0.hasPrefix("wav2vec2.feature_extractor.") })
  }

  /// Networks that give other numbers of frames than their layers work on, or share what tells places apart.
  @Test(arguments: TinyModel.families.keys.sorted(), ["full", "upper:1"])
  func families(_ name: String, _ strategy: String) throws {
    let directory = place.directory
    try onEngine { try TinyModel.family(name).write(to: "\(directory)/base") }
    let run = try run(
      "\"$idiolect\" adapt --model base --train train.jsonl --dev dev.jsonl \(quick) --strategy \(strategy) -o out"
    )
    #expect(run.status == 0, "\(run.errors)")
    let heard = try self.run(
      "\"$idiolect\" transcribe --model out \(Golden.repository)/Tests/Golden/features/flite.flac")
    #expect(heard.status == 0, "\(heard.errors)")
  }

  /// Ctrl-C once: what is done is saved, and the same command goes on to the same bits.
  @Test func interruptedOnce() throws {
    let command =
      "\"$idiolect\" adapt --model model --train train.jsonl --dev dev.jsonl --batch-seconds 3 --look-every 2"
    let whole = try run("\(command) --epochs 4 -o whole")
    #expect(whole.status == 0, "\(whole.errors)")
    // In the background a shell has its children ignore interruptions; env undoes that.
    let stopped = try run(
      "env --default-signal=INT \(command) --epochs 4 -o parts > log & job=$!; "
        + "while ! grep -qs '^step [1-9]' log && kill -0 $job; do sleep 0.01; done; "
        + "kill -INT $job; wait $job")
    if stopped.status != 0 {
      expectOneLine(stopped, 130, "is saved", "--resume")
      let rest = try run("\(command) --epochs 4 -o parts --resume")
      #expect(rest.status == 0, "\(rest.errors)")
    }
    #expect(bytes("parts/model.safetensors") == bytes("whole/model.safetensors"))
  }

  private func expectOneLine(_ run: Program, _ status: Int32, _ parts: String...) {
    #expect(run.status == status, "\(run.errors)")
    #expect(run.errorLines.count == 1, "\(run.errors)")
    #expect(run.errors.hasPrefix("idiolect: "))
    for part in parts { #expect(run.errors.contains(part), "\(run.errors) lacks \(part)") }
  }

  @Test(arguments: ["adapt", "train"]) func help(_ command: String) throws {
    let help = try Program(command, "--help")
    #expect(help.status == 0)
    #expect(help.output.contains("Examples:"))
    var options = [
      "--train", "--dev", "--output", "--resume", "--epochs", "--minutes", "--patience",
      "--checkpoint-every", "--batch-seconds", "--precision", "--seed", "OUTPUT/training",
    ]
    if command == "adapt" {
      options += ["--retain", "--test", "--strategy", "--labels", "--layer-decay", "upper:N"]
    }
    for option in options { #expect(help.output.contains(option), "\(option)") }
    #expect(try Program("--help").lines.contains { $0.hasPrefix("  \(command) ") })
  }

  @Test func adaptsAndTellsWhatItDid() throws {
    let result = try adapt("--dev dev.jsonl --retain test.jsonl --output out --seed 7")
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.errors.isEmpty)
    for part in [
      "strategy full: ", "dev CER ", "heard", "said", "loss ",
      "target, 2 utterances that chose nothing",
      "retained, 2 utterances", "95 %", "proof of change", "verdict: ", "model: out",
    ] {
      #expect(result.output.contains(part), "\(result.output) lacks \(part)")
    }
    let record = try JSONNode(path: "\(place.directory)/out/adaptation.json")
    let lineage = record["lineage"]
    #expect(
      try lineage["base_sha256"].string()
        == SHA256.hash(file: "\(place.model)/model.safetensors").hex)
    for name in ["train", "dev", "retain"] {
      #expect(try lineage[name].string() == (name == "retain" ? "test" : name) + ".jsonl")
      #expect(try lineage["\(name)_sha256"].string().count == 64)
    }
    #expect(try lineage["settings"]["seed"].int() == 7)
    #expect(try lineage["strategy"].string() == "full")
    #expect(try record["front_end"]["fingerprint"].string().isEmpty == false)
    #expect(record["text"].exists)
    let cer = record["scores"]["target"]["cer"]
    let difference = try cer["difference"]["rate"].double()
    let (before, after) = try (cer["base"]["rate"].double(), cer["adapted"]["rate"].double())
    #expect(abs(after - before - difference) < 1e-12)
    #expect(try cer["difference"]["lower"].double() <= difference)
    let shipped = try record["verdict"]["shipped"].string()
    let transfer = try record["verdict"]["transfer"].string()
    #expect(["positive transfer", "neutral", "negative transfer"].contains(transfer))
    #expect((shipped == "adapted") == (transfer == "positive transfer"))
    #expect(try record["training"]["steps"].int() > 0)
    #expect(bytes("out/training/last.safetensors") != nil)
    #expect(bytes("out/training/last.safetensors") != nil)
    // What was written can be used, and adapted again.
    #expect(try run("\"$idiolect\" transcribe --model out 0.wav").status == 0)
    let compared = try run("\"$idiolect\" compare out")
    #expect(compared.status == 0 && compared.output.contains("full"), "\(compared.errors)")
    expectOneLine(try run("\"$idiolect\" compare model"), 65, "model/adaptation.json")
    #expect(bytes("out/report.html") != nil)
    let again = try adapt("--dev dev.jsonl --output out --epochs 1")
    #expect(again.status == 0, "\(again.errors)")
    let next = try JSONNode(path: "\(place.directory)/out/adaptation.json")
    #expect(try next["scores"]["retained"].string() == "not measured")
    #expect(again.output.contains("forgetting is not measured"))
  }

  /// A log that nobody reads on is no reason to lose a training.
  @Test(arguments: ["| head -1", "2>&1 | head -1"]) func readersMayGoAway(_ reader: String) throws {
    let result = try run(
      "set -o pipefail; \"$idiolect\" adapt --model model --train train.jsonl \(quick) --dev dev.jsonl --output out \(reader)"
    )
    #expect(result.status == 0, "\(result.errors)")
    #expect(bytes("out/adaptation.json") != nil)
  }

  @Test(
    arguments: [
      ("--strategy upper:9", "2 encoder layers"), ("--strategy sideways", "output-layer"),
      ("--layer-decay 0", "--layer-decay"), ("--lr -1", "--lr"), ("--lr nan", "--lr"),
      ("--patience 0", "--patience"), ("--weights int8", "--weights"), ("--labels some", "some"),
      ("--minutes 0", "--minutes"), ("--warmup 2", "--warmup"),
      ("--batch-seconds inf", "--batch-seconds"),
      ("--checkpoint-every 0", "--checkpoint-every"), ("--look-every 0", "--look-every"),
      ("--accumulate 0", "--accumulate"), ("--precision int4", "precision"),
      ("--epochs x", "--epochs"), ("--minutes 1", "give one"), ("--strategy lora:", "lora[:RANK]"),
    ]) func wrongOptions(_ option: String, _ part: String) throws
  {
    expectOneLine(try adapt("--dev dev.jsonl --output out \(option)"), 64, part)
    #expect(bytes("out/config.json") == nil)
  }

  /// What the automatic strategy settles itself is refused beside it; by themselves they choose another.
  @Test(arguments: ["--lr 1e-4", "--patience 3", "--epochs 1", "--minutes 1"])
  func notWithAnAutomaticStrategy(_ option: String) throws {
    let command =
      "\"$idiolect\" adapt --model model --train train.jsonl --dev dev.jsonl --output out"
    expectOneLine(
      try run("\(command) --strategy auto \(option)"), 64, "--strategy auto",
      String(option.prefix { $0 != " " }))
    guard option.hasPrefix("--patience") else { return }
    let full = try run("\(command) \(option) --batch-seconds 60")
    #expect(full.status == 0 && full.output.contains("strategy full: "), "\(full.errors)")
  }

  @Test(
    arguments: [
      "--hidden 33", "--heads 5", "--hidden 9223372036854775807", "--layers 0", "--kernel 4",
      "--subsampling 3", "--dropout 1", "--channels -1", "--hidden 65536", "--layers 65536",
      "--channels 65536",
    ]) func networksThatCannotBe(_ option: String) throws
  {
    expectOneLine(
      try run("\"$idiolect\" train --train train.jsonl --output out \(option)"), 64)
  }

  @Test func trainingOnTheDevSetIsSaid() throws {
    let small = "--hidden 16 --heads 2 --layers 1 --channels 8 --epochs 1"
    for (dev, isSaid) in [("train.jsonl", true), ("dev.jsonl", false)] {
      let result = try run(
        "\"$idiolect\" train --train train.jsonl --dev \(dev) --output \(dev).out \(small)")
      #expect(result.status == 0, "\(result.errors)")
      #expect(result.output.contains("6 utterances of train are in dev too") == isSaid)
    }
  }

  @Test func wrongPlaces() throws {
    _ = try run("ln -s model alias")
    for output in ["model", "./model/", "alias", "\(place.directory)/model"] {
      expectOneLine(try adapt("--dev dev.jsonl --output \(output)"), 64, "the base model itself")
    }
    #expect(bytes("model/training") == nil)
    expectOneLine(try adapt("--dev dev.jsonl --output train.jsonl"), 74, "train.jsonl")
    expectOneLine(try adapt("--dev none.jsonl --output out"), 66, "none.jsonl")
    expectOneLine(try adapt("--dev dev.jsonl --test train.jsonl --output out"), 65, "also judge")
    expectOneLine(
      try run("\"$idiolect\" adapt --model none --train train.jsonl --output out"), 66, "none")
  }

  @Test func basesWithMissingTensors() throws {
    let file = try SafetensorsFile(path: "\(place.model)/model.safetensors")
    let missing = "encoder.layers.1.norm_out.weight"
    try SafetensorsWriter.write(
      file.names.filter { $0 != missing && !$0.hasSuffix("tracked") }.map { name in
        SafetensorsTensor(name, shape: file.entries[name]!.shape) { try file.readFloats(name) }
      }
        + file.names.filter { $0.hasSuffix("tracked") }.map { name in
          SafetensorsTensor(integers: name, shape: []) { [0] }
        }, to: "\(place.model)/model.safetensors")
    expectOneLine(try adapt("--dev dev.jsonl --output out"), 65, missing, "missing")
  }

  /// A limit on file size stands for the disk: a checkpoint does not fit, and the old model stays.
  @Test func fullDisk() throws {
    _ = try run("cp -r model out")
    let before = bytes("out/model.safetensors")
    let result = try run(
      "ulimit -f 100; \"$idiolect\" adapt --model model --train train.jsonl \(quick) --dev dev.jsonl --output out"
    )
    expectOneLine(result, 74, "safetensors", "cannot write", "raise the limit")
    #expect(bytes("out/model.safetensors") == before)
    #expect(try run("ls out/training | grep partial").output.isEmpty)
  }

  /// Killed again and again, wherever it happens to be, it ends with the bytes of a run left alone.
  @Test(arguments: ["adapt", "train"], ["float32", "bfloat16"])
  func killedAtAnyMoment(_ command: String, _ precision: String) throws {
    guard precision == "float32" || ck_has_bfloat16() else { return }
    let size = "--hidden 32 --heads 2 --layers 2 --channels 8"
    let model = command == "adapt" ? "--model model --lr 0.01" : size
    let options =
      "\(command) \(model) --train train.jsonl --dev dev.jsonl --precision \(precision) --weights float32 --epochs 3 --batch-seconds 2 --checkpoint-every 1"
    let result = try run(
      """
      "$idiolect" \(options) --output whole > whole.log || exit 1
      mark() { stat -c %i parts/training/last.safetensors 2>/dev/null || echo none; }
      # After so many checkpoints each; the first before there is one.
      for checkpoints in 0 2 1 3; do
        before=$(mark); seen=0
        "$idiolect" \(options) --output parts --resume > parts.log 2>&1 &
        while [ $seen -lt $checkpoints ] && kill -0 $! 2>/dev/null; do
          now=$(mark); [ $now = $before ] || { seen=$((seen + 1)); before=$now; }
        done
        sleep 0.0$((RANDOM % 10))
        kill -9 $!
        wait $! 2>/dev/null; echo $?
      done
      "$idiolect" \(options) --output parts --resume > parts.log || exit 2
      """)
    #expect(result.status == 0, "\(result.errors)")
    // At least three of them came in the middle.
    #expect(result.lines.count { $0 == "137" } >= 3, "\(result.output)")
    #expect(bytes("parts/model.safetensors") == bytes("whole/model.safetensors"))
    #expect(bytes("parts/training/best.safetensors") == bytes("whole/training/best.safetensors"))
    // Of the checkpoints, all but the clock.
    let (parts, whole) = (
      try SafetensorsFile(path: "\(place.directory)/parts/training/last.safetensors"),
      try SafetensorsFile(path: "\(place.directory)/whole/training/last.safetensors")
    )
    #expect(parts.names == whole.names)
    let different = try whole.names.filter {
      try parts.readFloats($0) != whole.readFloats($0)
    }
    #expect(different.isEmpty)
    #expect(try run("ls parts/training | grep partial").output.isEmpty)
  }

  @Test func interruptedRunsAreNotOverwritten() throws {
    let stopped = try run(
      """
      "$idiolect" adapt --model model --train train.jsonl --dev dev.jsonl --epochs 50 --batch-seconds 2 \
        --checkpoint-every 1 --output out > log &
      until [ -e out/training/last.safetensors ]; do sleep 0.01; done
      kill -9 $!; wait $! 2>/dev/null
      """)
    #expect(stopped.errors.split(separator: "\n").allSatisfy { !$0.hasPrefix("idiolect") })
    let before = bytes("out/training/last.safetensors")
    expectOneLine(
      try adapt("--dev dev.jsonl --output out"), 64, "interrupted", "--resume",
      "remove out/training")
    expectOneLine(try adapt("--dev dev.jsonl --output out --resume"), 64, "other settings")
    #expect(bytes("out/training/last.safetensors") == before)
    #expect(bytes("out/model.safetensors") == nil)
    let fresh = try run(
      "rm -r out/training; \"$idiolect\" adapt --model model --train train.jsonl --dev dev.jsonl \(quick) --output out"
    )
    #expect(fresh.status == 0, "\(fresh.errors)")
  }
}
