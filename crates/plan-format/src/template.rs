//! Text with `${{ … }}` in it, and values with such texts in them.
//!
//! `$${{` stands for `${{` itself.

use serde_json::{Map, Value};

use crate::expression::evaluate::{Facts, as_text, evaluate};
use crate::expression::{Expression, Problem, parse};
use crate::node::{Kind, Node};
use crate::source::{Sources, Span};

const OPEN: &str = "${{";
const CLOSE: &str = "}}";
/// Longest text that a template may become, in bytes.
const LONGEST: usize = 1 << 20;

/// Text with expressions.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    /// Where it stands.
    pub span: Span,
    /// As written.
    pub text: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Value(Expression),
}

/// A value whose texts may be templates.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// As it is.
    Value(Value),
    /// A template; one that is a single expression keeps the expression's type.
    Template(Template),
    /// A list.
    List(Vec<Given>),
    /// A mapping.
    Map(Vec<(String, Given)>),
}

impl Template {
    /// Reads the text of a scalar. Problems are noted; what has one is left as text.
    pub fn read(node: &Node, sources: &Sources, problems: &mut Vec<Problem>) -> Self {
        let text = node.text().unwrap_or_default().to_owned();
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut at = 0;
        while let Some(found) = text[at..].find(OPEN) {
            let open = at + found;
            if text[..open].ends_with('$') {
                plain.push_str(text[at..open].strip_suffix('$').unwrap_or_default());
                plain.push_str(OPEN);
                at = open + OPEN.len();
                continue;
            }
            plain.push_str(&text[at..open]);
            let start = open + OPEN.len();
            let Some(length) = closing(&text[start..]) else {
                let span = node.place(sources, open, start);
                problems.push(Problem::new(span, "`${{` has no end").help("close it with `}}`"));
                at = text.len();
                break;
            };
            let place =
                |range: std::ops::Range<usize>| node.place(sources, start + range.start, start + range.end);
            match parse(&text[start..start + length], &place) {
                Ok(expression) => {
                    if !plain.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut plain)));
                    }
                    parts.push(Part::Value(expression));
                }
                Err(problem) => problems.push(problem),
            }
            at = start + length + CLOSE.len();
        }
        plain.push_str(&text[at..]);
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Self { span: node.span, text, parts }
    }

    /// The expressions in it.
    pub fn expressions(&self) -> impl Iterator<Item = &Expression> {
        self.parts.iter().filter_map(|part| match part {
            Part::Value(expression) => Some(expression),
            Part::Text(_) => None,
        })
    }

    /// The expression, when there is nothing else.
    #[must_use]
    pub fn only_expression(&self) -> Option<&Expression> {
        match self.parts.as_slice() {
            [Part::Value(expression)] => Some(expression),
            _ => None,
        }
    }

    /// The text with every expression's value in its place.
    ///
    /// # Errors
    /// When an expression has no value, or the text becomes too long.
    pub fn render(&self, facts: &dyn Facts) -> Result<String, Problem> {
        self.render_with(facts, &|value| Ok(as_text(value)))
    }

    /// The same for a shell: every value is quoted, a list becomes several words.
    ///
    /// # Errors
    /// As [`Template::render`].
    pub fn render_for_shell(&self, facts: &dyn Facts) -> Result<String, Problem> {
        self.render_with(facts, &shell_words)
    }

    fn render_with(
        &self,
        facts: &dyn Facts,
        show: &dyn Fn(&Value) -> Result<String, String>,
    ) -> Result<String, Problem> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Value(expression) => {
                    let value = evaluate(expression, facts)?;
                    out.push_str(&show(&value).map_err(|message| Problem::new(expression.span, message))?);
                }
            }
            if out.len() > LONGEST {
                return Err(Problem::new(self.span, format!("this becomes longer than {LONGEST} bytes")));
            }
        }
        Ok(out)
    }

    /// Expressions inside quotes of a shell command, where the quotes that are added would end the quotation.
    #[must_use]
    pub fn inside_quotes(&self) -> Vec<Span> {
        if self.text.contains("<<") {
            return Vec::new();
        }
        let mut state = Quotes::default();
        let mut inside = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => text.chars().for_each(|c| state.read(c)),
                Part::Value(expression) if state.open.is_some() => inside.push(expression.span),
                Part::Value(_) => state.read('x'),
            }
        }
        inside
    }
}

