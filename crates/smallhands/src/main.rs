//! The smallhands command: reads the command line and the surroundings, hands the parts out, and turns results into exit codes.

mod arguments;
mod configuration;
mod descendants;
mod doctor;
mod exit_code;
mod failure;
mod hindsight;
mod history;
mod interrupt;
mod plan;
mod render;
mod run;
mod state;
mod steering;

use std::process::ExitCode;

use clap::Parser;

use arguments::plan::PlanCommand;
use arguments::steering::SteeredRun;
use arguments::{Arguments, Command, RuntimeCommand};
use configuration::{Configuration, Environment};
use failure::Failure;
use smallhands_orchestrator::control::Order;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Command::Runtime(RuntimeCommand::Serve(arguments)) = arguments.command {
        return smallhands_runtime_server::arguments::serve(*arguments, Environment::of_process().into());
    }
    match perform(arguments.command) {
        Ok(exit) => ExitCode::from(exit),
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.exit)
        }
    }
}

fn perform(command: Command) -> Result<u8, Failure> {
    let output = command.output();
    let json = output.is_some_and(|output| output.json);
    let state_dir = output.and_then(|output| output.state_dir.clone());
    let configuration = Configuration::resolve(&Environment::of_process(), state_dir, command.durability())?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Failure::infrastructure(
            format!("threads cannot be started: {error}"),
            "this process",
            "check the limits on processes (ulimit -u)",
        )
    })?;
    let state = || state::open_and_tell(&configuration);
    let give = |run: &SteeredRun, order: Order| steering::give(&state()?, run, &order);
    let exit = runtime.block_on(async {
        match command {
            Command::Run(arguments) => run::run(*arguments, &configuration).await,
            Command::Resume(arguments) => run::resume(&arguments.run.run, json, &configuration).await,
            Command::Runs(_) => history::list(&state()?, json),
            Command::Show(arguments) => history::show(&state()?, &arguments.run, json),
            Command::Pause(arguments) => give(&arguments.run, Order::Pause),
            Command::Unpause(arguments) => give(&arguments.run, Order::Unpause),
            Command::Cancel(arguments) => give(&arguments.run, steering::cancel(&arguments)?),
            Command::Limit(arguments) => give(&arguments.run, steering::limit(&arguments)),
            Command::Tell(arguments) => give(&arguments.run, steering::tell(&arguments)?),
            Command::Approve(arguments) => give(&arguments.run, steering::approve(&arguments)),
            Command::Events(arguments) => hindsight::events(&state()?, &arguments.run, json),
            Command::Replay(arguments) => hindsight::replay(&state()?, &arguments.run, json),
            Command::Fork(arguments) => hindsight::fork(&state()?, &arguments.run, arguments.at, json),
            Command::Diff(arguments) => hindsight::diff(&state()?, &arguments.left, &arguments.right, json),
            Command::Plan(PlanCommand::Check(arguments)) => plan::check(&arguments.file, json),
            Command::Plan(PlanCommand::Show(arguments)) => plan::show(&arguments, json),
            Command::Plan(PlanCommand::Run(arguments)) => {
                run::run(arguments.into_run(), &configuration).await
            }
            Command::Doctor(_) => Ok(doctor::examine(&configuration, json).await),
            // It has threads of its own and was served before.
            Command::Runtime(_) => Ok(exit_code::VERIFIED),
        }
    });
    // Work that would not stop must not keep the process alive.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    exit
}
