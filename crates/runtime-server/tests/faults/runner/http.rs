//! As much HTTP as the cases need: one connection per request, as SWE-ReX's own client does, and raw bytes.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

/// What is sent.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Option<Vec<u8>>,
}

/// What came back. Status 0 says that the server closed the connection without an answer.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub elapsed: Duration,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Request {
    fn to_bytes(&self) -> Vec<u8> {
        let mut head =
            format!("{} {} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n", self.method, self.path);
        self.headers.iter().for_each(|(name, value)| head.push_str(&format!("{name}: {value}\r\n")));
        if let Some(body) = &self.body {
            head.push_str(&format!("content-length: {}\r\n", body.len()));
        }
        [format!("{head}\r\n").as_bytes(), self.body.as_deref().unwrap_or_default()].concat()
    }

    /// Sends the request and reads the whole answer; an error says that none came within `patience`.
    pub fn send(&self, to: SocketAddr, patience: Duration) -> io::Result<Answer> {
        let start = Instant::now();
        let mut stream = connect(to, patience)?;
        // A server may answer before it has read everything, and close.
        let sent = stream.write_all(&self.to_bytes());
        let received = read_until(&mut stream, start + patience, |_| false)?;
        if received.is_empty() {
            sent?;
        }
        let mut answer = parse(&received, true).unwrap_or_default();
        answer.elapsed = start.elapsed();
        Ok(answer)
    }

    /// Sends the request and hangs up after a while without looking at the answer.
    pub fn abandon(&self, to: SocketAddr, after: Duration) -> io::Result<()> {
        let mut stream = connect(to, Duration::from_secs(5))?;
        stream.write_all(&self.to_bytes())?;
        std::thread::sleep(after);
        Ok(())
    }
}

/// Raw bytes, and what the server makes of them.
pub struct Bytes<'a> {
    pub send: &'a [u8],
    /// Go away at once.
    pub hang_up: bool,
    /// Pause between two bytes.
    pub pause: Option<Duration>,
    /// Read on until this has come as well.
    pub also: &'a str,
}

impl Bytes<'_> {
    pub fn exchange(&self, to: SocketAddr) -> io::Result<Answer> {
        let start = Instant::now();
        let mut stream = connect(to, Duration::from_secs(5))?;
        match self.pause {
            Some(pause) => self.send.iter().try_for_each(|&byte| {
                std::thread::sleep(pause);
                stream.write_all(&[byte])
            })?,
            // The server may have had enough before the end.
            None => drop(stream.write_all(self.send)),
        }
        if self.hang_up {
            return Ok(Answer::default());
        }
        let complete = |received: &[u8]| {
            parse(received, false).is_some() && String::from_utf8_lossy(received).contains(self.also)
        };
        let received = read_until(&mut stream, start + Duration::from_secs(8), complete)?;
        Ok(Answer { elapsed: start.elapsed(), ..parse(&received, true).unwrap_or_default() })
    }
}

pub fn connect(to: SocketAddr, patience: Duration) -> io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&to, patience.min(Duration::from_secs(10)))?;
    stream.set_nodelay(true)?;
    stream.set_write_timeout(Some(patience))?;
    Ok(stream)
}

/// Reads until the end of the stream or until `enough` says so. A reset counts as the end.
fn read_until(
    stream: &mut TcpStream,
    deadline: Instant,
    enough: impl Fn(&[u8]) -> bool,
) -> io::Result<Vec<u8>> {
    let mut received = Vec::new();
    let mut piece = vec![0; 1 << 16];
    while !enough(&received) {
        let left = deadline.saturating_duration_since(Instant::now());
        stream.set_read_timeout(Some(left.max(Duration::from_millis(1))))?;
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => received.extend_from_slice(&piece[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
            Err(error) => return Err(error),
        }
    }
    Ok(received)
}

/// The first complete answer in `bytes`. One without a length is complete when the stream has `ended`; so is the
/// answer to HEAD, which has a length and no body.
fn parse(bytes: &[u8], ended: bool) -> Option<Answer> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
    let header =
        |line: &str| line.split_once(':').map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    let mut answer = Answer { status, headers: lines.filter_map(header).collect(), ..Answer::default() };
    let body = &bytes[end + 4..];
    answer.body = if let Some(length) = answer.header("content-length").and_then(|text| text.parse().ok()) {
        let whole = if ended && body.is_empty() { Some(body) } else { body.get(..length) };
        whole?.to_vec()
    } else if answer.header("transfer-encoding") == Some("chunked") {
        unchunk(body)?
    } else {
        body.to_vec()
    };
    Some(answer)
}

fn unchunk(mut bytes: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = bytes.windows(2).position(|two| two == b"\r\n")?;
        let size = std::str::from_utf8(&bytes[..end]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        let chunk = bytes.get(end + 2..end + 2 + size)?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(chunk);
        bytes = bytes.get(end + 4 + size..)?;
    }
}
