//! Handing the result over: intended before, received after, so that a crash in between neither loses nor repeats it.

use serde_json::json;

use super::Dispatcher;
use crate::deliver::{deliver, is_delivered};
use crate::progress::{RunSummary, Verdict};
use crate::request::{Deliver, RunError};

impl Dispatcher {
    /// Delivers the stored patch as the user asked, unless that has been done.
    pub(super) async fn hand_over(&mut self, summary: &mut RunSummary) -> Result<(), RunError> {
        let shop = self.shop.clone();
        let spec = &shop.spec;
        let writes_to_repository = !matches!(spec.deliver, Deliver::Patch { .. });
        if writes_to_repository && summary.verdict != Verdict::Verified {
            summary.reason = format!("{}; not delivered because it is not verified", summary.reason);
            return Ok(());
        }
        let stored = self.state_dir.patch(self.journal.run());
        let message = commit_message(&spec.task, summary);
        if !writes_to_repository {
            // Writing the same file again changes nothing.
            let line = deliver(&spec.deliver, &spec.repo, &stored, &message).await?;
            summary.reason = format!("{}; {line}", summary.reason);
            return Ok(());
        }
        let key = format!("{}/deliver", self.journal.run());
        let known = self.journal.state().control.outside.get(&key).cloned();
        let line = match known {
            Some(effect) if effect.done => receipt_line(effect.receipt.as_ref()),
            Some(_) => match is_delivered(&spec.deliver, &spec.repo, &stored, &message).await {
                Some(line) => line,
                None => deliver(&spec.deliver, &spec.repo, &stored, &message).await?,
            },
            None => {
                let what = json!({ "deliver": spec.deliver });
                self.intend(&key, what)?
                    .map_err(|reason| RunError::StoredState { run: self.journal.run().to_owned(), reason })?;
                deliver(&spec.deliver, &spec.repo, &stored, &message).await?
            }
        };
        self.receive(key, true, json!({ "line": line }))?;
        summary.reason = format!("{}; {line}", summary.reason);
        Ok(())
    }
}

fn commit_message(task: &str, summary: &RunSummary) -> String {
    let changes: Vec<String> =
        summary.changes.iter().map(|change| format!("{}:{}", change.file, change.line)).collect();
    format!("{task}\n\nChanged {}. Made by smallhands run {}.", changes.join(", "), summary.run)
}

fn receipt_line(receipt: Option<&serde_json::Value>) -> String {
    let line = receipt.and_then(|receipt| receipt["line"].as_str());
    line.unwrap_or("delivered before the interruption").to_owned()
}
