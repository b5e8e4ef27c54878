/// The version of this software.
public let idiolectVersion = "0.1.0"
