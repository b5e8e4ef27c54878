/// Energies of a spectral convention as samples arrive, and features of them.
struct SpectralStream {
  // Owns the tables of both.
  private let worker: SpectralWorker
  private let shape: SpectralRows.Shape
  private let configuration: SpectralConfiguration
  /// The latest samples, and the place of the first of them.
  private var samples: [Float] = []
  private var first = 0
  private var next = 0
  /// Samples that came, and that were kept of them.
  private var received = 0
  private var count = 0
  private(set) var loudestSoFar = -Float.infinity
  private let loudest: Loudest

  /// What lies far below it is lifted.
  enum Loudest {
    case ignored
    /// The loudest that came so far.
    case running
    case known(Float)
  }

  init(_ rows: SpectralRows, loudest: Loudest) {
    self.loudest = loudest
    configuration = rows.configuration
    worker = SpectralWorker(rows)
    shape = rows.shape
  }

  /// The frames that are complete with these samples, or with no more of them: `[frames, bins]`.
  mutating func push(_ new: some Collection<Float>, isEnd: Bool) -> [Float] {
    let step = configuration.keepsEvery
    if step == 1 {
      samples += new
      count += new.count
    } else {
      for (offset, sample) in new.enumerated() where (received + offset) % step == 0 {
        samples.append(sample)
        count += 1
      }
    }
    received += new.count
    var result: [Float] = []
    var row = [Float](repeating: 0, count: configuration.bands)
    var features = [Float](repeating: 0, count: configuration.bins)
    while isReady(next, isEnd: isEnd) {
      let energy = samples.withUnsafeBufferPointer { samples in
        row.withUnsafeMutableBufferPointer {
          worker.energies(
            next, of: SampleWindow(samples: samples, first: first, count: count),
            into: $0.baseAddress!)
        }
      }
      finish(&row)
      row.withUnsafeMutableBufferPointer { row in
        features.withUnsafeMutableBufferPointer {
          shape.features(row.baseAddress!, logEnergy: energy, into: $0.baseAddress!)
        }
      }
      result += features
      next += 1
    }
    forget()
    return result
  }

  private func isReady(_ frame: Int, isEnd: Bool) -> Bool {
    if isEnd { return frame < configuration.frames.count(samples: count).valid }
    let start = configuration.frames.start(frame)
    // One more: the last frame may be one that the convention drops. Mirrored at the beginning, a frame needs as
    // many samples as it lies before it.
    let later =
      configuration.frames.lastFrame == .kept ? 0 : configuration.frames.hopLength
    return start + configuration.frames.windowLength + later <= count && -start < count
  }

  private mutating func finish(_ row: inout [Float]) {
    var logarithm = configuration.logarithm
    if logarithm.needsMaximum {
      switch loudest {
      case .ignored: logarithm.range = nil
      case .running: loudestSoFar = row.reduce(loudestSoFar, max)
      case .known(let value): loudestSoFar = value
      }
    }
    row.withUnsafeMutableBufferPointer {
      logarithm.finish($0.baseAddress!, count: $0.count, maximum: loudestSoFar)
    }
  }

  /// Drops samples that no frame needs any more; mirrored at the end, the last need as many as they have.
  private mutating func forget() {
    let frames = configuration.frames
    let reach = 2 * max(frames.fftLength, frames.windowLength) + 2 * frames.hopLength
    let needed = min(frames.start(next) - 1, count - reach)
    // Now and then, so that not every sample is moved for every chunk.
    if needed - first > 8 * reach {
      samples.removeFirst(needed - first)
      first = needed
    }
  }
}
