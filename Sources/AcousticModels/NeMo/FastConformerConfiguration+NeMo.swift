import AcousticFeatures
import Basics

extension FastConformerConfiguration {
  /// Reads `model_config.yaml` of a CTC network with NeMo's `ConformerEncoder`.
  ///
  /// - Throws: `.unsupported` for another encoder or a setting that cannot be followed; `.invalidData` or
  ///   `.invalidModel`; each names the file and the setting.
  init(nemo config: JSONNode) throws {
    self.init()
    let encoder = config["encoder"]
    func refuse(_ key: String, _ value: String, _ known: String) -> IdiolectError {
      IdiolectError(
        .unsupported, "\(config.file): encoder.\(key) is \(value); only \(known) can be opened")
    }
    let target = try encoder["_target_"].string(default: "missing")
    guard target.hasSuffix(".ConformerEncoder") else {
      throw refuse("_target_", "'\(target)'", "ConformerEncoder and ConvASREncoder")
    }
    melBins = try encoder["feat_in"].int()
    layerCount = try encoder["n_layers"].int()
    hiddenSize = try encoder["d_model"].int()
    headCount = try encoder["n_heads"].int(default: 4)
    let expansion = try encoder["ff_expansion_factor"].int(default: 4)
    guard (1...64).contains(expansion) else {
      throw refuse("ff_expansion_factor", "\(expansion)", "1 to 64")
    }
    intermediateSize = hiddenSize.multipliedReportingOverflow(by: expansion).partialValue
    convolutionKernel = try encoder["conv_kernel_size"].int(default: 31)
    attentionBias = try encoder["use_bias"].bool(default: true)
    convolutionBias = attentionBias
    scalesInput = try encoder["xscaling"].bool(default: true)
    subsamplingFactor = try encoder["subsampling_factor"].int(default: 4)
    switch try encoder["subsampling"].string(default: "striding") {
    case "striding": hasPlainSubsampling = true
    case "dw_striding": hasPlainSubsampling = false
    case let other: throw refuse("subsampling", "'\(other)'", "'striding' and 'dw_striding'")
    }
    let channels = try encoder["subsampling_conv_channels"].int(default: -1)
    subsamplingChannels = channels == -1 ? hiddenSize : channels
    dropout = try encoder["dropout"].float(default: 0.1)
    activationDropout = dropout
    attentionDropout = try encoder["dropout_att"].float(default: 0)
    positionDropout = try encoder["dropout_emb"].float(default: 0.1)
    layerDrop = try encoder["stochastic_depth_drop_prob"].float(default: 0)

    let positions = try encoder["self_attention_model"].string(default: "rel_pos")
    guard positions == "rel_pos" else {
      throw refuse("self_attention_model", "'\(positions)'", "'rel_pos'")
    }
    let norm = try encoder["conv_norm_type"].string(default: "batch_norm")
    guard norm == "batch_norm" else { throw refuse("conv_norm_type", "'\(norm)'", "'batch_norm'") }
    let output = try encoder["feat_out"].int(default: -1)
    guard output <= 0 || output == hiddenSize else {
      throw refuse("feat_out", "\(output)", "-1")
    }
    for (key, wanted) in [
      ("causal_downsampling", JSONValue.bool(false)), ("reduction", .null),
      ("conv_context_size", .null), ("att_context_size", [-1, -1]),
    ] {
      let value = encoder[key]
      // Contexts may be in a list, here of one.
      guard !value.exists || value.value == wanted || value.value == [wanted] else {
        throw refuse(key, value.value!.text(.compact), wanted.text(.compact))
      }
    }
  }

  /// What NeMo calls a parameter.
  package static func nemoName(_ name: String, decoder: String) -> String {
    var name = name
    for (ours, theirs) in [
      ("encoder.subsampling.layers.", "encoder.pre_encode.conv."),
      ("encoder.subsampling.linear.", "encoder.pre_encode.out."),
      (".conv.norm.", ".conv.batch_norm."), (".relative_k_proj.", ".linear_pos."),
      (".q_proj.", ".linear_q."), (".k_proj.", ".linear_k."), (".v_proj.", ".linear_v."),
      (".o_proj.", ".linear_out."), (".bias_u", ".pos_bias_u"), (".bias_v", ".pos_bias_v"),
      ("ctc_head.", "\(decoder).decoder_layers.0."),
    ] { name = name.replacing(ours, with: theirs) }
    return name
  }
}

extension LogMelConfiguration {
  /// Reads the `preprocessor` of a `model_config.yaml`.
  ///
  /// - Throws: as `FastConformerConfiguration(nemo:)`.
  init(nemo settings: JSONNode) throws {
    self.init()
    sampleRate = try settings["sample_rate"].int(default: 16_000)
    func samples(_ key: String, _ seconds: Double) throws -> Int {
      let count = (try settings[key].double(default: seconds) * Double(sampleRate)).rounded(.down)
      guard (1...1e6).contains(count) else {
        throw settings[key].refusal("seconds, some milliseconds")
      }
      return Int(count)
    }
    windowLength = try samples("window_size", 0.02)
    hopLength = try samples("window_stride", 0.01)
    melBins = try settings["features"].int(default: 64)
    var next = 1
    while next < windowLength { next *= 2 }
    fftLength = try settings["n_fft"].int(default: next)
    preemphasis = try settings["preemph"].double(default: 0.97)
    lowHz = try settings["lowfreq"].double(default: 0)
    highHz = settings["highfreq"].exists ? try settings["highfreq"].double() : nil
    switch try settings["normalize"].string(default: "per_feature") {
    case "per_feature": normalization = .perFeature
    case "NA", "None": normalization = .none
    case let other:
      throw IdiolectError(
        .unsupported,
        "\(settings.file): preprocessor.normalize is '\(other)'; 'per_feature' and 'NA' can be followed"
      )
    }
    for (key, wanted) in [
      ("window", JSONValue.string("hann")), ("log", .bool(true)), ("frame_splicing", .integer(1)),
      ("mag_power", .number(2)), ("log_zero_guard_type", .string("add")),
      ("mel_norm", .string("slaney")), ("exact_pad", .bool(false)),
    ] {
      guard let value = settings[key].value, value != .null, value != wanted,
        value.double == nil || value.double != wanted.double
      else { continue }
      throw IdiolectError(
        .unsupported,
        "\(settings.file): preprocessor.\(key) is \(value.text(.compact)); only \(wanted.text(.compact)) can be followed"
      )
    }
    do { try validate() } catch let error as IdiolectError {
      throw IdiolectError(.invalidModel, "\(settings.file): \(error.message)")
    }
  }
}
