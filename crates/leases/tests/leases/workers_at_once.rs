//! Many workers under virtual time, with messages that are late, lost, repeated and overtaken, workers that die, freeze and
//! come back, clocks that run apart, and a roster that sleeps.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use smallhands_leases::{
    Acknowledgement, AttemptId, Effect, Incarnation, Lease, LossCause, Message, Roster, Tenure, Token,
    WorkerId,
};

use crate::dice::Dice;
use crate::words::POLICY;

const WORKERS: usize = 4;
const ATTEMPTS: usize = 6;
const END_MS: u64 = 20_000;

/// What goes wrong.
#[derive(Clone, Copy)]
struct Weather {
    most_delay_ms: u64,
    /// Of a thousand messages.
    lost: u64,
    repeated: u64,
    /// Of a thousand heartbeats, those before which a worker freezes.
    freezes: u64,
    deaths: u64,
    /// How late the roster is woken.
    lateness_ms: u64,
    /// Of a thousand wake-ups, those before which the roster sleeps for long.
    sleeps: u64,
}

/// Delays that add up to less than what is tolerated; workers may die.
const CALM: Weather =
    Weather { most_delay_ms: 400, lost: 0, repeated: 50, freezes: 0, deaths: 4, lateness_ms: 50, sleeps: 0 };
const STORM: Weather = Weather {
    most_delay_ms: 900,
    lost: 150,
    repeated: 100,
    freezes: 15,
    deaths: 10,
    lateness_ms: 150,
    sleeps: 10,
};

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    ToRoster(usize),
    ToWorker(usize, usize),
    Beat(usize, u64),
    Wake,
    Dispatch,
}

#[derive(Clone)]
enum Letter {
    Up(Message),
    Answer(Acknowledgement),
    Lease(Lease),
}

struct Person {
    tenure: Tenure,
    life: u64,
    /// Thousandths of true time.
    rate: u64,
    offset_ms: u64,
    died_ms: Option<u64>,
    frozen_until_ms: u64,
}

impl Person {
    fn clock(&self, now_ms: u64) -> u64 {
        self.offset_ms + now_ms * self.rate / 1_000
    }
}

struct World {
    weather: Weather,
    dice: Dice,
    roster: Roster,
    people: Vec<Person>,
    agenda: BinaryHeap<Reverse<(u64, u64, Happening)>>,
    letters: Vec<Letter>,
    order: u64,
    /// Every letter to the roster is read before this time at the earliest.
    asleep_until_ms: u64,
    highest: Option<Token>,
    held: BTreeMap<AttemptId, (WorkerId, Token)>,
    found: usize,
    refused_lives: usize,
    acted: usize,
}

fn name(worker: usize) -> WorkerId {
    WorkerId::new(format!("w{worker}"))
}

fn attempt(number: usize) -> AttemptId {
    AttemptId::new(format!("a{number}"))
}

impl World {
    fn new(seed: u64, weather: Weather) -> Self {
        let mut world = Self {
            weather,
            dice: Dice::new(seed),
            roster: Roster::new(POLICY, 1),
            people: Vec::new(),
            agenda: BinaryHeap::new(),
            letters: Vec::new(),
            order: 0,
            asleep_until_ms: 0,
            highest: None,
            held: BTreeMap::new(),
            found: 0,
            refused_lives: 0,
            acted: 0,
        };
        for worker in 0..WORKERS {
            let person = world.born(worker, 1, 0);
            world.people.push(person);
            world.begin(worker, 0);
        }
        world.plan(0, Happening::Dispatch);
        world
    }

    fn born(&mut self, worker: usize, life: u64, now_ms: u64) -> Person {
        let (rate, offset_ms) = (960 + self.dice.below(81), self.dice.below(1_000_000));
        let tenure = Tenure::new(POLICY, name(worker), Incarnation(life), offset_ms + now_ms * rate / 1_000);
        Person { tenure, life, rate, offset_ms, died_ms: None, frozen_until_ms: 0 }
    }

