//! Hands the result to the user: as a patch file, applied to the working tree, or as a branch. Nothing else writes to the user's repository.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::process::Command;

use crate::request::{Deliver, RunError};
use crate::state_dir::write_whole;

/// Delivers `patch` (a git unified diff, also stored at `stored`) as asked. Returns one line for people.
///
/// # Errors
/// [`RunError::BadInput`] when the patch does not apply to what the user has now; the stored patch is kept.
pub async fn deliver(how: &Deliver, repo: &Path, stored: &Path, message: &str) -> Result<String, RunError> {
    match how {
        Deliver::Patch { to: None } => Ok(format!("apply it with: git apply {}", stored.display())),
        Deliver::Patch { to: Some(path) } => copy(stored, path),
        Deliver::Apply => apply(repo, stored).await,
        Deliver::Branch(name) => branch(repo, stored, name, message).await,
    }
}

/// Whether an earlier delivery of the same patch took place after all, told by what is there now; the line for people if so.
pub async fn is_delivered(how: &Deliver, repo: &Path, stored: &Path, message: &str) -> Option<String> {
    match how {
        Deliver::Patch { .. } => None,
        Deliver::Apply => {
            let patch = stored.to_string_lossy();
            let backwards = ["apply", "--check", "--reverse", "--whitespace=nowarn", patch.as_ref()];
            git_outside(repo, &backwards).await.ok().map(|_| format!("applied to {}", repo.display()))
        }
        Deliver::Branch(name) => {
            let reference = format!("refs/heads/{name}");
            let said = git(repo, &["log", "-1", "--format=%H %B", &reference], &[]).await.ok()?;
            let (commit, body) = said.split_once(' ')?;
            (body.trim() == message.trim())
                .then(|| format!("committed as {} on branch {name}", commit.get(..12).unwrap_or(commit)))
        }
    }
}

/// Refuses a branch name or a patch path that could not be delivered to, before any work is done for it.
///
/// # Errors
/// [`RunError::BadInput`].
pub async fn check_target(how: &Deliver, repo: &Path) -> Result<(), RunError> {
    match how {
        Deliver::Patch { to: Some(path) } => {
            let folder =
                path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
            if folder.is_dir() {
                Ok(())
            } else {
                Err(RunError::BadInput(format!(
                    "cannot write --patch {}: {} is not a folder",
                    path.display(),
                    folder.display()
                )))
            }
        }
        Deliver::Branch(name) => check_branch(repo, name).await,
        Deliver::Patch { to: None } | Deliver::Apply => Ok(()),
    }
}

async fn check_branch(repo: &Path, name: &str) -> Result<(), RunError> {
    if git(repo, &["rev-parse", "--verify", "-q", "HEAD"], &[]).await.is_err() {
        return Err(RunError::BadInput(format!(
            "--branch {name} needs a git repository with at least one commit, and {} is none; use --patch FILE or --apply",
            repo.display()
        )));
    }
    if git(repo, &["check-ref-format", "--branch", name], &[]).await.is_err() {
        return Err(RunError::BadInput(format!(
            "`{name}` is not a valid branch name; choose another with --branch NAME"
        )));
    }
    if git(repo, &["rev-parse", "--verify", "-q", &format!("refs/heads/{name}")], &[]).await.is_ok() {
        return Err(RunError::BadInput(format!(
            "the branch `{name}` exists already; choose another with --branch NAME"
        )));
    }
    Ok(())
}

fn copy(stored: &Path, to: &Path) -> Result<String, RunError> {
    let content = std::fs::read(stored).map_err(|source| RunError::Io {
        what: "read",
        path: stored.to_path_buf(),
        source,
    })?;
    write_whole(to, &content)?;
    Ok(format!("patch written to {}", to.display()))
}

async fn apply(repo: &Path, stored: &Path) -> Result<String, RunError> {
    let patch = stored.to_string_lossy();
    for stage in [&["apply", "--check", "--whitespace=nowarn"][..], &["apply", "--whitespace=nowarn"][..]] {
        let arguments: Vec<&str> = stage.iter().copied().chain([patch.as_ref()]).collect();
        git_outside(repo, &arguments).await.map_err(|reason| {
            RunError::BadInput(format!(
                "the patch does not apply to {} as it is now ({reason}); nothing was changed, and the patch is kept at {}",
                repo.display(),
                stored.display()
            ))
        })?;
    }
    Ok(format!("applied to {}", repo.display()))
}

/// Builds the commit in a temporary index, so that neither the working tree nor the user's index is touched.
async fn branch(repo: &Path, stored: &Path, name: &str, message: &str) -> Result<String, RunError> {
    let index = stored.with_extension("index");
    let outcome = commit_on_branch(repo, stored, name, message, &index).await;
    let _ = std::fs::remove_file(&index);
    outcome.map_err(|reason| {
        RunError::BadInput(format!(
            "cannot make branch {name} in {}: {reason}; the patch is kept at {}",
            repo.display(),
            stored.display()
        ))
    })
}

async fn commit_on_branch(
    repo: &Path,
    stored: &Path,
    name: &str,
    message: &str,
    index: &Path,
) -> Result<String, String> {
    let index: PathBuf = std::path::absolute(index).map_err(|error| error.to_string())?;
    let index = index.to_string_lossy();
    let environment = [("GIT_INDEX_FILE", index.as_ref())];
    let patch = stored.to_string_lossy();
    git(repo, &["read-tree", "HEAD"], &environment).await?;
    git(repo, &["apply", "--cached", "--3way", "--whitespace=nowarn", &patch], &environment).await?;
    let tree = git(repo, &["write-tree"], &environment).await?;
    let identity = [
        ("GIT_AUTHOR_NAME", "smallhands"),
        ("GIT_AUTHOR_EMAIL", "smallhands@localhost"),
        ("GIT_COMMITTER_NAME", "smallhands"),
        ("GIT_COMMITTER_EMAIL", "smallhands@localhost"),
    ];
    let commit = git(repo, &["commit-tree", &tree, "-p", "HEAD", "-m", message], &identity).await?;
    git(repo, &["update-ref", &format!("refs/heads/{name}"), &commit, ""], &[]).await?;
    Ok(format!("committed as {} on branch {name}", commit.get(..12).unwrap_or(&commit)))
}

