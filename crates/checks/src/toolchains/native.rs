//! Native projects.

use super::{Candidate, Detector, Project};

/// Detects Native projects.
pub(super) struct Native;

impl Detector for Native {
    fn manifests(&self) -> &'static [&'static str] {
        &[]
    }

    fn checks(&self, _project: &Project<'_>) -> Vec<Candidate> {
        Vec::new()
    }
}
