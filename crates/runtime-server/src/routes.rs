//! The endpoints, as data: which there are, and what they take. Routing, checking and the OpenAPI document all read
//! this one table.

use hyper::Method;

use crate::schema::{Body, Field, Kind, Preset, Shape};

/// What an endpoint does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// `GET /`
    Hello,
    /// `GET /is_alive`
    IsAlive,
    /// `POST /create_session`
    CreateSession,
    /// `POST /run_in_session`
    RunInSession,
    /// `POST /close_session`
    CloseSession,
    /// `POST /execute`
    Execute,
    /// `POST /read_file`
    ReadFile,
    /// `POST /write_file`
    WriteFile,
    /// `POST /upload`
    Upload,
    /// `POST /close`
    Close,
    /// `GET /openapi.json`
    OpenApi,
    /// `GET /docs`
    Docs,
    /// `GET /ext/sessions`
    Sessions,
    /// `GET /ext/sessions/{name}/output`
    SessionOutput,
    /// `POST /ext/run_in_session`
    StreamRun,
    /// `GET /ext/files`
    GetFile,
    /// `PUT /ext/files`
    PutFile,
    /// `GET /ext/archive`
    GetArchive,
    /// `PUT /ext/archive`
    PutArchive,
    /// `GET /ext/glob`
    Glob,
    /// `GET /ext/search`
    Search,
    /// `GET /ext/stats`
    Stats,
}

/// An endpoint.
#[derive(Debug)]
pub struct Route {
    /// Its method; what can be got can also be asked for its head.
    pub method: Method,
    /// Its path; `{name}` stands for one segment.
    pub path: &'static str,
    /// What it does.
    pub operation: Operation,
    /// The JSON that it takes.
    pub body: Option<&'static Body>,
    /// Its query parameters.
    pub query: &'static [Field],
    /// What it does, in words.
    pub about: &'static str,
}

/// What a request line leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found<'a> {
    /// An endpoint, and what `{name}` stands for.
    Route(Operation, &'a str),
    /// The path exists for other methods only.
    OtherMethod(String),
    /// The path exists without the slash at its end.
    WithoutSlash,
    /// There is no such path.
    Nothing,
}

/// Looks a request line up.
pub fn find<'a>(method: &Method, path: &'a str) -> Found<'a> {
    let mut allowed = Vec::new();
    for route in &ROUTES {
        let Some(name) = fits(route.path, path) else { continue };
        let head = *method == Method::HEAD && route.method == Method::GET;
        if route.method == *method || head {
            return Found::Route(route.operation, name);
        }
        allowed.push(route.method.as_str());
    }
    if !allowed.is_empty() {
        return Found::OtherMethod(allowed.join(", "));
    }
    match path.strip_suffix('/') {
        Some(shorter) if ROUTES.iter().any(|route| fits(route.path, shorter).is_some()) => {
            Found::WithoutSlash
        }
        _ => Found::Nothing,
    }
}

/// What `{name}` stands for when `path` fits `pattern`.
fn fits<'a>(pattern: &str, path: &'a str) -> Option<&'a str> {
    let Some((before, after)) = pattern.split_once("{name}") else {
        return (pattern == path).then_some("");
    };
    let name = path.strip_prefix(before)?.strip_suffix(after)?;
    (!name.is_empty() && !name.contains('/')).then_some(name)
}

/// The route of an operation.
pub fn route(operation: Operation) -> Option<&'static Route> {
    ROUTES.iter().find(|route| route.operation == operation)
}

const fn field(name: &'static str, kind: Kind, preset: Preset, about: &'static str) -> Field {
    Field { name, kind, preset, about }
}

const SESSION: Field = field("session", Kind::Text, Preset::Text("default"), "Name of the session.");
const EXPECT: Field = field(
    "expect",
    Kind::Texts,
    Preset::NoTexts,
    "Regular expressions; one that matches new output ends the wait.",
);
const ERROR_MSG: Field =
    field("error_msg", Kind::Text, Preset::Text(""), "Put in front of the message of a failure.");
const SESSION_TYPE: Field =
    field("session_type", Kind::Choice(&["bash"]), Preset::Text("bash"), "The shell.");
const OUTPUT_LIMIT: Field = field(
    "output_limit",
    Kind::Whole,
    Preset::Null,
    "Extension: most bytes of output; beyond it the middle is left out and counted.",
);
const CHECK: Field = field(
    "check",
    Kind::Choice(&["silent", "raise", "ignore"]),
    Preset::Text("raise"),
    "What a non-zero exit code means: reported, an error, or not looked at.",
);
const NO_OUTPUT_TIMEOUT: Field = field(
    "no_output_timeout",
    Kind::Number,
    Preset::Null,
    "Extension: seconds without any output after which the wait ends.",
);
const UNTIL_INPUT: Field = field(
    "until_input",
    Kind::Flag,
    Preset::Flag(false),
    "Extension: also answer when the program waits for input.",
);
const PATH: Field = field("path", Kind::Text, Preset::Required, "The file.");

