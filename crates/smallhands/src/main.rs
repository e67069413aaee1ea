//! The smallhands command: reads the command line and the surroundings, hands the parts out, and turns results into exit codes.

mod arguments;
mod configuration;
mod descendants;
mod doctor;
mod exit_code;
mod failure;
mod history;
mod interrupt;
mod render;
mod run;

use std::process::ExitCode;

use clap::Parser;

use arguments::{Arguments, Command, RuntimeCommand};
use configuration::{Configuration, Environment};
use failure::Failure;

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
    let configuration = Configuration::resolve(&Environment::of_process(), state_dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
        Failure::infrastructure(
            format!("threads cannot be started: {error}"),
            "this process",
            "check the limits on processes (ulimit -u)",
        )
    })?;
    let exit = runtime.block_on(async {
        match command {
            Command::Run(arguments) => run::run(*arguments, &configuration).await,
            Command::Resume(arguments) => run::resume(&arguments.run, json, &configuration).await,
            Command::Runs(_) => history::list(&configuration.state_dir, json),
            Command::Show(arguments) => history::show(&configuration.state_dir, &arguments.run, json),
            Command::Doctor(_) => Ok(doctor::examine(&configuration, json).await),
            // It has threads of its own and was served before.
            Command::Runtime(_) => Ok(exit_code::VERIFIED),
        }
    });
    // Work that would not stop must not keep the process alive.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    exit
}