    fn begin(&mut self, worker: usize, now_ms: u64) {
        let registration = self.people[worker].tenure.registration();
        self.send_up(now_ms, registration);
        self.plan(now_ms + POLICY.heartbeat_ms, Happening::Beat(worker, self.people[worker].life));
    }

    fn plan(&mut self, at_ms: u64, what: Happening) {
        self.order += 1;
        self.agenda.push(Reverse((at_ms, self.order, what)));
    }

    fn post(&mut self, now_ms: u64, letter: Letter, to: impl Fn(usize) -> Happening) {
        let copies = if self.dice.happens(self.weather.lost) {
            0
        } else {
            1 + usize::from(self.dice.happens(self.weather.repeated))
        };
        for _ in 0..copies {
            let delay_ms = self.dice.below(self.weather.most_delay_ms + 1);
            self.letters.push(letter.clone());
            self.plan(now_ms + delay_ms, to(self.letters.len() - 1));
        }
    }

    fn send_up(&mut self, now_ms: u64, message: Message) {
        self.post(now_ms, Letter::Up(message), Happening::ToRoster);
    }

    fn run(&mut self) {
        while let Some(Reverse((now_ms, _, what))) = self.agenda.pop() {
            if now_ms > END_MS {
                return;
            }
            match what {
                Happening::ToRoster(letter) => self.arrive(now_ms, letter),
                Happening::ToWorker(worker, letter) => self.deliver(now_ms, worker, letter),
                Happening::Beat(worker, life) => self.beat(now_ms, worker, life),
                Happening::Wake => self.wake(now_ms),
                Happening::Dispatch => self.dispatch(now_ms),
            }
            self.nobody_acts_twice(now_ms);
        }
    }

    /// The roster reads a letter, unless it sleeps.
    fn arrive(&mut self, now_ms: u64, letter: usize) {
        if now_ms < self.asleep_until_ms {
            return self.plan(self.asleep_until_ms, Happening::ToRoster(letter));
        }
        let Letter::Up(message) = self.letters[letter].clone() else { unreachable!() };
        let life = match &message {
            Message::Heartbeat(beat) => Some((beat.worker.clone(), beat.incarnation)),
            _ => None,
        };
        let known = life.and_then(|(worker, life)| Some((self.roster.standing(&worker)?.0, life)));
        match self.roster.handle(now_ms, &message) {
            Ok(effects) => {
                assert!(
                    known.is_none_or(|(current, life)| life == current),
                    "{message:?} of another life was taken"
                );
                self.obey(now_ms, effects);
            }
            Err(_) if known.is_some_and(|(current, life)| life < current) => self.refused_lives += 1,
            // A registration was lost, or the worker was declared lost: it begins again.
            Err(_) => {}
        }
    }

    fn deliver(&mut self, now_ms: u64, worker: usize, letter: usize) {
        let person = &mut self.people[worker];
        if person.died_ms.is_some() {
            return;
        }
        if now_ms < person.frozen_until_ms {
            let until = person.frozen_until_ms;
            return self.plan(until, Happening::ToWorker(worker, letter));
        }
        match self.letters[letter].clone() {
            Letter::Answer(answer) => drop(person.tenure.acknowledged(&answer)),
            Letter::Lease(lease) => drop(person.tenure.accept(&lease)),
            Letter::Up(_) => unreachable!(),
        }
    }

    fn beat(&mut self, now_ms: u64, worker: usize, life: u64) {
        let person = &mut self.people[worker];
        if person.life != life || person.died_ms.is_some() {
            return;
        }
        if now_ms < person.frozen_until_ms {
            let until = person.frozen_until_ms;
            return self.plan(until, Happening::Beat(worker, life));
        }
        if self.dice.happens(self.weather.deaths) {
            self.people[worker].died_ms = Some(now_ms);
            return;
        }
        if self.dice.happens(self.weather.freezes) {
            self.people[worker].frozen_until_ms = now_ms + self.dice.below(3_000);
            return self.plan(now_ms, Happening::Beat(worker, life));
        }
        let clock = self.people[worker].clock(now_ms);
        let beat = self.people[worker].tenure.heartbeat(clock);
        self.send_up(now_ms, Message::Heartbeat(beat));
        self.sometimes_finish(now_ms, worker);
        self.plan(now_ms + POLICY.heartbeat_ms, Happening::Beat(worker, life));
    }

