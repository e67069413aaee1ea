//! Patterns in the syntax of Python's `re`, rewritten for the engine at hand. Clients write them for Python, and the
//! dialects differ where it matters for prompts: `{` and `[` as plain characters, `$`, `\Z`, `\<`, octal numbers.
//! (Python's library reference, "Regular Expression Syntax"; `.` matches line ends, as terminal libraries have it.)

use std::iter::Peekable;
use std::str::Chars;

/// Rewrites a pattern, or says what is wrong with it. The terminal of a session does not turn `\n` into `\r\n`, which
/// patterns may count on: the `\r` of that pair is optional.
pub(super) fn translate(pattern: &str) -> Result<String, String> {
    let mut translator =
        Translator { rest: pattern.chars().peekable(), out: String::new(), flags: Flags::default() };
    translator.leading_flags()?;
    translator.pattern()?;
    let case = if translator.flags.ignore_case { "i" } else { "" };
    Ok(format!("(?s{case}){}", translator.out))
}

/// The flags that change how other parts are rewritten.
#[derive(Debug, Default)]
struct Flags {
    ignore_case: bool,
    multi_line: bool,
    verbose: bool,
    ascii: bool,
}

struct Translator<'a> {
    rest: Peekable<Chars<'a>>,
    out: String,
    flags: Flags,
}

