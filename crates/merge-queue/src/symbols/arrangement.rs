//! In which order the segments of a merged text stand.

use std::collections::BTreeSet;

/// The order of `kept`: that of the side that changed the order, ours if none did, with what the other side adds put behind what
/// it stands behind there. `None` when both sides changed the order of what there was.
pub(super) fn arrange<'k>(
    base: &[&'k str],
    ours: &[&'k str],
    theirs: &[&'k str],
    kept: &BTreeSet<&'k str>,
) -> Option<Vec<&'k str>> {
    let common: BTreeSet<&str> = base
        .iter()
        .copied()
        .filter(|key| kept.contains(key) && ours.contains(key) && theirs.contains(key))
        .collect();
    let in_order = |keys: &[&'k str]| -> Vec<&'k str> {
        keys.iter().copied().filter(|key| common.contains(key)).collect()
    };
    let (before, our_order, their_order) = (in_order(base), in_order(ours), in_order(theirs));
    let (lead, other) = if our_order == before || our_order == their_order {
        if their_order == before || our_order == their_order { (ours, theirs) } else { (theirs, ours) }
    } else if their_order == before {
        (ours, theirs)
    } else {
        return None;
    };
    let mut order: Vec<&str> = lead.iter().copied().filter(|key| kept.contains(key)).collect();
    let settled: BTreeSet<&str> = order.iter().copied().filter(|key| other.contains(key)).collect();
    for (at, key) in other.iter().enumerate() {
        if kept.contains(key) && !order.contains(key) {
            let place = place_of(&order, &settled, &other[..at], &other[at + 1..]);
            order.insert(place, *key);
        }
    }
    Some(order)
}

/// Behind the nearest thing before it, and behind what our side alone has added there; else before the nearest thing after it.
fn place_of(order: &[&str], settled: &BTreeSet<&str>, before: &[&str], after: &[&str]) -> usize {
    let place = |key: &&str| order.iter().position(|known| known == key);
    if let Some(place) = before.iter().rev().find_map(place) {
        let only_ours =
            order[place + 1..].iter().take_while(|key| !settled.contains(*key) && !before.contains(*key));
        return place + 1 + only_ours.filter(|key| !after.contains(*key)).count();
    }
    after.iter().find_map(place).unwrap_or(order.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn additions_stand_behind_what_they_stood_behind() {
        let cases = [
            ("a b c", "a b c", "a x b c", Some("a x b c")),
            ("a b", "a b o", "a b t", Some("a b o t")),
            ("a b", "o a b", "t a b", Some("o t a b")),
            ("a b", "a o b", "a t b", Some("a o t b")),
            ("a b", "a o p b", "a t u b", Some("a o p t u b")),
            ("a b c", "a c", "a b t c", Some("a t c")),
            ("a b c", "a b c", "c a b", Some("c a b")),
            ("a b c", "c a b o", "a b c t", Some("c t a b o")),
            ("a b c", "c b a", "b a c", None),
            ("a b c", "c b a", "c b a", Some("c b a")),
            ("", "o", "t", Some("o t")),
        ];
        for (base, ours, theirs, expected) in cases {
            let words = |text: &'static str| text.split_whitespace().collect::<Vec<_>>();
            let (b, o, t) = (words(base), words(ours), words(theirs));
            let stays = |key: &&str| !b.contains(key) || (o.contains(key) && t.contains(key));
            let kept = b.iter().chain(&o).chain(&t).copied().filter(stays).collect();
            let order = arrange(&b, &o, &t, &kept).map(|order| order.join(" "));
            assert_eq!(order.as_deref(), expected, "{base} | {ours} | {theirs}");
        }
    }
}
