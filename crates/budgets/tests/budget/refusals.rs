//! Refusals name what is missing where, and what to do.

use smallhands_budgets::{
    Amounts, Ask, Command, LevelId, Limits, NextStep, Rejection, Resource, Shortfall, decide,
};

use crate::words::{Story, command};

/// After `words`, `refused` is refused with this text.
#[track_caller]
fn check(words: &str, refused: &str, expected: &str) {
    let state = Story::after(words).state;
    let rejection = decide(&state, &command(refused)).expect_err(refused);
    assert_eq!(rejection.to_string(), expected, "{words}; {refused}");
}

#[test]
fn what_each_refusal_says() {
    check(
        "open run 100; open a<run 60; ask x a 50",
        "ask r a 20",
        "the budget does not suffice: `a` has tokens for 60, 0 spent and 50 reserved; 20 asked: \
         wait until a reservation is settled, or raise the limit to 70",
    );
    check(
        "open run 100; open a<run 60; ask x a 50; settle x 50",
        "ask r a 60",
        "the budget does not suffice: `a` has tokens for 60, 50 spent and 0 reserved; 60 asked: \
         ask for 10 or less, or raise the limit to 110; \
         `run` has tokens for 100, 50 spent and 0 reserved; 60 asked: \
         ask for 50 or less, or raise the limit to 110",
    );
    check(
        "open run 10; ask x run 10; settle x 10",
        "ask r run 1",
        "the budget does not suffice: `run` has tokens for 10, 10 spent and 0 reserved; 1 asked: raise the limit to 11",
    );
    check("", "ask r a 1", "there is no budget level `a`; open it first");
    check("", "open a<run 1", "there is no budget level `run`; open it first");
    check(
        "open r -; open s -; open a<r 1",
        "open a<s 1",
        "budget level `a` exists below another parent; choose another name",
    );
    check("open r -; close r", "ask x r 1", "budget level `r` is closed; open another one");
    check("open r -; close r", "open r -", "budget level `r` is closed; open another one");
    check("open r -; close r", "open a<r -", "budget level `r` is closed; open another one");
    check(
        "open r -; open a<r -",
        "close r",
        "budget level `r` cannot be closed: `a` is still open; settle, release or close it first",
    );
    check(
        "open r -; ask x r 1",
        "close r",
        "budget level `r` cannot be closed: `x` is still open; settle, release or close it first",
    );
    check(
        "open r 9; ask x r 5",
        "limit r 4",
        "the limit of `r` for tokens cannot be lowered to 4: 5 are spent or reserved; lower it to that at most",
    );
    check(
        "open r 9",
        "ask x r 4 5",
        "reservation `x` contradicts itself about tokens: at least what is asked at most, or a part of money; mend the ask",
    );
    check(
        "open r 9; ask x r 4",
        "ask x r 5",
        "reservation `x` exists and asked for something else; choose another name",
    );
    check("", "settle x 1", "there is no reservation `x`; reserve before the call");
    check(
        "open r 9; ask x r 1; settle x 1",
        "ask x r 1",
        "reservation `x` is settled; do not make the call, reserve anew",
    );
    check(
        "open r 9; hold x r 1; release x",
        "begin x",
        "reservation `x` is released; do not make the call, reserve anew",
    );
}

#[test]
fn what_to_do_next() {
    let check = |limit, spent, reserved, asked, expected| {
        let level = LevelId::new("l");
        let shortfall = Shortfall { level, resource: Resource::Tokens, limit, spent, reserved, asked };
        assert_eq!(shortfall.next_step(), expected, "{shortfall}");
    };
    check(100, 0, 100, 100, NextStep::Wait);
    check(100, 50, 50, 50, NextStep::Wait);
    check(100, 50, 50, 51, NextStep::RaiseLimit { to: 151 });
    check(100, 50, 40, 51, NextStep::AskForLess { available: 10 });
    check(100, 101, 0, 0, NextStep::RaiseLimit { to: 101 });
    check(100, 90, 20, 0, NextStep::Wait);
}

#[test]
fn one_missing_resource_of_several_is_enough() {
    let mut story = Story::default();
    let limits =
        Limits { usd_micros: Some(500), tokens: Some(1_000), time_ms: Some(60_000), validations: Some(3) };
    story.tell(&Command::OpenLevel { level: "run".into(), parent: None, limits }).unwrap();
    let fits = Amounts { usd_micros: 500, tokens: 1_000, time_ms: 60_000, validations: 3 };
    for resource in Resource::ALL {
        let ask = Ask::exactly("x", "run", "h", fits.with(resource, fits.get(resource) + 1));
        match story.tell(&Command::Reserve(ask)) {
            Err(Rejection::Refused(refusal)) => {
                let missing: Vec<_> = refusal.shortfalls.iter().map(|shortfall| shortfall.resource).collect();
                assert_eq!(missing, [resource]);
                assert!(!refusal.may_pass());
            }
            other => panic!("{resource}: {other:?}"),
        }
    }
    assert_eq!(story.tell(&Command::Reserve(Ask::exactly("x", "run", "h", fits))), Ok(1));
}

#[test]
fn a_part_of_money_is_never_granted() {
    let mut story = Story::after("open run -");
    let ask = Ask::exactly("x", "run", "h", Amounts::only(Resource::UsdMicros, 5));
    let part = ask.or_at_least(Resource::UsdMicros, 1);
    let contradiction = Rejection::Contradiction { reservation: "x".into(), resource: Resource::UsdMicros };
    assert_eq!(story.tell(&Command::Reserve(part)), Err(contradiction));
}
