import Foundation
import Synchronization

/// A server on loopback that answers as the hub does: what a revision has, and files, whole or from an offset.
final class LoopbackHub: Sendable {
  struct Reply: Sendable {
    var status = 200
    var body = Data()
    var headers: [String: String] = [:]
    /// So many bytes, then the connection ends.
    var cut: Int?
  }

  let port: UInt16
  /// Requests so far: path, and headers by lower-case name.
  let requests = Mutex<[(path: String, headers: [String: String])]>([])
  private let listener: Int32

  /// - Parameter answer: to a path and the headers.
  init(_ answer: @escaping @Sendable (_ path: String, _ headers: [String: String]) -> Reply) throws
  {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = inet_addr("127.0.0.1")
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
        bind(descriptor, pointer, length) == 0 && listen(descriptor, 16) == 0
          && getsockname(descriptor, pointer, &length) == 0
      }
    }
    guard bound else { throw POSIXError(.EADDRINUSE) }
    (listener, port) = (descriptor, UInt16(bigEndian: address.sin_port))
    Thread.detachNewThread { [self] in
      while true {
        let connection = accept(descriptor, nil, nil)
        guard connection >= 0 else { break }
        serve(connection, answer)
        close(connection)
      }
      // Here alone: closed by another thread, its number could be another server's before this one asks again.
      close(descriptor)
    }
  }

  /// Refuses connections from now on.
  func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

  private func serve(
    _ connection: Int32, _ answer: (_ path: String, _ headers: [String: String]) -> Reply
  ) {
    var head = Data()
    var buffer = [UInt8](repeating: 0, count: 4096)
    while head.range(of: Data("\r\n\r\n".utf8)) == nil {
      let count = recv(connection, &buffer, buffer.count, 0)
      guard count > 0 else { return }
      head.append(contentsOf: buffer.prefix(count))
    }
    let lines = String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n")
    let path = String(lines[0].split(separator: " ")[1])
    var headers: [String: String] = [:]
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1)
      if parts.count == 2 {
        headers[parts[0].lowercased()] = parts[1].trimmingCharacters(in: .whitespaces)
      }
    }
    requests.withLock { $0.append((path, headers)) }
    let reply = answer(path, headers)
    var text =
      "HTTP/1.1 \(reply.status) X\r\nContent-Length: \(reply.body.count)\r\nConnection: close\r\n"
    for (name, value) in reply.headers { text += "\(name): \(value)\r\n" }
    send(connection, Data((text + "\r\n").utf8))
    send(connection, reply.cut.map { reply.body.prefix($0) } ?? reply.body)
  }

  private func send(_ connection: Int32, _ data: Data) {
    data.withUnsafeBytes { bytes in
      var done = 0
      while done < bytes.count {
        let count = Foundation.send(
          connection, bytes.baseAddress! + done, bytes.count - done, Int32(MSG_NOSIGNAL))
        guard count > 0 else { return }
        done += count
      }
    }
  }
}
