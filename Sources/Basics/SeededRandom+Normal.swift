import Foundation

extension SeededRandom {
  /// Normal with mean 0 and deviation 1 (Box and Muller 1958, one of the pair).
  public mutating func normal() -> Float {
    let radius = (-2 * log(Double(1 - uniform()))).squareRoot()
    return Float(radius * cos(2 * Double.pi * Double(uniform())))
  }

  /// The items in a random order (Fisher and Yates).
  public mutating func shuffled<T>(_ items: [T]) -> [T] {
    var result = items
    for index in stride(from: result.count - 1, to: 0, by: -1) {
      result.swapAt(index, integer(below: index + 1))
    }
    return result
  }
}
