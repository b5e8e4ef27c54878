import SpeechText
public import TensorEngine

/// What to adapt, to what, and how.
public struct AdaptationRequest: Sendable {
  /// Directory of the base model.
  public var base: String
  /// Of a base that has several; nil for what is in its own weights.
  public var language: String?
  /// Manifests.
  public var train: String?
  public var dev: String?
  public var retain: String?
  public var test: String?
  /// Recordings of the target whose texts are not looked at: what the model hears in them trains it.
  public var unlabelled: String?
  /// How often the model hears `unlabelled` anew.
  public var rounds = 3
  /// Source data that is trained on beside the target, `settings.replayShare` of the audio.
  public var replay: String?
  /// Where the model goes; checkpoints lie in `training` inside it.
  public var output: String
  /// An automatic one has learning rates of its own and keeps to `budgetMinutes`: of the settings, `learningRate`,
  /// `epochs`, `minutes` and `patience` serve the others.
  public var strategy = Strategy.automatic
  /// Wall time of an automatic choice and of all training that follows it, rounds too, in minutes; what a new
  /// alphabet is compared with trains beside that.
  public var budgetMinutes = 10.0
  /// Drops the encoder layers above so many; nil for none.
  public var keptLayers: Int?
  /// Whether what the frozen layers give is kept on disk where `settings.views` does not say.
  public var keepsFrozenStates = true
  /// Whether some of train chooses when to stop where there is no dev; otherwise the last weights are kept,
  /// and `test` must judge.
  public var holdsOut = true
  /// Whether weights between the base's and the adapted ones may ship, where the labels are the base's own.
  public var interpolates = true
  /// Whether a new alphabet, which the base cannot write, is compared with training from scratch for the same
  /// time; not where cross-validation judges.
  public var comparesWithScratch = true
  /// The rise of the WER and of the CER on `retain` that is allowed, absolute.
  public var forgettingBudget = 0.01
  public var labels = LabelMode.automatic
  public var settings = TrainingSettings()
  public var resumes = false
  /// How weights are stored.
  public var storage = SafetensorsTensor.Storage.float16

  public init(base: String, train: String?, output: String) {
    self.base = base
    self.train = train
    self.output = output
  }
}

/// What becomes of the output layer when the target has characters that the base lacks.
public enum LabelMode: String, Sendable, CaseIterable {
  /// Extend when the base has most of the target's characters, else replace.
  case automatic = "auto"
  /// Keep all of the base's labels, add the missing ones.
  case extend
  /// Only the target's characters; shared rows are kept.
  case replace
}
