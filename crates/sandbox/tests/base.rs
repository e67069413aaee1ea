//! Publishing repositories in every state they can be in, and patches on what was published.

#![allow(clippy::unwrap_used)] // helpers outside of #[test] functions

mod fixture;

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

use fixture::{Fixture, fingerprint, git_in};
use smallhands_sandbox::{Base, SandboxError};

async fn paths(base: &Base) -> Vec<String> {
    base.paths(&base.head()).await.unwrap()
}

async fn text(base: &Base, path: &str) -> Option<String> {
    base.read(&base.head(), path).await.unwrap().map(|bytes| String::from_utf8(bytes).unwrap())
}

#[tokio::test]
async fn the_working_tree_is_published_and_not_the_history() {
    let fixture = Fixture::committed(&[
        ("kept", "1"),
        ("changed", "old"),
        ("deleted", "x"),
        ("staged", "old"),
        (".gitignore", "ignored\n"),
    ]);
    fixture.write(&[("changed", "new"), ("untracked", "u"), ("ignored", "i"), ("staged", "new")]);
    fixture.git(&["add", "staged"]);
    std::fs::remove_file(fixture.repo().join("deleted")).unwrap();
    let base = fixture.publish().await;
    assert_eq!(paths(&base).await, [".gitignore", "changed", "kept", "staged", "untracked"]);
    assert_eq!(text(&base, "changed").await.as_deref(), Some("new"));
    assert_eq!(text(&base, "staged").await.as_deref(), Some("new"));
    let log = git_in(&base.git_dir(), &["log", "--all", "--format=%an %s"]);
    assert_eq!(log, "smallhands The working tree as it was published\n");
    assert_eq!(git_in(&base.git_dir(), &["rev-list", "--all", "--count"]), "1\n");
    assert!(base.warnings().is_empty(), "{:?}", base.warnings());
}

#[tokio::test]
async fn the_users_repository_is_only_read() {
    let fixture = Fixture::committed(&[("a", "1"), ("b/c", "2")]);
    fixture.write(&[("a", "changed"), ("new", "x")]);
    // Same content, newer time: tools that refresh the index would write it now.
    fixture.write(&[("b/c", "2")]);
    let before = fingerprint(&fixture.repo());
    let base = fixture.publish().await;
    fixture.sandbox(&base).await.destroy().await.unwrap();
    assert_eq!(fingerprint(&fixture.repo()), before);
}

#[tokio::test]
async fn repositories_without_commits_and_empty_ones_are_published() {
    let fixture = Fixture::plain();
    fixture.git(&["init", "-q"]);
    assert!(paths(&fixture.publish().await).await.is_empty());
    fixture.write(&[("a", "1"), (".gitignore", "b\n"), ("b", "2")]);
    assert_eq!(paths(&fixture.publish().await).await, [".gitignore", "a"]);
    fixture.git(&["add", "a"]);
    assert_eq!(paths(&fixture.publish().await).await, [".gitignore", "a"]);
}

#[tokio::test]
async fn plain_folders_are_published_by_their_own_ignore_rules() {
    let fixture = Fixture::plain();
    fixture.write(&[
        ("a", "1"),
        ("d/b", "2"),
        ("d/.gitignore", "c\n"),
        ("d/c", "3"),
        ("d/__pycache__/x.pyc", "4"),
    ]);
    let before = fingerprint(&fixture.repo());
    assert_eq!(paths(&fixture.publish().await).await, ["a", "d/.gitignore", "d/b"]);
    assert_eq!(fingerprint(&fixture.repo()), before);
}

#[tokio::test]
async fn a_folder_inside_a_repository_is_published_alone() {
    let fixture = Fixture::committed(&[("outer", "1"), ("part/a", "2"), (".gitignore", "*.log\nscratch/\n")]);
    fixture.write(&[("part/b", "3"), ("part/c.log", "4"), ("scratch/x", "5")]);
    let publish =
        async |part: &str| Base::publish(&fixture.repo().join(part), &fixture.state().join(part)).await;
    assert_eq!(paths(&publish("part").await.unwrap()).await, ["a", "b"]);
    // A folder that the repository around it ignores is a folder of its own.
    assert_eq!(paths(&publish("scratch").await.unwrap()).await, ["x"]);
}

