//! The state of a run as a person wants to see it at a glance, folded from events, and its picture of a given size.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use smallhands_orchestrator::progress::{PatchView, Progress, TaskPhase};

use super::fit::{cut, pad, printable};
use super::wording;
use crate::arguments::span;

/// Over which time the rate of validations is taken.
const RATE_OVER: Duration = Duration::from_secs(5);
/// From when on silence is worth mentioning.
const SILENCE_FROM: Duration = Duration::from_secs(2);
/// Agents shown at most, however high the terminal is.
const MOST_AGENTS: usize = 12;

/// An attempt under way.
#[derive(Debug)]
struct Agent {
    role: String,
    doing: String,
    validations: u64,
    last_news: Instant,
}

/// Everything worth seeing about a run while it lives.
#[derive(Debug)]
pub struct Board {
    started: Instant,
    tasks: BTreeMap<String, TaskPhase>,
    agents: BTreeMap<String, Agent>,
    /// Validations of attempts that have ended.
    settled: u64,
    /// Totals of the recent past, for the rate.
    totals: VecDeque<(Instant, u64)>,
    best: Option<PatchView>,
    merged: usize,
}

impl Board {
    /// A run that starts now.
    pub fn new(now: Instant) -> Self {
        let (tasks, agents) = (BTreeMap::new(), BTreeMap::new());
        Self {
            started: now,
            tasks,
            agents,
            settled: 0,
            totals: VecDeque::from([(now, 0)]),
            best: None,
            merged: 0,
        }
    }

    /// Takes an event into account.
    pub fn note(&mut self, event: &Progress, now: Instant) {
        match event {
            Progress::PlanChanged { added, dropped, .. } => {
                self.tasks.extend(added.iter().map(|task| (task.id.clone(), TaskPhase::Waiting)));
                self.tasks.extend(dropped.iter().map(|task| (task.clone(), TaskPhase::Dropped)));
            }
            Progress::TaskChanged { task, phase, .. } => {
                self.tasks.insert(task.clone(), *phase);
            }
            Progress::AttemptStarted { attempt, role, goal } => {
                let agent = Agent { role: role.clone(), doing: goal.clone(), validations: 0, last_news: now };
                self.agents.insert(attempt.clone(), agent);
            }
            Progress::AttemptActivity { attempt, doing, validations } => {
                self.activity(attempt, doing, *validations, now)
            }
            Progress::AttemptFinished { attempt, .. } => {
                self.settled += self.agents.remove(attempt).map_or(0, |agent| agent.validations);
            }
            Progress::PatchFound { patch, .. } => self.best = Some(patch.clone()),
            Progress::PatchMerged { patch, .. } => {
                self.merged += 1;
                self.best = Some(patch.clone());
            }
            _ => {}
        }
    }

    fn activity(&mut self, attempt: &str, doing: &str, validations: u64, now: Instant) {
        if let Some(agent) = self.agents.get_mut(attempt) {
            doing.clone_into(&mut agent.doing);
            agent.validations = agent.validations.max(validations);
            agent.last_news = now;
        }
    }

    /// Validations so far.
    pub fn validations(&self) -> u64 {
        self.settled + self.agents.values().map(|agent| agent.validations).sum::<u64>()
    }

    /// The picture: lines of at most `columns`, at most `rows` of them.
    pub fn draw(&mut self, now: Instant, columns: usize, rows: usize) -> Vec<String> {
        let mut lines = vec![self.headline(now)];
        let best = self.best.as_ref().map(|patch| format!("best so far  {}", wording::show_patch(patch)));
        let room = rows.saturating_sub(2 + usize::from(best.is_some())).min(MOST_AGENTS);
        lines.extend(
            self.agents.iter().take(room).map(|(attempt, agent)| agent_line(attempt, agent, now, columns)),
        );
        if self.agents.len() > room {
            lines.push(format!("  … and {} more agents", self.agents.len() - room));
        }
        lines.extend(best);
        lines.truncate(rows);
        lines.iter().map(|line| cut(&printable(line), columns)).collect()
    }

    fn headline(&mut self, now: Instant) -> String {
        let count = |wanted: TaskPhase| self.tasks.values().filter(|phase| **phase == wanted).count();
        let needed = self.tasks.len() - count(TaskPhase::Dropped);
        let mut parts = vec![
            span::show(now.saturating_duration_since(self.started)),
            format!("{}/{needed} tasks done", count(TaskPhase::Done)),
            format!("{} agents at work", self.agents.len()),
        ];
        if count(TaskPhase::Failed) > 0 {
            parts.push(format!("{} tasks failed", count(TaskPhase::Failed)));
        }
        if self.merged > 0 {
            parts.push(format!("{} patches merged", self.merged));
        }
        let rate = self.rate(now);
        parts.push(format!("{} validations ({rate:.0}/s)", self.validations()));
        parts.join(" · ")
    }

