//! The command line of `plan`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{OutputArguments, RunArguments, name_and_value};

const EXAMPLES: &str = "\
Examples:
  smallhands plan check build.yaml                        all mistakes at once, each with line and column
  smallhands plan show build.yaml                         the graph in layers, and a forecast of time and cost
  smallhands plan show build.yaml --format mermaid        the same for a document
  smallhands plan run build.yaml --repo shop --input level=2 --agents 8

A small plan:
  tasks:
    - id: build
      command: make
    - id: test
      command: make test
      after: build

docs/plan-files.md describes the format; docs/plan.schema.json is its JSON Schema, for editors.";

const RUN_HELP: &str = "\
Every command runs in a fresh copy of the repository, with what the tasks before it changed. What it changes becomes part
of the run's patch. A command that fails stops what waits for it; everything else goes on.

Checks given with --check, or named by the plan, are run on the final tree; what fails then is repaired if possible.
Without any, the run is verified when every task of the plan is done.

Exit codes:
  0 verified   1 a task failed, or a check does not hold   2 usage or a bad plan
  3 a limit was reached   4 infrastructure failure   130 interrupted, continue with `smallhands resume RUN`";

/// What to do with a plan.
#[derive(Debug, Subcommand)]
#[command(after_help = EXAMPLES)]
pub enum PlanCommand {
    /// Say everything that is wrong with a plan file, with lines and columns; exit code 2 if anything is
    Check(PlanCheckArguments),
    /// Draw a plan, and forecast its critical path, its time with N agents and its cost
    Show(PlanShowArguments),
    /// Follow a plan: run its tasks as they become ready, and what results call for
    Run(Box<PlanRunArguments>),
}

/// Arguments of `plan check`.
#[derive(Debug, Args)]
pub struct PlanCheckArguments {
    /// The plan, YAML or (by its ending) JSON
    pub file: PathBuf,
    /// How to report.
    #[command(flatten)]
    pub output: OutputArguments,
}

/// Arguments of `plan show`.
#[derive(Debug, Args)]
pub struct PlanShowArguments {
    /// The plan, YAML or (by its ending) JSON
    pub file: PathBuf,
    /// How to draw it
    #[arg(long, value_enum, default_value = "text")]
    pub format: Format,
    /// Forecast the time for this number of agents [default: 1, 2, 4, 8, 16, 32]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub agents: Option<u32>,
    /// An input of the plan; may be given several times, and left out
    #[arg(long = "input", value_name = "NAME=VALUE", value_parser = name_and_value)]
    pub inputs: Vec<(String, String)>,
    /// How to report.
    #[command(flatten)]
    pub output: OutputArguments,
}

/// How a plan is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Layers for the terminal, with a forecast
    Text,
    /// A Mermaid flowchart
    Mermaid,
    /// A Graphviz graph
    Dot,
    /// Tasks and forecast as one JSON object
    Json,
}

/// Arguments of `plan run`.
#[derive(Debug, Args)]
#[command(after_help = RUN_HELP, mut_arg("plan", |plan| plan.hide(true).conflicts_with("file")))]
pub struct PlanRunArguments {
    /// The plan, YAML or (by its ending) JSON
    #[arg(id = "file", value_name = "FILE")]
    pub file: PathBuf,
    /// The usual ones.
    #[command(flatten)]
    pub run: RunArguments,
}

impl PlanRunArguments {
    /// As a run that does nothing but follow the plan.
    pub fn into_run(self) -> RunArguments {
        RunArguments { plan: Some(self.file), plan_only: true, ..self.run }
    }
}
