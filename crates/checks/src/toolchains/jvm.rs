//! JVM projects: Maven and Gradle, each through its wrapper where the project brings one.

use super::{Candidate, Detector, Project, Strength};
use crate::detection::Toolchain;

/// Detects Maven and Gradle builds.
pub(super) struct Jvm;

/// A build tool: its manifests, its wrapper script, and its test command with and without the wrapper.
struct BuildTool {
    manifests: &'static [&'static str],
    wrapper: &'static str,
    wrapped: &'static str,
    installed: &'static str,
}

const BUILD_TOOLS: [BuildTool; 2] = [
    BuildTool {
        manifests: &["pom.xml"],
        wrapper: "mvnw",
        wrapped: "./mvnw -q test",
        installed: "mvn -q test",
    },
    BuildTool {
        manifests: &["build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"],
        wrapper: "gradlew",
        wrapped: "./gradlew test --continue",
        installed: "gradle test --continue",
    },
];

impl Detector for Jvm {
    fn manifests(&self) -> &'static [&'static str] {
        &["pom.xml", "build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts"]
    }

    fn checks(&self, project: &Project<'_>) -> Vec<Candidate> {
        let check = |tool: &BuildTool| {
            let manifest = project.first_of(tool.manifests)?;
            let (command, reason) = match project.has(tool.wrapper) {
                true => (tool.wrapped, format!("{manifest} and the wrapper {} exist", tool.wrapper)),
                false => (tool.installed, format!("{manifest} exists")),
            };
            Some(Candidate::new(Toolchain::Jvm, Strength::Configured, command, reason))
        };
        BUILD_TOOLS.iter().filter_map(check).collect()
    }
}
