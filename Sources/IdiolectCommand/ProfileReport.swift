import Basics
import Foundation
import Idiolect

/// `--profile`: the time by operation, as a table on standard error.
enum ProfileReport {
  static func print() {
    guard let (rows, seconds) = (try? Profile.stop()) ?? nil else { return }
    let counted = rows.reduce(0) { $0 + $1.seconds }
    var table = [["operation", "ms", "share", "calls", "GFLOP/s", "GB/s"]]
    func add(
      _ name: String, _ time: Double, calls: String = "", rate: String = "", bytes: String = ""
    ) {
      table.append([
        name, String(format: "%.1f", time * 1e3), percent(time / seconds, digits: 2), calls, rate,
        bytes,
      ])
    }
    func rate(_ amount: Double, _ time: Double) -> String {
      amount > 0 && time > 0 ? String(format: "%.1f", amount / time * 1e-9) : ""
    }
    for row in rows {
      add(
        row.name, row.seconds, calls: Figures.count(row.calls),
        rate: rate(row.operations, row.seconds), bytes: rate(row.bytes, row.seconds))
    }
    add("all else", seconds - counted)
    let operations = rows.reduce(0) { $0 + $1.operations }
    add("total", seconds, rate: rate(operations, seconds))
    for line in Figures.table(table) { FileHandle.standardError.write(Data((line + "\n").utf8)) }
  }
}
