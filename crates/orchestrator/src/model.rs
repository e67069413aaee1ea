//! From the user's model settings to a model that agents can talk to.

use std::path::Path;
use std::sync::Arc;

use smallhands_model_gateway::{ChatModel, OpenAiChat, OpenAiOptions, Price, ScriptedModel, Secret};

use crate::request::ModelSettings;

/// Prefix of model names that name a script instead of an endpoint's model.
const SCRIPTED: &str = "scripted:";

/// Opens the model. With a budget its price must be known, for otherwise nobody could keep to the budget.
///
/// # Errors
/// What is wrong with the settings, for people.
pub fn open(settings: &ModelSettings, has_budget: bool) -> Result<Arc<dyn ChatModel>, String> {
    if let Some(path) = settings.name.strip_prefix(SCRIPTED) {
        let model = ScriptedModel::from_file(Path::new(path)).map_err(|error| error.to_string())?;
        return Ok(Arc::new(model));
    }
    let price = price(settings);
    if has_budget && price.is_none() {
        return Err(format!(
            "--budget-usd needs to know what `{}` costs; set SMALLHANDS_INPUT_USD_PER_MILLION and \
             SMALLHANDS_OUTPUT_USD_PER_MILLION (0 for a free endpoint)",
            settings.name
        ));
    }
    let mut options = OpenAiOptions::new(&settings.base_url, &settings.name);
    options.api_key = settings.api_key.as_ref().map(Secret::new);
    options.price = price;
    Ok(Arc::new(OpenAiChat::new(options).map_err(|error| error.to_string())?))
}

/// Prices per million tokens in millionths of a US dollar.
fn price(settings: &ModelSettings) -> Option<Price> {
    let micros = |usd: f64| (usd * 1e6).round().max(0.0) as u64;
    let (input, output) = (settings.input_usd_per_million?, settings.output_usd_per_million?);
    Some(Price { input: micros(input), output: micros(output), cached_input: None, cache_write: None })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(name: &str, price: Option<f64>) -> ModelSettings {
        ModelSettings {
            name: name.into(),
            base_url: "http://127.0.0.1:1/v1".into(),
            api_key: Some("sk-secret".into()),
            input_usd_per_million: price,
            output_usd_per_million: price,
        }
    }

    #[test]
    fn a_budget_needs_a_price() {
        let Err(message) = open(&settings("m", None), true) else {
            panic!("a budget without a price was accepted")
        };
        assert!(message.contains("USD_PER_MILLION"), "{message}");
        assert!(open(&settings("m", Some(0.0)), true).is_ok());
        assert!(open(&settings("m", None), false).is_ok());
    }

    #[test]
    fn a_missing_script_is_named() {
        let Err(message) = open(&settings("scripted:/no/such.json", None), false) else {
            panic!("opened a missing file")
        };
        assert!(message.contains("/no/such.json"), "{message}");
    }

    #[test]
    fn the_key_is_never_shown() {
        assert!(!format!("{:?}", settings("m", None)).contains("sk-secret"));
    }
}