static CREATE_SESSION: Body = Body::Tagged {
    tag: "session_type",
    variants: &[(
        "bash",
        &Shape {
            title: "CreateBashSessionRequest",
            fields: &[
                field(
                    "startup_source",
                    Kind::Texts,
                    Preset::NoTexts,
                    "Files that are sourced before the first command.",
                ),
                SESSION,
                SESSION_TYPE,
                field(
                    "startup_timeout",
                    Kind::Number,
                    Preset::Number(1.0),
                    "Seconds that start and sourcing may take.",
                ),
            ],
        },
    )],
};

static CLOSE_SESSION: Body = Body::Tagged {
    tag: "session_type",
    variants: &[("bash", &Shape { title: "CloseBashSessionRequest", fields: &[SESSION, SESSION_TYPE] })],
};

/// The fields of a command, with the extensions last.
static BASH: Shape = Shape {
    title: "BashAction",
    fields: &[
        field("action_type", Kind::Choice(&["bash"]), Preset::Text("bash"), "The kind of action."),
        field("command", Kind::Text, Preset::Required, "The command, or text for the program that runs."),
        SESSION,
        field("timeout", Kind::Number, Preset::Null, "Seconds to wait; null is as long as it takes."),
        field(
            "is_interactive_command",
            Kind::Flag,
            Preset::Flag(false),
            "The text is for a program that talks.",
        ),
        field("is_interactive_quit", Kind::Flag, Preset::Flag(false), "The text ends a program that talks."),
        CHECK,
        ERROR_MSG,
        EXPECT,
        OUTPUT_LIMIT,
        NO_OUTPUT_TIMEOUT,
        UNTIL_INPUT,
        field("usage", Kind::Flag, Preset::Flag(false), "Extension: report what the command used."),
    ],
};

static RUN_IN_SESSION: Body = Body::Tagged {
    tag: "action_type",
    variants: &[
        ("bash", &BASH),
        (
            "bash_interrupt",
            &Shape {
                title: "BashInterruptAction",
                fields: &[
                    field(
                        "action_type",
                        Kind::Choice(&["bash_interrupt"]),
                        Preset::Text("bash_interrupt"),
                        "The kind of action.",
                    ),
                    SESSION,
                    field("timeout", Kind::Number, Preset::Number(0.2), "Seconds for each try."),
                    field("n_retry", Kind::Whole, Preset::Whole(3), "Tries before the program is killed."),
                    EXPECT,
                ],
            },
        ),
        ("bash_wait", &WAIT),
    ],
};

/// The fields of an action that joins a running command; an extension as a whole.
static WAIT: Shape = Shape {
    title: "BashWaitAction",
    fields: &[
        field("action_type", Kind::Choice(&["bash_wait"]), Preset::Text("bash_wait"), "The kind of action."),
        SESSION,
        field("timeout", Kind::Number, Preset::Null, "Seconds to wait; null is as long as it takes."),
        CHECK,
        EXPECT,
        OUTPUT_LIMIT,
        NO_OUTPUT_TIMEOUT,
        UNTIL_INPUT,
    ],
};

static EXECUTE: Body = Body::Plain(&Shape {
    title: "Command",
    fields: &[
        field(
            "command",
            Kind::TextOrTexts,
            Preset::Required,
            "A program and its arguments, or text for a shell.",
        ),
        field(
            "timeout",
            Kind::Number,
            Preset::Null,
            "Seconds until it is killed; null is as long as it takes.",
        ),
        field("shell", Kind::Flag, Preset::Flag(false), "Run it by /bin/sh -c."),
        field("check", Kind::Flag, Preset::Flag(false), "A non-zero exit code is an error."),
        ERROR_MSG,
        field("env", Kind::TextMap, Preset::Null, "The whole environment; null is the server's."),
        field("cwd", Kind::Text, Preset::Null, "The directory; null is the server's."),
        field(
            "merge_output_streams",
            Kind::Flag,
            Preset::Flag(false),
            "Standard error goes to standard output.",
        ),
        field("stdin", Kind::Text, Preset::Null, "Extension: what the command reads."),
        OUTPUT_LIMIT,
    ],
});

static READ_FILE: Body = Body::Plain(&Shape {
    title: "ReadFileRequest",
    fields: &[
        PATH,
        field("encoding", Kind::Text, Preset::Null, "The encoding; null is UTF-8."),
        field(
            "errors",
            Kind::Text,
            Preset::Null,
            "What happens to bytes that do not decode; null is an error.",
        ),
    ],
});

