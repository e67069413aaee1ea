//! The command line: what may be written, with the help that goes with it. A contract that scripts rely on.

pub mod plan;
pub mod span;
pub mod steering;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use smallhands_runtime_server::arguments::ServeArguments;
use steering::{
    ApprovalChoice, ApproveArguments, CancelArguments, DiffArguments, ForkArguments, LimitArguments,
    PauseArguments, TellArguments,
};

use plan::PlanCommand;

const EXAMPLES: &str = "\
Examples:
  smallhands run                                    repair the repository in the current directory
  smallhands run --repo shop --check 'pytest -q'    say where and what must hold
  smallhands run --agents 30 --timeout 10m --json   many agents, bounded, events for scripts
  smallhands run --branch repaired                  put the verified patch on a new branch
  smallhands plan run build.yaml --input target=all follow a plan of your own; commands need no model
  smallhands resume RUN                             continue a run that was interrupted or killed

Exit codes:
  0 verified   1 finished without a verified solution   2 usage or bad input
  3 a limit was reached   4 infrastructure failure   130 interrupted, state kept";

/// Repairs repositories with many small agents: plans, works in parallel sandboxes, verifies in a fresh copy.
#[derive(Debug, Parser)]
#[command(name = "smallhands", version, after_help = EXAMPLES, arg_required_else_help = true)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Work on a task in a repository until its checks hold
    Run(Box<RunArguments>),
    /// List the runs in the state directory, newest first
    Runs(ListArguments),
    /// Show one run: what was done, by whom, with what result
    Show(OneRunArguments),
    /// Continue a run that was interrupted or killed, without repeating finished work
    Resume(ResumeArguments),
    /// Start nothing new in a run; what runs may end
    Pause(PauseArguments),
    /// Let a paused run go on
    Unpause(PauseArguments),
    /// Call off a run, a task of it or one attempt
    Cancel(CancelArguments),
    /// Change the limits of a run
    Limit(LimitArguments),
    /// Say something to the agent of an attempt that uses a model
    Tell(TellArguments),
    /// Answer a question of an agent
    Approve(ApproveArguments),
    /// List the events of a run, numbered
    Events(OneRunArguments),
    /// Make every decision of a run again, from its log alone, and say where one comes out otherwise
    Replay(OneRunArguments),
    /// Begin another run with the first events of a run
    Fork(ForkArguments),
    /// Name the first event in which two runs differ, and how their ends differ
    Diff(DiffArguments),
    /// Check, draw or run a plan of your own: commands and models' tasks as a graph
    #[command(subcommand)]
    Plan(PlanCommand),
    /// Say which toolchains, sandboxes and models are usable here and how to get the rest
    Doctor(ListArguments),
    /// Offer shell sessions, commands and files over HTTP, as SWE-ReX does
    #[command(subcommand)]
    Runtime(RuntimeCommand),
}

/// What to do with the shell runtime by itself.
#[derive(Debug, Subcommand)]
pub enum RuntimeCommand {
    /// Answer SWE-ReX clients until interrupted (see docs/runtime-protocol.md)
    Serve(Box<ServeArguments>),
}

impl Command {
    /// How the command is to report, for those that work on runs.
    pub fn output(&self) -> Option<&OutputArguments> {
        match self {
            Self::Run(arguments) => Some(&arguments.output),
            Self::Runs(arguments) | Self::Doctor(arguments) => Some(&arguments.output),
            Self::Resume(arguments) => Some(&arguments.run.output),
            Self::Show(arguments) | Self::Events(arguments) | Self::Replay(arguments) => {
                Some(&arguments.output)
            }
            Self::Pause(arguments) | Self::Unpause(arguments) => Some(&arguments.run.output),
            Self::Cancel(arguments) => Some(&arguments.run.output),
            Self::Limit(arguments) => Some(&arguments.run.output),
            Self::Tell(arguments) => Some(&arguments.run.output),
            Self::Approve(arguments) => Some(&arguments.run.output),
            Self::Fork(arguments) => Some(&arguments.output),
            Self::Diff(arguments) => Some(&arguments.output),
            Self::Runtime(_) => None,
            Self::Plan(PlanCommand::Check(arguments)) => Some(&arguments.output),
            Self::Plan(PlanCommand::Show(arguments)) => Some(&arguments.output),
            Self::Plan(PlanCommand::Run(arguments)) => Some(&arguments.run.output),
        }
    }

    /// What the command line says about the durability of what this command does.
    pub fn durability(&self) -> Option<DurabilityChoice> {
        match self {
            Self::Run(arguments) => arguments.keeping.durability,
            Self::Plan(PlanCommand::Run(arguments)) => arguments.run.keeping.durability,
            Self::Resume(arguments) => arguments.keeping.durability,
            _ => None,
        }
    }
}

