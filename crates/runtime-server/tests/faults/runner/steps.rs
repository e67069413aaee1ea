//! Performing the steps of one case.

use std::collections::HashMap;
use std::io;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::http::{Answer, Bytes, Request};
use super::server::{Home, Server};
use super::text::{self, Names};
use super::{archive, http, processes, want};

/// What goes wrong in a step, in words.
pub type Outcome = Result<(), String>;

/// One case being performed.
pub struct Performance<'a> {
    pub home: &'a Home,
    pub server: &'a Server,
    pub names: Names,
    pub sent: Mutex<HashMap<String, JoinHandle<io::Result<Answer>>>>,
    /// Connections that send nothing, and the right to hold so many.
    pub held: Mutex<Vec<TcpStream>>,
    /// Sessions to be closed in the end.
    pub sessions: Mutex<Vec<String>>,
    begun: Instant,
}

/// Keys of a step that say what to do with a request rather than what is in it.
const NOT_SENT: [&str; 10] =
    ["call", "want", "background", "times", "headers", "key", "abandon_after_s", "path", "method", "body"];

/// How long any answer may take before the server counts as stuck.
const PATIENCE: Duration = Duration::from_secs(20);

/// How long a whole case may take.
const LIMIT: Duration = Duration::from_secs(90);

/// So many connections are held by one case at a time.
static HOLDING: Mutex<()> = Mutex::new(());

