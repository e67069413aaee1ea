//! Sandboxes on this machine: clean copies, exact changes, limits, leases, and nothing left behind.

#![allow(clippy::unwrap_used)] // helpers outside of #[test] functions

mod fixture;

use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fixture::{Fixture, GENEROUS, eventually, git_in, spec};
use smallhands_sandbox::{Base, LimitHit, Limits, Sandbox, SandboxBackend, SandboxError, SandboxSpec};
use smallhands_shell_runtime::processes::snapshot;
use smallhands_shell_runtime::{
    Action, BashAction, Command, CommandResponse, CreateSession, RuntimeError, SpawnSpec,
};

async fn sh(sandbox: &dyn Sandbox, script: &str) -> CommandResponse {
    sandbox.runtime().execute(Command::shell(script).with_timeout(GENEROUS)).await.unwrap()
}

async fn stdout(sandbox: &dyn Sandbox, script: &str) -> String {
    let answer = sh(sandbox, script).await;
    assert_eq!(answer.exit_code, Some(0), "{script}: {answer:?}");
    answer.stdout_text()
}

fn running(arguments: &str) -> usize {
    let wanted: Vec<u8> = arguments.split(' ').flat_map(|word| [word.as_bytes(), b"\0"].concat()).collect();
    let is_it = |pid: i32| std::fs::read(format!("/proc/{pid}/cmdline")).is_ok_and(|line| line == wanted);
    snapshot().iter().filter(|process| process.is_alive() && is_it(process.pid)).count()
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().next().is_none()
}

#[tokio::test]
async fn a_sandbox_is_a_clean_copy_with_one_commit() {
    let fixture = Fixture::committed(&[("a", "1\n"), ("dir/b", "2\n"), (".gitignore", "*.log\n")]);
    let base = fixture.publish().await;
    let sandbox = fixture.sandbox(&base).await;
    assert_eq!(
        stdout(&*sandbox, "cat a dir/b; git status --porcelain; git log --format=%s; git branch").await,
        "1\n2\nThe working tree as it was published\n* main\n"
    );
    assert_eq!(stdout(&*sandbox, "pwd").await.trim(), sandbox.workdir().to_str().unwrap());
    assert_eq!(sandbox.diff().await.unwrap(), "");
    assert_eq!(
        stdout(
            &*sandbox,
            "echo x >> a; git diff --stat | tail -1; git commit -qam mine; git log --oneline | wc -l"
        )
        .await,
        " 1 file changed, 1 insertion(+)\n2\n"
    );
    let folder = sandbox.workdir().parent().unwrap().parent().unwrap().to_owned();
    sandbox.destroy().await.unwrap();
    assert!(is_empty(&folder));
}

#[tokio::test]
async fn the_environment_lies_inside_the_sandbox() {
    let fixture = Fixture::committed(&[("a", "1")]);
    let base = fixture.publish().await;
    let mut spec = spec(base.head());
    spec.env.insert("CI".to_owned(), "true".to_owned());
    spec.env.insert("GIVEN".to_owned(), "yes".to_owned());
    let sandbox = fixture.backend().create(&base, spec).await.unwrap();
    let place = sandbox.workdir().parent().unwrap().to_str().unwrap().to_owned();
    let script = "echo $HOME $TMPDIR $GIVEN ${CI-unset} $PAGER $GIT_EDITOR $GIT_TERMINAL_PROMPT; mktemp | sed 's/[^.]*$//'; cd; pwd";
    let expected = format!("{place}/home {place}/tmp yes unset cat true 0\n{place}/tmp/tmp.\n{place}/home\n");
    assert_eq!(stdout(&*sandbox, script).await, expected);
}

#[tokio::test]
async fn changes_are_found_whatever_is_done_to_the_sandboxs_git() {
    let fixture =
        Fixture::committed(&[("a", "1\n"), ("b", "2\n"), ("c", "3\n"), (".gitignore", "ignored\n")]);
    let base = fixture.publish().await;
    let sandbox = fixture.sandbox(&base).await;
    let script = "echo new > new; echo x > ignored; mkdir -p __pycache__ .pytest_cache; touch __pycache__/m.pyc .pytest_cache/x; \
        rm b; chmod +x c; printf 'caf\\351\\n' > 'we\u{ef}rd name'; git add -A; git commit -qm mine; echo 2 >> a";
    sh(&*sandbox, script).await;
    let patch = sandbox.diff().await.unwrap();
    let touched: Vec<&str> = patch.lines().filter(|line| line.starts_with("diff --git")).collect();
    assert_eq!(touched.len(), 5, "{patch}");
    assert!(patch.contains("old mode 100644\nnew mode 100755") && patch.contains("deleted file mode 100644"));
    for damage in [
        "rm -rf .git",
        "git init -q .; git add -A; git commit -qm all",
        "mkdir -p .git; echo garbage > .git/HEAD",
    ] {
        sh(&*sandbox, damage).await;
        assert_eq!(sandbox.diff().await.unwrap(), patch, "{damage}");
    }
    let next = base.commit_patch(&base.head(), &patch, "all of it").await.unwrap();
    assert_eq!(base.paths(&next).await.unwrap(), [".gitignore", "a", "c", "new", "we\u{ef}rd name"]);
}

