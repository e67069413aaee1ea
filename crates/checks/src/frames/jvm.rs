//! Java and Kotlin stack traces, and the compiler errors that Maven and Gradle print.
//!
//! A JVM frame names a class and a file name, not a path: `com.acme.Cart.total(Cart.java:12)` becomes
//! `com/acme/Cart.java`, which [`resolve_paths`](crate::TestReport::resolve_paths) completes.

use super::location::leading;
use super::{Frame, Place};

/// Packages of the platform and of the test frameworks.
const FOREIGN_PACKAGES: [&str; 14] = [
    "java.",
    "javax.",
    "jdk.",
    "sun.",
    "com.sun.",
    "kotlin.",
    "scala.",
    "groovy.",
    "org.junit.",
    "junit.",
    "org.testng.",
    "org.apache.maven.",
    "org.gradle.",
    "org.mockito.",
];

/// The frames in `text`; each block between `Caused by:` lines is reversed, so the root cause's innermost comes last.
pub(super) fn frames(text: &str, place: &Place<'_>) -> Vec<Frame> {
    let mut frames = Vec::new();
    let mut block = Vec::new();
    for line in text.lines().map(str::trim_start) {
        if line.starts_with("Caused by:") {
            frames.extend(block.drain(..).rev());
        } else if let Some(entry) = line.strip_prefix("at ") {
            block.extend(stack_entry(entry));
        } else {
            block.extend(diagnostic(line, place));
        }
    }
    frames.extend(block.into_iter().rev());
    frames
}

/// `com.acme.Cart.total(Cart.java:12)`, optionally behind a module: `app//com.acme...`.
fn stack_entry(entry: &str) -> Option<Frame> {
    let (call, rest) = entry.split_once('(')?;
    let (file, line) = rest.split_once(')')?.0.split_once(':')?;
    let call = call.rsplit('/').next().unwrap_or(call);
    if FOREIGN_PACKAGES.iter().any(|package| call.starts_with(package)) {
        return None;
    }
    let (class, method) = call.rsplit_once('.')?;
    let path = match class.rsplit_once('.') {
        Some((package, _)) => format!("{}/{file}", package.replace('.', "/")),
        None => file.to_owned(),
    };
    let class = class.rsplit('.').next().unwrap_or(class);
    Some(Frame { file: path, line: line.parse().ok()?, function: Some(format!("{class}.{method}")) })
}

/// `[ERROR] /w/repo/src/Cart.java:[12,5] cannot find symbol` of Maven, `src/Cart.java:12: error: ...` of javac.
fn diagnostic(line: &str, place: &Place<'_>) -> Option<Frame> {
    let line = line.strip_prefix("[ERROR] ").unwrap_or(line);
    let line = line.strip_prefix("e: ").unwrap_or(line);
    let (path, number) = match line.split_once(":[") {
        Some((path, rest)) => (path, rest.split_once(',')?.0.parse().ok()?),
        None => leading(line).map(|(path, number, _)| (path, number))?,
    };
    let is_source = [".java", ".kt", ".scala", ".groovy"].iter().any(|end| path.ends_with(end));
    is_source.then(|| place.relative(path)).flatten().map(|file| Frame { file, line: number, function: None })
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;
    use super::*;

    #[test]
    fn the_root_cause_comes_last() {
        let text = "java.lang.IllegalStateException: outer\n\tat com.acme.CartTest.adds(CartTest.java:20)\n\tat java.base/java.lang.reflect.Method.invoke(Method.java:580)\n\tat app//org.junit.runner.X.y(X.java:1)\nCaused by: java.lang.NullPointerException\n\tat com.acme.Cart.total(Cart.java:12)\n\tat com.acme.Cart$Line.price(Cart.java:30)\n\t... 3 more\n";
        check(
            frames,
            text,
            &[
                "com/acme/CartTest.java:20 CartTest.adds",
                "com/acme/Cart.java:30 Cart$Line.price",
                "com/acme/Cart.java:12 Cart.total",
            ],
        );
    }

    #[test]
    fn reads_compiler_errors() {
        check(
            frames,
            "[ERROR] /w/repo/src/main/java/A.java:[3,5] cannot find symbol\n",
            &["src/main/java/A.java:3"],
        );
        check(frames, "src/A.java:7: error: ';' expected\n", &["src/A.java:7"]);
        check(frames, "[ERROR] Failed to execute goal x:test\n", &[]);
    }
}
