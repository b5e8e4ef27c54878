import SpeechText

typealias JSONValue = SpeechText.JSONValue
