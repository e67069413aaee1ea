//! Persistent shells. A session is a bash on a terminal of its own; commands reach it and results leave it over
//! channels beside that terminal, so output is exactly what was printed and nothing printed can forge an end.

mod backlog;
mod checker;
mod expect;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod history;
mod interrupt;
mod listening;
mod living;
mod patience;
mod pty;
mod pump;
mod python_re;
mod screen;
mod shell;
mod startup;
mod stream;
mod syntax;
mod text;
mod turn;
mod usage;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::error::RuntimeError;
use crate::launch::Launcher;
use crate::protocol::{
    BashAction, BashInterruptAction, BashWaitAction, CreateSession, CreateSessionResponse, Observation,
    SessionInfo,
};
use checker::Checker;
use living::Session;
use startup::Startup;
pub use stream::OutputStream;

/// What all sessions of a runtime have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings {
    /// Shells read the start-up files of interactive shells.
    pub(crate) startup_files: bool,
    /// Most bytes kept between two answers.
    pub(crate) output_limit: usize,
}

/// What a session shares with the others.
#[derive(Debug, Clone)]
struct Surroundings {
    launcher: Arc<Launcher>,
    checker: Arc<Checker>,
    settings: Settings,
}

/// The sessions of one runtime, by name.
#[derive(Debug)]
pub(crate) struct Sessions {
    around: Surroundings,
    startup: Arc<Startup>,
    /// `None` while a session with that name is starting.
    living: Mutex<HashMap<String, Option<Arc<Session>>>>,
}

impl Sessions {
    pub(crate) fn new(launcher: Arc<Launcher>, settings: Settings) -> Self {
        let around = Surroundings { launcher, checker: Arc::default(), settings };
        Self { around, startup: Arc::new(Startup::new()), living: Mutex::default() }
    }