    /// Validations per second over the recent past.
    #[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    fn rate(&mut self, now: Instant) -> f64 {
        let total = self.validations();
        self.totals.push_back((now, total));
        while self.totals.len() > 2 && now.saturating_duration_since(self.totals[0].0) > RATE_OVER {
            self.totals.pop_front();
        }
        let (since, before) = self.totals[0];
        let seconds = now.saturating_duration_since(since).as_secs_f64();
        if seconds > 0.0 { total.saturating_sub(before) as f64 / seconds } else { 0.0 }
    }
}

/// `  t1#1   repair-python  trying …          3.0s silent`
fn agent_line(attempt: &str, agent: &Agent, now: Instant, columns: usize) -> String {
    let silent = now.saturating_duration_since(agent.last_news);
    let silence =
        if silent >= SILENCE_FROM { format!("  {} silent", span::show(silent)) } else { String::new() };
    let left = format!("  {} {}  {}", pad(attempt, 14), pad(&agent.role, 14), agent.doing);
    format!("{}{silence}", pad(&printable(&left), columns.saturating_sub(silence.len())))
}

#[cfg(test)]
mod tests {
    use super::super::samples;
    use super::*;

    fn after(events: &[(u64, Progress)], start: Instant) -> Board {
        let mut board = Board::new(start);
        for (millisecond, event) in events {
            board.note(event, start + Duration::from_millis(*millisecond));
        }
        board
    }

    #[test]
    fn the_board_shows_tasks_agents_rate_silence_and_the_best_candidate() {
        let start = Instant::now();
        let mut board = after(
            &[
                (0, samples::planned("t1")),
                (0, samples::planned("t2")),
                (0, samples::phase("t1", TaskPhase::Running)),
                (0, samples::began("t1#1")),
                (1_000, samples::doing("t1#1", "trying line 41", 400)),
                (1_000, samples::found("t1#1")),
            ],
            start,
        );
        let lines = board.draw(start + Duration::from_secs(4), 78, 10);
        assert_eq!(lines[0], "4.0s · 0/2 tasks done · 1 agents at work · 400 validations (100/s)");
        assert!(lines[1].starts_with("  t1#1           repair-python   trying line 41"), "{lines:?}");
        assert!(lines[1].ends_with("  3.0s silent"), "{lines:?}");
        assert_eq!(
            lines[2],
            "best so far  shop/pricing.py:41 [compare-operator] total > limit → total >= l…"
        );
    }

    #[test]
    fn validations_of_finished_attempts_stay_counted() {
        let events =
            [(0, samples::began("a#1")), (0, samples::doing("a#1", "x", 7)), (0, samples::ended("a#1"))];
        let mut board = after(&events, Instant::now());
        assert_eq!(board.validations(), 7);
        board.note(&samples::began("b#1"), Instant::now());
        board.note(&samples::doing("b#1", "y", 5), Instant::now());
        assert_eq!(board.validations(), 12);
    }

    #[test]
    fn the_rate_forgets_the_distant_past() {
        let start = Instant::now();
        let mut board = after(&[(0, samples::began("a#1")), (0, samples::doing("a#1", "x", 1_000))], start);
        for second in 0..20 {
            board.rate(start + Duration::from_secs(second));
        }
        assert!(board.rate(start + Duration::from_secs(20)).abs() < f64::EPSILON);
    }

    #[test]
    fn the_picture_keeps_to_its_size() {
        let start = Instant::now();
        let mut events: Vec<_> = (0..1_000).map(|n| (0, samples::began(&format!("task-{n}#1")))).collect();
        events.push((0, samples::found("task-1#1")));
        let mut board = after(&events, start);
        for (columns, rows) in [(80, 24), (20, 5), (1, 1), (0, 3), (200, 100)] {
            let lines = board.draw(start + Duration::from_secs(9), columns, rows);
            assert!(lines.len() <= rows && lines.len() <= MOST_AGENTS + 3, "{columns}x{rows}");
            assert!(
                lines.iter().all(|line| super::super::fit::width(line) <= columns),
                "{columns}x{rows}: {lines:?}"
            );
        }
        let lines = board.draw(start, 80, 24);
        assert_eq!(lines[13], "  … and 988 more agents");
    }

    #[test]
    fn tasks_no_longer_needed_do_not_count() {
        let events = [
            (0, samples::planned("t1")),
            (0, samples::planned("t2")),
            (0, samples::phase("t1", TaskPhase::Done)),
            (0, samples::phase("t2", TaskPhase::Dropped)),
        ];
        let start = Instant::now();
        assert!(after(&events, start).draw(start, 80, 5)[0].contains("1/1 tasks done"));
    }
}