#[tokio::test]
async fn what_is_no_folder_is_refused() {
    let fixture = Fixture::plain();
    fixture.write(&[("file", "x")]);
    for name in ["file", "missing"] {
        let refused = Base::publish(&fixture.repo().join(name), &fixture.state()).await;
        assert!(matches!(refused, Err(SandboxError::NotAFolder { .. })), "{refused:?}");
    }
}

#[tokio::test]
async fn submodules_and_nested_repositories_become_plain_files() {
    let library = Fixture::committed(&[("lib.py", "1")]);
    let fixture = Fixture::committed(&[("a", "1")]);
    let source = library.repo();
    for name in ["present", "absent"] {
        fixture.git(&["submodule", "add", "-q", source.to_str().unwrap(), name]);
    }
    fixture.git(&["commit", "-q", "-m", "submodules"]);
    fixture.git(&["submodule", "deinit", "-q", "-f", "absent"]);
    fixture.write(&[("present/untracked", "2"), ("present/lib.py", "changed")]);
    std::fs::create_dir(fixture.repo().join("nested")).unwrap();
    git_in(&fixture.repo().join("nested"), &["init", "-q"]);
    fixture.write(&[("nested/x", "3")]);
    let base = fixture.publish().await;
    assert_eq!(paths(&base).await, [".gitmodules", "a", "nested/x", "present/lib.py", "present/untracked"]);
    assert_eq!(text(&base, "present/lib.py").await.as_deref(), Some("changed"));
    assert_eq!(base.warnings().len(), 1);
    assert!(base.warnings()[0].contains("submodule absent"), "{:?}", base.warnings());
}

#[tokio::test]
async fn linked_worktrees_and_sparse_checkouts_are_published_as_they_are() {
    let fixture = Fixture::committed(&[("a/x", "1"), ("b/y", "2"), ("top", "3")]);
    let worktree = fixture.root.path().join("worktree");
    fixture.git(&["worktree", "add", "-q", worktree.to_str().unwrap(), "-b", "other"]);
    std::fs::write(worktree.join("top"), "changed").unwrap();
    let base = Base::publish(&worktree, &fixture.state()).await.unwrap();
    assert_eq!(paths(&base).await, ["a/x", "b/y", "top"]);
    assert_eq!(text(&base, "top").await.as_deref(), Some("changed"));
    fixture.git(&["sparse-checkout", "set", "a"]);
    let base = fixture.publish().await;
    assert_eq!(paths(&base).await, ["a/x", "top"]);
    assert_eq!(base.warnings(), ["1 files outside of the sparse checkout are not included"]);
}

