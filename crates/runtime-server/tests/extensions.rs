//! What the server offers beyond the protocol.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod http;

use std::os::unix::fs::{PermissionsExt, symlink};

use http::{Answer, Place, eventually, message};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// Name and data of each event.
fn events(text: &str) -> Vec<(String, Value)> {
    let event = |block: &str| {
        let (name, data) = block.split_once('\n')?;
        let data = serde_json::from_str(data.strip_prefix("data: ")?).unwrap();
        Some((name.strip_prefix("event: ")?.to_owned(), data))
    };
    text.split("\n\n").filter_map(event).collect()
}

async fn session(place: &Place) {
    let open = json!({"session_type": "bash", "startup_timeout": 10});
    assert_eq!(place.post("/create_session", &open).await.status, 200);
}

fn bash(command: &str) -> Value {
    json!({"action_type": "bash", "command": command, "timeout": 30, "check": "silent"})
}

fn texts(events: &[(String, Value)]) -> String {
    events
        .iter()
        .filter(|(name, _)| name == "output")
        .map(|(_, data)| data["text"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn a_command_is_watched_while_it_runs() {
    let place = Place::new().await;
    session(&place).await;
    let answer = place
        .post(
            "/ext/run_in_session",
            &bash("echo one; printf 'h\\303\\251\\n'; exit_code() { return 3; }; exit_code"),
        )
        .await;
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let events = events(&answer.text());
    let (last, observation) = events.last().unwrap();
    assert_eq!((last.as_str(), &observation["exit_code"]), ("observation", &json!(3)));
    assert_eq!(observation["session_type"], "bash");
    assert_eq!(texts(&events).replace('\r', ""), "one\nh\u{e9}\n");
    let failed = place.post("/ext/run_in_session", &bash("if")).await;
    let events = self::events(&failed.text());
    assert_eq!(events.last().unwrap().0, "error");
    let class = &events.last().unwrap().1["swerexception"]["class_path"];
    assert_eq!(class, "swerex.exceptions.BashIncorrectSyntaxError");
    let nobody = json!({"action_type": "bash", "command": "x", "session": "nobody"});
    assert_eq!(place.post("/ext/run_in_session", &nobody).await.status, 511);
    assert_eq!(place.post("/ext/run_in_session", &json!({})).await.status, 422);
}

#[tokio::test]
async fn a_session_is_listed_watched_from_the_past_and_to_its_end() {
    let place = Place::new().await;
    session(&place).await;
    place.post("/run_in_session", &bash("echo past; cd /")).await;
    let listed = place.get("/ext/sessions").await.json()["sessions"].clone();
    assert_eq!((&listed[0]["name"], &listed[0]["state"]), (&json!("default"), &json!("idle")));
    assert_eq!((&listed[0]["cwd"], &listed[0]["last_exit_code"]), (&json!("/"), &json!(0)));
    let (watched, ()) = tokio::join!(place.get("/ext/sessions/default/output?from=0"), async {
        place.post("/run_in_session", &bash("echo present")).await;
        place.post("/close_session", &json!({"session_type": "bash"})).await;
    });
    let events = events(&watched.text());
    assert!(texts(&events).replace('\r', "").contains("past\n"), "{events:?}");
    assert!(texts(&events).contains("present"), "{events:?}");
    assert_eq!(events.last().unwrap().0, "end");
    assert_eq!(
        place.get("/ext/sessions/none/output").await.exception().0,
        "swerex.exceptions.SessionDoesNotExistError"
    );
    assert_eq!(place.get("/ext/sessions/a/output?from=x").await.status, 422);
    assert_eq!(place.get("/ext/sessions").await.json(), json!({"sessions": []}));
}

#[tokio::test]
async fn a_watcher_that_leaves_does_not_stop_the_command() {
    let place = Place::new().await;
    session(&place).await;
    let command = "echo begun > begun; while [ ! -e go ]; do sleep 0.01; done; echo done > done";
    let body = bash(command).to_string();
    let json = [("content-type", "application/json")];
    let mut stream = place.connect().await;
    stream.write_all(&message("POST /ext/run_in_session", &json, body.as_bytes())).await.unwrap();
    let mut first = [0; 12];
    stream.read_exact(&mut first).await.unwrap();
    eventually("it runs", async || place.names(".").contains(&"begun".to_owned())).await;
    drop(stream);
    std::fs::write(place.path("go"), "").unwrap();
    eventually("it ends", async || place.names(".").contains(&"done".to_owned())).await;
    let wait = json!({"action_type": "bash_wait", "timeout": 30});
    let _ = place.post("/run_in_session", &wait).await;
    assert_eq!(place.post("/run_in_session", &bash("echo on")).await.json()["output"], "on\n");
}

#[tokio::test]
async fn files_are_read_by_range() {
    let place = Place::new().await;
    let content: Vec<u8> = (0..500_000_u32).map(|number| number.to_le_bytes()[0]).collect();
    std::fs::write(place.path("a b"), &content).unwrap();
    let whole = place.get("/ext/files?path=a+b").await;
    assert!(whole.status == 200 && whole.body == content);
    assert_eq!(whole.header("content-length"), Some("500000"));
    let range =
        async |range: &str| place.request("GET /ext/files?path=a%20b", &[("range", range)], b"").await;
    let cases = [
        ("bytes=0-9", 0..10),
        ("bytes=499990-", 499_990..500_000),
        ("bytes=-7", 499_993..500_000),
        ("bytes=1000-300000", 1000..300_001),
    ];
    for (asked, part) in cases {
        let answer = range(asked).await;
        let expected = format!("bytes {}-{}/500000", part.start, part.end - 1);
        assert_eq!((answer.status, answer.header("content-range")), (206, Some(expected.as_str())));
        assert!(answer.body == content[part], "{asked}");
    }
    let behind = range("bytes=500000-").await;
    assert_eq!((behind.status, behind.header("content-range")), (416, Some("bytes */500000")));
    let part = place.get("/ext/files?path=a+b&offset=5&length=3").await;
    assert_eq!((part.status, part.body), (206, content[5..8].to_vec()));
    assert_eq!(place.get("/ext/files?path=a+b&offset=9999999").await.body, b"");
    assert_eq!(
        place.request("HEAD /ext/files?path=a+b", &[], b"").await.header("content-length"),
        Some("500000")
    );
    assert_eq!(place.get("/ext/files?path=none").await.exception().0, "builtins.FileNotFoundError");
    assert_eq!(place.get("/ext/files").await.status, 422);
}

#[tokio::test]
async fn files_are_replaced_at_once() {
    let place = Place::new().await;
    let mode = |name: &str| std::fs::metadata(place.path(name)).unwrap().permissions().mode() & 0o777;
    let content = vec![7; 1_000_000];
    assert_eq!(
        place.put("/ext/files?path=d/new&mode=750", &content).await.json(),
        json!({"bytes": 1_000_000})
    );
    assert_eq!((std::fs::read(place.path("d/new")).unwrap().len(), mode("d/new")), (1_000_000, 0o750));
    assert_eq!(place.put("/ext/files?path=d/new", b"shorter").await.status, 200);
    assert_eq!((std::fs::read(place.path("d/new")).unwrap(), mode("d/new")), (b"shorter".to_vec(), 0o750));
    symlink("new", place.path("d/link")).unwrap();
    assert_eq!(place.put("/ext/files?path=d/link", b"").await.status, 200);
    assert!(std::fs::symlink_metadata(place.path("d/link")).unwrap().is_symlink());
    assert_eq!(std::fs::read(place.path("d/new")).unwrap(), b"");
    assert_eq!(place.put("/ext/files?path=d", b"").await.exception().0, "builtins.IsADirectoryError");
    assert_eq!(place.put("/ext/files?path=x&mode=999", b"").await.status, 422);
    assert_eq!(place.names("d"), ["link", "new"]);
}

#[tokio::test]
async fn folders_travel_as_tar_in_both_directions() {
    let place = Place::new().await;
    std::fs::create_dir_all(place.path("from/sub/empty")).unwrap();
    let large = vec![b'x'; 700_000];
    std::fs::write(place.path("from/sub/large"), &large).unwrap();
    std::fs::write(place.path("from/tool"), "#!").unwrap();
    std::fs::set_permissions(place.path("from/tool"), PermissionsExt::from_mode(0o755)).unwrap();
    symlink("tool", place.path("from/link")).unwrap();
    let long = "n".repeat(150);
    std::fs::write(place.path(&format!("from/{long}")), "").unwrap();
    let tar = place.get("/ext/archive?path=from").await;
    assert_eq!((tar.status, tar.header("content-type")), (200, Some("application/x-tar")));
    assert_eq!(place.put("/ext/archive?path=to/here", &tar.body).await.json(), json!({}));
    assert_eq!(place.names("to/here"), ["link", long.as_str(), "sub", "tool"]);
    assert_eq!(place.names("to/here/sub"), ["empty", "large"]);
    assert!(std::fs::read(place.path("to/here/sub/large")).unwrap() == large);
    let mode = std::fs::metadata(place.path("to/here/tool")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    let one = place.get("/ext/archive?path=from/tool").await;
    let mut archive = tar::Archive::new(one.body.as_slice());
    let names: Vec<_> = archive.entries().unwrap().map(|e| e.unwrap().path().unwrap().into_owned()).collect();
    assert_eq!(names, [std::path::Path::new("tool")]);
    assert_eq!(place.get("/ext/archive?path=none").await.exception().0, "builtins.FileNotFoundError");
}

/// A tar with one entry whose name is as it is given.
fn hostile(name: &str, kind: tar::EntryType, leads_to: &str) -> Vec<u8> {
    let mut header = tar::Header::new_gnu();
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_entry_type(kind);
    header.set_size(0);
    header.set_mode(0o644);
    if !leads_to.is_empty() {
        header.set_link_name_literal(leads_to).unwrap();
    }
    header.set_cksum();
    let mut builder = tar::Builder::new(Vec::new());
    builder.append(&header, std::io::empty()).unwrap();
    builder.into_inner().unwrap()
}

#[tokio::test]
async fn tars_do_not_escape_either() {
    let place = Place::new().await;
    std::fs::create_dir_all(place.path("t")).unwrap();
    std::fs::write(place.path("secret"), "secret").unwrap();
    symlink("..", place.path("t/up")).unwrap();
    use tar::EntryType;
    assert_eq!(
        place.put("/ext/archive?path=t", &hostile("../../x", EntryType::Regular, "")).await.status,
        200
    );
    assert_eq!(place.put("/ext/archive?path=t", &hostile("/abs", EntryType::Regular, "")).await.status, 200);
    assert_eq!(place.names("t"), ["abs", "up", "x"]);
    let through = place.put("/ext/archive?path=t", &hostile("up/y", EntryType::Regular, "")).await;
    assert_eq!(through.exception().0, "builtins.PermissionError");
    let linked = place.put("/ext/archive?path=t", &hostile("hard", EntryType::Link, "up/secret")).await;
    assert_eq!(linked.exception().0, "builtins.PermissionError");
    let junk = place.put("/ext/archive?path=fresh", &[b'j'; 3000]).await;
    assert_eq!(junk.exception().0, "tarfile.ReadError");
    assert_eq!(place.names("."), ["secret", "t"]);
}

#[tokio::test]
async fn a_tar_that_breaks_off_leaves_nothing() {
    let place = Place::new().await;
    std::fs::create_dir(place.path("from")).unwrap();
    std::fs::write(place.path("from/a"), vec![b'a'; 600_000]).unwrap();
    let tar = place.get("/ext/archive?path=from").await.body;
    let request = message("PUT /ext/archive?path=to", &[], &tar);
    let mut stream = place.connect().await;
    stream.write_all(&request[..400_000]).await.unwrap();
    eventually("it arrives", async || place.names(".").contains(&"to".to_owned())).await;
    drop(stream);
    eventually("it is removed", async || place.names(".") == ["from"]).await;
}

async fn ask(place: &Place, query: &str) -> Answer {
    place.get(&format!("/ext/{query}")).await
}

#[tokio::test]
async fn files_and_lines_are_found() {
    let place = Place::new().await;
    for (name, content) in [
        ("src/a.rs", "fn one() {}\nfn two() {}\n// three\n"),
        ("src/deep/b.rs", "fn one() {}\r\n"),
        ("src/c.txt", "one"),
        ("built/d.rs", "fn one() {}"),
        (".hidden/e.rs", "fn one() {}"),
        (".git/f.rs", "fn one() {}"),
        ("binary.rs", "fn one\0"),
        (".gitignore", "built/\n"),
    ] {
        place.post("/write_file", &json!({"path": name, "content": content})).await;
    }
    let paths = async |query: &str| ask(&place, query).await.json()["paths"].clone();
    assert_eq!(paths("glob?pattern=*.rs&root=src").await, json!(["a.rs"]));
    assert_eq!(paths("glob?pattern=src/**/*.rs").await, json!(["src/a.rs", "src/deep/b.rs"]));
    assert_eq!(paths("glob?pattern=**/d.rs").await, json!([]));
    assert_eq!(paths("glob?pattern=**/d.rs&everything=1").await, json!(["built/d.rs"]));
    let limited = ask(&place, "glob?pattern=**/*.rs&limit=1").await.json();
    assert_eq!((&limited["paths"].as_array().unwrap().len(), &limited["truncated"]), (&1, &json!(true)));

    let hits = ask(&place, "search?pattern=fn%20(one%7Ctwo)&glob=**/*.rs&context=1").await.json();
    let found: Vec<_> = hits["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| format!("{}:{}", hit["path"], hit["line"]))
        .collect();
    assert_eq!(found, ["\".hidden/e.rs\":1", "\"src/a.rs\":1", "\"src/a.rs\":2", "\"src/deep/b.rs\":1"]);
    let second = &hits["hits"][2];
    assert_eq!(
        (&second["text"], &second["before"], &second["after"]),
        (&json!("fn two() {}"), &json!(["fn one() {}"]), &json!(["// three"]))
    );
    assert_eq!(ask(&place, "search?pattern=^$&root=src").await.json()["hits"], json!([]));
    assert_eq!(ask(&place, "search?pattern=one&limit=1").await.json()["truncated"], true);
    for bad in ["search?pattern=(", "glob?pattern=%5B"] {
        assert_eq!(ask(&place, bad).await.exception().0, "re.error", "{bad}");
    }
    assert_eq!(ask(&place, "glob?pattern=*&root=none").await.exception().0, "builtins.FileNotFoundError");
    assert_eq!(ask(&place, "search").await.status, 422);
}

#[tokio::test]
async fn the_server_tells_figures_about_itself() {
    let place = Place::new().await;
    let stats = place.get("/ext/stats").await.json();
    for name in ["uptime_seconds", "requests", "connections", "rss_bytes", "fds", "threads"] {
        assert!(stats[name].as_f64().is_some_and(|figure| figure > 0.0), "{name}: {stats}");
    }
    assert_eq!(stats["sessions"], 0);
    let alive = place.get("/is_alive").await.json();
    assert_eq!(
        (&alive["is_alive"], &alive["message"], &alive["extensions"]),
        (&json!(true), &json!(""), &json!(1))
    );
}

#[tokio::test]
async fn files_can_be_confined_to_the_root() {
    let place =
        Place::with(|options| options.file_access = smallhands_shell_runtime::FileAccess::Confined).await;
    let (class, words) = place.post("/read_file", &json!({"path": "/etc/passwd"})).await.exception();
    assert_eq!(class, "builtins.PermissionError");
    assert!(words.contains("outside of"), "{words}");
    for line in [
        "GET /ext/files?path=../x",
        "PUT /ext/files?path=/tmp/x",
        "GET /ext/archive?path=/",
        "GET /ext/glob?root=..&pattern=*",
    ] {
        assert_eq!(place.request(line, &[], b"").await.exception().0, "builtins.PermissionError", "{line}");
    }
    assert_eq!(place.post("/write_file", &json!({"path": "in/side", "content": ""})).await.status, 200);
}
