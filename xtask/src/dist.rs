//! `dist`: builds the programs that are given away, as static binaries, and says what came out.

use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

/// The target whose C library is small, permissively licensed and linked into the program.
const TARGET: &str = "x86_64-unknown-linux-musl";

/// Largest size that `swerex-remote` may have, in bytes.
const MOST_BYTES: u64 = 8_000_000;

/// Builds `swerex-remote` and prints its size and path.
pub fn run() -> ExitCode {
    let build = ["build", "--profile", "dist", "-p", "smallhands-runtime-server", "--target", TARGET];
    let built = Command::new("cargo")
        .args(build)
        .arg("--message-format=json-render-diagnostics")
        .stderr(Stdio::inherit())
        .current_dir(".")
        .output();
    match built {
        Ok(built) if built.status.success() => match program(&String::from_utf8_lossy(&built.stdout)) {
            Some(path) => report(Path::new(path)),
            None => failed("cargo did not say where the program is"),
        },
        Ok(_) => failed(&format!("the build failed; is the target installed? rustup target add {TARGET}")),
        Err(error) => failed(&format!("cargo cannot be run: {error}")),
    }
}

/// The path of the program in what cargo says, one JSON object per line.
fn program(messages: &str) -> Option<&str> {
    let (_, path) = messages.rsplit_once(r#""executable":""#)?;
    path.split_once('"').map(|(path, _)| path)
}

fn report(path: &Path) -> ExitCode {
    match path.metadata() {
        Ok(metadata) if metadata.len() <= MOST_BYTES => {
            println!("{} bytes  {}", metadata.len(), path.display());
            ExitCode::SUCCESS
        }
        Ok(metadata) => {
            failed(&format!("{} has {} bytes, more than {MOST_BYTES}", path.display(), metadata.len()))
        }
        Err(error) => failed(&format!("{} is not there: {error}", path.display())),
    }
}

fn failed(words: &str) -> ExitCode {
    eprintln!("error: {words}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_where_cargo_says() {
        let messages = "{\"executable\":null}\n{\"a\":1,\"executable\":\"/t/swerex-remote\",\"b\":2}\n{\"success\":true}";
        assert_eq!(program(messages), Some("/t/swerex-remote"));
        assert_eq!(program("{}"), None);
    }
}