#[tokio::test]
async fn strange_names_links_modes_and_sizes_survive() {
    let fixture = Fixture::committed(&[("run.sh", "#!/bin/sh\n")]);
    let repo = fixture.repo();
    let large: Vec<u8> =
        (0..5_000_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    fixture.write_bytes(b"caf\xe9 \xff", b"latin");
    fixture.write_bytes(b"new\nline\ttab \"quoted\"", b"x");
    fixture.write_bytes(b"large", &large);
    fixture.write_bytes(b"crlf", b"a\r\nb\n");
    fixture.write(&[(".gitattributes", "* text=auto eol=crlf\n*.bin filter=lfs\n"), ("x.bin", "real")]);
    std::fs::set_permissions(repo.join("run.sh"), std::fs::Permissions::from_mode(0o755)).unwrap();
    symlink("run.sh", repo.join("inside")).unwrap();
    symlink("/etc/hostname", repo.join("outside")).unwrap();
    symlink("../../elsewhere", repo.join("above")).unwrap();
    let base = fixture.publish().await;
    let sandbox = fixture.sandbox(&base).await;
    let work = sandbox.workdir();
    let read = |name: &[u8]| {
        use std::os::unix::ffi::OsStrExt;
        std::fs::read(work.join(std::ffi::OsStr::from_bytes(name))).unwrap()
    };
    assert_eq!(read(b"caf\xe9 \xff"), b"latin");
    assert_eq!(read(b"new\nline\ttab \"quoted\""), b"x");
    assert_eq!((read(b"large") == large, read(b"crlf")), (true, b"a\r\nb\n".to_vec()));
    assert_eq!(read(b".gitattributes"), b"* text=auto eol=crlf\n*.bin filter=lfs\n");
    assert_eq!(work.join("run.sh").metadata().unwrap().mode() & 0o111, 0o111);
    assert_eq!(work.join("inside").read_link().unwrap().to_str(), Some("run.sh"));
    let mut warnings = base.warnings().to_vec();
    warnings.sort();
    assert!(
        warnings.len() == 2 && warnings[0].contains("above") && warnings[1].contains("/etc/hostname"),
        "{warnings:?}"
    );
    assert_eq!(sandbox.diff().await.unwrap(), "");
}

#[tokio::test]
async fn hostile_configuration_has_no_effect() {
    let fixture = Fixture::committed(&[("a", "1"), (".gitattributes", "* filter=evil\n")]);
    let trace = fixture.root.path().join("executed");
    let script = fixture.root.path().join("evil.sh");
    std::fs::write(&script, format!("#!/bin/sh\ntouch {}\ncat\n", trace.display())).unwrap();
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).unwrap();
    let script = script.to_str().unwrap();
    for name in ["core.fsmonitor", "filter.evil.clean", "filter.evil.smudge", "diff.external", "core.pager"] {
        fixture.git(&["config", name, script]);
    }
    let base = fixture.publish().await;
    let sandbox = fixture.sandbox(&base).await;
    std::fs::write(sandbox.workdir().join("a"), "2").unwrap();
    assert!(sandbox.diff().await.unwrap().contains("+2"));
    assert!(!trace.exists());
}

#[tokio::test]
async fn a_folder_whose_git_data_is_broken_is_taken_as_plain() {
    let fixture = Fixture::plain();
    fixture.write(&[("a", "1"), (".git", "gitdir: /no/such/place\n")]);
    let base = fixture.publish().await;
    assert_eq!(paths(&base).await, ["a"]);
    assert!(base.warnings()[0].starts_with("taken as a plain folder"), "{:?}", base.warnings());
}

#[tokio::test]
async fn dependencies_travel_beside_the_commit_and_caches_do_not() {
    let fixture = Fixture::committed(&[
        (".gitignore", "node_modules/\n.venv/\n.env\n*.secret\ntarget/\n"),
        (".worktreeinclude", ".env\n"),
        ("vendor/tracked.js", "v"),
        ("Cargo.toml", ""),
    ]);
    fixture.write(&[
        (".env", "A=1"),
        ("x.secret", "no"),
        ("node_modules/p/index.js", "n"),
        ("web/node_modules/q/index.js", "q"),
        (".venv/pyvenv.cfg", "home = /usr"),
        (".venv/lib/x.py", "y"),
        ("src/__pycache__/a.pyc", "z"),
        ("target/debug/big", "t"),
        ("venv/notes.txt", "not an environment"),
    ]);
    symlink("../p/index.js", fixture.repo().join("node_modules/p/link")).unwrap();
    let base = fixture.publish().await;
    let expected =
        [".env", ".gitignore", ".worktreeinclude", "Cargo.toml", "vendor/tracked.js", "venv/notes.txt"];
    assert_eq!(paths(&base).await, expected);
    let sandbox = fixture.sandbox(&base).await;
    let work = sandbox.workdir().to_owned();
    for present in
        ["node_modules/p/index.js", "web/node_modules/q/index.js", ".venv/lib/x.py", "node_modules/p/link"]
    {
        assert!(work.join(present).symlink_metadata().is_ok(), "{present}");
    }
    for absent in ["src/__pycache__", "target", "x.secret"] {
        assert!(!work.join(absent).exists(), "{absent}");
    }
    let original = fixture.repo().join("node_modules/p/index.js").metadata().unwrap();
    let copy = work.join("node_modules/p/index.js").symlink_metadata().unwrap();
    assert!(copy.is_file() && copy.nlink() == 1 && copy.ino() != original.ino());
    std::fs::write(work.join("node_modules/p/index.js"), "changed").unwrap();
    assert_eq!(sandbox.diff().await.unwrap(), "");
    assert_eq!(std::fs::read(fixture.repo().join("node_modules/p/index.js")).unwrap(), b"n");
}

