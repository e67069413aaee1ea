//! Requests with ids are run once; calls outlive connections as long as they should.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod http;

use std::time::Duration;

use http::{Answer, Place, eventually, message};
use serde_json::{Value, json};
use smallhands_runtime_server::KeepLimits;
use tokio::io::AsyncWriteExt;

/// A command that leaves a line in `runs` each time that it runs.
fn counted(then: &str) -> Value {
    json!({"command": format!("echo ran >> runs; {then}"), "shell": true})
}

fn runs(place: &Place) -> usize {
    std::fs::read_to_string(place.path("runs")).unwrap_or_default().lines().count()
}

async fn execute(place: &Place, id: &str, body: &Value) -> Answer {
    place.post_with("/execute", &[("x-request-id", id)], body).await
}

/// A request whose answer nobody will read.
async fn ask(place: &Place, id: Option<&str>, path: &str, body: &Value) -> tokio::net::TcpStream {
    let mut headers = vec![("content-type", "application/json")];
    headers.extend(id.map(|id| ("x-request-id", id)));
    let mut stream = place.connect().await;
    let request = message(&format!("POST {path}"), &headers, body.to_string().as_bytes());
    stream.write_all(&request).await.unwrap();
    stream
}

#[tokio::test]
async fn a_retry_gets_the_same_answer_failures_included() {
    let place = Place::new().await;
    let first = execute(&place, "a", &counted("date +%N")).await;
    execute(&place, "between", &json!({"command": ["true"]})).await;
    assert_eq!(execute(&place, "a", &counted("date +%N")).await.body, first.body);
    assert_eq!(runs(&place), 1);
    let mut failing = counted("exit 3");
    failing["check"] = json!(true);
    let first = execute(&place, "b", &failing).await;
    assert_eq!(first.exception().0, "swerex.exceptions.NonZeroExitCodeError");
    assert_eq!(execute(&place, "b", &failing).await.body, first.body);
    assert_eq!(runs(&place), 2);
    // Ids count per path, and an empty one is none.
    place.post_with("/write_file", &[("x-request-id", "a")], &json!({"path": "w", "content": "w"})).await;
    assert_eq!(place.names("."), ["runs", "w"]);
    execute(&place, "", &counted("")).await;
    execute(&place, "", &counted("")).await;
    assert_eq!(runs(&place), 4);
}

#[tokio::test]
async fn a_retry_joins_what_still_runs() {
    let place = Place::new().await;
    let slow = counted("while [ ! -e go ]; do sleep 0.01; done; echo done");
    let (first, second, ()) = tokio::join!(execute(&place, "a", &slow), execute(&place, "a", &slow), async {
        eventually("it runs", async || runs(&place) == 1).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        std::fs::write(place.path("go"), "").unwrap();
    });
    assert_eq!(first.json()["stdout"], "done\n");
    assert_eq!(first.body, second.body);
    assert_eq!(runs(&place), 1);
}

#[tokio::test]
async fn the_table_is_behind_the_key_and_bounded() {
    let place = Place::with(|options| {
        options.auth_token = "key".into();
        options.keep = KeepLimits { count: 2, bytes: 5000, age: Duration::from_secs(600) };
    })
    .await;
    let ask = async |id: &str, key: Option<&str>, body: &Value| {
        let mut headers = vec![("x-request-id", id)];
        headers.extend(key.map(|key| ("x-api-key", key)));
        place.post_with("/execute", &headers, body).await
    };
    let key = Some("key");
    assert_eq!(ask("a", key, &counted("echo secret")).await.status, 200);
    assert_eq!(ask("a", None, &counted("")).await.status, 403);
    assert_eq!(ask("a", Some("no"), &counted("")).await.status, 401);
    // More than the table holds: the id stays known, the answer does not.
    let large = counted("head -c 9000 /dev/zero | tr '\\0' x");
    assert_eq!(ask("b", key, &large).await.json()["stdout"].as_str().unwrap().len(), 9000);
    let (class, words) = ask("b", key, &large).await.exception();
    assert_eq!(class, "swerex.exceptions.SwerexException");
    assert!(words.contains("not run again"), "{words}");
    assert_eq!(runs(&place), 2);
    // Beyond the count the oldest are forgotten altogether.
    ask("c", key, &counted("")).await;
    ask("a", key, &counted("")).await;
    assert_eq!(runs(&place), 4);
}

