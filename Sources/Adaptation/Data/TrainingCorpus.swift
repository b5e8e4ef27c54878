package import AcousticFeatures
package import AcousticModels
package import AudioIO
package import Basics
import CKernels
package import SpeechCorpus
import SpeechText
import Synchronization

/// Utterances to train on, with their targets, and their features as often as they are asked for.
///
/// Features, and recordings that are augmented anew, are rounded to 16 bits before their first use, so that
/// whether they come from memory or are computed again makes no difference to a bit.
package final class TrainingCorpus: Sendable {
  package struct Item: Sendable {
    package let utterance: Utterance
    package let target: [Int32]
    /// Seconds, at speed 1.
    package let seconds: Double
  }

  private struct Key: Hashable {
    let item: Int
    let speed: Double
  }

  private struct Cached {
    let frames, bins, validFrames: Int
    let halves: [UInt16]

    var features: Features {
      var values = [Float](repeating: 0, count: halves.count)
      ck_widen_f16(&values, halves, halves.count)
      return Features(frames: frames, bins: bins, validFrames: validFrames, values: values)
    }
  }

  private struct State {
    var cache: [Key: Cached] = [:]
    /// Recordings as they were read, where each epoch makes other features of them.
    var recordings: [Int: [Int16]] = [:]
    var cachedBytes = 0
    var failures: [Int: String] = [:]
  }

  package let items: [Item]
  /// From this item on a share is settled by the settings: what leads, or what is replayed.
  package let mixesFrom: Int
  private let frontEnd: any FrontEnd
  /// Whether the network masks frames itself, so that its features are not to be.
  package let networkMasks: Bool
  private let cacheBytes: Int
  private let longestSeconds: Double
  private let state = Mutex(State())

  /// - Parameters:
  ///   - utterances: those without a duration are asked for it.
  ///   - mixing: utterances of which the settings say what share of the audio they make up.
  ///   - longestSeconds: a longer recording is a failure, for the memory it would take.
  package init(
    _ utterances: [Utterance], mixing: [Utterance] = [], model: AcousticModel, cacheBytes: Int,
    longestSeconds: Double = PreflightOptions().longestSeconds
  ) {
    self.longestSeconds = longestSeconds
    frontEnd = model.frontEnd
    networkMasks = model.network.sizes.masksFrames
    self.cacheBytes = cacheBytes
    mixesFrom = utterances.count
    items = (utterances + mixing).map { utterance in
      let ids = model.vocabulary.encode(model.normalizer(utterance.text)).ids
      return Item(
        utterance: utterance, target: ids.map(Int32.init),
        seconds: utterance.durationSeconds ?? TrainingCorpus.seconds(of: utterance))
    }
  }

  /// What the header says; a guess where it says nothing, for reading will tell.
  private static func seconds(of utterance: Utterance) -> Double {
    let whole = (try? AudioReader(utterance.audioPath))?.description.durationSeconds
    return whole.map { max(0.1, $0 - utterance.offsetSeconds) } ?? 10
  }

  /// Which speaker's or accent's each item is, by number.
  func tasks(_ task: Reptile.Task) -> [Int] {
    let names = items.map { task.name(of: $0.utterance) ?? "" }
    let numbers = Dictionary(
      uniqueKeysWithValues: Set(names).sorted().enumerated().map { ($1, $0) })
    return names.map { numbers[$0]! }
  }

  package var seconds: Double { items.reduce(0) { $0 + $1.seconds } }

  /// Recordings that failed after all, by index, with the reason: left out from then on.
  package var failures: [Int: String] { state.withLock { $0.failures } }

  /// Leaves recordings out from the start, as an interrupted run had done.
  package func leaveOut(_ failures: [Int: String]) {
    state.withLock { $0.failures.merge(failures.filter { items.indices.contains($0.key) }) { $1 } }
  }

  /// The failures as entries of a quarantine.
  package func quarantine(source: String) -> Quarantine {
    var quarantine = Quarantine()
    for (index, reason) in failures.sorted(by: { $0.key < $1.key }) {
      let utterance = items[index].utterance
      let (cause, remedy) = IdiolectError(.invalidAudio, reason)
        .parts(without: utterance.audioPath, remedy: "replace the recording")
      quarantine.add(
        utterance: utterance.id, source: source, line: utterance.line, cause: cause, remedy: remedy)
    }
    return quarantine
  }

  /// Features of one item; nil when its recording cannot be used (see `failures`).
  ///
  /// - Parameter augmentation: what happens to the recording, and its draws.
  package func features(
    _ index: Int, speed: Double, augmentation: (AudioAugmentation, SeededRandom)? = nil
  ) -> Features? {
    let key = Key(item: index, speed: speed)
    let (cached, failed) = state.withLock { ($0.cache[key], $0.failures[index] != nil) }
    if failed { return nil }
    if let cached, augmentation == nil { return cached.features }
    do {
      let made = try compute(index, speed: speed, augmentation)
      if augmentation != nil { return made.features }
      state.withLock {
        if $0.cachedBytes + made.halves.count * 2 <= cacheBytes {
          $0.cachedBytes += made.halves.count * 2
          $0.cache[key] = made
        }
      }
      return made.features
    } catch {
      state.withLock { $0.failures[index] = "\(error)" }
      return nil
    }
  }

  private func compute(
    _ index: Int, speed: Double, _ augmentation: (AudioAugmentation, SeededRandom)?
  ) throws -> Cached {
    var samples =
      augmentation == nil ? try read(index) : try recording(index).map { Float($0) / 32_768 }
    if speed != 1 {
      samples = try changeSpeed(samples, factor: Float(speed), sampleRate: frontEnd.sampleRate)
    }
    if case (let augmentation, var random)? = augmentation {
      samples = try augmentation(samples, sampleRate: frontEnd.sampleRate, random: &random)
    }
    let features = try frontEnd(samples)
    let count = features.validFrames * features.bins
    var halves = [UInt16](repeating: 0, count: count)
    features.values.withUnsafeBufferPointer {
      _ = ck_narrow_f16(&halves, $0.baseAddress!, count)
    }
    return Cached(
      frames: features.validFrames, bins: features.bins, validFrames: features.validFrames,
      halves: halves)
  }

  /// Decoding costs more than most of what augmentation does: once, as far as memory goes.
  private func recording(_ index: Int) throws -> [Int16] {
    if let kept = state.withLock({ $0.recordings[index] }) { return kept }
    let samples = try read(index).map { sample in
      Int16(max(-32_768, min(32_767, (sample * 32_768).rounded())))
    }
    state.withLock {
      if $0.cachedBytes + samples.count * 2 <= cacheBytes {
        $0.cachedBytes += samples.count * 2
        $0.recordings[index] = samples
      }
    }
    return samples
  }

  private func read(_ index: Int) throws -> [Float] {
    let utterance = items[index].utterance
    // A second more than may be: headers lie, and a whole day need not be read to find that out.
    let most = longestSeconds + 1
    let samples = try readAudio(
      utterance.audioPath, sampleRate: frontEnd.sampleRate, offsetSeconds: utterance.offsetSeconds,
      durationSeconds: min(utterance.durationSeconds ?? most, most))
    guard Double(samples.count) <= longestSeconds * Double(frontEnd.sampleRate) else {
      throw IdiolectError(
        .invalidAudio,
        "it lasts more than the \(Int(longestSeconds)) s that can be trained on; cut it into sentences"
      )
    }
    return samples
  }
}