#[tokio::test]
async fn publishing_again_replaces_and_opening_finds() {
    let fixture = Fixture::committed(&[("a", "1")]);
    let first = fixture.publish().await;
    fixture.write(&[("a", "2")]);
    let second = fixture.publish().await;
    assert_ne!(first.head(), second.head());
    let opened = Base::open(&fixture.state().join("base")).await.unwrap();
    assert_eq!((opened.head(), opened.source()), (second.head(), second.source()));
    assert_eq!(text(&opened, "a").await.as_deref(), Some("2"));
    let nothing = Base::open(fixture.root.path()).await;
    assert!(matches!(nothing, Err(SandboxError::NotPublished { .. })), "{nothing:?}");
}

#[tokio::test]
async fn the_same_content_has_the_same_id() {
    let files = [("a", "1"), ("b", "2")];
    let (one, other) = (Fixture::committed(&files), Fixture::plain());
    other.write(&files);
    let (one, other) = (one.publish().await, other.publish().await);
    assert_eq!(one.head(), other.head());
    let patch = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-1\n\\ No newline at end of file\n+3\n";
    let commit = async |base: &Base| base.commit_patch(&base.head(), patch, "change").await.unwrap();
    assert_eq!(commit(&one).await, commit(&other).await);
}

#[tokio::test]
async fn patches_become_commits() {
    let fixture = Fixture::committed(&[("a", "1\n2\n3\n4\n5\n6\n7\n8\n"), ("gone", "x\n")]);
    let base = fixture.publish().await;
    let sandbox = fixture.sandbox(&base).await;
    let work = sandbox.workdir();
    std::fs::write(work.join("a"), "1\n2\n3\n4\n5\n6\n7\nEIGHT\n").unwrap();
    std::fs::write(work.join("binary"), b"\0\xff\n\0").unwrap();
    std::fs::write(work.join("latin"), b"caf\xe9\n").unwrap();
    std::fs::remove_file(work.join("gone")).unwrap();
    symlink("a", work.join("link")).unwrap();
    let patch = sandbox.diff().await.unwrap();
    let next = base.commit_patch(&base.head(), &patch, "a change").await.unwrap();
    assert_eq!(base.paths(&next).await.unwrap(), ["a", "binary", "latin", "link"]);
    assert_eq!(base.read(&next, "binary").await.unwrap().unwrap(), b"\0\xff\n\0");
    assert_eq!(base.read(&next, "latin").await.unwrap().unwrap(), b"caf\xe9\n");
    assert_eq!(base.diff(&base.head(), &next).await.unwrap(), patch);
    // A patch made on the base also fits a later commit that changed other lines.
    let other = "diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1,3 +1,3 @@\n-1\n+ONE\n 2\n 3\n";
    let third = base.commit_patch(&next, other, "another").await.unwrap();
    assert_eq!(base.read(&third, "a").await.unwrap().unwrap(), b"ONE\n2\n3\n4\n5\n6\n7\nEIGHT\n");
    assert_eq!(base.commit_patch(&third, " \n", "nothing").await.unwrap(), third);
}

