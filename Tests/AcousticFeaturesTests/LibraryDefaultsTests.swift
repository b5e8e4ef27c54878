import AcousticFeatures
import Basics
import Foundation
import TestSupport
import Testing

/// What the originals state as their own defaults (`defaults.json`, which `Scripts/golden/presets.py` asked them for)
/// beside what the presets say.
@Suite struct LibraryDefaultsTests {
  private func stated(_ preset: String, _ part: String? = nil) throws -> JSONNode {
    let path = "\(Golden.directory)/features/presets/defaults.json"
    let preset = try JSONNode(path: path)[preset]
    return part.map { preset[$0] } ?? preset
  }

  /// - Parameter pairs: names there, and what they are here; a flag counts as 0 or 1.
  private func expect(_ node: JSONNode, _ pairs: [(String, Double)]) throws {
    for (name, own) in pairs {
      let value = node[name]
      let theirs =
        if case .bool(let flag)? = value.value { flag ? 1.0 : 0 } else { try value.double() }
      // They were written with seven digits.
      #expect(abs(theirs - own) <= 1e-6 * abs(own), "\(value.keyPath): \(theirs), here \(own)")
    }
  }

  private func flag(_ value: Bool) -> Double { value ? 1 : 0 }

  private func spectral(_ preset: FeaturePreset, sampleRate: Int = 16_000) throws
    -> SpectralConfiguration
  {
    guard case .spectral(let spectral) = preset.configuration(sampleRate: sampleRate) else {
      throw IdiolectError(.invalidData, "\(preset) is of another kind")
    }
    return spectral
  }

  private func expectFrame(_ preset: String, _ frame: KaldiFrameConfiguration) throws {
    let node = try stated(preset, "frame_opts")
    try expect(
      node,
      [
        ("samp_freq", Double(frame.sampleRate)), ("frame_shift_ms", frame.frameShiftMilliseconds),
        ("frame_length_ms", frame.frameLengthMilliseconds), ("dither", frame.dither),
        ("preemph_coeff", frame.preemphasis), ("remove_dc_offset", flag(frame.removesOffset)),
        ("round_to_power_of_two", flag(frame.roundsToPowerOfTwo)),
        ("snip_edges", flag(frame.snipsEdges)),
      ])
    #expect(try node["window_type"].string() == frame.window.rawValue)
  }

  private func mel(_ mel: KaldiMelConfiguration) -> [(String, Double)] {
    [("num_bins", Double(mel.bands)), ("low_freq", mel.lowHz), ("high_freq", mel.highHz)]
  }

  @Test func kaldi() throws {
    guard case .kaldiFbank(let fbank) = FeaturePreset.kaldiFbank.configuration() else {
      Issue.record("another kind")
      return
    }
    try expectFrame("kaldi-fbank", fbank.frame)
    try expect(stated("kaldi-fbank", "mel_opts"), mel(fbank.mel))
    try expect(
      stated("kaldi-fbank"),
      [
        ("use_energy", flag(fbank.usesEnergy)), ("energy_floor", fbank.energyFloor),
        ("raw_energy", flag(fbank.usesRawEnergy)), ("use_log_fbank", flag(fbank.usesLogarithm)),
        ("use_power", flag(fbank.usesPower)), ("eps", 0x1p-23),
      ])
    for preset in [FeaturePreset.kaldiMFCC, .kaldiMFCCHires] {
      guard case .kaldiMFCC(let mfcc) = preset.configuration() else {
        Issue.record("another kind")
        return
      }
      try expectFrame(preset.rawValue, mfcc.frame)
      try expect(stated(preset.rawValue, "mel_opts"), mel(mfcc.mel))
      try expect(
        stated(preset.rawValue),
        [
          ("num_ceps", Double(mfcc.coefficients)), ("use_energy", flag(mfcc.usesEnergy)),
          ("energy_floor", mfcc.energyFloor), ("raw_energy", flag(mfcc.usesRawEnergy)),
          ("cepstral_lifter", mfcc.lifter),
        ])
    }
    let (deltas, sliding) = (Deltas(.kaldi), SlidingNormalisation())
    try expect(
      stated("kaldi-deltas", "DeltaOptions"),
      [("order", Double(deltas.order)), ("window", Double(deltas.reachOfOne))])
    try expect(
      stated("kaldi-cmvn-sliding", "torchaudio.functional.functional.sliding_window_cmn"),
      [
        ("cmn_window", Double(sliding.window)), ("min_cmn_window", Double(sliding.minimum)),
        ("center", flag(sliding.isCentred)), ("norm_vars", flag(sliding.scalesVariance)),
      ])
  }

