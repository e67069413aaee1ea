//! What the user wrote and what the surroundings say, resolved into one request that needs no more looking up.

use std::thread::available_parallelism;
use std::time::Duration;

use smallhands_orchestrator::plan_source::PlanSource;
use smallhands_orchestrator::request::{
    ApprovalPolicy, Approvals, Deliver, ModelSettings, ResumeContext, RunRequest,
};

use crate::arguments::steering::ApprovalChoice;
use crate::arguments::{DeliveryArguments, RunArguments};
use crate::configuration::{Configuration, ModelConfiguration};
use crate::failure::Failure;
use crate::run::explain;

/// Models whose answers come from a file need no endpoint.
const SCRIPTED: &str = "scripted:";

/// Resolves a request.
///
/// # Errors
/// When a model is asked for, but no endpoint is known.
pub fn resolve(arguments: RunArguments, configuration: &Configuration) -> Result<RunRequest, Failure> {
    let cores = cores();
    let plan = match &arguments.plan {
        Some(file) => Some(PlanSource::read(file, &arguments.inputs).map_err(|bad| explain(&bad.into()))?),
        None if arguments.inputs.is_empty() => None,
        None => {
            let next = "name the plan that it is for with --plan FILE";
            return Err(Failure::bad_input("there is no plan to give an input to", "--input", next));
        }
    };
    Ok(RunRequest {
        task: arguments.task,
        repo: arguments.repo,
        checks: arguments.checks,
        agents: arguments.agents.unwrap_or_else(|| default_agents(cores)),
        cores,
        sandbox: arguments.sandbox,
        model: model_settings(arguments.model.as_deref(), &configuration.model)?,
        plan,
        plan_only: arguments.plan_only,
        budget_usd: arguments.budget_usd,
        timeout: arguments.timeout,
        check_timeout: arguments.check_timeout,
        test_timeout: None,
        deliver: delivery(arguments.delivery),
        approvals: approvals(arguments.approvals, arguments.approval_timeout),
        environment: configuration.sandbox_environment.clone(),
    })
}

fn approvals(choice: ApprovalChoice, wait: Duration) -> Approvals {
    let policy = match choice {
        ApprovalChoice::Ask => ApprovalPolicy::Ask,
        ApprovalChoice::Allow => ApprovalPolicy::Allow,
        ApprovalChoice::Deny => ApprovalPolicy::Deny,
    };
    Approvals { policy, wait_ms: u64::try_from(wait.as_millis()).unwrap_or(u64::MAX) }
}

/// What a resumed run is given anew: where models are reached. The run itself knows whether it needs one, and its name.
pub fn resume_context(configuration: &Configuration) -> ResumeContext {
    let configured = &configuration.model;
    let name = configured.name.as_deref().unwrap_or_default();
    let model = settings(name, configured.address().unwrap_or_default(), configured);
    ResumeContext {
        model: Some(model),
        environment: configuration.sandbox_environment.clone(),
        cores: cores(),
    }
}

fn cores() -> u32 {
    available_parallelism().map_or(1, |cores| u32::try_from(cores.get()).unwrap_or(1))
}

/// Two agents even on one core, because they wait for processes and models; not more than a person can follow.
fn default_agents(cores: u32) -> u32 {
    cores.clamp(2, 32)
}

fn delivery(arguments: DeliveryArguments) -> Deliver {
    match arguments {
        DeliveryArguments { apply: true, .. } => Deliver::Apply,
        DeliveryArguments { branch: Some(name), .. } => Deliver::Branch(name),
        DeliveryArguments { patch, .. } => Deliver::Patch { to: patch },
    }
}

/// The settings of the model that `--model` or the configuration names; none when neither does.
fn model_settings(
    given: Option<&str>,
    configured: &ModelConfiguration,
) -> Result<Option<ModelSettings>, Failure> {
    let Some(name) = given.or(configured.name.as_deref()) else { return Ok(None) };
    let address = match configured.address() {
        Some(address) => address,
        None if name.starts_with(SCRIPTED) => "",
        None => {
            let next = "set SMALLHANDS_BASE_URL to an OpenAI-compatible endpoint, and SMALLHANDS_API_KEY if it needs a key";
            return Err(Failure::bad_input("no endpoint is configured for the model", name, next));
        }
    };
    Ok(Some(settings(name, address, configured)))
}

fn settings(name: &str, address: &str, configured: &ModelConfiguration) -> ModelSettings {
    ModelSettings {
        name: name.to_owned(),
        base_url: address.to_owned(),
        api_key: configured.api_key.as_ref().map(|key| key.0.clone()),
        input_usd_per_million: configured.input_usd_per_million,
        output_usd_per_million: configured.output_usd_per_million,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::configuration::Secret;

    #[test]
    fn no_model_is_used_unless_one_is_named() {
        let keyed = ModelConfiguration { api_key: Some(Secret("k".into())), ..ModelConfiguration::default() };
        assert!(model_settings(None, &keyed).unwrap().is_none(), "a key alone costs nobody money");
        let settings = model_settings(Some("m"), &keyed).unwrap().unwrap();
        assert_eq!((settings.name.as_str(), settings.api_key.as_deref()), ("m", Some("k")));
        assert!(settings.base_url.starts_with("https://"));
        let named = ModelConfiguration { name: Some("n".into()), ..keyed };
        assert_eq!(model_settings(None, &named).unwrap().unwrap().name, "n");
        assert_eq!(model_settings(Some("m"), &named).unwrap().unwrap().name, "m");
    }

    #[test]
    fn a_model_needs_an_endpoint_unless_it_is_scripted() {
        let nothing = ModelConfiguration::default();
        let failure = model_settings(Some("m"), &nothing).unwrap_err();
        assert!(failure.to_string().contains("SMALLHANDS_BASE_URL"));
        assert_eq!(failure.exit, 2);
        assert!(model_settings(Some("scripted:answers.json"), &nothing).unwrap().is_some());
    }

    #[test]
    fn the_default_number_of_agents_is_sensible() {
        for (cores, agents) in [(1, 2), (2, 2), (8, 8), (128, 32)] {
            assert_eq!(default_agents(cores), agents);
        }
    }

    #[test]
    fn one_way_of_delivery_is_chosen() {
        let check = |apply, branch: Option<&str>, patch: Option<&str>, expected: &str| {
            let arguments =
                DeliveryArguments { apply, branch: branch.map(str::to_owned), patch: patch.map(Into::into) };
            assert_eq!(format!("{:?}", delivery(arguments)), expected);
        };
        check(false, None, None, "Patch { to: None }");
        check(true, None, None, "Apply");
        check(false, Some("b"), None, "Branch(\"b\")");
        check(false, None, Some("p"), "Patch { to: Some(\"p\") }");
    }
}
