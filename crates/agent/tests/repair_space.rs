//! Reading what is searched: which files become sources, and what is said of the others.
#![allow(clippy::unwrap_used)] // the helpers of tests may panic

mod repair_support;

use std::collections::BTreeMap;

use repair_support::task;
use smallhands_agent::repair::{RepairError, SearchTask, Space};
use smallhands_repair::Suspicion;
use smallhands_shell_runtime::{Limits, LocalOptions, LocalRuntime};

const SOURCE: &str = "def add(a, b):\n    return a - b\n";

async fn space(files: &[(&str, &[u8])]) -> Result<Space, RepairError> {
    let folder = tempfile::tempdir().unwrap();
    for (path, content) in files {
        std::fs::write(folder.path().join(path), content).unwrap();
    }
    let root = folder.path().to_owned();
    let options =
        LocalOptions { root, env: BTreeMap::new(), limits: Limits::default(), ..LocalOptions::default() };
    let runtime = LocalRuntime::new(options).unwrap();
    let mut names: Vec<String> = files.iter().map(|(path, _)| (*path).to_owned()).collect();
    names.push("missing.py".into());
    let suspicion = Suspicion::uniform(&[("a.py".into(), SOURCE.into())]);
    Space::read(&runtime, &SearchTask { files: names, suspicion, ..task(&["t"], &[]) }).await
}

#[tokio::test]
async fn text_of_a_reasonable_size_is_searched_and_the_rest_is_named() {
    let large = b"x = 1\n".repeat(200_000);
    let space = space(&[("a.py", SOURCE.as_bytes()), ("latin.py", b"x = '\xe9'\n"), ("large.py", &large)])
        .await
        .unwrap();
    let found = (0..space.len()).filter_map(|rank| space.candidate(rank));
    assert!(found.map(|candidate| candidate.edit.apply(SOURCE)).any(|text| text.contains("return a + b")));
    for name in ["latin.py was left out", "large.py was left out", "missing.py was not read"] {
        assert!(space.notes().iter().any(|note| note.contains(name)), "{name}: {:?}", space.notes());
    }
}

#[tokio::test]
async fn nothing_to_read_is_an_error_that_says_why() {
    let error = space(&[("latin.py", b"\xff")]).await.unwrap_err();
    assert!(matches!(error, RepairError::NoSources { .. }));
    assert!(error.to_string().contains("latin.py") && error.to_string().contains("missing.py"), "{error}");
}

#[tokio::test]
async fn the_same_task_has_the_same_ranks_in_every_shard() {
    let (one, two) =
        (space(&[("a.py", SOURCE.as_bytes())]).await, space(&[("a.py", SOURCE.as_bytes())]).await);
    let (one, two) = (one.unwrap(), two.unwrap());
    assert!(!one.is_empty());
    for rank in 0..one.len() {
        assert_eq!(one.candidate(rank), two.candidate(rank));
    }
}