static WRITE_FILE: Body = Body::Plain(&Shape {
    title: "WriteFileRequest",
    fields: &[PATH, field("content", Kind::Text, Preset::Required, "The file's text.")],
});

const ROOT: Field = field("root", Kind::Text, Preset::Text("."), "The directory to look in.");
const EVERYTHING: Field =
    field("everything", Kind::Flag, Preset::Flag(false), "Also what .gitignore names, and .git.");

const fn get(
    path: &'static str,
    operation: Operation,
    query: &'static [Field],
    about: &'static str,
) -> Route {
    Route { method: Method::GET, path, operation, body: None, query, about }
}

const fn put(
    path: &'static str,
    operation: Operation,
    query: &'static [Field],
    about: &'static str,
) -> Route {
    Route { method: Method::PUT, path, operation, body: None, query, about }
}

const fn post(
    path: &'static str,
    operation: Operation,
    body: Option<&'static Body>,
    about: &'static str,
) -> Route {
    Route { method: Method::POST, path, operation, body, query: &[], about }
}

/// Every endpoint.
pub static ROUTES: [Route; 22] = [
    get("/", Operation::Hello, &[], "Says hello."),
    get("/is_alive", Operation::IsAlive, &[], "Says that the server answers."),
    post("/create_session", Operation::CreateSession, Some(&CREATE_SESSION), "Starts a persistent shell."),
    post(
        "/run_in_session",
        Operation::RunInSession,
        Some(&RUN_IN_SESSION),
        "Runs or interrupts a command in a session.",
    ),
    post(
        "/close_session",
        Operation::CloseSession,
        Some(&CLOSE_SESSION),
        "Ends a session and all that it started.",
    ),
    post("/execute", Operation::Execute, Some(&EXECUTE), "Runs one command to its end."),
    post("/read_file", Operation::ReadFile, Some(&READ_FILE), "Reads a text file."),
    post("/write_file", Operation::WriteFile, Some(&WRITE_FILE), "Writes a text file."),
    post("/upload", Operation::Upload, None, "Takes a file, or a zip that is unpacked."),
    post("/close", Operation::Close, None, "Ends all sessions and all that they started."),
    get("/openapi.json", Operation::OpenApi, &[], "This document."),
    get("/docs", Operation::Docs, &[], "The endpoints for people."),
    get("/ext/sessions", Operation::Sessions, &[], "Extension: lists the sessions."),
    get(
        "/ext/sessions/{name}/output",
        Operation::SessionOutput,
        &[field("from", Kind::Whole, Preset::Null, "Offset to start at; null is now.")],
        "Extension: a session's output as it comes, as server-sent events.",
    ),
    post(
        "/ext/run_in_session",
        Operation::StreamRun,
        Some(&RUN_IN_SESSION),
        "Extension: as /run_in_session, with the output as it comes, as server-sent events.",
    ),
    get(
        "/ext/files",
        Operation::GetFile,
        &[
            PATH,
            field("offset", Kind::Whole, Preset::Null, "First byte."),
            field("length", Kind::Whole, Preset::Null, "Most bytes."),
        ],
        "Extension: a file's bytes; understands Range.",
    ),
    put(
        "/ext/files",
        Operation::PutFile,
        &[PATH, field("mode", Kind::Text, Preset::Null, "Permission bits, octal.")],
        "Extension: replaces a file at once.",
    ),
    get("/ext/archive", Operation::GetArchive, &[PATH], "Extension: a folder as a tar."),
    put("/ext/archive", Operation::PutArchive, &[PATH], "Extension: unpacks a tar into a folder."),
    get(
        "/ext/glob",
        Operation::Glob,
        &[
            ROOT,
            field("pattern", Kind::Text, Preset::Required, "The pattern; ** crosses directories."),
            field("limit", Kind::Whole, Preset::Whole(1000), "Most paths."),
            EVERYTHING,
        ],
        "Extension: finds files by name.",
    ),
    get(
        "/ext/search",
        Operation::Search,
        &[
            ROOT,
            field("pattern", Kind::Text, Preset::Required, "A regular expression."),
            field("glob", Kind::Text, Preset::Null, "Only files whose path matches."),
            field("limit", Kind::Whole, Preset::Whole(200), "Most lines."),
            field("context", Kind::Whole, Preset::Whole(0), "Lines shown around each."),
            EVERYTHING,
        ],
        "Extension: finds lines in files.",
    ),
    get("/ext/stats", Operation::Stats, &[], "Extension: figures about the server."),
];
