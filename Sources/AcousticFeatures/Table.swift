/// Numbers that stay where they are and never change, for threads that read them through a pointer.
final class Table<Element: BitwiseCopyable & Sendable>: Sendable {
  nonisolated(unsafe) let pointer: UnsafePointer<Element>

  init(_ values: [Element]) {
    let memory = UnsafeMutablePointer<Element>.allocate(capacity: values.count)
    memory.initialize(from: values, count: values.count)
    pointer = UnsafePointer(memory)
  }

  deinit { pointer.deallocate() }
}
