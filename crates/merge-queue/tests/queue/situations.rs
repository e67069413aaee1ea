//! Situations worth a name: what is done, in which order, and what comes out.

use smallhands_merge_queue::queue::{
    Command, Entry, Evidence, Fit, Mended, Outcome, Purpose, QueueEvent, Refusal, Settings, Standing, Step,
    Why, decide,
};

use crate::drive::{Dice, Drive, of, settings};
use crate::world::{World, entry, id};

fn show(step: &Step) -> String {
    match step {
        Step::Rebase { entry, onto, .. } => format!("rebase {entry} on {onto}"),
        Step::MergeBySymbol { entry, onto, files, .. } => {
            format!("symbols {entry} on {onto}: {}", files.join(" "))
        }
        Step::Verify { tree, run, purpose, .. } => {
            let purpose = match purpose {
                Purpose::Batch => "batch",
                Purpose::Probe => "probe",
                Purpose::Recheck => "recheck",
                Purpose::Control => "control",
            };
            format!("{purpose} {tree} #{run}")
        }
        Step::Advance { to, entries, .. } => format!("advance to {to}, landing {}", entries.len()),
        Step::HandToMergeTask { entry, onto, .. } => format!("merge task {entry} on {onto}"),
    }
}

fn is_rebase(step: &Step) -> bool {
    matches!(step, Step::Rebase { .. })
}

/// Builds what can be built, then shows what is to be done.
fn built(drive: &mut Drive) -> Vec<String> {
    while let Some(step) = drive.steps().into_iter().find(is_rebase) {
        let answer = drive.world.answer(&step);
        drive.tell(&answer);
    }
    drive.steps().iter().map(show).collect()
}

/// Always the first step; all of them in order, without the rebasing.
fn course(drive: &mut Drive) -> Vec<String> {
    let mut course = Vec::new();
    while let Some(step) = drive.steps().into_iter().next() {
        if !is_rebase(&step) {
            course.push(show(&step));
        }
        let answer = drive.world.answer(&step);
        drive.tell(&answer);
    }
    course
}

fn why(drive: &Drive, number: usize) -> &Why {
    match drive.standing(number) {
        Standing::Rejected { why } => why,
        other => panic!("{number} stands {other:?}"),
    }
}

#[test]
fn what_is_good_lands_with_one_verification() {
    let mut drive = of(World::default(), settings(1, 16), 3);
    let all = "root+e000+e001+e002";
    assert_eq!(course(&mut drive), [format!("batch {all} #1"), format!("advance to {all}, landing 3")]);
    assert_eq!(drive.queue.head, all.into());
}

#[test]
fn a_red_batch_is_halved_and_the_suspect_gets_a_second_chance_on_the_advanced_head() {
    let mut drive = of(World { bad: [2].into(), ..World::default() }, settings(1, 16), 4);
    assert_eq!(
        course(&mut drive),
        [
            "batch root+e000+e001+e002+e003 #1",
            "probe root+e000+e001 #1",
            "probe root+e000+e001+e002 #1",
            "advance to root+e000+e001, landing 2",
            "recheck root+e000+e001+e002 #2",
            "batch root+e000+e001+e003 #1",
            "advance to root+e000+e001+e003, landing 1",
        ]
    );
    assert!(matches!(why(&drive, 2), Why::Red { failing, .. } if failing.len() == 2));
}

#[test]
fn of_two_that_do_not_go_together_the_earlier_lands_and_the_later_knows_its_partner() {
    let mut drive = of(World { bad_pairs: [(0, 1)].into(), ..World::default() }, settings(1, 16), 2);
    assert_eq!(
        course(&mut drive),
        [
            "batch root+e000+e001 #1",
            "probe root+e000 #1",
            "advance to root+e000, landing 1",
            "recheck root+e000+e001 #2",
        ]
    );
    assert!(matches!(why(&drive, 1), Why::Red { landed_meanwhile, .. } if *landed_meanwhile == [id(0)]));
}

#[test]
fn a_flaky_check_costs_a_verification_but_no_patch() {
    let mut drive = of(World { flaky_lengths: [1].into(), ..World::default() }, settings(1, 16), 1);
    assert_eq!(
        course(&mut drive),
        ["batch root+e000 #1", "recheck root+e000 #2", "advance to root+e000, landing 1"]
    );
    let noticed =
        |event: &QueueEvent| matches!(event, QueueEvent::FlakeNoticed { checks, .. } if checks.len() == 2);
    assert!(drive.log.iter().any(noticed));
}

#[test]
fn nobody_is_blamed_on_a_red_head_and_who_mends_it_lands() {
    let mut drive = of(World { mended_by: Some(1), ..World::default() }, settings(1, 1), 3);
    assert_eq!(
        course(&mut drive),
        [
            "batch root+e000 #1",
            "recheck root+e000 #2",
            "control root #1",
            "control root #2",
            "batch root+e001 #1",
            "advance to root+e001, landing 1",
            "batch root+e001+e002 #1",
            "advance to root+e001+e002, landing 1",
        ]
    );
    assert!(matches!(why(&drive, 0), Why::HeadRed { .. }));
}

