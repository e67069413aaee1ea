//! The list of forgiven findings: one line each, `rule | subject | reason`; `#` starts a comment line.

/// One forgiven finding.
#[derive(Debug)]
struct Exception {
    rule: String,
    subject: String,
    used: bool,
}

/// The whole list, which remembers which entries were of use.
#[derive(Debug, Default)]
pub struct Exceptions(Vec<Exception>);

impl Exceptions {
    /// Parses the list; every entry needs its reason.
    pub fn parse(text: &str) -> Result<Self, String> {
        let entries = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        entries.map(parse_entry).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a finding of this rule about this subject is on the list; marks the entry as used.
    pub fn forgive(&mut self, rule: &str, subject: &str) -> bool {
        let entry = self.0.iter_mut().find(|entry| entry.rule == rule && entry.subject == subject);
        entry.is_some_and(|entry| {
            entry.used = true;
            true
        })
    }

    /// Entries that forgave nothing, as `rule | subject`.
    pub fn unused(&self) -> impl Iterator<Item = String> {
        self.0.iter().filter(|entry| !entry.used).map(|entry| format!("{} | {}", entry.rule, entry.subject))
    }
}

fn parse_entry(line: &str) -> Result<Exception, String> {
    match line.splitn(3, '|').map(str::trim).collect::<Vec<_>>()[..] {
        [rule, subject, reason] if ![rule, subject, reason].contains(&"") => {
            Ok(Exception { rule: rule.to_owned(), subject: subject.to_owned(), used: false })
        }
        _ => Err(format!("the exception `{line}` is not of the form `rule | subject | reason`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_without_a_reason_is_refused() {
        for line in ["rule | subject", "rule | subject |  ", "rule", "| a | b"] {
            assert!(Exceptions::parse(line).is_err(), "{line}");
        }
        assert!(Exceptions::parse("# comment\n\nrule | subject | reason | with a bar\n").is_ok());
    }

    #[test]
    fn entries_that_were_never_needed_are_known() {
        let mut list = Exceptions::parse("a | x | r\na | y | r").unwrap();
        assert!(list.forgive("a", "x"));
        assert!(!list.forgive("b", "y"));
        assert_eq!(list.unused().collect::<Vec<_>>(), ["a | y"]);
    }
}
