//! What this server offers beyond the protocol, under `/ext`.

mod archives;
mod contents;
mod looking;
mod pipe;
pub mod streams;

use std::sync::Arc;

use crate::app::{App, Call};
use crate::reply::{Answer, Refusal, Reply};
use crate::routes::Operation;

/// Does what an extension is for.
///
/// # Errors
/// What is wrong with the request, and what the runtime says.
pub async fn perform(app: &Arc<App>, call: Call) -> Result<Answer, Refusal> {
    let mut query = app.query(&call)?;
    match call.operation {
        Operation::Sessions => Ok(looking::sessions(app).into_answer()),
        Operation::Stats => looking::stats(app).await.map(Reply::into_answer),
        Operation::Glob => looking::glob(app, query).await.map(Reply::into_answer),
        Operation::Search => looking::search(app, query).await.map(Reply::into_answer),
        Operation::SessionOutput => {
            streams::output(app, &crate::query::decoded(&call.name), query.maybe_count("from"))
        }
        Operation::GetFile => contents::get(app, query, &call.headers).await,
        Operation::PutFile => contents::put(app, query, call.body).await.map(Reply::into_answer),
        Operation::GetArchive => archives::get(app, query).await,
        Operation::PutArchive => archives::put(app, query, call.body).await.map(Reply::into_answer),
        _ => Err(Refusal::NotFound),
    }
}
