import Adaptation
import Basics
import Foundation
import SpeechCorpus
import TestSupport
import Testing

/// `report.html`: whole, by itself, and safe whatever the texts hold.
struct PageTests {
  /// Log-mels, whatever the network hears: of samples a picture would be one point high.
  @Test func spectrograms() throws {
    let clip = try TinyCorpus.clips(1)[0]
    let image = SpectrogramImage.element(clip.audioPath, offset: 0, seconds: nil)
    let data = try #require(
      image.firstMatch(of: /base64,([^"]+)"/).flatMap { Data(base64Encoded: String($0.output.1)) })
    func number(_ at: Int) -> Int { (0..<4).reduce(0) { $0 | Int(data[at + $1]) << (8 * $1) } }
    #expect(number(22) == 80 && image.contains("height=\"80\""))
    #expect(abs(number(18) - Int(clip.durationSeconds! * 100)) <= 2)
  }

  @Test func standsByItself() throws {
    let corpus = try TinyCorpus()
    var request = try corpus.request()
    var dev = try TinyCorpus.clips(4, from: 6)
    for index in dev.indices { dev[index].speaker = "<script>alert(\(index))</script>" }
    request.dev = try corpus.write(dev, "dev")
    request.retain = try corpus.write(try TinyCorpus.clips(2, of: "test"), "retain")
    let report = try AdaptationRun(request).run()
    let page = String(decoding: try #require(corpus.bytes("out/report.html")), as: UTF8.self)
    let isWhole = page.hasPrefix("<!doctype html>") && page.contains("</html>")
    #expect(isWhole)
    #expect(page.contains(report.verdict.rawValue.dropFirst()))
    #expect(!page.contains("<script"))
    #expect(page.contains("&lt;script&gt;alert"))
    #expect(page.components(separatedBy: "<svg").count == 5)
    for wanted in [
      "By speaker", "By length", "CER before", "spectrogram",
    ] {
      #expect(page.range(of: wanted) != nil, "\(wanted)")
    }
    // Nothing is fetched from anywhere.
    for address in ["http://", "https://", "src=\"/", "@import", "url("] {
      #expect(!page.contains(address), "\(address)")
    }
    let elements = try NSRegularExpression(pattern: "<(/?)([a-z0-9]+)([^>]*?)(/?)>")
    var open: [String] = []
    let whole = page as NSString
    for match in elements.matches(in: page, range: NSRange(location: 0, length: whole.length)) {
      let name = whole.substring(with: match.range(at: 2))
      if match.range(at: 4).length > 0 || ["meta", "img"].contains(name) { continue }
      if match.range(at: 1).length == 0 {
        open.append(name)
      } else {
        #expect(open.popLast() == name)
      }
    }
    #expect(open.isEmpty, "\(open)")
  }
}
