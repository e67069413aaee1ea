//! Stories about tokens in few words, so that tests read as tables:
//!
//! `open run 100` · `open a<run 60` · `open b<run -` (no limit) · `ask r1 a 40` · `ask r1 a 40 10` (at least 10) ·
//! `hold r1 a 40` (not begun) · `begin r1` · `settle r1 30` · `release r1` · `dead h` · `limit run 200` · `close a`
//!
//! The holder of a reservation is `h` followed by its level, so `ha` for those at `a`.

use smallhands_budgets::{
    Amounts, Ask, BudgetEvent, Budgets, Command, Limits, Rejection, Resource, decide, try_evolve,
};

pub fn tokens(amount: u64) -> Amounts {
    Amounts::only(Resource::Tokens, amount)
}

pub fn command(words: &str) -> Command {
    let words: Vec<&str> = words.split_whitespace().collect();
    let number = |at: usize| words[at].parse().unwrap();
    let limit = |at: usize| (words[at] != "-").then(|| number(at));
    let ask = || Ask::exactly(words[1], words[2], format!("h{}", words[2]), tokens(number(3)));
    match words[0] {
        "open" => {
            let (level, parent) =
                words[1].split_once('<').map_or((words[1], None), |(level, parent)| (level, Some(parent)));
            let limits = Limits { tokens: limit(2), ..Limits::NONE };
            Command::OpenLevel { level: level.into(), parent: parent.map(Into::into), limits }
        }
        "limit" => {
            Command::ChangeLimit { level: words[1].into(), resource: Resource::Tokens, limit: limit(2) }
        }
        "ask" if words.len() > 4 => Command::Reserve(ask().or_at_least(Resource::Tokens, number(4))),
        "ask" => Command::Reserve(ask()),
        "hold" => Command::Reserve(ask().not_begun()),
        "begin" => Command::Begin { reservation: words[1].into() },
        "settle" => Command::Settle { reservation: words[1].into(), actual: tokens(number(2)) },
        "release" => Command::Release { reservation: words[1].into() },
        "dead" => Command::Reclaim { holder: words[1].into() },
        "close" => Command::CloseLevel { level: words[1].into() },
        other => panic!("no such word: {other}"),
    }
}

/// A budget with all that ever happened to it.
#[derive(Default)]
pub struct Story {
    pub state: Budgets,
    pub log: Vec<BudgetEvent>,
}

impl Story {
    pub fn tell(&mut self, command: &Command) -> Result<usize, Rejection> {
        let events = decide(&self.state, command)?;
        for event in &events {
            self.state = try_evolve(std::mem::take(&mut self.state), event).expect("decided events follow");
        }
        self.log.extend(events.iter().cloned());
        Ok(events.len())
    }

    /// After commands that all succeed, separated by `;`.
    pub fn after(words: &str) -> Self {
        let mut story = Self::default();
        for words in words.split(';').map(str::trim).filter(|words| !words.is_empty()) {
            story.tell(&command(words)).unwrap_or_else(|rejection| panic!("`{words}`: {rejection}"));
        }
        story
    }

    /// What is spent, reserved, and spent without having been reserved.
    pub fn books(&self, level: &str) -> (u64, u64, u64) {
        let level = self.state.level(&level.into()).unwrap();
        (level.spent.tokens, level.reserved.tokens, level.excess.tokens)
    }
}
