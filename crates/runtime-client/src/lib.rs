//! The `Runtime` port over the SWE-ReX protocol.
