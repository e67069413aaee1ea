//! Several processes that want the same run, with clocks that differ, pauses at the worst moments, and crashes.

use smallhands_leases::{Grounds, OwnerEvent, OwnerId, OwnerPolicy, Ownership, Watch};

use crate::dice::Dice;

const POLICY: OwnerPolicy = OwnerPolicy { lease_ms: 1_000, skew_ms: 200, margin_ms: 50 };
const PROCESSES: usize = 4;
/// How often a process looks, unless it sleeps.
const STEP_MS: u64 = 50;

#[derive(Debug, Clone)]
enum Entry {
    Owner(OwnerEvent),
    Work { epoch: u64, by: usize },
}

/// A log that takes an entry only at the place that its writer has read to.
#[derive(Default)]
struct Log(Vec<Entry>);

impl Log {
    fn append(&mut self, expected: usize, entry: Entry) -> bool {
        let fits = self.0.len() == expected;
        if fits {
            self.0.push(entry);
        }
        fits
    }

    fn ownership(&self, up_to: usize) -> Ownership {
        self.0[..up_to].iter().fold(Ownership::default(), |state, entry| match entry {
            Entry::Owner(event) => state.evolve(event),
            Entry::Work { .. } => state,
        })
    }
}

struct Process {
    name: OwnerId,
    wall_offset_ms: i64,
    asleep_until_ms: u64,
    crashed: bool,
    read: usize,
    watch: Watch,
    /// Its epoch, until when it may act, and when it renews.
    owns: Option<(u64, u64, u64)>,
    /// Decided, but not yet written: a process may sleep in between.
    unsent: Option<(Entry, u64)>,
}

