import ArgumentParser
import Idiolect

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a network from random weights.",
    discussion: """
      The labels are the characters of the training texts. The network is a FastConformer-CTC in the \
      Hugging Face layout of ParakeetForCTC. Checkpoints lie in OUTPUT/training; after an interruption, \
      the same command with --resume goes on, to the bit (times aside). Without --resume an interrupted run is not \
      overwritten: remove OUTPUT/training to start over.

      Examples:
        idiolect train --train train.jsonl --dev dev.jsonl -o model --minutes 45
        idiolect train --train train.jsonl -o model --hidden 256 --layers 12
      """)

  @Option(help: ArgumentHelp("Manifest to train on.", valueName: "manifest"))
  var train: String

  @Option(
    help: ArgumentHelp(
      "Manifest by which the best weights are chosen (default: about a tenth of train).",
      valueName: "manifest"))
  var dev: String?

  @Option(
    help: ArgumentHelp(
      "Manifest of what matters most, such as people's speech beside synthesised: drawn ever more often until it makes up --lead-share of the audio in the last third.",
      valueName: "manifest"))
  var lead: String?

  @Option(help: "The share of the audio that --lead makes up in the end.")
  var leadShare = 0.6

  @Option(name: .shortAndLong, help: ArgumentHelp("Where the model goes.", valueName: "directory"))
  var output: String

  @Option(help: "Width of the network.")
  var hidden = 176

  @Option(help: "Encoder layers.")
  var layers = 10

  @Option(help: "Attention heads.")
  var heads = 4

  @Option(help: "Frames of each depthwise convolution, odd.")
  var kernel = 9

  @Option(help: "Feature frames to an output frame, a power of two.")
  var subsampling = 4

  @Option(help: "Channels of the subsampling convolutions.")
  var channels = 64

  @Option(help: "Dropout everywhere.")
  var dropout: Float = 0.1

  @Flag(help: "Train without looking at every recording first.")
  var noPreflight = false

  @OptionGroup var training: TrainingOptions
  @OptionGroup var engine: EngineOptions

  func run() throws {
    defer { ProfileReport.print() }
    StandardOutput.outlivesItsReader()
    var request = ScratchRequest(train: train, output: output)
    request.dev = dev
    request.lead = lead
    request.settings.leadShare = leadShare
    request.checksRecordings = !noPreflight
    request.resumes = training.resume
    request.storage = try training.storage()
    try training.apply(to: &request.settings, precision: try engine.prepare())
    for (name, value) in [
      ("--hidden", hidden), ("--layers", layers), ("--heads", heads), ("--kernel", kernel),
      ("--subsampling", subsampling), ("--channels", channels),
    ] where !(1...65_536).contains(value) {
      throw ValidationError("\(name) takes a number from 1 to 65,536")
    }
    guard (0...0.99).contains(leadShare) else {
      throw ValidationError("--lead-share takes a number from 0 to 0.99")
    }
    guard lead == nil || request.settings.minutes == nil else {
      throw ValidationError("--lead follows the epochs: give --epochs in place of --minutes")
    }
    var network = FastConformerConfiguration()
    network.hiddenSize = hidden
    network.layerCount = layers
    network.headCount = heads
    network.intermediateSize = 4 * hidden
    network.convolutionKernel = kernel
    network.subsamplingFactor = subsampling
    network.subsamplingChannels = channels
    network.dropout = dropout
    network.activationDropout = dropout
    network.attentionDropout = dropout
    network.layerDrop = 0
    request.network = network
    do {
      // The number of labels is not known yet, and all others are.
      var sizes = network
      (sizes.labelCount, sizes.blank) = (2, 1)
      try sizes.validate(file: "network")
    } catch let error as IdiolectError {
      throw ValidationError(error.message)
    }
    try ScratchRun(request) { try? StandardOutput.line($0) }.run()
  }
}
