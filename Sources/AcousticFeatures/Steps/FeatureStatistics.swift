import Basics
public import Foundation

/// Mean and deviation of each bin over a corpus, and which front end they are of.
///
///     var statistics = FeatureStatistics(frontEnd)
///     for features in corpus { statistics.add(features.values, frames: features.validFrames) }
///     let normalised = FeatureStep.affine(means: statistics.means, scales: statistics.scales)
public struct FeatureStatistics: Sendable {
  /// Of the front end whose features they are.
  public let fingerprint: String
  private var moments: Standardisation.Statistics

  public init(_ frontEnd: any FrontEnd) {
    fingerprint = frontEnd.fingerprint
    moments = Standardisation.Statistics(bins: frontEnd.bins)
  }

  public var frames: Int { moments.count }
  public var means: [Float] { moments.means.map { Float($0) } }

  /// One over each bin's deviation (divided by n); 1 where a bin never changed.
  public var scales: [Float] {
    moments.squares.map { square in
      square > 0 ? Float((Double(moments.count) / square).squareRoot()) : 1
    }
  }

  /// - Parameters:
  ///   - values: `[frames, bins]`.
  ///   - frames: those that count, from the first.
  public mutating func add(_ values: [Float], frames: Int) {
    moments.add(rows: Array(values.prefix(frames * moments.means.count)))
  }

  /// Of a variance other than 0.
  private static let leastVariance = 1e-30

  /// The text of a file that `init(_:name:)` reads.
  public func json() -> String {
    let numbers = { (values: [Double]) in JSONValue.array(values.map { .number($0) }) }
    return JSONValue.object([
      "front_end": .string(fingerprint), "frames": .integer(frames),
      "means": numbers(moments.means),
      // What rounding leaves of a bin that does not change is no variance.
      "variances": numbers(
        moments.squares.map { $0 / Double(max(1, frames)) }.map {
          $0 < FeatureStatistics.leastVariance ? 0 : $0
        }),
    ]).text()
  }

  /// - Parameter name: the file's, for errors.
  /// - Throws: `.invalidData` that names the file and what is wrong.
  public init(_ data: Data, name: String) throws {
    let node: JSONNode
    do { node = JSONNode(try JSONValue(parsing: data), file: name) } catch {
      throw IdiolectError(.invalidData, "\(name): not JSON that can be read: \(error)")
    }
    func numbers(_ key: String) throws -> [Double] { try node[key].array().map { try $0.double() } }
    do {
      let known: Set = ["front_end", "frames", "means", "variances"]
      if let other = node.value?.object?.keys.first(where: { !known.contains($0) }) {
        throw IdiolectError(
          .invalidData, "\(name): unknown setting \(String(reflecting: other)); leave it out")
      }
      fingerprint = try node["front_end"].string()
      let count = try node["frames"].int()
      let (means, variances) = (try numbers("means"), try numbers("variances"))
      guard count > 0, means.count == variances.count, means.allSatisfy({ abs($0) < 1e30 }),
        variances.allSatisfy({ $0 == 0 || (FeatureStatistics.leastVariance...1e30).contains($0) })
      else {
        throw IdiolectError(
          .invalidData,
          "\(name): no statistics of \(count) frames, with \(means.count) means and \(variances.count) variances that are numbers; make them anew with 'idiolect features --statistics'"
        )
      }
      moments = Standardisation.Statistics(
        count: count, means: means, squares: variances.map { $0 * Double(count) })
    } catch let error as IdiolectError {
      throw IdiolectError(.invalidData, error.message)
    }
  }
}