#[tokio::test]
async fn patches_that_do_not_fit_name_the_files() {
    let fixture = Fixture::committed(&[("dir/a b", "1\n"), ("c", "1\n")]);
    let base = fixture.publish().await;
    let change = async |content: &str| {
        let sandbox = fixture.sandbox(&base).await;
        std::fs::write(sandbox.workdir().join("dir/a b"), content).unwrap();
        sandbox.diff().await.unwrap()
    };
    let (one, other) = (change("one\n").await, change("other\n").await);
    let next = base.commit_patch(&base.head(), &one, "one").await.unwrap();
    let conflict = base.commit_patch(&next, &other, "other").await.unwrap_err();
    assert!(matches!(&conflict, SandboxError::Conflict { files } if files == &["dir/a b"]), "{conflict:?}");
    let missing = "diff --git a/no b/no\n--- a/no\n+++ b/no\n@@ -1 +1 @@\n-x\n+y\n";
    let conflict = base.commit_patch(&base.head(), missing, "x").await.unwrap_err();
    assert!(matches!(&conflict, SandboxError::Conflict { files } if files == &["no"]), "{conflict:?}");
    for garbage in ["not a patch", "diff --git a/c b/c\n--- a/c\n+++ b/c\n@@ -1 +1,3 @@\n-1\n"] {
        let invalid = base.commit_patch(&base.head(), garbage, "x").await.unwrap_err();
        assert!(matches!(invalid, SandboxError::InvalidPatch { .. }), "{invalid:?}");
    }
    assert_eq!(base.read(&next, "dir/a b").await.unwrap().unwrap(), b"one\n");
}

#[tokio::test]
async fn patches_cannot_reach_git_data_or_leave_the_tree() {
    let fixture = Fixture::committed(&[("a", "1\n")]);
    let base = fixture.publish().await;
    for path in [".git/hooks/x", "../outside"] {
        let patch = format!(
            "diff --git a/{path} b/{path}\nnew file mode 100755\n--- /dev/null\n+++ b/{path}\n@@ -0,0 +1 @@\n+x\n"
        );
        assert!(base.commit_patch(&base.head(), &patch, "x").await.is_err(), "{path}");
    }
}

#[tokio::test]
async fn reading_tells_missing_files_from_missing_commits() {
    let fixture = Fixture::committed(&[("a", "1"), ("d/b", "2"), ("empty", "")]);
    let base = fixture.publish().await;
    let contents = base.read_many(&base.head(), &["d/b", "no", "d", "empty", "a"]).await.unwrap();
    let text = |bytes: &str| Some(bytes.as_bytes().to_vec());
    assert_eq!(contents, [text("2"), None, None, text(""), text("1")]);
    let unknown = "0".repeat(40).parse().unwrap();
    assert!(matches!(base.read(&unknown, "a").await, Err(SandboxError::UnknownTree { .. })));
    assert!(base.paths(&unknown).await.is_err());
}

#[tokio::test]
async fn repositories_in_the_middle_of_something_are_published_as_they_look() {
    let fixture = Fixture::committed(&[("a", "base\n"), ("other", "1\n")]);
    fixture.git(&["checkout", "-q", "-b", "side"]);
    fixture.write(&[("a", "side\n")]);
    fixture.git(&["commit", "-qam", "side"]);
    fixture.git(&["checkout", "-q", "main"]);
    fixture.write(&[("a", "main\n")]);
    fixture.git(&["commit", "-qam", "main"]);
    let merge = std::process::Command::new("git")
        .args(["merge", "side"])
        .current_dir(fixture.repo())
        .output()
        .unwrap();
    assert!(!merge.status.success());
    let base = fixture.publish().await;
    assert_eq!(paths(&base).await, ["a", "other"]);
    assert!(text(&base, "a").await.unwrap().contains("<<<<<<<"));
    fixture.git(&["reset", "-q", "--hard"]);
    fixture.git(&["checkout", "-q", "--detach", "HEAD~1"]);
    assert_eq!(text(&fixture.publish().await, "a").await.as_deref(), Some("base\n"));
    // Marks that make git believe a file unchanged, and one that is about to be added.
    fixture.git(&["update-index", "--assume-unchanged", "a"]);
    fixture.write(&[("a", "secretly changed\n"), ("later", "x")]);
    fixture.git(&["add", "--intent-to-add", "later"]);
    let base = fixture.publish().await;
    assert_eq!(text(&base, "a").await.as_deref(), Some("secretly changed\n"));
    assert_eq!(paths(&base).await, ["a", "later", "other"]);
}

