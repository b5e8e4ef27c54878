import CKernels

extension Tensor {
  /// Rows of a matrix by index: [count of indices, columns]. An index may repeat (an embedding).
  public func gatheringRows(_ indices: [Int32]) -> Tensor {
    let (rows, columns) = (rows, columns)
    precondition(
      indices.allSatisfy { $0 >= 0 && $0 < rows }, "an index lies outside the \(rows) rows")
    let result = Tensor(uninitialised: [indices.count, columns])
    ck_gather_rows(pointer, indices, result.pointer, indices.count, columns)
    return result.from("gather", [self]) { [slot] gradient in
      let share = Tensor(repeating: 0, shape: slot.shape)
      ck_scatter_add_rows(gradient.pointer, indices, share.pointer, indices.count, columns)
      slot.accumulate(share)
    }
  }
}