/// Arguments of `run`.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct RunArguments {
    /// What is to be achieved [default: make the failing checks pass]
    pub task: Option<String>,
    /// The repository: a git repository, with or without uncommitted changes, or a plain folder
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub repo: PathBuf,
    /// A command that must succeed; may be given several times [default: what is detected]
    #[arg(long = "check", value_name = "CMD", value_parser = not_blank)]
    pub checks: Vec<String>,
    /// Agents that may work at the same time, 1 to 1000 [default: by the number of processors]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub agents: Option<u32>,
    /// Where agents work; `host` keeps them apart from your files, but does not isolate them from the machine
    #[arg(long, value_name = "KIND", default_value = "host", value_parser = ["host", "auto"])]
    pub sandbox: String,
    /// Model of an OpenAI-compatible endpoint, or scripted:FILE [default: none, work offline]
    #[arg(long, value_name = "NAME", value_parser = not_blank)]
    pub model: Option<String>,
    /// Follow this plan first (see docs/plan-files.md)
    #[arg(long, value_name = "FILE")]
    pub plan: Option<PathBuf>,
    /// An input of the plan; may be given several times
    #[arg(long = "input", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub inputs: Vec<(String, String)>,
    /// Whether the plan is all that is wanted.
    #[arg(skip)]
    pub plan_only: bool,
    /// Spend at most this much on models, US dollars
    #[arg(long, value_name = "X", value_parser = dollars)]
    pub budget_usd: Option<f64>,
    /// Stop the whole run after this time, such as 90s, 10m or 2h
    #[arg(long, value_name = "DUR", value_parser = span::parse)]
    pub timeout: Option<Duration>,
    /// Stop one execution of a check after this time
    #[arg(long, value_name = "DUR", value_parser = span::parse)]
    pub check_timeout: Option<Duration>,
    /// When an agent wants to do something that reaches outside of its sandbox
    #[arg(long, value_name = "HOW", value_enum, default_value_t = ApprovalChoice::Ask)]
    pub approvals: ApprovalChoice,
    /// How long the answer to a question is waited for; none in time means no
    #[arg(long, value_name = "DUR", value_parser = span::parse, default_value = "2m")]
    pub approval_timeout: Duration,
    /// What to do with the patch.
    #[command(flatten)]
    pub delivery: DeliveryArguments,
    /// How the run is kept.
    #[command(flatten)]
    pub keeping: KeepingArguments,
    /// How to report.
    #[command(flatten)]
    pub output: OutputArguments,
}

/// How a run is kept while it is worked on.
#[derive(Debug, Args)]
pub struct KeepingArguments {
    /// What a power failure may take: nothing (`full`), or the last milliseconds (`relaxed`); the death of a process never
    /// takes anything (see docs/durability.md) [default: $SMALLHANDS_DURABILITY, else full]
    #[arg(long, value_name = "HOW", value_enum)]
    pub durability: Option<DurabilityChoice>,
}

/// What a power failure may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DurabilityChoice {
    /// Nothing: every step waits until the disk has confirmed it
    Full,
    /// The last steps, which are then done again
    Relaxed,
}

/// What to do with the patch; at most one. Without any, the patch is written under the run's folder only.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct DeliveryArguments {
    /// Apply the verified patch to the working tree
    #[arg(long)]
    pub apply: bool,
    /// Commit the verified patch on a new branch; the working tree is left alone
    #[arg(long, value_name = "NAME", value_parser = not_blank)]
    pub branch: Option<String>,
    /// Write a further copy of the patch to this file
    #[arg(long, value_name = "FILE")]
    pub patch: Option<PathBuf>,
}

/// Arguments that every command has.
#[derive(Debug, Args)]
pub struct OutputArguments {
    /// Print one JSON object per line for scripts (see docs/json-output.md)
    #[arg(long)]
    pub json: bool,
    /// Where runs are kept [default: $SMALLHANDS_STATE_DIR, else smallhands under the user's state folder]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
}

/// Arguments of `runs` and `doctor`.
#[derive(Debug, Args)]
pub struct ListArguments {
    /// How to report.
    #[command(flatten)]
    pub output: OutputArguments,
}

/// Arguments of `resume`.
#[derive(Debug, Args)]
pub struct ResumeArguments {
    /// The run.
    #[command(flatten)]
    pub run: OneRunArguments,
    /// How the run is kept.
    #[command(flatten)]
    pub keeping: KeepingArguments,
}

