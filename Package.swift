// swift-tools-version: 6.2
import PackageDescription

let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
]

/// A library target, its product and its tests share one name.
func library(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
  .target(name: name, dependencies: dependencies, swiftSettings: settings)
}

func tests(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
  .testTarget(
    name: "\(name)Tests",
    dependencies: [.init(stringLiteral: name), "TestSupport"] + dependencies,
    swiftSettings: settings)
}

let libraries = [
  "Basics", "TensorEngine", "AudioIO", "AcousticFeatures", "Pictures", "SpeechText", "SpeechCorpus",
  "CTC",
  "AcousticModels", "Transcription", "Adaptation", "Idiolect",
]

let package = Package(
  name: "Idiolect",
  products: libraries.map { .library(name: $0, targets: [$0]) } + [
    .executable(name: "idiolect", targets: ["IdiolectCommand"])
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.5.0")
  ],
  targets: [
    .systemLibrary(
      name: "CSndfile", pkgConfig: "sndfile", providers: [.apt(["libsndfile1-dev"])]),
    .systemLibrary(name: "CFFTW", pkgConfig: "fftw3f", providers: [.apt(["libfftw3-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(
      name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(name: "CYAML", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(name: "CSentencePiece", linkerSettings: [.linkedLibrary("sentencepiece")]),
    .systemLibrary(name: "CSoxr", pkgConfig: "soxr", providers: [.apt(["libsoxr-dev"])]),
    .target(
      name: "CKernels",
      linkerSettings: [.linkedLibrary("dnnl"), .linkedLibrary("gomp")]),

    library("Basics", ["CKernels", "CYAML"]),
    library("TensorEngine", ["Basics", "CKernels", "CZlib"]),
    library("AudioIO", ["Basics", "CSndfile", "CSoxr"]),
    library("AcousticFeatures", ["Basics", "CKernels", "CFFTW"]),
    library("Pictures", ["Basics", "AcousticFeatures", "CPNG"]),
    library("SpeechText", ["Basics", "CSentencePiece"]),
    library("SpeechCorpus", ["Basics", "AudioIO", "SpeechText"]),
    library("ModelHub", ["Basics", "CCurl"]),
    library("CTC", ["Basics", "TensorEngine", "SpeechText", "CKernels"]),
    library("AcousticModels", ["Basics", "TensorEngine", "AcousticFeatures", "SpeechText"]),
    library(
      "Transcription",
      [
        "Basics", "CKernels", "TensorEngine", "AudioIO", "AcousticFeatures", "SpeechText",
        "SpeechCorpus", "CTC", "AcousticModels",
      ]),
    library(
      "Adaptation",
      [
        "Basics", "CKernels", "TensorEngine", "AudioIO", "AcousticFeatures", "SpeechText",
        "SpeechCorpus", "CTC", "AcousticModels", "Transcription",
      ]),
    library(
      "Idiolect",
      [
        "Basics", "TensorEngine", "AudioIO", "AcousticFeatures", "Pictures", "SpeechText",
        "SpeechCorpus", "CTC", "AcousticModels", "Transcription", "Adaptation",
      ]),
    .executableTarget(
      name: "IdiolectCommand",
      dependencies: [
        "Idiolect", "Basics", "CKernels", "ModelHub",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: settings),

    .executableTarget(
      name: "IdiolectBenchmark",
      dependencies: [
        "Basics", "CKernels", "TensorEngine", "AudioIO", "AcousticFeatures", "SpeechText",
        "SpeechCorpus", "CTC", "AcousticModels", "Adaptation",
      ],
      path: "Benchmarks/Worker", swiftSettings: settings),

    .target(
      name: "TestSupport",
      dependencies: [
        "Basics", "TensorEngine", "AudioIO", "AcousticFeatures", "SpeechText", "AcousticModels",
      ],
      path: "Tests/TestSupport",
      swiftSettings: settings),
    tests("Basics"),
    tests("ModelHub", ["Basics"]),
    tests("TensorEngine", ["Basics", "CKernels"]),
    tests("AudioIO", ["Basics"]),
    tests("AcousticFeatures", ["Basics", "CKernels", "AudioIO"]),
    tests("Pictures", ["Basics", "AudioIO", "AcousticFeatures"]),
    tests("SpeechText", ["Basics"]),
    tests("SpeechCorpus", ["Basics", "SpeechText"]),
    tests("CTC", ["Basics", "CKernels", "TensorEngine"]),
    tests(
      "AcousticModels",
      ["Basics", "TensorEngine", "AcousticFeatures", "SpeechText", "CTC"]),
    tests(
      "Transcription",
      [
        "Basics", "TensorEngine", "AudioIO", "AcousticFeatures", "SpeechText", "SpeechCorpus",
        "CTC", "AcousticModels",
      ]),
    tests(
      "Adaptation",
      [
        "Basics", "CKernels", "TensorEngine", "AudioIO", "AcousticFeatures", "SpeechText",
        "SpeechCorpus", "AcousticModels",
      ]),
    tests("Idiolect"),
    tests(
      "IdiolectCommand",
      [
        "Basics", "CKernels", "TensorEngine", "AudioIO", "AcousticFeatures", "SpeechCorpus",
        "AcousticModels", "Transcription",
      ]),
  ],
  cxxLanguageStandard: .cxx17
)
