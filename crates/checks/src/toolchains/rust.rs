//! Rust projects: `cargo test`, over the workspace where there is one.

use super::{Candidate, Detector, Project, Strength};
use crate::detection::Toolchain;

/// Detects Cargo packages and workspaces.
pub(super) struct Rust;

impl Detector for Rust {
    fn manifests(&self) -> &'static [&'static str] {
        &["Cargo.toml"]
    }

    fn checks(&self, project: &Project<'_>) -> Vec<Candidate> {
        let Some(manifest) = project.read("Cargo.toml") else { return Vec::new() };
        let has_section = |name: &str| manifest.lines().any(|line| line.trim() == name);
        let (command, reason) = if has_section("[workspace]") {
            ("cargo test --workspace", "Cargo.toml has [workspace]")
        } else {
            ("cargo test", "Cargo.toml is a package")
        };
        let mut found = vec![Candidate::new(Toolchain::Rust, Strength::Configured, command, reason)];
        if let Some(config) = project.first_of(&[".config/nextest.toml"]) {
            let command = command.replace("cargo test", "cargo nextest run");
            found.push(Candidate::new(
                Toolchain::Rust,
                Strength::Fallback,
                command,
                format!("{config} exists"),
            ));
        }
        found
    }
}
