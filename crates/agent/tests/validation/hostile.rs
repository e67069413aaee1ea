//! Code under test that hangs, dies, bites: the answer stays right and the server stays alive.

use std::time::Duration;

use smallhands_agent::validation::{RunRequest, StopRule};
use smallhands_checks::TestId;

use crate::project::*;

const VICTIM: &str = "def act():\n    return 0\n";
const TEST: &str = "test_victim.py::test_act";
const GOOD: &str = "test_victim.py::test_good";

/// (body of the function, what becomes of the test)
const ACTS: &[(&str, smallhands_checks::Outcome)] = &[
    ("while True: pass", TimedOut),
    ("while True:\n        try:\n            while True: pass\n        except BaseException: pass", TimedOut),
    ("import time\n    time.sleep(60)", TimedOut),
    (
        "import signal, os\n    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    while True: os.getpid()",
        TimedOut,
    ),
    ("x = []\n    while True: x.append(bytearray(1 << 20))", Crashed),
    ("return 'x' * (1 << 40)", Crashed),
    ("import sys\n    sys.exit(0)", Failed),
    ("raise KeyboardInterrupt", Failed),
    ("import os\n    os._exit(0)", Crashed),
    ("import os, signal\n    os.kill(os.getpid(), signal.SIGKILL)", Crashed),
    ("import os, signal\n    os.killpg(0, signal.SIGKILL)", Crashed),
    ("import ctypes\n    ctypes.string_at(0)", Crashed),
    ("return act()", Failed),
    (
        "import os, time\n    for _ in range(5):\n        if os.fork() == 0: time.sleep(60)\n    return 1",
        Passed,
    ),
    (
        "import subprocess\n    subprocess.Popen(['sleep', '60'], start_new_session=True)\n    return 1",
        Passed,
    ),
    (
        "import threading, time\n    threading.Thread(target=time.sleep, args=(60,)).start()\n    return 1",
        Passed,
    ),
    ("print('x' * 5_000_000)\n    return 1", Passed),
    ("import sys, os\n    sys.stdout.close()\n    os.close(1)\n    os.close(2)\n    return 1", Passed),
    ("import os\n    os.closerange(3, 256)\n    return 1", Crashed),
    ("return len(input())", Failed),
    ("class Bad(Exception):\n        def __str__(self): raise self\n    raise Bad()", Failed),
];

