import Basics
import TensorEngine
import Testing

/// What the tape records, sums, keeps and frees. Oracle: gradients worked out by hand.
@Suite struct TapeTests {
  @Test func gradientsAccumulateOverWalks() throws {
    try onEngine {
      let x = leaf([1, 2])
      for walk in 1...3 {
        let tape = Tape()
        let y = tape.recording { x.scaled(by: 3).sum() }
        tape.backward(from: y)
        #expect(x.gradient!.values == [Float](repeating: 3 * Float(walk), count: 2))
      }
    }
  }

  /// A sum hands the same gradient to both terms; each goes on to change only its own.
  @Test func sharedGradientsStayApart() throws {
    try onEngine {
      let (a, b) = (leaf([1, 2]), leaf([3, 4]))
      let tape = Tape()
      let y = tape.recording {
        a.adding(b).sum().adding(a.multiplied(by: a).sum()).adding(a.scaled(by: 5).sum())
      }
      tape.backward(from: y)
      // 1 + 2 a + 5
      #expect(a.gradient!.values == [8, 10])
      #expect(b.gradient!.values == [1, 1])
    }
  }

  @Test func oneTensorAsBothTerms() throws {
    try onEngine {
      let a = leaf([1, 2])
      let tape = Tape()
      tape.backward(from: tape.recording { a.adding(a).adding(a, scaledBy: 2).sum() })
      #expect(a.gradient!.values == [4, 4])
    }
  }

  /// A gradient that the caller gave, or took, is not written to later.
  @Test func callersGradientsAreNotTouched() throws {
    try onEngine {
      let (a, b) = (leaf([1, 2]), leaf([3, 4]))
      let start = Tensor([10, 20], shape: [2])
      func walk() {
        let tape = Tape()
        tape.backward(from: tape.recording { a.adding(b).adding(a) }, gradient: start)
      }
      walk()
      let taken = a.gradient!
      walk()
      #expect(start.values == [10, 20])
      #expect(taken.values == [20, 40])
      #expect(a.gradient!.values == [40, 80])
      #expect(b.gradient!.values == [20, 40])
    }
  }

  @Test func viewsShareNeitherCorruptNorLoseGradients() throws {
    try onEngine {
      let a = leaf([1, 2, 3, 4])
      let tape = Tape()
      let y = tape.recording {
        let square = a.reshaped([2, 2])
        let row = square.reshaped([1, 4])
        return square.adding(row.reshaped([2, 2])).multiplied(by: square).sum()
          .adding(row.sum()).adding(a.sum())
      }
      tape.backward(from: y)
      // y = 2 Σ a² + 2 Σ a
      #expect(a.gradient!.values == [6, 10, 14, 18])
      #expect(a.gradient!.shape == [4])
    }
  }

  /// The first share of `a` is a view of the gradient that `c` keeps; the second is added to a copy.
  @Test func viewsOfGradientsAreNotWrittenTo() throws {
    try onEngine {
      let (a, c) = (leaf([1, 2]), Tensor([3, 4], shape: [1, 2]))
      c.requiresGradient = true
      let tape = Tape()
      let y = tape.recording {
        let five = a.scaled(by: 5).sum()
        return a.reshaped([1, 2]).adding(c).sum().adding(five)
      }
      tape.backward(from: y)
      #expect(a.gradient!.values == [6, 6])
      #expect(c.gradient!.values == [1, 1])
    }
  }

  @Test func onlyLeavesKeepGradients() throws {
    try onEngine {
      let a = leaf([1, 2])
      let frozen = Tensor([1, 1], shape: [2])
      let tape = Tape()
      let (middle, y) = tape.recording {
        let middle = a.multiplied(by: frozen)
        return (middle, middle.sum())
      }
      tape.backward(from: y)
      #expect(middle.gradient == nil && y.gradient == nil && frozen.gradient == nil)
      #expect(a.gradient!.values == [1, 1])
    }
  }

  @Test func resultThatIsALeafAccumulates() throws {
    try onEngine {
      let a = leaf([1, 2])
      for _ in 0..<2 { Tape().backward(from: a, gradient: Tensor([1, 2], shape: [2])) }
      #expect(a.gradient!.values == [2, 4])
    }
  }

  @Test func nothingIsRecordedOutside() throws {
    try onEngine {
      let a = leaf([1, 2])
      let outside = a.scaled(by: 2)
      #expect(!outside.requiresGradient)
      let tape = Tape()
      let y = tape.recording { outside.sum() }
      tape.backward(from: y)
      #expect(!y.requiresGradient && a.gradient == nil && Tape.current == nil)
    }
  }

  @Test func anErrorEndsTheRecording() throws {
    struct Stop: Error {}
    try onEngine {
      #expect(throws: Stop.self) { try Tape().recording { throw Stop() } }
      #expect(Tape.current == nil)
    }
  }

  /// A hundred thousand operations: walked back, or dropped unwalked, without deep recursion.
  @Test(arguments: [true, false]) func deepChains(_ walks: Bool) throws {
    try onEngine {
      let a = leaf([1])
      let tape = Tape()
      var y = a
      tape.recording { for _ in 0..<100_000 { y = y.adding(a, scaledBy: 1e-5) } }
      if walks {
        tape.backward(from: y)
        #expect(abs(a.gradient!.scalar - 2) < 1e-2)
      }
    }
  }

  private func leaf(_ values: [Float]) -> Tensor {
    let tensor = Tensor(values, shape: [values.count])
    tensor.requiresGradient = true
    return tensor
  }
}
