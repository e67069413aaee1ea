//! Stories about workers in few words, so that tests read as tables. Each begins with its time:
//!
//! `0 reg w 1` · `100 beat w 1 1 a:1.1` (life 1, heartbeat 1, holds `a`) · `0 grant a w` · `0 finish a 1.1` ·
//! `0 drain w 500` · `0 exit w 1` · `600 tick`

use smallhands_leases::{
    AttemptId, Effect, Heartbeat, Incarnation, LeasePolicy, Message, Refusal, Roster, Token,
};

/// Suspected after 300 ms, lost after 600.
pub const POLICY: LeasePolicy =
    LeasePolicy { heartbeat_ms: 100, suspect_after: 3, lost_after: 6, stall_ms: 100, margin_ms: 50 };

pub fn token(text: &str) -> Token {
    let (epoch, serial) = text.split_once('.').unwrap();
    Token { epoch: epoch.parse().unwrap(), serial: serial.parse().unwrap() }
}

pub fn message(words: &[&str]) -> Message {
    let number = |at: usize| words[at].parse().unwrap();
    let held = |text: &&str| -> (AttemptId, Token) {
        let (attempt, shown) = text.split_once(':').unwrap();
        (attempt.into(), token(shown))
    };
    match words[0] {
        "reg" => Message::Register { worker: words[1].into(), incarnation: Incarnation(number(2)) },
        "beat" => Message::Heartbeat(Heartbeat {
            worker: words[1].into(),
            incarnation: Incarnation(number(2)),
            number: number(3),
            holds: words[4..].iter().map(held).collect(),
        }),
        "grant" => Message::Grant { attempt: words[1].into(), worker: words[2].into() },
        "finish" => Message::Finish { attempt: words[1].into(), token: token(words[2]) },
        "drain" => Message::Drain { worker: words[1].into(), within_ms: number(2) },
        "exit" => Message::Exited { worker: words[1].into(), incarnation: Incarnation(number(2)) },
        "tick" => Message::Tick,
        other => panic!("no such word: {other}"),
    }
}

fn show(effect: &Effect) -> String {
    let leases = |leases: &[(AttemptId, Token)]| {
        leases.iter().map(|(attempt, token)| format!(" {attempt}:{token}")).collect::<String>()
    };
    match effect {
        Effect::Acknowledge(answer) => {
            let stop: String =
                answer.stop.iter().map(|(attempt, token)| format!(" stop {attempt}:{token}")).collect();
            let draining = if answer.draining { " drain" } else { "" };
            format!("ack {} {}{}{stop}{draining}", answer.worker, answer.number, leases(&answer.renewed))
        }
        Effect::Launch(lease) => {
            format!("launch {}:{} at {} since {}", lease.attempt, lease.token, lease.worker, lease.since)
        }
        Effect::Suspected { worker } => format!("suspect {worker}"),
        Effect::Recovered { worker } => format!("recovered {worker}"),
        Effect::DeclareLost { worker, attempts, cause, .. } => {
            format!("lost {worker} {cause:?}{}", leases(attempts))
        }
        Effect::Departed { worker } => format!("departed {worker}"),
    }
}

pub struct Story(pub Roster);

impl Story {
    pub fn new() -> Self {
        Self(Roster::new(POLICY, 1))
    }

    pub fn tell(&mut self, words: &str) -> Result<String, Refusal> {
        let (at, words) = words.trim().split_once(' ').unwrap();
        let words: Vec<_> = words.split_whitespace().collect();
        let effects = self.0.handle(at.parse().unwrap(), &message(&words))?;
        Ok(effects.iter().map(show).collect::<Vec<_>>().join(", "))
    }

    /// After messages that are all taken, separated by `;`.
    pub fn after(words: &str) -> Self {
        let mut story = Self::new();
        for words in words.split(';').filter(|words| !words.trim().is_empty()) {
            story.tell(words).unwrap_or_else(|refusal| panic!("`{words}`: {refusal}"));
        }
        story
    }
}
