//! What a terminal shows becomes the same text however it arrives, and nothing is lost without being counted.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use smallhands_shell_runtime::fuzzing;

#[derive(Debug, Arbitrary)]
struct Printed<'a> {
    limit: u16,
    asked: u16,
    cuts: &'a [u8],
    all: &'a [u8],
}

fuzz_target!(|printed: Printed<'_>| {
    let Printed { limit, asked, cuts, all } = printed;
    fuzzing::output_is_exact(all, cuts, usize::from(limit) % 4096, usize::from(asked) % 4096);
    fuzzing::output_is_exact(all, cuts, usize::MAX, usize::MAX);
    fuzzing::capture_is_exact(all, cuts, usize::from(limit) % 4096);
    fuzzing::plain_text_stays(&String::from_utf8_lossy(all));
});
