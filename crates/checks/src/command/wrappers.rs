//! Looks through the programs that only start another one: `env`, `timeout`, `poetry run`, `python -m`, `bash -c`.

/// What is left of a command once its launchers are taken off.
pub(super) struct Invocation<'a> {
    /// The program that does the work, and its arguments.
    pub(super) words: &'a [String],
    /// A nested command line, where a shell was given one.
    pub(super) script: Option<&'a str>,
}

/// How a launcher's own arguments end.
enum Launcher {
    /// After its options: `nohup`, `env`, `npx`.
    Options,
    /// After its options and one operand: `timeout 60`.
    OptionsAndOperand,
    /// After one of these subcommands and its options: `poetry run`.
    Subcommand(&'static [&'static str]),
}

const LAUNCHERS: &[(&str, Launcher)] = &[
    ("env", Launcher::Options),
    ("time", Launcher::Options),
    ("nice", Launcher::Options),
    ("nohup", Launcher::Options),
    ("exec", Launcher::Options),
    ("command", Launcher::Options),
    ("sudo", Launcher::Options),
    ("stdbuf", Launcher::Options),
    ("setsid", Launcher::Options),
    ("xvfb-run", Launcher::Options),
    ("npx", Launcher::Options),
    ("bunx", Launcher::Options),
    ("c8", Launcher::Options),
    ("nyc", Launcher::Options),
    ("cross-env", Launcher::Options),
    ("timeout", Launcher::OptionsAndOperand),
    ("poetry", Launcher::Subcommand(&["run"])),
    ("uv", Launcher::Subcommand(&["run"])),
    ("pipenv", Launcher::Subcommand(&["run"])),
    ("pdm", Launcher::Subcommand(&["run"])),
    ("hatch", Launcher::Subcommand(&["run"])),
    ("rye", Launcher::Subcommand(&["run"])),
    ("conda", Launcher::Subcommand(&["run"])),
    ("coverage", Launcher::Subcommand(&["run"])),
    ("bundle", Launcher::Subcommand(&["exec"])),
    ("pnpm", Launcher::Subcommand(&["exec", "dlx"])),
    ("yarn", Launcher::Subcommand(&["exec", "dlx"])),
    ("npm", Launcher::Subcommand(&["exec"])),
];

/// Options of launchers that take the next word as their value.
const VALUED: [&str; 22] = [
    "-u",
    "-n",
    "-k",
    "-s",
    "-o",
    "-i",
    "-e",
    "-p",
    "-c",
    "-C",
    "-W",
    "-X",
    "--with",
    "--python",
    "--extra",
    "--group",
    "--package",
    "--directory",
    "--rcfile",
    "--signal",
    "--kill-after",
    "--name",
];

/// Takes launchers off the front of `words` until the program that does the work is first.
pub(super) fn unwrapped(words: &[String]) -> Invocation<'_> {
    let mut words = words;
    while let Some(inner) = without_launcher(words) {
        words = inner;
    }
    Invocation { words, script: nested_script(words) }
}

/// `words` without its first launcher; nothing when the first word is the program itself.
fn without_launcher(words: &[String]) -> Option<&[String]> {
    let (program, arguments) = words.split_first()?;
    if is_assignment(program) {
        return Some(arguments);
    }
    let name = program.rsplit('/').next().unwrap_or(program);
    if is_python(name) {
        return python_target(arguments);
    }
    let (_, launcher) = LAUNCHERS.iter().find(|(launcher, _)| *launcher == name)?;
    let inner = match launcher {
        Launcher::Options => after_options(arguments),
        Launcher::OptionsAndOperand => after_options(arguments).get(1..)?,
        Launcher::Subcommand(names) => {
            let (subcommand, rest) = after_options(arguments).split_first()?;
            names.contains(&subcommand.as_str()).then(|| after_options(rest))?
        }
    };
    // `coverage run -m pytest` hands a module on as python does.
    let inner = inner.strip_prefix(&["-m".to_owned()]).unwrap_or(inner);
    (!inner.is_empty()).then_some(inner)
}

/// What `python` runs: the module after `-m`, or a script; nothing for an interactive interpreter.
fn python_target(arguments: &[String]) -> Option<&[String]> {
    let mut rest = arguments;
    loop {
        let (word, after) = rest.split_first()?;
        match word.as_str() {
            "-m" => return (!after.is_empty()).then_some(after),
            "-c" => return None,
            "-W" | "-X" => rest = after.get(1..)?,
            _ if word.starts_with('-') => rest = after,
            _ => return Some(rest),
        }
    }
}

fn after_options(words: &[String]) -> &[String] {
    let mut rest = words;
    while let Some((word, after)) = rest.split_first() {
        let is_option = word.starts_with('-') && word != "-m";
        if !is_option && !is_assignment(word) {
            break;
        }
        let skip_value = is_option && VALUED.contains(&word.as_str());
        rest = if skip_value { after.get(1..).unwrap_or_default() } else { after };
    }
    rest
}

/// `bash -c "pytest -q"`, `sh -ec '...'`.
fn nested_script(words: &[String]) -> Option<&str> {
    let (program, arguments) = words.split_first()?;
    let name = program.rsplit('/').next().unwrap_or(program);
    if !matches!(name, "bash" | "sh" | "zsh" | "dash" | "ksh") {
        return None;
    }
    let flag = arguments.iter().position(|word| word.starts_with('-') && word.ends_with('c'))?;
    arguments.get(flag + 1).map(String::as_str)
}

fn is_python(name: &str) -> bool {
    name.strip_prefix("python")
        .or_else(|| name.strip_prefix("pypy"))
        .is_some_and(|version| version.chars().all(|c| c.is_ascii_digit() || c == '.'))
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| {
        name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_program_that_does_the_work() {
        for (command, expected) in [
            ("env -u HOME X=1 a b", "a b"),
            ("timeout -k 5 60 a", "a"),
            ("uv run --with x -m pytest", "pytest"),
            ("python -W error -X dev -m unittest -v", "unittest -v"),
            ("python manage.py test", "manage.py test"),
            ("python", "python"),
            ("python -c x", "python -c x"),
            ("poetry install", "poetry install"),
            ("nice", "nice"),
            ("conda run -n env pytest", "pytest"),
            ("python -m coverage run --branch -m pytest -q", "pytest -q"),
        ] {
            let words = shell_words::split(command).unwrap();
            assert_eq!(unwrapped(&words).words.join(" "), expected, "{command}");
        }
    }
}
