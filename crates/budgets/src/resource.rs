//! What is counted, and how much of it: always whole numbers.

use serde::{Deserialize, Serialize};

/// Something that runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Resource {
    /// Money, in millionths of a US dollar.
    UsdMicros,
    /// Tokens of language models.
    Tokens,
    /// Time that somebody works, in milliseconds. Those who work side by side spend it each for himself; it is no deadline.
    TimeMs,
    /// Validations: runs of the tests.
    Validations,
}

impl Resource {
    /// All of them, in the order in which they are asked.
    pub const ALL: [Self; 4] = [Self::UsdMicros, Self::Tokens, Self::TimeMs, Self::Validations];

    /// What people call it, lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::UsdMicros => "money (micro-dollars)",
            Self::Tokens => "tokens",
            Self::TimeMs => "working time (ms)",
            Self::Validations => "validations",
        }
    }

    /// Whether less than was asked for is of use. An answer costs what it costs, but fewer tests may be run, a shorter answer
    /// asked for, and an attempt given less time.
    pub fn divisible(self) -> bool {
        self != Self::UsdMicros
    }
}

impl std::fmt::Display for Resource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// One value for each resource. A field that this program does not know is refused: it might be a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PerResource<T> {
    /// Of [`Resource::UsdMicros`].
    pub usd_micros: T,
    /// Of [`Resource::Tokens`].
    pub tokens: T,
    /// Of [`Resource::TimeMs`].
    pub time_ms: T,
    /// Of [`Resource::Validations`].
    pub validations: T,
}

/// How much of each resource.
pub type Amounts = PerResource<u64>;

/// The most of each resource; `None` for as much as one likes.
pub type Limits = PerResource<Option<u64>>;

impl<T: Copy> PerResource<T> {
    /// The value that `each` has for every resource.
    pub fn of(mut each: impl FnMut(Resource) -> T) -> Self {
        Self {
            usd_micros: each(Resource::UsdMicros),
            tokens: each(Resource::Tokens),
            time_ms: each(Resource::TimeMs),
            validations: each(Resource::Validations),
        }
    }

    /// The value for one resource.
    pub fn get(&self, resource: Resource) -> T {
        match resource {
            Resource::UsdMicros => self.usd_micros,
            Resource::Tokens => self.tokens,
            Resource::TimeMs => self.time_ms,
            Resource::Validations => self.validations,
        }
    }

    /// The same, with another value for one resource.
    pub fn with(self, resource: Resource, value: T) -> Self {
        Self::of(|each| if each == resource { value } else { self.get(each) })
    }
}

impl Amounts {
    /// Nothing of anything.
    pub const ZERO: Self = Self { usd_micros: 0, tokens: 0, time_ms: 0, validations: 0 };

    /// An amount of one resource.
    pub fn only(resource: Resource, amount: u64) -> Self {
        Self::ZERO.with(resource, amount)
    }

    /// Both together; what is too much to count is the most that can be counted.
    pub fn plus(self, more: Self) -> Self {
        Self::of(|resource| self.get(resource).saturating_add(more.get(resource)))
    }

    /// What is left without `less`, at least nothing.
    pub fn minus(self, less: Self) -> Self {
        Self::of(|resource| self.get(resource).saturating_sub(less.get(resource)))
    }

    /// The smaller of both, resource by resource.
    pub fn at_most(self, most: Self) -> Self {
        Self::of(|resource| self.get(resource).min(most.get(resource)))
    }

    /// The resource of which there is more than `bound`, if any.
    pub fn exceeds(&self, bound: &Self) -> Option<Resource> {
        Resource::ALL.into_iter().find(|&resource| self.get(resource) > bound.get(resource))
    }
}

impl Limits {
    /// As much of everything as one likes.
    pub const NONE: Self = Self { usd_micros: None, tokens: None, time_ms: None, validations: None };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_for_each_resource() {
        let amounts = Amounts { usd_micros: 1, tokens: 2, time_ms: 3, validations: 4 };
        assert_eq!(Resource::ALL.map(|resource| amounts.get(resource)), [1, 2, 3, 4]);
        assert_eq!(Amounts::of(|resource| amounts.get(resource)), amounts);
        assert_eq!(amounts.with(Resource::TimeMs, 9).time_ms, 9);
        assert_eq!(Amounts::only(Resource::Tokens, 5), Amounts { tokens: 5, ..Amounts::ZERO });
    }

    #[test]
    fn sums_stay_within_what_can_be_counted() {
        let tokens = |amount| Amounts::only(Resource::Tokens, amount);
        for (left, right, sum, difference) in
            [(3, 2, 5, 1), (2, 3, 5, 0), (u64::MAX, 1, u64::MAX, u64::MAX - 1)]
        {
            assert_eq!(tokens(left).plus(tokens(right)), tokens(sum), "{left} + {right}");
            assert_eq!(tokens(left).minus(tokens(right)), tokens(difference), "{left} - {right}");
        }
        assert_eq!(tokens(3).exceeds(&tokens(2)), Some(Resource::Tokens));
        assert_eq!(tokens(2).exceeds(&tokens(2)), None);
        assert_eq!(tokens(3).at_most(tokens(2)), tokens(2));
    }

    #[test]
    fn what_is_not_written_is_nothing_and_what_is_unknown_is_refused() {
        let check = |text, expected: Option<Limits>| {
            assert_eq!(serde_json::from_str::<Limits>(text).ok(), expected, "{text}");
        };
        check("{}", Some(Limits::NONE));
        check(r#"{"tokens":7}"#, Some(Limits { tokens: Some(7), ..Limits::NONE }));
        check(r#"{"elephants":7}"#, None);
        check(r#"{"tokens":-7}"#, None);
        assert_eq!(
            serde_json::from_str::<Amounts>(r#"{"time_ms":1}"#).unwrap(),
            Amounts::only(Resource::TimeMs, 1)
        );
    }
}
