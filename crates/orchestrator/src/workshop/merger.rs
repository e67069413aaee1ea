//! The merger: puts what a task of a plan file changed on the run's tree, and runs the task's checks on the result.

use smallhands_sandbox::SandboxError;
use smallhands_shell_runtime::Command;

use super::command::with_tail;
use super::{Attempt, Breakdown, Ending, Workshop, tree_id};
use crate::assignment::{Delivery, FoundPatch, Tree};

/// Most bytes of a check's output that are looked at.
const OUTPUT_LIMIT: usize = 64 * 1024;

/// Merges the patch that the named task brought, if it fits and every check holds.
///
/// # Errors
/// Whatever breaks; trying again is safe, since nothing but the returned tree names the result.
pub async fn merge(shop: &Workshop, attempt: &Attempt, checks: &[String]) -> Result<Ending, Breakdown> {
    let merged = attempt.brought.iter().find_map(|(_, delivery)| patch_of(delivery));
    let onto = attempt.head.clone();
    let head = match &merged {
        None => onto.clone(),
        Some(patch) => match committed(shop, attempt, patch).await? {
            Some(head) => head,
            None => {
                let reason = "its changes conflict with what was merged before".to_owned();
                return Ok(Ending::GaveUp(
                    reason.clone(),
                    integrated(onto.clone(), onto, None, vec![reason]),
                ));
            }
        },
    };
    for check in checks {
        attempt.voice.doing(&format!("running `{check}` on the result"), 0);
        if let Some(reason) = broken(shop, attempt, &head, check).await? {
            return Ok(Ending::GaveUp(reason.clone(), integrated(onto.clone(), onto, None, vec![reason])));
        }
    }
    Ok(Ending::Done(integrated(onto, head, merged, Vec::new())))
}

fn patch_of(delivery: &Delivery) -> Option<FoundPatch> {
    match delivery {
        Delivery::Ran { found, .. } | Delivery::Changed { found, .. } => found.clone(),
        _ => None,
    }
}

fn integrated(onto: Tree, head: Tree, merged: Option<FoundPatch>, rejected: Vec<String>) -> Delivery {
    Delivery::Integrated { onto, head, merged, fixed: Vec::new(), rejected, alternatives: Vec::new() }
}

/// The tree with the patch; none when it does not fit.
async fn committed(
    shop: &Workshop,
    attempt: &Attempt,
    patch: &FoundPatch,
) -> Result<Option<Tree>, Breakdown> {
    let blob = patch.diff.parse().map_err(|_| Breakdown::Other("not a blob".into()))?;
    let diff =
        String::from_utf8(shop.log.get_blob(&blob)?).map_err(|error| Breakdown::Other(error.to_string()))?;
    let message = format!("{}: {}", patch.view.file, patch.view.summary);
    match shop.base.commit_patch(&tree_id(&attempt.head)?, &diff, &message).await {
        Ok(head) => Ok(Some(head.to_string())),
        Err(SandboxError::Conflict { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Why a check does not hold on a tree; nothing when it does.
async fn broken(
    shop: &Workshop,
    attempt: &Attempt,
    head: &Tree,
    check: &str,
) -> Result<Option<String>, Breakdown> {
    let sandbox = shop.lease(attempt, head).await?;
    let timeout = std::time::Duration::from_millis(shop.spec.check_timeout_ms).min(shop.time_left());
    let command = Command { output_limit: OUTPUT_LIMIT, ..Command::shell(check).with_timeout(timeout) };
    let response =
        sandbox.runtime().execute(command).await.map_err(|error| Breakdown::Other(error.to_string()))?;
    sandbox.destroy().await?;
    if response.exit_code == Some(0) {
        return Ok(None);
    }
    let printed = [response.stdout, response.stderr].concat();
    let note = format!("the check `{check}` does not hold on its result");
    Ok(Some(with_tail(&note, &String::from_utf8_lossy(&printed))))
}
