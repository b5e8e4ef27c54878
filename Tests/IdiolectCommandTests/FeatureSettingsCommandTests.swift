import AcousticFeatures
import AudioIO
import Basics
import Foundation
import TestSupport
import Testing

/// `idiolect features` with settings of every origin, and what it says of them.
struct FeatureSettingsCommandTests {
  private let clip = "\(Golden.directory)/features/flite.flac"

  private func features(_ path: String) throws -> [Float] { try NumpyFile(path: path).values }

  /// A preset's settings as a file, changed, and as a model's directory.
  @Test func settingsFromFiles() throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    func run(_ options: String) throws -> Program {
      let run = try Program(shell: "cd '\(directory)' && \"$idiolect\" features \(options)")
      #expect(run.status == 0, "\(options): \(run.errors)")
      return run
    }
    let printed = try run("--preset librosa-mfcc --describe")
    let expected = FeaturePreset.librosaMFCC.configuration()
    #expect(
      try FrontEndConfiguration(json: Data(printed.output.utf8), name: "printed") == expected)
    // Of a recording's rate, and to a file.
    let slow = "\(Golden.directory)/features/presets/speech-8k.flac"
    let written = try run("'\(slow)' --preset librosa-mfcc --describe -o mine.json")
    #expect(written.lines == ["mine.json: every setting of librosa-mfcc"])
    let path = "\(directory)/mine.json"
    #expect(
      try FrontEndConfiguration(path: path)
        == FeaturePreset.librosaMFCC.configuration(sampleRate: 8000))
    _ = try run("'\(slow)' --preset mine.json -o mine.npy")
    _ = try run("'\(slow)' --preset librosa-mfcc -o preset.npy")
    #expect(try features("\(directory)/mine.npy") == features("\(directory)/preset.npy"))
    // Changed, it is another convention.
    let text = try String(contentsOfFile: path, encoding: .utf8)
    let other = text.replacingOccurrences(of: "\"count\" : 20", with: "\"count\" : 7")
    try #require(other != text)
    try AtomicFile.write(other, to: path)
    _ = try run("'\(slow)' --preset mine.json -o mine.npy")
    #expect(try NumpyFile(path: "\(directory)/mine.npy").shape[1] == 7)
    // A model's directory: transformers' file there, with eight bands fewer.
    let model = try String(
      contentsOfFile: "\(Golden.directory)/features/preprocessor_config.json", encoding: .utf8)
    let fewer = model.replacingOccurrences(
      of: "\"feature_size\": 80", with: "\"feature_size\": 72")
    try #require(fewer != model)
    try AtomicFile.makeDirectory("\(directory)/model")
    try AtomicFile.write(fewer, to: "\(directory)/model/preprocessor_config.json")
    _ = try run("'\(clip)' --preset model/ -o model.npy")
    var configuration = LogMelConfiguration()
    configuration.melBins = 72
    let samples = try readAudio(clip, sampleRate: 16_000)
    #expect(
      Golden.relativeError(
        try features("\(directory)/model.npy"), try LogMel(configuration)(samples).values) < 1e-6)
    for options in ["--describe --picture p.png", "--describe '\(slow)' '\(clip)'"] {
      #expect(try Program(shell: "\"$idiolect\" features \(options)").status == 64)
    }
  }

  @Test func picture() throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let run = try Program(
      "features", clip, "--preset", "whisper", "--picture", "\(directory)/x.png")
    #expect(run.status == 0 && run.lines.count == 1 && run.output.contains("as whisper hears it"))
    let bytes = try #require(FileManager.default.contents(atPath: "\(directory)/x.png"))
    #expect(bytes.prefix(8) == Data([0x89] + Array("PNG\r\n\u{1A}\n".utf8)))
    // Long, and of a rate at which ten milliseconds are more than torchaudio's 400 samples.
    let long = "\(directory)/long.flac"
    var random = SeededRandom(seed: 1)
    try AudioWriter.write(
      (0..<48_000 * 15).map { _ in random.uniform() - 0.5 }, sampleRate: 48_000, to: long)
    let wide = try Program(
      "features", long, "--preset", "torchaudio-mel", "--picture", "\(directory)/y.png")
    #expect(wide.status == 0, "\(wide.errors)")
  }

  /// Bands that hold no bin are said, beside pitch too.
  @Test(arguments: ["", "--pitch"]) func emptyBands(_ options: String) throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    // 10 ms beside pitch's.
    let settings = try FeaturePreset.torchaudioMFCC.configuration().json()
      .replacingOccurrences(of: "\"hopLength\" : 200", with: "\"hopLength\" : 160")
    try AtomicFile.write(settings, to: "\(directory)/mine.json")
    let run = try Program(
      shell:
        "cd '\(directory)' && \"$idiolect\" features '\(clip)' --preset mine.json \(options) -o x.npy"
    )
    #expect(run.status == 0, "\(run.errors)")
    #expect(run.errors.contains("4 of its bands") && run.errors.contains(": 0, 3, 6, 13"))
  }

  /// Rates of which no features are made, told from those of which some are.
  @Test func rates() throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let samples = [Float](repeating: 0.1, count: 200_000)
    for (rate, status) in [(7_999, 65), (8_000, 0), (192_000, 0), (192_001, 65)] as [(Int, Int32)] {
      let path = "\(directory)/\(rate).wav"
      try AudioWriter.write(samples, sampleRate: rate, to: path)
      for options in [["-o", "\(directory)/x.npy"], ["--describe"]] {
        for preset in ["kaldi-fbank", "nemo"] {
          let command = (["features", path, "--preset", preset] + options).map { "'\($0)'" }
          let run = try Program(shell: "\"$idiolect\" \(command.joined(separator: " "))")
          #expect(run.status == status, "\(rate), \(preset), \(options): \(run.errors)")
          if status != 0 {
            #expect(run.errorLines.count == 1 && run.errors.contains("\(path): "))
            #expect(run.errors.contains("8,000 to 192,000 Hz"))
          }
        }
      }
    }
    // SpeechBrain's window is longer than its transform there.
    let refused = try Program(
      "features", "\(directory)/192000.wav", "--preset", "speechbrain-fbank", "--describe")
    #expect(refused.status == 64 && refused.errors.contains("at 192000 Hz"), "\(refused.errors)")
  }

  /// At 22,050 Hz Kaldi's hop is shorter than pitch's: minutes later they are still of one time.
  @Test func pitchBesideCoefficients() throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    // Silent for forty seconds, then a voice's pulses.
    let samples = (0..<22_050 * 42).map { index -> Float in
      index >= 22_050 * 40 && index % 150 == 0 ? 0.9 : 0
    }
    let path = "\(directory)/late.flac"
    try AudioWriter.write(samples, sampleRate: 22_050, to: path)
    let run = try Program(
      "features", path, "--preset", "kaldi-mfcc", "--pitch", "-o", "\(directory)/x.npy")
    #expect(run.status == 0, "\(run.errors)")
    let array = try NumpyFile(path: "\(directory)/x.npy")
    func onset(_ bin: Int) throws -> Int {
      let column = stride(from: bin, to: array.values.count, by: 16).map { array.values[$0] }
      let middle = (column.min()! + column.max()!) / 2
      let isHigh = column[0] > middle
      return try #require(column.firstIndex { ($0 > middle) != isHigh })
    }
    let (energy, voicing) = (try onset(0), try onset(13))
    // Row beside row they would be nine apart.
    #expect(abs(energy - voicing) <= 4, "energy at \(energy), voicing at \(voicing)")
  }

  /// A file whose name a message happens to begin with is named all the same.
  @Test func nameOfOneLetter() throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    try AudioWriter.write([0.1, 0.2], sampleRate: 16_000, to: "\(directory)/t.wav")
    try FileManager.default.moveItem(atPath: "\(directory)/t.wav", toPath: "\(directory)/t")
    let run = try Program(
      shell: "cd '\(directory)' && \"$idiolect\" features t --preset kaldi-fbank -o x.npy")
    #expect(run.status == 65 && run.errors.contains("t: kaldi-fbank: too short"), "\(run.errors)")
  }
}
