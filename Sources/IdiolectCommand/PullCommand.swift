import ArgumentParser
import Basics
import Idiolect
import ModelHub

struct PullCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pull",
    abstract: "Fetches a model from the Hugging Face hub.",
    discussion: """
      It goes to the cache that huggingface_hub uses too (HF_HOME), and is then found by its name: --model OWNER/NAME. \
      Interrupted, the same command goes on. Sizes and hashes are checked. A token for models that not everybody \
      may see is taken from HF_TOKEN, another address of the hub from HF_ENDPOINT.

      Examples:
        idiolect pull facebook/wav2vec2-base-960h
        idiolect pull facebook/mms-1b-all --language swh
      """)

  @Argument(help: "The model, OWNER/NAME.")
  var name: String

  @Option(help: "A branch, tag or commit.")
  var revision = "main"

  @Option(
    help: ArgumentHelp(
      "Fetch the adapter of this language as well, of a model that has several; may be given several times.",
      valueName: "code"))
  var language: [String] = []

  func run() throws {
    guard let repository = HubRepository(name) else {
      throw ValidationError("'\(name)' is no OWNER/NAME")
    }
    guard HubRepository.isRevision(revision) else {
      throw ValidationError("--revision: '\(revision)' is no branch, tag or commit")
    }
    for code in language where !HubRepository.isRevision(code) {
      throw ValidationError("--language: '\(code)' is no language's code")
    }
    let folder = try HubPull(repository, revision: revision, languages: language).run {
      Failure.say($0)
    }
    try StandardOutput.line("model: \(folder)")
  }
}
