//! Expressions: a small language without side effects or loops over inputs, outputs and statuses.
//!
//! ```text
//! expression := comparison { ("and" | "or") comparison }     "and" binds tighter; "not" negates
//! comparison := operand [ ("==" | "!=" | "<" | "<=" | ">" | ">=" | "in" | "not in") operand ]
//! operand    := literal | "[" items "]" | "(" expression ")" | function "(" arguments ")" | reference { "." name | "[" expression "]" }
//! reference  := inputs.NAME | tasks.ID.outputs.NAME | tasks.ID.status | item | index
//! ```

pub mod evaluate;
mod functions;
pub mod infer;
mod lexer;
mod parser;
mod print;

use serde_json::Value;

use crate::source::Span;

pub use parser::parse;

/// An expression with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    /// Where it stands.
    pub span: Span,
    /// What it is.
    pub kind: Kind,
}

/// Kinds of expressions.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// A value.
    Literal(Value),
    /// `inputs.NAME`.
    Input(String),
    /// `tasks.ID.status`.
    Status(String),
    /// `tasks.ID.outputs.NAME`.
    Output(String, String),
    /// `item`, `index`, or the name that `as` gives.
    Variable(String),
    /// `[a, b]`.
    List(Vec<Expression>),
    /// `of.name` and `of[key]`.
    Member(Box<Expression>, Box<Expression>),
    /// `function(a, b)`.
    Call(String, Vec<Expression>),
    /// `not a`.
    Not(Box<Expression>),
    /// `a == b`.
    Binary(Operator, Box<Expression>, Box<Expression>),
}

/// Operators between two operands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operator {
    /// Both.
    And,
    /// At least one.
    Or,
    /// Equal.
    Equal,
    /// Not equal.
    NotEqual,
    /// Less.
    Less,
    /// Less or equal.
    AtMost,
    /// Greater.
    Greater,
    /// Greater or equal.
    AtLeast,
    /// Item of a list, or part of a text.
    In,
    /// The opposite of `In`.
    NotIn,
}

impl Operator {
    /// How it is written.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::And => "and",
            Self::Or => "or",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::AtMost => "<=",
            Self::Greater => ">",
            Self::AtLeast => ">=",
            Self::In => "in",
            Self::NotIn => "not in",
        }
    }
}

/// What is wrong with an expression, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub span: Span,
    /// What.
    pub message: String,
    /// What to do.
    pub help: Option<String>,
}

impl Problem {
    /// A problem without advice.
    #[must_use]
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Self { span, message: message.into(), help: None }
    }

    /// The same with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl Expression {
    /// Calls `visit` for this and all parts.
    pub fn walk(&self, visit: &mut dyn FnMut(&Expression)) {
        visit(self);
        match &self.kind {
            Kind::List(parts) | Kind::Call(_, parts) => parts.iter().for_each(|part| part.walk(visit)),
            Kind::Not(part) => part.walk(visit),
            Kind::Member(left, right) | Kind::Binary(_, left, right) => {
                left.walk(visit);
                right.walk(visit);
            }
            Kind::Literal(_) | Kind::Input(_) | Kind::Status(_) | Kind::Output(..) | Kind::Variable(_) => {}
        }
    }

    /// The tasks that are named, with the places.
    #[must_use]
    pub fn tasks(&self) -> Vec<(String, Span)> {
        let mut named = Vec::new();
        self.walk(&mut |part| match &part.kind {
            Kind::Status(task) | Kind::Output(task, _) => named.push((task.clone(), part.span)),
            _ => {}
        });
        named
    }
}