/// Arguments of `show`, `events` and `replay`, and what `resume` shares with them.
#[derive(Debug, Args)]
pub struct OneRunArguments {
    /// The run's id, as `smallhands runs` lists it
    #[arg(value_parser = not_blank)]
    pub run: String,
    /// How to report.
    #[command(flatten)]
    pub output: OutputArguments,
}

fn not_blank(text: &str) -> Result<String, String> {
    if text.trim().is_empty() { Err("must not be empty".to_owned()) } else { Ok(text.to_owned()) }
}

fn name_and_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => Ok((name.trim().to_owned(), value.to_owned())),
        _ => Err("NAME=VALUE is wanted".to_owned()),
    }
}

fn dollars(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(amount) if amount.is_finite() && amount >= 0.0 => Ok(amount),
        _ => Err("an amount such as 2.50 is wanted".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn run(arguments: &[&str]) -> Result<RunArguments, String> {
        let all = ["smallhands", "run"].iter().chain(arguments);
        match Arguments::try_parse_from(all).map_err(|error| error.to_string())?.command {
            Command::Run(run) => Ok(*run),
            other => Err(format!("{other:?}")),
        }
    }

    #[test]
    fn the_definition_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn everything_has_a_default() {
        let run = run(&[]).unwrap();
        assert_eq!((run.task, run.repo, run.checks.len(), run.agents), (None, PathBuf::from("."), 0, None));
        assert_eq!(
            (run.sandbox.as_str(), run.model, run.timeout, run.output.json),
            ("host", None, None, false)
        );
    }

    #[test]
    fn all_flags_of_the_contract_are_understood() {
        let run = run(&[
            "mend it",
            "--repo",
            "r",
            "--check",
            "a",
            "--check",
            "b",
            "--agents",
            "30",
            "--sandbox",
            "host",
            "--model",
            "m",
            "--plan",
            "p.json",
            "--budget-usd",
            "1.5",
            "--timeout",
            "10m",
            "--patch",
            "x.patch",
            "--json",
            "--state-dir",
            "s",
        ])
        .unwrap();
        assert_eq!(run.checks, ["a", "b"]);
        assert_eq!(
            (run.agents, run.budget_usd, run.timeout),
            (Some(30), Some(1.5), Some(Duration::from_secs(600)))
        );
        assert_eq!(run.delivery.patch, Some(PathBuf::from("x.patch")));
        assert_eq!((run.output.json, run.output.state_dir), (true, Some(PathBuf::from("s"))));
    }

    #[test]
    fn the_runtime_is_served_with_the_flags_of_the_original() {
        let words = ["smallhands", "runtime", "serve", "--host", "::1", "--port", "0", "--auth-token", "t"];
        let Command::Runtime(RuntimeCommand::Serve(serve)) = Arguments::parse_from(words).command else {
            panic!("not the runtime");
        };
        assert_eq!(
            (serve.host.as_deref(), serve.port, serve.auth_token.as_deref()),
            (Some("::1"), 0, Some("t"))
        );
        assert!(!format!("{serve:?}").contains("auth_token"));
    }

    #[test]
    fn durability_is_chosen_for_what_works_on_a_run() {
        let durability = |words: &[&str]| Arguments::parse_from(words).command.durability();
        let relaxed = Some(DurabilityChoice::Relaxed);
        for words in [&["run"][..], &["resume", "r1"], &["plan", "run", "p.yaml"]] {
            let words = [&["smallhands"], words].concat();
            assert_eq!(durability(&words), None, "{words:?}");
            assert_eq!(
                durability(&[&words[..], &["--durability", "relaxed"]].concat()),
                relaxed,
                "{words:?}"
            );
        }
        assert_eq!(durability(&["smallhands", "show", "r1"]), None);
    }

    #[test]
    fn misuse_is_refused() {
        for arguments in [
            &["--agents", "0"][..],
            &["--agents", "1001"],
            &["--timeout", "90"],
            &["--budget-usd", "-1"],
            &["--budget-usd", "NaN"],
            &["--check", " "],
            &["--sandbox", "cellar"],
            &["--durability", "some"],
            &["--apply", "--branch", "b"],
            &["--apply", "--patch", "p"],
            &["--nonsense"],
            &["one task", "another task"],
        ] {
            assert!(run(arguments).is_err(), "{arguments:?}");
        }
    }

    #[test]
    fn help_shows_examples_and_exit_codes() {
        let help = Arguments::command().render_help().to_string();
        for part in ["Examples:", "Exit codes:", "smallhands resume RUN", "130"] {
            assert!(help.contains(part), "{part}");
        }
    }
}
