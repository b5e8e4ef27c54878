import Basics

/// How much sound is missing, container by container; nil where the file does not say.
///
/// Programs that write to a pipe cannot go back to fill in the length: they leave 0, all ones
/// (ffmpeg), or a number just below 2³¹ (sox). Such a length is unknown, not wrong.
extension AudioHeader {
  func missingInRIFF(bigEndian: Bool) -> Int? {
    guard let data = dataInRIFF(bigEndian: bigEndian), !data.isStreamed(in: self) else {
      return nil
    }
    return missing(declared: data.declared, from: data.offset)
  }

  /// libsndfile takes a length of 0 by its word; this gives it the length that the file has.
  ///
  /// - Throws: `.unsupported` where that is more than a WAV header can say.
  func mendUnknownLength(path: String) throws {
    let magic = text(at: 0, count: 4)
    guard magic == "RIFF" || magic == "RIFX",
      let data = dataInRIFF(bigEndian: magic == "RIFX"), data.offset < size,
      data.declared == 0 || data.isStreamed(in: self)
    else { return }
    guard let length = UInt32(exactly: size - data.offset) else {
      throw IdiolectError(
        .unsupported,
        "\(path): a streamed WAV of more than 4 gigabytes, whose length its header cannot say; convert it to FLAC"
      )
    }
    let ordered = magic == "RIFX" ? length.bigEndian : length.littleEndian
    file.pretend(withUnsafeBytes(of: ordered) { Array($0) }, at: data.offset - 4)
  }

  /// What a WAV says of its sound, the number that names its encoding among it; nil in other files.
  func formatInRIFF() -> (codec: UInt64, channels: UInt64, sampleRate: UInt64)? {
    let magic = text(at: 0, count: 4)
    guard ["RIFF", "RIFX", "RF64"].contains(magic), text(at: 8, count: 4) == "WAVE" else {
      return nil
    }
    let bigEndian = magic == "RIFX"
    let format = findChunk(from: 12, bigEndian: bigEndian) { id, length, offset in
      id == "fmt " ? SoundChunk(declared: length, offset: offset) : nil
    }
    guard let start = format?.offset,
      let codec = integer(at: start, count: 2, bigEndian: bigEndian),
      let channels = integer(at: start + 2, count: 2, bigEndian: bigEndian),
      let sampleRate = integer(at: start + 4, count: 4, bigEndian: bigEndian)
    else { return nil }
    return (codec, channels, sampleRate)
  }

  private func dataInRIFF(bigEndian: Bool) -> SoundChunk? {
    var longDataSize: UInt64?
    return findChunk(from: 12, bigEndian: bigEndian) { id, length, offset in
      if id == "ds64" { longDataSize = integer(at: offset + 8, count: 8, bigEndian: false) }
      guard id == "data" else { return nil }
      guard length == 0xFFFF_FFFF, let longDataSize else {
        return SoundChunk(declared: length, offset: offset)
      }
      return SoundChunk(declared: longDataSize, offset: offset)
    }
  }

  func missingInAIFF() -> Int? {
    let sound = findChunk(from: 12, bigEndian: true) { id, length, offset in
      id == "SSND" ? SoundChunk(declared: length, offset: offset) : nil
    }
    guard let sound, !sound.isStreamed(in: self) else { return nil }
    return missing(declared: sound.declared, from: sound.offset)
  }

  func missingInCAF() -> Int? {
    var offset = 8
    var chunks = 0
    while chunks < Self.maximumChunks, let id = text(at: offset, count: 4),
      let length = integer(at: offset + 4, count: 8, bigEndian: true)
    {
      if id == "data" {
        // Minus one is the format's own word for "to the end of the file".
        return length == .max ? nil : missing(declared: length, from: offset + 12)
      }
      guard length < UInt64(size) else { return nil }
      offset += 12 + Int(length)
      chunks += 1
    }
    return nil
  }

  func missingInAU() -> Int? {
    guard let start = integer(at: 4, count: 4, bigEndian: true),
      let length = integer(at: 8, count: 4, bigEndian: true), length < UInt64(UInt32.max)
    else { return nil }
    return missing(declared: length, from: Int(start))
  }

  /// By the length that most encoders put into an MP3's first frame, after its side information.
  func missingInMP3() -> Int? {
    var start = 0
    if text(at: 0, count: 3) == "ID3", let length = bytes(at: 6, count: 4) {
      start = 10 + length.reduce(0) { $0 << 7 | Int($1 & 0x7F) }
    }
    guard let sync = bytes(at: start, count: 2), sync[0] == 0xFF, sync[1] & 0xE0 == 0xE0 else {
      return nil
    }
    for place in [36, 21, 13].map({ start + $0 }) {
      guard let tag = text(at: place, count: 4), tag == "Xing" || tag == "Info" else { continue }
      guard let flags = integer(at: place + 4, count: 4, bigEndian: true), flags & 2 != 0,
        let length = integer(at: place + (flags & 1 != 0 ? 12 : 8), count: 4, bigEndian: true)
      else { return nil }
      // Some encoders count the tags before the first frame, so these count as present.
      return missing(declared: length, from: 0)
    }
    return nil
  }

  /// Whether the last Ogg page in the file is whole.
  func endsWithWholeOggPage() -> Bool {
    // A page is at most 65,307 bytes long.
    let tail = min(size, 1 << 17)
    guard let bytes = bytes(at: size - tail, count: tail) else { return false }
    var position = bytes.count - 27
    while position >= 0 {
      if bytes[position] == 0x4F, bytes[position + 1] == 0x67, bytes[position + 2] == 0x67,
        bytes[position + 3] == 0x53, bytes[position + 4] == 0
      {
        let segments = Int(bytes[position + 26])
        let body = position + 27 + segments
        guard body <= bytes.count else { return false }
        let length = bytes[(position + 27)..<body].reduce(0) { $0 + Int($1) }
        return body + length <= bytes.count
      }
      position -= 1
    }
    return false
  }

  private func missing(declared: UInt64, from start: Int) -> Int? {
    guard declared > 0 else { return nil }
    let present = UInt64(max(0, size - start))
    guard declared > present else { return 0 }
    return Int(exactly: declared - present) ?? .max
  }

  // A gigabyte of zeros after the first letters would be a hundred million empty chunks.
  private static var maximumChunks: Int { 10_000 }

  /// Walks IFF chunks (four letters, four bytes of length, padded to even) until `match` gives one.
  private func findChunk(
    from first: Int, bigEndian: Bool,
    match: (_ id: String, _ length: UInt64, _ offset: Int) -> SoundChunk?
  ) -> SoundChunk? {
    var offset = first
    var chunks = 0
    while chunks < Self.maximumChunks, let id = text(at: offset, count: 4),
      let length = integer(at: offset + 4, count: 4, bigEndian: bigEndian)
    {
      if let found = match(id, length, offset + 8) { return found }
      offset += 8 + Int(length) + Int(length & 1)
      chunks += 1
    }
    return nil
  }
}

/// Where the samples lie in a file: `declared` bytes from `offset`.
private struct SoundChunk {
  var declared: UInt64
  var offset: Int

  /// Whether the length is one that programs write before they know it.
  func isStreamed(in header: AudioHeader) -> Bool {
    (0x7F00_0000...0xFFFF_FFFF).contains(declared) && declared > UInt64(header.size)
  }
}
