extension FrontEndConfiguration {
  /// The bands that it hears, as plain energies of frames about their middles; those of Slaney where it has none.
  package var bands: SpectralConfiguration {
    get throws {
      var result = plan?.spectral ?? SpectralConfiguration()
      result.sampleRate = try frontEnd().sampleRate
      (result.logarithm, result.cepstra, result.energy) = (.none, nil, nil)
      (result.fixedSamples, result.isDouble) = (nil, false)
      (result.frames.edges, result.frames.lastFrame) = (Framing().edges, Framing().lastFrame)
      if result.mel == nil { result.mel = MelConfiguration() }
      return result
    }
  }

  /// Mel bands, from 0, that hold no bin of the spectrum, as narrow ones at a high rate do: they are the same
  /// whatever is heard.
  public var emptyBands: [Int] {
    guard let spectral = plan?.spectral else { return [] }
    return spectral.mel?.emptyBands(
      sampleRate: spectral.keptRate, fftLength: spectral.frames.fftLength) ?? []
  }

  /// The spectral convention, nil for samples themselves, and the steps after it; nil where that is not all.
  var plan: (spectral: SpectralConfiguration?, steps: [FeatureStep])? {
    switch self {
    case .kaldiPitch, .joined: nil
    case .logMel(let configuration): configuration.pipeline.plan
    case .kaldiFbank(let configuration): (configuration.spectral, [])
    case .kaldiMFCC(let configuration): (configuration.spectral, [])
    case .spectral(let configuration): (configuration, [])
    case .waveform(let configuration):
      (nil, configuration.normalises ? [.standardise(Waveform.normalisation)] : [])
    case .pipeline(let configuration): configuration.plan
    }
  }
}

extension PipelineConfiguration {
  fileprivate var plan: (spectral: SpectralConfiguration?, steps: [FeatureStep])? {
    frontEnd.plan.map { ($0.spectral, $0.steps + steps) }
  }
}