#[tokio::test]
async fn a_change_in_the_moment_of_the_checkout_is_not_overlooked() {
    let fixture = Fixture::committed(&[("a", "1\n")]);
    let base = fixture.publish().await;
    for _ in 0..20 {
        let sandbox = fixture.sandbox(&base).await;
        // The same size, so that only the content tells.
        std::fs::write(sandbox.workdir().join("a"), "2\n").unwrap();
        assert!(sandbox.diff().await.unwrap().contains("+2"));
    }
}

#[tokio::test]
async fn nested_repositories_and_odd_files_do_not_break_the_diff() {
    let fixture = Fixture::committed(&[("a", "1\n")]);
    let base = fixture.publish().await;
    let sandbox = fixture.sandbox(&base).await;
    let script = "git init -q empty; git init -q full; echo x > full/x; cd full; git add x; git commit -qm x; cd ..; \
        mkfifo pipe; ln -s /nowhere dangling; echo 2 > a; mkdir -p deep/er; echo 3 > deep/er/file";
    sh(&*sandbox, script).await;
    let patch = sandbox.diff().await.unwrap();
    for expected in ["+2", "b/dangling", "b/deep/er/file"] {
        assert!(patch.contains(expected), "{expected}: {patch}");
    }
    assert!(!patch.contains("Subproject"));
    base.commit_patch(&base.head(), &patch, "x").await.unwrap();
}

#[tokio::test]
async fn sandboxes_start_from_any_commit_and_keep_apart() {
    let fixture = Fixture::committed(&[("a", "1\n")]);
    let base = fixture.publish().await;
    let patch = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n+2\n";
    let next = base.commit_patch(&base.head(), patch, "two").await.unwrap();
    let backend = fixture.backend();
    let first = backend.create(&base, spec(base.head())).await.unwrap();
    let second = backend.create(&base, spec(next)).await.unwrap();
    sh(&*first, "echo changed > a").await;
    assert_eq!(
        stdout(&*second, "cat a; git log --format=%s").await,
        "2\ntwo\nThe working tree as it was published\n"
    );
    assert_eq!(second.diff().await.unwrap(), "");
    assert_ne!(first.id(), second.id());
    let unknown = backend.create(&base, spec("0".repeat(40).parse().unwrap())).await;
    assert!(matches!(unknown.err(), Some(SandboxError::UnknownTree { .. })));
}

