//! Drives a queue through a world, checking at every step what must hold always.

use std::collections::BTreeSet;

use smallhands_merge_queue::queue::{
    Command, Entry, Evidence, Outcome, Queue, QueueEvent, Settings, Standing, Step, Tree, Verdict, decide,
    evolve, replay, steps,
};

use crate::world::{World, entry, id};

/// Chance that can be played back.
pub struct Dice(pub u64);

impl Dice {
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % bound.max(1) as u64) as usize
    }
}

pub struct Drive {
    pub world: World,
    pub queue: Queue,
    pub log: Vec<QueueEvent>,
    /// Keys of verifications that were ever begun.
    pub begun: BTreeSet<String>,
    pub answers: usize,
    /// Compares the state with a replay and a copy through JSON at every step.
    pub thorough: bool,
}

impl Drive {
    pub fn new(world: World, settings: Settings) -> Self {
        let opened = QueueEvent::Opened { head: "root".into(), settings: settings.clone() };
        let queue = Queue::open("root".into(), settings);
        Self { world, queue, log: vec![opened], begun: BTreeSet::new(), answers: 0, thorough: true }
    }

    pub fn offer(&mut self, entries: Vec<Entry>) {
        self.tell(&Command::Offer { entries });
    }

    pub fn tell(&mut self, command: &Command) {
        let events = decide(&self.queue, command).unwrap_or_else(|refusal| panic!("{command:?}: {refusal}"));
        for event in &events {
            self.check_event(event);
            let empty = Queue::open("".into(), self.queue.settings.clone());
            self.queue = evolve(std::mem::replace(&mut self.queue, empty), event);
        }
        self.log.extend(events);
        if self.thorough {
            self.check_copies();
        }
    }

    fn check_event(&self, event: &QueueEvent) {
        let QueueEvent::HeadAdvanced { from, to, .. } = event else { return };
        assert_eq!(*from, self.queue.head);
        assert!(self.world.is_green(to), "advanced to {to}, which is red");
        assert_eq!(self.queue.verdict(to), Some(Verdict::Green));
        let evidence = self.queue.evidence(to);
        let is_green = |e: &&Evidence| e.is_fresh_for(to) && e.outcome == Outcome::Green;
        for check in &self.queue.settings.checks {
            assert!(
                evidence.iter().filter(|e| e.check == *check).any(is_green),
                "no evidence of {check} on {to}"
            );
        }
    }

    fn check_copies(&self) {
        let text = serde_json::to_string(&self.queue).unwrap();
        let copy: Queue = serde_json::from_str(&text).unwrap();
        assert_eq!(copy, self.queue);
        assert_eq!(serde_json::to_string(&copy).unwrap(), text);
        // Going through the whole log each time would take the square of its length.
        if !self.log.len().is_multiple_of(8) && !self.queue.is_drained() {
            return;
        }
        let log: Vec<QueueEvent> = serde_json::from_str(&serde_json::to_string(&self.log).unwrap()).unwrap();
        assert_eq!(replay(&log).as_ref(), Some(&self.queue));
    }

    /// What is to be done now, with what must hold for it.
    pub fn steps(&mut self) -> Vec<Step> {
        let steps = steps(&self.queue);
        let verifications: Vec<&Step> =
            steps.iter().filter(|step| matches!(step, Step::Verify { .. })).collect();
        assert!(verifications.len() <= self.queue.settings.parallel, "{verifications:?}");
        self.begun.extend(verifications.iter().map(|step| step.key()));
        let keys: BTreeSet<String> = steps.iter().map(Step::key).collect();
        assert_eq!(keys.len(), steps.len(), "a step is listed once");
        steps
    }

    /// Answers one step that the dice choose; `false` when there is none.
    pub fn answer_one(&mut self, dice: &mut Dice) -> bool {
        let steps = self.steps();
        if steps.is_empty() {
            return false;
        }
        self.answers += 1;
        let answer = self.world.answer(&steps[dice.below(steps.len())]);
        self.tell(&answer);
        true
    }

    /// Answers the step at this place.
    pub fn answer(&mut self, place: usize) {
        let step = self.steps()[place].clone();
        let answer = self.world.answer(&step);
        self.tell(&answer);
    }

    /// Answers until there is nothing to do.
    pub fn run(&mut self, dice: &mut Dice) {
        let most = 60 * (self.queue.entries.len() + 2) * (self.queue.entries.len() + 2);
        while self.answer_one(dice) {
            assert!(self.answers < most, "{} answers and no end", self.answers);
        }
        assert!(self.queue.is_drained(), "nothing to do, and yet: {:?}", self.queue);
        assert!(self.queue.batches.is_empty());
    }

    pub fn move_base(&mut self, number: usize) {
        let to = Tree::new(format!("{}+m{number}", self.queue.head));
        self.tell(&Command::BaseMoved { to });
    }

    pub fn standing(&self, number: usize) -> &Standing {
        &self.queue.entries[&id(number)].standing
    }

    pub fn has_landed(&self, number: usize) -> bool {
        matches!(self.standing(number), Standing::Landed { .. })
    }
}

/// A queue of `count` entries that are offered at once.
pub fn of(world: World, settings: Settings, count: usize) -> Drive {
    let mut drive = Drive::new(world, settings);
    drive.offer((0..count).map(entry).collect());
    drive
}

pub fn settings(parallel: usize, max_batch: usize) -> Settings {
    Settings { parallel, max_batch, ..Settings::new(vec!["unit".into(), "lint".into()]) }
}
