//! Query parameters, checked against the same tables as bodies.

use serde_json::{Map, Value};

use crate::schema::{Detail, Field, Fields, check_parameters};

/// Checks a query.
///
/// # Errors
/// All faults.
pub fn check(fields: &'static [Field], query: &str) -> Result<Fields, Vec<Detail>> {
    let mut given = Map::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        given.insert(decoded(name), Value::String(decoded(value)));
    }
    check_parameters(fields, given)
}

/// Text without its percent-encoding; what is no valid encoding stays as it is.
pub fn decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        let hex = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        match (first, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, others @ ..]) => match (hex(*high), hex(*low)) {
                (Some(high), Some(low)) => {
                    bytes.push(high << 4 | low);
                    rest = others;
                }
                _ => bytes.push(first),
            },
            _ => bytes.push(first),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_undone() {
        let cases = [
            ("a+b", "a b"),
            ("a%20b", "a b"),
            ("%2Fx%2f", "/x/"),
            ("%", "%"),
            ("%zz%4", "%zz%4"),
            ("%c3%a9", "é"),
        ];
        for (text, expected) in cases {
            assert_eq!(decoded(text), expected);
        }
    }
}