struct World {
    dice: Dice,
    log: Log,
    processes: Vec<Process>,
    takeovers: usize,
    conflicts: usize,
    /// When the run was last without a living owner.
    orphaned_ms: Option<u64>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let process = |number: usize| Process {
            name: OwnerId::new(format!("p{number}")),
            // Any two differ by at most the bound.
            wall_offset_ms: dice.below(POLICY.skew_ms + 1) as i64,
            asleep_until_ms: 0,
            crashed: false,
            read: 0,
            watch: Watch::new(&Ownership::default(), 0),
            owns: None,
            unsent: None,
        };
        let processes = (0..PROCESSES).map(process).collect();
        Self { dice, log: Log::default(), processes, takeovers: 0, conflicts: 0, orphaned_ms: Some(0) }
    }

    fn run(&mut self, sleeps: u64, crashes: u64) {
        for now_ms in (0..20_000).step_by(5) {
            for number in 0..PROCESSES {
                self.step(now_ms, number, sleeps, crashes);
                self.one_acts_at_most(now_ms);
            }
            if sleeps == 0 {
                self.never_orphaned_for_long(now_ms);
            }
        }
    }

    fn step(&mut self, now_ms: u64, number: usize, sleeps: u64, crashes: u64) {
        if self.processes[number].crashed || now_ms < self.processes[number].asleep_until_ms {
            return;
        }
        if let Some((entry, before_ms)) = self.processes[number].unsent.take() {
            self.send(number, entry, before_ms);
        } else {
            self.look(now_ms, number);
        }
        let pause = if self.dice.happens(sleeps) { 3_000 } else { STEP_MS };
        let living = self.processes.iter().filter(|process| !process.crashed).count();
        let crashed = living > 1 && self.dice.happens(crashes);
        let process = &mut self.processes[number];
        process.asleep_until_ms = now_ms + self.dice.below(pause + 1);
        process.crashed = crashed;
    }

    /// Writes what was decided, however long ago.
    fn send(&mut self, number: usize, entry: Entry, before_ms: u64) {
        let process = &mut self.processes[number];
        if !self.log.append(process.read, entry.clone()) {
            self.conflicts += 1;
            return;
        }
        process.read += 1;
        let until_ms = POLICY.own_until_ms(before_ms);
        let renew_ms = before_ms + POLICY.renew_every_ms();
        match entry {
            Entry::Owner(OwnerEvent::RunOwnerTaken { epoch, .. }) => {
                process.owns = Some((epoch, until_ms, renew_ms));
                self.takeovers += 1;
            }
            Entry::Owner(OwnerEvent::RunOwnerRenewed { epoch, .. }) => {
                process.owns = Some((epoch, until_ms, renew_ms));
            }
            Entry::Owner(OwnerEvent::RunOwnerLeft { .. }) => process.owns = None,
            Entry::Work { .. } => {}
        }
    }

    /// Reads on and decides what to write next.
    fn look(&mut self, now_ms: u64, number: usize) {
        let state = self.log.ownership(self.log.0.len());
        let process = &mut self.processes[number];
        process.read = self.log.0.len();
        let wall_ms = now_ms as i64 + process.wall_offset_ms;
        let silent = process.watch.look(&state, now_ms);
        process.owns = process.owns.filter(|(epoch, ..)| state.admits(*epoch).is_ok());
        let entry = match process.owns {
            Some((epoch, ..)) if self.dice.happens(10) => state.leave(epoch).ok().map(Entry::Owner),
            Some((epoch, _, renew_ms)) if now_ms >= renew_ms => {
                state.renew(&POLICY, epoch, wall_ms).ok().map(Entry::Owner)
            }
            Some((epoch, ..)) => Some(Entry::Work { epoch, by: number }),
            None => {
                let grounds = if self.dice.happens(500) { silent } else { Grounds::Expired };
                state.claim(&POLICY, &process.name, wall_ms, grounds).ok().map(Entry::Owner)
            }
        };
        process.unsent = entry.map(|entry| (entry, now_ms));
    }

    /// Also the sleeping: they may wake up at any time. What they may do, they may do until their time is over.
    fn one_acts_at_most(&self, now_ms: u64) {
        let acting = self.processes.iter().filter(|process| {
            !process.crashed && process.owns.is_some_and(|(_, until_ms, _)| now_ms < until_ms)
        });
        let names: Vec<_> = acting.map(|process| process.name.to_string()).collect();
        assert!(names.len() <= 1, "{names:?} all act at {now_ms}");
    }

    fn never_orphaned_for_long(&mut self, now_ms: u64) {
        let owned = self.processes.iter().any(|process| !process.crashed && process.owns.is_some());
        let since_ms = *self.orphaned_ms.get_or_insert(now_ms);
        // Others' clocks may be behind, and they must be sure; each needs a look, and a moment to write, maybe once more.
        let bound_ms = POLICY.lease_ms + 2 * POLICY.skew_ms + 6 * STEP_MS;
        assert!(owned || now_ms <= since_ms + bound_ms, "nobody owns the run from {since_ms} to {now_ms}");
        if owned {
            self.orphaned_ms = None;
        }
    }

    /// The log itself tells: whatever was recorded was recorded by the owner of that moment.
    fn every_entry_is_the_owners(&self) {
        for (place, entry) in self.log.0.iter().enumerate() {
            if let Entry::Work { epoch, by } = entry {
                let state = self.log.ownership(place);
                assert_eq!(state.admits(*epoch), Ok(()), "entry {place}");
                assert_eq!(state.holder().unwrap().owner, self.processes[*by].name, "entry {place}");
            }
        }
    }
}

#[test]
fn two_processes_never_own_one_run() {
    let (mut takeovers, mut conflicts) = (0, 0);
    for seed in 0..60 {
        let mut world = World::new(seed);
        world.run(20, 1);
        world.every_entry_is_the_owners();
        takeovers += world.takeovers;
        conflicts += world.conflicts;
    }
    assert!(takeovers > 200 && conflicts > 200, "{takeovers} takeovers, {conflicts} conflicts");
}

#[test]
fn a_run_whose_owner_dies_is_soon_taken() {
    let mut takeovers = 0;
    for seed in 0..60 {
        let mut world = World::new(seed);
        world.run(0, 2);
        world.every_entry_is_the_owners();
        takeovers += world.takeovers;
    }
    assert!(takeovers > 60, "{takeovers} takeovers");
}
