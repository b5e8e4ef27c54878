import Basics
package import TensorEngine

extension WeightStore {
  /// Names these weights: the SHA-256 of `model.safetensors`, or that of its shards' hashes in order.
  package func sha256() throws -> String {
    let hashes = try files.map { try SHA256.hash(file: $0.path).hex }
    if hashes.count == 1 { return hashes[0] }
    return SHA256.hash(hashes.joined(separator: "\n").utf8).hex
  }

  /// The smallest storage that keeps every bit of these weights.
  package var losslessStorage: SafetensorsTensor.Storage {
    let types = Set(
      names.filter { !$0.contains(".running_") && !$0.hasSuffix("num_batches_tracked") }
        .compactMap { self[$0]?.type.rawValue })
    return types.count == 1
      ? SafetensorsTensor.Storage(rawValue: types.first!) ?? .float32 : .float32
  }
}
