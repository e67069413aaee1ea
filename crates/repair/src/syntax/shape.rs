//! The language-neutral vocabulary of syntax: what a node is, and what it is to its parent.
//!
//! The families of edits are written against these words only; each language's grammar table says which of
//! its node kinds and fields they stand for.

/// What a node is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Shape {
    // Leaves.
    Name,
    Member,
    Keyword,
    Integer,
    Float,
    Text,
    Boolean,
    Null,
    /// Anything the enumerator leaves alone: annotations, patterns, imports, errors.
    Opaque,
    // Expressions.
    FormattedText,
    Interpolation,
    Comparison,
    Binary,
    Logical,
    Not,
    /// A sign or bitwise complement.
    Unary,
    Conditional,
    Call,
    Attribute,
    Subscript,
    Slice,
    Listing,
    Tuple,
    Mapping,
    Pair,
    Set,
    Comprehension,
    Iteration,
    Filter,
    Lambda,
    Await,
    Yield,
    Starred,
    Parenthesised,
    KeywordArgument,
    NamedExpression,
    /// A target list such as `a, b` in `for a, b in …`.
    Targets,
    // Simple statements.
    ExpressionStatement,
    Assignment,
    /// An assignment used as the value of another one: `a = b = c`.
    ChainedAssignment,
    AugmentedAssignment,
    Return,
    Raise,
    Assert,
    Delete,
    Break,
    Continue,
    Pass,
    Docstring,
    Import,
    // Compound statements and their parts.
    If,
    ElseIf,
    Else,
    For,
    While,
    Try,
    Handler,
    Finally,
    With,
    Alias,
    Match,
    Case,
    Function,
    Class,
    Decorated,
    Parameters,
    Parameter,
    Block,
    Module,
}

/// What a node is to its parent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    Left,
    Right,
    Operand,
    Condition,
    Then,
    Otherwise,
    Callee,
    Argument,
    Object,
    Member,
    Index,
    Lower,
    Upper,
    Step,
    Target,
    Value,
    Iterable,
    Key,
    Element,
    Name,
    Body,
    Alternative,
    Subject,
    Guard,
    Default,
    Statement,
    Other,
}

impl Shape {
    /// Whether the node is an expression that yields a value.
    pub fn is_expression(self) -> bool {
        use Shape::*;
        matches!(
            self,
            Name | Integer
                | Float
                | Text
                | Boolean
                | Null
                | FormattedText
                | Comparison
                | Binary
                | Logical
                | Not
                | Unary
                | Conditional
                | Call
                | Attribute
                | Subscript
                | Listing
                | Tuple
                | Mapping
                | Set
                | Comprehension
                | Lambda
                | Await
                | Yield
                | Parenthesised
                | NamedExpression
        )
    }

    /// Whether the node is a statement without a body.
    pub fn is_simple_statement(self) -> bool {
        use Shape::*;
        matches!(
            self,
            ExpressionStatement
                | Assignment
                | AugmentedAssignment
                | Return
                | Raise
                | Assert
                | Delete
                | Break
                | Continue
                | Pass
        )
    }

    /// Whether the node is a statement with a body.
    pub fn is_compound_statement(self) -> bool {
        use Shape::*;
        matches!(self, If | For | While | Try | With | Match | Function | Class | Decorated)
    }

    /// Whether control never reaches the statement after this one.
    pub fn leaves(self) -> bool {
        matches!(self, Shape::Return | Shape::Raise | Shape::Break | Shape::Continue)
    }

    /// Whether the value is known to be a truth value.
    pub fn is_truth(self) -> bool {
        matches!(self, Shape::Comparison | Shape::Not | Shape::Boolean)
    }

    /// Whether the node is a literal constant without parts.
    pub fn is_constant(self) -> bool {
        matches!(self, Shape::Integer | Shape::Float | Shape::Text | Shape::Boolean | Shape::Null)
    }
}
