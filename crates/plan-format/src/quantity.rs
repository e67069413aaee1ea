//! Amounts as people write them: spans of time, memory, processors.

/// Milliseconds of a span such as `90s`, `1h30m`, `250ms` or `1.5m`; a bare number is not accepted, because nobody knows its unit.
///
/// # Errors
/// What is expected instead.
pub fn duration_ms(text: &str) -> Result<u64, String> {
    const UNITS: [(&str, f64); 5] = [("ms", 1.0), ("s", 1e3), ("m", 60e3), ("h", 3_600e3), ("d", 86_400e3)];
    let wrong = || format!("`{text}` is not a span of time; write for example 90s, 10m, 1h30m or 250ms");
    let mut rest = text.trim();
    let mut total = 0.0;
    if rest.is_empty() {
        return Err(wrong());
    }
    while !rest.is_empty() {
        let (amount, after) = leading_number(rest).ok_or_else(wrong)?;
        let unit_length = after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len());
        let (unit, left) = after.split_at(unit_length);
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        total += amount * factor;
        rest = left.trim_start();
    }
    if total < 1.0 {
        Err(format!("`{text}` is no time at all; at least 1ms is needed"))
    } else {
        Ok(total as u64)
    }
}

/// Mebibytes of an amount such as `512MB`, `2GiB` or `1.5G`; decimal and binary units mean the same here: binary ones.
///
/// # Errors
/// What is expected instead.
pub fn memory_mb(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not an amount of memory; write for example 512MB or 2GB");
    let (amount, unit) = leading_number(text.trim()).ok_or_else(wrong)?;
    let factor = match unit.trim().to_ascii_uppercase().as_str() {
        "M" | "MB" | "MIB" => 1.0,
        "G" | "GB" | "GIB" => 1024.0,
        "T" | "TB" | "TIB" => 1024.0 * 1024.0,
        _ => return Err(wrong()),
    };
    let mebibytes = (amount * factor).ceil();
    if (1.0..=1e9).contains(&mebibytes) { Ok(mebibytes as u64) } else { Err(wrong()) }
}

/// Thousandths of a processor, of a number of processors such as `2` or `0.5`, or of thousandths such as `250m`.
///
/// # Errors
/// What is expected instead.
pub fn cpu_milli(text: &str) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a number of processors; write for example 2, 0.5 or 250m");
    let (amount, unit) = leading_number(text.trim()).ok_or_else(wrong)?;
    let milli = match unit {
        "" => amount * 1000.0,
        "m" => amount,
        _ => return Err(wrong()),
    };
    if (1.0..=1e7).contains(&milli) { Ok(milli.round() as u64) } else { Err(wrong()) }
}

/// A number without sign and the text after it.
fn leading_number(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let amount: f64 = text[..end].parse().ok()?;
    amount.is_finite().then_some((amount, &text[end..]))
}

/// A span of time for people: the two largest units.
#[must_use]
pub fn show_ms(ms: u64) -> String {
    let (seconds, minutes, hours) = (ms / 1000, ms / 60_000, ms / 3_600_000);
    match () {
        () if ms < 1000 => format!("{ms}ms"),
        () if seconds < 60 && ms.is_multiple_of(1000) => format!("{seconds}s"),
        () if seconds < 60 => format!("{:.1}s", ms as f64 / 1000.0),
        () if minutes < 60 => two(minutes, "m", seconds % 60, "s"),
        () if hours < 48 => two(hours, "h", minutes % 60, "m"),
        () => two(hours / 24, "d", hours % 24, "h"),
    }
}

fn two(large: u64, large_unit: &str, small: u64, small_unit: &str) -> String {
    if small == 0 {
        format!("{large}{large_unit}")
    } else {
        format!("{large}{large_unit}{small}{small_unit}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_of_time() {
        for (text, expected) in [
            ("250ms", Some(250)),
            ("90s", Some(90_000)),
            ("1.5m", Some(90_000)),
            ("1h30m", Some(5_400_000)),
            ("1h 30m", Some(5_400_000)),
            ("2d", Some(172_800_000)),
            ("90", None),
            ("", None),
            ("0s", None),
            ("m", None),
            ("10 minutes", None),
            ("-5s", None),
        ] {
            assert_eq!(duration_ms(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn memory_and_processors() {
        for (text, expected) in [
            ("512MB", Some(512)),
            ("2GiB", Some(2048)),
            ("1.5G", Some(1536)),
            ("2", None),
            ("0MB", None),
            ("x", None),
        ] {
            assert_eq!(memory_mb(text).ok(), expected, "{text}");
        }
        for (text, expected) in [
            ("2", Some(2000)),
            ("0.5", Some(500)),
            ("250m", Some(250)),
            ("0", None),
            ("2 cores", None),
            ("", None),
        ] {
            assert_eq!(cpu_milli(text).ok(), expected, "{text}");
        }
    }

    #[test]
    fn times_for_people() {
        for (ms, expected) in [
            (0, "0ms"),
            (999, "999ms"),
            (10_000, "10s"),
            (1_500, "1.5s"),
            (60_000, "1m"),
            (200_000, "3m20s"),
            (3_600_000, "1h"),
            (5_400_000, "1h30m"),
            (200_000_000, "2d7h"),
        ] {
            assert_eq!(show_ms(ms), expected);
        }
    }
}
