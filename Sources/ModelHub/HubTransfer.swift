import Basics
import CCurl
import Foundation

/// One answer over HTTP, received on the calling thread.
final class HubTransfer {
  /// Why the last transfer ended.
  enum End {
    /// The answer's status; with 200 and 206 its body was taken.
    case answered(Int)
    /// `begin` or `take` threw.
    case stopped(any Error)
    /// The connection ended within the body.
    case brokeOff(String)
    /// No answer came.
    case unreachable(String)
  }

  private let curl: UnsafeMutableRawPointer
  private let begin: (_ offset: Int) throws -> Void
  private let take: (UnsafeRawBufferPointer) throws -> Void
  /// Of the answer whose body arrives; 0 before it.
  private var status = 0
  private var failure: (any Error)?

  private static let isReady = curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK

  /// - Parameters:
  ///   - begin: told where in the file the body begins, before its bytes.
  ///   - take: given the bytes as they arrive. What either throws ends the transfer.
  init(
    begin: @escaping (_ offset: Int) throws -> Void,
    take: @escaping (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    guard Self.isReady, let curl = curl_easy_init() else {
      throw IdiolectError(.inputOutput, "libcurl cannot begin; is there memory left?")
    }
    (self.curl, self.begin, self.take) = (curl, begin, take)
  }

  deinit { curl_easy_cleanup(curl) }

  /// - Parameter token: sent to the address's own host alone, not to where it redirects.
  func run(_ address: String, from offset: Int, token: String?) -> End {
    set(CURLOPT_NOSIGNAL, 1)
    set(CURLOPT_FOLLOWLOCATION, 1)
    set(CURLOPT_MAXREDIRS, 10)
    set(CURLOPT_CONNECTTIMEOUT, 60)
    // Less than a byte a second for a minute.
    set(CURLOPT_LOW_SPEED_LIMIT, 1)
    set(CURLOPT_LOW_SPEED_TIME, 60)
    set(CURLOPT_URL, address)
    set(CURLOPT_USERAGENT, "idiolect")
    // What began encrypted stays so.
    let protocols = address.lowercased().hasPrefix("https:") ? "https" : "http,https"
    set(CURLOPT_PROTOCOLS_STR, protocols)
    set(CURLOPT_REDIR_PROTOCOLS_STR, protocols)
    if offset > 0 { set(CURLOPT_RANGE, "\(offset)-") }
    var headers: UnsafeMutablePointer<curl_slist>?
    defer { curl_slist_free_all(headers) }
    if let token {
      headers = curl_slist_append(nil, "Authorization: Bearer \(token)")
      idiolect_curl_set_headers(curl, headers)
    }
    idiolect_curl_set_writer(
      curl,
      { bytes, size, count, context in
        let transfer = Unmanaged<HubTransfer>.fromOpaque(context!).takeUnretainedValue()
        return transfer.receive(UnsafeRawBufferPointer(start: bytes, count: size * count))
          ? size * count : 0
      }, Unmanaged.passUnretained(self).toOpaque())
    return withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(CURL_ERROR_SIZE)) { text in
      text.initialize(repeating: 0)
      idiolect_curl_set_errors(curl, text.baseAddress)
      defer { idiolect_curl_set_errors(curl, nil) }
      let code = curl_easy_perform(curl)
      return end(
        code,
        String(cString: text[0] == 0 ? curl_easy_strerror(code) : UnsafePointer(text.baseAddress!)))
    }
  }

  private func end(_ code: CURLcode, _ description: String) -> End {
    if let failure { return .stopped(failure) }
    if code == CURLE_OK {
      // One without a body has not begun yet.
      _ = receive(UnsafeRawBufferPointer(start: nil, count: 0))
      return failure.map { .stopped($0) } ?? .answered(status)
    }
    switch status {
    case 0: return .unreachable(description)
    case 200, 206: return .brokeOff(description)
    default: return .answered(status)
    }
  }

  /// - Returns: whether the transfer goes on.
  private func receive(_ bytes: UnsafeRawBufferPointer) -> Bool {
    do {
      if status == 0 {
        status = idiolect_curl_status(curl)
        if hasBody { try begin(status == 206 ? rangeStart : 0) }
      }
      guard hasBody else { return false }
      if !bytes.isEmpty { try take(bytes) }
      return true
    } catch {
      failure = error
      return false
    }
  }

  private var hasBody: Bool { status == 200 || status == 206 }

  /// Of "bytes 100-199/200".
  private var rangeStart: Int {
    var header: UnsafeMutablePointer<curl_header>?
    guard
      curl_easy_header(curl, "Content-Range", 0, UInt32(CURLH_HEADER), -1, &header) == CURLHE_OK,
      let value = header?.pointee.value
    else { return 0 }
    return String(cString: value).split(separator: " ").last?.split(separator: "-").first
      .flatMap { Int($0) } ?? 0
  }

  private func set(_ option: CURLoption, _ value: Int) { idiolect_curl_set(curl, option, value) }
  private func set(_ option: CURLoption, _ value: String) {
    idiolect_curl_set_text(curl, option, value)
  }
}
