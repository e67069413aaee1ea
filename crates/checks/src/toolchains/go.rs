//! Go modules and workspaces: `go test` over every package.

use super::{Candidate, Detector, Project, Strength};
use crate::detection::Toolchain;

/// Detects Go modules.
pub(super) struct Go;

impl Detector for Go {
    fn manifests(&self) -> &'static [&'static str] {
        &["go.mod", "go.work"]
    }

    fn checks(&self, project: &Project<'_>) -> Vec<Candidate> {
        let strength = match project.paths().iter().any(|path| path.ends_with("_test.go")) {
            true => Strength::Configured,
            false => Strength::Fallback,
        };
        let (command, reason) = match project.read("go.work") {
            Some(workspace) => (workspace_command(&workspace), "go.work exists"),
            None if project.has("go.mod") => ("go test ./...".to_owned(), "go.mod exists"),
            None => return Vec::new(),
        };
        vec![Candidate::new(Toolchain::Go, strength, command, reason)]
    }
}

/// `./...` does not reach into the modules of a workspace, so each is named: `use ./api` or a block of such lines.
fn workspace_command(workspace: &str) -> String {
    let lines = workspace.lines().map(|line| line.split("//").next().unwrap_or("").trim());
    let modules =
        lines.map(|line| line.trim_start_matches("use ").trim()).filter(|line| line.starts_with('.'));
    let packages: Vec<String> =
        modules.map(|module| format!("{}/...", module.trim_end_matches('/'))).collect();
    if packages.is_empty() { "go test ./...".to_owned() } else { format!("go test {}", packages.join(" ")) }
}
