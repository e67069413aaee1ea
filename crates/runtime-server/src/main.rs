//! `swerex-remote`: the runtime server as one small binary.

use std::process::ExitCode;

use clap::{Parser, error::ErrorKind};
use smallhands_runtime_server::arguments::{PROTOCOL_VERSION, ServeArguments, serve};

/// Runs shell sessions and commands for SWE-ReX clients.
#[derive(Parser)]
#[command(name = "swerex-remote", disable_version_flag = true)]
struct Arguments {
    #[command(flatten)]
    serve: ServeArguments,
}

fn main() -> ExitCode {
    let words: Vec<_> = std::env::args_os().skip(1).collect();
    if words.iter().any(|word| word == "-v" || word == "--version") {
        return version(words.len() == 1);
    }
    match Arguments::try_parse() {
        Ok(arguments) => serve(arguments.serve, std::env::vars_os().filter_map(readable).collect()),
        Err(error) => {
            // There may be nobody to read it.
            let _ = error.print();
            let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
            if asked { ExitCode::SUCCESS } else { ExitCode::from(2) }
        }
    }
}

fn version(alone: bool) -> ExitCode {
    if !alone {
        println!("Error: --version cannot be combined with other arguments");
        return ExitCode::FAILURE;
    }
    println!("{PROTOCOL_VERSION} (smallhands {})", env!("CARGO_PKG_VERSION"));
    ExitCode::SUCCESS
}

fn readable((name, value): (std::ffi::OsString, std::ffi::OsString)) -> Option<(String, String)> {
    Some((name.into_string().ok()?, value.into_string().ok()?))
}
