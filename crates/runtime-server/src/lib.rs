//! The shell runtime over HTTP: the SWE-ReX protocol, and extensions beside it.
