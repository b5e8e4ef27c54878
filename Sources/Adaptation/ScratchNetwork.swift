package import AcousticFeatures
public import AcousticModels

/// What is trained from random weights, with the front end that it hears by.
public enum ScratchNetwork: Sendable {
  case fastConformer(FastConformerConfiguration)
  case waveNet(WaveNetConfiguration)

  package var configuration: any NetworkConfiguration {
    switch self {
    case .fastConformer(let configuration): configuration
    case .waveNet(let configuration): configuration
    }
  }

  package var frontEnd: FrontEndConfiguration {
    switch self {
    case .fastConformer: .logMel(LogMelConfiguration())
    case .waveNet: FeaturePreset.wavenet.configuration()
    }
  }

  /// Parameters of the matrices alone; as a number that no size overflows.
  package var matrixParameters: Double {
    switch self {
    case .fastConformer(let configuration): configuration.matrixParameters
    case .waveNet(let configuration): configuration.matrixParameters
    }
  }
}
