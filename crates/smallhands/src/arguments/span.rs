//! Spans of time as people write them: `90s`, `10m`, `2h`, `1h30m`, `500ms`.

use std::time::Duration;

const UNITS: [(&str, u64); 5] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];

/// Parses a span of time; at least one millisecond, at most a year.
///
/// # Errors
/// A message that says what is wrong and shows the form.
pub fn parse(text: &str) -> Result<Duration, String> {
    const LONGEST_MS: u64 = 365 * 86_400_000;
    let mut rest = text.trim();
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let (part_ms, after) = first_part(rest)?;
        total = total.saturating_add(part_ms);
        rest = after;
    }
    match total {
        0 => Err("a time must be longer than nothing, such as 90s, 10m or 2h".to_owned()),
        1..=LONGEST_MS => Ok(Duration::from_millis(total)),
        _ => Err("a time of at most a year is wanted".to_owned()),
    }
}

/// The milliseconds of the first number with its unit, and what follows them.
fn first_part(text: &str) -> Result<(u64, &str), String> {
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (number, rest) = text.split_at(digits);
    let letters = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_alphabetic()).len();
    let (unit, rest) = rest.split_at(letters);
    let number: u64 = number.parse().map_err(|_| format!("`{text}` is not a time such as 90s, 10m or 2h"))?;
    let (_, milliseconds) = UNITS
        .iter()
        .find(|(name, _)| *name == unit)
        .ok_or_else(|| format!("`{text}` needs a unit: ms, s, m, h or d, such as {number}s"))?;
    Ok((number.saturating_mul(*milliseconds), rest))
}

/// A span of time in few characters: `800ms`, `14.2s`, `3m05s`, `2h07m`.
pub fn show(span: Duration) -> String {
    let seconds = span.as_secs();
    match seconds {
        0 => format!("{}ms", span.as_millis()),
        1..60 => format!("{:.1}s", (span.as_millis() / 100) as f64 / 10.0),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_as_written() {
        for (text, milliseconds) in [
            ("90s", 90_000),
            ("10m", 600_000),
            ("2h", 7_200_000),
            ("1h30m", 5_400_000),
            ("500ms", 500),
            (" 1d ", 86_400_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_span_is_refused_with_an_example() {
        for text in
            ["", "90", "s", "-5s", "1.5h", "10 m", "5x", "0s", "99999999999999999999s", "400d", "1h30"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
        assert!(parse("90").unwrap_err().contains("90s"));
    }

    #[test]
    fn spans_are_shown_short() {
        for (milliseconds, shown) in [
            (0, "0ms"),
            (999, "999ms"),
            (1_000, "1.0s"),
            (59_990, "59.9s"),
            (185_000, "3m05s"),
            (7_620_000, "2h07m"),
        ] {
            assert_eq!(show(Duration::from_millis(milliseconds)), shown);
        }
    }
}
