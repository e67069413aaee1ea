//! What the surroundings say: the only place of the product that reads environment variables. Everything else is handed its part.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use clap::ValueEnum;

use smallhands_orchestrator::state_dir::Durability;

use crate::arguments::DurabilityChoice;
use crate::failure::Failure;

/// Where models are reached when a key, but no address is configured.
const DEFAULT_BASE_URL: &str = "https://api.openai.com/v1";

/// Variables that toolchains need and that are handed on to commands in sandboxes. Everything else, keys above all, stays out.
const HANDED_ON: [&str; 42] = [
    "CARGO_HOME",
    "CC",
    "CONDA_PREFIX",
    "CXX",
    "DOTNET_ROOT",
    "GOCACHE",
    "GOFLAGS",
    "GOMODCACHE",
    "GOPATH",
    "GOROOT",
    "GRADLE_HOME",
    "GRADLE_USER_HOME",
    "HOME",
    "JAVA_HOME",
    "LANG",
    "LANGUAGE",
    "LD_LIBRARY_PATH",
    "LOGNAME",
    "M2_HOME",
    "MAVEN_HOME",
    "MAVEN_OPTS",
    "NODE_PATH",
    "NVM_DIR",
    "PATH",
    "PKG_CONFIG_PATH",
    "PYENV_ROOT",
    "PYENV_VERSION",
    "PYTHONHOME",
    "PYTHONPATH",
    "PYTHONUSERBASE",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "SDKMAN_DIR",
    "SHELL",
    "SSL_CERT_DIR",
    "SSL_CERT_FILE",
    "TMPDIR",
    "TZ",
    "USER",
    "VIRTUAL_ENV",
    "XDG_CACHE_HOME",
    "XDG_DATA_HOME",
];

/// A snapshot of the environment variables; those that are not text are left out.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

impl From<Environment> for BTreeMap<String, String> {
    fn from(environment: Environment) -> Self {
        environment.0
    }
}

impl Environment {
    /// The variables of this process.
    pub fn of_process() -> Self {
        let text = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        };
        Self(std::env::vars_os().filter_map(text).collect())
    }

    /// A variable that is set to something.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.trim().is_empty())
    }

    /// The first of several variables that is set to something.
    fn first_of(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| self.get(name))
    }
}

/// A key. It is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(pub String);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[secret]")
    }
}

/// The model endpoint, as far as it is configured.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ModelConfiguration {
    /// Model used when `--model` does not name one.
    pub name: Option<String>,
    /// Base URL of an OpenAI-compatible endpoint.
    pub base_url: Option<String>,
    /// Bearer token.
    pub api_key: Option<Secret>,
    /// Price of a million uncached input tokens, US dollars.
    pub input_usd_per_million: Option<f64>,
    /// Price of a million output tokens, US dollars.
    pub output_usd_per_million: Option<f64>,
}

impl ModelConfiguration {
    /// The address to use: the configured one, or the best-known one when there is at least a key.
    pub fn address(&self) -> Option<&str> {
        self.base_url.as_deref().or(self.api_key.as_ref().map(|_| DEFAULT_BASE_URL))
    }
}

/// Everything the surroundings decide.
#[derive(Debug, Clone)]
pub struct Configuration {
    /// Where runs are kept.
    pub state_dir: PathBuf,
    /// What a power failure may take of a run.
    pub durability: Durability,
    /// The model endpoint.
    pub model: ModelConfiguration,
    /// Complete environment for commands in sandboxes.
    pub sandbox_environment: BTreeMap<String, String>,
    /// Whether a terminal may be redrawn and coloured.
    pub terminal: TerminalWish,
    /// Where this process is to die, for tests.
    #[cfg(feature = "failpoints")]
    pub failpoint: Option<smallhands_orchestrator::failpoint::Failpoint>,
}

/// What the user's terminal and taste allow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TerminalWish {
    /// The terminal understands cursor movement.
    pub redraw: bool,
    /// Colours are welcome.
    pub colour: bool,
}

impl Configuration {
    /// Resolves the configuration; `state_dir` and `durability` are what the command line says.
    ///
    /// # Errors
    /// When no state directory can be derived, a price is not a number, or a durability is not known.
    pub fn resolve(
        environment: &Environment,
        state_dir: Option<PathBuf>,
        durability: Option<DurabilityChoice>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            state_dir: resolve_state_dir(environment, state_dir)?,
            durability: resolve_durability(environment, durability)?,
            model: resolve_model(environment)?,
            sandbox_environment: sandbox_environment(environment),
            terminal: terminal_wish(environment),
            #[cfg(feature = "failpoints")]
            failpoint: environment.get("SMALLHANDS_FAILPOINT").and_then(|text| text.parse().ok()),
        })
    }
}

