//! Chance that is no chance: numbers that look random and are the same for the same seed, on every machine.

/// A generator of numbers (G. L. Steele, D. Lea, C. H. Flood, *Fast splittable pseudorandom number generators*, OOPSLA 2014).
#[derive(Debug, Clone)]
pub(crate) struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub fn below(&mut self, bound: usize) -> usize {
        self.next().checked_rem(bound as u64).unwrap_or(0) as usize
    }

    /// A number from 0 up to, but without, 1.
    pub fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// A seed made of two.
pub(crate) fn mix(one: u64, other: u64) -> u64 {
    Chance::new(one.rotate_left(17) ^ other).next()
}

/// A seed made of text (FNV-1a: G. Fowler, L. C. Noll, K.-P. Vo).
pub(crate) fn seed_of(text: &str) -> u64 {
    text.bytes()
        .fold(0xCBF2_9CE4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_published_generator() {
        let mut chance = Chance::new(1_234_567);
        let numbers = [chance.next(), chance.next(), chance.next()];
        assert_eq!(
            numbers,
            [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
        );
        assert_eq!(seed_of("a"), 0xAF63_DC4C_8601_EC8C);
    }

    #[test]
    fn bounds_hold() {
        let mut chance = Chance::new(7);
        assert_eq!(chance.below(0), 0);
        assert!((0..1_000).all(|_| chance.below(3) < 3));
        assert!((0..1_000).all(|_| (0.0..1.0).contains(&chance.fraction())));
        assert_ne!(mix(1, 2), mix(2, 1));
    }
}