    fn sometimes_finish(&mut self, now_ms: u64, worker: usize) {
        let attempt = attempt(self.dice.below(ATTEMPTS as u64) as usize);
        let clock = self.people[worker].clock(now_ms);
        if self.dice.happens(100)
            && self.people[worker].tenure.may_act(&attempt, clock)
            && let Some(message) = self.people[worker].tenure.finish(&attempt)
        {
            self.send_up(now_ms, message);
        }
    }

    fn wake(&mut self, now_ms: u64) {
        if now_ms < self.asleep_until_ms {
            return;
        }
        let effects = self.roster.handle(now_ms, &Message::Tick).unwrap();
        self.obey(now_ms, effects);
        assert!(self.roster.next_wake_ms().is_none_or(|next| next > now_ms), "a tick leaves nothing undone");
    }

    /// Every 20 ms: hands out what nobody holds, and lets the lost begin again. Wakes the roster when it has to be woken.
    fn dispatch(&mut self, now_ms: u64) {
        if now_ms >= self.asleep_until_ms && self.dice.happens(self.weather.sleeps) {
            self.asleep_until_ms = now_ms + self.dice.below(4_000);
        }
        if now_ms >= self.asleep_until_ms {
            self.hand_out(now_ms);
            if self.roster.next_wake_ms().is_some_and(|due| due <= now_ms + 20) {
                let late_ms = self.dice.below(self.weather.lateness_ms.saturating_sub(20) + 1);
                self.plan(now_ms + 20 + late_ms, Happening::Wake);
            }
        }
        self.revive(now_ms);
        self.plan(now_ms + 20, Happening::Dispatch);
    }

    fn hand_out(&mut self, now_ms: u64) {
        let granting: Vec<_> = self.roster.granting().cloned().collect();
        let Some(worker) = granting.get(self.dice.below(granting.len() as u64) as usize).cloned() else {
            return;
        };
        let attempt = attempt(self.dice.below(ATTEMPTS as u64) as usize);
        let held = self.held.contains_key(&attempt);
        if let Ok(effects) = self.roster.handle(now_ms, &Message::Grant { attempt, worker }) {
            assert!(!held, "held twice");
            self.obey(now_ms, effects);
        }
    }

    /// A worker that was declared lost and lives begins again, and so does one that was found dead.
    fn revive(&mut self, now_ms: u64) {
        for worker in 0..WORKERS {
            let person = &self.people[worker];
            let standing = self.roster.standing(&name(worker));
            let over = standing.is_some_and(|(life, standing)| {
                life == Incarnation(person.life) && standing == smallhands_leases::Standing::Lost
            });
            let never_heard = standing.is_none_or(|(life, _)| life < Incarnation(person.life));
            let dead_unheard = never_heard && person.died_ms.is_some();
            if (over || dead_unheard || never_heard && self.dice.happens(2)) && self.dice.happens(20) {
                let life = person.life + 1;
                self.people[worker] = self.born(worker, life, now_ms);
                self.begin(worker, now_ms);
            }
        }
    }