/// Where a shell stands in its quotes and comments.
#[derive(Debug, Default)]
struct Quotes {
    open: Option<char>,
    /// The quotes around each `$( … )` that is open.
    around: Vec<Option<char>>,
    escaped: bool,
    comment: bool,
    before: Option<char>,
}

impl Quotes {
    fn read(&mut self, c: char) {
        let starts_word = self.before.is_none_or(char::is_whitespace);
        match (self.open, c) {
            _ if self.comment => self.comment = c != '\n',
            _ if self.escaped => self.escaped = false,
            (None | Some('"'), '\\') => self.escaped = true,
            (None | Some('"'), '(') if self.before == Some('$') => {
                self.around.push(self.open);
                self.open = None;
            }
            (None, ')') => self.open = self.around.pop().flatten(),
            (None, '#') if starts_word => self.comment = true,
            (None, '\'' | '"') => self.open = Some(c),
            (Some(quote), c) if c == quote => self.open = None,
            _ => {}
        }
        self.before = Some(c);
    }
}

/// The value as one word of a shell, a list as several.
fn shell_words(value: &Value) -> Result<String, String> {
    match value {
        Value::Array(items) => Ok(items.iter().map(quote).collect::<Result<Vec<_>, _>>()?.join(" ")),
        other => quote(other),
    }
}

fn quote(value: &Value) -> Result<String, String> {
    let text = as_text(value);
    if text.contains('\0') {
        return Err("a NUL character cannot be given to a command".to_owned());
    }
    let harmless = |c: char| c.is_ascii_alphanumeric() || "_-./:=@%+,".contains(c);
    if !text.is_empty() && text.chars().all(harmless) {
        return Ok(text);
    }
    Ok(format!("'{}'", text.replace('\'', "'\\''")))
}

/// Where an expression ends: the first `}}` outside quotes.
fn closing(text: &str) -> Option<usize> {
    let mut quote = None;
    let mut escaped = false;
    for (at, c) in text.char_indices() {
        match quote {
            Some(open) => {
                if !escaped && c == open {
                    quote = None;
                }
                escaped = !escaped && c == '\\';
            }
            None if text[at..].starts_with(CLOSE) => return Some(at),
            None => quote = ['\'', '"'].contains(&c).then_some(c),
        }
    }
    None
}

