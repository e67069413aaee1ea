//! Finding the first red prefix of a batch: halving, or in more parts where more verifications may run at once.

use super::Verdict;

/// What is known of the prefixes of a batch, and what to verify next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Narrowed {
    pub green: usize,
    pub red: usize,
    pub probes: Vec<usize>,
}

/// Takes in what is known by now. Prefixes need not turn red once and for all: an entry may mend what an earlier one
/// breaks; so the longest green prefix counts, and then the first red one after it.
pub(super) fn narrow(
    (green, red, probes): (usize, usize, &[usize]),
    parallel: usize,
    verdict: impl Fn(usize) -> Option<Verdict>,
) -> Narrowed {
    let is_green = |count: &usize| verdict(*count) == Some(Verdict::Green);
    let is_red = |count: &usize| verdict(*count).is_some_and(|verdict| verdict != Verdict::Green);
    let inside = || probes.iter().copied().filter(|count| green < *count && *count < red);
    let green = inside().filter(is_green).max().unwrap_or(green);
    let red = inside().filter(|count| *count > green).filter(is_red).min().unwrap_or(red);
    let pending: Vec<usize> = probes
        .iter()
        .copied()
        .filter(|count| green < *count && *count < red && verdict(*count).is_none())
        .collect();
    let probes = if pending.is_empty() { spread(green, red, parallel) } else { pending };
    Narrowed { green, red, probes }
}

/// Up to `most` prefixes that cut what lies between into parts of about the same size.
pub(super) fn spread(green: usize, red: usize, most: usize) -> Vec<usize> {
    let between = red.saturating_sub(green).saturating_sub(1);
    let parts = most.min(between) + 1;
    (1..parts).map(|part| green + (red - green) * part / parts).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probes_cut_what_is_left_into_even_parts() {
        type Case<'a> = ((usize, usize, usize), &'a [usize]);
        let cases: &[Case<'_>] = &[
            ((0, 8, 1), &[4]),
            ((4, 8, 1), &[6]),
            ((0, 2, 1), &[1]),
            ((0, 1, 1), &[]),
            ((0, 8, 3), &[2, 4, 6]),
            ((0, 4, 9), &[1, 2, 3]),
            ((5, 6, 4), &[]),
        ];
        for ((green, red, most), expected) in cases {
            assert_eq!(spread(*green, *red, *most), *expected, "{green}..{red} by {most}");
        }
    }

    #[test]
    fn verdicts_narrow_what_is_left() {
        use Verdict::{Green, Red, Unverifiable};
        type Case<'a> = (&'a [usize], &'a [(usize, Verdict)], (usize, usize), &'a [usize]);
        let cases: &[Case<'_>] = &[
            (&[2, 4, 6], &[], (0, 8), &[2, 4, 6]),
            (&[2, 4, 6], &[(4, Red)], (0, 4), &[2]),
            (&[2, 4, 6], &[(4, Green)], (4, 8), &[6]),
            (&[2, 4, 6], &[(2, Green), (4, Unverifiable)], (2, 4), &[3]),
            (&[2, 4, 6], &[(2, Red), (6, Green)], (6, 8), &[7]),
            (&[4], &[(4, Green), (5, Red)], (4, 8), &[6]),
        ];
        for (probes, known, (green, red), next) in cases {
            let verdict = |count| known.iter().find(|(at, _)| *at == count).map(|(_, verdict)| *verdict);
            let most = probes.len().min(1);
            let narrowed = narrow((0, 8, probes), most, verdict);
            assert_eq!((narrowed.green, narrowed.red), (*green, *red), "{known:?}");
            assert_eq!(narrowed.probes, *next, "{known:?}");
        }
    }

    #[test]
    fn halving_finds_every_first_red_prefix_in_about_log2_steps() {
        for size in 1..=64_usize {
            for first_red in 1..=size {
                let verdict = |count| Some(if count < first_red { Verdict::Green } else { Verdict::Red });
                let mut state = Narrowed { green: 0, red: size, probes: spread(0, size, 1) };
                let mut steps = 0;
                while !state.probes.is_empty() {
                    steps += state.probes.len();
                    state = narrow((state.green, state.red, &state.probes), 1, verdict);
                }
                assert_eq!((state.green, state.red), (first_red - 1, first_red));
                assert!(steps <= size.next_power_of_two().ilog2() as usize, "{steps} steps for {size}");
            }
        }
    }
}