    fn obey(&mut self, now_ms: u64, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Acknowledge(answer) => {
                    let to = (0..WORKERS).find(|&worker| name(worker) == answer.worker).unwrap();
                    self.post(now_ms, Letter::Answer(answer), |letter| Happening::ToWorker(to, letter));
                }
                Effect::Launch(lease) => {
                    assert!(self.highest.is_none_or(|highest| lease.token > highest), "tokens rise");
                    self.highest = Some(lease.token);
                    self.held.insert(lease.attempt.clone(), (lease.worker.clone(), lease.token));
                    let to = (0..WORKERS).find(|&worker| name(worker) == lease.worker).unwrap();
                    self.post(now_ms, Letter::Lease(lease), |letter| Happening::ToWorker(to, letter));
                }
                Effect::DeclareLost { worker, incarnation, attempts, cause } => {
                    self.bury(now_ms, &worker, incarnation, &attempts, cause);
                }
                Effect::Suspected { .. } | Effect::Recovered { .. } | Effect::Departed { .. } => {}
            }
        }
        let (roster, held) = (&self.roster, &mut self.held);
        held.retain(|attempt, (_, token)| roster.check(attempt, *token).is_ok());
    }

    fn bury(
        &mut self,
        now_ms: u64,
        worker: &WorkerId,
        incarnation: Incarnation,
        attempts: &[(AttemptId, Token)],
        cause: LossCause,
    ) {
        for (attempt, token) in attempts {
            assert_eq!(self.held.remove(attempt), Some((worker.clone(), *token)), "lost what was held");
        }
        let person = self.people.iter().enumerate().find(|(number, _)| name(*number) == *worker).unwrap().1;
        if cause != LossCause::Silent || Incarnation(person.life) != incarnation {
            return;
        }
        let calm = self.weather.sleeps == 0 && self.weather.lost == 0;
        match person.died_ms {
            Some(died_ms) => {
                let sleep_ms = if calm { self.weather.lateness_ms } else { 4_000 + self.weather.lateness_ms };
                let bound_ms = POLICY.detection_bound_ms(self.weather.most_delay_ms, sleep_ms);
                assert!(now_ms <= died_ms + bound_ms, "{worker} died at {died_ms} and was found at {now_ms}");
                self.found += 1;
            }
            None => assert!(!calm, "{worker} lives at {now_ms} and was declared lost"),
        }
    }

    /// No attempt is acted on by two workers, dead and frozen ones aside: the frozen ones may wake up at any time.
    fn nobody_acts_twice(&mut self, now_ms: u64) {
        for number in 0..ATTEMPTS {
            let attempt = attempt(number);
            let acting = self.people.iter().filter(|person| {
                person.died_ms.is_none() && person.tenure.may_act(&attempt, person.clock(now_ms))
            });
            let acting = acting.count();
            assert!(acting <= 1, "{attempt} is acted on by {acting} at {now_ms}");
            self.acted += acting;
        }
    }

    /// The dead who were not found until the end, though there was time.
    fn overlooked(&self) -> usize {
        let bound_ms = POLICY.detection_bound_ms(self.weather.most_delay_ms, self.weather.lateness_ms);
        let overlooked = self.people.iter().enumerate().filter(|(number, person)| {
            let standing = self.roster.standing(&name(*number));
            let live = standing.is_some_and(|(life, standing)| {
                life == Incarnation(person.life) && standing != smallhands_leases::Standing::Lost
            });
            live && person.died_ms.is_some_and(|died_ms| died_ms + bound_ms < END_MS)
        });
        overlooked.count()
    }
}

#[test]
fn in_calm_weather_the_dead_are_found_in_time_and_the_living_never() {
    let (mut found, mut acted) = (0, 0);
    for seed in 0..60 {
        let mut world = World::new(seed, CALM);
        world.run();
        assert_eq!(world.overlooked(), 0, "seed {seed}");
        found += world.found;
        acted += world.acted;
    }
    assert!(found > 100 && acted > 10_000, "{found} found, {acted} acts");
}

#[test]
fn in_a_storm_no_attempt_is_acted_on_twice_and_old_lives_are_refused() {
    let (mut found, mut refused, mut acted) = (0, 0, 0);
    for seed in 0..120 {
        let mut world = World::new(seed, STORM);
        world.run();
        found += world.found;
        refused += world.refused_lives;
        acted += world.acted;
    }
    assert!(found > 100 && refused > 20 && acted > 10_000, "{found} found, {refused} refused, {acted} acts");
}
