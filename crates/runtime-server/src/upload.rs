//! `/upload`: a file of any size goes to the disk as it arrives and gets its name when it is complete.

use std::path::{Path, PathBuf};

use hyper::StatusCode;
use hyper::header::CONTENT_TYPE;
use multer::{Field, Multipart};
use serde_json::{Value, json};
use smallhands_shell_runtime::files::landing::Landing;
use smallhands_shell_runtime::files::unzip::unzip;
use smallhands_shell_runtime::files::{FileError, unpacking::UnpackLimits};

use crate::app::{App, Call, blocking};
use crate::incoming::Pieces;
use crate::reply::{Refusal, Reply};
use crate::schema::{self, Body, Detail, Kind, Preset, Shape};
use crate::spool::Spool;

/// Longest text field, in bytes; a path is not longer.
const LONGEST_FIELD: usize = 64 << 10;

/// Name of a file that is uploaded to a directory, as the original has it.
const NAME_IN_DIRECTORY: &str = "temp_file_transfer";

/// The form's text fields. The path may be missing here so that its absence is told together with the file's.
static FORM: Body = Body::Plain(&Shape {
    title: "Upload",
    fields: &[
        schema::Field { name: "target_path", kind: Kind::Text, preset: Preset::Required, about: "Where to." },
        schema::Field { name: "unzip", kind: Kind::Flag, preset: Preset::Flag(false), about: "Unpack it." },
    ],
});

/// Takes an upload.
///
/// # Errors
/// What is wrong with the form, and what the file system says.
pub async fn upload(app: &App, call: Call) -> Result<Reply, Refusal> {
    let (file, fields) = receive(app, call).await?;
    let mut details = Vec::new();
    if file.is_none() {
        details.push(Detail::missing(vec![json!("body"), json!("file")], Value::Null));
    }
    let checked = schema::check(&FORM, Value::Object(fields)).map_err(|faults| details.extend(faults));
    let (Some(file), Ok(mut fields), true) = (file, checked, details.is_empty()) else {
        return Err(Refusal::Unprocessable(details.into_iter().map(Detail::without_object).collect()));
    };
    let target = app.files.locate(&fields.text("target_path"))?;
    let (unpack, limits) = (fields.flag("unzip"), app.options.unpack);
    blocking(move || place(file, &target, unpack.then_some(limits)).map_err(Refusal::from)).await?;
    Ok(Reply::ok(&json!({})))
}

fn place(mut file: Landing, target: &Path, unpack: Option<UnpackLimits>) -> Result<(), FileError> {
    if let Some(limits) = unpack {
        return unzip(file.file()?, target, limits);
    }
    if !target.is_dir() {
        return file.settle(target, None);
    }
    let inside = target.join(NAME_IN_DIRECTORY);
    match inside.symlink_metadata() {
        Ok(_) => Err(FileError::AlreadyThere { path: inside }),
        Err(_) => file.settle(&inside, None),
    }
}

type Texts = serde_json::Map<String, Value>;

/// Reads the form to its end: the file goes to the disk, the texts into memory.
async fn receive(app: &App, call: Call) -> Result<(Option<Landing>, Texts), Refusal> {
    let (mut file, mut texts) = (None, Texts::new());
    let kind = call.headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let mut pieces = Pieces::new(call.body, app.options.stall_timeout);
    if !kind.trim_start().to_ascii_lowercase().starts_with("multipart/form-data") {
        while pieces.next().await.transpose().map_err(crate::incoming::broken)?.is_some() {}
        return Ok((file, texts));
    }
    let boundary = multer::parse_boundary(kind).map_err(|_| bad("Missing boundary in multipart."))?;
    let mut form = Multipart::new(pieces, boundary);
    while let Some(field) = form.next_field().await.map_err(|error| bad_form(&error))? {
        let name = field.name().unwrap_or_default().to_owned();
        match (name.as_str(), field.file_name().is_some()) {
            ("file", true) => file = Some(store(field, spool(app, &texts)).await?),
            ("file", false) => return Err(no_file(field).await),
            ("target_path" | "unzip", false) => {
                let value = text(field).await?;
                // A field without content counts as missing.
                if !value.is_empty() {
                    texts.insert(name, Value::String(value));
                }
            }
            ("target_path" | "unzip", true) => {
                texts.insert(name, json!({"filename": field.file_name()}));
            }
            _ => {}
        }
    }
    Ok((file, texts))
}

/// The folders where the file may wait, best first: beside its target when that is known already.
fn spool(app: &App, texts: &Texts) -> Vec<PathBuf> {
    let target = texts.get("target_path").and_then(Value::as_str);
    let beside = target.and_then(|target| app.files.locate(target).ok());
    let beside =
        beside.and_then(|target| target.parent().filter(|parent| parent.is_dir()).map(Path::to_owned));
    [beside, Some(app.options.spool.clone()), Some(app.files.root().to_owned())]
        .into_iter()
        .flatten()
        .collect()
}

async fn store(mut field: Field<'_>, folders: Vec<PathBuf>) -> Result<Landing, Refusal> {
    let mut spool = Spool::open(folders).await?;
    while let Some(piece) = field.chunk().await.map_err(|error| bad_form(&error))? {
        spool.write(piece).await?;
    }
    spool.finish().await
}

async fn text(mut field: Field<'_>) -> Result<String, Refusal> {
    let mut bytes = Vec::new();
    while let Some(piece) = field.chunk().await.map_err(|error| bad_form(&error))? {
        bytes.extend_from_slice(&piece);
        if bytes.len() > LONGEST_FIELD {
            return Err(bad("A field of the form is too long."));
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

async fn no_file(field: Field<'_>) -> Refusal {
    let place = vec![json!("body"), json!("file")];
    let msg = "Value error, Expected UploadFile, received: <class 'str'>";
    let input = text(field).await.unwrap_or_default();
    let detail = Detail::new("value_error", place, msg, json!(input)).with("error", json!({}));
    Refusal::Unprocessable(vec![detail])
}

fn bad(words: &str) -> Refusal {
    Refusal::Status(StatusCode::BAD_REQUEST, words.to_owned())
}

fn bad_form(error: &multer::Error) -> Refusal {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return crate::incoming::broken(std::io::Error::new(io.kind(), io.to_string()));
        }
        source = inner.source();
    }
    bad(&format!("Invalid multipart data: {error}"))
}
