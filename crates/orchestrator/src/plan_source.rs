//! A plan as the user wrote it, with all files that it uses and its inputs: what a run keeps of it, so that a resumed
//! run needs none of the files again.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use smallhands_plan_format::diagnostic::Diagnostics;
use smallhands_plan_format::inputs;
use smallhands_plan_format::loading::{Loaded, load};
use smallhands_plan_format::model::Document;
use smallhands_plan_format::source::Sources;

/// Largest plan file that is read, in bytes.
const MOST_BYTES: u64 = smallhands_plan_format::syntax::MOST_BYTES as u64;

/// The durable form of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanSource {
    /// The file that was asked for.
    pub file: String,
    /// All files that were read, by name.
    pub texts: BTreeMap<String, String>,
    /// The values of all inputs.
    pub inputs: Map<String, Value>,
}

/// A plan that cannot be followed. Displays everything that is wrong, each problem with its line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{rendered}")]
pub struct BadPlan {
    /// The file that was asked for.
    pub file: String,
    /// All problems, for people.
    pub rendered: String,
}

impl BadPlan {
    fn new(file: &str, problems: &Diagnostics, sources: &Sources) -> Self {
        Self { file: file.to_owned(), rendered: problems.render(sources).trim_end().to_owned() }
    }
}

/// Reads a plan file and those that it uses, and says what is wrong with them.
///
/// # Errors
/// When the file itself cannot be read.
pub fn read(file: &Path) -> Result<Loaded, BadPlan> {
    let name = file.display().to_string();
    let text = read_text(file).map_err(|reason| BadPlan {
        file: name.clone(),
        rendered: format!("cannot read the plan {name}: {reason}"),
    })?;
    Ok(load(&name, &text, &mut |path| read_text(Path::new(path))))
}

/// Only what a plan can be is read: a regular file of bounded size.
fn read_text(file: &Path) -> Result<String, String> {
    let about = std::fs::metadata(file).map_err(|error| error.to_string())?;
    if !about.is_file() {
        return Err("not a file".into());
    }
    if about.len() > MOST_BYTES {
        return Err(format!("it has {} bytes; at most {MOST_BYTES} are read", about.len()));
    }
    std::fs::read_to_string(file).map_err(|error| error.to_string())
}

impl PlanSource {
    /// Reads a plan file with the inputs `name=value`.
    ///
    /// # Errors
    /// Everything that is wrong with the plan or the inputs.
    pub fn read(file: &Path, arguments: &[(String, String)]) -> Result<Self, BadPlan> {
        let name = file.display().to_string();
        let loaded = read(file)?;
        let document = checked(&name, &loaded)?;
        let plan =
            document.plans.first().ok_or_else(|| BadPlan { file: name.clone(), rendered: String::new() })?;
        let inputs = inputs::from_arguments(plan, arguments).map_err(|problems| {
            let rendered = format!("the plan {name} cannot be run: {}", problems.join("\n  "));
            BadPlan { file: name.clone(), rendered }
        })?;
        let texts = loaded.sources.iter().map(|source| (source.name.clone(), source.text.clone())).collect();
        Ok(Self { file: name, texts, inputs })
    }

    /// The plan, read again from what was kept.
    ///
    /// # Errors
    /// When this version of smallhands does not accept it.
    pub fn document(&self) -> Result<Document, BadPlan> {
        let text = self.texts.get(&self.file).cloned().unwrap_or_default();
        let mut others = |path: &str| {
            self.texts.get(path).cloned().ok_or_else(|| "it was not kept with the run".to_owned())
        };
        let loaded = load(&self.file, &text, &mut others);
        checked(&self.file, &loaded).cloned()
    }
}

fn checked<'a>(name: &str, loaded: &'a Loaded) -> Result<&'a Document, BadPlan> {
    loaded.document.as_ref().ok_or_else(|| BadPlan::new(name, &loaded.problems, &loaded.sources))
}

/// Problems that are found later, shown like those of the plan itself.
pub(crate) fn refuse(source: &PlanSource, document: &Document, problems: &Diagnostics) -> BadPlan {
    BadPlan::new(&source.file, problems, &document.sources)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plan_is_kept_with_everything_that_it_uses() {
        let folder = tempfile::tempdir().unwrap();
        let plan = folder.path().join("plan.yaml");
        std::fs::write(&plan, "inputs: { n: integer }\ntasks:\n  - id: a\n    use: ./b.yaml\n").unwrap();
        std::fs::write(folder.path().join("b.yaml"), "tasks: [{ id: c, command: make }]\n").unwrap();
        let source = PlanSource::read(&plan, &[("n".into(), "3".into())]).unwrap();
        let kept: PlanSource = serde_json::from_value(serde_json::to_value(&source).unwrap()).unwrap();
        drop(folder);
        assert_eq!(kept.inputs["n"], 3);
        assert_eq!(kept.document().unwrap().plans.len(), 2);
    }

    #[test]
    fn what_cannot_be_used_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let plan = folder.path().join("plan.yaml");
        let told =
            |arguments: &[(String, String)]| PlanSource::read(&plan, arguments).unwrap_err().to_string();
        assert!(told(&[]).contains("cannot read"));
        std::fs::write(&plan, "inputs: { n: integer }\ntasks: [{ id: a, comand: x }]\n").unwrap();
        assert!(told(&[]).contains("did you mean `command`?"));
        std::fs::write(&plan, "inputs: { n: integer }\ntasks: [{ id: a, command: x }]\n").unwrap();
        assert!(told(&[]).contains("the input `n` (integer) is missing"));
        assert!(told(&[("n".into(), "x".into())]).contains("not a whole number"));
        assert!(PlanSource::read(folder.path(), &[]).unwrap_err().to_string().contains("not a file"));
    }
}
