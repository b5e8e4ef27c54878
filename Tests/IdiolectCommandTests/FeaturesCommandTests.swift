import AcousticFeatures
import AudioIO
import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing

/// `idiolect features` against golden arrays of transformers and kaldi-native-fbank.
struct FeaturesCommandTests {
  @Test(
    arguments: [
      ("nemo", "flite.nemo"), ("kaldi-fbank", "flite.fbank"), ("kaldi-mfcc", "flite.mfcc"),
    ])
  func wholeArrays(_ preset: String, _ golden: String) throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let clip = "Tests/Golden/features/flite.flac"
    let run = try Program("features", clip, "--preset", preset, "--output", "\(directory)/x.npy")
    #expect(run.status == 0, "\(run.errors)")
    let expected = try Golden.array("features/\(golden)")
    let actual = try NumpyFile(path: "\(directory)/x.npy")
    let shape = Array(expected.shape.suffix(2))
    #expect(actual.shape == shape)
    #expect(Golden.relativeError(actual.values, expected.values) < 1e-4)
    let other = try Program(
      "features", clip, "--preset", preset, "--output", "\(directory)/x.safetensors")
    #expect(other.status == 0)
    let file = try SafetensorsFile(path: "\(directory)/x.safetensors")
    #expect(try file.entry("features").shape == shape)
    #expect(try file.readFloats("features") == actual.values)
  }

  /// Nothing but the array goes where the array goes.
  @Test func arraysToAPipe() throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let clip = "Tests/Golden/features/flite.flac"
    let run = try Program(
      shell:
        "\"$idiolect\" features \(clip) --output /dev/stdout | cat > \(directory)/x.npy && \"$idiolect\" features \(clip) --output \(directory)/y.npy"
    )
    #expect(run.status == 0)
    #expect(run.errorLines.count == 1 && run.errors.contains("frames of 80"))
    let (piped, plain) = (
      FileManager.default.contents(atPath: "\(directory)/x.npy"),
      FileManager.default.contents(atPath: "\(directory)/y.npy")
    )
    #expect(piped != nil && piped == plain)
  }
}
