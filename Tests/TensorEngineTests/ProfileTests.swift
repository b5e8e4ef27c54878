import Basics
import TensorEngine
import Testing

@Suite("Profile", .serialized) struct ProfileTests {
  @Test("A product is counted with its operations and bytes") func product() throws {
    try Profile.start()
    try onEngine {
      let x = Tensor(repeating: 1, shape: [8, 16])
      let weight = Tensor(repeating: 1, shape: [4, 16])
      _ = x.linear(weight, Pass(training: false, precision: .float32))
    }
    let profile = try #require(try Profile.stop())
    // Other suites may run kernels meanwhile: at least this product is there.
    let row = try #require(profile.rows.first { $0.name == "matmul, a.bT" })
    #expect(row.calls >= 1 && row.operations >= 1024)
    let elements = 8 * 16 + 16 * 4 + 8 * 4
    #expect(row.bytes >= Double(4 * elements))
    #expect(row.seconds > 0 && row.seconds <= profile.seconds)
    #expect(try Profile.stop() == nil)
  }
}
