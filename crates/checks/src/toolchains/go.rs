//! Go projects.

use super::{Candidate, Detector, Project};

/// Detects Go projects.
pub(super) struct Go;

impl Detector for Go {
    fn manifests(&self) -> &'static [&'static str] {
        &[]
    }

    fn checks(&self, _project: &Project<'_>) -> Vec<Candidate> {
        Vec::new()
    }
}
