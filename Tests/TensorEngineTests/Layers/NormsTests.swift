import Basics
import TensorEngine
import TestSupport
import Testing

/// Running statistics. Oracle: PyTorch (Scripts/golden/operations.py), and the layer on fewer rows.
@Suite struct BatchNormTests {
  private func layer(_ golden: OperationCase) throws -> BatchNorm {
    let names = [
      "norm.weight": "weight", "norm.bias": "bias", "norm.running_mean": "running_mean",
      "norm.running_var": "running_var",
    ]
    return try BatchNorm(
      "norm", size: 6,
      from: ParameterSource { name, _ in try names[name].map { try golden.file.readFloats($0) } })
  }

  private func rows(_ golden: OperationCase) throws -> Tensor {
    try golden.tensor("input", order: [0, 2, 1]).view([21, 6])
  }

  @Test func liveStatisticsMoveTheRunningOnes() throws {
    let golden = try OperationCase("batch_norm-train")
    try onEngine {
      let norm = try layer(golden)
      norm.usesLiveStatistics = true
      let output = norm(
        try rows(golden), Segments(frames: [7, 7, 7]), Pass(training: true, precision: .float32))
      try golden.expect(output, "output", order: [0, 2, 1], 1e-5)
      try golden.expect(norm.runningMean, "new_running_mean", 1e-5)
      try golden.expect(norm.runningVariance, "new_running_var", 1e-5)
      #expect(norm.batches.scalar == 1)
    }
  }

  /// Frozen while training, and always in evaluation.
  @Test(arguments: [(true, false), (false, true)])
  func runningStatisticsStay(_ training: Bool, _ isLive: Bool) throws {
    let golden = try OperationCase("batch_norm-eval")
    try onEngine {
      let norm = try layer(golden)
      norm.usesLiveStatistics = isLive
      let output = norm(
        try rows(golden), Segments(frames: [21]), Pass(training: training, precision: .float32))
      try golden.expect(output, "output", order: [0, 2, 1], 1e-5)
      try golden.expect(norm.runningMean, "running_mean", 0)
      try golden.expect(norm.runningVariance, "running_var", 0)
      #expect(norm.batches.scalar == 0)
    }
  }

  @Test func paddingDoesNotCount() throws {
    let golden = try OperationCase("batch_norm-train")
    let pass = Pass(training: true, precision: .float32)
    try onEngine {
      let (padded, packed) = (try layer(golden), try layer(golden))
      padded.usesLiveStatistics = true
      packed.usesLiveStatistics = true
      let x = try rows(golden)
      let segments = Segments(frames: [7, 7, 7], valid: [5, 7, 2])
      let all = padded(x, segments, pass)
      let valid = (0..<3).flatMap { segments.validRange($0).map { Int32($0) } }
      let only = packed(x.gatheringRows(valid), Segments(frames: [14]), pass)
      #expect(all.gatheringRows(valid).values == only.values)
      #expect(padded.runningMean.values == packed.runningMean.values)
      #expect(padded.runningVariance.values == packed.runningVariance.values)
    }
  }

  /// A single row has no variance; it and no row at all leave the running statistics alone.
  @Test(arguments: [0, 1]) func tooFewRows(_ valid: Int) throws {
    let golden = try OperationCase("batch_norm-train")
    try onEngine {
      let norm = try layer(golden)
      norm.usesLiveStatistics = true
      let output = norm(
        try rows(golden), Segments(frames: [21], valid: [valid]),
        Pass(training: true, precision: .float32))
      #expect(output.values.allSatisfy { $0.isFinite })
      try golden.expect(norm.runningMean, "running_mean", 0)
      try golden.expect(norm.runningVariance, "running_var", 0)
    }
  }

  /// Statistics over many rows, far from zero: sums in blocks, squares about the mean.
  @Test func manyRows() throws {
    try onEngine {
      let rows = 60_000
      let x = Tensor.random(rows, 3, seed: 1)
      for index in 0..<x.count { x.pointer[index] += 100 }
      let one = Tensor(repeating: 1, shape: [3])
      let (_, mean, variance, count) = x.batchNormLive(
        gain: one, bias: Tensor(repeating: 0, shape: [3]), epsilon: 1e-5, use: nil)
      #expect(count == rows)
      for column in 0..<3 {
        let values = (0..<rows).map { Double(x.pointer[$0 * 3 + column]) }
        let exact = values.reduce(0, +) / Double(rows)
        let spread = values.reduce(0) { $0 + ($1 - exact) * ($1 - exact) } / Double(rows)
        #expect(abs(Double(mean.pointer[column]) - exact) < 1e-4)
        #expect(abs(Double(variance.pointer[column]) - spread) < 1e-5 * spread)
      }
    }
  }
}
