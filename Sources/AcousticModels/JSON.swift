package import Basics
// Until SpeechText uses it too.
package typealias JSONValue = Basics.JSONValue
