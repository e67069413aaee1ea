//! The format as one table: every object of a plan file with its fields. Checking, the published schema and the
//! reference in the documentation are derived from it.

mod check;
pub mod reference;
pub mod schema;
mod tables;

pub use check::check;
pub use tables::{DEFAULTS, INPUT, OUTPUT, PLAN, TASK};

/// An object of the format.
#[derive(Debug)]
pub struct Shape {
    /// Its name, for messages and the schema.
    pub name: &'static str,
    /// What it is for.
    pub doc: &'static str,
    /// Its fields, in the order in which people should write them.
    pub fields: &'static [Field],
}

/// A field of an object.
#[derive(Debug)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What may stand there.
    pub takes: Takes,
    /// What it means.
    pub doc: &'static str,
    /// Whether it must be given.
    pub required: bool,
}

/// What may stand somewhere.
#[derive(Debug, Clone, Copy)]
pub enum Takes {
    /// One line or several lines of text.
    Text,
    /// Text with `${{ … }}` in it.
    Template,
    /// An expression, with or without `${{ … }}` around it.
    Expression,
    /// The name of a task, of an input, of an output or of a lock.
    Name,
    /// A path of the repository, or a pattern of paths.
    Path,
    /// A type of value.
    Type,
    /// A span of time.
    Duration,
    /// An amount of memory.
    Memory,
    /// A number of processors.
    Cpu,
    /// A whole number from the first to the second.
    Whole(i64, i64),
    /// A number that is not negative.
    Amount,
    /// Yes or no.
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// Any value; texts in it may have `${{ … }}` in them.
    Anything,
    /// A list.
    List(&'static Takes),
    /// A list, or just its only item.
    OneOrMany(&'static Takes),
    /// A mapping of names.
    Map(&'static Takes),
    /// An object.
    Object(&'static Shape),
    /// The first when it is a scalar, otherwise the second.
    Either(&'static Takes, &'static Takes),
}

impl Takes {
    /// What people call it, with an article.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Text | Self::Template => "text".into(),
            Self::Expression => "an expression".into(),
            Self::Name => "a name".into(),
            Self::Path => "a path or a pattern such as src/**".into(),
            Self::Type => "a type".into(),
            Self::Duration => "a span of time such as 90s".into(),
            Self::Memory => "an amount of memory such as 512MB".into(),
            Self::Cpu => "a number of processors such as 2 or 0.5".into(),
            Self::Whole(least, most) if least == most => least.to_string(),
            Self::Whole(least, most) => format!("a whole number from {least} to {most}"),
            Self::Amount => "a number that is not negative".into(),
            Self::Flag => "true or false".into(),
            Self::Choice(words) => format!("one of: {}", words.join(", ")),
            Self::Anything => "a value".into(),
            Self::List(of) => format!("a list ({} each)", of.describe()),
            Self::OneOrMany(of) => format!("{} or a list", of.describe()),
            Self::Map(of) => format!("a mapping (name: {})", of.describe()),
            Self::Object(shape) => format!("a mapping with the fields of {}", shape.name),
            Self::Either(first, second) => format!("{} or {}", first.describe(), second.describe()),
        }
    }
}
