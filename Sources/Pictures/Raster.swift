import Basics
import CPNG
import Foundation

/// A picture of pixels, from the top left.
struct Raster {
  struct Colour: Equatable {
    var red, green, blue: UInt8

    init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
      (self.red, self.green, self.blue) = (red, green, blue)
    }

    static let black = Colour(0, 0, 0)
    static let grey = Colour(90, 90, 90)
    static let blue = Colour(31, 99, 163)
  }

  let width, height: Int
  private var pixels: [UInt8]

  init(width: Int, height: Int) {
    (self.width, self.height) = (width, height)
    pixels = [UInt8](repeating: 255, count: width * height * 3)
  }

  subscript(x: Int, y: Int) -> Colour {
    get {
      let place = (y * width + x) * 3
      return Colour(pixels[place], pixels[place + 1], pixels[place + 2])
    }
    set {
      guard (0..<width).contains(x), (0..<height).contains(y) else { return }
      let place = (y * width + x) * 3
      (pixels[place], pixels[place + 1], pixels[place + 2]) = (
        newValue.red, newValue.green, newValue.blue
      )
    }
  }

  mutating func fill(_ x: Range<Int>, _ y: Range<Int>, _ colour: Colour) {
    for row in y { for column in x { self[column, row] = colour } }
  }

  /// Lines around what fills a rectangle.
  mutating func frame(_ x: Range<Int>, _ y: Range<Int>, _ colour: Colour) {
    fill(x.lowerBound - 1..<x.upperBound + 1, y.lowerBound - 1..<y.lowerBound, colour)
    fill(x.lowerBound - 1..<x.upperBound + 1, y.upperBound..<y.upperBound + 1, colour)
    fill(x.lowerBound - 1..<x.lowerBound, y.lowerBound..<y.upperBound, colour)
    fill(x.upperBound..<x.upperBound + 1, y.lowerBound..<y.upperBound, colour)
  }

  enum Alignment { case left, centre, right }

  /// Letters whose middle line is at `y`.
  mutating func write(
    _ text: String, _ x: Int, _ y: Int, _ alignment: Alignment = .left, _ colour: Colour = .grey
  ) {
    let size = Glyphs.scale
    var left =
      switch alignment {
      case .left: x
      case .centre: x - Glyphs.width(text) / 2
      case .right: x - Glyphs.width(text)
      }
    let top = y - Glyphs.height / 2
    for character in text {
      for (column, bits) in Glyphs.columns(character).enumerated() {
        for row in 0..<7 where bits >> row & 1 == 1 {
          let (x, y) = (left + column * size, top + row * size)
          fill(x..<x + size, y..<y + size, colour)
        }
      }
      left += Glyphs.advance
    }
  }

  /// The picture as a PNG file's bytes.
  func png() throws -> Data {
    var image = png_image()
    idiolect_png_begin(&image, UInt32(width), UInt32(height))
    var size = 0
    func failure() -> IdiolectError {
      let cause = withUnsafeBytes(of: image.message) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      return IdiolectError(.inputOutput, "no picture: \(cause)")
    }
    // The first call measures.
    guard png_image_write_to_memory(&image, nil, &size, 0, pixels, 0, nil) != 0 else {
      throw failure()
    }
    var bytes = Data(count: size)
    let isWritten = bytes.withUnsafeMutableBytes {
      png_image_write_to_memory(&image, $0.baseAddress, &size, 0, pixels, 0, nil)
    }
    guard isWritten != 0 else { throw failure() }
    return bytes.prefix(size)
  }
}
