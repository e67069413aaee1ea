//! Any text is a pattern of Python's `re` or is refused; one that matches splits the output and loses nothing.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use smallhands_shell_runtime::fuzzing;

#[derive(Debug, Arbitrary)]
struct Expected<'a> {
    pattern: &'a str,
    cuts: &'a [u8],
    all: &'a [u8],
}

fuzz_target!(|expected: Expected<'_>| {
    // Long patterns cost time, not surprises.
    if expected.pattern.len() <= 64 {
        fuzzing::patterns_split_output(expected.pattern, expected.all, expected.cuts);
    }
});
