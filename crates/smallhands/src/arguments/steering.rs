//! The command line of what concerns a run that exists: steering it, and looking back at it.

use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{OutputArguments, dollars, not_blank, span};

/// A run, and how long to wait for its owner's answer.
#[derive(Debug, Args)]
pub struct SteeredRun {
    /// The run's id, as `smallhands runs` lists it
    #[arg(value_parser = not_blank)]
    pub run: String,
    /// How long to wait for the answer of the process that owns the run
    #[arg(long, value_name = "DUR", value_parser = span::parse, default_value = "10s")]
    pub wait: Duration,
    /// How to report.
    #[command(flatten)]
    pub output: OutputArguments,
}

/// Arguments of `pause` and `unpause`.
#[derive(Debug, Args)]
pub struct PauseArguments {
    /// The run.
    #[command(flatten)]
    pub run: SteeredRun,
}

/// Arguments of `cancel`.
#[derive(Debug, Args)]
pub struct CancelArguments {
    /// The run.
    #[command(flatten)]
    pub run: SteeredRun,
    /// Only this task
    #[arg(long, value_name = "TASK", conflicts_with = "attempt", value_parser = not_blank)]
    pub task: Option<String>,
    /// Only this attempt, as in fix-a#2; its task is tried again while attempts remain
    #[arg(long, value_name = "ATTEMPT", value_parser = not_blank)]
    pub attempt: Option<String>,
    /// Why, for the report
    #[arg(long, value_name = "TEXT", default_value = "cancelled by the user")]
    pub reason: String,
}

/// Arguments of `limit`.
#[derive(Debug, Args)]
#[command(group = clap::ArgGroup::new("limits").args(["timeout", "budget_usd", "agents"]).required(true).multiple(true))]
pub struct LimitArguments {
    /// The run.
    #[command(flatten)]
    pub run: SteeredRun,
    /// Time that the run has from now on, such as 90s, 10m or 2h
    #[arg(long, value_name = "DUR", value_parser = span::parse)]
    pub timeout: Option<Duration>,
    /// Money for the whole run, US dollars
    #[arg(long, value_name = "X", value_parser = dollars)]
    pub budget_usd: Option<f64>,
    /// Agents that may work at the same time, 1 to 1000
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub agents: Option<u32>,
}

/// Arguments of `tell`.
#[derive(Debug, Args)]
pub struct TellArguments {
    /// The run.
    #[command(flatten)]
    pub run: SteeredRun,
    /// The attempt whose agent is told, as in code-goal#1
    #[arg(value_parser = not_blank)]
    pub attempt: String,
    /// What to say
    #[arg(value_parser = not_blank)]
    pub message: String,
}

/// Arguments of `approve`.
#[derive(Debug, Args)]
pub struct ApproveArguments {
    /// The run.
    #[command(flatten)]
    pub run: SteeredRun,
    /// The question, as in ask-1
    #[arg(value_parser = not_blank)]
    pub request: String,
    /// The answer
    pub answer: YesOrNo,
}

/// An answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum YesOrNo {
    /// It may be done
    Yes,
    /// It may not
    No,
}

/// What to do when an agent wants to do something that reaches outside of its sandbox.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ApprovalChoice {
    /// Ask, and take no answer in time for no
    Ask,
    /// Let it
    Allow,
    /// Do not let it
    Deny,
}

/// Arguments of `fork`.
#[derive(Debug, Args)]
pub struct ForkArguments {
    /// The run to begin like
    #[arg(value_parser = not_blank)]
    pub run: String,
    /// The number of events to share, as `smallhands events` counts them
    #[arg(long, value_name = "STEP")]
    pub at: u64,
    /// How to report.
    #[command(flatten)]
    pub output: OutputArguments,
}

/// Arguments of `diff`.
#[derive(Debug, Args)]
pub struct DiffArguments {
    /// One run
    #[arg(value_parser = not_blank)]
    pub left: String,
    /// The other
    #[arg(value_parser = not_blank)]
    pub right: String,
    /// How to report.
    #[command(flatten)]
    pub output: OutputArguments,
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::{Arguments, Command};
    use super::*;

    fn parse(words: &[&str]) -> Result<Command, String> {
        let all = ["smallhands"].iter().chain(words);
        Arguments::try_parse_from(all).map(|arguments| arguments.command).map_err(|error| error.to_string())
    }

    #[test]
    fn steering_is_understood() {
        for words in [
            &["pause", "r1"][..],
            &["unpause", "r1", "--wait", "1s"],
            &["cancel", "r1"],
            &["cancel", "r1", "--task", "t"],
            &["cancel", "r1", "--attempt", "t#1", "--reason", "stuck"],
            &["limit", "r1", "--timeout", "2h", "--budget-usd", "5"],
            &["limit", "r1", "--agents", "3", "--json"],
            &["tell", "r1", "t#1", "look at a.py", "--state-dir", "s"],
            &["approve", "r1", "ask-1", "yes"],
            &["events", "r1"],
            &["replay", "r1"],
            &["fork", "r1", "--at", "7"],
            &["diff", "r1", "r2", "--json"],
        ] {
            assert!(parse(words).is_ok(), "{words:?}: {:?}", parse(words));
        }
    }

    #[test]
    fn misuse_is_refused() {
        for words in [
            &["pause"][..],
            &["cancel", "r1", "--task", "t", "--attempt", "t#1"],
            &["limit", "r1"],
            &["limit", "r1", "--timeout", "2"],
            &["limit", "r1", "--agents", "0"],
            &["tell", "r1", "t#1"],
            &["tell", "r1", "t#1", " "],
            &["approve", "r1", "ask-1", "perhaps"],
            &["fork", "r1"],
            &["fork", "r1", "--at", "-1"],
            &["diff", "r1"],
        ] {
            assert!(parse(words).is_err(), "{words:?}");
        }
    }

    #[test]
    fn the_wait_is_bounded_by_default() {
        let Ok(Command::Pause(pause)) = parse(&["pause", "r1"]) else { panic!("not understood") };
        assert_eq!((pause.run.wait, pause.run.output.state_dir), (Duration::from_secs(10), None));
    }
}
