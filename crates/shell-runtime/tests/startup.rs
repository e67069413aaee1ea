//! Start-up files are read once and their effect is replayed, and nobody can tell.
#![allow(clippy::unwrap_used)] // the helpers of tests may panic

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use smallhands_shell_runtime::{Action, BashAction, CreateSession, LocalOptions, LocalRuntime, Runtime};

/// Each reading leaves a line in `~/readings`, below a folder so that the home directory does not change.
const COUNTED: &str = "echo x >>~/log/readings\n";

struct Home {
    folder: tempfile::TempDir,
    runtime: LocalRuntime,
}

impl Home {
    fn with(bashrc: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("log")).unwrap();
        std::fs::write(folder.path().join(".bashrc"), format!("{COUNTED}{bashrc}")).unwrap();
        let mut env: BTreeMap<String, String> = std::env::vars().collect();
        env.insert("HOME".to_owned(), folder.path().display().to_string());
        env.insert("GIVEN".to_owned(), "by the environment".to_owned());
        let options = LocalOptions {
            root: folder.path().to_owned(),
            env,
            startup_files: true,
            ..LocalOptions::default()
        };
        // The kernel's clock for files lags by a tick; a file that is as young as the recording is not trusted.
        std::thread::sleep(Duration::from_millis(20));
        Self { folder, runtime: LocalRuntime::new(options).unwrap() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn readings(&self) -> usize {
        std::fs::read_to_string(self.path().join("log/readings")).unwrap_or_default().lines().count()
    }

    /// The output of start-up, and of a command in the new session.
    async fn session(&self, name: &str, command: &str) -> (String, String) {
        let create = CreateSession { session: name.to_owned(), ..CreateSession::default() };
        let started = self.runtime.create_session(create).await.unwrap().output;
        let action = BashAction { session: name.to_owned(), ..BashAction::new(command) };
        (started, self.runtime.run_in_session(Action::Bash(action)).await.unwrap().output)
    }

    /// Waits until the files have been learnt: two shells read them beside the session's own.
    async fn learnt(&self) -> bool {
        for attempt in 0..200 {
            let before = self.readings();
            self.session(&format!("probe {attempt}"), "true").await;
            if self.readings() == before {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }
}

const LOOK: &str = "echo \"$A|${LIST[*]}|${MAP[k]}|$GIVEN|$(umask)|$PWD\"; greet you; hi; shopt extglob; \
    bash -c 'echo $A; inherited'; trap -p USR1; set -o | grep pipefail; case $- in *i*) echo interactive; esac";

const RICH: &str = r#"
echo "welcome"
export A="a value
with 'quotes' and $'tabs\t'"
LIST=(one "two words" three)
declare -A MAP=([k]="a]b")
unset GIVEN
shopt -s extglob
matches() { case $1 in !(x)) return 0 ;; esac; return 1; }
greet() { cat <<END
hello $1
END
}
inherited() { echo inherited; }
export -f inherited
alias hi='echo aliased'
set -o pipefail
trap 'echo usr' USR1
umask 027
[ -r ~/log/more ] && . ~/log/more
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replayed_shell_is_like_one_that_read_the_files() {
    let home = Home::with(RICH);
    let read = home.session("first", LOOK).await;
    assert!(read.0.contains("welcome"), "{read:?}");
    assert!(
        read.1.contains("a value") && read.1.contains("hello you") && read.1.contains("aliased"),
        "{read:?}"
    );
    assert!(home.learnt().await, "never learnt");
    let readings = home.readings();
    let replayed = home.session("later", LOOK).await;
    assert_eq!(home.readings(), readings, "the files were read again");
    assert_eq!(replayed, read);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changed_files_are_read_again() {
    let home = Home::with("A=1\n");
    assert!(home.learnt().await);
    std::fs::write(home.path().join(".bashrc"), "A=2\n").unwrap();
    assert_eq!(home.session("changed", "echo $A").await.1, "2\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_the_files_read_count_too() {
    let home = Home::with("[ -r ~/log/more ] && . ~/log/more; :\n");
    std::fs::write(home.path().join("log/more"), "A=1\n").unwrap();
    std::thread::sleep(Duration::from_millis(20));
    assert!(home.learnt().await);
    std::fs::write(home.path().join("log/more"), "A=22\n").unwrap();
    assert_eq!(home.session("changed", "echo $A").await.1, "22\n");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_differs_each_time_or_cannot_be_said_is_never_replayed() {
    let cases =
        ["export TOKEN=$RANDOM$RANDOM\n", "exec 7</dev/null\n", "sleep 1000 & \n", "ulimit -St 5000\n"];
    for bashrc in cases {
        let home = Home::with(bashrc);
        for round in 0..8 {
            let before = home.readings();
            home.session(&format!("s{round}"), "true").await;
            assert!(home.readings() > before, "replayed: {bashrc}");
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }
}
