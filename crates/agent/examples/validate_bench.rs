//! What one candidate costs, per framework and way of validating it:
//! `cargo run --release -p smallhands-agent --example validate_bench`

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use smallhands_agent::validation::{CheckSpec, RunRequest, StopRule, TestLimits, open, run_check};
use smallhands_checks::{TestId, classify};
use smallhands_repair::Edit;
use smallhands_shell_runtime::{Limits, LocalOptions, LocalRuntime, Runtime};

const SOURCE: &str = "LIMIT = 3\n\ndef add(a, b):\n    return a - b\n";
const TESTS: &str = "import unittest\nimport calc\n\ndef test_add():\n    assert calc.add(1, 2) == 3\n\n\
    class T(unittest.TestCase):\n    def test_add(self):\n        self.assertEqual(calc.add(1, 2), 3)\n";
const LIMITS: TestLimits =
    TestLimits { cpu: Duration::from_secs(1), wall: Duration::from_secs(5), memory_bytes: 1 << 30 };

type Failure = Box<dyn std::error::Error>;
/// What is measured, how often, and its candidates.
type Way<'a> = (&'a str, usize, &'a dyn Fn(usize) -> Edit);

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Failure> {
    let folder = tempfile::tempdir()?;
    std::fs::write(folder.path().join("calc.py"), SOURCE)?;
    std::fs::write(folder.path().join("test_calc.py"), TESTS)?;
    let env: BTreeMap<String, String> = std::env::vars().collect();
    let options = LocalOptions {
        root: folder.path().to_owned(),
        env,
        limits: Limits::default(),
        ..LocalOptions::default()
    };
    let runtime: Arc<dyn Runtime> = Arc::new(LocalRuntime::new(options)?);
    println!("{:44} {:>8} {:>8} {:>8}   ms per candidate", "", "median", "p95", "least");
    measure(&runtime, "python3 -m pytest -q", "test_calc.py::test_add").await?;
    measure(&runtime, "python3 -m pytest -q", "test_calc.py::T::test_add").await?;
    measure(&runtime, "python3 -m unittest", "test_calc.T.test_add").await
}

async fn measure(runtime: &Arc<dyn Runtime>, command: &str, test: &str) -> Result<(), Failure> {
    let check = CheckSpec {
        command: command.into(),
        framework: classify(command),
        timeout: Duration::from_secs(60),
        test_timeout: None,
    };
    let tests = [TestId::new(test)];
    let began = Instant::now();
    let mut validator = open(Arc::clone(runtime), &check, &[]).await?;
    println!("{test} ({}): opened in {:.0} ms", validator.kind(), began.elapsed().as_secs_f64() * 1000.0);
    let swapped = |n: usize| replaced("a - b", &format!("a - b + {} - 1", n + 5));
    let passing = |n: usize| replaced("a - b", &format!("a + b + {0} - {0}", n + 5));
    let constant = |n: usize| replaced("LIMIT = 3", &format!("LIMIT = {}", n + 5));
    let ways: [Way<'_>; 3] = [
        ("swapped in, fails", 300, &swapped),
        ("swapped in, passes", 300, &passing),
        ("imported afresh", 50, &constant),
    ];
    for (way, count, edit) in ways {
        let mut times = Vec::new();
        for number in 0..count {
            let edits = [edit(number)];
            let request = RunRequest {
                edits: &edits,
                tests: &tests,
                limits: LIMITS,
                stop: StopRule::FirstFailure,
                trace: false,
            };
            let began = Instant::now();
            let outcome = validator.run(request).await?;
            times.push(began.elapsed());
            assert_eq!(outcome.report.tests.len(), 1, "{outcome:?}");
        }
        print_times(way, times);
    }
    validator.close().await;
    let mut times = Vec::new();
    for _ in 0..10 {
        times.push(run_check(Arc::clone(runtime), &check).await?.wall);
    }
    print_times("the plain command", times);
    Ok(())
}

fn replaced(old: &str, new: &str) -> Edit {
    let start = SOURCE.find(old).unwrap_or_default();
    Edit { file: "calc.py".into(), start, end: start + old.len(), text: new.into() }
}

fn print_times(way: &str, mut times: Vec<Duration>) {
    times.sort();
    let at =
        |share: usize| times.get(times.len() * share / 100).map_or(0.0, |time| time.as_secs_f64() * 1000.0);
    println!("    {way:40} {:8.2} {:8.2} {:8.2}", at(50), at(95), at(0));
}
