//! A file decodes to the same text, or to the same kind of error, however it is cut into chunks.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use smallhands_shell_runtime::files::text::{Encoding, TextDecoder, Unreadable};

#[derive(Debug, Arbitrary)]
struct Contents<'a> {
    encoding: u8,
    handler: u8,
    cut: u8,
    bytes: &'a [u8],
}

const ENCODINGS: [&str; 8] = ["utf-8", "utf-8-sig", "ascii", "latin-1", "cp1252", "utf-16", "utf-16-le", "utf-16-be"];
const HANDLERS: [&str; 6] = ["strict", "replace", "ignore", "backslashreplace", "surrogateescape", "none-such"];

fn decoded<'a>(contents: &Contents<'_>, chunks: impl Iterator<Item = &'a [u8]>) -> Option<String> {
    let encoding = Encoding::named(ENCODINGS[usize::from(contents.encoding) % ENCODINGS.len()]).ok()?;
    let handler = Unreadable::named(HANDLERS[usize::from(contents.handler) % HANDLERS.len()]);
    let mut decoder = TextDecoder::new(encoding, handler);
    let mut text = String::new();
    for chunk in chunks {
        text.push_str(&decoder.decode(chunk, false).ok()?);
    }
    text.push_str(&decoder.decode(&[], true).ok()?);
    Some(text)
}

fuzz_target!(|contents: Contents<'_>| {
    let whole = decoded(&contents, std::iter::once(contents.bytes));
    let size = usize::from(contents.cut).max(1);
    assert_eq!(decoded(&contents, contents.bytes.chunks(size)), whole, "chunks matter");
    assert!(!whole.is_some_and(|text| text.contains('\r')), "a line end is not LF");
});
