//! The log torn at a byte of its end, and the run resumed: it ends in the same tree.
//!
//! What is torn here had been confirmed, so this is worse than what a crash does: intents and receipts of effects are torn
//! too, and such an effect may happen again. The tree may not differ.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::scripted::{Outcome, Place, Stage};

/// How far from its end the log is torn, bytes.
pub const REACH: usize = 4096;

/// What follows the place where the log was torn.
#[derive(Debug, Clone, Copy)]
pub enum Rest {
    /// The file ends.
    Nothing,
    /// The room that was reserved.
    Zeros,
    /// What happened to lie there.
    Rubbish,
}

const RESTS: [Rest; 3] = [Rest::Nothing, Rest::Zeros, Rest::Rubbish];

/// A run that was killed, saved so that its log can be torn again and again.
pub struct Torn {
    stage: Stage,
    run: String,
    log: Vec<u8>,
    /// Where the written part of the log ends.
    end: usize,
}

impl Torn {
    /// Lets a run die after an event, and saves what it left.
    pub fn new(died_after: u64) -> Self {
        let stage = Stage::new();
        let died = stage.run(Some(Place::After(died_after)));
        assert_eq!(died.exit, 128 + 9, "{died:?}");
        let run = stage.only_run().expect("it had begun");
        let this = Self { run, log: Vec::new(), end: 0, stage };
        copy(&this.kept(), &this.saved());
        let log = fs::read(this.segment()).unwrap();
        let end = log.iter().rposition(|byte| *byte != 0).unwrap() + 1;
        assert!(end > 2 * REACH, "the log is too short to be torn: {end}");
        Self { log, end, ..this }
    }

    /// Tears `bytes` from the end and resumes the run. The second value says whether something was cut, the third whether
    /// that was told.
    pub fn resumed_without(&self, bytes: usize) -> (Outcome, bool, bool) {
        copy(&self.saved(), &self.kept());
        let at = self.end - bytes;
        let torn = match RESTS[bytes % RESTS.len()] {
            Rest::Nothing => self.log[..at].to_vec(),
            Rest::Zeros => [&self.log[..at], &vec![0; self.log.len() - at][..]].concat(),
            Rest::Rubbish => [&self.log[..at], &[0xa5; 700][..]].concat(),
        };
        fs::write(self.segment(), torn).unwrap();
        let resumed = self.stage.resume(&self.run).expect_exit(0);
        let was_told = resumed.stdout.contains("the end of the log was torn");
        let was_cut = self.stage.state().join("log/cut").exists();
        (self.stage.outcome(&self.run, &resumed), was_cut, was_told)
    }

    fn segment(&self) -> PathBuf {
        self.stage.state().join("log/00000001.seg")
    }

    fn kept(&self) -> [PathBuf; 2] {
        [self.stage.state(), self.stage.project()]
    }

    fn saved(&self) -> [PathBuf; 2] {
        self.kept().map(|path| path.with_extension("saved"))
    }
}

fn copy(from: &[PathBuf; 2], to: &[PathBuf; 2]) {
    for (from, to) in from.iter().zip(to) {
        if to.exists() {
            fs::remove_dir_all(to).unwrap();
        }
        let copied = Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap();
        assert!(copied.success(), "{} cannot be copied", from.display());
    }
}