    /// Learns in the background what the start-up files do, so that sessions need not read them.
    pub(crate) fn prepare(&self) {
        self.startup.learn(self.around.clone());
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Option<Arc<Session>>>> {
        self.living.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts a session. The name is taken only while it starts and once it has started.
    pub(crate) async fn create(&self, request: CreateSession) -> Result<CreateSessionResponse, RuntimeError> {
        self.around.launcher.check_open()?;
        let name =
            if request.session.is_empty() { crate::protocol::DEFAULT_SESSION } else { &request.session };
        let mut reservation = self.reserve(name)?;
        let (session, output) = Session::start(self.around.clone(), &self.startup, name, &request).await?;
        reservation.fill(session)?;
        self.prepare();
        Ok(CreateSessionResponse { output })
    }

    fn reserve(&self, name: &str) -> Result<Reservation<'_>, RuntimeError> {
        let mut living = self.lock();
        match living.entry(name.to_owned()) {
            Entry::Occupied(taken) if !taken.get().as_ref().is_some_and(|session| session.has_ended()) => {
                Err(RuntimeError::SessionExists { session: name.to_owned() })
            }
            Entry::Occupied(mut ended) => {
                ended.insert(None);
                Ok(Reservation { sessions: self, name: name.to_owned(), filled: false })
            }
            Entry::Vacant(free) => {
                free.insert(None);
                Ok(Reservation { sessions: self, name: name.to_owned(), filled: false })
            }
        }
    }

    fn find(&self, name: &str) -> Result<Arc<Session>, RuntimeError> {
        let found = self.lock().get(name).cloned().flatten();
        found.ok_or_else(|| RuntimeError::SessionDoesNotExist { session: name.to_owned() })
    }

    /// Runs a command; a session whose shell ended in it is forgotten.
    pub(crate) async fn run(&self, action: BashAction) -> Result<Observation, RuntimeError> {
        let session = self.find(action.session_name())?;
        let answer = session.run(&action).await;
        self.forget_if_ended(action.session_name(), &session, &answer).await;
        answer
    }

    /// Joins the command that a session runs.
    pub(crate) async fn wait(&self, action: BashWaitAction) -> Result<Observation, RuntimeError> {
        let session = self.find(action.session_name())?;
        let answer = session.join(&action).await;
        self.forget_if_ended(action.session_name(), &session, &answer).await;
        answer
    }

    /// What sessions there are and what they do, by name.
    pub(crate) fn list(&self) -> Vec<SessionInfo> {
        let starting = |name: &str| SessionInfo {
            name: name.to_owned(),
            state: "starting".to_owned(),
            ..SessionInfo::default()
        };
        let describe = |(name, session): (&String, &Option<Arc<Session>>)| {
            session.as_ref().map_or_else(|| starting(name), |session| session.info())
        };
        let mut all: Vec<SessionInfo> = self.lock().iter().map(describe).collect();
        all.sort_by(|one, other| one.name.cmp(&other.name));
        all
    }

    /// What a session's terminal shows from an offset on.
    pub(crate) fn output(&self, name: &str, from: Option<u64>) -> Result<OutputStream, RuntimeError> {
        Ok(OutputStream::new(Arc::clone(&self.find(name)?.screen), from))
    }

    /// Stops what a session runs.
    pub(crate) async fn interrupt(&self, action: BashInterruptAction) -> Result<Observation, RuntimeError> {
        let session = self.find(action.session_name())?;
        let answer = session.interrupt(&action).await;
        self.forget_if_ended(action.session_name(), &session, &answer).await;
        answer
    }

    async fn forget_if_ended(
        &self,
        name: &str,
        session: &Arc<Session>,
        answer: &Result<Observation, RuntimeError>,
    ) {
        if !matches!(answer, Err(RuntimeError::ShellExited { .. })) {
            return;
        }
        if let Entry::Occupied(entry) = self.lock().entry(name.to_owned())
            && entry.get().as_ref().is_some_and(|known| Arc::ptr_eq(known, session))
        {
            entry.remove();
        }
        if let Err(error) = session.end().await {
            tracing::warn!(%error, session = name, "processes of an ended session stay");
        }
    }

    /// Ends a session with everything it started.
    pub(crate) async fn close(&self, name: &str) -> Result<(), RuntimeError> {
        let session = self.find(name)?;
        self.lock().remove(name);
        session.end().await
    }

    /// Ends all sessions with everything they started. Names are free at once; the first failure is reported.
    pub(crate) async fn close_all(&self) -> Result<(), RuntimeError> {
        let sessions: Vec<_> = {
            let mut living = self.lock();
            let started = living.extract_if(|_, session| session.is_some());
            started.filter_map(|(_, session)| session).collect()
        };
        let ending = sessions.into_iter().map(|session| tokio::spawn(async move { session.end().await }));
        let mut outcome = Ok(());
        for task in ending.collect::<Vec<_>>() {
            let ended = task.await.unwrap_or_else(|_| Err(RuntimeError::Closed));
            outcome = outcome.and(ended);
        }
        outcome
    }

    /// Forgets all sessions, after what they started was killed.
    pub(crate) fn clear(&self) {
        let sessions: Vec<_> = self.lock().drain().collect();
        sessions.into_iter().filter_map(|(_, session)| session).for_each(|session| session.abandon());
    }
}

/// A name that is taken while its session starts, and free again if that fails or is cancelled.
struct Reservation<'a> {
    sessions: &'a Sessions,
    name: String,
    filled: bool,
}

impl Reservation<'_> {
    fn fill(&mut self, session: Session) -> Result<(), RuntimeError> {
        // The runtime may have been closed meanwhile: then the session dies with this call.
        self.sessions.around.launcher.check_open()?;
        self.filled = true;
        self.sessions.lock().insert(self.name.clone(), Some(Arc::new(session)));
        Ok(())
    }
}

impl Drop for Reservation<'_> {
    fn drop(&mut self) {
        if !self.filled {
            self.sessions.lock().remove(&self.name);
        }
    }
}
