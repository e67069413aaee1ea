//! V8 stack traces (`at f (file:3:7)`) and the arrow form of vitest (`❯ f file:3:7`).

use super::location::trailing;
use super::{Frame, Place};

/// Extensions of sources that a JavaScript engine reports.
const EXTENSIONS: [&str; 10] = ["js", "jsx", "ts", "tsx", "mjs", "cjs", "mts", "cts", "vue", "svelte"];

/// The frames in `text`, reversed, since these traces begin with the innermost.
pub(super) fn frames(text: &str, place: &Place<'_>) -> Vec<Frame> {
    let mut frames: Vec<Frame> = text.lines().filter_map(|line| frame(line.trim(), place)).collect();
    frames.reverse();
    frames
}

fn frame(line: &str, place: &Place<'_>) -> Option<Frame> {
    let (function, location) = match line.strip_prefix("at ") {
        Some(rest) => v8_parts(rest),
        None => line.strip_prefix("❯ ").map(arrow_parts)?,
    };
    let (path, number) = trailing(location)?;
    let bare = path.split('?').next().unwrap_or(path);
    let is_script = bare.rsplit_once('.').is_some_and(|(_, extension)| EXTENSIONS.contains(&extension));
    if !is_script {
        return None;
    }
    Some(Frame { file: place.relative(path)?, line: number, function: function.and_then(named) })
}

/// `f (place)` or a bare `place`.
fn v8_parts(rest: &str) -> (Option<&str>, &str) {
    match rest.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (")) {
        Some((function, location)) => (Some(function), location),
        None => (None, rest.strip_prefix("async ").unwrap_or(rest)),
    }
}

/// `f place` or a bare `place`.
fn arrow_parts(rest: &str) -> (Option<&str>, &str) {
    match rest.rsplit_once(' ') {
        Some((function, location)) => (Some(function), location),
        None => (None, rest),
    }
}

fn named(function: &str) -> Option<String> {
    let name = function.strip_prefix("async ").unwrap_or(function);
    let name = name.split(" [as ").next().unwrap_or(name).trim();
    (!name.is_empty() && !name.contains('<')).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn reads_v8_traces_innermost_last() {
        let text = "AssertionError [ERR_ASSERTION]: x\n    at Cache.get (file:///w/repo/src/lru.js:14:9)\n    at async run (/w/repo/test/lru.test.js:8:3)\n    at TestContext.<anonymous> (file:///w/repo/test/lru.test.js:5:1)\n    at file:///w/repo/test/top.js:2:1\n    at Test.run (node:internal/test_runner/test:632:25)\n    at /w/repo/node_modules/mocha/lib/x.js:3:4\n";
        check(
            frames,
            text,
            &["test/top.js:2", "test/lru.test.js:5", "test/lru.test.js:8 run", "src/lru.js:14 Cache.get"],
        );
    }

    #[test]
    fn reads_the_arrow_form() {
        check(
            frames,
            " ❯ total src/cart.ts:3:4\n ❯ src/cart.test.ts:9:1\n",
            &["src/cart.test.ts:9", "src/cart.ts:3 total"],
        );
    }

    #[test]
    fn ignores_prose() {
        check(frames, "at 12:30:15 it broke\n at once (never)\n❯ \nat \n", &[]);
    }
}
