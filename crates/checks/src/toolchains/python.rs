//! Python projects.

use super::{Candidate, Detector, Project};

/// Detects Python projects.
pub(super) struct Python;

impl Detector for Python {
    fn manifests(&self) -> &'static [&'static str] {
        &[]
    }

    fn checks(&self, _project: &Project<'_>) -> Vec<Candidate> {
        Vec::new()
    }
}
