/// A front end taken apart: what it begins with, and the steps after that.
struct FeaturePlan {
  enum Source {
    /// The samples themselves.
    case waveform
    case spectral(SpectralConfiguration)
    case pitch
    case joined(JoinedConfiguration)
  }

  let source: Source
  var steps: [FeatureStep] = []

  /// What it begins with, where that is one spectrum.
  var spectral: SpectralConfiguration? {
    if case .spectral(let spectral) = source { spectral } else { nil }
  }

  /// Every spectrum that it begins with, those of what is joined in order.
  var spectra: [SpectralConfiguration] {
    switch source {
    case .waveform, .pitch: []
    case .spectral(let spectral): [spectral]
    case .joined(let joined): joined.parts.flatMap { $0.plan.spectra }
    }
  }

  /// Why it cannot be made as samples arrive; nil where it can.
  var reasonAgainstStreaming: String? {
    switch source {
    case .waveform: nil
    case .spectral(let spectral):
      spectral.fixedSamples.map { _ in "hears always as many samples at once" }
    case .pitch: "finds pitch as a path through the whole recording"
    case .joined(let joined): joined.parts.compactMap { $0.plan.reasonAgainstStreaming }.first
    }
  }

  /// How many things it looks at in a whole recording.
  var wholeStatistics: Int {
    let own = steps.count { if case .standardise = $0 { true } else { false } }
    switch source {
    case .waveform, .pitch: return own
    case .spectral(let spectral): return own + (spectral.logarithm.needsMaximum ? 1 : 0)
    case .joined(let joined): return own + joined.parts.reduce(0) { $0 + $1.plan.wholeStatistics }
    }
  }
}

extension FrontEndConfiguration {
  /// The bands that it hears, as plain energies of frames about their middles; those of Slaney where it has none.
  package var bands: SpectralConfiguration {
    get throws {
      var result = plan.spectra.first ?? SpectralConfiguration()
      result.sampleRate = try frontEnd().sampleRate
      (result.logarithm, result.cepstra, result.energy) = (.none, nil, nil)
      (result.fixedSamples, result.isDouble) = (nil, false)
      (result.frames.edges, result.frames.lastFrame) = (Framing().edges, Framing().lastFrame)
      if result.mel == nil { result.mel = MelConfiguration() }
      return result
    }
  }

  /// Mel bands, from 0, that hold no bin of the spectrum, as narrow ones at a high rate do: they are the same
  /// whatever is heard. Those of joined parts are counted on from one to the next.
  public var emptyBands: [Int] {
    var (result, before) = ([Int](), 0)
    for spectral in plan.spectra {
      guard let mel = spectral.mel else { continue }
      let empty = mel.emptyBands(
        sampleRate: spectral.keptRate, fftLength: spectral.frames.fftLength)
      result += empty.map { before + $0 }
      before += mel.bands
    }
    return result
  }

  /// What it hears of a recording, where that is always as much; nil where it hears all.
  package var heardSeconds: Double? {
    var result: Double?
    for spectral in plan.spectra {
      guard let fixed = spectral.fixedSamples else { continue }
      result = min(result ?? .infinity, Double(fixed) / Double(spectral.keptRate))
    }
    return result
  }

  var plan: FeaturePlan {
    switch self {
    case .logMel(let configuration): configuration.pipeline.plan
    case .kaldiFbank(let configuration): FeaturePlan(source: .spectral(configuration.spectral))
    case .kaldiMFCC(let configuration): FeaturePlan(source: .spectral(configuration.spectral))
    case .spectral(let configuration): FeaturePlan(source: .spectral(configuration))
    case .kaldiPitch: FeaturePlan(source: .pitch)
    case .joined(let configuration): FeaturePlan(source: .joined(configuration))
    case .waveform(let configuration):
      FeaturePlan(
        source: .waveform,
        steps: configuration.normalises ? [.standardise(Waveform.normalisation)] : [])
    case .pipeline(let configuration): configuration.plan
    }
  }
}

extension PipelineConfiguration {
  fileprivate var plan: FeaturePlan {
    var plan = frontEnd.plan
    plan.steps += steps
    return plan
  }
}
