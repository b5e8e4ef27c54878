import ArgumentParser

struct RootCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "idiolect", subcommands: [AdaptCommand.self, TrainCommand.self])
}
