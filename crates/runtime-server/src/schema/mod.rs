//! What requests look like: one table of fields per body, from which bodies are checked and the OpenAPI document is
//! made.

mod check;
mod coerce;
mod openapi;

pub use check::{Detail, Fields, check, check_parameters};
pub use openapi::document;

/// What a field may hold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Kind {
    /// A string.
    Text,
    /// A boolean, also as 0, 1, "yes", "off" and the like.
    Flag,
    /// An integer, also as a string or as a float without fraction.
    Whole,
    /// A number, also as a string.
    Number,
    /// A list of strings.
    Texts,
    /// A string or a list of strings.
    TextOrTexts,
    /// An object whose values are strings.
    TextMap,
    /// One of a few strings.
    Choice(&'static [&'static str]),
}

/// What a field is when it is missing.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Preset {
    /// An error.
    Required,
    /// Null, which may also be given.
    Null,
    /// This string.
    Text(&'static str),
    /// This boolean.
    Flag(bool),
    /// This integer.
    Whole(i64),
    /// This number.
    Number(f64),
    /// An empty list.
    NoTexts,
}

/// A field of a body.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What it may hold.
    pub kind: Kind,
    /// What it is when it is missing.
    pub preset: Preset,
    /// What it is for.
    pub about: &'static str,
}

/// An object with known fields; others are ignored.
#[derive(Debug)]
pub struct Shape {
    /// Its name in the OpenAPI document.
    pub title: &'static str,
    /// Its fields.
    pub fields: &'static [Field],
}

/// A request's body.
#[derive(Debug)]
pub enum Body {
    /// One object.
    Plain(&'static Shape),
    /// One of several objects, told apart by a field.
    Tagged {
        /// The field's name.
        tag: &'static str,
        /// Its values, and the object that each stands for.
        variants: &'static [(&'static str, &'static Shape)],
    },
}
