import ArgumentParser
import Foundation
import Idiolect

// A reader that goes away (`| head`) ends the program quietly, also where the parent had it ignored.
signal(SIGPIPE, SIG_DFL)
WorkerPatience.set()

do {
  var command = try RootCommand.parseAsRoot()
  try command.run()
} catch {
  Failure.exit(error)
}
