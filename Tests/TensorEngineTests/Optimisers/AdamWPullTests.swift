import Basics
import TensorEngine
import Testing

/// Oracle: the definition of a pull that leaves nothing else.
@Suite struct AdamWPullTests {
  /// Weights are held where they were when their group was made, in every training that follows.
  @Test func toWhereTheGroupWasMade() throws {
    try onEngine {
      let source = ParameterSource(seed: 1)
      let tensor = try source.parameter("w", [7], .weight, .uniform(1))
      let began = tensor.values
      var group = ParameterGroup(source.parameters, start: 0.5, pull: 1e6)
      for _ in 0..<2 {
        // Where an earlier training led.
        for index in 0..<7 { tensor.pointer[index] += 0.5 }
        tensor.gradient = Tensor(repeating: 0.3, shape: [7])
        AdamW([group]).update(rate: 1e-3)
        #expect(zip(tensor.values, began).allSatisfy { abs($0 - $1) < 1e-6 })
        group = group.goingOn()
        #expect(group.start == 0)
      }
    }
  }
}