#[tokio::test]
async fn tracked_files_travel_even_when_a_rule_ignores_them() {
    let fixture = Fixture::committed(&[("build/kept.log", "1"), ("__pycache__/tracked.pyc", "2")]);
    fixture.write(&[(".gitignore", "build/\n__pycache__/\n"), ("build/other.log", "3")]);
    assert_eq!(
        paths(&fixture.publish().await).await,
        [".gitignore", "__pycache__/tracked.pyc", "build/kept.log"]
    );
}

#[tokio::test]
async fn files_that_became_folders_and_folders_that_became_files_are_published() {
    let fixture = Fixture::committed(&[("was-file", "1"), ("was-folder/x", "2")]);
    std::fs::remove_file(fixture.repo().join("was-file")).unwrap();
    std::fs::remove_dir_all(fixture.repo().join("was-folder")).unwrap();
    fixture.write(&[("was-file/y", "3"), ("was-folder", "4")]);
    assert_eq!(paths(&fixture.publish().await).await, ["was-file/y", "was-folder"]);
}

#[tokio::test]
async fn things_that_are_no_files_are_left_out() {
    let fixture = Fixture::committed(&[("a", "1")]);
    let made = std::process::Command::new("mkfifo").arg(fixture.repo().join("pipe")).status().unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(fixture.repo().join("socket")).unwrap();
    std::fs::create_dir(fixture.repo().join("empty")).unwrap();
    assert!(made.success());
    assert_eq!(paths(&fixture.publish().await).await, ["a"]);
}

#[tokio::test]
async fn the_state_directory_may_lie_in_the_repository() {
    let fixture = Fixture::committed(&[("a", "1")]);
    let state = fixture.repo().join(".state/base");
    for _ in 0..2 {
        let base = Base::publish(&fixture.repo(), &state).await.unwrap();
        assert_eq!(paths(&base).await, ["a"]);
    }
}

#[tokio::test]
async fn paths_may_have_any_name() {
    use std::os::unix::ffi::OsStrExt;
    let root = tempfile::tempdir().unwrap();
    for name in [b"with space".as_slice(), b"new\nline", b"latin \xe9", b"-dash", b"quote'\""] {
        let place = root.path().join(std::ffi::OsStr::from_bytes(name));
        std::fs::create_dir_all(place.join("repo/d")).unwrap();
        std::fs::write(place.join("repo/d/f"), "x").unwrap();
        let base = Base::publish(&place.join("repo"), &place.join("state/base")).await.unwrap();
        assert_eq!(paths(&base).await, ["d/f"], "{name:?}");
        if !name.contains(&b'\n') {
            let backend = smallhands_sandbox::HostBackend::new(&place.join("state"));
            let sandbox =
                smallhands_sandbox::SandboxBackend::create(&backend, &base, fixture::spec(base.head()))
                    .await
                    .unwrap();
            assert_eq!(std::fs::read(sandbox.workdir().join("d/f")).unwrap(), b"x");
            assert_eq!(sandbox.diff().await.unwrap(), "");
        }
    }
}

#[tokio::test]
async fn many_patches_at_once_do_not_disturb_each_other() {
    let fixture = Fixture::committed(&[("a", "0\n")]);
    let base = fixture.publish().await;
    let commits: Vec<_> = (1..20)
        .map(|number| {
            let base = base.clone();
            let patch = format!("diff --git a/a b/a\n--- a/a\n+++ b/a\n@@ -1 +1 @@\n-0\n+{number}\n");
            tokio::spawn(async move { base.commit_patch(&base.head(), &patch, "x").await.unwrap() })
        })
        .collect();
    for (number, commit) in (1..).zip(commits) {
        let content = base.read(&commit.await.unwrap(), "a").await.unwrap().unwrap();
        assert_eq!(content, format!("{number}\n").into_bytes());
    }
    let left = std::fs::read_dir(fixture.state().join("base")).unwrap().flatten();
    let left: Vec<String> = left.map(|entry| entry.file_name().into_string().unwrap()).collect();
    assert!(!left.iter().any(|name| name.starts_with("index-")), "{left:?}");
}