/// Runs git in a folder that may lie inside an unrelated repository without letting that repository interfere.
async fn git_outside(folder: &Path, arguments: &[&str]) -> Result<String, String> {
    let is_repository = folder.join(".git").exists();
    let ceiling = folder.parent().unwrap_or(folder).to_string_lossy().into_owned();
    let environment: &[(&str, &str)] =
        if is_repository { &[] } else { &[("GIT_CEILING_DIRECTORIES", ceiling.as_str())] };
    git(folder, arguments, environment).await
}

async fn git(folder: &Path, arguments: &[&str], environment: &[(&str, &str)]) -> Result<String, String> {
    let output = Command::new("git")
        .args(arguments)
        .current_dir(folder)
        .envs(environment.iter().copied())
        .env("GIT_TERMINAL_PROMPT", "0")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output()
        .await
        .map_err(|error| format!("git cannot be started: {error}"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATCH: &str = "diff --git a/f.txt b/f.txt\n--- a/f.txt\n+++ b/f.txt\n@@ -1 +1 @@\n-old\n+new\n";

    async fn repository(committed: bool) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("f.txt"), "old\n").unwrap();
        std::fs::write(folder.path().join("fix.patch"), PATCH).unwrap();
        if committed {
            git(folder.path(), &["init", "-q", "-b", "main"], &[]).await.unwrap();
            git(folder.path(), &["add", "f.txt"], &[]).await.unwrap();
            let me = ["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-q", "-m", "first"];
            git(folder.path(), &me, &[]).await.unwrap();
        }
        folder
    }

    fn content(folder: &Path) -> String {
        std::fs::read_to_string(folder.join("f.txt")).unwrap()
    }

    #[tokio::test]
    async fn applies_to_repositories_and_plain_folders() {
        for committed in [true, false] {
            let folder = repository(committed).await;
            deliver(&Deliver::Apply, folder.path(), &folder.path().join("fix.patch"), "m").await.unwrap();
            assert_eq!(content(folder.path()), "new\n");
        }
    }

    #[tokio::test]
    async fn a_tree_that_moved_on_is_left_alone() {
        let folder = repository(true).await;
        std::fs::write(folder.path().join("f.txt"), "edited since\n").unwrap();
        let error =
            deliver(&Deliver::Apply, folder.path(), &folder.path().join("fix.patch"), "m").await.unwrap_err();
        assert!(error.to_string().contains("nothing was changed"), "{error}");
        assert_eq!(content(folder.path()), "edited since\n");
    }

    #[tokio::test]
    async fn a_branch_leaves_the_working_tree_and_index_alone() {
        let folder = repository(true).await;
        let how = Deliver::Branch("fix/f".into());
        check_target(&how, folder.path()).await.unwrap();
        deliver(&how, folder.path(), &folder.path().join("fix.patch"), "Repair f").await.unwrap();
        assert_eq!(content(folder.path()), "old\n");
        assert_eq!(git(folder.path(), &["show", "fix/f:f.txt"], &[]).await.unwrap(), "new");
        assert_eq!(git(folder.path(), &["diff", "--cached", "--name-only"], &[]).await.unwrap(), "");
        assert!(check_target(&how, folder.path()).await.is_err(), "the branch exists now");
    }

    #[tokio::test]
    async fn what_was_delivered_before_a_crash_is_recognised() {
        for how in [Deliver::Apply, Deliver::Branch("fix/f".into())] {
            let folder = repository(true).await;
            let stored = folder.path().join("fix.patch");
            assert_eq!(
                is_delivered(&how, folder.path(), &stored, "Repair f\n\nby r1").await,
                None,
                "{how:?}"
            );
            let line = deliver(&how, folder.path(), &stored, "Repair f\n\nby r1").await.unwrap();
            assert_eq!(
                is_delivered(&how, folder.path(), &stored, "Repair f\n\nby r1").await,
                Some(line),
                "{how:?}"
            );
        }
        let folder = repository(true).await;
        let how = Deliver::Branch("main".into());
        let stored = folder.path().join("fix.patch");
        assert_eq!(is_delivered(&how, folder.path(), &stored, "by r1").await, None, "somebody else's branch");
    }

    #[tokio::test]
    async fn impossible_targets_are_refused_up_front() {
        let plain = repository(false).await;
        let cases =
            [Deliver::Branch("b".into()), Deliver::Patch { to: Some("/no/such/folder/p.patch".into()) }];
        for how in cases {
            assert!(check_target(&how, plain.path()).await.is_err(), "{how:?}");
        }
        let repository = repository(true).await;
        assert!(check_target(&Deliver::Branch("a..b".into()), repository.path()).await.is_err());
    }

    #[tokio::test]
    async fn a_copy_of_the_patch_goes_where_the_user_wants() {
        let folder = repository(false).await;
        let to = folder.path().join("copy.patch");
        deliver(
            &Deliver::Patch { to: Some(to.clone()) },
            folder.path(),
            &folder.path().join("fix.patch"),
            "m",
        )
        .await
        .unwrap();
        assert_eq!(std::fs::read_to_string(to).unwrap(), PATCH);
    }
}
