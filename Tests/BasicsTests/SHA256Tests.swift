import Basics
import Foundation
import TestSupport
import Testing

/// Oracle: the examples of FIPS 180-4 and NIST's test vectors.
@Suite struct SHA256Tests {
  @Test(arguments: [
    ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
    ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
    (
      "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
    ),
    (
      "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
        + "lmnopqrsmnopqrstnopqrstu",
      "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"
    ),
  ])
  func vectors(message: String, digest: String) {
    #expect(SHA256.hash(message.utf8).hex == digest)
  }

  @Test func aMillionLetters() throws {
    let expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"
    let data = Data(repeating: UInt8(ascii: "a"), count: 1_000_000)
    #expect(SHA256.hash(data).hex == expected)
    let path = try Golden.temporaryDirectory() + "/a"
    try AtomicFile.write(data + data, to: path)
    #expect(try SHA256.hash(file: path) == SHA256.hash(data + data))
  }

  /// Every length around the block borders, in pieces of every size, against the whole at once.
  @Test func piecesEqualTheWhole() {
    let bytes = (0..<200).map { UInt8($0) }
    for length in 0...200 {
      let whole = SHA256.hash(bytes[..<length])
      for piece in [1, 3, 55, 63, 64, 65] {
        var hasher = SHA256()
        for start in stride(from: 0, to: length, by: piece) {
          Array(bytes[start..<min(start + piece, length)]).withUnsafeBytes { hasher.update($0) }
        }
        #expect(hasher.digest() == whole, "length \(length), pieces of \(piece)")
      }
    }
    // Lengths at which the padding does and does not need a second block; from coreutils' sha256sum.
    let zeros = [
      (55, "02779466cdec163811d078815c633f21901413081449002f24aa3e80f0b88ef7"),
      (56, "d4817aa5497628e7c77e6b606107042bbba3130888c5f47a375e6179be789fbb"),
      (63, "c7723fa1e0127975e49e62e753db53924c1bd84b8ac1ac08df78d09270f3d971"),
      (64, "f5a5fd42d16a20302798ef6ed309979b43003d2320d9f0e8ea9831a92759fb4b"),
      (119, "f616b0d54e78571a9611f343c9f8e022e859e920381ab0e4d3da01e193a7bd7e"),
      (120, "6edd9f6f9cc92cded36e6c4a580933f9c9f1b90562b46903b806f21902a1a54f"),
    ]
    for (length, digest) in zeros {
      #expect(SHA256.hash([UInt8](repeating: 0, count: length)).hex == digest)
    }
  }

  @Test func absentFile() {
    let error = #expect(throws: IdiolectError.self) { try SHA256.hash(file: "/absent") }
    #expect(error?.code == .notFound)
    #expect(throws: IdiolectError.self) { try SHA256.hash(file: "/") }
  }
}
