//! From tokens to an expression, by recursive descent.

use std::ops::Range;

use serde_json::Value;

use super::lexer::{Placed, Token, tokens};
use super::{Expression, Kind, Operator, Problem};
use crate::similar::suggestion;
use crate::source::Span;

/// Deepest nesting.
const DEEPEST: usize = 32;

/// Reads an expression; `place` says where a range of its bytes stands in the file.
///
/// # Errors
/// The first thing that cannot be read.
pub fn parse(text: &str, place: &dyn Fn(Range<usize>) -> Span) -> Result<Expression, Problem> {
    let tokens =
        tokens(text).map_err(|(range, message, help)| Problem { span: place(range), message, help })?;
    let mut parser = Parser { tokens, at: 0, end: text.len(), place, depth: 0 };
    let expression = parser.expression(0)?;
    match parser.tokens.get(parser.at) {
        None => Ok(expression),
        Some((token, _)) => Err(parser.wrong(&format!("unexpected {}", describe(token)))),
    }
}

struct Parser<'a> {
    tokens: Vec<Placed>,
    at: usize,
    end: usize,
    place: &'a dyn Fn(Range<usize>) -> Span,
    depth: usize,
}

impl Parser<'_> {
    /// A problem with the token that comes next.
    fn wrong(&self, message: &str) -> Problem {
        let range = self.tokens.get(self.at).map_or(self.end..self.end, |(_, range)| range.clone());
        Problem::new((self.place)(range), message)
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at).map(|(token, _)| token)
    }

    fn peek_word(&self, ahead: usize) -> Option<&str> {
        match self.tokens.get(self.at + ahead) {
            Some((Token::Word(word), _)) => Some(word),
            _ => None,
        }
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let there = matches!(self.peek(), Some(Token::Sign(next)) if *next == sign);
        self.at += usize::from(there);
        there
    }

    fn take_word(&mut self, word: &str) -> bool {
        let there = self.peek_word(0) == Some(word);
        self.at += usize::from(there);
        there
    }

    /// From token `first` to the last one taken.
    fn span_from(&self, first: usize) -> Span {
        let range = |index: usize| self.tokens.get(index).map(|(_, range)| range.clone());
        let last = self.at.saturating_sub(1).max(first);
        match (range(first), range(last)) {
            (Some(from), Some(to)) => (self.place)(from.start..to.end),
            _ => (self.place)(self.end..self.end),
        }
    }

    /// Operators by how tightly they bind: `or`, `and`, comparisons.
    fn expression(&mut self, level: usize) -> Result<Expression, Problem> {
        let first = self.at;
        if level > 2 {
            return self.negation();
        }
        if level == 2 {
            if self.take_word("not") {
                let part = self.deeper(|parser| parser.expression(2))?;
                return Ok(Expression { span: self.span_from(first), kind: Kind::Not(Box::new(part)) });
            }
            let left = self.negation()?;
            let Some(operator) = self.comparison() else { return Ok(left) };
            let right = self.negation()?;
            return Ok(self.binary(first, operator, left, right));
        }
        let (word, operator) = if level == 0 { ("or", Operator::Or) } else { ("and", Operator::And) };
        let mut left = self.expression(level + 1)?;
        while self.take_word(word) {
            let right = self.expression(level + 1)?;
            left = self.binary(first, operator, left, right);
        }
        Ok(left)
    }

    fn binary(&self, first: usize, operator: Operator, left: Expression, right: Expression) -> Expression {
        let kind = Kind::Binary(operator, Box::new(left), Box::new(right));
        Expression { span: self.span_from(first), kind }
    }

    fn comparison(&mut self) -> Option<Operator> {
        use Operator::{AtLeast, AtMost, Equal, Greater, In, Less, NotEqual, NotIn};
        let by_sign = [Equal, NotEqual, AtMost, AtLeast, Less, Greater];
        if let Some(operator) = by_sign.into_iter().find(|operator| self.take_sign(operator.text())) {
            return Some(operator);
        }
        if self.peek_word(0) == Some("not") && self.peek_word(1) == Some("in") {
            self.at += 2;
            return Some(NotIn);
        }
        self.take_word("in").then_some(In)
    }

    /// A number may have a sign.
    fn negation(&mut self) -> Result<Expression, Problem> {
        let first = self.at;
        if !self.take_sign("-") {
            return self.postfix();
        }
        let negative = match self.peek() {
            Some(Token::Literal(Value::Number(number))) => {
                let whole = number.as_i64().and_then(i64::checked_neg).map(Value::from);
                whole.or_else(|| number.as_f64().map(|number| Value::from(-number)))
            }
            _ => None,
        };
        let Some(value) = negative else { return Err(self.wrong("`-` may only stand before a number")) };
        self.at += 1;
        Ok(Expression { span: self.span_from(first), kind: Kind::Literal(value) })
    }

    fn postfix(&mut self) -> Result<Expression, Problem> {
        let first = self.at;
        let mut expression = self.operand()?;
        loop {
            let key = if self.take_sign(".") {
                let key = self.name("a name after `.`")?;
                Expression { span: self.span_from(self.at - 1), kind: Kind::Literal(Value::from(key)) }
            } else if self.take_sign("[") {
                let key = self.deeper(|parser| parser.expression(0))?;
                self.expect("]")?;
                key
            } else {
                return Ok(expression);
            };
            let kind = Kind::Member(Box::new(expression), Box::new(key));
            expression = Expression { span: self.span_from(first), kind };
        }
    }

    fn operand(&mut self) -> Result<Expression, Problem> {
        let first = self.at;
        let kind = match self.peek().cloned() {
            Some(Token::Literal(value)) => {
                self.at += 1;
                Kind::Literal(value)
            }
            Some(Token::Sign("(")) => {
                self.at += 1;
                let inner = self.deeper(|parser| parser.expression(0))?;
                self.expect(")")?;
                return Ok(inner);
            }
            Some(Token::Sign("[")) => {
                self.at += 1;
                Kind::List(self.items("]")?)
            }
            Some(Token::Word(word)) => {
                self.at += 1;
                self.named(&word)?
            }
            Some(other) => {
                return Err(self.wrong(&format!("a value is expected here, not {}", describe(&other))));
            }
            None => return Err(self.wrong("a value is expected here")),
        };
        Ok(Expression { span: self.span_from(first), kind })
    }

    /// What a word stands for.
    fn named(&mut self, word: &str) -> Result<Kind, Problem> {
        Ok(match word {
            "true" => Kind::Literal(Value::Bool(true)),
            "false" => Kind::Literal(Value::Bool(false)),
            "null" => Kind::Literal(Value::Null),
            "inputs" => {
                self.expect(".")?;
                Kind::Input(self.name("the name of an input")?)
            }
            "tasks" => self.task()?,
            "and" | "or" | "not" | "in" => {
                self.at -= 1;
                return Err(self.wrong(&format!("a value is expected here, not `{word}`")));
            }
            _ if self.take_sign("(") => Kind::Call(word.to_owned(), self.items(")")?),
            _ => Kind::Variable(word.to_owned()),
        })
    }

    fn task(&mut self) -> Result<Kind, Problem> {
        self.expect(".")?;
        let task = self.name("the id of a task")?;
        self.expect(".")?;
        let part = self.name("`outputs` or `status`")?;
        match part.as_str() {
            "status" => Ok(Kind::Status(task)),
            "outputs" => {
                self.expect(".")?;
                Ok(Kind::Output(task, self.name("the name of an output")?))
            }
            other => {
                self.at -= 1;
                let help = suggestion(other, ["outputs", "status"]);
                Err(self.wrong(&format!("a task has no `{other}`")).help(help))
            }
        }
    }

    fn name(&mut self, what: &str) -> Result<String, Problem> {
        match self.peek_word(0).map(str::to_owned) {
            Some(word) => {
                self.at += 1;
                Ok(word)
            }
            None => Err(self.wrong(&format!("{what} is expected here"))),
        }
    }

    fn expect(&mut self, sign: &str) -> Result<(), Problem> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.wrong(&format!("`{sign}` is expected here"))) }
    }

    fn items(&mut self, end: &str) -> Result<Vec<Expression>, Problem> {
        let mut items = Vec::new();
        while !self.take_sign(end) {
            if !items.is_empty() {
                self.expect(",")?;
            }
            items.push(self.deeper(|parser| parser.expression(0))?);
        }
        Ok(items)
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Problem>) -> Result<T, Problem> {
        if self.depth >= DEEPEST {
            return Err(self.wrong("the expression is nested too deeply"));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }
}

fn describe(token: &Token) -> String {
    match token {
        Token::Word(word) => format!("`{word}`"),
        Token::Literal(value) => format!("`{value}`"),
        Token::Sign(sign) => format!("`{sign}`"),
    }
}
