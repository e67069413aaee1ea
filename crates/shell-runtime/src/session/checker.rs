//! A bash that is kept ready for parsing commands of several lines before they run. It forks for each of them, which
//! is several times cheaper than starting one; it answers yes or no, and whoever needs the reasons starts one anyway.

use std::fs::File;
use std::io::{self, Seek};
use std::os::unix::fs::FileExt;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::sync::Mutex;

use super::shell::memory_file;
use crate::error::RuntimeError;
use crate::launch::{Launch, Launcher, Tree};
use crate::protocol::CommandLine;

/// Orders are empty lines on 242, texts are in the file at 241, answers are digits on 243. After "set -n" in the same
/// evaluation the rest of it is parsed and not run. Versions that cannot fetch a text exactly end at once.
const SCRIPT: &str = r#"
[[ ${BASH_VERSINFO[0]} -gt 4 || ${BASH_VERSINFO[0]} -eq 4 && ${BASH_VERSINFO[1]} -ge 4 ]] || exit
shopt -s extglob
while mapfile -t -n 1 -u 242 order && [[ ${#order[@]} -eq 1 ]]; do
  mapfile -d '' -t -u 241 text
  if ( eval "set -n
${text[0]-}" ); then printf 1 >&243; else printf 0 >&243; fi
done
"#;

/// Longer texts are left to a bash of their own, so that they do not hold others up.
const LONGEST: usize = 64 << 10;

/// Time for one text; many times what the longest needs.
const PATIENCE: Duration = Duration::from_secs(2);

/// Answers whether texts can be parsed.
#[derive(Debug, Default)]
pub(super) struct Checker {
    ready: Mutex<Option<Parser>>,
}

impl Checker {
    /// `None` when nothing is known.
    pub(super) async fn parses(&self, launcher: &Launcher, command: &str) -> Option<bool> {
        if command.len() > LONGEST {
            return None;
        }
        tokio::time::timeout(PATIENCE, self.ask(launcher, command)).await.ok()?.ok()
    }

    /// A parser whose answer was not awaited is not put back, so an answer always belongs to its question.
    async fn ask(&self, launcher: &Launcher, command: &str) -> Result<bool, RuntimeError> {
        let mut ready = self.ready.lock().await;
        let mut parser = match ready.take() {
            Some(parser) => parser,
            None => Parser::start(launcher).await?,
        };
        let answer = parser.ask(command).await.map_err(RuntimeError::io("ask the syntax checker"))?;
        *ready = Some(parser);
        Ok(answer)
    }
}

/// The process. It dies with this value.
#[derive(Debug)]
struct Parser {
    text: File,
    orders: pipe::Sender,
    answers: pipe::Receiver,
    _tree: Tree,
}

impl Parser {
    async fn start(launcher: &Launcher) -> Result<Self, RuntimeError> {
        const WHAT: &str = "open the syntax checker's channels";
        let words = ["bash", "--noprofile", "--norc", "-c", SCRIPT].map(str::to_owned).to_vec();
        let launch = Launch { line: CommandLine::Argv(words), ..Launch::default() };
        let mut prepared = launcher.prepare(&launch)?;
        let channels = || -> io::Result<_> { Ok((io::pipe()?, io::pipe()?, memory_file()?)) };
        let ((order_reader, orders), (answers, answer_writer), text) =
            channels().map_err(RuntimeError::io(WHAT))?;
        prepared.place(text.try_clone().map_err(RuntimeError::io(WHAT))?, 241);
        prepared.place(order_reader, 242);
        prepared.place(answer_writer, 243);
        let (_, tree) = prepared.spawn().await?;
        let orders = pipe::Sender::from_owned_fd(orders.into()).map_err(RuntimeError::io(WHAT))?;
        let answers = pipe::Receiver::from_owned_fd(answers.into()).map_err(RuntimeError::io(WHAT))?;
        Ok(Self { text, orders, answers, _tree: tree })
    }

    async fn ask(&mut self, command: &str) -> io::Result<bool> {
        self.text.set_len(0)?;
        self.text.rewind()?;
        self.text.write_all_at(command.as_bytes(), 0)?;
        self.orders.write_all(b"\n").await?;
        Ok(self.answers.read_u8().await? == b'1')
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::limits::{Limits, PreparedLimits};

    fn launcher(path: &str) -> Launcher {
        let env = BTreeMap::from([("PATH".to_owned(), path.to_owned())]);
        Launcher::new("/".into(), env, PreparedLimits::new(&Limits::default(), 0))
    }

    #[tokio::test]
    async fn texts_are_parsed_and_not_run() {
        let (checker, launcher) = (Checker::default(), launcher("/usr/bin:/bin"));
        let folder = tempfile::tempdir().unwrap();
        let touch = format!("touch {}/made", folder.path().display());
        let cases = [
            ("echo a\necho b".to_owned(), true),
            (format!("{touch}\n)"), false),
            (format!("set +n\n{touch}\nexit 1"), true),
            ("if true\nthen".to_owned(), false),
            ("cat <<E\nbody".to_owned(), true),
            ("cat <<'E'\n)\nE\necho !(x)".to_owned(), true),
            ("f() {\n echo 'a\n b'\n}\nf".to_owned(), true),
            ("echo 'open\n".to_owned(), false),
            (String::new(), true),
        ];
        for (text, expected) in cases {
            assert_eq!(checker.parses(&launcher, &text).await, Some(expected), "{text:?}");
        }
        assert!(std::fs::read_dir(folder.path()).unwrap().next().is_none());
        assert_eq!(checker.parses(&launcher, &"x".repeat(LONGEST + 1)).await, None);
        launcher.shut_down().await.unwrap();
    }

    #[tokio::test]
    async fn a_parser_that_was_lost_is_replaced_and_a_missing_bash_is_no_answer() {
        let (checker, working) = (Checker::default(), launcher("/usr/bin:/bin"));
        assert_eq!(checker.parses(&working, "a\nb").await, Some(true));
        working.shut_down().await.unwrap();
        assert_eq!(checker.parses(&working, "a\nb").await, None);
        let again = launcher("/usr/bin:/bin");
        assert_eq!(checker.parses(&again, "a\n)").await, Some(false));
        let broken = launcher("/nowhere");
        assert_eq!(Checker::default().parses(&broken, "a\nb").await, None);
    }
}
