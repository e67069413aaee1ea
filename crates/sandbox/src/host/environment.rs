//! The environment of a sandbox's commands.

use std::collections::BTreeMap;
use std::path::Path;

use smallhands_shell_runtime::processes::LEASE_VARIABLE;

/// What is given, completed: places inside the sandbox, no prompts, no pagers, no editors.
pub(super) fn complete(
    given: &BTreeMap<String, String>,
    id: &str,
    home: &Path,
    temporary: &Path,
) -> BTreeMap<String, String> {
    let path = |path: &Path| path.to_string_lossy().into_owned();
    let mut env = given.clone();
    env.remove("CI");
    env.extend(
        [
            ("HOME", path(home)),
            ("TMPDIR", path(temporary)),
            ("PAGER", "cat".to_owned()),
            ("GIT_PAGER", "cat".to_owned()),
            ("GIT_EDITOR", "true".to_owned()),
            ("GIT_TERMINAL_PROMPT", "0".to_owned()),
            ("GIT_CONFIG_NOSYSTEM", "1".to_owned()),
            (LEASE_VARIABLE, id.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value)),
    );
    env
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sandboxes_own_values_win() {
        let given = [("PATH", "/bin"), ("HOME", "/home/user"), ("CI", "1"), ("LANG", "C")];
        let given = given.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let env = complete(&given, "abc", Path::new("/s/home"), Path::new("/s/tmp"));
        let get = |name: &str| env.get(name).map(String::as_str);
        assert_eq!((get("PATH"), get("LANG"), get("CI")), (Some("/bin"), Some("C"), None));
        assert_eq!(
            (get("HOME"), get("TMPDIR"), get("PAGER")),
            (Some("/s/home"), Some("/s/tmp"), Some("cat"))
        );
        assert_eq!(get(LEASE_VARIABLE), Some("abc"));
    }
}
