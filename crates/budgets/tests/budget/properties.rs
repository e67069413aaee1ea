//! Whatever is asked in whatever order, of whatever tree: no limit is overshot, events make the state, repetition is harmless,
//! and an obvious budget agrees.

use proptest::prelude::*;
use proptest::sample::Index;
use smallhands_budgets::{
    Amounts, Ask, BudgetEvent, Budgets, Command, HolderId, LevelId, Limits, Rejection, ReservationId,
    Resource, decide, evolve, replay,
};

use crate::oracle::Oracle;
use crate::words::Story;

fn level() -> impl Strategy<Value = LevelId> {
    (0..7u8).prop_map(|number| LevelId::new(format!("l{number}")))
}

/// Level 0 is a root; each other one lies below one of lower number, nearly always the same one.
fn open() -> impl Strategy<Value = Command> {
    (0..7u8, 0..20u8, limits()).prop_map(|(number, odd, limits)| {
        let below = if odd == 0 { number / 3 } else { number / 2 };
        let parent = (number > 0).then(|| LevelId::new(format!("l{}", below.min(number - 1))));
        Command::OpenLevel { level: LevelId::new(format!("l{number}")), parent, limits }
    })
}

fn limits() -> impl Strategy<Value = Limits> {
    let limit = || prop_oneof![1 => Just(None), 3 => (0..60u64).prop_map(Some)];
    (limit(), limit()).prop_map(|(usd_micros, tokens)| Limits { usd_micros, tokens, ..Limits::NONE })
}

fn resource() -> impl Strategy<Value = Resource> {
    prop_oneof![Just(Resource::UsdMicros), Just(Resource::Tokens)]
}

fn reservation() -> impl Strategy<Value = ReservationId> {
    (0..14u8).prop_map(|number| ReservationId::new(format!("r{number}")))
}

fn holder() -> impl Strategy<Value = HolderId> {
    (0..5u8).prop_map(|number| HolderId::new(format!("h{number}")))
}

fn amounts(most: u64) -> impl Strategy<Value = Amounts> {
    (0..most, 0..most).prop_map(|(usd_micros, tokens)| Amounts { usd_micros, tokens, ..Amounts::ZERO })
}

fn ask() -> impl Strategy<Value = Command> {
    (reservation(), level(), holder(), amounts(20), 0..20u64, any::<bool>()).prop_map(
        |(reservation, level, holder, at_most, tokens, begun)| {
            let least = tokens.min(at_most.tokens);
            let ask = Ask::exactly(reservation, level, holder, at_most).or_at_least(Resource::Tokens, least);
            Command::Reserve(if begun { ask } else { ask.not_begun() })
        },
    )
}

fn any_command() -> impl Strategy<Value = Command> {
    prop_oneof![
        3 => open(),
        8 => ask(),
        1 => (level(), resource(), prop::option::of(0..80u64))
            .prop_map(|(level, resource, limit)| Command::ChangeLimit { level, resource, limit }),
        2 => reservation().prop_map(|reservation| Command::Begin { reservation }),
        4 => (reservation(), amounts(25))
            .prop_map(|(reservation, actual)| Command::Settle { reservation, actual }),
        2 => reservation().prop_map(|reservation| Command::Release { reservation }),
        1 => holder().prop_map(|holder| Command::Reclaim { holder }),
        1 => level().prop_map(|level| Command::CloseLevel { level }),
    ]
}

fn commands() -> impl Strategy<Value = Vec<Command>> {
    let begin = prop::collection::vec(open(), 4..12);
    let rest = prop::collection::vec(any_command(), 1..120);
    (begin, rest).prop_map(|(begin, rest)| [begin, rest].concat())
}

/// Nobody lies: receipts are never above the grant.
fn honest(state: &Budgets, command: Command) -> Command {
    match command {
        Command::Settle { reservation, actual } => {
            let granted = match state.reservation(&reservation) {
                Some(known) if known.committed() != Amounts::ZERO => known.granted,
                _ => Amounts::ZERO,
            };
            Command::Settle { reservation, actual: actual.at_most(granted) }
        }
        other => other,
    }
}

fn assert_within_limits(state: &Budgets) {
    for (id, level) in state.levels() {
        for resource in Resource::ALL {
            let committed = u128::from(level.spent.get(resource)) + u128::from(level.reserved.get(resource));
            assert!(
                committed <= u128::from(level.limit(resource)),
                "`{id}` overshot in {resource}: {level:?}"
            );
        }
    }
}

