//! The kinds of sandboxes, said honestly: which exist, which isolate.

use super::report::{Area, Finding, Status};

/// Kinds that later versions are to have.
const PLANNED: [(&str, &str); 3] = [
    ("namespace", "own process, network and file system view on Linux"),
    ("container", "Docker or Podman"),
    ("microvm", "a small virtual machine per attempt"),
];

/// All kinds with what they are worth here.
pub fn list() -> Vec<Finding> {
    let host = Finding {
        area: Area::Sandbox,
        name: "host".to_owned(),
        status: Status::Ok,
        detail:
            "clean copy per attempt, limits on time, memory and processes; does NOT isolate from this machine"
                .to_owned(),
        remedy: Some(
            "run repositories that you would run the tests of yourself, or run smallhands in a container"
                .to_owned(),
        ),
        essential: true,
    };
    let planned = PLANNED.iter().map(|(name, what)| Finding {
        area: Area::Sandbox,
        name: (*name).to_owned(),
        status: Status::NotYet,
        detail: format!("not yet in this version: {what}"),
        remedy: None,
        essential: false,
    });
    [host].into_iter().chain(planned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_is_told_that_the_host_sandbox_isolates() {
        let kinds = list();
        assert!(kinds[0].detail.contains("does NOT isolate"));
        assert!(kinds[1..].iter().all(|kind| kind.status == Status::NotYet && !kind.essential));
    }
}