#[tokio::test]
async fn thirty_at_once() {
    let files: Vec<(String, String)> =
        (0..500).map(|n| (format!("d{}/f{n}.py", n % 20), format!("x = {n}\n").repeat(50))).collect();
    let files: Vec<(&str, &str)> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let fixture = Fixture::committed(&files);
    let publishing = Instant::now();
    let base = fixture.publish().await;
    println!("500 files: publish {:?}", publishing.elapsed());
    let backend = Arc::new(fixture.backend());
    let one = Instant::now();
    let first = backend.create(&base, spec(base.head())).await.unwrap();
    let created = one.elapsed();
    let changes = Instant::now();
    assert_eq!(first.diff().await.unwrap(), "");
    let compared = changes.elapsed();
    let end = Instant::now();
    first.destroy().await.unwrap();
    println!("500 files: create {created:?}, diff {compared:?}, destroy {:?}", end.elapsed());
    let all = Instant::now();
    let tasks: Vec<_> = (0..30)
        .map(|number| {
            let (backend, base) = (Arc::clone(&backend), base.clone());
            tokio::spawn(async move {
                let sandbox = backend.create(&base, spec(base.head())).await.unwrap();
                let script =
                    format!("test $(git ls-files | wc -l) = 500 && echo {number} > mine && cat mine");
                assert_eq!(stdout(&*sandbox, &script).await, format!("{number}\n"));
                assert!(sandbox.diff().await.unwrap().contains(&format!("+{number}\n")));
                sandbox.destroy().await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    println!("30 at once, each created, used, compared and destroyed: {:?}", all.elapsed());
    assert!(is_empty(&fixture.state().join("sandboxes")));
}

#[tokio::test]
async fn destroying_and_dropping_leave_nothing() {
    let fixture = Fixture::committed(&[("a", "1")]);
    let base = fixture.publish().await;
    for drop_it in [false, true] {
        let sandbox = fixture.sandbox(&base).await;
        let runtime = sandbox.runtime();
        runtime.create_session(CreateSession::default()).await.unwrap();
        let script = "sleep 4701 & (setsid sleep 4701 >/dev/null 2>&1 &); mkdir -p locked/in; touch locked/in/x; chmod 500 locked/in locked; \
            chmod 000 locked/in/x";
        sh(&*sandbox, script).await;
        eventually(|| running("sleep 4701") == 2).await;
        let place = sandbox.workdir().parent().unwrap().to_owned();
        if drop_it {
            drop(sandbox);
        } else {
            sandbox.destroy().await.unwrap();
        }
        assert_eq!((running("sleep 4701"), place.exists()), (0, false));
        assert!(is_empty(&fixture.state().join("sandboxes")));
        assert!(matches!(runtime.execute(Command::shell("true")).await, Err(RuntimeError::Closed)));
    }
}

#[tokio::test]
async fn memory_of_all_processes_together_is_bounded() {
    let fixture = Fixture::committed(&[("a", "1")]);
    let base = fixture.publish().await;
    let limit = 200 << 20;
    let spec = SandboxSpec {
        limits: Limits { memory_bytes: Some(limit), ..Limits::default() },
        ..spec(base.head())
    };
    let sandbox = fixture.backend().create(&base, spec).await.unwrap();
    // None of the four exceeds the limit alone.
    let hog = "python3 -c 'import time; x = bytearray(90 << 20); x[::4096] = b\"x\" * len(x[::4096]); time.sleep(600)'";
    let answer = sh(&*sandbox, &format!("{hog} & {hog} & {hog} & {hog} & wait")).await;
    assert_eq!(answer.signal, Some(9), "{answer:?}");
    let Some(LimitHit::Memory { used, limit: told }) = sandbox.limit_hit() else {
        panic!("{:?}", sandbox.limit_hit())
    };
    assert!(used > limit && told == limit);
    assert_eq!(stdout(&*sandbox, "echo usable").await, "usable\n");
}

#[tokio::test]
async fn the_number_of_processes_is_bounded() {
    let fixture = Fixture::committed(&[("a", "1")]);
    let base = fixture.publish().await;
    let spec =
        SandboxSpec { limits: Limits { processes: Some(20), ..Limits::default() }, ..spec(base.head()) };
    let sandbox = fixture.backend().create(&base, spec).await.unwrap();
    assert_eq!(sandbox.limit_hit(), None);
    let bomb = "for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do (env -i sleep 4702 &) ; done; sleep 4702";
    let answer = sh(&*sandbox, bomb).await;
    assert_eq!(answer.signal, Some(9), "{answer:?}");
    assert!(
        matches!(sandbox.limit_hit(), Some(LimitHit::Processes { count: 21.., limit: 20 })),
        "{:?}",
        sandbox.limit_hit()
    );
    sandbox.destroy().await.unwrap();
    assert_eq!(running("sleep 4702"), 0);
}

#[tokio::test]
async fn a_sandbox_whose_time_is_over_is_removed() {
    let fixture = Fixture::committed(&[("a", "1")]);
    let base = fixture.publish().await;
    let spec = SandboxSpec { ttl: Duration::from_millis(700), ..spec(base.head()) };
    let sandbox = fixture.backend().create(&base, spec).await.unwrap();
    let place = sandbox.workdir().parent().unwrap().to_owned();
    let answer = sh(&*sandbox, "sleep 4703").await;
    assert_eq!(answer.signal, Some(9));
    eventually(|| !place.exists()).await;
    assert_eq!(sandbox.limit_hit(), Some(LimitHit::TimeToLive));
    assert!(matches!(sandbox.runtime().execute(Command::shell("true")).await, Err(RuntimeError::Closed)));
    sandbox.destroy().await.unwrap();
}

/// Makes a lease look as if a process that is no more had taken it.
fn orphan(place: &Path) {
    let path = place.join("lease.json");
    let mut lease: serde_json::Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    lease["process"]["started"] = 1.into();
    std::fs::write(path, serde_json::to_vec(&lease).unwrap()).unwrap();
}

#[tokio::test]
async fn reconciliation_removes_what_the_dead_left_and_nothing_else() {
    let fixture = Fixture::committed(&[("a", "1")]);
    let base = fixture.publish().await;
    assert_eq!(fixture.backend().reconcile().await.unwrap(), Vec::<String>::new());
    let (living, dead) = (fixture.sandbox(&base).await, fixture.sandbox(&base).await);
    for sandbox in [&living, &dead] {
        sh(&**sandbox, "(setsid sleep 4704 >/dev/null 2>&1 &)").await;
    }
    eventually(|| running("sleep 4704") == 2).await;
    let dead_place = dead.workdir().parent().unwrap().to_owned();
    orphan(&dead_place);
    let another_process = fixture.backend();
    assert_eq!(another_process.reconcile().await.unwrap(), [dead.id()]);
    assert_eq!((running("sleep 4704"), dead_place.exists(), living.workdir().exists()), (1, false, true));
    assert_eq!(another_process.reconcile().await.unwrap(), Vec::<String>::new());
    // Half of a creation or of a removal.
    let half = fixture.state().join("sandboxes/.unfinished-x");
    std::fs::rename(living.workdir().parent().unwrap(), &half).unwrap();
    orphan(&half);
    assert_eq!(another_process.reconcile().await.unwrap(), [".unfinished-x"]);
}

#[tokio::test]
async fn a_cancelled_creation_leaves_nothing() {
    let fixture = Fixture::committed(&[("a", "1")]);
    let base = fixture.publish().await;
    let backend = fixture.backend();
    for steps in 1..6 {
        let mut creating = std::pin::pin!(backend.create(&base, spec(base.head())));
        for _ in 0..steps {
            tokio::select! {
                biased;
                _ = &mut creating => break,
                () = tokio::task::yield_now() => {}
            }
        }
    }
    let folder = fixture.state().join("sandboxes");
    eventually(|| is_empty(&folder)).await;
}

#[tokio::test]
async fn places_that_cannot_be_written_are_named() {
    let fixture = Fixture::committed(&[("a", "1")]);
    let base = fixture.publish().await;
    std::fs::write(fixture.root.path().join("file"), "").unwrap();
    let backend = smallhands_sandbox::HostBackend::new(&fixture.root.path().join("file"));
    let error = backend.create(&base, spec(base.head())).await.err().unwrap();
    assert!(matches!(&error, SandboxError::Io { path, .. } if path.ends_with("file/sandboxes")), "{error:?}");
}

#[tokio::test]
async fn installed_packages_that_point_at_the_repository_point_at_the_sandbox() {
    let fixture = Fixture::committed(&[(".gitignore", ".venv\n"), ("src/package.py", "x = 1\n")]);
    let repo = fixture.repo().canonicalize().unwrap();
    let source = repo.join("src");
    fixture.write(&[
        (".venv/pyvenv.cfg", "home = /usr/bin\n"),
        (".venv/lib/python3/site-packages/__editable__.package.pth", &format!("{}\n", source.display())),
        (".venv/bin/tool", &format!("#!{}/.venv/bin/python\nprint()\n", repo.display())),
        (".venv/lib/data.bin", "untouched"),
    ]);
    std::fs::set_permissions(repo.join(".venv/bin/tool"), std::fs::Permissions::from_mode(0o755)).unwrap();
    symlink("/usr/bin/python3", repo.join(".venv/bin/python")).unwrap();
    let base = fixture.publish().await;
    let sandbox = fixture.sandbox(&base).await;
    let work = sandbox.workdir();
    let read = |path: &str| std::fs::read_to_string(work.join(path)).unwrap();
    let shown = work.display();
    assert_eq!(read(".venv/lib/python3/site-packages/__editable__.package.pth"), format!("{shown}/src\n"));
    assert_eq!(read(".venv/bin/tool"), format!("#!{shown}/.venv/bin/python\nprint()\n"));
    assert!(work.join(".venv/bin/tool").metadata().unwrap().permissions().mode() & 0o111 != 0);
    assert_eq!(work.join(".venv/bin/python").read_link().unwrap(), Path::new("/usr/bin/python3"));
    assert!(git_in(work, &["status", "--porcelain"]).is_empty());
}

#[tokio::test]
async fn the_runtime_of_a_sandbox_works_in_its_copy() {
    let fixture = Fixture::committed(&[("a", "1\n")]);
    let base = fixture.publish().await;
    let sandbox = fixture.sandbox(&base).await;
    let runtime = sandbox.runtime();
    runtime.write_file("new/file", b"content\n").await.unwrap();
    assert_eq!(runtime.read_file("a").await.unwrap(), b"1\n");
    assert!(matches!(runtime.read_file("../lease.json").await, Err(RuntimeError::OutsideRoot { .. })));
    runtime.create_session(CreateSession::default()).await.unwrap();
    let action = Action::Bash(BashAction::new("cat new/file; cd new; echo more >> file"));
    assert_eq!(runtime.run_in_session(action).await.unwrap().output, "content\n");
    let mut helper = runtime.spawn(SpawnSpec::argv(["cat"])).await.unwrap();
    helper.write_line("line").await.unwrap();
    assert_eq!(helper.read_line(GENEROUS).await.unwrap().as_deref(), Some("line"));
    assert!(sandbox.diff().await.unwrap().contains("+content\n+more\n"));
    sandbox.destroy().await.unwrap();
    assert_eq!(helper.read_line(GENEROUS).await.unwrap(), None);
}

#[tokio::test]
async fn a_sandbox_outlives_its_backend_and_its_base_handle() {
    let fixture = Fixture::committed(&[("a", "1\n")]);
    let base = fixture.publish().await;
    let sandbox = fixture.sandbox(&base).await;
    drop(base);
    assert_eq!(stdout(&*sandbox, "echo 2 > a; git show HEAD:a").await, "1\n");
    let base = Base::open(&fixture.state().join("base")).await.unwrap();
    let patch = sandbox.diff().await.unwrap();
    let next = base.commit_patch(&base.head(), &patch, "kept").await.unwrap();
    assert_eq!(base.read(&next, "a").await.unwrap().unwrap(), b"2\n");
}

#[tokio::test]
async fn limits_of_one_sandbox_do_not_touch_another() {
    let fixture = Fixture::committed(&[("a", "1")]);
    let base = fixture.publish().await;
    let backend = fixture.backend();
    let limited =
        SandboxSpec { limits: Limits { processes: Some(5), ..Limits::default() }, ..spec(base.head()) };
    let greedy = backend.create(&base, limited).await.unwrap();
    let modest = backend.create(&base, spec(base.head())).await.unwrap();
    let bomb = "for i in 1 2 3 4 5 6 7 8 9; do sleep 4705 & done; wait";
    let quiet = modest.runtime();
    let (bombed, undisturbed) = tokio::join!(
        sh(&*greedy, bomb),
        quiet.execute(Command::shell("for i in 1 2 3 4 5 6 7 8 9; do sleep 0.8 & done; wait; echo whole"))
    );
    assert_eq!(bombed.signal, Some(9));
    assert_eq!(undisturbed.unwrap().stdout_text(), "whole\n");
    assert_eq!(modest.limit_hit(), None);
    assert_eq!(stdout(&*greedy, "echo again").await, "again\n");
}

#[tokio::test]
async fn two_backends_share_a_state_directory() {
    let fixture = Fixture::committed(&[("a", "1")]);
    let base = fixture.publish().await;
    let (one, other) = (fixture.backend(), fixture.backend());
    let first = one.create(&base, spec(base.head())).await.unwrap();
    let second = other.create(&base, spec(base.head())).await.unwrap();
    assert_ne!(first.workdir(), second.workdir());
    assert_eq!(other.reconcile().await.unwrap(), Vec::<String>::new());
    drop(one);
    assert_eq!(stdout(&*first, "cat a").await, "1");
    assert_eq!((other.kind(), second.limit_hit()), ("host", None));
}

#[tokio::test]
async fn time_limits_in_a_sandbox_keep_it_usable() {
    let fixture = Fixture::committed(&[("a", "1")]);
    let base = fixture.publish().await;
    let sandbox = fixture.sandbox(&base).await;
    let command =
        Command::shell("echo begun; setsid sleep 4706 & wait").with_timeout(Duration::from_millis(300));
    let answer = sandbox.runtime().execute(command).await.unwrap();
    assert!(answer.timed_out && answer.stdout_text() == "begun\n");
    assert_eq!(running("sleep 4706"), 0);
    assert_eq!(stdout(&*sandbox, "cat a").await, "1");
}
