public import ArgumentParser
import Basics
public import Idiolect

struct AdaptCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "adapt",
    abstract: "Adapts a model to an accent, a person or a language, and proves what that changed.",
    discussion: """
      A pre-flight looks at every recording first; what cannot be used is quarantined and the rest goes \
      on. One half of the held-out data chooses when to stop, the other half judges: base and adapted \
      model are compared with a paired bootstrap. The base ships unless the adapted model makes significantly \
      fewer character errors and not significantly more word errors. Characters that the base lacks extend or replace \
      its output layer; shared rows are kept. A target of whose characters the base has labels for less than 95 % \
      it cannot write: there the adapted model is compared with training from scratch for the same time.

      OUTPUT is runs/FOLDER of the manifest's folder, or runs/NAME of a manifest without one, unless --output says \
      otherwise; a model that lies there already is then not overwritten. It becomes a model directory; \
      adaptation.json in it holds the lineage, the scores and the verdict. It changes only at the very end: a model \
      that lies there already survives a run that fails. Checkpoints and quarantine.jsonl lie in OUTPUT/training; \
      after an interruption, the same command with --resume goes on, bounded by --epochs to the bit (times aside). \
      Without --resume an interrupted run is not overwritten: remove OUTPUT/training to start over. With --strategy \
      lora the update lies in OUTPUT/adapter too, for PEFT; with adapter, the adapters: of a base that has several \
      languages (MMS) as adapter.LANG.safetensors, LANG being the lang of the manifest, else --language.

      Examples:
        idiolect adapt --train mine/adapt.jsonl
        idiolect adapt --model Models/english-small --train me.jsonl -o mine
        idiolect adapt --train a.jsonl --dev b.jsonl --retain us.jsonl -o adapted
        idiolect adapt --train a.jsonl --test t.jsonl --strategy upper:4 -o adapted
      """)

  @OptionGroup var model: ModelOption

  @Option(help: ArgumentHelp("Manifest of the target to train on.", valueName: "manifest"))
  var train: String?

  @Option(
    help: ArgumentHelp(
      "Manifest of recordings of the target without texts, of a minute at most: what the model hears in them, as far as it agrees with itself, trains it.",
      valueName: "manifest"))
  var unlabelled: String?

  @Option(
    help:
      "How often the model hears --unlabelled anew (default: 3). Labelled training and the rounds share --budget or --minutes."
  )
  var rounds: Int?

  @Option(
    help: ArgumentHelp(
      "Manifest that chooses and, without --test, judges (default: a tenth of train, or twenty utterances; of less than five minutes or sixty utterances, all of it by cross-validation, but not with --retain or --unlabelled, by which nothing could be chosen then).",
      valueName: "manifest"))
  var dev: String?

  @Flag(
    help:
      "Hold nothing out of train: all of it trains, and the last weights are kept. For a few sentences, with settings that are known to serve; needs --test."
  )
  var keepLast = false

  @Option(
    help: ArgumentHelp("Manifest that judges; then all of dev chooses.", valueName: "manifest"))
  var test: String?

  @Option(
    help: ArgumentHelp(
      "Manifest of what the base was good at, to measure forgetting.", valueName: "manifest"))
  var retain: String?

  @Option(
    help: ArgumentHelp(
      "Manifest of what the base was good at, to train on beside the target.",
      valueName: "manifest"))
  var replay: String?

  @Option(help: "The share of the audio that --replay makes up (default: 0.3).")
  var replayShare: Double?

  @Option(
    help: ArgumentHelp(
      "Hold the network's posteriors near the base's; how much that counts, such as 0.5.",
      valueName: "weight"))
  var distillation: Double?

  @Option(
    name: .customLong("l2-sp"),
    help: ArgumentHelp(
      "Draw weights back to the base's, as weight decay draws them to 0; such as 1.",
      valueName: "strength"))
  var pullToStart: Double?

  @Option(
    name: .customLong("ewc"),
    help: ArgumentHelp(
      "Draw weights back to the base's by how much they matter to --replay; such as 1.",
      valueName: "strength"))
  var consolidation: Double?

  @Option(
    help: ArgumentHelp(
      "How much the WER and the CER on --retain may rise, absolute (default: 0.01).",
      valueName: "rate"))
  var forgettingBudget: Double?

  @Flag(
    help:
      "Ship what training gave: do not try the weights between it and the base, which may forget less."
  )
  var noInterpolation = false

  @Option(
    name: .shortAndLong,
    help: ArgumentHelp(
      "Where the model goes (default: runs/ and the manifest's folder or name).",
      valueName: "directory"))
  var output: String?

  @Option(
    help:
      "What trains: auto (chosen by short trials on your data; the default where none of --epochs, --minutes, --lr and --patience is given), full, output-layer, upper:N (the N topmost layers), gradual (from the top down), bias, norm, lhuc, adapter[:WIDTH], or lora[:RANK]."
  )
  var strategy: String?

  @Option(
    help: ArgumentHelp(
      "Wall time of --strategy auto, trials, training and rounds together (the first trial of a cross-validation is finished where no --test judges, and training from scratch for a new alphabet comes on top: see --skip-scratch): minutes, or with a unit, such as 90s, 10m, 2h (default: 10m).",
      valueName: "time"))
  var budget: String?

  @Option(
    help: ArgumentHelp(
      "Drop the encoder layers above so many, as rank may advise: the network is smaller then.",
      valueName: "n"))
  var keepLayers: Int?

  @Option(help: "New characters: auto, extend (keep the base's labels) or replace.")
  var labels = LabelMode.automatic

  @Option(help: "Each layer below the output layer learns at this factor of the one above it.")
  var layerDecay = 1.0

  @Option(
    help: ArgumentHelp(
      "Augmented views of each utterance, one an epoch in turn, for which the frozen layers are computed once (default: 8 where half of the encoder is frozen).",
      valueName: "n"))
  var views: Int?

  @Flag(
    help:
      "Do not train from scratch for a target that the base cannot write: the adapted model is compared with the base then."
  )
  var skipScratch = false

  @Flag(help: "Compute frozen layers anew every epoch, each with new augmentation.")
  var noFrozenCache = false

  @OptionGroup var training: TrainingOptions
  @OptionGroup var engine: EngineOptions

  func run() throws {
    defer { ProfileReport.print() }
    StandardOutput.outlivesItsReader()
    Interruption.permit()
    guard let manifest = train ?? unlabelled else {
      throw ValidationError("give --train, or --unlabelled and --test")
    }
    let base = try model.directory()
    let output = try self.output ?? defaultOutput(manifest)
    var request = AdaptationRequest(base: base, train: train, output: output)
    request.language = model.language
    request.dev = dev
    request.unlabelled = unlabelled
    guard (1...100).contains(rounds ?? 1) else {
      throw ValidationError("--rounds takes a number from 1 to 100")
    }
    guard rounds == nil || unlabelled != nil else {
      throw ValidationError("--rounds says how often --unlabelled is heard anew: give both")
    }
    request.rounds = rounds ?? request.rounds
    request.test = test
    request.retain = retain
    request.forgettingBudget = forgettingBudget ?? request.forgettingBudget
    request.replay = replay
    request.settings.replayShare = replayShare
    request.settings.distillation = distillation
    request.settings.pullToStart = pullToStart
    request.settings.consolidation = consolidation
    for (name, value, holds) in [
      ("--replay-share", replayShare, 0.01...0.95), ("--distillation", distillation, 0...1e6),
      ("--l2-sp", pullToStart, 0...1e6), ("--ewc", consolidation, 0...1e6),
    ] {
      guard let value, !holds.contains(value) else { continue }
      throw ValidationError(
        "\(name) takes a number from \(holds.lowerBound) to \(holds.upperBound)")
    }
    request.interpolates = !noInterpolation
    guard (0...1).contains(forgettingBudget ?? 0) else {
      throw ValidationError(
        "--forgetting-budget takes a rate from 0 to 1, such as 0.01 for a point")
    }
    guard forgettingBudget == nil || retain != nil else {
      throw ValidationError("--forgetting-budget is measured on --retain: give both")
    }
    request.holdsOut = !keepLast
    guard !keepLast || (dev == nil && test != nil) else {
      throw ValidationError(
        "--keep-last trains on all of train: give --test to judge by, and no --dev")
    }
    // Whoever says how long training takes, or how fast it goes, has a strategy in mind.
    let isSettled =
      training.epochs != nil || training.minutes != nil || training.learningRate != nil
      || training.patience != nil
    request.strategy = try Strategy(
      option: strategy ?? (isSettled || train == nil || keepLast ? "full" : "auto"))
    guard request.strategy != .automatic || !isSettled else {
      throw ValidationError(
        "--strategy auto keeps to --budget and tries rates of its own: leave --epochs, --minutes, --lr and --patience out"
      )
    }
    guard budget == nil || request.strategy == .automatic else {
      throw ValidationError(
        "--budget is for --strategy auto; what another strategy may take say by --minutes or --epochs"
      )
    }
    request.budgetMinutes = try budget.map(minutes) ?? request.budgetMinutes
    request.labels = labels
    request.keptLayers = keepLayers
    request.comparesWithScratch = !skipScratch
    request.resumes = training.resume
    request.storage = try training.storage()
    guard layerDecay > 0 && layerDecay <= 1 else {
      throw ValidationError("--layer-decay lies above 0 and is at most 1")
    }
    guard views == nil || !noFrozenCache else {
      throw ValidationError(
        "--views says what is kept, --no-frozen-cache that nothing is: give one")
    }
    guard (1...1000).contains(views ?? 1) else {
      throw ValidationError("--views takes a number from 1 to 1000")
    }
    request.settings.views = views
    request.keepsFrozenStates = !noFrozenCache
    request.settings.layerDecay = layerDecay
    try training.apply(to: &request.settings, precision: try engine.prepare())
    if self.output == nil { try StandardOutput.line("output: \(output)") }
    let report = try AdaptationRun(request) { try? StandardOutput.line($0) }.run()
    try StandardOutput.line("")
    for line in report.lines { try StandardOutput.line(line) }
    try StandardOutput.line("model: \(output)")
  }
}

