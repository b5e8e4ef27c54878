import Basics
package import CKernels

/// What matrix products compute in; everything else, and what is stored, is float32.
public enum Precision: String, Sendable, Codable, CaseIterable {
  case float32
  case bfloat16

  package var type: ck_type { self == .bfloat16 ? CK_BFLOAT16 : CK_FLOAT32 }
  package var byteCount: Int { self == .bfloat16 ? 2 : 4 }

  /// bfloat16 where the processor multiplies it in hardware, else float32.
  public static var automatic: Precision { ck_has_bfloat16() ? .bfloat16 : .float32 }

  /// Reads `auto`, `float32` or `bfloat16`.
  ///
  /// - Throws: `.unsupported` when bfloat16 is asked for and the processor lacks it; `.invalidArgument`
  ///   for another word.
  public init(option: String) throws {
    switch option {
    case "auto": self = .automatic
    case "float32": self = .float32
    case "bfloat16":
      guard ck_has_bfloat16() else {
        throw IdiolectError(
          .unsupported,
          "bfloat16: this processor does not multiply it in hardware; use --precision auto or float32"
        )
      }
      self = .bfloat16
    default:
      throw IdiolectError(
        .invalidArgument, "precision '\(option)': use auto, float32 or bfloat16")
    }
  }
}