impl Translator<'_> {
    fn starts_with(&self, text: &str) -> bool {
        self.rest.clone().take(text.len()).eq(text.chars())
    }

    fn skip(&mut self, count: usize) {
        self.rest.by_ref().take(count).for_each(drop);
    }

    /// Takes the characters up to `end`, which goes too; `None` when it does not come.
    fn until(&mut self, end: char) -> Option<String> {
        let mut text = String::new();
        loop {
            match self.rest.next()? {
                next if next == end => return Some(text),
                next => text.push(next),
            }
        }
    }

    /// `(?im)` at the start holds for the whole pattern.
    fn leading_flags(&mut self) -> Result<(), String> {
        while self.starts_with("(?") {
            let text: String = self.rest.clone().skip(2).take_while(char::is_ascii_alphabetic).collect();
            let closed = self.rest.clone().nth(2 + text.len()) == Some(')');
            if text.is_empty() || !closed || text.starts_with('P') {
                return Ok(());
            }
            for flag in text.chars() {
                self.set(flag)?;
            }
            self.skip(3 + text.len());
        }
        Ok(())
    }

    fn set(&mut self, flag: char) -> Result<(), String> {
        match flag {
            'i' => self.flags.ignore_case = true,
            'm' => self.flags.multi_line = true,
            'x' => self.flags.verbose = true,
            'a' => self.flags.ascii = true,
            's' | 'u' => {}
            'L' => return Err("cannot use LOCALE flag with a str pattern".to_owned()),
            other => return Err(format!("unknown flag {other:?}")),
        }
        Ok(())
    }

    fn pattern(&mut self) -> Result<(), String> {
        while let Some(next) = self.rest.next() {
            match next {
                '\\' => self.escape()?,
                '[' => self.set_of_characters()?,
                '(' => self.group()?,
                '{' => self.brace()?,
                '*' | '+' | '?' => self.repeat(&next.to_string())?,
                '^' if self.flags.multi_line => self.out.push_str("(?m:^)"),
                '$' if self.flags.multi_line => self.out.push_str("(?m:$)"),
                // Also in front of a line end at the very end.
                '$' => self.out.push_str(r"(?=\n?\z)"),
                '\r' => self.carriage_return(),
                '#' if self.flags.verbose => drop(self.until('\n')),
                blank if self.flags.verbose && blank.is_ascii_whitespace() => {}
                other => self.out.push(other),
            }
        }
        Ok(())
    }

    /// A quantifier and its suffix: `?` lazy, `+` possessive. Another one behind it is an error in Python.
    fn repeat(&mut self, quantifier: &str) -> Result<(), String> {
        self.out.push_str(quantifier);
        if let Some(suffix) = self.rest.next_if(|&next| matches!(next, '?' | '+')) {
            self.out.push(suffix);
        }
        match self.rest.peek() {
            Some('*' | '+' | '?') => Err("multiple repeat".to_owned()),
            _ => Ok(()),
        }
    }

    /// `{2,5}` repeats, anything else is a plain brace.
    fn brace(&mut self) -> Result<(), String> {
        let inside: String = self.rest.clone().take_while(|&next| next != '}').collect();
        let closed = self.rest.clone().nth(inside.chars().count()) == Some('}');
        let bounds = inside.split_once(',').unwrap_or((&inside, &inside));
        let numbers =
            [bounds.0, bounds.1].iter().all(|bound| bound.bytes().all(|byte| byte.is_ascii_digit()));
        if !closed || !numbers || inside.is_empty() {
            self.out.push_str(r"\{");
            return Ok(());
        }
        self.skip(inside.len() + 1);
        let least = if bounds.0.is_empty() { "0" } else { bounds.0 };
        self.repeat(&if inside.contains(',') {
            format!("{{{least},{}}}", bounds.1)
        } else {
            format!("{{{least}}}")
        })
    }

    fn group(&mut self) -> Result<(), String> {
        if !self.starts_with("?") {
            self.out.push('(');
            return Ok(());
        }
        if self.starts_with("?#") {
            return self.until(')').map(drop).ok_or_else(|| "missing ), unterminated comment".to_owned());
        }
        for plain in ["?P<", "?:", "?=", "?!", "?<=", "?<!", "?>"] {
            if self.starts_with(plain) {
                self.skip(plain.len());
                self.out.push('(');
                self.out.push_str(plain);
                return Ok(());
            }
        }
        if self.starts_with("?P=") {
            self.skip(3);
            let name = self.until(')').ok_or("missing ), unterminated name")?;
            self.out.push_str(&format!("(?P={name})"));
            return Ok(());
        }
        if self.starts_with("?(") {
            self.skip(2);
            let name = self.until(')').ok_or("missing ), unterminated name")?;
            let number = name.bytes().all(|byte| byte.is_ascii_digit());
            self.out.push_str(&if number { format!("(?({name})") } else { format!("(?(<{name}>)") });
            return Ok(());
        }
        self.scoped_flags()
    }

    /// `(?i-s:...)`.
    fn scoped_flags(&mut self) -> Result<(), String> {
        self.skip(1);
        let flags =
            self.until(':').ok_or("unknown extension, or flags not at the start of the expression")?;
        if !flags.chars().all(|flag| matches!(flag, 'a' | 'i' | 'm' | 's' | 'u' | '-')) {
            return Err(format!("unknown extension ?{flags}"));
        }
        let known: String = flags.chars().filter(|flag| !matches!(flag, 'a' | 'u')).collect();
        self.out.push_str(&format!("(?{}:", known.trim_end_matches('-')));
        Ok(())
    }

    fn carriage_return(&mut self) {
        let paired = self.starts_with("\n") || self.starts_with(r"\n");
        self.out.push_str(if paired { r"\r?" } else { r"\r" });
    }

    /// An escape outside of brackets.
    fn escape(&mut self) -> Result<(), String> {
        let next = self.rest.next().ok_or("bad escape (end of pattern)")?;
        match next {
            'r' => self.carriage_return(),
            'Z' => self.out.push_str(r"\z"),
            'A' => self.out.push_str(r"\A"),
            'b' | 'B' if self.flags.ascii => self.out.push_str(&format!("(?-u:\\{next})")),
            'b' | 'B' => self.out.extend(['\\', next]),
            '1'..='9' => self.reference(next)?,
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                let class = self.class(next);
                self.out.push_str(&class);
            }
            other => self.character(other)?,
        }
        Ok(())
    }

    /// `\1` to `\99` refer to groups, three octal digits are a character.
    fn reference(&mut self, first: char) -> Result<(), String> {
        let digits: String = self.rest.clone().take_while(|next| matches!(next, '0'..='7')).take(2).collect();
        if digits.len() == 2 && matches!(first, '1'..='7') {
            self.skip(2);
            return self.code(
                u32::from_str_radix(&format!("{first}{digits}"), 8).ok().filter(|&code| code <= 0o377),
            );
        }
        let second = self.rest.next_if(char::is_ascii_digit);
        // In a group of its own, so that a digit behind it is not taken for a part of the number.
        self.out.push_str(&format!("(?:\\{first}{})", second.map_or(String::new(), String::from)));
        Ok(())
    }

    /// Classes that mean the same inside and outside of brackets.
    fn class(&self, name: char) -> String {
        if !self.flags.ascii {
            return format!("\\{name}");
        }
        match name {
            'd' => "[0-9]",
            'D' => "[^0-9]",
            's' => r"[ \t\n\r\x0b\x0c]",
            'S' => r"[^ \t\n\r\x0b\x0c]",
            'w' => "[0-9A-Za-z_]",
            _ => "[^0-9A-Za-z_]",
        }
        .to_owned()
    }

    /// An escape that stands for one character, wherever it is.
    fn character(&mut self, next: char) -> Result<(), String> {
        match next {
            'a' | 'f' | 'n' | 'r' | 't' | 'v' => self.out.extend(['\\', next]),
            '0' => {
                let digits: String =
                    self.rest.clone().take_while(|next| matches!(next, '0'..='7')).take(2).collect();
                self.skip(digits.len());
                return self.code(u32::from_str_radix(&format!("0{digits}"), 8).ok());
            }
            'x' => return self.hexadecimal(2),
            'u' => return self.hexadecimal(4),
            'U' => return self.hexadecimal(8),
            letter if letter.is_ascii_alphanumeric() => return Err(format!("bad escape \\{letter}")),
            other => self.literal(other),
        }
        Ok(())
    }

    fn hexadecimal(&mut self, count: usize) -> Result<(), String> {
        let digits: String = self.rest.by_ref().take(count).collect();
        let complete = digits.len() == count && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        self.code(u32::from_str_radix(&digits, 16).ok().filter(|_| complete))
    }

    fn code(&mut self, code: Option<u32>) -> Result<(), String> {
        let character = code.and_then(char::from_u32).ok_or("incomplete or impossible numeric escape")?;
        self.literal(character);
        Ok(())
    }

    fn literal(&mut self, character: char) {
        if character.is_ascii() && !character.is_ascii_alphanumeric() {
            self.out.push_str(&format!("\\x{:02x}", u32::from(character)));
        } else {
            self.out.push(character);
        }
    }

    /// Brackets: `[`, `&&`, `--` and `~~` are plain characters in Python, and so is a `]` that comes first.
    fn set_of_characters(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.rest.next_if_eq(&'^').is_some() {
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let next = self.rest.next().ok_or("unterminated character set")?;
            match next {
                ']' if !first => break,
                '\\' => self.escape_in_set()?,
                '-' if self.makes_a_range(first) => self.out.push('-'),
                other => self.literal(other),
            }
            first = false;
        }
        self.out.push(']');
        Ok(())
    }

    /// A dash is plain at either end of the brackets.
    fn makes_a_range(&mut self, first: bool) -> bool {
        !first && self.rest.peek() != Some(&']')
    }

    fn escape_in_set(&mut self) -> Result<(), String> {
        let next = self.rest.next().ok_or("unterminated character set")?;
        match next {
            'b' => self.out.push_str(r"\x08"),
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => {
                let class = self.class(next);
                self.out.push_str(&class);
            }
            '1'..='7' => {
                let digits: String =
                    self.rest.clone().take_while(|next| matches!(next, '0'..='7')).take(2).collect();
                self.skip(digits.len());
                self.code(u32::from_str_radix(&format!("{next}{digits}"), 8).ok())?;
            }
            other => self.character(other)?,
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(pattern: &str, text: &str) -> Option<String> {
        let regex = fancy_regex::Regex::new(&translate(pattern).unwrap())
            .unwrap_or_else(|e| panic!("{pattern}: {e}"));
        regex.find(text).unwrap().map(|found| found.as_str().to_owned())
    }

    #[test]
    fn patterns_find_what_python_finds() {
        // Each line was checked with `re.search(pattern, text, re.DOTALL)` of Python 3.11.
        let cases: &[(&str, &str, Option<&str>)] = &[
            (">>> ", "x\n>>> ", Some(">>> ")),
            (r"\$ $", "user$ ", Some("$ ")),
            (r"\$ $", "user$ \n", Some("$ ")),
            (r"a\Z", "a\n", None),
            (r"a\Z", "ba", Some("a")),
            ("a.b", "a\nb", Some("a\nb")),
            ("(?m)^b$", "a\nb\nc", Some("b")),
            ("^b$", "a\nb\nc", None),
            ("a{,2}b", "aaab", Some("aab")),
            ("a{x}", "a{x}", Some("a{x}")),
            ("{", "{", Some("{")),
            ("{}", "{}", Some("{}")),
            ("a{2}", "aaa", Some("aa")),
            ("a{2,}?", "aaa", Some("aa")),
            ("[[]", "[", Some("[")),
            ("[]a]+", "a]b", Some("a]")),
            ("[^]a]+", "a]bc", Some("bc")),
            ("[a&&b]+", "&a", Some("&a")),
            ("[a-]+", "-a", Some("-a")),
            ("[-a]+", "-a", Some("-a")),
            (r"[\w.-]+@", "me.you-x@", Some("me.you-x@")),
            (r"[\]]", "]", Some("]")),
            (r"\<tag\>", "<tag>", Some("<tag>")),
            (r"\/\-\ \#\!", "/- #!", Some("/- #!")),
            (r"(?P<q>['\x22])x(?P=q)", "'x\"'x'", Some("'x'")),
            (r"(a)\1", "abaa", Some("aa")),
            (r"\101\x42\u0043", "ABC", Some("ABC")),
            (r"\0", "a\0b", Some("\0")),
            (r"[\b]", "\u{8}", Some("\u{8}")),
            (r"\bfoo\b", "a foo.", Some("foo")),
            ("foo(?=bar)", "foo foobar", Some("foo")),
            ("(?<!a)b", "ab b", Some("b")),
            ("(?<=a)b", "b ab", Some("b")),
            ("(?#note)x", "x", Some("x")),
            ("(?i)PASS(?-i:w)", "passW passw", Some("passw")),
            ("(?i)password:", "Password:", Some("Password:")),
            ("(?x) a b # comment (\n c", "abc", Some("abc")),
            (r"(?a)\w+", "\u{e9}a", Some("a")),
            (r"\w+", "\u{e9}a", Some("\u{e9}a")),
            ("(a)?b(?(1)c|d)", "abd bd", Some("bd")),
            ("(?P<n>a)?b(?(n)c|d)", "abc", Some("abc")),
            ("a++b", "aab", Some("aab")),
            ("a++a", "aaa", None),
            ("(?>a|ab)c", "abc", None),
            ("x|y|", "z", Some("")),
            (r"\.\*\+\?\(\)\[\]\{\}\|\^\$\\", r".*+?()[]{}|^$\", Some(r".*+?()[]{}|^$\")),
            ("\u{4e2d}+", "a\u{4e2d}\u{4e2d}", Some("\u{4e2d}\u{4e2d}")),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(found(pattern, text).as_deref(), *expected, "{pattern:?} in {text:?}");
        }
    }

    #[test]
    fn line_ends_match_with_and_without_a_carriage_return() {
        assert_eq!(found(r"a\r\nb", "a\nb").as_deref(), Some("a\nb"));
        assert_eq!(found("a\r\nb", "a\r\nb").as_deref(), Some("a\r\nb"));
        assert_eq!(found(r"a\rb", "a\rb").as_deref(), Some("a\rb"));
        assert_eq!(found(r"a\rb", "ab"), None);
    }

    #[test]
    fn what_python_refuses_is_refused() {
        let broken = [
            "(",
            ")",
            "[",
            "[a",
            "*",
            "a**",
            "a*+*",
            "a{1}{2}*",
            r"\",
            r"\q",
            r"\y",
            r"[\q]",
            r"\x1",
            "(?P<n",
            "(?z)",
            "(?L)a",
            "(?#",
            "a(?i)b",
            r"\u12",
            "(?P=nobody)",
            r"\8",
        ];
        for pattern in broken {
            let accepted = translate(pattern).is_ok_and(|text| fancy_regex::Regex::new(&text).is_ok());
            assert!(!accepted, "{pattern:?} became {:?}", translate(pattern));
        }
    }
}