#[test]
fn batches_are_built_on_what_is_expected_of_those_before() {
    let mut drive = of(World { bad: [1].into(), ..World::default() }, settings(3, 2), 6);
    assert_eq!(
        built(&mut drive),
        [
            "batch root+e000+e001 #1",
            "batch root+e000+e001+e002+e003 #1",
            "batch root+e000+e001+e002+e003+e004+e005 #1",
        ]
    );
    drive.answer(0);
    assert_eq!(built(&mut drive), ["probe root+e000 #1"], "the others were built on a red tree");
    for _ in 0..2 {
        drive.answer(0);
    }
    assert_eq!(
        built(&mut drive),
        ["recheck root+e000+e001 #2", "batch root+e000+e002 #1", "batch root+e000+e002+e003 #1"],
        "a suspect is expected to fall"
    );
}

#[test]
fn evidence_for_a_speculative_tree_counts_once_the_head_is_below_it() {
    let mut drive = of(World::default(), settings(2, 2), 4);
    built(&mut drive);
    drive.answer(1);
    assert_eq!(built(&mut drive), ["batch root+e000+e001 #1"], "the second batch waits for the first");
    let expected = [
        "batch root+e000+e001 #1",
        "advance to root+e000+e001, landing 2",
        "advance to root+e000+e001+e002+e003, landing 2",
    ];
    assert_eq!(course(&mut drive), expected);
}

#[test]
fn a_base_that_moves_makes_evidence_stale() {
    let mut drive = of(World::default(), settings(1, 16), 1);
    built(&mut drive);
    drive.answer(0);
    assert_eq!(built(&mut drive), ["advance to root+e000, landing 1"]);
    drive.move_base(7);
    let refusal = decide(&drive.queue, &Command::Advanced { to: "root+e000".into() });
    assert_eq!(refusal, Err(Refusal::NotAdvancing { to: "root+e000".into() }));
    assert_eq!(built(&mut drive), ["batch root+m7+e000 #1"], "what was green is not this tree");
}

#[test]
fn a_base_that_never_rests_ends_in_a_rejection() {
    let mut drive = of(World::default(), settings(1, 16), 2);
    let mut moves = 0;
    while !drive.queue.is_drained() {
        built(&mut drive);
        drive.move_base(moves);
        moves += 1;
        assert!(moves < 100);
    }
    for number in [0, 1] {
        assert!(matches!(why(&drive, number), Why::OutOfRounds { interruptions: 7 }));
    }
}

#[test]
fn what_conflicts_is_tried_by_symbol_then_on_the_head_then_handed_over() {
    let pair = [(0, 1)];
    let world = World { text_conflicts: pair.into(), symbol_conflicts: pair.into(), ..World::default() };
    let mut drive = of(world, settings(1, 16), 2);
    assert_eq!(
        course(&mut drive),
        [
            "symbols e001 on root+e000: f.py",
            "batch root+e000 #1",
            "advance to root+e000, landing 1",
            "symbols e001 on root+e000: f.py",
            "merge task e001 on root+e000",
            "batch root+e000+e001' #1",
            "advance to root+e000+e001', landing 1",
        ]
    );
}

#[test]
fn merging_by_symbol_keeps_a_batch_together() {
    let mut drive = of(World { text_conflicts: [(0, 1)].into(), ..World::default() }, settings(1, 16), 2);
    assert_eq!(
        course(&mut drive),
        [
            "symbols e001 on root+e000: f.py",
            "batch root+e000+e001 #1",
            "advance to root+e000+e001, landing 2"
        ]
    );
}

#[test]
fn a_patch_that_goes_on_conflicting_is_handed_over_a_bounded_number_of_times() {
    let mut drive = of(World::default(), settings(1, 16), 1);
    let conflict = || Fit::Conflict { conflicts: vec!["a.py: f".into()] };
    for round in 0..2 {
        let onto = drive.queue.head.clone();
        drive.tell(&Command::Rebased { entry: id(0), onto: onto.clone(), fit: conflict() });
        drive.tell(&Command::MergedBySymbol { entry: id(0), onto, fit: conflict() });
        if round == 0 {
            let result = Mended::Patch { patch: "again".into(), base: "root".into(), touches: [].into() };
            drive.tell(&Command::MergeTaskEnded { entry: id(0), result });
        }
    }
    assert_eq!(*why(&drive, 0), Why::Conflict { conflicts: vec!["a.py: f".into()] });
}

#[test]
fn a_patch_with_nothing_left_to_do_is_not_verified() {
    let mut drive = of(World::default(), settings(1, 16), 1);
    drive.tell(&Command::Rebased {
        entry: id(0),
        onto: "root".into(),
        fit: Fit::Clean { tree: "root".into() },
    });
    assert_eq!(*why(&drive, 0), Why::NothingLeft);
}

