//! What there is: sessions, files by name, lines by content, figures about the server.

use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;

use serde_json::{Value, json};
use smallhands_shell_runtime::files::find;
use smallhands_shell_runtime::files::search::{self, Hit, Search};

use crate::app::{App, blocking};
use crate::reply::{Refusal, Reply};
use crate::schema::Fields;

/// Most results that a request may ask for.
const MOST: u64 = 100_000;

/// Lists the sessions.
pub fn sessions(app: &App) -> Reply {
    Reply::ok(&json!({"sessions": app.runtime.sessions()}))
}

fn count(query: &mut Fields, name: &str) -> usize {
    usize::try_from(query.maybe_count(name).unwrap_or(0).min(MOST)).unwrap_or(0)
}

fn shown(path: &Path) -> Value {
    json!(path.to_string_lossy())
}

/// Finds files by name.
///
/// # Errors
/// A pattern or a folder that is none.
pub async fn glob(app: &App, mut query: Fields) -> Result<Reply, Refusal> {
    let root = folder(app, &mut query)?;
    let (pattern, limit) = (query.text("pattern"), count(&mut query, "limit"));
    let everything = query.flag("everything");
    let found = blocking(move || Ok(find::glob(&root, &pattern, limit, everything)?)).await?;
    let paths: Vec<_> = found.paths.iter().map(|path| shown(path)).collect();
    Ok(Reply::ok(&json!({"paths": paths, "truncated": found.truncated})))
}

/// Finds lines in files.
///
/// # Errors
/// A pattern or a folder that is none.
pub async fn search(app: &App, mut query: Fields) -> Result<Reply, Refusal> {
    let root = folder(app, &mut query)?;
    let wanted = Search {
        pattern: query.text("pattern"),
        glob: query.maybe_text("glob"),
        limit: count(&mut query, "limit"),
        context: count(&mut query, "context").min(100),
        everything: query.flag("everything"),
    };
    let found = blocking(move || Ok(search::search(&root, &wanted)?)).await?;
    let hits: Vec<_> = found.hits.iter().map(hit).collect();
    Ok(Reply::ok(&json!({"hits": hits, "truncated": found.truncated, "skipped": found.skipped})))
}

fn folder(app: &App, query: &mut Fields) -> Result<PathBuf, Refusal> {
    Ok(app.files.locate(&query.text("root"))?)
}

fn hit(hit: &Hit) -> Value {
    json!({
        "path": shown(&hit.path),
        "line": hit.line,
        "text": hit.text,
        "before": hit.before,
        "after": hit.after,
    })
}

/// Figures about the server.
///
/// # Errors
/// None that is expected.
pub async fn stats(app: &App) -> Result<Reply, Refusal> {
    let (rss_bytes, fds, threads) = blocking(|| Ok((resident(), descriptors(), threads()))).await?;
    let (replies, reply_bytes) = app.kept.size();
    Ok(Reply::ok(&json!({
        "uptime_seconds": app.started.elapsed().as_secs_f64(),
        "requests": app.requests.load(Ordering::Relaxed),
        "connections": app.connections.load(Ordering::Relaxed),
        "sessions": app.runtime.sessions().len(),
        "rss_bytes": rss_bytes,
        "fds": fds,
        "threads": threads,
        "kept_replies": replies,
        "kept_reply_bytes": reply_bytes,
    })))
}

/// A line of `/proc/self/status`, as a number.
fn status(name: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

fn resident() -> Option<u64> {
    status("VmRSS").map(|kilobytes| kilobytes * 1024)
}

fn threads() -> Option<u64> {
    status("Threads")
}

fn descriptors() -> Option<usize> {
    std::fs::read_dir("/proc/self/fd").ok().map(Iterator::count)
}
