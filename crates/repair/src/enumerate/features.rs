//! What the ranking knows about a proposal besides its kind and its place.

/// Declares [`Feature`] with one row per feature: variant, stable name, description.
macro_rules! features {
    ($($variant:ident $name:literal $description:literal)*) => {
        /// One measured property of a proposal.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Feature { $(#[doc = $description] $variant,)* }

        impl Feature {
            /// Every feature in the order of [`Features`].
            pub const ALL: &'static [Feature] = &[$(Feature::$variant,)*];

            /// Stable name, used in the priors files.
            pub fn name(self) -> &'static str {
                match self { $(Feature::$variant => $name,)* }
            }
        }
    };
}

features! {
    Paired "paired" "Logarithm of how often the replacement is mistaken for the original."
    NameUnbound "name-unbound" "A name that has no value here."
    NameLater "name-later" "A name that has a value here only from the round of the loop before."
    NameNear "name-near" "How near the name is mentioned: 1 on the same line, falling with distance."
    NameOften "name-often" "Logarithm of how often the name is mentioned."
    NameUnread "name-unread" "A variable that nothing reads yet."
    NameParameter "name-parameter" "A parameter."
    NameOuter "name-outer" "A name of the module rather than of the function."
    NameLoop "name-loop" "The variable of the loop around the place."
    NameSimilar "name-similar" "Spelled like the name it replaces."
    NameOnlyUse "name-only-use" "Replaces the only read of a variable, which then goes unused."
    SortMatch "sort-match" "The value seems to be of the sort that is needed."
    SortClash "sort-clash" "The value seems to be of another sort than is needed."
    Repeats "repeats" "The same expression stands beside it already."
    Familiar "familiar" "The new expression occurs elsewhere in the file."
    IntegerUnit "integer-unit" "The constant differs by one."
    IntegerZero "integer-zero" "The new constant is zero."
    IntegerOne "integer-one" "The new constant is one."
    IntegerSeen "integer-seen" "The new constant occurs in the region."
    IntegerMinus "integer-minus" "The new constant is negative."
    LiteralEmpty "literal-empty" "An empty literal."
    LiteralNull "literal-null" "The null constant."
    LiteralTruth "literal-truth" "A truth constant."
    Bound "bound" "One more or less where counting starts or ends: an index, a range, a comparison."
    Depth "depth" "Logarithm of how deep in its statement the place is."
    Distance "distance" "Logarithm of the lines between the place and what is reused."
    Calls "calls" "The new code calls something."
    Last "last" "Concerns the last operand, argument or statement."
    First "first" "Concerns the first operand, argument or statement."
    Grows "grows" "Logarithm of the number of tokens added."
    Shrinks "shrinks" "Logarithm of the number of tokens removed."
}

/// Number of features.
const COUNT: usize = Feature::ALL.len();

/// The features of one proposal; those not set are 0.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Features([f32; COUNT]);

impl Default for Features {
    fn default() -> Self {
        Self([0.0; COUNT])
    }
}

impl Features {
    /// Nothing known.
    pub fn none() -> Self {
        Self::default()
    }

    /// The same with one more.
    pub fn with(mut self, feature: Feature, value: f32) -> Self {
        self.0[feature as usize] = value;
        self
    }

    /// The same with a feature that either holds or not.
    pub fn when(self, feature: Feature, holds: bool) -> Self {
        if holds { self.with(feature, 1.0) } else { self }
    }

    /// Value of one feature.
    #[cfg(test)]
    pub fn get(&self, feature: Feature) -> f32 {
        self.0[feature as usize]
    }

    /// All values in the order of [`Feature::ALL`].
    pub fn values(&self) -> &[f32] {
        &self.0
    }

    /// Feature-wise maximum, for code that is made of several parts.
    pub fn or(mut self, other: Features) -> Self {
        for (own, others) in self.0.iter_mut().zip(other.0) {
            *own = own.max(others);
        }
        self
    }

    /// Weighted sum.
    pub fn dot(&self, weights: &[f64]) -> f64 {
        self.0.iter().zip(weights).map(|(value, weight)| f64::from(*value) * weight).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_combine_by_their_maximum() {
        let one = Features::none().with(Feature::NameNear, 0.5).when(Feature::Calls, true);
        let other = Features::none().with(Feature::NameNear, 0.25).when(Feature::Repeats, true);
        let both = one.or(other);
        assert_eq!(both.get(Feature::NameNear), 0.5);
        assert_eq!((both.get(Feature::Calls), both.get(Feature::Repeats)), (1.0, 1.0));
    }

    #[test]
    fn names_are_unique_and_in_the_order_of_the_values() {
        for (index, feature) in Feature::ALL.iter().enumerate() {
            assert_eq!(*feature as usize, index);
            assert_eq!(Feature::ALL.iter().filter(|other| other.name() == feature.name()).count(), 1);
        }
    }
}