#[test]
fn a_broken_machine_is_no_verdict_until_it_breaks_each_time() {
    let mut drive = of(World { lost_lengths: [1].into(), ..World::default() }, settings(1, 16), 1);
    assert_eq!(
        course(&mut drive),
        ["batch root+e000 #1", "batch root+e000 #2", "advance to root+e000, landing 1"]
    );

    let mut drive = of(World::default(), settings(1, 16), 1);
    built(&mut drive);
    for run in 1..=3 {
        let lost = |check: &str| Evidence {
            tree: "root+e000".into(),
            check: check.into(),
            outcome: Outcome::Lost,
            log: String::new(),
        };
        let evidence = vec![lost("unit"), lost("lint")];
        drive.tell(&Command::Verified { tree: "root+e000".into(), run, evidence });
    }
    assert!(matches!(why(&drive, 0), Why::Unverifiable { .. }));
}

fn special(number: usize, priority: i64, rivals: Option<&str>) -> Entry {
    Entry { priority, rivals: rivals.map(str::to_owned), ..entry(number) }
}

#[test]
fn at_most_one_of_the_rivals_lands_the_most_wanted_first() {
    let mut drive = Drive::new(World { bad: [2].into(), ..World::default() }, settings(3, 16));
    drive.offer(vec![
        special(0, 0, Some("g")),
        special(1, 5, Some("g")),
        special(2, 9, Some("g")),
        special(3, 0, None),
    ]);
    drive.run(&mut Dice(5));
    assert!(drive.has_landed(1) && drive.has_landed(3));
    assert_eq!(*why(&drive, 0), Why::Rival { landed: id(1) });
    assert!(matches!(why(&drive, 2), Why::Red { .. }));
}

#[test]
fn what_is_withdrawn_takes_with_it_what_was_built_on_it() {
    let mut drive = of(World::default(), settings(2, 1), 2);
    assert_eq!(built(&mut drive), ["batch root+e000 #1", "batch root+e000+e001 #1"]);
    drive.tell(&Command::Withdraw { entry: id(0), reason: "second thoughts".into() });
    assert_eq!(built(&mut drive), ["batch root+e001 #1"]);
    let again = decide(&drive.queue, &Command::Withdraw { entry: id(0), reason: String::new() });
    assert_eq!(again, Err(Refusal::TooLate { entry: id(0) }));
}

#[test]
fn what_does_not_fit_the_state_is_refused() {
    let mut drive = of(World::default(), settings(1, 16), 1);
    let evidence = |tree: &str| Evidence {
        tree: tree.into(),
        check: "unit".into(),
        outcome: Outcome::Green,
        log: String::new(),
    };
    let verified = |run, evidence| Command::Verified { tree: "root".into(), run, evidence };
    let (tree, unknown) = ("root".into(), id(9));
    let refused: Vec<(Command, Refusal)> = vec![
        (Command::Offer { entries: vec![entry(0)] }, Refusal::OfferedTwice { entry: id(0) }),
        (Command::Offer { entries: vec![entry(5), entry(5)] }, Refusal::OfferedTwice { entry: id(5) }),
        (
            Command::Withdraw { entry: unknown.clone(), reason: String::new() },
            Refusal::UnknownEntry { entry: unknown },
        ),
        (verified(2, vec![]), Refusal::RunOutOfOrder { tree: "root".into(), run: 2, next: 1 }),
        (
            verified(1, vec![evidence("old")]),
            Refusal::StaleEvidence { check: "unit".into(), tree: "root".into(), actual: "old".into() },
        ),
        (verified(1, vec![evidence("root")]), Refusal::MissingEvidence { check: "lint".into(), tree }),
        (
            Command::MergedBySymbol {
                entry: id(0),
                onto: "root".into(),
                fit: Fit::Clean { tree: "x".into() },
            },
            Refusal::NotAwaited { entry: id(0), onto: "root".into() },
        ),
        (
            Command::MergeTaskEnded { entry: id(0), result: Mended::Failed { reason: String::new() } },
            Refusal::NotHandedOver { entry: id(0) },
        ),
    ];
    for (command, expected) in refused {
        assert_eq!(decide(&drive.queue, &command), Err(expected), "{command:?}");
    }
    drive.run(&mut Dice(1));
}

#[test]
fn whoever_verifies_is_told_what_the_tree_has_and_what_is_claimed() {
    let mut drive = of(World::default(), settings(2, 1), 2);
    built(&mut drive);
    let Step::Verify { against, entries, claims, checks, .. } = &drive.steps()[1] else {
        panic!("no verification")
    };
    assert_eq!((against.as_str(), entries.as_slice()), ("root", [id(0), id(1)].as_slice()));
    assert!(claims.iter().eq(["t0", "t1"]) && checks.len() == 2);
}

#[test]
fn evidence_of_the_head_that_is_there_already_saves_the_control() {
    let mut drive = of(World { bad: [0].into(), ..World::default() }, Settings::new(vec!["unit".into()]), 1);
    let green =
        Evidence { tree: "root".into(), check: "unit".into(), outcome: Outcome::Green, log: "before".into() };
    drive.tell(&Command::Verified { tree: "root".into(), run: 1, evidence: vec![green] });
    assert_eq!(course(&mut drive), ["batch root+e000 #1", "recheck root+e000 #2"]);
}
