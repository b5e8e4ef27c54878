import AcousticModels
import Basics
import SpeechText
import TensorEngine

/// How a network is trained: as the request says, or as a trial has it instead.
struct Plan {
  var strategy: Strategy
  var settings: TrainingSettings
}

extension Plan {
  /// - Throws: `.invalidArgument` where the settings ask for data that the request does not give.
  init(_ request: AdaptationRequest) throws {
    (strategy, settings) = (request.strategy, request.settings)
    let given = request.replay != nil
    guard given || (settings.replayShare == nil && settings.consolidation == nil) else {
      throw IdiolectError(
        .invalidArgument,
        "a share of replay and EWC need data of what the base was good at: give --replay")
    }
    if given && settings.replayShare == nil { settings.replayShare = 0.3 }
  }
}

/// A network, what of it trains and how: what all stages of a training share.
struct Course {
  /// With the number of views settled.
  var plan: Plan
  let model: AcousticModel
  /// All that training changes, statistics too.
  let saved: [Parameter]
  private(set) var groups: [ParameterGroup]
  /// How much each element of what trains mattered to the base on what is replayed; nil where that is not asked.
  let importances: [Tensor]?
  let frozen: FrozenPart?
  let teacher: Teacher?
  let baseHash: String
  /// nil where the labels are the base's own.
  let transfer: LabelTransfer?
  /// Whether the labels are another alphabet's, so that what the base knew cannot be retained.
  let replaces: Bool
  /// What moves beside the weights and may be better than the best of them; nil where none is kept.
  private(set) var average: WeightAverage?
  /// Every parameter of the model as it was; the base's own tensors where they are the same.
  let initial: [Tensor]

  init(
    _ plan: Plan, _ model: AcousticModel, of base: AcousticModel? = nil, saved: [Parameter],
    groups: [ParameterGroup],
    importances: [Tensor]? = nil, frozen: FrozenPart? = nil, teacher: Teacher? = nil,
    baseHash: String = "", transfer: LabelTransfer? = nil, replaces: Bool = false
  ) {
    (self.plan, self.model, self.saved, self.groups) = (plan, model, saved, groups)
    (self.importances, self.frozen, self.teacher) = (importances, frozen, teacher)
    (self.baseHash, self.transfer, self.replaces) = (baseHash, transfer, replaces)
    let known = Dictionary(
      (base?.parameters ?? []).map { ($0.name, $0.tensor) }, uniquingKeysWith: { first, _ in first }
    )
    initial = model.parameters.map { parameter in
      if let own = known[parameter.name], own.hasValues(of: parameter.tensor) { return own }
      return parameter.tensor.copy()
    }
  }

  /// Has an average of the weights move along, from what they are now.
  mutating func keepAverage() {
    average = WeightAverage(saved, decay: Averaging.decay)
  }

  /// How many values train.
  var trainable: Int { groups.flatMap(\.parameters).reduce(0) { $0 + $1.tensor.count } }

  /// Has the next training go on from this one: what began late, such as all beneath a new output layer, trains at
  /// once.
  mutating func goOn() { groups = groups.map { $0.goingOn() } }
}
