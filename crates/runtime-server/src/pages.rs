//! A page about the endpoints, for people.

use std::fmt::Write;

use bytes::Bytes;
use hyper::Response;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use crate::commands::VERSION;
use crate::reply::{Answer, Outgoing};
use crate::routes::ROUTES;

/// The list of endpoints as a small page.
pub fn endpoints() -> Answer {
    let mut page = format!(
        "<!doctype html><meta charset=utf-8><title>runtime server {VERSION}</title>\
         <h1>Runtime server {VERSION}</h1><p>All fields are in <a href=openapi.json>openapi.json</a>.</p><table>"
    );
    for route in &ROUTES {
        // Writing into a string does not fail.
        let _ = write!(
            page,
            "<tr><td>{}<td><code>{}</code><td>{}",
            route.method,
            route.path,
            route.about.replace('&', "&amp;").replace('<', "&lt;")
        );
    }
    let mut answer = Response::new(Outgoing::Whole(Bytes::from(page)));
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    answer
}
