//! Jvm projects.

use super::{Candidate, Detector, Project};

/// Detects Jvm projects.
pub(super) struct Jvm;

impl Detector for Jvm {
    fn manifests(&self) -> &'static [&'static str] {
        &[]
    }

    fn checks(&self, _project: &Project<'_>) -> Vec<Candidate> {
        Vec::new()
    }
}