  /// What an extractor of transformers writes of itself is read as the preset.
  @Test(arguments: [
    ("nemo", "ParakeetFeatureExtractor"), ("wav2vec2", "Wav2Vec2FeatureExtractor"),
    ("wav2vec2-bert", "SeamlessM4TFeatureExtractor"),
  ])
  func transformers(_ preset: String, _ extractor: String) throws {
    let settings = try #require(try stated(preset, extractor).value)
    #expect(
      try FrontEndConfiguration(huggingFace: Data(settings.text().utf8))
        == FeaturePreset(named: preset).configuration())
  }

  @Test func whisper() throws {
    let whisper = try spectral(.whisper)
    try expect(
      stated("whisper", "whisper.audio"),
      [
        ("SAMPLE_RATE", Double(whisper.sampleRate)), ("N_FFT", Double(whisper.frames.fftLength)),
        ("HOP_LENGTH", Double(whisper.frames.hopLength)),
        ("N_SAMPLES", Double(whisper.fixedSamples ?? 0)),
        ("N_FRAMES", Double(try SpectralFrontEnd(whisper).frameCount(samples: 1).valid)),
      ])
    try expect(
      stated("whisper", "whisper.audio.log_mel_spectrogram"),
      [("n_mels", Double(whisper.mel?.bands ?? 0))])
  }

  @Test(arguments: [FeaturePreset.librosaMel, .librosaMFCC, .wavenet])
  func librosa(_ preset: FeaturePreset) throws {
    let own = try spectral(preset)
    let mel = try #require(own.mel)
    let spectrogram = try stated(preset.rawValue, "librosa.feature.spectral.melspectrogram")
    try expect(
      spectrogram,
      [
        ("n_fft", Double(own.frames.fftLength)), ("n_fft", Double(own.frames.windowLength)),
        ("hop_length", Double(own.frames.hopLength)), ("power", own.spectrum == .power ? 2 : 1),
      ])
    // librosa 0.5 had no other.
    let edges = try preset == .wavenet ? "reflect" : spectrogram["pad_mode"].string()
    #expect(own.frames.edges == (edges == "reflect" ? .centredReflect : .centredZeros))
    let filters = try stated(preset.rawValue, "librosa.filters.mel")
    try expect(
      filters,
      [("n_mels", Double(mel.bands)), ("fmin", mel.lowHz), ("htk", flag(mel.scale == .htk))])
    #expect(try (filters["norm"].string() == "slaney") == mel.hasUnitArea)
    guard let cepstra = own.cepstra else { return }
    let mfcc = try stated(preset.rawValue, "librosa.feature.spectral.mfcc")
    try expect(mfcc, [("n_mfcc", Double(cepstra.count)), ("lifter", cepstra.lifter)])
    #expect(try (mfcc["norm"].string() == "ortho") == cepstra.isOrthonormal)
    try expectDecibels(stated(preset.rawValue, "librosa.core.spectrum.power_to_db"), own.logarithm)
  }

  private func expectDecibels(_ node: JSONNode, _ logarithm: Logarithm) throws {
    let least = try node["amin"].double()
    #expect(logarithm.kind == .decibels && logarithm.guarded == .floor(least))
    try expect(node, [("top_db", logarithm.range ?? 0)])
  }

  @Test func torchaudio() throws {
    let (plain, own) = (try spectral(.torchaudioMel), try spectral(.torchaudioMFCC))
    let (mel, cepstra) = (try #require(own.mel), try #require(own.cepstra))
    #expect(plain.frames == own.frames && plain.mel == own.mel && plain.logarithm == .none)
    try expect(
      stated("torchaudio-mfcc", "Spectrogram"),
      [
        ("n_fft", Double(own.frames.fftLength)), ("win_length", Double(own.frames.windowLength)),
        ("hop_length", Double(own.frames.hopLength)), ("power", own.spectrum == .power ? 2 : 1),
        ("center", flag(own.frames.edges == .centredReflect)),
      ])
    try expect(
      stated("torchaudio-mfcc", "MelScale"),
      [
        ("n_mels", Double(mel.bands)), ("f_min", mel.lowHz),
        ("f_max", mel.upperEdge(sampleRate: 16_000)),
      ])
    #expect(try stated("torchaudio-mfcc", "MelScale")["mel_scale"].string() == mel.scale.rawValue)
    try expect(stated("torchaudio-mfcc", "MFCC"), [("n_mfcc", Double(cepstra.count))])
    try expectDecibels(stated("torchaudio-mfcc", "AmplitudeToDB"), own.logarithm)
  }

  @Test func speechBrain() throws {
    let own = try spectral(.speechbrainFbank)
    let mel = try #require(own.mel)
    try expect(
      stated("speechbrain-fbank", "STFT"),
      [
        ("n_fft", Double(own.frames.fftLength)), ("win_length", Double(own.frames.windowLength)),
        ("hop_length", Double(own.frames.hopLength)),
        ("center", flag(own.frames.edges == .centredZeros)),
      ])
    let bank = try stated("speechbrain-fbank", "Filterbank")
    try expect(
      bank,
      [
        ("n_mels", Double(mel.bands)), ("f_min", mel.lowHz),
        ("f_max", mel.upperEdge(sampleRate: 16_000)),
      ])
    try expectDecibels(bank, own.logarithm)
  }

  @Test func pythonSpeechFeatures() throws {
    let own = try spectral(.pythonSpeechFeatures)
    let (mel, cepstra) = (try #require(own.mel), try #require(own.cepstra))
    let node = try stated("python-speech-features-mfcc", "python_speech_features.base.mfcc")
    try expect(
      node,
      [
        ("samplerate", Double(own.sampleRate)),
        ("winlen", Double(own.frames.windowLength) / 16_000),
        ("winstep", Double(own.frames.hopLength) / 16_000), ("nfft", Double(own.frames.fftLength)),
        ("nfilt", Double(mel.bands)), ("lowfreq", mel.lowHz), ("numcep", Double(cepstra.count)),
        ("ceplifter", cepstra.lifter),
        ("appendEnergy", flag(own.energy?.place == .replacesFirst)),
      ])
    let emphasis = try node["preemph"].double()
    #expect(own.emphasis == .recording(emphasis))
    try expect(
      stated("python-speech-features-deltas"), [("N", Double(Deltas(.regression).reachOfOne))])
  }

  @Test func deepSpeech() throws {
    let own = try spectral(.deepspeech)
    let (mel, cepstra) = (try #require(own.mel), try #require(own.cepstra))
    try expect(
      stated("deepspeech", "DeepSpeech 0.9"),
      [
        ("audio_sample_rate", Double(own.sampleRate)),
        ("feature_win_len", Double(own.frames.windowLength) / 16),
        ("feature_win_step", Double(own.frames.hopLength) / 16),
        ("n_input", Double(cepstra.count)),
        ("upper_frequency_limit", mel.upperEdge(sampleRate: 16_000)),
      ])
    try expect(
      stated("deepspeech", "tensorflow.python.ops.gen_audio_ops.mfcc"),
      [
        ("lower_frequency_limit", mel.lowHz), ("filterbank_channel_count", Double(mel.bands)),
      ])
    guard case .pipeline(let context) = FeaturePreset.deepspeechContext.configuration() else {
      Issue.record("another kind")
      return
    }
    let reach = try stated("deepspeech", "DeepSpeech 0.9")["n_context"].int()
    #expect(context.steps == [.context(before: reach, after: reach)])
  }
}
