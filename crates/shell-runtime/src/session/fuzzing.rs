//! What must hold of output whatever is printed and however it arrives, for fuzzers and for the tests below.

use super::backlog::Backlog;
use super::expect::Expectations;
use super::living::Seen;
use super::text::{decode, without_escapes};
use crate::capture::Capture;

/// `all` cut into pieces whose lengths are the bytes of `cuts`; what is left over is the last one.
fn pieces<'a>(all: &'a [u8], cuts: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let mut rest = all;
    let mut lengths = cuts.iter().map(|&cut| usize::from(cut));
    std::iter::from_fn(move || {
        let length = lengths.next().unwrap_or(rest.len()).min(rest.len());
        let (piece, others) = rest.split_at(length);
        let is_end = rest.is_empty();
        rest = others;
        (!is_end).then_some(piece)
    })
}

fn backlog(all: &[u8], cuts: &[u8], limit: usize) -> Backlog {
    let mut backlog = Backlog::new(limit);
    pieces(all, cuts).for_each(|piece| backlog.push(piece));
    backlog
}

/// How output is cut into pieces makes no difference, nothing is lost without being counted, and what is no control
/// sequence stays. `limit` is that of the session, `asked` that of the answer.
pub fn output_is_exact(all: &[u8], cuts: &[u8], limit: usize, asked: usize) {
    let taken = backlog(all, cuts, limit).take(asked);
    assert_eq!(taken, backlog(all, &[], limit).take(asked), "pieces matter");
    let note = format!("\n[... {} bytes left out ...]\n", taken.omitted);
    if taken.omitted == 0 {
        assert_eq!(taken.bytes, all, "bytes were lost or invented");
    } else {
        let kept = taken.bytes.len() - note.len();
        assert!(kept <= limit.max(asked), "{kept} bytes are kept of a limit of {limit}");
        assert_eq!(kept as u64 + taken.omitted, all.len() as u64, "what is left out is not counted right");
        assert!(all.starts_with(&taken.bytes[..common_start(&taken.bytes, all)]));
    }
    let text = Seen { taken, offset: 0 }.text();
    if !all.contains(&0x1b) && all.len() <= limit.min(asked) {
        assert_eq!(text, decode(all.to_vec()), "something that is no control sequence was removed");
    }
    assert!(is_thinned(&text, &decode(backlog(all, cuts, limit).take(asked).bytes)), "text was changed");
}

fn common_start(a: &[u8], b: &[u8]) -> usize {
    a.iter().zip(b).take_while(|(a, b)| a == b).count()
}

/// Whether `thin` is what is left of `text` when some of its characters are removed.
fn is_thinned(thin: &str, text: &str) -> bool {
    let mut text = text.chars();
    thin.chars().all(|wanted| text.any(|character| character == wanted))
}

/// What a one-shot command printed is kept by the same rules.
pub fn capture_is_exact(all: &[u8], cuts: &[u8], limit: usize) {
    let mut capture = Capture::new(limit);
    pieces(all, cuts).for_each(|piece| capture.push(piece));
    let omitted = capture.omitted();
    assert_eq!(omitted, all.len().saturating_sub(limit) as u64);
    let bytes = capture.take();
    let note = if omitted == 0 { String::new() } else { format!("\n[... {omitted} bytes left out ...]\n") };
    let half = if omitted == 0 { all.len() } else { limit / 2 };
    let end = if omitted == 0 { all.len() } else { all.len() - (limit - half) };
    assert_eq!(bytes, [&all[..half], note.as_bytes(), &all[end..]].concat());
}

/// Plain text has no control sequences in it, and removing them leaves it alone.
pub fn plain_text_stays(text: &str) {
    let plain = text.replace('\x1b', "");
    assert_eq!(without_escapes(plain.clone()), plain);
}

/// Any pattern either matches, splits the output at the match and keeps what follows, or does nothing, or is refused.
pub fn patterns_split_output(pattern: &str, all: &[u8], cuts: &[u8]) {
    let Ok(expectations) = Expectations::new(&[pattern.to_owned()]) else { return };
    let limit = all.len() + 1;
    let mut output = backlog(all, cuts, limit);
    let Some((_, range)) = expectations.find(&mut output) else {
        assert_eq!(output.take(limit).bytes, all, "output was lost to a pattern that does not match");
        return;
    };
    assert!(range.start <= range.end && range.end <= all.len(), "{range:?} of {}", all.len());
    let (shown, before) =
        expectations.take_match(&mut output, limit).map_or_else(Default::default, |found| found);
    assert_eq!(shown, pattern);
    assert_eq!(before.bytes, all[..range.start]);
    assert_eq!(output.take(limit).bytes, all[range.end..]);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Bytes in which sequences, characters of several bytes and their halves are common.
    fn printed() -> impl Strategy<Value = Vec<u8>> {
        let token = prop_oneof![
            any::<u8>().prop_map(|byte| vec![byte]),
            "[ -~\t\r\n]{0,8}".prop_map(String::into_bytes),
            "[éß漢🙂\u{7}]{1,3}".prop_map(String::into_bytes),
            "\u{1b}(\\[[0-9;?]{0,4}[a-zA-Z]?|\\][^\u{7}]{0,4}\u{7}?|[P_^X]..|[ -/]?[0-~]?)"
                .prop_map(String::into_bytes),
        ];
        proptest::collection::vec(token, 0..40).prop_map(|tokens| tokens.concat())
    }

    proptest! {
        #[test]
        fn output(all in printed(), cuts in any::<Vec<u8>>(), limit in 0..300usize, asked in 0..300usize) {
            output_is_exact(&all, &cuts, limit, asked);
            output_is_exact(&all, &cuts, usize::MAX, usize::MAX);
        }

        #[test]
        fn captures(all in printed(), cuts in any::<Vec<u8>>(), limit in 0..300usize) {
            capture_is_exact(&all, &cuts, limit);
        }

        #[test]
        fn plain_text(text in any::<String>()) {
            plain_text_stays(&text);
        }

        #[test]
        fn patterns(pattern in "[a-c.*+?()\\[\\]{}^$|\\\\dwsbZA<>=!:P0-9#-]{0,12}", all in printed(), cuts in any::<Vec<u8>>()) {
            patterns_split_output(&pattern, &all, &cuts);
        }
    }
}
