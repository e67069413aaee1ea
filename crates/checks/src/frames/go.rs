//! Go: goroutine stacks, `file.go:12: message` lines of `testing`, and compiler errors.

use super::location::leading;
use super::{Frame, Place};

/// The frames in `text`: goroutine stacks are printed innermost first and reversed here, single places keep their order.
pub(super) fn frames(text: &str, place: &Place<'_>) -> Vec<Frame> {
    let mut stack = Vec::new();
    let mut places = Vec::new();
    let mut function = None;
    for line in text.lines() {
        if let Some((path, number)) = stack_entry(line) {
            stack.extend(frame(path, number, function.take(), place));
        } else if let Some((path, number, _)) = leading(line.trim_start()) {
            places.extend(frame(path, number, None, place));
        } else {
            function = call(line);
        }
    }
    stack.reverse();
    places.extend(stack);
    places
}

/// `\t/abs/x.go:12 +0x1d`
fn stack_entry(line: &str) -> Option<(&str, u32)> {
    let entry = line.strip_prefix('\t')?;
    let place = entry.split(" +0x").next().unwrap_or(entry);
    let (path, number) = place.rsplit_once(':')?;
    Some((path, number.parse().ok()?))
}

/// `example.com/shop/cart.(*Cart).Total(0xc000)`, the line above a stack entry, without its arguments.
fn call(line: &str) -> Option<&str> {
    let called = line.strip_prefix("created by ").unwrap_or(line);
    if called.starts_with(char::is_whitespace) || called.starts_with("panic(") {
        return None;
    }
    let (function, _) = called.rsplit_once('(')?;
    function.rsplit('/').next().filter(|name| name.contains('.'))
}

fn frame(path: &str, line: u32, function: Option<&str>, place: &Place<'_>) -> Option<Frame> {
    if !path.ends_with(".go") {
        return None;
    }
    Some(Frame { file: place.relative(path)?, line, function: function.map(str::to_owned) })
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn reads_goroutine_stacks_innermost_last() {
        let text = "panic: boom\n\ngoroutine 7 [running]:\npanic({0x1, 0x2})\n\t/usr/local/go/src/runtime/panic.go:770 +0x132\nexample.com/shop/cart.(*Cart).Total(0xc00)\n\t/w/repo/cart/cart.go:12 +0x1d\nexample.com/shop/cart.TestTotal(0xc00)\n\t/w/repo/cart/cart_test.go:5 +0x20\n";
        check(frames, text, &["cart/cart_test.go:5 cart.TestTotal", "cart/cart.go:12 cart.(*Cart).Total"]);
    }

    #[test]
    fn reads_test_logs_and_compiler_errors() {
        check(
            frames,
            "    cart_test.go:15: got 3, want 4\n./cart.go:3:14: undefined: x\n",
            &["cart_test.go:15", "cart.go:3"],
        );
    }
}
