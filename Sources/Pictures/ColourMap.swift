/// From dark through red to pale, evenly in lightness: differences look as large as they are, in grey as well.
enum ColourMap {
  private static let stops: [Raster.Colour] = [
    Raster.Colour(0, 0, 4), Raster.Colour(38, 17, 84), Raster.Colour(101, 26, 128),
    Raster.Colour(166, 45, 121), Raster.Colour(222, 73, 104), Raster.Colour(250, 125, 94),
    Raster.Colour(254, 186, 128), Raster.Colour(252, 253, 191),
  ]

  /// - Parameter value: 0 to 1.
  static func colour(_ value: Float) -> Raster.Colour {
    let place = max(0, min(1, value)) * Float(stops.count - 1)
    let low = min(Int(place), stops.count - 2)
    let share = place - Float(low)
    func mix(_ from: UInt8, _ to: UInt8) -> UInt8 {
      UInt8((Float(from) + (Float(to) - Float(from)) * share).rounded())
    }
    let (a, b) = (stops[low], stops[low + 1])
    return Raster.Colour(mix(a.red, b.red), mix(a.green, b.green), mix(a.blue, b.blue))
  }
}
