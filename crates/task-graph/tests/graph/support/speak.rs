//! The language of transcripts: from words to commands, from events and states to words.

use serde_json::{Value, json};
use smallhands_task_graph::{
    AttemptPhase, AttemptResult, Command, Effect, Limit, Needs, PlanChange, RaceId, RetryPolicy, RunEvent,
    RunLimits, RunState, Task, TaskPhase, effects,
};

use super::{Run, race_of};

/// Replays the dialogue and compares the answers. Prints the actual dialogue where they differ.
pub fn check(transcript: &str) {
    let lines: Vec<&str> = transcript.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let mut run = Run::default();
    let mut actual: Vec<String> = Vec::new();
    for line in &lines {
        if let Some(words) = line.strip_prefix("> ") {
            actual.push((*line).to_owned());
            actual.extend(answer(&mut run, &parse(words)));
        } else if let Some(question) = line.strip_prefix("? ") {
            actual.push((*line).to_owned());
            actual.extend(look(&run.state, question));
        }
    }
    run.assert_replays();
    assert!(actual == lines, "the dialogue went differently:\n{}\n", actual.join("\n"));
}

fn answer(run: &mut Run, command: &Command) -> Vec<String> {
    match run.give(command) {
        Ok(events) => events.iter().filter_map(say).collect(),
        Err(refusal) => vec![format!("refused: {refusal}")],
    }
}

fn parse(words: &str) -> Command {
    let (verb, rest) = words.split_once(' ').unwrap_or((words, ""));
    let words: Vec<&str> = rest.split_whitespace().collect();
    let at_ms = words.iter().find_map(|word| word.strip_prefix('@')).map_or(0, |at| at.parse().unwrap());
    let attempt = || words[0].parse().unwrap();
    let end = |result| Command::FinishAttempt { attempt: attempt(), result, at_ms };
    match verb {
        "submit" => Command::Submit { spec: json!({}), limits: parse_limits(&words), at_ms },
        "adopt" => Command::AdoptPlan(parse_change(&words)),
        "start" => Command::StartReady { at_ms },
        "progress" => Command::AttemptProgress { attempt: attempt(), note: words[1].parse().unwrap() },
        "done" => end(AttemptResult::Done {
            output: words.get(1).map_or(Value::Null, |w| w.parse().unwrap_or_default()),
        }),
        "give-up" => end(AttemptResult::GaveUp { reason: "no idea".into(), output: Value::Null }),
        "time-out" => end(AttemptResult::LimitReached { which: Limit::Time }),
        "lose" => end(AttemptResult::Lost { reason: "the sandbox broke".into() }),
        "cancel" => Command::Cancel { reason: rest.to_owned() },
        "limit" => Command::LimitReached { which: serde_json::from_value(json!(rest)).unwrap() },
        "finish" => Command::Finish { verdict: json!("verified"), summary: Value::Null },
        "tick" => Command::Tick { at_ms },
        "resume" => Command::Resume { at_ms },
        "order" => Command::Order {
            request: words[0].parse().unwrap(),
            order: serde_json::from_str(words[1]).unwrap(),
            at_ms,
        },
        "ask" => Command::Ask {
            attempt: attempt(),
            question: words[1].into(),
            default: words[2] == "yes",
            until_ms: words[3].parse().unwrap(),
        },
        "intend" => Command::Intend {
            key: words[0].into(),
            attempt: words.get(1).map(|attempt| attempt.parse().unwrap()),
            what: Value::Null,
        },
        "receive" => {
            Command::Receive { key: words[0].into(), done: words[1] == "done", receipt: json!(words[1]) }
        }
        "fork" => Command::Fork { parent: words[0].into(), at: words[1].parse().unwrap() },
        other => panic!("unknown command {other}"),
    }
}

fn parse_limits(words: &[&str]) -> RunLimits {
    let mut limits = RunLimits { agents: 2, ..RunLimits::default() };
    for (key, value) in words.iter().filter_map(|word| word.split_once('=')) {
        match key {
            "agents" => limits.agents = value.parse().unwrap(),
            "deadline" => limits.deadline_at_ms = Some(value.parse().unwrap()),
            "attempts" => limits.max_attempts = Some(value.parse().unwrap()),
            other => panic!("unknown limit {other}"),
        }
    }
    limits
}

/// `+ id key=value …` adds a task, `- id` drops one, `seen=n` says what the planner has seen.
fn parse_change(words: &[&str]) -> PlanChange {
    let mut change = PlanChange::default();
    let mut words = words.iter();
    while let Some(word) = words.next() {
        match (*word, word.split_once('=')) {
            ("+", _) => change.add.push(Task::new(*words.next().unwrap(), "worker", "work")),
            ("-", _) => change.drop.push((*words.next().unwrap()).into()),
            (_, Some(("seen", value))) => change.seen = Some(value.parse().unwrap()),
            (_, Some((key, value))) => set(change.add.last_mut().unwrap(), key, value),
            (other, None) => panic!("unknown word {other}"),
        }
    }
    change
}

