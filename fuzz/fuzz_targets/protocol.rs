//! Any request line and body end in JSON with a status that says what was wrong. Nothing is carried out.

#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use smallhands_runtime_server::fuzzing;

#[derive(Debug, Arbitrary)]
struct Request<'a> {
    endpoint: u8,
    target: &'a str,
    kind: &'a [u8],
    body: &'a [u8],
}

const ENDPOINTS: [&str; 7] = [
    "/run_in_session",
    "/execute",
    "/create_session",
    "/close_session",
    "/read_file",
    "/write_file",
    "/ext/run_in_session",
];

fuzz_target!(|request: Request<'_>| {
    let known = ENDPOINTS[usize::from(request.endpoint) % ENDPOINTS.len()];
    fuzzing::requests_are_understood_or_refused("POST", known, b"application/json", request.body);
    fuzzing::requests_are_understood_or_refused("POST", known, request.kind, request.body);
    fuzzing::requests_are_understood_or_refused("GET", request.target, request.kind, request.body);
});