#[tokio::test]
async fn a_call_without_id_ends_with_its_client() {
    let place = Place::new().await;
    let stream = ask(&place, None, "/execute", &counted("echo $$ > pid; sleep 300")).await;
    let mut pid = String::new();
    eventually("it runs", async || {
        pid = std::fs::read_to_string(place.path("pid")).unwrap_or_default();
        pid.ends_with('\n')
    })
    .await;
    drop(stream);
    let entry = format!("/proc/{}/cmdline", pid.trim());
    let gone = async || std::fs::read(&entry).unwrap_or_default().is_empty();
    eventually("it is gone", gone).await;
}

#[tokio::test]
async fn a_call_with_id_waits_for_its_client_for_a_while() {
    let place = Place::with(|options| options.grace = Duration::from_millis(300)).await;
    let body = counted("echo $$ > pid; while [ ! -e go ]; do sleep 0.01; done; echo done");
    drop(ask(&place, Some("back"), "/execute", &body).await);
    eventually("it runs", async || runs(&place) == 1).await;
    let answer = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        std::fs::write(place.path("go"), "").unwrap();
    };
    let (joined, ()) = tokio::join!(execute(&place, "back", &body), answer);
    assert_eq!((joined.json()["stdout"].as_str(), runs(&place)), (Some("done\n"), 1));

    std::fs::remove_file(place.path("go")).unwrap();
    drop(ask(&place, Some("lost"), "/execute", &body).await);
    eventually("it runs", async || runs(&place) == 2).await;
    let pid = std::fs::read_to_string(place.path("pid")).unwrap();
    let entry = format!("/proc/{}/cmdline", pid.trim());
    eventually("it is given up", async || std::fs::read(&entry).unwrap_or_default().is_empty()).await;
}

#[tokio::test]
async fn a_session_command_goes_on_without_its_client_and_can_be_joined() {
    let place = Place::new().await;
    place.post("/create_session", &json!({"session_type": "bash", "startup_timeout": 10})).await;
    let command = "echo begun > begun; while [ ! -e go ]; do sleep 0.01; done; echo done";
    let action = json!({"action_type": "bash", "command": command, "timeout": 60});
    let stream = ask(&place, None, "/run_in_session", &action).await;
    eventually("it runs", async || place.names(".").contains(&"begun".to_owned())).await;
    drop(stream);
    let other = json!({"action_type": "bash", "command": "echo other", "timeout": 0.2});
    let (class, words) = place.post("/run_in_session", &other).await.exception();
    assert_eq!(class, "swerex.exceptions.CommandTimeoutError", "{words}");
    std::fs::write(place.path("go"), "").unwrap();
    let joined = json!({"action_type": "bash_wait", "timeout": 30});
    let joined = place.post("/run_in_session", &joined).await.json();
    assert_eq!((&joined["output"], &joined["exit_code"]), (&json!("done\n"), &json!(0)));
}

#[tokio::test]
async fn an_interrupt_overtakes_and_sessions_do_not_wait_for_each_other() {
    let place = Place::new().await;
    for session in ["a", "b"] {
        let open = json!({"session_type": "bash", "session": session, "startup_timeout": 10});
        assert_eq!(place.post("/create_session", &open).await.status, 200);
    }
    let run = |session: &str, command: &str| json!({"action_type": "bash", "session": session, "command": command, "timeout": 60, "check": "silent"});
    let sleep = run("a", "echo begun > begun; sleep 300");
    let (slept, ()) = tokio::join!(place.post("/run_in_session", &sleep), async {
        eventually("it runs", async || place.names(".").contains(&"begun".to_owned())).await;
        let other = place.post("/run_in_session", &run("b", "echo b")).await.json();
        assert_eq!(other["output"], "b\n");
        let interrupt = json!({"action_type": "bash_interrupt", "session": "a", "timeout": 5});
        assert_eq!(place.post("/run_in_session", &interrupt).await.status, 200);
    });
    assert_eq!(slept.status, 200, "{}", slept.text());
    assert_eq!(place.post("/run_in_session", &run("a", "echo a")).await.json()["output"], "a\n");
}
