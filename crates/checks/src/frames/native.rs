//! C and C++: compiler diagnostics, failed `assert`s and GoogleTest failures.

use super::location::leading;
use super::{Frame, Place};

const EXTENSIONS: [&str; 9] = ["c", "cc", "cpp", "cxx", "h", "hh", "hpp", "hxx", "m"];

/// The places in `text`, in the order printed.
pub(super) fn frames(text: &str, place: &Place<'_>) -> Vec<Frame> {
    text.lines().filter_map(|line| frame(line.trim_start(), place)).collect()
}

/// `cart.c:12:5: error: ...`, `cart.cc:12: Failure`, or `prog: cart.c:12: total: Assertion ...`.
fn frame(line: &str, place: &Place<'_>) -> Option<Frame> {
    if line.contains(": note:") || line.contains(": warning:") {
        return None;
    }
    let (path, number, rest) = leading(line)?;
    let asserted = rest.split_once(": Assertion ").map(|(function, _)| function.trim());
    let path = path.rsplit(' ').next().unwrap_or(path);
    let extension = path.rsplit_once('.')?.1;
    if !EXTENSIONS.contains(&extension) {
        return None;
    }
    Some(Frame { file: place.relative(path)?, line: number, function: asserted.map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn reads_errors_asserts_and_failures() {
        check(frames, "cart.c:12:5: error: expected ';'\ncart.c:9:1: note: here\n", &["cart.c:12"]);
        check(frames, "prog: src/cart.c:12: total: Assertion `x > 0' failed.\n", &["src/cart.c:12 total"]);
        check(
            frames,
            "/w/repo/tests/cart_test.cc:7: Failure\n/usr/include/x.h:3: error: no\n",
            &["tests/cart_test.cc:7"],
        );
    }
}
