extension Tensor {
  /// Each column to its own length: length · self / ‖self‖ by column, [… , columns] and [columns].
  ///
  /// Salimans and Kingma 2016; PyTorch's `weight_norm` over the last dimension.
  package func columnsOfLength(_ lengths: Tensor) -> Tensor {
    let (rows, columns) = (rows, columns)
    precondition(lengths.count == columns, "\(lengths.shape) lengths for the columns of \(shape)")
    var squares = [Double](repeating: 0, count: columns)
    let (source, wanted) = (pointer, lengths.pointer)
    for row in 0..<rows {
      for column in 0..<columns {
        let value = Double(source[row &* columns &+ column])
        squares[column] += value * value
      }
    }
    let norms = squares.map { Float($0.squareRoot()) }
    let result = Tensor(uninitialised: shape)
    let target = result.pointer
    let scales = (0..<columns).map { wanted[$0] / norms[$0] }
    for row in 0..<rows {
      for column in 0..<columns {
        target[row &* columns &+ column] = source[row &* columns &+ column] * scales[column]
      }
    }
    return result.from("weight norm", [self, lengths]) { gradient in
      let (source, given) = (self.pointer, gradient.pointer)
      var products = [Double](repeating: 0, count: columns)
      for row in 0..<rows {
        for column in 0..<columns {
          let place = row &* columns &+ column
          products[column] += Double(source[place]) * Double(given[place])
        }
      }
      if lengths.requiresGradient {
        lengths.accumulate(
          Tensor(
            (0..<columns).map { Float(products[$0]) / norms[$0] }, shape: lengths.shape))
      }
      guard self.requiresGradient else { return }
      let share = Tensor(uninitialised: self.shape)
      let target = share.pointer
      let along = (0..<columns).map { Float(products[$0] / squares[$0]) }
      for row in 0..<rows {
        for column in 0..<columns {
          let place = row &* columns &+ column
          target[place] = scales[column] * (given[place] - along[column] * source[place])
        }
      }
      self.accumulate(share)
    }
  }
}
