//! The protocol's endpoints: fields, coercions, status codes, classes of exceptions.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod http;

use http::{Answer, Place};
use serde_json::{Value, json};

/// Type and place of each fault, in short.
fn faults(answer: &Answer) -> String {
    assert_eq!(answer.status, 422, "{}", answer.text());
    let body = answer.json();
    let short = |fault: &Value| {
        assert!(fault.get("input").is_some() && fault["msg"].is_string(), "{fault}");
        let place: Vec<_> = fault["loc"].as_array().unwrap().iter().map(Value::to_string).collect();
        format!("{} {}", fault["type"].as_str().unwrap(), place.join(".").replace('"', ""))
    };
    body["detail"].as_array().unwrap().iter().map(short).collect::<Vec<_>>().join("; ")
}

#[tokio::test]
async fn bodies_are_checked_field_by_field() {
    let place = Place::new().await;
    let cases = [
        ("/execute", r#"{"command":5}"#, "string_type body.command.str; list_type body.command.list[str]"),
        (
            "/execute",
            r#"{"command":["echo",1]}"#,
            "string_type body.command.str; string_type body.command.list[str].1",
        ),
        ("/execute", "{}", "missing body.command"),
        ("/execute", "[]", "model_attributes_type body"),
        ("/execute", "null", "model_attributes_type body"),
        ("/execute", "", "missing body"),
        ("/execute", r#"{"command":"#, "json_invalid body.11"),
        ("/execute", r#"{"command":"x","shell":"maybe"}"#, "bool_parsing body.shell"),
        ("/execute", r#"{"command":"x","shell":2}"#, "bool_parsing body.shell"),
        ("/execute", r#"{"command":"x","shell":null}"#, "bool_type body.shell"),
        ("/execute", r#"{"command":"x","timeout":"x"}"#, "float_parsing body.timeout"),
        ("/execute", r#"{"command":"x","timeout":[]}"#, "float_type body.timeout"),
        ("/execute", r#"{"command":"x","env":{"a":1}}"#, "string_type body.env.a"),
        ("/execute", r#"{"command":"x","env":[]}"#, "dict_type body.env"),
        (
            "/execute",
            r#"{"command":"x","cwd":1,"error_msg":null}"#,
            "string_type body.error_msg; string_type body.cwd",
        ),
        ("/run_in_session", "{}", "union_tag_not_found body"),
        ("/run_in_session", r#"{"action_type":"x"}"#, "union_tag_invalid body"),
        ("/run_in_session", r#"{"action_type":null}"#, "union_tag_invalid body"),
        ("/run_in_session", r#"{"action_type":"bash"}"#, "missing body.bash.command"),
        (
            "/run_in_session",
            r#"{"action_type":"bash","command":"x","check":"no","expect":"x"}"#,
            "literal_error body.bash.check; list_type body.bash.expect",
        ),
        (
            "/run_in_session",
            r#"{"action_type":"bash_interrupt","n_retry":1.5}"#,
            "int_from_float body.bash_interrupt.n_retry",
        ),
        (
            "/run_in_session",
            r#"{"action_type":"bash_interrupt","n_retry":"1.5"}"#,
            "int_parsing body.bash_interrupt.n_retry",
        ),
        (
            "/run_in_session",
            r#"{"action_type":"bash_interrupt","n_retry":[]}"#,
            "int_type body.bash_interrupt.n_retry",
        ),
        (
            "/run_in_session",
            r#"{"action_type":"bash_interrupt","expect":[1,"a",null]}"#,
            "string_type body.bash_interrupt.expect.0; string_type body.bash_interrupt.expect.2",
        ),
        ("/create_session", r#"{"session":"a"}"#, "union_tag_not_found body"),
        ("/create_session", r#"{"session_type":"bash","session":null}"#, "string_type body.bash.session"),
        ("/close_session", r#"{"session":"a"}"#, "union_tag_not_found body"),
        ("/read_file", "{}", "missing body.path"),
        ("/write_file", r#"{"path":"x"}"#, "missing body.content"),
    ];
    for (path, body, expected) in cases {
        let json = [("content-type", "application/json")];
        let answer = place.request(&format!("POST {path}"), &json, body.as_bytes()).await;
        assert_eq!(faults(&answer), expected, "{path} {body}");
    }
}

#[tokio::test]
async fn what_is_not_called_json_is_none() {
    let place = Place::new().await;
    let body = br#"{"command":["true"]}"#;
    for (kind, status) in [
        ("application/json", 200),
        ("Application/JSON; charset=utf-8", 200),
        ("application/vnd.api+json", 200),
        ("text/plain", 422),
        ("application/x-www-form-urlencoded", 422),
    ] {
        assert_eq!(
            place.request("POST /execute", &[("content-type", kind)], body).await.status,
            status,
            "{kind}"
        );
    }
    assert_eq!(faults(&place.request("POST /execute", &[], body).await), "model_attributes_type body");
}

#[tokio::test]
async fn values_are_taken_as_the_original_takes_them() {
    let place = Place::new().await;
    for body in [
        json!({"command": "echo hi", "shell": "yes", "timeout": "5", "unknown": 1}),
        json!({"command": "echo hi", "shell": 1, "timeout": true, "check": "off"}),
        json!({"command": "echo hi", "shell": "ON", "timeout": 1e300}),
        json!({"command": ["echo hi", "ignored"], "shell": true}),
        json!({"command": ["echo", "hi"], "timeout": "Infinity"}),
    ] {
        let answer = place.post("/execute", &body).await.json();
        assert_eq!((&answer["stdout"], &answer["exit_code"]), (&json!("hi\n"), &json!(0)), "{body}");
    }
    let infinity = br#"{"command":["true"],"timeout":Infinity}"#;
    let answer = place.request("POST /execute", &[("content-type", "application/json")], infinity).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

#[tokio::test]
async fn paths_and_methods_have_their_status() {
    let place = Place::new().await;
    let cases = [
        ("GET /", 200, ""),
        ("GET /is_alive", 200, ""),
        ("HEAD /is_alive", 200, ""),
        ("GET /docs", 200, ""),
        ("GET /execute", 405, "POST"),
        ("POST /is_alive", 405, "GET"),
        ("DELETE /", 405, "GET"),
        ("POST /ext/files", 405, "GET, PUT"),
        ("GET /nope", 404, ""),
        ("GET //is_alive", 404, ""),
        ("GET /is_alive/", 307, "http://here/is_alive"),
        ("POST /execute/?a=b", 307, "http://here/execute?a=b"),
    ];
    for (line, status, header) in cases {
        let answer = place.request(line, &[], b"").await;
        assert_eq!(answer.status, status, "{line}");
        let told = answer.header("allow").or_else(|| answer.header("location")).unwrap_or_default();
        assert_eq!(told, header, "{line}");
        if status >= 400 {
            assert_eq!(answer.header("content-type"), Some("application/json"), "{line}");
            assert!(answer.json()["detail"].is_string(), "{line}");
        }
    }
    assert_eq!(place.get("/").await.json(), json!({"message": "hello world"}));
    assert!(place.request("HEAD /is_alive", &[], b"").await.body.is_empty());
}

#[tokio::test]
async fn the_key_comes_before_everything() {
    let place = Place::with(|options| options.auth_token = "secret".into()).await;
    for line in
        ["GET /", "GET /is_alive", "GET //execute", "GET /nope", "DELETE /execute", "GET /openapi.json"]
    {
        for (key, status, words) in [
            (None, 403, "Not authenticated"),
            (Some(""), 403, "Not authenticated"),
            (Some("x"), 401, "Invalid API Key"),
        ] {
            let headers: Vec<_> = key.iter().map(|key| ("X-Api-Key", *key)).collect();
            let answer = place.request(line, &headers, b"").await;
            assert_eq!((answer.status, answer.json()), (status, json!({"detail": words})), "{line} {key:?}");
        }
    }
    let key = [("x-api-key", "secret")];
    assert_eq!(place.request("GET /is_alive", &key, b"").await.json()["is_alive"], true);
    assert_eq!(place.request("GET //execute", &key, b"").await.status, 404);
}

/// Path, body, class of the exception, and a part of its message.
fn failing_requests() -> Vec<(&'static str, Value, &'static str, &'static str)> {
    vec![
        ("/execute", json!({"command": []}), "builtins.IndexError", "list index out of range"),
        ("/execute", json!({"command": ""}), "builtins.PermissionError", "[Errno 13]"),
        ("/execute", json!({"command": "a\0b"}), "builtins.ValueError", "embedded null byte"),
        ("/execute", json!({"command": ["true"], "timeout": "nan"}), "builtins.ValueError", "not a number"),
        ("/execute", json!({"command": "no-such-program"}), "builtins.FileNotFoundError", "no-such-program"),
        ("/execute", json!({"command": ["true"], "cwd": "/none"}), "builtins.FileNotFoundError", "/none"),
        (
            "/execute",
            json!({"command": ["false"], "check": true, "error_msg": "so"}),
            "swerex.exceptions.NonZeroExitCodeError",
            "so: Command",
        ),
        (
            "/execute",
            json!({"command": "echo hi; sleep 60", "shell": true, "timeout": 0.3}),
            "swerex.exceptions.CommandTimeoutError",
            "hi",
        ),
        (
            "/execute",
            json!({"command": ["sleep", "60"], "timeout": -5}),
            "swerex.exceptions.CommandTimeoutError",
            "exceeded",
        ),
        (
            "/run_in_session",
            json!({"action_type": "bash", "command": "x"}),
            "swerex.exceptions.SessionDoesNotExistError",
            "default",
        ),
        (
            "/run_in_session",
            json!({"action_type": "bash", "command": "x", "is_interactive_command": true, "is_interactive_quit": true}),
            "builtins.AssertionError",
            "not both",
        ),
        (
            "/close_session",
            json!({"session_type": "bash", "session": "n"}),
            "swerex.exceptions.SessionDoesNotExistError",
            "n",
        ),
        (
            "/read_file",
            json!({"path": "none"}),
            "builtins.FileNotFoundError",
            "[Errno 2] No such file or directory",
        ),
        ("/read_file", json!({"path": "."}), "builtins.IsADirectoryError", "[Errno 21]"),
        ("/read_file", json!({"path": ""}), "builtins.IsADirectoryError", "[Errno 21]"),
        ("/read_file", json!({"path": "/dev/zero"}), "builtins.OSError", "regular"),
        ("/read_file", json!({"path": "a\0"}), "builtins.ValueError", "embedded null byte"),
        ("/read_file", json!({"path": "latin"}), "builtins.UnicodeDecodeError", "byte 0xe9 in position 3"),
        (
            "/read_file",
            json!({"path": "latin", "encoding": "klingon"}),
            "builtins.LookupError",
            "unknown encoding: klingon",
        ),
        (
            "/read_file",
            json!({"path": "latin", "errors": "klingon"}),
            "builtins.LookupError",
            "error handler",
        ),
        ("/write_file", json!({"path": ".", "content": ""}), "builtins.IsADirectoryError", "[Errno 21]"),
        ("/write_file", json!({"path": "file/x", "content": ""}), "builtins.FileExistsError", "[Errno 17]"),
    ]
}

#[tokio::test]
async fn exceptions_travel_with_their_class() {
    let place = Place::new().await;
    std::fs::write(place.path("latin"), b"caf\xe9").unwrap();
    std::fs::write(place.path("file"), "x").unwrap();
    for (path, body, class, words) in failing_requests() {
        let (found, message) = place.post(path, &body).await.exception();
        assert_eq!(found, class, "{path} {body}");
        assert!(message.contains(words), "{path} {body}: {message}");
    }
    let half = br#"{"path":"x","content":"\ud800"}"#;
    let answer = place.request("POST /write_file", &[("content-type", "application/json")], half).await;
    assert_eq!(answer.exception().0, "builtins.UnicodeEncodeError");
}

#[tokio::test]
async fn sessions_keep_their_state_and_names_are_freed() {
    let place = Place::new().await;
    let open = json!({"session_type": "bash", "startup_timeout": 10});
    let created = place.post("/create_session", &open).await.json();
    assert_eq!(created["session_type"], "bash");
    assert_eq!(
        place.post("/create_session", &open).await.exception().0,
        "swerex.exceptions.SessionExistsError"
    );
    let run = async |command: &str| {
        let action = json!({"action_type": "bash", "command": command, "timeout": 30, "check": "silent"});
        place.post("/run_in_session", &action).await.json()
    };
    assert_eq!(run("X=5").await["exit_code"], 0);
    let answer = run("echo $X; false").await;
    assert_eq!((&answer["output"], &answer["exit_code"]), (&json!("5\n"), &json!(1)));
    assert_eq!((&answer["session_type"], &answer["failure_reason"]), (&json!("bash"), &json!("")));
    let syntax = json!({"action_type": "bash", "command": "if", "timeout": 30});
    let answer = place.post("/run_in_session", &syntax).await;
    assert_eq!(answer.exception().0, "swerex.exceptions.BashIncorrectSyntaxError");
    let extra = answer.json()["swerexception"]["extra_info"].clone();
    assert!(extra["bash_stderr"].is_string() && extra["bash_stdout"].is_string(), "{extra}");
    assert_eq!(place.request("POST /close", &[], b"any thing").await.json(), json!({}));
    assert_eq!(place.post("/create_session", &open).await.status, 200);
    let close = json!({"session_type": "bash"});
    assert_eq!(place.post("/close_session", &close).await.json(), json!({"session_type": "bash"}));
}

#[tokio::test]
async fn output_that_is_no_text_is_shown_and_sent_along() {
    let place = Place::new().await;
    let answer =
        place.post("/execute", &json!({"command": "printf 'a\\377\\n'; printf e >&2", "shell": true})).await;
    let answer = answer.json();
    assert_eq!((&answer["stdout"], &answer["stderr"]), (&json!("a\\xff\n"), &json!("e")));
    assert_eq!(answer["stdout_base64"], "Yf8K");
    assert!(answer.get("stderr_base64").is_none());
    let killed = place.post("/execute", &json!({"command": "kill -9 $$", "shell": true})).await.json();
    assert_eq!(killed["exit_code"], -9);
    let limited = json!({"command": ["head", "-c", "5000", "/dev/zero"], "output_limit": 1000});
    let limited = place.post("/execute", &limited).await.json();
    assert_eq!((&limited["truncated"], &limited["omitted_bytes"]), (&json!(true), &json!(4000)));
    let fed = place.post("/execute", &json!({"command": ["cat"], "stdin": "fed"})).await.json();
    assert_eq!(fed["stdout"], "fed");
    let bare =
        place.post("/execute", &json!({"command": ["/usr/bin/env"], "env": {"ONLY": "this"}})).await.json();
    assert!(bare["stdout"].as_str().unwrap().contains("ONLY=this"));
    assert!(!bare["stdout"].as_str().unwrap().contains("PATH="), "{bare}");
}

#[tokio::test]
async fn files_of_every_size_read_as_text() {
    let place = Place::new().await;
    let long = "0123456789 h\u{e9}\u{2713} \"quoted\" \\ \t\u{1}\r\n".repeat(60_000);
    for (name, content) in [("empty", ""), ("short", "a\r\nb\rc\n"), ("long", long.as_str())] {
        assert_eq!(
            place.post("/write_file", &json!({"path": name, "content": content})).await.json(),
            json!({})
        );
        assert_eq!(std::fs::read(place.path(name)).unwrap(), content.as_bytes(), "{name}");
        let read = place.post("/read_file", &json!({"path": place.path(name)})).await.json();
        let expected = content.replace("\r\n", "\n").replace('\r', "\n");
        assert!(read["content"] == expected, "{name}");
    }
    // A fault at the very end is told as an error, not by an answer that breaks off.
    let mut bytes = long.into_bytes();
    bytes.push(0xff);
    std::fs::write(place.path("bad"), &bytes).unwrap();
    let bad = place.post("/read_file", &json!({"path": "bad"})).await;
    assert_eq!(bad.exception().0, "builtins.UnicodeDecodeError");
    let shown = place.post("/read_file", &json!({"path": "bad", "errors": "backslashreplace"})).await.json();
    assert!(shown["content"].as_str().unwrap().ends_with("\\xff"));
    std::fs::write(place.path("wide"), b"\xff\xfeh\0i\0").unwrap();
    let wide = place.post("/read_file", &json!({"path": "wide", "encoding": "UTF-16"})).await.json();
    assert_eq!(wide["content"], "hi");
}

#[tokio::test]
async fn the_openapi_document_names_every_field() {
    let place = Place::new().await;
    let document = place.get("/openapi.json").await.json();
    for path in
        ["/execute", "/run_in_session", "/upload", "/close", "/ext/search", "/ext/sessions/{name}/output"]
    {
        assert!(document["paths"][path].is_object(), "{path}");
    }
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let fields =
        |name: &str| schemas[name]["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert!(fields("BashAction").contains(&"is_interactive_quit".to_owned()));
    assert_eq!(fields("ReadFileRequest"), ["path", "encoding", "errors"]);
    assert_eq!(schemas["CreateBashSessionRequest"]["properties"]["startup_timeout"]["default"], 1.0);
    assert_eq!(schemas["Command"]["required"], json!(["command"]));
    let mapping = &document["paths"]["/run_in_session"]["post"]["requestBody"]["content"]["application/json"]
        ["schema"]["discriminator"]["mapping"];
    assert_eq!(mapping["bash_interrupt"], "#/components/schemas/BashInterruptAction");
}
