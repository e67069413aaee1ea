//! The programs that runs may need, as one table, and how they are asked for their version.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

use super::report::{Area, Finding, Status};

/// A program that does not answer within this time is as good as missing.
const PATIENCE: Duration = Duration::from_secs(10);

/// A program, or a module of one.
struct Program {
    area: Area,
    name: &'static str,
    /// The command that prints the version.
    version: &'static [&'static str],
    /// What it is good for, and how to get it.
    remedy: &'static str,
    /// No run is possible without it.
    essential: bool,
}

const fn basic(name: &'static str, version: &'static [&'static str], remedy: &'static str) -> Program {
    Program { area: Area::Basics, name, version, remedy, essential: true }
}

const fn tool(name: &'static str, version: &'static [&'static str], remedy: &'static str) -> Program {
    Program { area: Area::Toolchain, name, version, remedy, essential: false }
}

const PROGRAMS: [Program; 16] = [
    basic("git", &["git", "--version"], "copies repositories and makes patches; install the package `git`"),
    basic("bash", &["bash", "--version"], "runs checks and sessions; install the package `bash`"),
    tool("python3", &["python3", "--version"], "Python projects; install the package `python3`"),
    tool(
        "pytest",
        &["python3", "-m", "pytest", "--version"],
        "Python tests other than unittest: python3 -m pip install pytest",
    ),
    tool(
        "node",
        &["node", "--version"],
        "JavaScript and TypeScript projects; install Node.js from nodejs.org",
    ),
    tool("npm", &["npm", "--version"], "JavaScript checks run as `npm test`; comes with Node.js"),
    tool("cargo", &["cargo", "--version"], "Rust projects; install from rustup.rs"),
    tool("go", &["go", "version"], "Go projects; install from go.dev"),
    tool("java", &["java", "-version"], "Java projects; install a JDK, such as the package `default-jdk`"),
    tool("mvn", &["mvn", "--version"], "Java projects built by Maven; install the package `maven`"),
    tool(
        "gradle",
        &["gradle", "--version"],
        "Java projects built by Gradle without their own wrapper; install from gradle.org",
    ),
    tool(
        "cc",
        &["cc", "--version"],
        "C projects; install the package `build-essential` or Xcode's command line tools",
    ),
    tool(
        "c++",
        &["c++", "--version"],
        "C++ projects; install the package `build-essential` or Xcode's command line tools",
    ),
    tool("cmake", &["cmake", "--version"], "C and C++ projects built by CMake; install the package `cmake`"),
    tool("ctest", &["ctest", "--version"], "checks of CMake projects; comes with CMake"),
    tool("make", &["make", "--version"], "projects with a Makefile; install the package `make`"),
];

/// Asks all programs at once, in the environment that checks will have.
pub async fn probe_all(environment: &BTreeMap<String, String>) -> Vec<Finding> {
    let asked: Vec<_> = PROGRAMS
        .iter()
        .map(|program| {
            let environment = environment.clone();
            (program, tokio::spawn(async move { version_of(program.version, &environment).await }))
        })
        .collect();
    let mut findings = Vec::new();
    for (program, answer) in asked {
        let answer = answer.await.unwrap_or_else(|error| Err(error.to_string()));
        findings.push(finding(program, answer));
    }
    findings
}

fn finding(program: &Program, answer: Result<String, String>) -> Finding {
    let (status, detail, remedy) = match answer {
        Ok(version) => (Status::Ok, version, None),
        Err(reason) => (Status::Missing, reason, Some(program.remedy.to_owned())),
    };
    Finding {
        area: program.area,
        name: program.name.to_owned(),
        status,
        detail,
        remedy,
        essential: program.essential,
    }
}

/// The first line that the program prints about itself.
async fn version_of(command: &[&str], environment: &BTreeMap<String, String>) -> Result<String, String> {
    let [program, arguments @ ..] = command else { return Err("no command".to_owned()) };
    let mut child = Command::new(program);
    child.args(arguments).env_clear().envs(environment).stdin(Stdio::null()).kill_on_drop(true);
    let output = match tokio::time::timeout(PATIENCE, child.output()).await {
        Err(_) => return Err(format!("does not answer within {} s", PATIENCE.as_secs())),
        Ok(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => return Err("not found".to_owned()),
        Ok(Err(error)) => return Err(format!("cannot be started: {error}")),
        Ok(Ok(output)) => output,
    };
    let said = [output.stdout, output.stderr].concat(); // java answers on stderr
    let said = without_control(&String::from_utf8_lossy(&said));
    let first =
        said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("no version given").to_owned();
    if output.status.success() { Ok(first) } else { Err(first) }
}

/// The text without terminal control sequences, which some programs print even into a pipe.
fn without_control(text: &str) -> String {
    let mut pieces = text.split("\x1b[");
    let first = pieces.next().unwrap_or_default().to_owned();
    pieces.fold(first, |text, piece| {
        text + piece.trim_start_matches(|c: char| !c.is_ascii_alphabetic()).get(1..).unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(command: &[&str]) -> Result<String, String> {
        let path = BTreeMap::from([("PATH".to_owned(), "/usr/local/bin:/usr/bin:/bin".to_owned())]);
        version_of(command, &path).await
    }

    #[tokio::test]
    async fn the_first_line_counts_wherever_it_is_printed() {
        assert_eq!(ask(&["sh", "-c", "echo; echo tool 1.2; echo more"]).await, Ok("tool 1.2".to_owned()));
        assert_eq!(ask(&["sh", "-c", "echo tool 1.2 >&2"]).await, Ok("tool 1.2".to_owned()));
        assert_eq!(ask(&["true"]).await, Ok("no version given".to_owned()));
    }

    #[tokio::test]
    async fn a_program_that_fails_or_is_not_there_is_told_apart() {
        assert_eq!(
            ask(&["sh", "-c", "echo No module named pytest >&2; exit 1"]).await,
            Err("No module named pytest".to_owned())
        );
        assert_eq!(ask(&["surely-no-such-program"]).await, Err("not found".to_owned()));
    }

    #[tokio::test]
    async fn control_sequences_are_left_out() {
        assert_eq!(ask(&["printf", r"\033[1mtool 1.2\033[m"]).await, Ok("tool 1.2".to_owned()));
        assert_eq!(without_control("a\x1b[31;1mb\x1b["), "ab");
    }

    #[test]
    fn what_is_missing_comes_with_a_remedy() {
        for program in &PROGRAMS {
            let missing = finding(program, Err("not found".to_owned()));
            assert!(
                missing.remedy.is_some_and(|remedy| remedy.contains(';') || remedy.contains("install")),
                "{}",
                program.name
            );
        }
        assert_eq!(finding(&PROGRAMS[0], Ok("git 2".to_owned())).remedy, None);
    }
}
