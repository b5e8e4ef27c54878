package import AcousticFeatures
public import AcousticModels
import AudioIO
import Basics
import CTC
import Foundation
import SpeechText
public import TensorEngine
public import Transcription

/// Adapts a model to one recording without a label, transcribes it, and forgets what it learnt.
///
/// Normalisations alone train, for a few steps, toward sure and distinct decisions in frames that are not blank:
/// low entropy and little confusion of classes (Lin et al. 2022, SUTA; Jin et al. 2020). Entropy falls whatever
/// happens to the text, so it proves nothing: the text is kept only where views of the recording still agree,
/// and the rate of labels, the share of blanks and the posteriors stay near the base's.
public final class TestTimeAdapter {
  public struct Options: Sendable, Codable, Hashable {
    public var steps = 10
    public var learningRate = 1e-3
    /// Of entropy; the rest is the confusion of classes.
    public var entropyShare: Float = 0.3
    /// Softens the posteriors that are made surer.
    public var temperature: Float = 2.5
    /// Longer recordings adapt by no more than so many seconds of them, spread over their length; by one window at
    /// the least.
    public var mostSeconds = 60.0
    /// What the guard allows: fall of the agreement between views, change of labels a second (a ratio, or its
    /// inverse), change of the share of blanks, and mean divergence from the base's posteriors in nats.
    public var agreementLoss = 0.02
    public var rateRatio = 1.4
    public var blankChange = 0.1
    public var divergence = 0.25

    public init() {}
  }

  public enum Outcome: Sendable, Hashable {
    /// The adapted text is given.
    case adapted
    /// The text is that of the model as it was, and why.
    case refused(String)
  }

  private let model: AcousticModel
  private let transcriber: Transcriber
  private let decoder: GreedyDecoder
  private let options: Options
  private let precision: Precision

  /// - Throws: as `Transcriber`.
  public init(model: AcousticModel, precision: Precision = .automatic, options: Options = .init())
    throws
  {
    self.model = model
    self.precision = precision
    self.options = options
    transcriber = try Transcriber(model: model, precision: precision)
    decoder = GreedyDecoder(labels: model.vocabulary.count, blank: model.vocabulary.blank)
  }

  /// Transcribes a recording by a model that adapted to it; the model is as before afterwards.
  ///
  /// - Throws: as `Transcriber.transcribe(path:)`.
  public func transcribe(path: String) throws -> (transcript: Transcript, outcome: Outcome) {
    let before = try transcriber.transcribe(path: path)
    let norms = model.parameters.filter { $0.role == .normalisation }
    guard !norms.isEmpty else {
      return (before, .refused("the network has no normalisations, which are what would adapt"))
    }
    let windows = try windows(of: path)
    return try onEngine {
      let kept = norms.map { $0.tensor.values }
      let required = model.parameters.map(\.tensor.requiresGradient)
      defer {
        for (parameter, values) in zip(norms, kept) {
          parameter.tensor.pointer.update(from: values, count: values.count)
          parameter.tensor.didChange()
          parameter.tensor.gradient = nil
        }
        for (parameter, requires) in zip(model.parameters, required) {
          parameter.tensor.requiresGradient = requires
        }
      }
      let base = try measure(windows)
      guard base.labels > 0 else {
        return (before, .refused("nothing is heard in it"))
      }
      for parameter in model.parameters { parameter.tensor.requiresGradient = false }
      for parameter in norms { parameter.tensor.requiresGradient = true }
      adapt(norms, windows)
      for parameter in norms { parameter.tensor.requiresGradient = false }
      guard let adapted = try? measure(windows) else {
        return (before, .refused("its output is no number any more"))
      }
      if let reason = adapted.objection(since: base, limits) {
        return (before, .refused(reason))
      }
      return (try transcriber.transcribe(path: path), .adapted)
    }
  }

  // MARK: Adapting

  /// Features of the windows that adapt, spread over the recording.
  package func windows(of path: String) throws -> [Features] {
    let rate = model.frontEnd.sampleRate
    let reader = try AudioReader(path, sampleRate: rate)
    var source = WindowReader(
      sampleRate: rate, windowSeconds: transcriber.options.windowSeconds
    ) { try reader.next(maximumFrames: $0) }
    var all: [Features] = []
    let most = max(1, Int(options.mostSeconds / transcriber.options.windowSeconds))
    // Of a long recording every second window goes each time there are too many: they stay spread evenly.
    var stride = 1
    var index = 0
    while let (_, samples) = try source.next() {
      defer { index += 1 }
      guard index % stride == 0, let features = try? model.frontEnd(samples) else { continue }
      all.append(features)
      if all.count > most {
        all = all.indices.filter { $0 % 2 == 0 }.map { all[$0] }
        stride *= 2
      }
    }
    return all
  }

