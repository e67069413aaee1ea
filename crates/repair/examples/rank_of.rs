//! Developer tool: lists the candidate edits of one file, best first, one JSON object per line.
//!
//! ```text
//! cargo run --release --example rank_of -- FILE [SUSPICION.json] [--explain] [--limit N] [--fix FIXED_FILE]
//! ```
//!
//! `SUSPICION.json` maps lines to scores (`{"12": 0.7}`); without it every line is equally suspicious.
//! `--explain` lists every way to reach an edit with the features of its score, unmerged: the input for
//! fitting a priors file. `--fix` prints only the rank of the edit that turns FILE into FIXED_FILE.

use std::collections::BTreeMap;
use std::error::Error;
use std::io::Write;

use smallhands_repair::{EnumerationLimits, SearchInput, Suspicion, explain, search};

struct Arguments {
    file: String,
    suspicion: Option<String>,
    explain: bool,
    limit: Option<usize>,
    fix: Option<String>,
}

fn arguments() -> Result<Arguments, Box<dyn Error>> {
    let mut parsed =
        Arguments { file: String::new(), suspicion: None, explain: false, limit: None, fix: None };
    let mut plain = Vec::new();
    let mut rest = std::env::args().skip(1);
    while let Some(argument) = rest.next() {
        match argument.as_str() {
            "--explain" => parsed.explain = true,
            "--limit" => parsed.limit = Some(rest.next().ok_or("--limit needs a number")?.parse()?),
            "--fix" => parsed.fix = Some(rest.next().ok_or("--fix needs a file")?),
            _ => plain.push(argument),
        }
    }
    let mut plain = plain.into_iter();
    parsed.file =
        plain.next().ok_or("usage: rank_of FILE [SUSPICION.json] [--explain] [--limit N] [--fix FIXED]")?;
    parsed.suspicion = plain.next();
    Ok(parsed)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = arguments()?;
    let sources = vec![(arguments.file.clone(), std::fs::read_to_string(&arguments.file)?)];
    let suspicion = match &arguments.suspicion {
        Some(path) => {
            let lines: BTreeMap<u32, f64> = serde_json::from_str(&std::fs::read_to_string(path)?)?;
            Suspicion([(arguments.file.clone(), lines)].into())
        }
        None => Suspicion::uniform(&sources),
    };
    let mut limits = EnumerationLimits::default();
    limits.max_candidates = arguments.limit.unwrap_or(limits.max_candidates);
    let input = SearchInput { sources: &sources, suspicion: &suspicion, limits };
    let mut out = std::io::BufWriter::new(std::io::stdout().lock());
    if arguments.explain {
        for explanation in explain(&input) {
            writeln!(out, "{}", serde_json::to_string(&explanation)?)?;
        }
        return Ok(());
    }
    let found = search(&input);
    if let Some(fixed) = arguments.fix {
        let (original, fixed) = (&sources[0].1, std::fs::read_to_string(fixed)?);
        match found.candidates.iter().position(|candidate| candidate.edit.apply(original) == fixed) {
            Some(rank) => writeln!(out, "rank {} of {}", rank + 1, found.candidates.len())?,
            None => writeln!(out, "not among {} candidates", found.candidates.len())?,
        }
        return Ok(());
    }
    for candidate in &found.candidates {
        writeln!(out, "{}", serde_json::to_string(candidate)?)?;
    }
    for note in &found.notes {
        eprintln!("note: {note}");
    }
    Ok(())
}
