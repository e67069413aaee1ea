//! Builtin names of a language and the sorts of values they take and give.

use std::ops::BitOr;

/// A set of sorts a value may have; empty when nothing is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Sorts(pub u16);

impl Sorts {
    /// Nothing known.
    pub const UNKNOWN: Sorts = Sorts(0);
    /// Integers and floating point numbers.
    pub const NUMBER: Sorts = Sorts(1);
    /// Strings.
    pub const TEXT: Sorts = Sorts(2);
    /// Lists, arrays, tuples.
    pub const LIST: Sorts = Sorts(4);
    /// Dictionaries, maps.
    pub const MAPPING: Sorts = Sorts(8);
    /// Sets.
    pub const SET: Sorts = Sorts(16);
    /// Truth values.
    pub const TRUTH: Sorts = Sorts(32);
    /// Functions and classes.
    pub const CALLABLE: Sorts = Sorts(64);
    /// The null constant.
    pub const NULL: Sorts = Sorts(128);
    /// Objects with attributes.
    pub const OBJECT: Sorts = Sorts(256);
    /// What can be indexed by position.
    pub const SEQUENCE: Sorts = Sorts(2 | 4);
    /// What can be iterated over.
    pub const CONTAINER: Sorts = Sorts(2 | 4 | 8 | 16);
    /// How many sorts there are.
    pub const COUNT: usize = 9;

    /// Whether nothing is known.
    pub fn is_unknown(self) -> bool {
        self.0 == 0
    }

    /// Whether both are known and share a sort.
    pub fn meets(self, other: Sorts) -> bool {
        self.0 & other.0 != 0
    }

    /// Whether both are known and share no sort.
    pub fn clashes(self, other: Sorts) -> bool {
        !self.is_unknown() && !other.is_unknown() && !self.meets(other)
    }

    /// Whether this is known and all of it is in `other`.
    pub fn is_only(self, other: Sorts) -> bool {
        !self.is_unknown() && self.0 & !other.0 == 0
    }
}

impl BitOr for Sorts {
    type Output = Sorts;

    fn bitor(self, other: Sorts) -> Sorts {
        Sorts(self.0 | other.0)
    }
}

/// A function that an expression can be put into.
pub struct Wrapper {
    /// How it is called.
    pub name: &'static str,
    /// What it takes.
    pub takes: Sorts,
    /// What it gives.
    pub gives: Sorts,
    /// Whether it converts between types.
    pub converts: bool,
}

/// Something that can be written after an expression.
pub struct Addition {
    /// The text to append, such as `.lower()`.
    pub text: &'static str,
    /// What it can follow.
    pub takes: Sorts,
    /// What results.
    pub gives: Sorts,
}

/// Names with meaning in every program of the language.
pub struct Vocabulary {
    /// (`true`, `false`).
    pub truth: (&'static str, &'static str),
    /// The null constant.
    pub null: &'static str,
    /// Literals of empty values, with their sorts.
    pub empty: &'static [(&'static str, Sorts)],
    /// The name of the instance a method works on; none where it is the first parameter.
    pub receiver: Option<&'static str>,
    /// Names that are never variables of the program.
    pub builtins: &'static [&'static str],
    /// Functions that are mistaken for each other.
    pub function_groups: &'static [&'static [&'static str]],
    /// Methods that are mistaken for each other.
    pub method_groups: &'static [&'static [&'static str]],
    /// Exceptions that are mistaken for each other.
    pub exception_groups: &'static [&'static [&'static str]],
    /// Functions an expression can be put into.
    pub wrappers: &'static [Wrapper],
    /// Methods and attributes an expression can be followed by.
    pub additions: &'static [Addition],
    /// (Smaller, larger) of two numbers; none where the language has no such functions.
    pub bounds: Option<(&'static str, &'static str)>,
    /// The function that counts up to a limit, if loops use one.
    pub range: Option<&'static str>,
    /// Sorts that builtin functions give.
    pub results: &'static [(&'static str, Sorts)],
    /// Sorts that builtin functions take.
    pub takes: &'static [(&'static str, Sorts)],
    /// Sorts that methods are called on, and give.
    pub methods: &'static [(&'static str, Sorts, Sorts)],
    /// Methods that change a collection by one element: (method, collection).
    pub updates: &'static [(&'static str, Sorts)],
    /// Sorts that annotations name.
    pub annotations: &'static [(&'static str, Sorts)],
    /// Keyword arguments worth adding: (callee or method, argument).
    pub keywords: &'static [(&'static str, &'static str)],
    /// Methods that look a key up: (subscript becomes this method, takes a fallback).
    pub lookup: Option<&'static str>,
    /// Functions whose arguments are messages for people.
    pub messages: &'static [&'static str],
}

impl Vocabulary {
    /// What a builtin function gives.
    pub fn result_of(&self, function: &str) -> Sorts {
        find(self.results, function)
    }

    /// What a builtin function takes.
    pub fn taken_by(&self, function: &str) -> Sorts {
        find(self.takes, function)
    }

    /// What an annotation such as `list` stands for.
    pub fn annotated(&self, name: &str) -> Sorts {
        find(self.annotations, name)
    }

    /// (What a method is called on, what it gives).
    pub fn method(&self, name: &str) -> (Sorts, Sorts) {
        let row = self.methods.iter().find(|row| row.0 == name);
        row.map_or((Sorts::UNKNOWN, Sorts::UNKNOWN), |row| (row.1, row.2))
    }
}

fn find(table: &[(&str, Sorts)], name: &str) -> Sorts {
    table.iter().find(|row| row.0 == name).map_or(Sorts::UNKNOWN, |row| row.1)
}