fn story(commands: Vec<Command>) -> Story {
    let mut story = Story::default();
    for command in commands {
        let _ = story.tell(&command);
    }
    story
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_limit_is_overshot(commands in commands()) {
        let mut story = Story::default();
        for command in commands {
            let command = honest(&story.state, command);
            let _ = story.tell(&command);
            assert_within_limits(&story.state);
        }
    }

    #[test]
    fn liars_alone_overshoot_and_get_nothing_more(commands in commands()) {
        let mut story = Story::default();
        for command in commands {
            let told = story.tell(&command);
            for (id, level) in story.state.levels() {
                for resource in Resource::ALL {
                    let most = level.limit(resource).saturating_add(level.excess.get(resource));
                    prop_assert!(level.committed().get(resource) <= most, "`{}`: {:?}", id, level);
                }
            }
            if let (Command::Reserve(ask), Ok(1)) = (&command, told) {
                let overdrawn = story.state.overdrafts();
                let above: Vec<_> = story.state.lineage(&ask.level).map(|(id, _)| id).collect();
                prop_assert!(overdrawn.iter().all(|shortfall| !above.contains(&&shortfall.level)));
            }
        }
    }

    #[test]
    fn an_obvious_budget_agrees(commands in commands()) {
        let mut story = Story::default();
        let mut oracle = Oracle::default();
        for command in commands {
            // The real one forgets what is settled at closed levels; asking about it is harmless, but answered otherwise.
            let about = match &command {
                Command::Reserve(ask) => Some(&ask.reservation),
                Command::Begin { reservation } | Command::Settle { reservation, .. }
                | Command::Release { reservation } => Some(reservation),
                _ => None,
            };
            if about.is_some_and(|id| oracle.is_forgotten(id.as_str())) {
                prop_assert!(story.tell(&command).is_err(), "{:?}", command);
                continue;
            }
            let accepted = story.tell(&command);
            prop_assert_eq!(accepted.is_ok(), oracle.tell(&command), "{:?}: {:?}", command, accepted);
            if let (Command::Reserve(ask), Ok(_)) = (&command, &accepted) {
                let granted = story.state.reservation(&ask.reservation).map(|known| known.granted);
                prop_assert_eq!(granted, oracle.amounts(ask.reservation.as_str()));
            }
            for (id, level) in story.state.levels() {
                for resource in Resource::ALL {
                    let books = (u128::from(level.spent.get(resource)), u128::from(level.reserved.get(resource)));
                    prop_assert_eq!(books, oracle.books(id.as_str(), resource), "`{}` after {:?}", id, command);
                }
            }
        }
    }

    #[test]
    fn events_make_the_state(commands in commands()) {
        let story = story(commands);
        let read: Vec<_> = story.log.iter().map(|event| {
            let text = event.encode().payload.to_string();
            BudgetEvent::decode(event.kind(), 1, &serde_json::from_str(&text).unwrap()).unwrap()
        }).collect();
        prop_assert_eq!(replay(&read).unwrap(), story.state);
    }

    #[test]
    fn repeated_events_are_harmless(commands in commands(), whens in prop::collection::vec(any::<Index>(), 140)) {
        let story = story(commands);
        // Each event is repeated once, somewhere after it.
        let first = (0..story.log.len()).map(|event| (event, 0, event));
        let again = whens.iter().take(story.log.len()).enumerate()
            .map(|(event, when)| (event + when.index(story.log.len() - event), 1, event));
        let mut heard: Vec<_> = first.chain(again).collect();
        heard.sort_unstable();
        prop_assert_eq!(replay(heard.iter().map(|&(.., event)| &story.log[event])).unwrap(), story.state);
    }

    #[test]
    fn repeated_commands_do_nothing(commands in commands()) {
        let mut story = Story::default();
        for command in commands {
            if story.tell(&command).is_ok() {
                let again = decide(&story.state, &command);
                prop_assert!(again.iter().all(Vec::is_empty), "{:?} again: {:?}", command, again);
            }
        }
    }

    #[test]
    fn advice_is_good(commands in commands()) {
        let mut story = Story::default();
        for command in commands {
            let Err(Rejection::Refused(refusal)) = story.tell(&command) else { continue };
            prop_assert!(!refusal.shortfalls.is_empty());
            let mut raised = story.state.clone();
            for shortfall in &refusal.shortfalls {
                let (level, resource) = (shortfall.level.clone(), shortfall.resource);
                let raise = Command::ChangeLimit { level, resource, limit: Some(shortfall.raise_to()) };
                raised = decide(&raised, &raise).unwrap().iter().fold(raised, evolve);
            }
            prop_assert!(decide(&raised, &command).is_ok(), "{} and then {:?}", refusal, decide(&raised, &command));

            let mut freed = story.state.clone();
            let live: Vec<_> = freed.reservations().filter(|(_, known)| known.phase.is_live())
                .map(|(id, _)| id.clone()).collect();
            for reservation in live {
                freed = decide(&freed, &Command::Release { reservation }).unwrap().iter().fold(freed, evolve);
            }
            prop_assert_eq!(decide(&freed, &command).is_ok(), refusal.may_pass(), "{}", refusal);
        }
    }

    #[test]
    fn a_forecast_tells_what_is_granted(commands in commands(), level in level()) {
        let story = story(commands);
        let Some(available) = story.state.outlook(&level, Resource::Tokens).now else { return Ok(()) };
        let fits = |amount| {
            let ask = Ask::exactly("new", level.clone(), "newcomer", Amounts::only(Resource::Tokens, amount));
            decide(&story.state, &Command::Reserve(ask)).is_ok()
        };
        prop_assert!(!fits(available + 1));
        prop_assert!(available == 0 || fits(available));
    }
}
