import ArgumentParser
import Basics
import CKernels

/// The program `idiolect`.
struct RootCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "idiolect",
    abstract: "Fine-tunes speech recognisers to an accent or a language, and measures them.",
    discussion: """
      idiolect adapt --train me.jsonl --output mine
      idiolect transcribe talk.flac
      idiolect evaluate --data AudioSamples/scottish-test.jsonl

      Exit codes: 0 done; 1 features that differ by more than --tolerance; 64 wrong command line; 65 bad audio, data or model (also when some of several \
      recordings were left out); 66 missing file; 69 unsupported here; 74 reading or writing failed; 130 interrupted. \
      Messages go to standard error, one line each; results go to standard output.
      """,
    version: "idiolect \(idiolectVersion), \(String(cString: ck_library_version()))",
    subcommands: [
      AdaptCommand.self,
      TrainCommand.self,
      TranscribeCommand.self,
      EvaluateCommand.self,
      FeaturesCommand.self,
      InspectCommand.self,
      RankCommand.self,
      CompareCommand.self,
      MergeCommand.self,
      PullCommand.self,
    ])
}
