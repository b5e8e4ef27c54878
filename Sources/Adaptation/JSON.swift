package import Basics

package typealias JSONValue = Basics.JSONValue
