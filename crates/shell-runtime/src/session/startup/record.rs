//! Finding out what the start-up files do to a shell, and making sure that saying so does the same.

use std::fmt;
use std::time::{Duration, SystemTime};

use super::super::Surroundings;
use super::super::living::Session;
use super::super::patience::Patience;
use super::super::turn::Wake;
use super::Steps;
use crate::error::RuntimeError;

/// Time for one shell to read its files, or to say what it is.
const PATIENCE: Duration = Duration::from_secs(30);

/// Most that is remembered, in bytes.
const LARGEST: usize = 4 << 20;

/// Says what the shell is; see its own comments.
const RECORD: &str = include_str!("record.bash");

/// What there was before.
const BEFORE: &str = "__smallhands_limits=$(ulimit -Sa; ulimit -Ha); mapfile -t __smallhands_before < <(compgen -e); \
    __smallhands_options=$(shopt -p; set +o); declare -A __smallhands_read=(); __smallhands_trap=__smallhands_read\n";

/// Around the files: which files the commands come from that are run.
const TRACE: &str = "set -T; trap '__smallhands_read[${BASH_SOURCE[0]:-shell}]=1' DEBUG\n";
const TRACED: &str = "__smallhands_trap=$(trap -p DEBUG); trap - DEBUG; set +T\n";

/// As [`super::super::living`] ends every start-up.
const AFTER: &str = "\nset +o history +H; unset HISTFILE\n";

/// What one shell became.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Recording {
    /// The files that were read.
    pub(super) files: Vec<String>,
    /// What they printed.
    pub(super) output: String,
    /// What makes the same of another shell.
    pub(super) commands: String,
    /// When the reading began.
    pub(super) began: SystemTime,
}

/// Why nothing can be remembered.
#[derive(Debug)]
pub(super) enum Unfit {
    /// The shell did not come up, or not back.
    Runtime(RuntimeError),
    /// A shell ended, took too long, or printed what cannot be understood.
    Lost,
    /// The files leave something behind that cannot be said as commands.
    Obstacles(String),
    /// They do something else each time, or saying it does not do it.
    Unlike,
}

impl fmt::Display for Unfit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runtime(error) => error.fmt(out),
            Self::Lost => out.write_str("a shell that read them did not come back"),
            Self::Obstacles(what) => write!(out, "they leave behind: {}", what.trim().replace('\n', ", ")),
            Self::Unlike => out.write_str("they do not do the same each time"),
        }
    }
}

impl From<RuntimeError> for Unfit {
    fn from(error: RuntimeError) -> Self {
        Self::Runtime(error)
    }
}

impl Recording {
    /// Reads the files in two shells and replays in a third; all must come out alike.
    pub(super) async fn verified(around: &Surroundings) -> Result<Self, Unfit> {
        let read = format!("{BEFORE}{TRACE}{}{TRACED}{AFTER}", Steps::reading().commands);
        let (one, other) = tokio::join!(Self::after(around, &read), Self::after(around, &read));
        let (one, other) = (one?, other?);
        let replay = format!("{BEFORE}{}{AFTER}", one.commands);
        let replayed = Self::after(around, &replay).await?;
        let alike = one.output == other.output
            && one.files == other.files
            && one.commands == other.commands
            && replayed.output.is_empty()
            && one.commands == replayed.commands;
        if alike { Ok(one) } else { Err(Unfit::Unlike) }
    }

    /// Runs `commands` in a fresh shell and says what it became.
    async fn after(around: &Surroundings, commands: &str) -> Result<Self, Unfit> {
        let began = SystemTime::now();
        let session = Session::launch(around.clone(), "(start-up)").await?;
        let answers = async {
            printed(&session).await?;
            session.order(commands)?;
            let output = printed(&session).await?;
            session.order(RECORD)?;
            Ok::<_, Unfit>((output, printed(&session).await?))
        };
        let answers = answers.await;
        session.end().await?;
        let (output, said) = answers?;
        Self::parse(output, &said, began)
    }

    fn parse(output: String, said: &str, began: SystemTime) -> Result<Self, Unfit> {
        let mut parts = said.split('\0');
        let mut section = |name: &str| {
            let found = parts.by_ref().find(|part| *part == name);
            found.and_then(|_| parts.next()).ok_or(Unfit::Lost)
        };
        let files = section("files")?;
        let obstacles = section("obstacles")?;
        let commands = section("commands")?;
        if !obstacles.is_empty() {
            return Err(Unfit::Obstacles(obstacles.to_owned()));
        }
        let mut files: Vec<String> =
            files.lines().filter(|file| file.starts_with('/')).map(str::to_owned).collect();
        files.sort_unstable();
        Ok(Self { files, output, commands: commands.to_owned(), began })
    }
}

/// What the shell printed until it was done, as it was printed.
async fn printed(session: &Session) -> Result<String, Unfit> {
    match session.wait(&Patience::plain(PATIENCE, LARGEST), None).await {
        Wake::Done { seen, ran: true, .. } if seen.taken.omitted == 0 => {
            String::from_utf8(seen.taken.bytes).map_err(|_| Unfit::Lost)
        }
        _ => Err(Unfit::Lost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_has_three_sections() {
        let now = SystemTime::now();
        let parse = |said: &str| Recording::parse("hello\n".to_owned(), said, now);
        let recording = parse("\0files\0/b\nshell\n/a\n\0obstacles\0\0commands\0A=1\n").unwrap();
        assert_eq!(recording.files, ["/a", "/b"]);
        assert_eq!((recording.commands.as_str(), recording.output.as_str()), ("A=1\n", "hello\n"));
        let refused = parse("\0files\0\0obstacles\0123\ndescriptor 5\n\0commands\0").unwrap_err();
        assert_eq!(refused.to_string(), "they leave behind: 123, descriptor 5");
        assert!(matches!(parse("\0files\0"), Err(Unfit::Lost)));
    }
}
