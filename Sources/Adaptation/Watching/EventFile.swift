import Foundation

/// TensorBoard's event files: records of TensorFlow's `Event` messages, each with the checksums of its length
/// and of itself.
enum EventFile {
  /// The record that every file begins with.
  static var header: Data {
    var event = Message()
    event.add(field: 1, double: 0)
    event.add(field: 3, bytes: Data("brain.Event:2".utf8))
    return record(event.data)
  }

  /// One record with everything that was measured; nothing where nothing was.
  static func records(_ metric: Metric) -> Data {
    var summary = Message()
    for (tag, value) in metric.scalars {
      var scalar = Message()
      scalar.add(field: 1, bytes: Data(tag.utf8))
      scalar.add(field: 2, float: Float(value))
      summary.add(field: 1, bytes: scalar.data)
    }
    guard !summary.data.isEmpty else { return Data() }
    var event = Message()
    event.add(field: 1, double: metric.seconds)
    event.add(field: 2, integer: UInt64(metric.step))
    event.add(field: 5, bytes: summary.data)
    return record(event.data)
  }

  private static func record(_ data: Data) -> Data {
    let length = bytes(UInt64(data.count))
    return length + bytes(masked(length)) + data + bytes(masked(data))
  }

  private static func bytes(_ value: some FixedWidthInteger) -> Data {
    withUnsafeBytes(of: value.littleEndian) { Data($0) }
  }

  private static func masked(_ data: Data) -> UInt32 {
    let sum = crc32c(data)
    return (sum >> 15 | sum << 17) &+ 0xA282_EAD8
  }

  /// CRC-32C (Castagnoli).
  static func crc32c(_ data: Data) -> UInt32 {
    ~data.reduce(0xFFFF_FFFF) { sum, byte in table[Int((sum ^ UInt32(byte)) & 0xFF)] ^ (sum >> 8) }
  }

  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index)) { sum, _ in sum & 1 == 1 ? sum >> 1 ^ 0x82F6_3B78 : sum >> 1 }
  }

  /// A protocol buffer.
  private struct Message {
    private(set) var data = Data()

    mutating func add(field: Int, integer: UInt64) {
      key(field, 0)
      variable(integer)
    }
    mutating func add(field: Int, double: Double) {
      key(field, 1)
      data += EventFile.bytes(double.bitPattern)
    }
    mutating func add(field: Int, float: Float) {
      key(field, 5)
      data += EventFile.bytes(float.bitPattern)
    }
    mutating func add(field: Int, bytes: Data) {
      key(field, 2)
      variable(UInt64(bytes.count))
      data += bytes
    }

    private mutating func key(_ field: Int, _ type: Int) { variable(UInt64(field << 3 | type)) }
    private mutating func variable(_ value: UInt64) {
      var rest = value
      while rest >= 0x80 {
        data.append(UInt8(rest & 0x7F) | 0x80)
        rest >>= 7
      }
      data.append(UInt8(rest))
    }
  }
}
