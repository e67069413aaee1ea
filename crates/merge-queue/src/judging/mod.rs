//! Flags where a patch changes what judges it.
//!
//! A patch that makes the checks pass may do so by changing the checks. That is no crime, tests have to change when behaviour does;
//! but whoever accepts the patch must be told, and more loudly when a test is gone than when one is new. Everything is
//! found in the diff alone: [`flags`] knows neither the repository nor the author.
//!
//! What is looked at: which files are changed ([`Place`]), and in them which lines. A line that was moved is not a line that was removed.

mod assertions;
mod diff;
mod flag;
mod markers;
mod places;
mod thresholds;

pub use flag::{Flag, Level, Reason};
pub use places::{Place, place};

use diff::{FileDiff, Status};

/// Everything in a git diff that changes what judges the work: most serious first, then by file and line.
#[must_use]
pub fn flags(patch: &str) -> Vec<Flag> {
    let files = diff::parse(patch);
    let moved = assertions::Moved::among(&files);
    let mut flags: Vec<Flag> = files.iter().flat_map(|file| of_file(file, &files, &moved)).collect();
    flags.sort_by(|a, b| b.level.cmp(&a.level).then_with(|| (&a.path, a.line).cmp(&(&b.path, b.line))));
    flags.dedup();
    flags
}

/// The most serious level among flags.
#[must_use]
pub fn worst(flags: &[Flag]) -> Option<Level> {
    flags.iter().map(|flag| flag.level).max()
}

fn of_file(file: &FileDiff, all: &[FileDiff], moved: &assertions::Moved) -> Vec<Flag> {
    let place = place(&file.path);
    let mut flags = markers::added(file, place);
    flags.extend(assertions::weakened(file, place, moved));
    flags.extend(thresholds::lowered(file, place));
    flags.extend(whole_file(file, place, all, &flags));
    flags
}

/// What the place of a file alone tells.
fn whole_file(file: &FileDiff, place: Option<Place>, all: &[FileDiff], found: &[Flag]) -> Option<Flag> {
    let flag = |level, reason, detail: &str| Some(Flag::of_file(&file.path, level, reason, detail));
    match (place?, file.status) {
        (Place::Test, Status::Deleted) => flag(Level::Alarm, Reason::TestDeleted, "a test file is deleted"),
        (Place::Test, Status::Added) => flag(Level::Note, Reason::TestAdded, "a test file is new"),
        (Place::Test, _) if file.only_adds() && found.is_empty() => {
            flag(Level::Note, Reason::TestAdded, "lines are added to a test file, none is removed")
        }
        (Place::Test, _) => flag(Level::Warning, Reason::TestChanged, "a test file is changed"),
        (Place::Configuration, Status::Added) => {
            flag(Level::Note, Reason::Configuration, "a configuration of the checks is new")
        }
        (Place::Configuration, _) => {
            flag(Level::Warning, Reason::Configuration, "the configuration of the checks is changed")
        }
        // Manifests are about much else; only what concerns the checks counts.
        (Place::Manifest, _) => places::concerns_checks(file).then(|| {
            Flag::of_file(
                &file.path,
                Level::Warning,
                Reason::Configuration,
                "what the manifest says about the checks is changed",
            )
        }),
        (Place::ContinuousIntegration, _) => {
            flag(Level::Warning, Reason::ContinuousIntegration, "what runs the checks elsewhere is changed")
        }
        (Place::Snapshot, Status::Added) => flag(Level::Note, Reason::Snapshot, "an expected output is new"),
        (Place::Snapshot, _) => flag(Level::Warning, Reason::Snapshot, "an expected output is changed"),
        (Place::Lock, _) if places::has_manifest_beside(file, all) => flag(
            Level::Note,
            Reason::Lock,
            "the versions of dependencies are changed, and so is what asks for them",
        ),
        (Place::Lock, _) => flag(
            Level::Warning,
            Reason::Lock,
            "the versions of dependencies are changed, but not what asks for them",
        ),
    }
}
