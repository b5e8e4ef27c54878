import Basics
import Foundation
import TestSupport
import Testing

/// Oracle: files that NumPy wrote (`Scripts/golden/numpy_files.py`), and the format's specification.
@Suite struct NumpyFileTests {
  @Test(arguments: ["float32", "float64", "version2", "fortran"])
  func readsMatrix(name: String) throws {
    let array = try Golden.array("numpy/\(name)")
    #expect(array.shape == [2, 3])
    #expect(array.values == [0, -1, 2.5, 1e30, -0.0, 3])
    #expect(array.values[4].sign == .minus)
  }

  @Test func readsTheOthers() throws {
    let narrow = try Golden.array("numpy/int32")
    #expect(narrow.shape == [3] && narrow.values == [1, -2, 16_777_216])
    let wide = try Golden.array("numpy/int64")
    #expect(wide.shape == [1, 2, 1] && wide.values == [1, -2])
    let scalar = try Golden.array("numpy/scalar")
    #expect(scalar.shape == [] && scalar.values == [7])
    let empty = try Golden.array("numpy/empty")
    #expect(empty.shape == [0, 3] && empty.values == [])
  }

  @Test(arguments: ["float16", "big_endian"])
  func refuses(name: String) {
    let error = #expect(throws: IdiolectError.self) { try Golden.array("numpy/refused_\(name)") }
    #expect(error?.code == .invalidData)
    #expect(error?.message.contains("refused_\(name).npy") == true)
  }

  @Test(arguments: [[], [0], [5], [2, 3, 4]])
  func roundTrip(shape: [Int]) throws {
    let path = try Golden.temporaryDirectory() + "/a.npy"
    let values = (0..<shape.reduce(1, *)).map { Float($0) / 7 }
    try NumpyFile(shape: shape, values: values).write(to: path)
    let read = try NumpyFile(path: path)
    #expect(read.shape == shape && read.values == values)
    let bytes = try #require(FileManager.default.contents(atPath: path))
    #expect((bytes.count - values.count * 4) % 64 == 0, "data is aligned")
  }

  private static func file(_ header: String, claims: Int? = nil, body: Int = 16) -> [UInt8] {
    let size = claims ?? header.utf8.count
    return [0x93] + Array("NUMPY".utf8) + [1, 0, UInt8(size & 0xFF), UInt8(size >> 8)]
      + Array(header.utf8) + [UInt8](repeating: 0, count: body)
  }

  static let hostile: [(String, [UInt8])] = [
    ("empty", []), ("short", [0x93, 0x4E]), ("text", Array("not an array at all".utf8)),
    ("header cut short", file("{'descr': '<f4'", claims: 60_000)),
    ("wide header cut short", [0x93] + Array("NUMPY".utf8) + [2, 0, 255, 255, 255, 255]),
    ("wide header without length", [0x93] + Array("NUMPY".utf8) + [2, 0, 1, 0, 0]),
    ("no shape", file("{'descr': '<f4', 'fortran_order': False, }")),
    ("shape reversed", file("{'descr': '<f4', 'fortran_order': False, 'shape': )4,( }")),
    ("negative", file("{'descr': '<f4', 'fortran_order': False, 'shape': (-4,), }")),
    ("word", file("{'descr': '<f4', 'fortran_order': False, 'shape': (four,), }")),
    (
      "overflow",
      file("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }")
    ),
    (
      "bytes overflow",
      file("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904,), }")
    ),
    ("data cut short", file("{'descr': '<f4', 'fortran_order': False, 'shape': (5,), }")),
    ("objects", file("{'descr': '|O', 'fortran_order': False, 'shape': (4,), }")),
    ("not UTF-8", [0x93] + Array("NUMPY".utf8) + [1, 0, 4, 0, 0xFF, 0xFE, 0xFF, 0xFE]),
  ]

  @Test(arguments: hostile.map(\.0))
  func refusesHostile(name: String) throws {
    let bytes = try #require(Self.hostile.first { $0.0 == name }).1
    let path = try Golden.temporaryDirectory() + "/a.npy"
    try AtomicFile.write(Data(bytes), to: path)
    let error = #expect(throws: IdiolectError.self) { try NumpyFile(path: path) }
    #expect(error?.code == .invalidData)
    #expect(error?.message.hasPrefix(path) == true)
  }

  @Test func absent() {
    let error = #expect(throws: IdiolectError.self) { try NumpyFile(path: "/absent.npy") }
    #expect(error?.code == .notFound)
  }
}
