public import ArgumentParser
public import Idiolect

struct TrainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "train",
    abstract: "Trains a network from random weights, or on from those of another.",
    discussion: """
      The labels are the characters of the training texts. The network is a FastConformer-CTC in the \
      Hugging Face layout of ParakeetForCTC, or a WaveNet on 20 MFCC, as speech-to-text-wavenet has it. With --from, it has the sizes, weights and labels of that \
      model, and labels for the characters it lacks; nothing is compared with it, as adapt would. Checkpoints lie in OUTPUT/training; after an interruption, \
      the same command with --resume goes on, bounded by --epochs to the bit (times aside). Without --resume an interrupted run is not \
      overwritten: remove OUTPUT/training to start over.

      Examples:
        idiolect train --train train.jsonl --dev dev.jsonl -o model --minutes 45
        idiolect train --train train.jsonl -o model --hidden 256 --layers 12
        idiolect train --train train.jsonl -o model --network wavenet --causal
        idiolect train --from model --train more.jsonl -o longer --average 0.999
        idiolect train --from model --train many.jsonl --meta speaker -o prepared
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
      "Manifest of what matters most, such as people's speech beside synthesised: drawn ever more often until it makes up --lead-share of the audio.",
      valueName: "manifest"))
  var lead: String?

  @Option(help: "The share of the audio that --lead makes up in the end.")
  var leadShare = 0.6

  @Option(
    help: "The share of training after which --lead makes it up; 0 for all along (default: 0.67).")
  var leadFrom: Double?

  @Option(
    help: ArgumentHelp(
      "Model to begin with in place of random weights.", valueName: "directory"))
  var from: String?

  @Option(name: .shortAndLong, help: ArgumentHelp("Where the model goes.", valueName: "directory"))
  var output: String

  @Option(help: "fastconformer or wavenet.")
  var network = Network.fastconformer

  @Flag(help: "A frame hears only those before it (wavenet).")
  var causal = false

  @Option(help: "Width of the network (default: 176, of wavenet 128).")
  var hidden: Int?

  @Option(help: "Encoder layers (default: 10, of wavenet 15).")
  var layers: Int?

  @Option(help: "Attention heads (default: 4).")
  var heads: Int?

  @Option(help: "Frames of each convolution, odd (default: 9, of wavenet 7).")
  var kernel: Int?

  @Option(help: "Feature frames to an output frame, a power of two (default: 4).")
  var subsampling: Int?

  @Option(help: "Channels of the subsampling convolutions (default: 64).")
  var channels: Int?

  @Option(help: "Dropout everywhere (default: 0.1).")
  var dropout: Float?

  @Option(
    help: ArgumentHelp(
      "Seek weights from which a minute of a new speaker (or accent) leads far, rather than the best for all of these: needs --from, and speaker or accent in the manifest. Of itself 5 epochs at a learning rate of 3e-4, in batches of 20 seconds.",
      valueName: "by"))
  var meta: Reptile.Task?

  @Flag(help: "Train without looking at every recording first.")
  var noPreflight = false

  @OptionGroup var training: TrainingOptions
  @OptionGroup var engine: EngineOptions

  func run() throws {
    defer { ProfileReport.print() }
    StandardOutput.outlivesItsReader()
    Interruption.permit()
    var request = ScratchRequest(train: train, output: output)
    request.dev = dev
    request.lead = lead
    request.start = from
    request.settings.leadShare = leadShare
    if let leadFrom { request.settings.leadFrom = leadFrom }
    request.checksRecordings = !noPreflight
    request.resumes = training.resume
    if let meta { request.seeksFewShot(by: meta) }
    request.storage = try training.storage()
    try training.apply(to: &request.settings, precision: try engine.prepare())
    let given = [
      ("--hidden", hidden), ("--layers", layers), ("--heads", heads), ("--kernel", kernel),
      ("--subsampling", subsampling), ("--channels", channels),
    ]
    for (name, value) in given {
      guard let value else { continue }
      guard from == nil else {
        throw ValidationError("\(name) is settled by --from: leave one of them out")
      }
      guard (1...65_536).contains(value) else {
        throw ValidationError("\(name) takes a number from 1 to 65,536")
      }
    }
    guard from == nil || (dropout == nil && network == .fastconformer) else {
      throw ValidationError("--network and --dropout are settled by --from: leave them out")
    }
    for (name, share) in [("--lead-share", leadShare), ("--lead-from", leadFrom ?? 0)]
    where !(0...0.99).contains(share) {
      throw ValidationError("\(name) takes a number from 0 to 0.99")
    }
    guard meta == nil || (from != nil && lead == nil && dev == nil) else {
      throw ValidationError("--meta prepares a model: give it by --from, and no --lead or --dev")
    }
    guard meta == nil || (training.average == nil && request.settings.accumulation == 1) else {
      throw ValidationError("--meta has its own course: leave --average and --accumulate out")
    }
    guard lead == nil || request.settings.minutes == nil else {
      throw ValidationError("--lead follows the epochs: give --epochs in place of --minutes")
    }
    request.network = try sizes(network)
    try ScratchRun(request) { try? StandardOutput.line($0) }.run()
  }

  private func sizes(_ network: Network) throws -> ScratchNetwork {
    do {
      switch network {
      case .fastconformer:
        guard !causal else { throw ValidationError("--causal is of --network wavenet") }
        return .fastConformer(try fastConformer())
      case .wavenet: return .waveNet(try waveNet())
      }
    } catch let error as IdiolectError {
      throw ValidationError(error.message)
    }
  }

  private func fastConformer() throws -> FastConformerConfiguration {
    var network = FastConformerConfiguration()
    network.hiddenSize = hidden ?? 176
    network.layerCount = layers ?? 10
    network.headCount = heads ?? 4
    network.intermediateSize = 4 * network.hiddenSize
    network.convolutionKernel = kernel ?? 9
    network.subsamplingFactor = subsampling ?? 4
    network.subsamplingChannels = channels ?? 64
    network.dropout = dropout ?? 0.1
    network.activationDropout = network.dropout
    network.attentionDropout = network.dropout
    network.layerDrop = 0
    // The number of labels is not known yet, and all others are.
    var sizes = network
    (sizes.labelCount, sizes.blank) = (2, 1)
    try sizes.validate(file: "network")
    return network
  }

  private func waveNet() throws -> WaveNetConfiguration {
    guard heads == nil, subsampling == nil, channels == nil, dropout == nil else {
      throw ValidationError(
        "a wavenet has no --heads, --subsampling, --channels and --dropout: leave them out")
    }
    var network = WaveNetConfiguration()
    network.width = hidden ?? network.width
    network.kernel = kernel ?? network.kernel
    network.isCausal = causal
    if let layers {
      let stack = network.dilations.count
      network.stacks = (layers + stack - 1) / stack
      network.layerCount = layers
    }
    try network.validate(file: "network")
    return network
  }

  enum Network: String, ExpressibleByArgument, CaseIterable { case fastconformer, wavenet }
}

extension Reptile.Task: ExpressibleByArgument {}
