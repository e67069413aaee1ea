//! JavaScript projects.

use super::{Candidate, Detector, Project};

/// Detects JavaScript projects.
pub(super) struct JavaScript;

impl Detector for JavaScript {
    fn manifests(&self) -> &'static [&'static str] {
        &[]
    }

    fn checks(&self, _project: &Project<'_>) -> Vec<Candidate> {
        Vec::new()
    }
}
