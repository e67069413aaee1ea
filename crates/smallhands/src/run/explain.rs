//! The orchestrator's errors in the words of the command: what failed, on what, what to do next.

use smallhands_orchestrator::request::{ErrorClass, RunError};

use crate::exit_code;
use crate::failure::Failure;

/// The failure for an error. Messages of the orchestrator say what to do next after their last semicolon.
pub fn explain(error: &RunError) -> Failure {
    if let RunError::BadPlan(bad) = error {
        // Its problems are shown whole, each with its own advice.
        let what = bad.rendered.strip_prefix("error: ").unwrap_or(&bad.rendered).to_owned();
        let next = format!("correct it; `smallhands plan check {}` says whether it is right", bad.file);
        return Failure { what, on: None, next: Some(next), exit: exit_code::BAD_INPUT };
    }
    let message = error.to_string();
    let (what, next) = match message.rsplit_once("; ") {
        Some((what, next)) => (what.to_owned(), Some(next.to_owned())),
        None => (message, None),
    };
    Failure { what, on: None, next, exit: exit_code_of(error.class()) }
}

fn exit_code_of(class: ErrorClass) -> u8 {
    match class {
        ErrorClass::BadInput => exit_code::BAD_INPUT,
        ErrorClass::Limit => exit_code::LIMIT,
        ErrorClass::Infrastructure => exit_code::INFRASTRUCTURE,
        ErrorClass::Interrupted => exit_code::INTERRUPTED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_is_told_apart_from_the_trouble() {
        let failure = explain(&RunError::BadInput("no plan; write one".into()));
        assert_eq!(failure.to_string(), "error: no plan\n  next: write one");
        assert_eq!(failure.exit, 2);
        assert_eq!(explain(&RunError::BadInput("odd".into())).to_string(), "error: odd");
    }

    #[test]
    fn an_interrupt_says_how_to_resume() {
        let failure = explain(&RunError::Interrupted { run: "r7".into() });
        assert_eq!(failure.exit, 130);
        assert!(failure.to_string().contains("smallhands resume r7"));
    }

    #[test]
    fn every_class_has_its_documented_code() {
        let classes =
            [ErrorClass::BadInput, ErrorClass::Limit, ErrorClass::Infrastructure, ErrorClass::Interrupted];
        assert_eq!(classes.map(exit_code_of), [2, 3, 4, 130]);
    }
}