extension AdaptCommand {
  /// Where the model goes of itself: below runs/, by the name of the manifest's folder or its own.
  ///
  /// - Throws: `.invalidArgument` where a finished model lies there: nobody asked for that place by name.
  private func defaultOutput(_ manifest: String) throws -> String {
    let parts = manifest.split(separator: "/").map(String.init)
    let folder = parts.dropLast().last.flatMap { [".", ".."].contains($0) ? nil : $0 }
    let file = parts.last ?? ""
    let name = folder ?? file.split(separator: ".").first.map(String.init) ?? "adapted"
    let output = "runs/\(name)"
    guard training.resume || FilePath.isFolder("\(output)/config.json") == nil else {
      throw IdiolectError(
        .invalidArgument,
        "\(output): a model lies there already; name another place, or this one, by --output")
    }
    return output
  }

  /// Minutes of a time such as 90s, 10m or 2h; a bare number is minutes.
  private func minutes(_ text: String) throws -> Double {
    let units: [Character: Double] = ["s": 1.0 / 60, "m": 1, "h": 60]
    let unit = text.last.flatMap { units[$0] }
    guard let number = Double(unit == nil ? text : String(text.dropLast())), number > 0,
      number < 1e5
    else {
      throw ValidationError("--budget \(text): give a time such as 90s, 10m or 2h")
    }
    return number * (unit ?? 1)
  }
}

extension LabelMode: ExpressibleByArgument {}