fn resolve_state_dir(environment: &Environment, given: Option<PathBuf>) -> Result<PathBuf, Failure> {
    let in_state_home = || {
        let state_home =
            environment.get("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
        let in_home = || environment.get("HOME").map(|home| PathBuf::from(home).join(".local/state"));
        state_home.or_else(in_home).map(|folder| folder.join("smallhands"))
    };
    let chosen =
        given.or_else(|| environment.get("SMALLHANDS_STATE_DIR").map(PathBuf::from)).or_else(in_state_home);
    let missing = || {
        Failure::bad_input(
            "there is no place to keep runs",
            "HOME is not set",
            "name one with --state-dir DIR",
        )
    };
    let chosen = chosen.ok_or_else(missing)?;
    std::path::absolute(&chosen).map_err(|error| {
        Failure::bad_input(
            format!("the state directory cannot be used: {error}"),
            chosen.display().to_string(),
            "name another with --state-dir DIR",
        )
    })
}

fn resolve_durability(
    environment: &Environment,
    given: Option<DurabilityChoice>,
) -> Result<Durability, Failure> {
    const NAME: &str = "SMALLHANDS_DURABILITY";
    let chosen = match (given, environment.get(NAME)) {
        (Some(given), _) => given,
        (None, None) => return Ok(Durability::default()),
        (None, Some(text)) => DurabilityChoice::from_str(text.trim(), true).map_err(|_| {
            Failure::bad_input(format!("`{text}` is not a durability"), NAME, "set it to `full` or `relaxed`")
        })?,
    };
    Ok(match chosen {
        DurabilityChoice::Full => Durability::Full,
        DurabilityChoice::Relaxed => Durability::Relaxed,
    })
}

fn resolve_model(environment: &Environment) -> Result<ModelConfiguration, Failure> {
    let text = |names: &[&str]| environment.first_of(names).map(str::to_owned);
    Ok(ModelConfiguration {
        name: text(&["SMALLHANDS_MODEL"]),
        base_url: text(&["SMALLHANDS_BASE_URL", "OPENAI_BASE_URL"]),
        api_key: text(&["SMALLHANDS_API_KEY", "OPENAI_API_KEY"]).map(Secret),
        input_usd_per_million: price(environment, "SMALLHANDS_INPUT_USD_PER_MILLION")?,
        output_usd_per_million: price(environment, "SMALLHANDS_OUTPUT_USD_PER_MILLION")?,
    })
}

fn price(environment: &Environment, name: &str) -> Result<Option<f64>, Failure> {
    let Some(text) = environment.get(name) else { return Ok(None) };
    let price = text.parse().ok().filter(|price: &f64| price.is_finite() && *price >= 0.0);
    let refused = || {
        Failure::bad_input(
            format!("`{text}` is not a price"),
            name,
            "set it to US dollars per million tokens, such as 0.25",
        )
    };
    price.map(Some).ok_or_else(refused)
}

fn sandbox_environment(environment: &Environment) -> BTreeMap<String, String> {
    let mut handed_on: BTreeMap<_, _> = environment
        .0
        .iter()
        .filter(|(name, _)| HANDED_ON.contains(&name.as_str()) || name.starts_with("LC_"))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    handed_on.entry("PATH".to_owned()).or_insert_with(|| "/usr/local/bin:/usr/bin:/bin".to_owned());
    if !handed_on.contains_key("LC_ALL") {
        handed_on.entry("LANG".to_owned()).or_insert_with(|| "C.UTF-8".to_owned());
    }
    handed_on.insert("TERM".to_owned(), "dumb".to_owned());
    handed_on
}

fn terminal_wish(environment: &Environment) -> TerminalWish {
    let redraw = environment.get("TERM").is_some_and(|terminal| terminal != "dumb");
    TerminalWish { redraw, colour: redraw && environment.get("NO_COLOR").is_none() }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn environment(variables: &[(&str, &str)]) -> Environment {
        Environment(variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn resolve(variables: &[(&str, &str)]) -> Configuration {
        Configuration::resolve(&environment(variables), Some("/s".into()), None).unwrap()
    }

    #[test]
    fn the_state_directory_is_found_in_order() {
        let check = |variables: &[(&str, &str)], given: Option<&str>, expected: &str| {
            let resolved = resolve_state_dir(&environment(variables), given.map(PathBuf::from)).unwrap();
            assert_eq!(resolved, Path::new(expected), "{variables:?} {given:?}");
        };
        let all = [("HOME", "/h"), ("XDG_STATE_HOME", "/x"), ("SMALLHANDS_STATE_DIR", "/env")];
        check(&all, Some("/flag"), "/flag");
        check(&all, None, "/env");
        check(&all[..2], None, "/x/smallhands");
        check(&all[..1], None, "/h/.local/state/smallhands");
        check(&[("HOME", "/h"), ("XDG_STATE_HOME", "relative")], None, "/h/.local/state/smallhands");
        assert_eq!(resolve_state_dir(&environment(&[]), None).unwrap_err().exit, 2);
    }

    #[test]
    fn the_command_line_says_more_about_durability_than_the_surroundings() {
        use DurabilityChoice as Choice;
        for (variable, given, expected) in [
            ("", None, Durability::Full),
            ("relaxed", None, Durability::Relaxed),
            ("FULL ", None, Durability::Full),
            ("relaxed", Some(Choice::Full), Durability::Full),
            ("nonsense", Some(Choice::Relaxed), Durability::Relaxed),
        ] {
            let environment = environment(&[("SMALLHANDS_DURABILITY", variable)]);
            assert_eq!(resolve_durability(&environment, given).unwrap(), expected, "{variable} {given:?}");
        }
        let refused =
            resolve_durability(&environment(&[("SMALLHANDS_DURABILITY", "some")]), None).unwrap_err();
        assert!(refused.exit == 2 && refused.to_string().contains("SMALLHANDS_DURABILITY"), "{refused}");
    }

    #[test]
    fn our_own_variables_win_over_the_well_known_ones() {
        let model = resolve(&[
            ("OPENAI_BASE_URL", "http://b/v1"),
            ("OPENAI_API_KEY", "b"),
            ("SMALLHANDS_BASE_URL", "http://a/v1"),
            ("SMALLHANDS_API_KEY", " "),
            ("SMALLHANDS_INPUT_USD_PER_MILLION", "0.25"),
        ])
        .model;
        assert_eq!(model.address(), Some("http://a/v1"));
        assert_eq!(model.api_key, Some(Secret("b".to_owned())), "a blank variable is not set");
        assert_eq!((model.input_usd_per_million, model.name), (Some(0.25), None));
    }

    #[test]
    fn a_key_alone_means_the_best_known_address() {
        assert_eq!(resolve(&[("OPENAI_API_KEY", "k")]).model.address(), Some(DEFAULT_BASE_URL));
        assert_eq!(resolve(&[]).model.address(), None);
    }

    #[test]
    fn a_price_that_is_no_number_is_refused() {
        let result = Configuration::resolve(
            &environment(&[("HOME", "/h"), ("SMALLHANDS_INPUT_USD_PER_MILLION", "cheap")]),
            None,
            None,
        );
        assert!(result.unwrap_err().to_string().contains("SMALLHANDS_INPUT_USD_PER_MILLION"));
    }

    #[test]
    fn keys_neither_reach_sandboxes_nor_debug_output() {
        let resolved = resolve(&[
            ("SMALLHANDS_API_KEY", "hush"),
            ("AWS_SECRET_ACCESS_KEY", "hush"),
            ("PATH", "/bin"),
            ("LC_ALL", "C"),
        ]);
        assert!(!format!("{resolved:?}").contains("hush"));
        let names: Vec<_> = resolved.sandbox_environment.keys().map(String::as_str).collect();
        assert_eq!(names, ["LC_ALL", "PATH", "TERM"]);
    }

    #[test]
    fn sandboxes_have_a_path_and_a_language_even_from_nothing() {
        let handed_on = resolve(&[]).sandbox_environment;
        assert_eq!(handed_on["LANG"], "C.UTF-8");
        assert!(handed_on["PATH"].contains("/usr/bin"));
    }

    #[test]
    fn terminals_are_redrawn_and_coloured_only_when_welcome() {
        let check = |variables: &[(&str, &str)], redraw, colour| {
            assert_eq!(
                terminal_wish(&environment(variables)),
                TerminalWish { redraw, colour },
                "{variables:?}"
            );
        };
        check(&[("TERM", "xterm")], true, true);
        check(&[("TERM", "xterm"), ("NO_COLOR", "1")], true, false);
        check(&[("TERM", "dumb")], false, false);
        check(&[], false, false);
    }
}
