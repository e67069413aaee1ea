//! Words, numbers, texts and signs of an expression.

use std::ops::Range;

use serde_json::{Number, Value};

/// Longest expression, in bytes.
const LONGEST: usize = 4096;

/// A piece of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token {
    /// A name or a word of the language; may contain `-`.
    Word(String),
    /// A number or a text.
    Literal(Value),
    /// Anything else.
    Sign(&'static str),
}

/// A token and the bytes it comes from.
pub(super) type Placed = (Token, Range<usize>);

/// What cannot be read, where, and what to do.
pub(super) type Unreadable = (Range<usize>, String, Option<String>);

const SIGNS: [&str; 13] = ["==", "!=", "<=", ">=", "<", ">", "(", ")", "[", "]", ",", ".", "-"];
/// What people write out of habit, and what is written here.
const HABITS: [(&str, &str); 4] = [("&&", "and"), ("||", "or"), ("!", "not"), ("=", "==")];

/// Cuts a text into tokens.
pub(super) fn tokens(text: &str) -> Result<Vec<Placed>, Unreadable> {
    if text.len() > LONGEST {
        return Err((0..text.len(), format!("the expression is longer than {LONGEST} bytes"), None));
    }
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(c) = text[at..].chars().next() {
        let rest = &text[at..];
        if c.is_whitespace() {
            at += c.len_utf8();
            continue;
        }
        let after_dot = matches!(found.last(), Some((Token::Sign("."), _)));
        let (token, length) = if is_word_start(c) || after_dot && c.is_ascii_digit() {
            word(rest)
        } else if c.is_ascii_digit() {
            number(rest, at)?
        } else if c == '\'' || c == '"' {
            quoted(rest, c, at)?
        } else {
            sign(rest, at)?
        };
        found.push((token, at..at + length));
        at += length;
    }
    Ok(found)
}

fn is_word_start(c: char) -> bool {
    c.is_ascii_alphabetic() || c == '_'
}

fn word(rest: &str) -> (Token, usize) {
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "_-".contains(c))).unwrap_or(rest.len());
    (Token::Word(rest[..end].to_owned()), end)
}

fn number(rest: &str, at: usize) -> Result<(Token, usize), Unreadable> {
    let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.')).unwrap_or(rest.len());
    let text = &rest[..end];
    let whole = text.parse::<i64>().ok().map(Number::from);
    let number = whole.or_else(|| text.parse::<f64>().ok().and_then(Number::from_f64));
    match number {
        Some(number) => Ok((Token::Literal(Value::Number(number)), end)),
        None => Err((at..at + end, format!("`{text}` is not a number"), None)),
    }
}

/// Text in quotes; `\` takes the next character as it is, and `\n` and `\t` are the usual.
fn quoted(rest: &str, quote: char, at: usize) -> Result<(Token, usize), Unreadable> {
    let mut text = String::new();
    let mut escaped = false;
    for (index, c) in rest.char_indices().skip(1) {
        match (escaped, c) {
            (true, 'n') => text.push('\n'),
            (true, 't') => text.push('\t'),
            (true, other) => text.push(other),
            (false, '\\') => {}
            (false, c) if c == quote => return Ok((Token::Literal(Value::from(text)), index + 1)),
            (false, other) => text.push(other),
        }
        escaped = !escaped && c == '\\';
    }
    Err((at..at + rest.len(), "the text has no end".into(), Some(format!("close it with {quote}"))))
}

fn sign(rest: &str, at: usize) -> Result<(Token, usize), Unreadable> {
    if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
        return Ok((Token::Sign(sign), sign.len()));
    }
    if let Some((habit, word)) = HABITS.iter().find(|(habit, _)| rest.starts_with(habit)) {
        return Err((
            at..at + habit.len(),
            format!("`{habit}` means nothing here"),
            Some(format!("write `{word}`")),
        ));
    }
    let c = rest.chars().next().unwrap_or(' ');
    Err((at..at + c.len_utf8(), format!("`{c}` means nothing here"), None))
}
