import Basics
import Foundation
import TensorEngine
import Testing

/// What tensors hold, when they let go of it, and that the pool reuses it. Oracle: bytes counted by hand.
@Suite struct MemoryTests {
  /// What the forward pass holds for the way back is free after it; memory is reused, not grown.
  @Test func memoryReturns() throws {
    try onEngine {
      let weight = Tensor.random(64, 64, seed: 1)
      let x = Tensor.random(100, 64, seed: 2)
      x.requiresGradient = false
      func step(walks: Bool) {
        let tape = Tape()
        let y = tape.recording {
          (0..<10).reduce(x) { y, _ in
            y.linear(weight, Pass(training: true, precision: .float32)).activated(.silu)
          }.mean()
        }
        if walks { tape.backward(from: y) }
      }
      step(walks: true)
      Storage.resetPeak()
      let before = Storage.bytesInUse
      for _ in 0..<5 {
        step(walks: true)
        step(walks: false)
      }
      let peak = Storage.peakBytes
      #expect(Storage.bytesInUse == before)
      // Ten layers keep two activations of 100 × 64 each; not those of all ten steps, nor gradients.
      #expect(peak - before >= 19 * 25_600 && peak - before < 26 * 25_600)
    }
  }

  /// In front of a frozen layer nothing is kept for its weight.
  @Test func frozenLayersKeepNoInputs() throws {
    try onEngine {
      let weight = Tensor.random(64, 64, seed: 1)
      weight.requiresGradient = false
      let x = Tensor.random(100, 64, seed: 2)
      Storage.resetPeak()
      let before = Storage.bytesInUse
      let tape = Tape()
      let y = tape.recording {
        (0..<20).reduce(x) { y, _ in y.linear(weight, Pass(training: true, precision: .float32)) }
      }
      tape.backward(from: y)
      #expect(x.gradient != nil)
      #expect(Storage.peakBytes - before < 6 * 25_600)
    }
  }

  /// In front of a frozen convolution, depthwise convolution or batch norm neither.
  @Test func frozenKernelsKeepNoInputs() throws {
    try onEngine {
      let (one, zero) = (Tensor(repeating: 1, shape: [64]), Tensor(repeating: 0, shape: [64]))
      let taps = Tensor(repeating: 0.3, shape: [64, 1, 3])
      let kernel = Tensor(repeating: 0.01, shape: [64, 64, 1])
      let x = Tensor.random(100, 64, seed: 2)
      Storage.resetPeak()
      let before = Storage.bytesInUse
      let tape = Tape()
      let y = tape.recording {
        (0..<20).reduce(x) { y, _ in
          y.depthwiseConvolution(taps, bias: nil, Segments(frames: [60, 40]))
            .batchNorm(gain: one, bias: zero, mean: zero, variance: one, epsilon: 1e-5)
            .reshaped([1, 100, 64]).convolution1D(
              kernel, bias: nil, Pass(training: false, precision: .float32)
            ).reshaped([100, 64])
        }
      }
      tape.backward(from: y)
      #expect(x.gradient != nil)
      #expect(Storage.peakBytes - before < 10 * 25_600)
    }
  }

  /// Ever new sizes do not pile up in the pool.
  @Test func unusedMemoryIsBounded() throws {
    try onEngine {
      Storage.releaseUnused()
      let before = Storage.heldBytes
      // Never written to, so the system never provides the memory.
      for size in 1...400 {
        let held = Tensor(uninitialised: [size, 100_000])
        #expect(held.count == size * 100_000)
      }
      #expect(Storage.heldBytes <= max(before, 128 << 20) + 2 * 400 * 400_000)
      // Tensors of other tests come and go beside this one.
      for _ in 0..<100 {
        Storage.releaseUnused()
        if Storage.heldBytes <= before { break }
        usleep(20_000)
      }
      #expect(Storage.heldBytes <= before)
    }
  }

  @Test func tensorsAreAligned() throws {
    try onEngine {
      for count in [0, 1, 15, 16, 17, 255, 257, 1000, 4097, 100_003] {
        let tensor = Tensor(repeating: 1, shape: [count])
        #expect(Int(bitPattern: tensor.pointer) % 64 == 0)
      }
    }
  }
}