  private func adapt(_ norms: [Parameter], _ windows: [Features]) {
    let optimiser = AdamW([ParameterGroup(norms)])
    for _ in 0..<options.steps {
      var count = 0
      for window in windows {
        let tape = Tape()
        let loss: Tensor? = tape.recording {
          let (logits, segments) = model.network(FeatureBatch([window]), .evaluation(precision))
          return uncertainty(logits, segments)
        }
        guard let loss else { continue }
        tape.backward(from: loss)
        count += 1
      }
      guard count > 0, optimiser.gradientNorm().isFinite else { return optimiser.dropGradients() }
      optimiser.update(rate: options.learningRate, gradientFactor: 1 / Double(count))
    }
  }

  /// Entropy and confusion of classes over frames that are not blank; nil without such frames.
  private func uncertainty(_ logits: Tensor, _ segments: Segments) -> Tensor? {
    let (classes, first) = (logits.columns, segments.range(0).lowerBound)
    let said = ((try? decoder(logits, segments, 0)) ?? [])
      .flatMap { first + $0.startFrame..<first + $0.endFrame }
    guard !said.isEmpty else { return nil }
    let soft = logits.scaled(by: 1 / options.temperature)
    let probabilities = soft.softmax()
    let mask = Tensor(repeating: 0, shape: logits.shape)
    for row in said {
      (mask.pointer + row * classes).update(repeating: 1, count: classes)
    }
    let frames = Float(said.count)
    let entropy = probabilities.multiplied(by: soft.softmax(logarithm: true))
      .multiplied(by: mask).sum().scaled(by: -options.entropyShare / frames)
    // How much of each class's mass stays with it: one less its confusion with the others. The masses count
    // as given.
    var masses = [Float](repeating: 0, count: classes)
    for row in said {
      for label in 0..<classes { masses[label] += probabilities.pointer[row * classes + label] }
    }
    let weights = Tensor(
      masses.map { $0 > 1e-3 ? 1 / $0 : 0 }, shape: [classes])
    let distinct = probabilities.multiplied(by: probabilities).multiplied(by: mask)
      .scaledColumns(by: weights).sum()
      .scaled(by: -(1 - options.entropyShare) / Float(classes))
    return entropy.adding(distinct)
  }

  // MARK: The guard

  /// What the network as it stands makes of the windows.
  ///
  /// - Throws: `.invalidData` where the output is no number.
  private func measure(_ windows: [Features]) throws -> OutputMeasure {
    var measure = OutputMeasure()
    for (number, window) in windows.enumerated() {
      let (logits, segments) = model.network(FeatureBatch([window]), .evaluation(precision))
      let heard = try decoder(logits, segments, 0)
      measure.add(heard, frames: segments.validRange(0).count)
      measure.keep(logits, rows: segments.validRange(0), as: number)
      let views = try TestTimeAdapter.views(of: window).map { view -> String in
        let (logits, segments) = model.network(FeatureBatch([view]), .evaluation(precision))
        return model.vocabulary.decode(try decoder(logits, segments, 0).map(\.label))
      }
      let agreement = Agreement(model.vocabulary.decode(heard.map(\.label)), views: views)
      measure.add(agreement: agreement.share, weight: Double(agreement.characters))
    }
    return measure
  }

  /// How far two perturbed views of a window are heard alike.
  package struct Agreement: Sendable {
    /// 1 less the character error between them; 0 where one of them hears nothing of what there is to hear.
    package let share: Double
    /// What it counts for beside that of other windows: the longest of the texts, for a view that hears nothing
    /// must not take its window out of the count.
    package let characters: Int

    /// - Parameter text: what is heard in the window as it is.
    package init(_ text: String, views: [String]) {
      let longest = views.map(\.count).max() ?? 0
      characters = max(text.count, longest)
      let hearsNothing = characters > 0 && views.contains(where: \.isEmpty)
      let errors = ErrorCounts.characters(reference: views[0], hypothesis: views[1]).errors
      share = hearsNothing ? 0 : 1 - min(1, Double(errors) / Double(max(1, longest)))
    }
  }

  /// Two views of a window, with masks that leave most of what is said.
  package static func views(of window: Features) -> [Features] {
    [1, 2].map { view in
      var random = SeededRandom(seed: 0x7E57, view)
      return window.perturbed(bins: 1.0 / 3, time: 0.05, &random)
    }
  }

  private var limits: OutputMeasure.Limits {
    OutputMeasure.Limits(
      agreementLoss: options.agreementLoss, rateRatio: options.rateRatio,
      blankChange: options.blankChange, divergence: options.divergence)
  }
}