fn project() -> Project {
    let tests =
        "from victim import act\n\ndef test_act():\n    assert act() == 1\n\ndef test_good():\n    pass\n";
    Project::new(&[("victim.py", VICTIM), ("test_victim.py", tests)])
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_a_candidate_does_is_an_answer() {
    if pytest_is_missing() {
        return;
    }
    let project = project();
    let mut session = project.open(PYTEST).await.warm();
    for (act, expected) in ACTS {
        let edit = project.edit("victim.py", "return 0", act);
        let outcome = session.ask(&[edit], &[TEST, GOOD], StopRule::Never).await;
        let results = outcomes(&outcome);
        let found = results.get(TEST).copied();
        // closing the report line is a way to die as good as any
        assert_eq!(found, Some(*expected), "{act}: {outcome:?}");
        assert_eq!(results.get(GOOD), Some(&Passed), "{act}: the next test is run all the same");
    }
    assert_eq!(session.outcome(project.edit("victim.py", "return 0", "return 1"), TEST).await, Passed);
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_a_candidate_starts_survives_it() {
    if pytest_is_missing() {
        return;
    }
    let project = project();
    let mut session = project.open(PYTEST).await.warm();
    let mark = format!("{}", 700_000 + std::process::id());
    let act = format!(
        "import subprocess\n    subprocess.Popen(['sleep', '{mark}'], start_new_session=True)\n    return 1"
    );
    assert_eq!(session.outcome(project.edit("victim.py", "return 0", &act), TEST).await, Passed);
    // the next answer comes after the server has cleaned up
    session.ask(&[], &[GOOD], StopRule::Never).await;
    let running = std::fs::read_dir("/proc")
        .into_iter()
        .flatten()
        .filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok());
    let needle = format!("sleep\0{mark}");
    assert_eq!(running.filter(|line| line.starts_with(needle.as_bytes())).count(), 0);
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_candidate_that_kills_the_server_costs_only_a_restart() {
    if pytest_is_missing() {
        return;
    }
    let project = project();
    let mut session = project.open(PYTEST).await.warm();
    let act =
        "import os, signal\n    os.kill(os.getppid(), signal.SIGKILL)\n    import time\n    time.sleep(5)";
    let outcome =
        session.ask(&[project.edit("victim.py", "return 0", act)], &[TEST], StopRule::FirstFailure).await;
    assert_eq!(outcome.ended, End::Crashed);
    assert_eq!(project.read("victim.py"), VICTIM);
    assert_eq!(session.outcome(project.edit("victim.py", "return 0", "return 1"), TEST).await, Passed);
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_module_that_hangs_when_it_is_imported_is_an_answer() {
    if pytest_is_missing() {
        return;
    }
    let project = project();
    let mut session = project.open(PYTEST).await.warm();
    let hang = project.edit("victim.py", "def act", "while True: pass\ndef act");
    let outcome = session.ask(&[hang], &[TEST, GOOD], StopRule::FirstFailure).await;
    assert_eq!(outcome.ended, End::TimedOut);
    let leave = project.edit("victim.py", "def act", "import os; os._exit(3)\ndef act");
    assert_eq!(session.ask(&[leave], &[TEST], StopRule::Never).await.ended, End::Crashed);
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_hanging_tests_keep_the_results_of_the_others() {
    if pytest_is_missing() {
        return;
    }
    let mut tests = "import pytest\n\n".to_owned();
    for number in 0..12 {
        let body = if number % 2 == 0 { "while True: pass" } else { "pass" };
        tests.push_str(&format!("def test_{number:02}():\n    {body}\n\n"));
    }
    let project = Project::new(&[("test_many.py", &tests)]);
    let mut session = project.open(PYTEST).await.warm();
    let outcome = session.trace().await;
    let expected: Vec<_> = (0..12).map(|number| if number % 2 == 0 { TimedOut } else { Passed }).collect();
    assert_eq!(outcomes(&outcome).into_values().collect::<Vec<_>>(), expected);
    let hung = &outcome.coverage[&TestId::new("test_many.py::test_00")]["test_many.py"];
    assert!(hung.contains(&4), "{hung:?}");
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_question_leaves_the_validator_usable() {
    if pytest_is_missing() {
        return;
    }
    let project = project();
    let mut session = project.open(PYTEST).await.warm();
    let edits = [project.edit("victim.py", "return 0", "import time; time.sleep(2)")];
    let tests = [TestId::new(TEST)];
    let request =
        RunRequest { edits: &edits, tests: &tests, limits: LIMITS, stop: StopRule::Never, trace: false };
    let cut = tokio::time::timeout(Duration::from_millis(300), session.validator.run(request)).await;
    assert!(cut.is_err(), "it was still running");
    assert_eq!(session.outcome(project.edit("victim.py", "return 0", "return 1"), TEST).await, Passed);
    session.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_validator_dropped_in_the_middle_restores_the_files() {
    if pytest_is_missing() {
        return;
    }
    let project = project();
    let mut session = project.open(PYTEST).await.warm();
    let edits = [project.edit("victim.py", "return 0", "import time; time.sleep(20)")];
    let tests = [TestId::new(TEST)];
    let request =
        RunRequest { edits: &edits, tests: &tests, limits: LIMITS, stop: StopRule::Never, trace: false };
    let cut = tokio::time::timeout(Duration::from_millis(500), session.validator.run(request)).await;
    assert!(cut.is_err(), "it was still running");
    drop(session);
    let until = std::time::Instant::now() + Duration::from_secs(30);
    while project.read("victim.py") != VICTIM {
        assert!(std::time::Instant::now() < until, "the file was not put back");
        tokio::task::yield_now().await;
    }
}