#[tokio::test]
async fn patches_of_every_kind_go_through_commit_and_back() {
    let fixture =
        Fixture::committed(&[("a", "1\n2\n3\n"), ("dir/b", "b\n"), ("run", "x\n"), ("to-link", "l\n")]);
    let base = fixture.publish().await;
    let changes: &[(&str, &str)] = &[
        ("edit", "echo 4 >> a"),
        ("no line end", "printf '1\\n2' > a"),
        ("line ends", "printf '1\\r\\n2\\r\\n' > a"),
        ("mode", "chmod +x run"),
        ("move", "mkdir new; mv dir/b new/c; rmdir dir"),
        ("to a link", "rm to-link; ln -s a to-link"),
        ("link out", "ln -s /etc/hostname out"),
        ("binary", "head -c 3000 /dev/urandom > blob"),
        ("latin text", "printf 'caf\\351\\n' > a"),
        ("latin name", "touch \"$(printf 'n\\351')\"; echo x > \"$(printf 'n\\351')\""),
        ("latin both", "printf 'caf\\351\\n' > \"$(printf 'm\\351')\"; echo plain >> a"),
        ("empty file", "touch empty"),
        ("empty folder only", "mkdir nothing"),
        ("emptied", ": > a"),
        ("all gone", "rm -r a dir run to-link"),
        ("new rule", "echo '*.tmp' > .gitignore; touch x.tmp"),
        (
            "looks like a patch",
            "printf 'diff --git a/x b/x\\n--- a/x\\n+++ b/x\\n@@ -1 +1 @@\\n-a\\n+b\\n' > a",
        ),
        ("large", "seq 200000 > numbers"),
    ];
    for (name, script) in changes {
        let sandbox = fixture.sandbox(&base).await;
        let done = std::process::Command::new("sh")
            .args(["-c", script])
            .current_dir(sandbox.workdir())
            .status()
            .unwrap();
        assert!(done.success(), "{name}");
        let patch = sandbox.diff().await.unwrap();
        let next = base
            .commit_patch(&base.head(), &patch, name)
            .await
            .unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_eq!(base.diff(&base.head(), &next).await.unwrap(), patch, "{name}");
        let again = fixture.backend();
        let again =
            smallhands_sandbox::SandboxBackend::create(&again, &base, fixture::spec(next)).await.unwrap();
        assert_eq!(again.diff().await.unwrap(), "", "{name}");
        let compared = std::process::Command::new("diff")
            .args(["-r", "--no-dereference", "-x", ".git", "-x", "nothing", "-x", "*.tmp"])
            .args([sandbox.workdir(), again.workdir()])
            .output()
            .unwrap();
        assert!(compared.status.success(), "{name}: {}", String::from_utf8_lossy(&compared.stdout));
    }
}

#[tokio::test]
async fn a_crash_in_the_middle_of_publishing_is_seen_and_repaired() {
    let fixture = Fixture::committed(&[("a", "1")]);
    fixture.publish().await;
    let dir = fixture.state().join("base");
    std::fs::remove_file(dir.join("published.json")).unwrap();
    std::fs::write(dir.join("base.git/objects/pack/tmp_pack_x"), "half").unwrap();
    assert!(matches!(Base::open(&dir).await, Err(SandboxError::NotPublished { .. })));
    assert_eq!(paths(&fixture.publish().await).await, ["a"]);
    for broken in ["", "{", "{\"format\": 99}"] {
        std::fs::write(dir.join("published.json"), broken).unwrap();
        assert!(matches!(Base::open(&dir).await, Err(SandboxError::NotPublished { .. })), "{broken}");
    }
}
