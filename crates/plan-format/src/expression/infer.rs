//! What type an expression comes to, and what can never work, without running it.

use super::evaluate::a;
use super::functions;
use super::{Expression, Kind, Operator, Problem};
use crate::similar::suggestion;
use crate::value_type::ValueType;

/// Statuses that a task may end with.
pub const STATUSES: [&str; 3] = ["done", "failed", "skipped"];

/// The names that an expression may use, with their types.
pub trait Scope {
    /// An input; `None` if there is none of that name.
    fn input(&self, name: &str) -> Option<ValueType>;
    /// All inputs.
    fn inputs(&self) -> Vec<String>;
    /// Whether there is such a task.
    fn has_task(&self, task: &str) -> bool;
    /// All tasks that may be named here.
    fn tasks(&self) -> Vec<String>;
    /// An output of a task; `None` if it has none of that name.
    fn output(&self, task: &str, name: &str) -> Option<ValueType>;
    /// All outputs of a task.
    fn outputs(&self, task: &str) -> Vec<String>;
    /// A variable; `None` if there is none of that name.
    fn variable(&self, name: &str) -> Option<ValueType>;
    /// All variables.
    fn variables(&self) -> Vec<String>;
}

/// The type of an expression. Problems are noted, and what has one counts as [`ValueType::Any`].
pub fn infer(expression: &Expression, scope: &dyn Scope, problems: &mut Vec<Problem>) -> ValueType {
    let unknown = |message: String, name: &str, known: Vec<String>| {
        let help = suggestion(name, known.iter().map(String::as_str));
        Problem::new(expression.span, message).help(help)
    };
    let found = match &expression.kind {
        Kind::Literal(value) => Ok(ValueType::of(value)),
        Kind::Input(name) => scope
            .input(name)
            .ok_or_else(|| unknown(format!("there is no input `{name}`"), name, scope.inputs())),
        Kind::Status(task) | Kind::Output(task, _) if !scope.has_task(task) => {
            Err(unknown(format!("there is no task `{task}`"), task, scope.tasks()))
        }
        Kind::Status(_) => Ok(ValueType::Text),
        Kind::Output(task, name) => scope.output(task, name).ok_or_else(|| {
            unknown(format!("task `{task}` has no output `{name}`"), name, scope.outputs(task))
        }),
        Kind::Variable(name) => scope.variable(name).ok_or_else(|| {
            let mut known = scope.variables();
            known.extend(["inputs".to_owned(), "tasks".to_owned()]);
            unknown(format!("`{name}` is not known here"), name, known)
        }),
        Kind::List(items) => {
            let types: Vec<ValueType> = items.iter().map(|item| infer(item, scope, problems)).collect();
            Ok(ValueType::List(Box::new(ValueType::joined(types.into_iter()))))
        }
        Kind::Member(of, key) => {
            let (of, key) = (infer(of, scope, problems), infer(key, scope, problems));
            member(expression, &of, &key)
        }
        Kind::Call(name, arguments) => call(expression, name, arguments, scope, problems),
        Kind::Not(part) => {
            expect_truth(part, scope, problems);
            Ok(ValueType::Boolean)
        }
        Kind::Binary(operator, left, right) => {
            binary(*operator, left, right, scope, problems).map(|()| ValueType::Boolean)
        }
    };
    found.unwrap_or_else(|problem| {
        problems.push(problem);
        ValueType::Any
    })
}

/// Notes a problem unless the expression may be true or false.
pub fn expect_truth(expression: &Expression, scope: &dyn Scope, problems: &mut Vec<Problem>) {
    let kind = infer(expression, scope, problems);
    if !kind.meets(&ValueType::Boolean) {
        let message = format!("`{expression}` is {}, not true or false", a(&kind));
        problems
            .push(Problem::new(expression.span, message).help("compare it with something, such as `== 'x'`"));
    }
}

fn member(expression: &Expression, of: &ValueType, key: &ValueType) -> Result<ValueType, Problem> {
    match (of, key) {
        (ValueType::Any, _) => Ok(ValueType::Any),
        (ValueType::Object, ValueType::Text | ValueType::Any) => Ok(ValueType::Any),
        (ValueType::List(item), ValueType::Integer | ValueType::Any) => Ok((**item).clone()),
        (of, _) => Err(Problem::new(expression.span, format!("{} has no such part", a(of)))),
    }
}

fn call(
    expression: &Expression,
    name: &str,
    arguments: &[Expression],
    scope: &dyn Scope,
    problems: &mut Vec<Problem>,
) -> Result<ValueType, Problem> {
    let types: Vec<ValueType> = arguments.iter().map(|argument| infer(argument, scope, problems)).collect();
    let Some(function) = functions::find(name) else {
        let known = functions::FUNCTIONS.iter().map(|function| function.name);
        let help = suggestion(name, known);
        return Err(Problem::new(expression.span, format!("there is no function `{name}`")).help(help));
    };
    if types.len() != function.takes.len() {
        let message = format!("`{name}` takes {} values, not {}", function.takes.len(), types.len());
        return Err(Problem::new(expression.span, message));
    }
    for ((argument, kind), wanted) in arguments.iter().zip(&types).zip(function.takes) {
        if !wanted.accepts(kind) {
            let message = format!("`{name}` takes {} here, not {}", wanted.describe(), a(kind));
            problems.push(Problem::new(argument.span, message));
        }
    }
    Ok(function.gives.value_type())
}

fn binary(
    operator: Operator,
    left: &Expression,
    right: &Expression,
    scope: &dyn Scope,
    problems: &mut Vec<Problem>,
) -> Result<(), Problem> {
    if matches!(operator, Operator::And | Operator::Or) {
        expect_truth(left, scope, problems);
        expect_truth(right, scope, problems);
        return Ok(());
    }
    check_status(left, right, problems);
    check_status(right, left, problems);
    let (left_type, right_type) = (infer(left, scope, problems), infer(right, scope, problems));
    let fits = match operator {
        Operator::Equal | Operator::NotEqual => left_type.meets(&right_type),
        Operator::In | Operator::NotIn => match &right_type {
            ValueType::Any => true,
            ValueType::List(item) => item.meets(&left_type),
            ValueType::Text => left_type.meets(&ValueType::Text),
            _ => false,
        },
        _ => {
            let ordered = |kind: &ValueType| {
                matches!(kind, ValueType::Any | ValueType::Text | ValueType::Integer | ValueType::Number)
            };
            ordered(&left_type) && ordered(&right_type) && left_type.meets(&right_type)
        }
    };
    if fits {
        return Ok(());
    }
    let message = format!("{} `{}` {} can never hold", a(&left_type), operator.text(), a(&right_type));
    Err(Problem::new(left.span.to(right.span), message))
}

/// A status compared with a word that is none is a slip of the pen.
fn check_status(asked: &Expression, with: &Expression, problems: &mut Vec<Problem>) {
    if !matches!(asked.kind, Kind::Status(_)) {
        return;
    }
    with.walk(&mut |part| {
        if let Kind::Literal(serde_json::Value::String(word)) = &part.kind
            && !STATUSES.contains(&word.as_str())
        {
            let message = format!("`{word}` is not a status");
            problems.push(Problem::new(part.span, message).help(suggestion(word, STATUSES)));
        }
    });
}
