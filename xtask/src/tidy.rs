//! `tidy`: the rules of the repository that no compiler knows, each a small check over the tracked files.
//!
//! A rule looks at a [`Repository`] and returns [`Finding`]s. Findings that are listed in `xtask/tidy-exceptions.txt` are
//! forgiven; a listed exception that forgives nothing is itself a finding, so that the list can only shrink.

mod exceptions;
mod repository;
mod rules;
mod source;

use std::path::Path;
use std::process::ExitCode;

use exceptions::Exceptions;
use repository::Repository;
use rules::RULES;

/// Where the exceptions are listed, relative to the repository's root.
const EXCEPTIONS: &str = "xtask/tidy-exceptions.txt";

/// Something that breaks a rule.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// What the finding is about, stable under edits elsewhere: a path, or `path::function`. Exceptions name it.
    pub subject: String,
    /// Line in the file, where there is one.
    pub line: Option<usize>,
    /// What is wrong and what to do.
    pub message: String,
}

impl Finding {
    /// A finding about a whole file, crate or other named thing.
    pub fn about(subject: impl Into<String>, message: impl Into<String>) -> Self {
        Self { subject: subject.into(), line: None, message: message.into() }
    }

    /// A finding at a line (from 1) of a file.
    pub fn at(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { subject: path.to_owned(), line: Some(line), message: message.into() }
    }

    fn show(&self, rule: &str) -> String {
        let place = self.line.map_or_else(String::new, |line| format!(":{line}"));
        format!("{}{place}: {} [{rule}]", self.subject, self.message)
    }
}

/// Checks the repository that the current directory belongs to and prints what it finds.
pub fn run() -> ExitCode {
    let checked = Repository::open(Path::new(".")).and_then(|repository| {
        let list = std::fs::read_to_string(repository.root.join(EXCEPTIONS)).unwrap_or_default();
        let exceptions = Exceptions::parse(&list)?;
        println!("{}", rules::test_ratio::table(&repository));
        Ok(check(&repository, exceptions))
    });
    match checked {
        Err(reason) => {
            eprintln!("error: tidy could not look at the repository: {reason}");
            ExitCode::from(2)
        }
        Ok(lines) if lines.is_empty() => {
            println!("tidy: {} rules hold", RULES.len());
            ExitCode::SUCCESS
        }
        Ok(lines) => {
            lines.iter().for_each(|line| eprintln!("{line}"));
            eprintln!(
                "tidy: {} findings; mend them, or list one with its reason in {EXCEPTIONS}",
                lines.len()
            );
            ExitCode::FAILURE
        }
    }
}

/// All findings that no exception forgives, then the exceptions that forgave nothing, ready to print.
fn check(repository: &Repository, mut exceptions: Exceptions) -> Vec<String> {
    let mut lines = Vec::new();
    for rule in &RULES {
        let mut findings = (rule.check)(repository);
        findings.sort();
        findings.retain(|finding| !exceptions.forgive(rule.name, &finding.subject));
        lines.extend(findings.iter().map(|finding| finding.show(rule.name)));
    }
    lines.extend(
        exceptions.unused().map(|entry| {
            format!("{EXCEPTIONS}: `{entry}` forgives nothing any more; remove it [exceptions]")
        }),
    );
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn findings_are_forgiven_by_name_and_stale_exceptions_are_reported() {
        let repository = Repository::of(&[("crates/a/src/lib.rs", "fn nothing() {}\n")]);
        let module_docs = |list: &str| {
            let lines = check(&repository, Exceptions::parse(list).unwrap());
            lines
                .into_iter()
                .filter(|line| line.contains("[module-docs]") || line.contains("[exceptions]"))
                .collect::<Vec<_>>()
        };
        assert_eq!(module_docs("").len(), 1);
        assert_eq!(module_docs("module-docs | crates/a/src/lib.rs | shown in a test"), Vec::<String>::new());
        let stale = module_docs("module-docs | crates/a/src/lib.rs | x\nmodule-docs | crates/b.rs | y");
        assert_eq!(stale.len(), 1);
        assert!(stale[0].contains("crates/b.rs"), "{stale:?}");
    }

    #[test]
    fn a_finding_says_where_what_and_which_rule() {
        assert_eq!(Finding::at("a.rs", 3, "is wrong").show("rule"), "a.rs:3: is wrong [rule]");
        assert_eq!(Finding::about("a", "is wrong").show("rule"), "a: is wrong [rule]");
    }
}
