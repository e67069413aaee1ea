//! A server in this process, and a client that says exactly what a test wants said.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used)] // Each test binary uses its part.

use std::net::SocketAddr;
use std::time::Duration;

use serde_json::Value;
use smallhands_runtime_server::{Server, ServerOptions};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Longer than anything here takes.
pub const GENEROUS: Duration = Duration::from_secs(60);

/// A server on a free port, in a folder of its own.
pub struct Place {
    pub address: SocketAddr,
    pub folder: tempfile::TempDir,
    stop: Option<oneshot::Sender<()>>,
    serving: Option<JoinHandle<()>>,
}

/// What a server said.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Place {
    pub async fn new() -> Self {
        Self::with(|_| ()).await
    }

    pub async fn with(change: impl FnOnce(&mut ServerOptions)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spool = folder.path().join(".spool");
        std::fs::create_dir(&spool).unwrap();
        let mut options = ServerOptions {
            port: 0,
            root: folder.path().to_owned(),
            env: [("PATH".to_owned(), std::env::var("PATH").unwrap())].into(),
            spool,
            ..ServerOptions::default()
        };
        change(&mut options);
        let server = Server::bind(options).await.unwrap();
        let address = server.address().unwrap();
        let (stop, stopped) = oneshot::channel::<()>();
        let serving = tokio::spawn(server.run(async move {
            let _ = stopped.await;
        }));
        Self { address, folder, stop: Some(stop), serving: Some(serving) }
    }

    pub fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().unwrap().to_owned()
    }

    /// The names in the folder, sorted; nothing of an upload may be left over.
    pub fn names(&self, folder: &str) -> Vec<String> {
        let entries = std::fs::read_dir(self.folder.path().join(folder)).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.retain(|name| name != ".spool");
        names.sort();
        names
    }

    pub async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends these very bytes and reads to the end of the connection.
    pub async fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.connect().await;
        // A server that has heard enough may close before it has heard everything.
        let _ = stream.write_all(bytes).await;
        let mut answer = Vec::new();
        let reading = stream.read_to_end(&mut answer);
        let _ = tokio::time::timeout(GENEROUS, reading).await.expect("an answer in time");
        answer
    }

    pub async fn request(&self, line: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        Answer::parse(&self.raw(&message(line, headers, body)).await)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.request(&format!("GET {path}"), &[], b"").await
    }

    pub async fn put(&self, path: &str, body: &[u8]) -> Answer {
        self.request(&format!("PUT {path}"), &[], body).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.post_with(path, &[], body).await
    }

    pub async fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &Value) -> Answer {
        let json = [("content-type", "application/json")];
        let headers: Vec<_> = json.iter().chain(headers).copied().collect();
        self.request(&format!("POST {path}"), &headers, body.to_string().as_bytes()).await
    }

    /// Stops the server and waits until it has.
    pub async fn stop(&mut self) {
        if let (Some(stop), Some(serving)) = (self.stop.take(), self.serving.take()) {
            let _ = stop.send(());
            tokio::time::timeout(GENEROUS, serving).await.expect("an end in time").unwrap();
        }
    }
}

/// A request as bytes; the connection ends with the answer.
pub fn message(line: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut head = format!("{line} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n");
    if !headers.iter().any(|(name, _)| *name == "transfer-encoding") {
        head.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

impl Answer {
    pub fn parse(bytes: &[u8]) -> Self {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.unwrap_or_else(|| panic!("no answer: {}", String::from_utf8_lossy(bytes)));
        let head = String::from_utf8(bytes[..end].to_vec()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = &bytes[end + 4..];
        let chunked = head.to_ascii_lowercase().contains("transfer-encoding: chunked");
        Self { status, body: if chunked { unchunked(body) } else { body.to_vec() }, head }
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        let line = |line: &'_ str| line.to_ascii_lowercase().starts_with(&format!("{name}:"));
        self.head.lines().find(|l| line(l)).and_then(|l| l.split_once(':')).map(|(_, value)| value.trim())
    }

    /// The class and the message of a transferred exception.
    pub fn exception(&self) -> (String, String) {
        assert_eq!(self.status, 511, "{}", self.text());
        let body = self.json();
        let exception = body["swerexception"].as_object().unwrap().clone();
        let names: Vec<_> = exception.keys().map(String::as_str).collect();
        assert_eq!(names, ["message", "class_path", "traceback", "extra_info"]);
        assert_eq!(exception["traceback"], "");
        let text = |name: &str| exception[name].as_str().unwrap().to_owned();
        (text("class_path"), text("message"))
    }
}

/// The body without the marks of chunks; one that is cut short ends in `<CUT>`.
fn unchunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    loop {
        let Some(end) = body.windows(2).position(|two| two == b"\r\n") else {
            whole.extend_from_slice(b"<CUT>");
            return whole;
        };
        let size = usize::from_str_radix(std::str::from_utf8(&body[..end]).unwrap(), 16).unwrap();
        body = &body[end + 2..];
        if size == 0 {
            return whole;
        }
        let taken = size.min(body.len());
        whole.extend_from_slice(&body[..taken]);
        body = body.get(size + 2..).unwrap_or_default();
    }
}

/// A multipart form: name, what follows it in the header, content.
pub fn form(fields: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, more, content) in fields {
        let head = format!("--EDGE\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--EDGE--\r\n");
    body
}

/// How a form is announced.
pub const FORM: (&str, &str) = ("content-type", "multipart/form-data; boundary=EDGE");

/// Waits until `holds`, asking again and again.
pub async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(GENEROUS, waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}
