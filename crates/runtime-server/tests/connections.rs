//! Connections: bounded in number and in time, whatever the other side does; and the end of the server.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod http;

use std::time::Duration;

use http::{Answer, GENEROUS, Place, eventually, message};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Reads one answer with a declared length from a connection that stays open.
async fn next(stream: &mut TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let reading = async {
        while !bytes.ends_with(b"}") {
            assert_ne!(stream.read_buf(&mut bytes).await.unwrap(), 0, "closed");
        }
    };
    tokio::time::timeout(GENEROUS, reading).await.unwrap();
    Answer::parse(&bytes)
}

async fn is_closed(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    let reading = stream.read_to_end(&mut rest);
    // A reset is an end as well.
    let _ = tokio::time::timeout(GENEROUS, reading).await.expect("an end in time");
}

#[tokio::test]
async fn a_connection_serves_many_requests_until_asked_to_close() {
    let place = Place::new().await;
    let mut stream = place.connect().await;
    let alive = b"GET /is_alive HTTP/1.1\r\nhost: here\r\n\r\n";
    for _ in 0..3 {
        stream.write_all(alive).await.unwrap();
        assert_eq!(next(&mut stream).await.status, 200);
    }
    stream.write_all(&message("POST /execute", &[("content-type", "application/json")], b"{")).await.unwrap();
    assert_eq!(next(&mut stream).await.status, 422);
    is_closed(&mut stream).await;
}

#[tokio::test]
async fn clients_that_say_nothing_or_only_half_are_dropped() {
    let place = Place::with(|options| {
        options.head_timeout = Duration::from_millis(100);
        options.stall_timeout = Duration::from_millis(100);
    })
    .await;
    let mut silent = place.connect().await;
    is_closed(&mut silent).await;
    let mut half = place.connect().await;
    half.write_all(b"GET / HT").await.unwrap();
    is_closed(&mut half).await;
    let json = [("content-type", "application/json")];
    let slow = message("POST /execute", &json, br#"{"command":["true"]}"#);
    let mut stream = place.connect().await;
    stream.write_all(&slow[..slow.len() - 1]).await.unwrap();
    assert_eq!(next(&mut stream).await.status, 408);
    is_closed(&mut stream).await;
}

#[tokio::test]
async fn a_client_that_takes_nothing_does_not_hold_what_it_asked_for() {
    let place = Place::with(|options| options.stall_timeout = Duration::from_millis(200)).await;
    std::fs::write(place.path("large"), vec![b'x'; 30_000_000]).unwrap();
    let mut stream = place.connect().await;
    let body = json!({"path": "large"}).to_string();
    let request = message("POST /read_file", &[("content-type", "application/json")], body.as_bytes());
    stream.write_all(&request).await.unwrap();
    let one_left = async || place.get("/ext/stats").await.json()["connections"] == 1;
    eventually("it is given up", one_left).await;
    let mut taken = Vec::new();
    let _ = stream.read_to_end(&mut taken).await;
    assert!(taken.len() < 30_000_000, "the answer is cut, not ended");
    assert!(!taken.ends_with(b"0\r\n\r\n"));
}

#[tokio::test]
async fn too_many_connections_are_told_so() {
    let place = Place::with(|options| options.connections = 3).await;
    let held = [place.connect().await, place.connect().await, place.connect().await];
    let mut words = String::new();
    eventually("the fourth is refused", async || {
        let answer = place.raw(b"").await;
        words = String::from_utf8_lossy(&answer).into_owned();
        words.contains("503")
    })
    .await;
    assert!(words.contains("too many connections"), "{words}");
    drop(held);
    eventually("there is room again", async || {
        place.raw(&message("GET /is_alive", &[], b"")).await.starts_with(b"HTTP/1.1 200")
    })
    .await;
}

#[tokio::test]
async fn rubbish_and_endless_heads_are_refused() {
    let place = Place::new().await;
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(200_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "a: b\r\n".repeat(5000));
    for request in ["\0\0\0\0\r\n\r\n", "GET\r\n\r\n", long.as_str(), many.as_str()] {
        let answer = place.raw(request.as_bytes()).await;
        let refused = answer.is_empty() || answer.starts_with(b"HTTP/1.1 4");
        assert!(refused, "{}", String::from_utf8_lossy(&answer));
    }
    assert_eq!(place.get("/is_alive").await.status, 200);
}

#[tokio::test]
async fn the_end_of_the_server_is_the_end_of_what_it_started() {
    let mut place = Place::new().await;
    place.post("/create_session", &json!({"session_type": "bash", "startup_timeout": 10})).await;
    let daemon = "(setsid sh -c 'echo $$ > daemon; exec sleep 300' >/dev/null 2>&1 &)";
    let action = json!({"action_type": "bash", "command": daemon, "timeout": 30});
    assert_eq!(place.post("/run_in_session", &action).await.status, 200);
    eventually("it runs", async || place.names(".").contains(&"daemon".to_owned())).await;
    let mut pid = String::new();
    eventually("it has a number", async || {
        pid = std::fs::read_to_string(place.path("daemon")).unwrap();
        pid.ends_with('\n')
    })
    .await;
    let mut idle = place.connect().await;
    place.stop().await;
    let entry = format!("/proc/{}/cmdline", pid.trim());
    eventually("it is gone", async || std::fs::read(&entry).unwrap_or_default().is_empty()).await;
    assert!(TcpStream::connect(place.address).await.is_err(), "still listening");
    drop(idle.shutdown().await);
}