impl Performance<'_> {
    /// Performs a step as often as it says.
    pub fn perform(&self, step: &Value, names: &Names) -> Outcome {
        (0..step["times"].as_u64().filter(|_| step["call"] != "parallel").unwrap_or(1)).try_for_each(|_| {
            if self.begun.elapsed() > LIMIT {
                return Err(format!("the case takes longer than {LIMIT:?}"));
            }
            self.perform_once(step, names)
        })
    }

    fn perform_once(&self, step: &Value, names: &Names) -> Outcome {
        match step["call"].as_str().expect("a step has a call") {
            "pause" => std::thread::sleep(seconds(&step["seconds"]).expect("seconds")),
            "parallel" => return self.parallel(step, names),
            "join" => return self.join(step, names),
            "processes" => return self.look_at_system(step, names),
            "file" => return self.file(step, names),
            "hold" => return self.hold(step),
            "release" => self.held.lock().unwrap_or_else(PoisonError::into_inner).clear(),
            "kill_server" => {
                drop(std::process::Command::new("kill").args(["-9", &self.server.pid().to_string()]).status())
            }
            "bytes" => return self.bytes(step, names),
            _ => return self.request(step, names),
        }
        Ok(())
    }

    fn request(&self, step: &Value, names: &Names) -> Outcome {
        let (request, address) = (self.build(step, names), self.server.address);
        let patience = PATIENCE + seconds(&step["timeout"]).unwrap_or_default().min(PATIENCE);
        if let Some(after) = seconds(&step["abandon_after_s"]) {
            return request.abandon(address, after).map_err(|error| format!("not sent: {error}"));
        }
        if let Some(name) = step["background"].as_str() {
            let thread = std::thread::spawn(move || request.send(address, patience * 2));
            self.sent.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), thread);
            return Ok(());
        }
        judge(request.send(address, patience), step, names)
    }

    fn build(&self, step: &Value, names: &Names) -> Request {
        let call = step["call"].as_str().unwrap_or_default();
        let mut request = match call {
            "get" => Request { method: "GET".into(), path: path(step, names), ..Request::default() },
            "raw" => raw(step, names),
            "upload" => {
                let (content_type, body) = archive::form(step, names);
                post("/upload", &content_type, body)
            }
            "close" => post("/close", "application/json", Vec::new()),
            "run" | "interrupt" => typed("/run_in_session", &self.fields(step, names)),
            other => typed(
                &format!("/{}", if other == "create" { "create_session" } else { other }),
                &self.fields(step, names),
            ),
        };
        if call == "create" {
            let name = self.fields(step, names)["session"].as_str().unwrap_or_default().to_owned();
            self.sessions.lock().unwrap_or_else(PoisonError::into_inner).push(name);
        }
        request.headers.extend(self.headers(step, names));
        request
    }

    /// The body of a request: what the call implies, then what the step says.
    fn fields(&self, step: &Value, names: &Names) -> Value {
        let session = names.get("@SESSION@");
        let mut fields = match step["call"].as_str().unwrap_or_default() {
            "run" => json!({"action_type": "bash", "session": session, "timeout": 15, "check": "silent"}),
            "interrupt" => json!({"action_type": "bash_interrupt", "session": session}),
            "create" => json!({"session_type": "bash", "session": session, "startup_timeout": 15}),
            "close_session" => json!({"session_type": "bash", "session": session}),
            "execute" => json!({"shell": step["command"].is_string(), "timeout": 15}),
            _ => json!({}),
        };
        let said = step.as_object().into_iter().flatten().filter(|(key, _)| !is_for_runner(key, step));
        let target: &mut Map<String, Value> = fields.as_object_mut().expect("an object");
        target.extend(said.map(|(key, value)| (key.clone(), text::expand(value, names))));
        fields
    }

    fn headers(&self, step: &Value, names: &Names) -> Vec<(String, String)> {
        let said = text::expand(&step["headers"], names);
        let said = said.as_object().cloned().unwrap_or_default().into_iter();
        let mut headers: Vec<_> =
            said.map(|(name, value)| (name, value.as_str().unwrap_or_default().to_owned())).collect();
        match step["key"].as_str() {
            Some("none") => {}
            Some(key) => headers.push(("x-api-key".into(), text::text(&key.into(), names))),
            None => headers.push(("x-api-key".into(), self.server.token.clone())),
        }
        headers
    }

    fn bytes(&self, step: &Value, names: &Names) -> Outcome {
        let send = text::bytes(&step["send"], names);
        let bytes = Bytes {
            send: &send,
            hang_up: step["hang_up"] == true,
            pause: seconds(&step["slowly_s"]),
            also: step["also"].as_str().unwrap_or_default(),
        };
        let answer = bytes.exchange(self.server.address);
        if bytes.hang_up {
            answer.map(drop).map_err(|error| error.to_string())
        } else {
            judge(answer, step, names)
        }
    }

    fn join(&self, step: &Value, names: &Names) -> Outcome {
        let name = step["of"].as_str().expect("join says of which request");
        let thread = self
            .sent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(name)
            .expect("a request was sent");
        let start = Instant::now();
        let answer = thread.join().map_err(|_| "the request panicked".to_owned())?;
        // The time of an answer that was sent earlier is the time that it was waited for.
        judge(answer.map(|answer| Answer { elapsed: start.elapsed(), ..answer }), step, names)
    }

    fn parallel(&self, step: &Value, names: &Names) -> Outcome {
        let start = Instant::now();
        let steps = step["steps"].as_array().expect("steps");
        let copies = step["times"].as_u64().unwrap_or(1) as usize;
        let one = |number| {
            let names = names.numbered(number);
            steps.iter().try_for_each(|step| {
                self.perform(step, &names).map_err(|why| format!("{} in copy {number}: {why}", step["call"]))
            })
        };
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..copies).map(|number| scope.spawn(move || one(number))).collect();
            threads
                .into_iter()
                .try_for_each(|thread| thread.join().map_err(|_| "a copy panicked".to_owned())?)
        })?;
        let all = Answer { status: 200, elapsed: start.elapsed(), ..Answer::default() };
        judge(Ok(all), step, names)
    }

    fn look_at_system(&self, step: &Value, names: &Names) -> Outcome {
        let want = &step["want"];
        if let Some(folder) = step["disk"].as_str() {
            let folder = text::text(&folder.into(), names);
            let (bytes, most) = (
                processes::bytes_below(Path::new(&folder)),
                want["bytes_at_most"].as_u64().expect("a bound"),
            );
            return if bytes <= most {
                Ok(())
            } else {
                Err(format!("{bytes} bytes below {folder}, expected at most {most}"))
            };
        }
        let pattern = step["pattern"].as_str().map(|pattern| text::text(&pattern.into(), names));
        let count = || match &pattern {
            Some(pattern) => processes::running(pattern),
            None => processes::children_in_state(self.server.pid(), step["state"].as_str().expect("a state")),
        };
        let deadline = Instant::now() + seconds(&want["within_s"]).unwrap_or(PATIENCE);
        loop {
            let now = count() as u64;
            let enough = want["count_at_least"].as_u64().is_none_or(|least| now >= least);
            if enough && want["count"].as_u64().is_none_or(|exactly| now == exactly) {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!(
                    "{now} processes like {:?}, expected {want}",
                    pattern.as_deref().unwrap_or("zombies")
                ));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn file(&self, step: &Value, names: &Names) -> Outcome {
        let path = text::text(&step["path"], names);
        let path = Path::new(&path);
        let mode = step["mode"].as_str().map(|digits| u32::from_str_radix(digits, 8).expect("octal digits"));
        if let Some(content) = step.get("make") {
            std::fs::write(path, text::bytes(content, names)).map_err(|error| error.to_string())?;
            self.home.give(path);
            if let Some(mode) = mode {
                std::fs::set_permissions(path, PermissionsExt::from_mode(mode))
                    .map_err(|error| error.to_string())?;
            }
            return Ok(());
        }
        let wanted = step["want"].as_object().expect("a file step wants something");
        wanted.iter().try_for_each(|(what, wanted)| check_file(path, what, &text::expand(wanted, names)))
    }

    /// Opens many connections, half of which send the beginning of a request.
    fn hold(&self, step: &Value) -> Outcome {
        let _one_at_a_time = HOLDING.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = step["connections"].as_u64().expect("a number") as usize;
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let start = Instant::now();
        while held.len() < wanted.min(super::free_descriptors()) {
            let mut stream = http::connect(self.server.address, PATIENCE)
                .map_err(|error| format!("connection {} of {wanted}: {error}", held.len()))?;
            if held.len() % 2 == 0 {
                drop(io::Write::write_all(&mut stream, step["half"].as_str().unwrap_or_default().as_bytes()));
            }
            held.push(stream);
            if start.elapsed() > PATIENCE {
                return Err(format!("only {} of {wanted} connections in {PATIENCE:?}", held.len()));
            }
        }
        Ok(())
    }

    /// Closes what the case opened, whatever became of it.
    pub fn tidy_up(&self) {
        let mut sessions = std::mem::take(&mut *self.sessions.lock().unwrap_or_else(PoisonError::into_inner));
        sessions.push(self.names.get("@SESSION@").to_owned());
        sessions.dedup();
        for session in sessions {
            let mut request = typed("/close_session", &json!({"session_type": "bash", "session": session}));
            request.headers.push(("x-api-key".into(), self.server.token.clone()));
            drop(request.send(self.server.address, PATIENCE));
        }
    }
}

fn judge(answer: io::Result<Answer>, step: &Value, names: &Names) -> Outcome {
    let answer = answer.map_err(|error| format!("no answer: {error}"))?;
    let found = want::differences(&text::expand(&step["want"], names), &answer, implied_exit_code(step));
    if found.is_empty() { Ok(()) } else { Err(found.join("\n      ")) }
}

/// A normal command that says nothing of its exit code is one that succeeds.
fn implied_exit_code(step: &Value) -> Option<i64> {
    let unusual = ["check", "expect", "is_interactive_command", "is_interactive_quit"];
    (step["call"] == "run" && unusual.iter().all(|key| step.get(*key).is_none())).then_some(0)
}

fn is_for_runner(key: &str, step: &Value) -> bool {
    let names_a_file = matches!(step["call"].as_str(), Some("read_file" | "write_file"));
    NOT_SENT.contains(&key) && !(key == "path" && names_a_file)
}

fn check_file(path: &Path, what: &str, wanted: &Value) -> Outcome {
    let data = path.symlink_metadata();
    let got = match what {
        "exists" => Value::Bool(data.is_ok()),
        "directory" => Value::Bool(data.is_ok_and(|data| data.is_dir())),
        "size" => data.map_or(Value::Null, |data| data.len().into()),
        "mode" => data.map_or(Value::Null, |data| format!("{:o}", data.permissions().mode() & 0o7777).into()),
        "link" => std::fs::read_link(path).map_or(Value::Null, |link| link.to_string_lossy().into()),
        "hex" => std::fs::read(path).map_or(Value::Null, |bytes| {
            bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
        }),
        "content" => std::fs::read(path).map_or(Value::Null, |bytes| String::from_utf8_lossy(&bytes).into()),
        other => panic!("a file step wants {other:?}, which nobody knows"),
    };
    if got == *wanted {
        Ok(())
    } else {
        Err(format!("{what} of {}: expected {wanted}, got {got}", path.display()))
    }
}

fn path(step: &Value, names: &Names) -> String {
    text::text(&step["path"], names)
}

fn raw(step: &Value, names: &Names) -> Request {
    let method = step["method"].as_str().expect("a method").to_owned();
    let body = match (step.get("body"), step.get("text")) {
        (Some(body), _) => Some(text::expand(body, names).to_string().into_bytes()),
        (_, Some(literal)) => Some(text::bytes(literal, names)),
        _ => (method == "POST").then(Vec::new),
    };
    let says_type = step["headers"].get("content-type").is_some();
    let headers =
        (body.is_some() && !says_type).then(|| ("content-type".to_owned(), "application/json".to_owned()));
    Request { method, path: path(step, names), headers: headers.into_iter().collect(), body }
}

fn typed(path: &str, fields: &Value) -> Request {
    post(path, "application/json", fields.to_string().into_bytes())
}

fn post(path: &str, content_type: &str, body: Vec<u8>) -> Request {
    let headers = vec![("content-type".to_owned(), content_type.to_owned())];
    Request { method: "POST".into(), path: path.into(), headers, body: Some(body) }
}

fn seconds(value: &Value) -> Option<Duration> {
    Duration::try_from_secs_f64(value.as_f64()?).ok()
}

impl<'a> Performance<'a> {
    /// Nothing performed yet.
    pub fn new(home: &'a Home, server: &'a Server, names: Names) -> Self {
        let (sent, held, sessions) = (Mutex::default(), Mutex::default(), Mutex::default());
        Self { home, server, names, sent, held, sessions, begun: Instant::now() }
    }
}
