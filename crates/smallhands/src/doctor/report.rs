//! What the doctor found, and how it is said.

use std::fmt;

use serde::Serialize;
use serde_json::json;

/// What a finding is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    /// Programs that every run needs.
    Basics,
    /// What a language's checks need.
    Toolchain,
    /// Places where agents can work.
    Sandbox,
    /// Language models.
    Model,
    /// The state directory and the disk under it.
    State,
}

/// How it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Usable.
    Ok,
    /// Usable with a reservation.
    Warning,
    /// Not usable; runs that need it will fail.
    Missing,
    /// Not a part of this version.
    NotYet,
}

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What it is about.
    pub area: Area,
    /// Its name within the area.
    pub name: String,
    /// How it is.
    pub status: Status,
    /// Version, path or figure, or what is wrong.
    pub detail: String,
    /// What to do about it, when there is something to do.
    pub remedy: Option<String>,
    /// Whether no run is possible without it.
    pub essential: bool,
}

/// Everything that was found.
#[derive(Debug, Clone)]
pub struct Report {
    /// In the order in which it is shown.
    pub findings: Vec<Finding>,
}

impl Report {
    /// Whether runs are possible here at all.
    pub fn is_ready(&self) -> bool {
        !self.findings.iter().any(|finding| finding.essential && finding.status == Status::Missing)
    }

    /// The report as one line of JSON.
    pub fn to_json(&self) -> String {
        let version = env!("CARGO_PKG_VERSION");
        json!({"type": "doctor", "ready": self.is_ready(), "version": version, "findings": self.findings})
            .to_string()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut area = None;
        for finding in &self.findings {
            if area.replace(finding.area) != Some(finding.area) {
                writeln!(f, "{}", title(finding.area))?;
            }
            writeln!(f, "  {:3} {:12} {}", mark(finding), finding.name, finding.detail)?;
            if let Some(remedy) = &finding.remedy {
                writeln!(f, "      {:12} → {remedy}", "")?;
            }
        }
        let conclusion = if self.is_ready() {
            "Runs are possible here."
        } else {
            "No run is possible here yet: see what is marked with !! above."
        };
        writeln!(f, "\n{conclusion}")
    }
}

fn title(area: Area) -> &'static str {
    match area {
        Area::Basics => "Basics",
        Area::Toolchain => "Toolchains",
        Area::Sandbox => "Sandboxes",
        Area::Model => "Models (optional)",
        Area::State => "State",
    }
}

fn mark(finding: &Finding) -> &'static str {
    match finding.status {
        Status::Ok => "ok",
        Status::Warning => "!",
        Status::Missing if finding.essential => "!!",
        Status::Missing | Status::NotYet => "-",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finding(name: &str, status: Status, essential: bool) -> Finding {
        let remedy = (status != Status::Ok).then(|| format!("install {name}"));
        Finding { area: Area::Basics, name: name.into(), status, detail: "1.0".into(), remedy, essential }
    }

    #[test]
    fn only_essential_things_decide() {
        let ready = |findings| Report { findings }.is_ready();
        assert!(ready(vec![finding("git", Status::Ok, true), finding("go", Status::Missing, false)]));
        assert!(ready(vec![finding("disk", Status::Warning, true)]));
        assert!(!ready(vec![finding("git", Status::Missing, true)]));
    }

    #[test]
    fn each_problem_is_shown_with_its_remedy() {
        let mut findings = vec![finding("git", Status::Missing, true), finding("bash", Status::Ok, true)];
        findings.push(Finding { area: Area::Model, ..finding("model", Status::NotYet, false) });
        let text = Report { findings }.to_string();
        let expected = "Basics\n  !!  git          1.0\n                   → install git\n  ok  bash         1.0\nModels (optional)\n";
        assert!(text.starts_with(expected), "{text}");
        assert!(text.contains("No run is possible here yet"), "{text}");
    }

    #[test]
    fn json_is_one_line_with_the_conclusion() {
        let line = Report { findings: vec![finding("git", Status::Ok, true)] }.to_json();
        let value: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!((line.lines().count(), &value["ready"]), (1, &json!(true)));
        assert_eq!(value["findings"][0]["status"], "ok");
    }
}
