import CKernels

extension Tensor {
  /// Matrices of as many columns, one below the other: [rows …, columns].
  package static func stacked(_ parts: [Tensor]) -> Tensor {
    guard parts.count > 1 else { return parts[0] }
    let columns = parts[0].columns
    precondition(
      parts.allSatisfy { $0.columns == columns }, "rows of \(parts.map(\.shape)) cannot be stacked")
    let result = Tensor(uninitialised: [parts.reduce(0) { $0 + $1.rows }, columns])
    var place = 0
    for part in parts {
      (result.pointer + place).update(from: part.pointer, count: part.count)
      place += part.count
    }
    return result.from("stack", parts) { gradient in
      var row = 0
      for part in parts {
        if part.requiresGradient {
          part.accumulate(gradient.rowsView(row..<row + part.rows).copy().view(part.shape))
        }
        row += part.rows
      }
    }
  }

  /// Some rows of [rows, columns] replaced by one, of [columns]: what masks them.
  package func replacingRows(_ rows: [Int], by replacement: Tensor) -> Tensor {
    precondition(
      replacement.count == columns && rows.allSatisfy { (0..<self.rows).contains($0) },
      "rows of \(shape) replaced by \(replacement.shape)")
    guard !rows.isEmpty else { return self }
    let result = copy()
    let columns = columns
    for row in rows {
      (result.pointer + row * columns).update(from: replacement.pointer, count: columns)
    }
    return result.from("mask", [self, replacement]) { [slot] gradient in
      if replacement.requiresGradient {
        let share = Tensor(repeating: 0, shape: replacement.shape)
        for row in rows {
          ck_add_scaled(
            share.pointer, gradient.pointer + row * columns, 1, share.pointer, columns)
        }
        replacement.accumulate(share)
      }
      guard slot.isRequired else { return }
      let share = gradient.copy()
      for row in rows { (share.pointer + row * columns).update(repeating: 0, count: columns) }
      slot.accumulate(share)
    }
  }
}
