// One import for all of Idiolect: `import Idiolect`.
@_exported public import AcousticFeatures
@_exported public import AcousticModels
@_exported public import Adaptation
@_exported public import AudioIO
@_exported public import Basics
@_exported public import CTC
@_exported public import SpeechCorpus
@_exported public import SpeechText
@_exported public import TensorEngine
@_exported public import Transcription
