//! `doctor`: which toolchains, sandboxes and models are usable here, and how to get the rest.

mod endpoint;
mod place;
mod programs;
mod report;
mod sandboxes;

use crate::configuration::Configuration;
use crate::exit_code;
use report::Report;

/// Looks around, prints what was found, and returns the exit code: 0 when runs are possible here.
pub async fn examine(configuration: &Configuration, json: bool) -> u8 {
    let report = look_around(configuration).await;
    if json {
        println!("{}", report.to_json());
    } else {
        print!("{report}");
    }
    if report.is_ready() { exit_code::VERIFIED } else { exit_code::INFRASTRUCTURE }
}

async fn look_around(configuration: &Configuration) -> Report {
    let (mut findings, model) = tokio::join!(
        programs::probe_all(&configuration.sandbox_environment),
        endpoint::probe(&configuration.model)
    );
    findings.extend(sandboxes::list());
    findings.push(model);
    findings.extend(place::probe(&configuration.state_dir));
    Report { findings }
}
