//! Whole files: what becomes of one that two sides have changed, added or removed, and the patch that says so.

use super::conflict::{Conflict, Side};
use super::merge::{Merged, merge};

/// Three versions of a file; `None` where there is no such file.
#[derive(Debug, Clone, Copy)]
pub struct Versions<'t> {
    /// Its path in the repository.
    pub file: &'t str,
    /// In the tree that their patch was made on.
    pub base: Option<&'t str>,
    /// In the tree that the patch goes onto.
    pub ours: Option<&'t str>,
    /// In the tree that the patch was made on, with the patch.
    pub theirs: Option<&'t str>,
}

/// Merges a file: as lines where that works, by symbol where it does not. `None` when it is removed.
///
/// # Errors
/// [`Conflict`], with the symbol or the file that does not go together.
pub fn merge_file(versions: Versions<'_>) -> Result<Option<Merged>, Conflict> {
    let Versions { file, base, ours, theirs } = versions;
    let taken =
        |text: Option<&str>| Ok(text.map(|text| Merged { text: text.to_owned(), resolutions: Vec::new() }));
    let removed =
        |by| Err(Conflict::RemovedAndChanged { file: file.to_owned(), symbol: "the file".to_owned(), by });
    match (base, ours, theirs) {
        _ if ours == theirs || theirs == base => taken(ours),
        _ if ours == base => taken(theirs),
        (_, Some(ours), Some(theirs)) => {
            let base = base.unwrap_or_default();
            match diffy::merge(base, ours, theirs) {
                Ok(text) => taken(Some(&text)),
                Err(_) => merge(file, base, ours, theirs).map(Some),
            }
        }
        (_, None, _) => removed(Side::Ours),
        (_, _, None) => removed(Side::Theirs),
    }
}

/// A git patch that turns one version of a file into another. Nothing when they are the same.
#[must_use]
pub fn patch_between(file: &str, before: Option<&str>, after: Option<&str>) -> String {
    if before == after {
        return String::new();
    }
    let (old, new) = (quoted("a/", file), quoted("b/", file));
    let mut patch = format!("diff --git {old} {new}\n");
    patch.push_str(match (before, after) {
        (None, _) => "new file mode 100644\n",
        (_, None) => "deleted file mode 100644\n",
        _ => "",
    });
    let hunks = diffy::create_patch(before.unwrap_or_default(), after.unwrap_or_default()).to_string();
    // The first two lines name the files, in another way.
    let hunks = hunks.splitn(3, '\n').nth(2).unwrap_or_default();
    if hunks.is_empty() {
        return patch;
    }
    let null = "/dev/null".to_owned();
    let old = before.map_or(null.clone(), |_| old);
    let new = after.map_or(null, |_| new);
    format!("{patch}--- {old}\n+++ {new}\n{hunks}")
}

/// A path as git writes it in patches: quoted when it has characters that would be misread.
fn quoted(prefix: &str, path: &str) -> String {
    if !path.contains(['"', '\\', '\n', '\t', '\r']) {
        return format!("{prefix}{path}");
    }
    let escaped = path.chars().map(|letter| match letter {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\n' => "\\n".to_owned(),
        '\t' => "\\t".to_owned(),
        '\r' => "\\r".to_owned(),
        other => other.to_string(),
    });
    format!("\"{prefix}{}\"", escaped.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(
        base: Option<&str>,
        ours: Option<&str>,
        theirs: Option<&str>,
    ) -> Result<Option<String>, String> {
        let merged = merge_file(Versions { file: "a.py", base, ours, theirs });
        merged.map(|merged| merged.map(|merged| merged.text)).map_err(|conflict| conflict.to_string())
    }

    #[test]
    fn files_are_added_changed_and_removed_as_a_whole() {
        let text = |text: &str| Ok(Some(text.to_owned()));
        let (a, b, both) = (Some("x = 1\n"), Some("x = 2\n"), Some("x = 1\ny = 1\n"));
        assert_eq!(merged(None, None, a), text("x = 1\n"));
        assert_eq!(merged(a, a, None), Ok(None));
        assert_eq!(merged(a, None, None), Ok(None));
        assert_eq!(merged(a, b, a), text("x = 2\n"));
        assert_eq!(
            merged(a, None, b),
            Err("a.py: our side removes `the file`, which the other side changes".into())
        );
        assert_eq!(
            merged(a, b, None),
            Err("a.py: their side removes `the file`, which the other side changes".into())
        );
        assert_eq!(merged(None, a, b), Err("a.py: both sides add `x`, differently".into()));
        assert_eq!(merged(a, both, Some("x = 1\nz = 1\n")), text("x = 1\ny = 1\nz = 1\n"));
        let far = ["x = 1\n", "# c\n# d\n# e\n# f\n"].concat();
        let (ours, theirs) = (far.replace("= 1", "= 2"), far.replace("# f", "# g"));
        assert_eq!(merged(Some(&far), Some(&ours), Some(&theirs)), text(&ours.replace("# f", "# g")));
    }

    #[test]
    fn other_files_go_together_line_by_line_or_not_at_all() {
        let file = |theirs| Versions {
            file: "a.txt",
            base: Some("1\n2\n3\n"),
            ours: Some("0\n2\n3\n"),
            theirs: Some(theirs),
        };
        assert_eq!(merge_file(file("1\n2\n4\n")).unwrap().unwrap().text, "0\n2\n4\n");
        assert_eq!(merge_file(file("5\n2\n3\n")), Err(Conflict::UnknownLanguage { file: "a.txt".into() }));
    }

    #[test]
    fn patches_are_what_git_reads() {
        let cases = [
            (Some("a\n"), Some("b\n"), "diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-a\n+b\n"),
            (
                None,
                Some("b\n"),
                "diff --git a/x b/x\nnew file mode 100644\n--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+b\n",
            ),
            (
                Some("a\n"),
                None,
                "diff --git a/x b/x\ndeleted file mode 100644\n--- a/x\n+++ /dev/null\n@@ -1 +0,0 @@\n-a\n",
            ),
            (None, Some(""), "diff --git a/x b/x\nnew file mode 100644\n"),
            (Some("a"), Some("a"), ""),
        ];
        for (before, after, expected) in cases {
            assert_eq!(patch_between("x", before, after), expected);
        }
        assert!(
            patch_between("a \"b\"", None, Some(""))
                .starts_with("diff --git \"a/a \\\"b\\\"\" \"b/a \\\"b\\\"\"\n")
        );
    }
}