fn set(task: &mut Task, key: &str, value: &str) {
    match key {
        "after" => task.after = value.split(',').map(Into::into).collect(),
        "needs" => task.needs = if value == "settled" { Needs::AllSettled } else { Needs::AllDone },
        "race" => task.race = race_of(value),
        "attempts" => task.max_attempts = value.parse().unwrap(),
        "retry" => {
            let on = |what| value.split(',').any(|word| word == what);
            task.retry = RetryPolicy {
                on_lost: on("lost"),
                on_gave_up: on("gave-up"),
                on_limit: on("limit"),
                ..RetryPolicy::default()
            };
        }
        "priority" => task.priority = value.parse().unwrap(),
        "weight" => task.weight_ms = value.parse().unwrap(),
        "lock" => task.exclusive = Some(value.into()),
        other => panic!("unknown property {other}"),
    }
}

/// What happened, in words. Submitting goes without saying.
fn say(event: &RunEvent) -> Option<String> {
    Some(match event {
        RunEvent::RunSubmitted { .. } => return None,
        RunEvent::PlanAdopted { add, drop, .. } => {
            let added = add.iter().map(|task| format!(" +{}", task.id));
            let dropped = drop.iter().map(|id| format!(" -{id}"));
            format!("adopted{}", added.chain(dropped).collect::<String>())
        }
        RunEvent::TaskUnreachable { task, because } => format!("{task} unreachable because of {because}"),
        RunEvent::AttemptStarted { attempt, .. } => format!("{attempt} started"),
        RunEvent::AttemptProgressed { attempt, note } => format!("{attempt} progressed to {note}"),
        RunEvent::AttemptFinished { attempt, then, .. } => format!("{attempt} ended: {}", lower(then)),
        RunEvent::AttemptFailed { attempt, then, quarantined, .. } => {
            format!("{attempt} failed: {}{}", lower(then), if *quarantined { ", in quarantine" } else { "" })
        }
        RunEvent::TaskDelayed { task, not_before_ms } => format!("{task} not before {not_before_ms}"),
        RunEvent::CapacityChanged { capacity: None } => "unbounded".into(),
        RunEvent::CapacityChanged { capacity: Some(all) } => {
            format!("capacity cpu={} slots={}", all.cpu_milli, all.slots)
        }
        RunEvent::AttemptLost { attempt, then, .. } => format!("{attempt} lost: {}", lower(then)),
        RunEvent::RunResumed { deadline_at_ms: Some(at), .. } => format!("resumed until {at}"),
        RunEvent::RunResumed { deadline_at_ms: None, .. } => "resumed".into(),
        RunEvent::RunCancelled { reason } => format!("cancelled: {reason}"),
        RunEvent::RunLimitReached { which } => format!("limit: {which}"),
        RunEvent::OrderTaken { request, order, .. } => {
            format!("order {request} taken: {}", lower(&serde_json::to_value(order).unwrap()["order"]))
        }
        RunEvent::DeadlineMoved { deadline_at_ms } => format!("deadline moved to {deadline_at_ms}"),
        RunEvent::ApprovalAsked { approval, attempt, question, .. } => {
            format!("{approval} asked by {attempt}: {question}")
        }
        RunEvent::ApprovalLapsed { approval } => format!("{approval} lapsed"),
        RunEvent::EffectIntended { key, .. } => format!("{key} intended"),
        RunEvent::EffectReceived { key, done, .. } => format!("{key} received: {done}"),
        RunEvent::RunForked { parent, at } => format!("forked from {parent} at {at}"),
        RunEvent::RunFinished { .. } => "finished".into(),
    })
}

fn look(state: &RunState, question: &str) -> Vec<String> {
    match question.split_once(' ').unwrap_or((question, "")) {
        ("tasks", _) => {
            let words = |id: &_, phase: TaskPhase| format!("{id} {}", lower(&phase));
            vec![state.tasks.iter().map(|(id, task)| words(id, task.phase)).collect::<Vec<_>>().join(", ")]
        }
        ("attempts", id) => {
            let words = |phase: AttemptPhase| lower(&phase);
            let attempts = &state.tasks[&id.into()].attempts;
            vec![attempts.iter().map(|attempt| words(attempt.phase)).collect::<Vec<_>>().join(", ")]
        }
        ("effects", _) => effects(state).iter().map(say_effect).collect(),
        ("race", name) => {
            let race = state.race(&RaceId::from(name)).unwrap();
            let outputs: Vec<String> =
                race.outputs.iter().map(|(id, output)| format!("{id} {output}")).collect();
            let settled = if race.settled { "settled" } else { "open" };
            vec![format!("{settled}, {} members: {}", race.members.len(), outputs.join(", "))]
        }
        (other, _) => panic!("unknown question {other}"),
    }
}

fn say_effect(effect: &Effect) -> String {
    match effect {
        Effect::StartAttempt { continue_from: Some(note), .. } => format!("{} from {note}", effect.key()),
        Effect::StopAttempt { reason, .. } => format!("{}: {reason}", effect.key()),
        Effect::Replan { cause: smallhands_task_graph::ReplanCause::TasksSettled { tasks }, .. } => {
            let names: Vec<&str> = tasks.iter().map(|id| id.as_str()).collect();
            format!("{} {}", effect.key(), names.join(" "))
        }
        _ => effect.key(),
    }
}

fn lower(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).unwrap().as_str().unwrap().replace('_', " ")
}