impl Given {
    /// Reads a value.
    pub fn read(node: &Node, sources: &Sources, problems: &mut Vec<Problem>) -> Self {
        match &node.kind {
            Kind::Scalar { text, value: Value::String(_) } if text.contains(OPEN) => {
                Self::Template(Template::read(node, sources, problems))
            }
            Kind::Scalar { value, .. } => Self::Value(value.clone()),
            Kind::List(items) => {
                Self::List(items.iter().map(|item| Self::read(item, sources, problems)).collect())
            }
            Kind::Map(entries) => Self::Map(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), Self::read(&entry.value, sources, problems)))
                    .collect(),
            ),
        }
    }

    /// All expressions in it.
    #[must_use]
    pub fn expressions(&self) -> Vec<&Expression> {
        match self {
            Self::Value(_) => Vec::new(),
            Self::Template(template) => template.expressions().collect(),
            Self::List(items) => items.iter().flat_map(Self::expressions).collect(),
            Self::Map(entries) => entries.iter().flat_map(|(_, value)| value.expressions()).collect(),
        }
    }

    /// The value with every expression's value in its place.
    ///
    /// # Errors
    /// When an expression has no value.
    pub fn render(&self, facts: &dyn Facts) -> Result<Value, Problem> {
        Ok(match self {
            Self::Value(value) => value.clone(),
            Self::Template(template) => match template.only_expression() {
                Some(expression) => evaluate(expression, facts)?,
                None => Value::from(template.render(facts)?),
            },
            Self::List(items) => {
                Value::Array(items.iter().map(|item| item.render(facts)).collect::<Result<_, _>>()?)
            }
            Self::Map(entries) => {
                let mut fields = Map::new();
                for (name, value) in entries {
                    fields.insert(name.clone(), value.render(facts)?);
                }
                Value::Object(fields)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Source;
    use serde_json::json;

    /// Only inputs: `v`.
    struct One(Value);

    impl Facts for One {
        fn input(&self, _: &str) -> Option<Value> {
            Some(self.0.clone())
        }
        fn status(&self, _: &str) -> Option<&'static str> {
            None
        }
        fn output(&self, _: &str, _: &str) -> Option<Value> {
            None
        }
        fn variable(&self, _: &str) -> Option<Value> {
            None
        }
    }

    fn template(text: &str) -> (Template, Vec<Problem>) {
        let mut sources = Sources::default();
        sources.add(Source::new("p", text));
        let kind = Kind::Scalar { text: text.to_owned(), value: Value::from(text) };
        let node = Node { span: Span::new(0, 0, text.len()), kind };
        let mut problems = Vec::new();
        (Template::read(&node, &sources, &mut problems), problems)
    }

    #[test]
    fn values_are_put_in() {
        for (text, value, expected) in [
            ("plain", json!(1), "plain"),
            ("v${{ inputs.v }}!", json!("1.2"), "v1.2!"),
            ("${{ inputs.v }}${{inputs.v}}", json!(3), "33"),
            ("$${{ inputs.v }}", json!(3), "${{ inputs.v }}"),
            ("${{ '}}' }}", json!(3), "}}"),
            ("a ${{ inputs.v }}", json!(null), "a "),
            ("${HOME} $x {{ }}", json!(null), "${HOME} $x {{ }}"),
        ] {
            let (template, problems) = template(text);
            assert!(problems.is_empty(), "{text}: {problems:?}");
            assert_eq!(template.render(&One(value)).unwrap(), expected, "{text}");
        }
    }

    #[test]
    fn a_shell_gets_words() {
        for (value, expected) in [
            (json!("plain-1.2"), "x plain-1.2 y"),
            (json!("two words"), "x 'two words' y"),
            (json!("it's; rm -rf /"), "x 'it'\\''s; rm -rf /' y"),
            (json!("$(reboot)"), "x '$(reboot)' y"),
            (json!(""), "x '' y"),
            (json!(null), "x '' y"),
            (json!(["a", "b c"]), "x a 'b c' y"),
            (json!([]), "x  y"),
            (json!({"a": 1}), "x '{\"a\":1}' y"),
        ] {
            assert_eq!(template("x ${{ inputs.v }} y").0.render_for_shell(&One(value)).unwrap(), expected);
        }
        assert!(template("${{ inputs.v }}").0.render_for_shell(&One(json!("\0"))).is_err());
    }

    #[test]
    fn values_inside_quotes_are_noticed() {
        for (text, inside) in [
            ("echo ${{ inputs.v }}", 0),
            ("echo \"${{ inputs.v }}\"", 1),
            ("echo '${{ inputs.v }}'", 1),
            ("echo \"a\" ${{ inputs.v }} 'b'", 0),
            ("echo \\\" ${{ inputs.v }}", 0),
            ("# don't\necho ${{ inputs.v }}", 0),
            ("echo \"n=$(wc -l < ${{ inputs.v }})\"", 0),
            ("echo \"n=$(wc -l) ${{ inputs.v }}\"", 1),
            ("cat <<E\nit's ${{ inputs.v }}\nE", 0),
        ] {
            assert_eq!(template(text).0.inside_quotes().len(), inside, "{text}");
        }
    }

    #[test]
    fn a_single_expression_keeps_its_type() {
        let (whole, _) = template("${{ inputs.v }}");
        assert_eq!(Given::Template(whole).render(&One(json!([1]))).unwrap(), json!([1]));
        let (part, _) = template("v${{ inputs.v }}");
        assert_eq!(Given::Template(part).render(&One(json!([1]))).unwrap(), json!("v[1]"));
        assert_eq!(template("a ${{ inputs.v").1[0].message, "`${{` has no end");
    }
}
