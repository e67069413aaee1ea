//! Patterns of paths, and whether two of them could mean the same file.
//!
//! `*` stands for any text without `/`, `?` for one character but `/`, `**` for any text. A name without any of these
//! means the file or the folder of that name with everything in it. In doubt two patterns meet.

/// Why a text is no path of a repository; `None` when it is one.
pub(crate) fn fault_of(text: &str) -> Option<&'static str> {
    let inside = text.strip_suffix('/').unwrap_or(text);
    if inside.is_empty() || inside.len() > 1_000 {
        return Some("write 1 to 1000 characters");
    }
    if inside.starts_with('/') {
        return Some("write it relative to the repository, without `/` in front");
    }
    if inside.split('/').any(|part| matches!(part, "" | "." | "..")) {
        return Some("write it without empty parts, `.` and `..`");
    }
    None
}

/// The folders before the first part with a wildcard: two patterns can only meet if one of these lies inside the other.
pub(crate) fn fixed_part(pattern: &str) -> &str {
    let pattern = pattern.trim_end_matches('/');
    let Some(wild) = pattern.find(['*', '?']) else { return pattern };
    pattern[..wild].rfind('/').map_or("", |slash| &pattern[..slash])
}

/// Whether some path fits both patterns.
pub(crate) fn overlap(one: &str, other: &str) -> bool {
    let meet = |one: &[Token]| readings(other).iter().any(|other| some_text_fits(one, other));
    readings(one).iter().any(|one| meet(one))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Token {
    Is(u8),
    /// `?`
    One,
    /// `*`
    Within,
    /// `**`
    Anything,
}

impl Token {
    fn is_repeated(self) -> bool {
        matches!(self, Self::Within | Self::Anything)
    }

    /// Whether both can stand for one and the same character.
    fn meets(self, other: Self) -> bool {
        match (self, other) {
            (Self::Is(a), Self::Is(b)) => a == b,
            (Self::Is(b'/'), Self::One | Self::Within) | (Self::One | Self::Within, Self::Is(b'/')) => false,
            _ => true,
        }
    }
}

/// What a pattern may mean: a plain name means itself and what lies inside.
fn readings(pattern: &str) -> Vec<Vec<Token>> {
    let bare = pattern.trim_end_matches('/');
    let itself = tokens(bare);
    let mut inside = itself.clone();
    inside.extend([Token::Is(b'/'), Token::Anything]);
    match (bare.contains(['*', '?']), bare.len() < pattern.len()) {
        (true, false) => vec![itself],
        (_, true) => vec![inside],
        (false, false) => vec![itself, inside],
    }
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = Vec::with_capacity(pattern.len());
    let mut bytes = pattern.bytes().peekable();
    while let Some(byte) = bytes.next() {
        tokens.push(match byte {
            b'*' if bytes.next_if_eq(&b'*').is_some() => {
                // `a/**/b` means `a/b` as well.
                let _ = bytes.next_if_eq(&b'/');
                Token::Anything
            }
            b'*' => Token::Within,
            b'?' => Token::One,
            byte => Token::Is(byte),
        });
    }
    tokens
}

/// Whether there is a text that fits both: a walk through the places of both at once.
fn some_text_fits(one: &[Token], other: &[Token]) -> bool {
    let width = other.len() + 1;
    let mut reached = vec![false; (one.len() + 1) * width];
    reached[0] = true;
    for at in 0..reached.len() {
        if !reached[at] {
            continue;
        }
        let (mine, theirs) = (one.get(at / width).copied(), other.get(at % width).copied());
        let (down, right) = (at + width, at + 1);
        if mine.is_some_and(Token::is_repeated) {
            reached[down] = true;
        }
        if theirs.is_some_and(Token::is_repeated) {
            reached[right] = true;
        }
        let (Some(mine), Some(theirs)) = (mine, theirs) else { continue };
        if mine.meets(theirs) {
            let next = match (mine.is_repeated(), theirs.is_repeated()) {
                (false, false) => down + 1,
                (true, false) => right,
                (false, true) => down,
                (true, true) => at,
            };
            reached[next] = true;
        }
    }
    reached.last().copied().unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_that_meet_and_patterns_that_do_not() {
        let meet = [
            ("a.py", "a.py"),
            ("src", "src/a/b.py"),
            ("src/", "src/a/b.py"),
            ("src/*.py", "src/b.py"),
            ("src/*", "src/*.py"),
            ("src/a*", "src/*b"),
            ("**/*.rs", "crates/x/src/lib.rs"),
            ("a/**/b", "a/b"),
            ("a/**", "a/b/c?.py"),
            ("*", "README.md"),
            ("src/*/mod.rs", "src/a"),
        ];
        let miss = [
            ("a.py", "b.py"),
            ("src", "source/a"),
            ("src/*.py", "src/a/b.py"),
            ("src/*.py", "src/*.rs"),
            ("a?", "a"),
            ("a?", "a/"),
            ("*", "src/"),
            ("crates/a/**", "crates/b/**"),
        ];
        for (one, other) in meet {
            assert!(overlap(one, other) && overlap(other, one), "{one} {other}");
        }
        for (one, other) in miss {
            assert!(!overlap(one, other) && !overlap(other, one), "{one} {other}");
        }
    }

    #[test]
    fn the_fixed_part_ends_before_the_first_wildcard() {
        for (pattern, expected) in
            [("a/b.py", "a/b.py"), ("a/b/", "a/b"), ("a/b*/c", "a"), ("*.py", ""), ("a/**", "a"), ("a*", "")]
        {
            assert_eq!(fixed_part(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn paths_stay_inside_the_repository() {
        for good in ["a", "a/b/", "**/*.py", ".github/x"] {
            assert_eq!(fault_of(good), None, "{good}");
        }
        for bad in ["", "/", "/a", "a//b", "../a", "a/./b", &"x".repeat(1_001)] {
            assert!(fault_of(bad).is_some(), "{bad}");
        }
    }
}
