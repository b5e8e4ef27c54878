public import ArgumentParser
public import Idiolect

/// Options that `adapt` and `train` share.
struct TrainingOptions: ParsableArguments {
  @Option(help: "Passes over the data (default: 30).")
  var epochs: Int?

  @Option(
    help:
      "Instead of --epochs: wall time for training, in minutes; the learning rate then follows the clock."
  )
  var minutes: Double?

  @Option(
    name: .customLong("lr"),
    help: "The highest learning rate (default: 3e-4 for adapt, 1e-3 for train).")
  var learningRate: Double?

  @Option(help: "The learning rate's course (default: cosine).")
  var schedule: LearningRateSchedule.Decay?

  @Option(help: "The share of training in which the learning rate rises (default: 0.1).")
  var warmup: Double?

  @Option(help: "Seconds of audio in a batch (default: 60 for adapt, 160 for train).")
  var batchSeconds: Double?

  @Option(help: "Batches whose gradients make one update (default: 1).")
  var accumulate: Int?

  @Option(help: "Updates between two looks at the dev set; once an epoch if not given.")
  var lookEvery: Int?

  @Option(
    help:
      "Looks without a better dev CER before training stops (default: 10; with --minutes it goes on)."
  )
  var patience: Int?

  @Option(help: "Updates between two checkpoints (default: one a minute, and one after each look).")
  var checkpointEvery: Int?

  @Flag(
    help:
      "Compute what lies within a layer again on the way back rather than keep it: a third more time, a fraction of the memory."
  )
  var recompute = false

  @Flag(help: "Train without SpecAugment.")
  var noSpecAugment = false

  @Flag(help: "Train without speed perturbation.")
  var noSpeed = false

  @Flag(help: "Put recordings into rooms, noise and telephones, drawn anew every epoch.")
  var augment = false

  @Option(
    help: ArgumentHelp(
      "Make a third of the clips higher or lower by up to so many semitones, such as 2.",
      valueName: "semitones"))
  var pitch: Float?

  @Option(
    help: ArgumentHelp(
      "Folder of recorded noises, and nothing else, to add to half of the clips in place of made ones.",
      valueName: "directory"))
  var noise: String?

  @Option(
    help: ArgumentHelp(
      "Signal over noise in decibels, from and to (default: 5,35).", valueName: "low,high"))
  var snr: String?

  @Option(
    help: ArgumentHelp(
      "Keep a moving average of the weights in place of the last ones; each update keeps this much of it, such as 0.999.",
      valueName: "decay"))
  var average: Double?

  @Option(help: "Determines every random choice.")
  var seed: UInt64 = 1

  @Flag(help: "Continue from the last checkpoint in the output directory.")
  var resume = false

  @Option(help: "How weights are stored: float16 or float32.")
  var weights: String = "float16"

  func apply(to settings: inout TrainingSettings, precision: Precision) throws {
    guard epochs == nil || minutes == nil else {
      throw ValidationError("--epochs and --minutes both bound the training: give one of them")
    }
    settings.precision = precision
    settings.seed = seed
    if let epochs { settings.epochs = epochs }
    settings.minutes = minutes
    if let learningRate { settings.learningRate = learningRate }
    if let schedule { settings.decay = schedule }
    if let warmup { settings.warmupShare = warmup }
    if let batchSeconds { settings.batchSeconds = batchSeconds }
    if let accumulate { settings.accumulation = accumulate }
    if let lookEvery { settings.evaluationSteps = lookEvery }
    if let patience { settings.patience = patience }
    if let checkpointEvery { settings.checkpointSteps = checkpointEvery }
    settings.recomputes = recompute
    if noSpecAugment { settings.specAugment = nil }
    settings.augmentation = try augmentation()
    if noSpeed { settings.speeds = [] }
    settings.averageDecay = average
    for (name, holds, range) in [
      ("--epochs", (1...1_000_000).contains(settings.epochs), "from 1 to 1,000,000"),
      ("--minutes", (0.001...1e6).contains(settings.minutes ?? 1), "from 0.001 to 1,000,000"),
      ("--lr", (1e-12...1e6).contains(settings.learningRate), "from 1e-12 to 1e6"),
      ("--warmup", (0...1).contains(settings.warmupShare), "from 0 to 1"),
      ("--batch-seconds", (1...1200).contains(settings.batchSeconds), "from 1 to 1200"),
      ("--average", (0..<1).contains(settings.averageDecay ?? 0), "from 0 to below 1"),
      ("--accumulate", (1...10_000).contains(settings.accumulation), "from 1 to 10,000"),
      ("--look-every", lookEvery ?? 1 > 0, "above 0"),
      ("--patience", settings.patience > 0, "above 0"),
      ("--checkpoint-every", checkpointEvery ?? 1 > 0, "above 0"),
    ] where !holds {
      throw ValidationError("\(name) takes a number \(range)")
    }
  }

  /// What was asked for of what `--augment` does as a whole.
  private func augmentation() throws -> AudioAugmentation? {
    guard augment || pitch != nil || noise != nil else {
      guard snr == nil else {
        throw ValidationError("--snr is of noise: give --noise or --augment")
      }
      return nil
    }
    var result = AudioAugmentation()
    if !augment { (result.roomShare, result.telephoneShare) = (0, 0) }
    if !augment && noise == nil { result.noiseShare = 0 }
    if let pitch {
      guard pitch > 0 && pitch <= 12 else {
        throw ValidationError("--pitch takes semitones above 0, at most 12")
      }
      (result.pitchShare, result.semitones) = (1.0 / 3, -pitch...pitch)
    }
    if let noise { result.noises = try AudioAugmentation.recordings(in: noise) }
    if let snr {
      guard augment || noise != nil else {
        throw ValidationError("--snr is of noise: give --noise or --augment")
      }
      let bounds = snr.split(separator: ",").map { Float($0) }
      guard bounds.count == 2, let low = bounds[0], let high = bounds[1], low <= high,
        (-30...100).contains(low), high <= 100
      else { throw ValidationError("--snr \(snr): give two numbers of decibels, such as 5,35") }
      result.signalToNoiseDecibels = low...high
    }
    return result
  }

  func storage() throws -> SafetensorsTensor.Storage {
    switch weights {
    case "float16": .float16
    case "float32": .float32
    default: throw ValidationError("--weights is float16 or float32, not '\(weights)'")
    }
  }
}

extension LearningRateSchedule.Decay: ExpressibleByArgument {}
