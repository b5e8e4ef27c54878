import AcousticFeatures
import AudioIO
import Basics
import Foundation
import TensorEngine
import TestSupport
import Testing

/// `idiolect features` against golden arrays of transformers and kaldi-native-fbank.
struct FeaturesCommandTests {
  @Test(
    arguments: [
      ("nemo", "flite.nemo"), ("kaldi-fbank", "flite.fbank"), ("kaldi-mfcc", "flite.mfcc"),
    ])
  func wholeArrays(_ preset: String, _ golden: String) throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let clip = "Tests/Golden/features/flite.flac"
    let run = try Program("features", clip, "--preset", preset, "--output", "\(directory)/x.npy")
    #expect(run.status == 0, "\(run.errors)")
    let expected = try Golden.array("features/\(golden)")
    let actual = try NumpyFile(path: "\(directory)/x.npy")
    let shape = Array(expected.shape.suffix(2))
    #expect(actual.shape == shape)
    #expect(Golden.relativeError(actual.values, expected.values) < 1e-4)
    let other = try Program(
      "features", clip, "--preset", preset, "--output", "\(directory)/x.safetensors")
    #expect(other.status == 0)
    let file = try SafetensorsFile(path: "\(directory)/x.safetensors")
    #expect(try file.entry("features").shape == shape)
    #expect(try file.readFloats("features") == actual.values)
  }

  /// Nothing but the array goes where the array goes.
  @Test func arraysToAPipe() throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let clip = "Tests/Golden/features/flite.flac"
    let run = try Program(
      shell:
        "\"$idiolect\" features \(clip) --output /dev/stdout | cat > \(directory)/x.npy && \"$idiolect\" features \(clip) --output \(directory)/y.npy"
    )
    #expect(run.status == 0)
    #expect(run.errorLines.count == 1 && run.errors.contains("frames of 80"))
    let (piped, plain) = (
      FileManager.default.contents(atPath: "\(directory)/x.npy"),
      FileManager.default.contents(atPath: "\(directory)/y.npy")
    )
    #expect(piped != nil && piped == plain)
  }

  /// A folder, a manifest and what is damaged, to each kind of output: the same numbers everywhere.
  @Test func manyRecordings() throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let folder = "\(directory)/in"
    try FileManager.default.createDirectory(
      atPath: "\(folder)/deep", withIntermediateDirectories: true)
    for (name, source) in [
      ("a b.flac", "flite"), ("deep/c.flac", "espeak"), ("d.flac", "noise"),
    ] {
      try FileManager.default.copyItem(
        atPath: "\(Golden.directory)/features/\(source).flac", toPath: "\(folder)/\(name)")
    }
    func run(_ output: String, _ input: String = folder) throws -> Program {
      try Program(
        "features", input, "--preset", "kaldi-fbank", "--output", "\(directory)/\(output)")
    }
    for output in ["x.safetensors", "x.ark", "x.jsonl", "x"] {
      let result = try run(output)
      #expect(result.status == 0, "\(result.errors)")
    }
    let file = try SafetensorsFile(path: "\(directory)/x.safetensors")
    #expect(Set(file.names) == ["a b.flac", "deep/c.flac", "d.flac"])
    let ark = try #require(FileManager.default.contents(atPath: "\(directory)/x.ark"))
    let scp = try String(contentsOfFile: "\(directory)/x.scp", encoding: .utf8)
    let lines = try String(contentsOfFile: "\(directory)/x.jsonl", encoding: .utf8).split(
      separator: "\n")
    #expect(lines.count == 3 && scp.split(separator: "\n").count == 3)
    for name in file.names {
      let (shape, values) = (try file.entry(name).shape, try file.readFloats(name))
      let array = try NumpyFile(path: "\(directory)/x/\(name).npy")
      #expect(array.shape == shape && array.values == values)
      // Kaldi: the key without white space, and where the matrix lies.
      let key = name.replacing(" ", with: "_")
      let entry = try #require(scp.split(separator: "\n").first { $0.hasPrefix("\(key) ") })
      let offset = try #require(Int(entry.split(separator: ":").last ?? ""))
      let header = Array(ark[offset..<offset + 15])
      #expect(Array(header.prefix(5)) == [0, 0x42, 0x46, 0x4D, 0x20])
      #expect(header[5] == 4 && header[10] == 4)
      #expect(Int(header[6]) | Int(header[7]) << 8 == shape[0] && Int(header[11]) == shape[1])
      let stored = ark[(offset + 15)..<(offset + 15 + values.count * 4)]
      #expect(values.withUnsafeBytes { Data($0) } == Data(stored))
      let line = try #require(
        lines.first {
          $0.contains("\"name\":\"\(name.replacing("/", with: "\\/"))\"")
            || $0.contains("\"name\":\"\(name)\"")
        })
      let node = JSONNode(try JSONValue(parsing: Data(line.utf8)), file: name)
      #expect(try node["features"].array().count == shape[0])
      #expect(try Float(node["features"][3][5].double()) == values[3 * shape[1] + 5])
    }
    // One that is damaged is named, and the others are there.
    try Data("no sound".utf8).write(to: URL(fileURLWithPath: "\(folder)/bad.wav"))
    let partly = try run("y.safetensors")
    #expect(partly.status == 65 && partly.errorLines.count == 1)
    #expect(try SafetensorsFile(path: "\(directory)/y.safetensors").names.count == 3)
    let notes = try String(
      contentsOfFile: "\(directory)/y.safetensors.quarantine.jsonl", encoding: .utf8)
    #expect(notes.contains("bad.wav"))
    // Another preset over the same folder takes the place of the first, and leaves no notes.
    let other = try Program(
      "features", folder, "--preset", "kaldi-mfcc", "--output", "\(directory)/x")
    #expect(other.status == 65)
    #expect(try NumpyFile(path: "\(directory)/x/d.flac.npy").shape[1] == 13)
    #expect(!FileManager.default.fileExists(atPath: "\(directory)/x/features.partial.jsonl"))
    // Lines of a manifest that cannot be used are no recordings that could not.
    let manifestLines =
      "{\"audio_filepath\": \"in/d.flac\"}\n" + String(repeating: "{\"no\": 1}\n", count: 4)
    try Data(manifestLines.utf8).write(to: URL(fileURLWithPath: "\(directory)/m.jsonl"))
    let manifest = try run("m.safetensors", "\(directory)/m.jsonl")
    #expect(manifest.status == 65 && manifest.output.contains("features of 1 recording by"))
    let none = try run("z.ark", "\(folder)/bad.wav")
    #expect(none.status == 65 && none.errors.contains("bad.wav"))
  }

  /// Killed at any byte, a job goes on and ends with the bytes of one that was not; what another job left, of other
  /// recordings or another preset, is begun anew.
  @Test func goesOnAfterAKill() throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let clips = ["flite", "espeak", "noise"].map { "\(Golden.directory)/features/\($0).flac" }
    func run(
      _ output: String, _ clips: [String], preset: String = "kaldi-mfcc", before: String = ""
    ) throws -> Program {
      try Program(
        shell:
          "cd '\(directory)' && \(before) \"$idiolect\" features '\(clips.joined(separator: "' '"))' --preset \(preset) -o '\(output)'"
      )
    }
    #expect(try run("whole.ark", clips).status == 0)
    let whole = try #require(FileManager.default.contents(atPath: "\(directory)/whole.ark"))
    let second = try #require(whole.range(of: Data(clips[1].utf8))).lowerBound
    let partial = "\(directory)/part.ark.partial"
    // An index that cannot be written is found out before the work.
    try AtomicFile.makeDirectory("\(directory)/part.scp")
    let refused = try run("part.ark", clips)
    #expect(refused.status == 74 && !FileManager.default.fileExists(atPath: partial))
    try FileManager.default.removeItem(atPath: "\(directory)/part.scp")
    // A disk that is full in the third recording leaves the notes of two.
    let third = try #require(whole.range(of: Data(clips[2].utf8))).lowerBound
    let stuck = try run(
      "part.ark", clips, before: "trap '' XFSZ; ulimit -f \(third / 1024 + 1);")
    #expect(stuck.status == 74 && FileManager.default.fileExists(atPath: partial))
    let notes = try #require(FileManager.default.contents(atPath: partial + ".jsonl"))
    /// As a kill leaves it: the first recording noted, the second's bytes cut short.
    func leave() throws {
      try whole[..<(second + 40)].write(to: URL(fileURLWithPath: partial))
      let lines = notes.split(separator: UInt8(ascii: "\n"))
      let kept = lines[0] + Data("\n".utf8) + lines[1] + Data("\n".utf8) + lines[2].prefix(20)
      try kept.write(to: URL(fileURLWithPath: partial + ".jsonl"))
    }
    try leave()
    let rest = try run("part.ark", clips)
    #expect(
      rest.status == 0 && rest.errors.contains("done already: 1 of 3 recordings"), "\(rest.errors)")
    #expect(FileManager.default.contents(atPath: "\(directory)/part.ark") == whole)
    #expect(!FileManager.default.fileExists(atPath: partial))
    for (others, preset) in [(clips, "kaldi-mfcc-hires"), (Array(clips.prefix(2)), "kaldi-mfcc")] {
      try leave()
      let anew = try run("part.ark", others, preset: preset)
      #expect(anew.status == 0 && anew.errors.isEmpty, "\(anew.errors)")
      let index = try String(contentsOfFile: "\(directory)/part.scp", encoding: .utf8)
      #expect(index.split(separator: "\n").count == others.count)
    }
    // While another run has it, nothing is touched.
    try leave()
    let held = open(partial, O_RDWR)
    defer { close(held) }
    #expect(flock(held, LOCK_EX | LOCK_NB) == 0)
    let beside = try run("part.ark", clips)
    #expect(beside.status == 74 && beside.errors.contains("another run"), "\(beside.errors)")
  }

  /// What lies beside an unfinished output is not believed where it cannot be true.
  @Test(arguments: ["x.safetensors", "x.ark", "x"]) func damagedNotes(_ output: String) throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    var ids = ""
    for (index, clip) in ["flite", "presets/speech-7s", "noise"].enumerated() {
      ids +=
        "{\"id\": \"u\(index)\", \"audio_filepath\": \"\(Golden.directory)/features/\(clip).flac\"}\n"
    }
    try Data(ids.utf8).write(to: URL(fileURLWithPath: "\(directory)/m.jsonl"))
    func run(_ output: String, _ before: String = "") throws -> Program {
      try Program(
        shell:
          "cd '\(directory)' && \(before) \"$idiolect\" features m.jsonl --preset kaldi-mfcc -o \(output)"
      )
    }
    func files(_ output: String) -> [Data?] {
      (output == "x" || output == "whole-x"
        ? (0..<3).map { "\(output)/u\($0).npy" } : [output]).map {
          FileManager.default.contents(atPath: "\(directory)/\($0)")
        }
    }
    #expect(try run("whole-\(output)").status == 0)
    let expected = files("whole-\(output)")
    let notes =
      "\(directory)/" + (output == "x" ? "x/features.partial.jsonl" : "\(output).partial.jsonl")
    for (wrong, right) in [
      ("\"shape\":[1000000000000000000,13]", "\"shape\":\\[[0-9]*,13]"),
      ("\"shape\":[-48,-13]", "\"shape\":\\[[0-9]*,13]"),
      ("\"shape\":[7,13]", "\"shape\":\\[[0-9]*,13]"), ("\"valid\":-1", "\"valid\":[0-9]*"),
      ("\"valid\":1000000000", "\"valid\":[0-9]*"), ("\"name\":\"u7\"", "\"name\":\"u0\""),
      ("\"name\":\"__metadata__\"", "\"name\":\"u0\""),
    ] {
      // Stopped where the second recording makes the file, or its own, larger than may be.
      let stopped = try run(output, "trap '' XFSZ; ulimit -f 24;")
      #expect(
        stopped.status == 74 && FileManager.default.fileExists(atPath: notes), "\(stopped.errors)")
      let edit = try Program(
        shell: "sed -i '2s/\(right)/\(wrong)/' '\(notes)'; grep -cF '\(wrong)' '\(notes)'")
      #expect(edit.output.trimmingCharacters(in: .whitespacesAndNewlines) != "0", "\(wrong)")
      let rest = try run(output)
      #expect(
        rest.status == 0 && rest.output.contains("features of 3 recordings"),
        "\(wrong): \(rest.errors)")
      #expect(files(output) == expected, "\(wrong)")
      try FileManager.default.removeItem(atPath: "\(directory)/\(output)")
    }
    guard output == "x" else { return }
    // An array that was taken away or cut is made again; what is no recording's stays.
    for damage in ["rm x/u0.npy", "truncate -s 200 x/u0.npy"] {
      #expect(try run(output, "trap '' XFSZ; ulimit -f 24;").status == 74)
      let kept = "x/notes.npy.partial-old"
      let rest = try run(output, "\(damage); touch \(kept) x/u0.npy.partial-1-2;")
      #expect(rest.status == 0 && files(output) == expected, "\(rest.errors)")
      #expect(FileManager.default.fileExists(atPath: "\(directory)/\(kept)"))
      #expect(!FileManager.default.fileExists(atPath: "\(directory)/x/u0.npy.partial-1-2"))
      try FileManager.default.removeItem(atPath: "\(directory)/x")
    }
  }

  /// Names that no output can have are found out before the work, and files whose names no text can have are named.
  @Test func impossibleNames() throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let clip = "\(Golden.directory)/features/flite.flac"
    func run(_ ids: [String], _ output: String) throws -> Program {
      let lines = ids.map { "{\"id\": \"\($0)\", \"audio_filepath\": \"\(clip)\"}\n" }
      try Data(lines.joined().utf8).write(to: URL(fileURLWithPath: "\(directory)/m.jsonl"))
      return try Program(
        shell: "cd '\(directory)' && \"$idiolect\" features m.jsonl --preset kaldi-mfcc \(output)")
    }
    for (ids, output, status, cause) in [
      (["a", "__metadata__"], "-o x.safetensors", 64, "is no name for a tensor"),
      (["a", "a.npy/b"], "-o x/", 64, "a folder of that name"),
      (["a"], "--statistics none/x.json", 74, "cannot be written there"),
    ] {
      let refused = try run(ids, output)
      #expect(refused.status == status && refused.errors.contains(cause), "\(refused.errors)")
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: directory) == ["m.jsonl"])
    let named = try Program(
      shell:
        "cd '\(directory)' && mkdir set && cp '\(clip)' set/good.flac && cp '\(clip)' \"$(printf 'set/b\\377d.flac')\" && \"$idiolect\" features set --preset kaldi-mfcc -o out/; code=$?; cat out.quarantine.jsonl; exit $code"
    )
    #expect(named.status == 65 && named.output.contains("features of 1 recording"))
    #expect(named.output.contains("is not UTF-8") && named.output.contains("rename it"))
    let below = try Program(
      shell:
        "cd '\(directory)' && mkdir -p more \"$(printf 'more/d\\377')\" && cp '\(clip)' more/good.flac && \"$idiolect\" features more --preset kaldi-mfcc -o low/; code=$?; cat low.quarantine.jsonl; exit $code"
    )
    #expect(below.status == 65 && below.output.contains("its folder 'd"))
    let given = try Program(
      shell:
        "cd '\(directory)' && \"$idiolect\" features set/good.flac --preset kaldi-mfcc -o \"$(printf 'q\\377.npy')\""
    )
    #expect(given.status == 64 && given.errors.contains("is not UTF-8"), "\(given.errors)")
  }

  /// A link in the folder is replaced, and what it names stays; what a killed run left beside an output goes.
  @Test func linksAndLeavings() throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let clip = "\(Golden.directory)/features/flite.flac"
    let run = try Program(
      shell:
        "cd '\(directory)' && mkdir set out && cp '\(clip)' set/a.flac && echo mine > kept && ln -s ../kept out/a.flac.npy && touch x.safetensors.quarantine.jsonl.partial-12-34 && \"$idiolect\" features set --preset kaldi-mfcc -o out/ && \"$idiolect\" features set --preset kaldi-mfcc -o x.safetensors && cat kept && ls"
    )
    #expect(run.status == 0 && run.lines.contains("mine"), "\(run.errors)")
    #expect(!run.output.contains("partial"))
    #expect(try NumpyFile(path: "\(directory)/out/a.flac.npy").shape.count == 2)
  }

  /// A disk that is full stops a job, which goes on once there is room: of each kind of output, and with steps too.
  @Test(arguments: [("x.ark", 24), ("x.safetensors", 24), ("x.jsonl", 64), ("x", 24)])
  func goesOnOnceThereIsRoom(_ output: String, _ kilobytes: Int) throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let clips = ["flite", "presets/speech-7s", "noise"].map {
      "\(Golden.directory)/features/\($0).flac"
    }
    func run(_ output: String, _ before: String = "") throws -> Program {
      try Program(
        shell:
          "cd '\(directory)' && \(before) \"$idiolect\" features '\(clips.joined(separator: "' '"))' --preset kaldi-mfcc --cmvn utterance --deltas 2 -o \(output)"
      )
    }
    let stopped = try run(output, "trap '' XFSZ; ulimit -f \(kilobytes);")
    #expect(stopped.status == 74, "\(stopped.errors)")
    let rest = try run(output)
    #expect(
      rest.status == 0 && rest.errors.contains("done already: 1 of 3 recordings"), "\(rest.errors)")
    #expect(try run("whole-\(output)").status == 0)
    let files = output == "x" ? clips.map { "\($0).npy" } : [""]
    for file in files {
      let made = FileManager.default.contents(atPath: "\(directory)/\(output)\(file)")
      #expect(made != nil)
      #expect(made == FileManager.default.contents(atPath: "\(directory)/whole-\(output)\(file)"))
    }
    let left = try FileManager.default.subpathsOfDirectory(atPath: directory)
    #expect(!left.contains { $0.contains(".partial") }, "\(left)")
  }

  /// Names that would take each other's place, outputs that are inputs, endings that say something else.
  @Test func whatWouldBeLost() throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    for (folder, name) in [("one", "a b.flac"), ("one", "a_b.flac"), ("two", "a b.flac")] {
      try AtomicFile.makeDirectory("\(directory)/\(folder)")
      try FileManager.default.copyItem(
        atPath: "\(Golden.directory)/features/flite.flac",
        toPath: "\(directory)/\(folder)/\(name)")
    }
    func run(_ options: String) throws -> Program {
      try Program(
        shell: "cd '\(directory)' && \"$idiolect\" features --preset kaldi-mfcc \(options)")
    }
    let alike = try run("one -o x.ark")
    #expect(alike.status == 64 && alike.errors.contains("a_b.flac"), "\(alike.errors)")
    // Folders with like names are told apart.
    #expect(try run("one two -o x.safetensors").status == 0)
    let file = try SafetensorsFile(path: "\(directory)/x.safetensors")
    #expect(Set(file.names) == ["one/a b.flac", "one/a_b.flac", "two/a b.flac"])
    #expect(file.metadata["preset"] == "kaldi-mfcc")
    #expect(file.metadata["front_end"] == (try frontEnd(named: "kaldi-mfcc").fingerprint))
    let line = "{\"audio_filepath\": \"one/a b.flac\"}\n"
    try Data(
      (line + line.replacing("one", with: "../\(directory.split(separator: "/").last!)/one")).utf8
    )
    .write(to: URL(fileURLWithPath: "\(directory)/m.jsonl"))
    func make(_ options: String) throws {
      let made = try run(options)
      #expect(made.status == 0, "\(options): \(made.errors)")
    }
    try make("one --statistics global.json")
    try make("--describe -o mine.json")
    try AtomicFile.makeDirectory("\(directory)/model")
    try make("--describe -o model/preprocessor_config.json")
    for (link, target) in [("link.png", "p.png"), ("link.jsonl", "global.json")] {
      try FileManager.default.createSymbolicLink(
        atPath: "\(directory)/\(link)", withDestinationPath: target)
    }
    for (options, cause) in [
      ("m.jsonl -o m.jsonl", "is what is read"), ("'one/a b.flac' -o 'one/a b.flac'", "ends in"),
      ("'one/a b.flac' --picture 'one/a b.flac'", "must end in .png"),
      ("'one/a b.flac' --picture p.jpg", "must end in .png"),
      ("'one/a b.flac' --invert s.mp3", "no format goes by this name"),
      ("'one/a b.flac' --invert 'one/a b.flac'", "is what is read"),
      ("'one/a b.flac' -o x.txt", "ends in .npy"), ("one -o x.npy", "holds one recording"),
      ("one --statistics s.json --picture p.png", "goes alone"),
      ("'one/a b.flac' --picture p.png --invert ./p.png", "is what another option writes"),
      ("'one/a b.flac' --picture link.png --invert p.png", "is what another option writes"),
      ("'one/a b.flac' --invert s.npy --compare s.npy", "is what is read"),
      ("one --cmvn global.json --statistics other.json", "leave these out"),
      ("one --deltas 2 --statistics other.json", "leave these out"),
      ("x.ark.partial.jsonl -o x.ark", "is what is read"),
      ("one --cmvn global.json -o link.jsonl", "is what is read"),
      ("'one/a b.flac' --preset mine.json --describe -o mine.json", "is what is read"),
      (
        "'one/a b.flac' --preset model --statistics model/preprocessor_config.json",
        "is what is read"
      ),
      ("one/x.scp -o one/x.ark", "is what is read"),
      ("two.quarantine.jsonl -o two/", "is what is read"),
    ] {
      let refused = try run(options)
      #expect(
        refused.status == 64 && refused.errors.contains(cause), "\(options): \(refused.errors)")
    }
    // A link stays, and what it names is replaced.
    try FileManager.default.createSymbolicLink(
      atPath: "\(directory)/other.jsonl", withDestinationPath: "real.jsonl")
    #expect(try run("two -o other.jsonl").status == 0)
    #expect(FileManager.default.fileExists(atPath: "\(directory)/real.jsonl"))
    // What was mended is no longer named.
    try Data("no sound".utf8).write(to: URL(fileURLWithPath: "\(directory)/two/bad.wav"))
    #expect(try run("two -o out/").status == 65)
    #expect(FileManager.default.fileExists(atPath: "\(directory)/out.quarantine.jsonl"))
    try FileManager.default.removeItem(atPath: "\(directory)/two/bad.wav")
    #expect(try run("two -o out/").status == 0)
    #expect(!FileManager.default.fileExists(atPath: "\(directory)/out.quarantine.jsonl"))
  }

  /// A recording too long to hold that turns out damaged at its end leaves nothing behind among the others.
  @Test(arguments: ["x.ark", "x.safetensors", "x.jsonl", "x"])
  func longAndDamaged(_ output: String) throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let long = "\(directory)/long.flac"
    var random = SeededRandom(seed: 1)
    // More than are worked on side by side, and than are held.
    let noise = (0..<8000 * 970).map { _ in random.uniform() - 0.5 }
    try AudioWriter.write(noise, sampleRate: 8000, to: long)
    func run(_ clips: [String], to output: String) throws -> Program {
      try Program(
        shell:
          "\"$idiolect\" features '\(clips.joined(separator: "' '"))' --preset kaldi-mfcc -o '\(directory)/\(output)'"
      )
    }
    let clips = ["flite", "espeak"].map { "\(Golden.directory)/features/\($0).flac" }
    let whole = try run([clips[0], long, clips[1]], to: "whole.ark")
    #expect(whole.status == 0, "\(whole.errors)")
    let bytes = try #require(FileManager.default.contents(atPath: long))
    try bytes[..<(bytes.count * 9 / 10)].write(to: URL(fileURLWithPath: long))
    #expect(try run(clips, to: "good-\(output)").status == 0)
    let damaged = try run([clips[0], long, clips[1]], to: output)
    #expect(damaged.status == 65 && damaged.output.contains("features of 2 recordings"))
    if output == "x" {
      #expect(!FileManager.default.fileExists(atPath: "\(directory)/x\(directory)/long.npy"))
    } else {
      let got = FileManager.default.contents(atPath: "\(directory)/\(output)")
      #expect(got == FileManager.default.contents(atPath: "\(directory)/good-\(output)"))
    }
  }

  /// Statistics of recordings normalise them, and only features of the same front end.
  @Test func corpusStatistics() throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let clips = ["flite", "espeak"].map { "\(Golden.directory)/features/\($0).flac" }
    func run(_ options: String) throws -> Program {
      try Program(
        shell:
          "cd '\(directory)' && \"$idiolect\" features '\(clips.joined(separator: "' '"))' \(options)"
      )
    }
    let kind = "--preset kaldi-mfcc --pitch"
    #expect(try run("\(kind) --statistics global.json").status == 0)
    let made = try run("\(kind) --cmvn global.json -o all.safetensors")
    #expect(made.status == 0, "\(made.errors)")
    let file = try SafetensorsFile(path: "\(directory)/all.safetensors")
    let values = try clips.flatMap { try file.readFloats($0) }
    for bin in 0..<16 {
      let column = stride(from: bin, to: values.count, by: 16).map { Double(values[$0]) }
      let mean = column.reduce(0, +) / Double(column.count)
      let square = column.reduce(0) { $0 + $1 * $1 } / Double(column.count)
      #expect(abs(mean) < 1e-4 && abs(square - 1) < 1e-3, "bin \(bin)")
    }
    let deltas = try run("\(kind) --cmvn global.json --deltas 2 -o deltas.safetensors")
    #expect(deltas.status == 0)
    #expect(
      try SafetensorsFile(path: "\(directory)/deltas.safetensors").entry(clips[0]).shape[1] == 48)
    let other = try run("--preset kaldi-mfcc --cmvn global.json -o other.safetensors")
    #expect(other.status != 0 && other.errors.contains("statistics of other features"))
    let missing = try run("--cmvn nowhere.json -o other.safetensors")
    #expect(missing.status != 0 && missing.errors.contains("nowhere.json"))
    // Of each recording by itself.
    let own = try run("--preset kaldi-mfcc --cmvn utterance -o own.safetensors")
    #expect(own.status == 0, "\(own.errors)")
    for clip in clips {
      let values = try SafetensorsFile(path: "\(directory)/own.safetensors").readFloats(clip)
      for bin in 0..<13 {
        let column = stride(from: bin, to: values.count, by: 13).map { Double(values[$0]) }
        let mean = column.reduce(0, +) / Double(column.count)
        let square = column.reduce(0) { $0 + $1 * $1 } / Double(column.count)
        #expect(abs(mean) < 1e-5 && abs(square - 1) < 1e-4, "\(clip), bin \(bin)")
      }
    }
    let speech = "\(Golden.directory)/features/presets/speech-500ms.flac"
    let sliding = try Program(
      "features", speech, "--preset", "kaldi-mfcc", "--cmvn", "sliding", "-o", "\(directory)/s.npy")
    #expect(sliding.status == 0, "\(sliding.errors)")
    #expect(
      Golden.relativeError(
        try NumpyFile(path: "\(directory)/s.npy").values,
        try Golden.array("features/presets/kaldi-cmvn-sliding.speech-500ms").values) < 1e-4)
    // At another rate as well, of which statistics are of their own.
    let slow = "\(Golden.directory)/features/presets/speech-8k.flac"
    let eight = try Program(
      shell:
        "cd '\(directory)' && \"$idiolect\" features '\(slow)' --preset kaldi-mfcc --statistics 8.json && \"$idiolect\" features '\(slow)' --preset kaldi-mfcc --cmvn 8.json -o 8.ark"
    )
    #expect(eight.status == 0, "\(eight.errors)")
  }

  @Test func comparesWithAnArray() throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let clip = "Tests/Golden/features/flite.flac"
    var array = try Golden.array("features/flite.fbank")
    let (frames, bins) = (array.shape[0], array.shape[1])
    func compared(_ array: NumpyFile) throws -> Program {
      try array.write(to: "\(directory)/x.npy")
      return try Program(
        "features", clip, "--preset", "kaldi-fbank", "--compare", "\(directory)/x.npy")
    }
    #expect(try compared(array).output.contains("e-0"))
    array.values[7 * bins + 3] += 2
    let far = try compared(array)
    #expect(far.output.contains("2.00e+00") && far.output.contains("at frame 7, bin 3"))
    let turned = (0..<bins * frames).map { array.values[$0 % frames * bins + $0 / frames] }
    let other = try compared(NumpyFile(shape: [bins, frames], values: turned))
    #expect(other.output.contains("(turned)") && other.output.contains("at frame 7, bin 3"))
    // What is no number hides no difference.
    array.values[0] = .nan
    array.values[2 * bins + 1] = -.infinity
    let holed = try compared(array)
    #expect(holed.status == 0 && holed.lines.count == 1)
    #expect(
      holed.output.contains("2.00e+00") && holed.output.contains("at frame 7, bin 3"),
      "\(holed.output)")
    #expect(holed.output.contains("; 2 of ") && holed.output.contains("first at frame 0, bin 0"))
    let wrong = try compared(NumpyFile(shape: [2, 2], values: [1, 2, 3, 4]))
    #expect(wrong.status == 65 && wrong.errorLines.count == 1)
  }

  /// An exit code for scripts: 1 where two arrays are further apart than is tolerated.
  @Test func tolerance() throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let clip = "Tests/Golden/features/flite.flac"
    var array = try Golden.array("features/flite.fbank")
    func compared(_ tolerance: String, _ more: String...) throws -> Program {
      try array.write(to: "\(directory)/x.npy")
      let options = more.joined(separator: " ")
      return try Program(
        shell:
          "\"$idiolect\" features \(clip) --preset kaldi-fbank --compare '\(directory)/x.npy' --tolerance \(tolerance) \(options)"
      )
    }
    #expect(try compared("1e-4").status == 0)
    array.values[9] += 1
    #expect(try compared("1").status == 0)
    // The array is written all the same.
    let far = try compared("1e-4", "-o '\(directory)/y.npy'")
    #expect(far.status == 1 && far.lines.count == 2 && far.errorLines.count == 1)
    #expect(far.errors.contains("\(directory)/x.npy: differs by"), "\(far.errors)")
    #expect(FileManager.default.fileExists(atPath: "\(directory)/y.npy"))
    array.values[9] = .nan
    let holed = try compared("1")
    #expect(holed.status == 1 && holed.errors.contains("1 value not finite"), "\(holed.errors)")
    for wrong in ["-1", "nan", "x"] { #expect(try compared(wrong).status == 64, "\(wrong)") }
    let alone = try Program("features", clip, "--tolerance", "1", "-o", "\(directory)/z.npy")
    #expect(alone.status == 64 && alone.errors.contains("--compare"), "\(alone.errors)")
  }

  @Test func soundOfWhatIsKept() throws {
    let directory = try Golden.temporaryDirectory()
    defer { try? FileManager.default.removeItem(atPath: directory) }
    let clip = "Tests/Golden/features/flite.flac"
    let run = try Program("features", clip, "--invert", "\(directory)/x.wav")
    #expect(run.status == 0 && run.lines.count == 1, "\(run.errors)")
    let (sound, original) = try (
      readAudio("\(directory)/x.wav", sampleRate: nil),
      readAudio("\(Golden.repository)/\(clip)", sampleRate: nil)
    )
    #expect(sound.count == original.count && sound.contains { abs($0) > 0.01 })
    let none = try Program(
      "features", clip, "--preset", "wav2vec2", "--invert", "\(directory)/y.wav")
    #expect(none.status == 69 && none.errorLines.count == 1)
    let long = "\(directory)/long.flac"
    try AudioWriter.write([Float](repeating: 0, count: 8000 * 601), sampleRate: 8000, to: long)
    let refused = try Program(
      "features", long, "--preset", "kaldi-fbank", "--invert", "\(directory)/y.wav")
    #expect(refused.status == 69 && refused.errors.contains("\(long): "), "\(refused.errors)")
    #expect(refused.errors.contains("more than 10 minutes"))
  }
}
