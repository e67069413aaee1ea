//! Uploads and archives: complete or not at all, inside their target or not at all.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod http;

use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use http::{Answer, FORM, Place, eventually, form, message};
use serde_json::json;
use smallhands_shell_runtime::files::unpacking::UnpackLimits;
use tokio::io::AsyncWriteExt;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

const FILE: &str = "; filename=\"a\"";

async fn upload(place: &Place, target: &str, unzip: bool, content: &[u8]) -> Answer {
    let unzip: &[u8] = if unzip { b"true" } else { b"false" };
    let body = form(&[("file", FILE, content), ("target_path", "", target.as_bytes()), ("unzip", "", unzip)]);
    place.request("POST /upload", &[FORM], &body).await
}

/// An entry of a zip: a folder ends in `/`, a link is `name -> target`.
fn zip(entries: &[(&str, u32, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, mode, content) in entries {
        let options = SimpleFileOptions::default().unix_permissions(*mode);
        match (name.split_once(" -> "), name.ends_with('/')) {
            (Some((name, to)), _) => zip.add_symlink(name, to, options).unwrap(),
            (None, true) => zip.add_directory(*name, options).unwrap(),
            (None, false) => {
                zip.start_file(*name, options).unwrap();
                zip.write_all(content).unwrap();
            }
        }
    }
    zip.finish().unwrap().into_inner()
}

fn mode(path: impl AsRef<Path>) -> u32 {
    path.as_ref().symlink_metadata().unwrap().permissions().mode() & 0o777
}

fn nothing_waits(place: &Place) {
    assert_eq!(place.names(".spool"), Vec::<String>::new());
}

#[tokio::test]
async fn a_file_lands_where_it_should() {
    let place = Place::new().await;
    let content: Vec<u8> = (0..3_000_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    assert_eq!(upload(&place, &place.path("new/dir/file"), false, &content).await.json(), json!({}));
    assert!(std::fs::read(place.path("new/dir/file")).unwrap() == content);
    assert_eq!(upload(&place, "relative", false, b"one").await.status, 200);
    assert_eq!(upload(&place, "relative", false, b"two").await.status, 200);
    assert_eq!(std::fs::read(place.path("relative")).unwrap(), b"two");
    assert_eq!(upload(&place, "new", false, b"inside").await.status, 200);
    assert_eq!(place.names("new"), ["dir", "temp_file_transfer"]);
    let (class, words) = upload(&place, "new", false, b"again").await.exception();
    assert_eq!(class, "shutil.Error");
    assert!(words.ends_with("already exists"), "{words}");
    assert_eq!(upload(&place, "relative/x", false, b"").await.exception().0, "builtins.FileExistsError");
    nothing_waits(&place);
}

#[tokio::test]
async fn forms_are_read_in_any_order_and_checked() {
    let place = Place::new().await;
    let target = ("target_path", "", b"t".as_slice());
    let file = ("file", FILE, b"x".as_slice());
    let cases: [(&[(&str, &str, &[u8])], u16, &str); 9] = [
        (&[target, file], 200, ""),
        (&[("unknown", "", b"?"), file, target, ("unzip", "", b"no")], 200, ""),
        (&[file], 422, "target_path"),
        (&[target], 422, "file"),
        (&[], 422, "file"),
        (&[file, ("target_path", "", b"")], 422, "target_path"),
        (&[file, target, ("unzip", "", b"maybe")], 422, "bool_parsing"),
        (&[("file", "", b"text"), target], 422, "value_error"),
        (&[file, ("target_path", "; filename=\"q\"", b"x")], 422, "string_type"),
    ];
    for (fields, status, words) in cases {
        let answer = place.request("POST /upload", &[FORM], &form(fields)).await;
        assert_eq!(answer.status, status, "{fields:?}: {}", answer.text());
        assert!(answer.text().contains(words), "{fields:?}: {}", answer.text());
    }
    for (kind, body, status) in [
        ("multipart/form-data", "junk", 400),
        ("multipart/form-data; boundary=EDGE", "junk", 400),
        ("multipart/form-data; boundary=EDGE", "--EDGE\r\nConte", 400),
        ("application/json", "{}", 422),
    ] {
        let answer = place.request("POST /upload", &[("content-type", kind)], body.as_bytes()).await;
        assert_eq!(answer.status, status, "{kind} {body}: {}", answer.text());
    }
    nothing_waits(&place);
}

#[tokio::test]
async fn archives_keep_modes_links_and_what_was_there() {
    let place = Place::new().await;
    std::fs::create_dir(place.path("t")).unwrap();
    std::fs::write(place.path("t/kept"), "kept").unwrap();
    std::fs::write(place.path("t/run"), "old").unwrap();
    let archive = zip(&[
        ("bin/", 0o755, b""),
        ("bin/tool", 0o755, b"#!/bin/sh"),
        ("run", 0o640, b"new"),
        ("link -> bin/tool", 0o777, b""),
        ("dangling -> /nowhere", 0o777, b""),
        ("empty/", 0o700, b""),
    ]);
    assert_eq!(upload(&place, "t", true, &archive).await.json(), json!({}));
    assert_eq!(place.names("t"), ["bin", "dangling", "empty", "kept", "link", "run"]);
    assert_eq!((mode(place.path("t/bin/tool")), mode(place.path("t/run"))), (0o755, 0o640));
    assert_eq!(mode(place.path("t/empty")), 0o700);
    assert_eq!(std::fs::read_link(place.path("t/link")).unwrap(), Path::new("bin/tool"));
    assert_eq!(std::fs::read(place.path("t/run")).unwrap(), b"new");
    // Once more, over itself.
    assert_eq!(upload(&place, "t", true, &archive).await.status, 200);
    nothing_waits(&place);
}

#[tokio::test]
async fn nothing_escapes_the_target() {
    let place = Place::new().await;
    std::fs::create_dir_all(place.path("t/real")).unwrap();
    std::fs::create_dir(place.path("outside")).unwrap();
    symlink(place.path("outside"), place.path("t/out")).unwrap();
    symlink("real", place.path("t/in")).unwrap();
    std::fs::write(place.path("victim"), "untouched").unwrap();
    symlink(place.path("victim"), place.path("t/file")).unwrap();
    // Dots and slashes are taken out of names.
    let archive = zip(&[
        ("../up", 0o644, b"1"),
        ("/absolute", 0o644, b"2"),
        ("a/../../b", 0o644, b"3"),
        ("in/x", 0o644, b"4"),
        ("file", 0o644, b"5"),
    ]);
    assert_eq!(upload(&place, "t", true, &archive).await.json(), json!({}));
    assert_eq!(place.names("t"), ["a", "absolute", "file", "in", "out", "real", "up"]);
    assert_eq!(std::fs::read(place.path("victim")).unwrap(), b"untouched");
    assert_eq!(std::fs::read(place.path("t/real/x")).unwrap(), b"4");
    // Links that lead out are not followed, neither those that are there nor those of the archive.
    let through_old = upload(&place, "t", true, &zip(&[("first", 0o644, b""), ("out/x", 0o644, b"")])).await;
    assert_eq!(through_old.exception().0, "builtins.PermissionError");
    assert!(!place.names("t").contains(&"first".to_owned()), "half of an archive is there");
    let through_new = zip(&[("l -> ../outside", 0o777, b""), ("l/x", 0o644, b"")]);
    let answer = upload(&place, "t", true, &through_new).await;
    assert_eq!(answer.status, 511, "{}", answer.text());
    assert_eq!(place.names("outside"), Vec::<String>::new());
    assert!(!place.names("t").contains(&"l".to_owned()));
    nothing_waits(&place);
}

#[tokio::test]
async fn bombs_and_rubbish_leave_nothing() {
    let place = Place::with(|options| {
        options.unpack = UnpackLimits { bytes: 1 << 20, entries: 20, ratio: 100 };
    })
    .await;
    let zeros = vec![0; 2 << 20];
    let many: Vec<_> = (0..21).map(|number| format!("f{number}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), 0o644, b"".as_slice())).collect();
    let mut damaged = zip(&[("a", 0o644, &b"some text that is long enough ".repeat(9)), ("b", 0o644, b"x")]);
    damaged[45] ^= 0xff;
    let cases = [
        (zip(&[("bomb", 0o644, &zeros)]), "swerex.exceptions.SwerexException", "limit of 1048576 bytes"),
        (zip(&many), "swerex.exceptions.SwerexException", "limit of 20 entries"),
        (b"not a zip".to_vec(), "zipfile.BadZipFile", "File is not a zip file"),
        (Vec::new(), "zipfile.BadZipFile", "File is not a zip file"),
        (damaged, "zipfile.BadZipFile", ""),
    ];
    for (archive, class, words) in cases {
        let (found, message) = upload(&place, "t/deep", true, &archive).await.exception();
        assert_eq!(found, class, "{message}");
        assert!(message.contains(words), "{message}");
        assert_eq!(place.names("."), Vec::<String>::new(), "{message}");
    }
    let file = zip(&[("x", 0o644, b"")]);
    std::fs::write(place.path("file"), "").unwrap();
    assert_eq!(upload(&place, "file", true, &file).await.status, 511);
    nothing_waits(&place);
}

#[tokio::test]
async fn an_upload_that_breaks_off_leaves_nothing() {
    let place = Place::new().await;
    let body = form(&[("target_path", "", b"t"), ("file", FILE, &[b'x'; 2_000_000])]);
    let request = message("POST /upload", &[FORM], &body);
    let mut stream = place.connect().await;
    stream.write_all(&request[..1_500_000]).await.unwrap();
    eventually("it arrives", async || !place.names(".").is_empty() || !place.names(".spool").is_empty())
        .await;
    drop(stream);
    eventually("it is removed", async || place.names(".").is_empty() && place.names(".spool").is_empty())
        .await;
}

#[tokio::test]
async fn a_full_disk_is_told_and_leaves_nothing() {
    let place = Place::new().await;
    let (class, words) =
        place.post("/write_file", &json!({"path": "/dev/full", "content": "x"})).await.exception();
    assert_eq!(class, "builtins.OSError");
    assert!(words.contains("[Errno 28] No space left on device"), "{words}");
}

#[tokio::test]
async fn bodies_beyond_the_limit_are_pointed_to_upload() {
    let place = Place::with(|options| options.body_bytes = 100_000).await;
    let content = "x".repeat(200_000);
    let answer = place.post("/write_file", &json!({"path": "w", "content": content})).await;
    assert_eq!(answer.status, 413);
    assert!(answer.text().contains("upload"), "{}", answer.text());
    assert_eq!(upload(&place, "w", false, content.as_bytes()).await.status, 200);
    // Without a length in advance, too.
    let json = ("content-type", "application/json");
    let chunk = format!("{:x}\r\n{content}\r\n0\r\n\r\n", content.len());
    let headers = [json, ("transfer-encoding", "chunked")];
    assert_eq!(place.request("POST /write_file", &headers, chunk.as_bytes()).await.status, 413);
    let small = b"1c\r\n{\"path\":\"c\",\"content\":\"abc\"}\r\n0\r\n\r\n";
    assert_eq!(place.request("POST /write_file", &headers, small).await.status, 200);
}
