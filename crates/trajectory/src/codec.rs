//! The versioned JSON form of a trajectory: `{"format":"smallhands.trajectory","version":1,"entries":[…]}`.
//!
//! Unknown fields are ignored, so a minor addition needs no new version; a change of meaning does.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::record::Trajectory;

const FORMAT: &str = "smallhands.trajectory";
const VERSION: u32 = 1;

/// Why a text is no trajectory.
#[derive(Debug, Error)]
pub enum DecodeError {
    /// The text is not JSON, or its parts have the wrong shape.
    #[error("the trajectory cannot be read ({0}); it was cut or edited: use the copy in the event log")]
    Malformed(#[from] serde_json::Error),
    /// It is JSON of something else.
    #[error(
        "this is no trajectory: its format is {found:?}, expected {FORMAT:?}; check which file was given"
    )]
    OtherFormat {
        /// What the text calls itself.
        found: String,
    },
    /// It was written by a newer smallhands.
    #[error(
        "the trajectory has version {found}, this program knows up to {VERSION}; read it with a newer smallhands"
    )]
    NewerVersion {
        /// The version in the text.
        found: u32,
    },
}

#[derive(Serialize)]
struct Written<'a> {
    format: &'static str,
    version: u32,
    entries: &'a Trajectory,
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    format: String,
    #[serde(default)]
    version: u32,
}

#[derive(Deserialize)]
struct Body {
    entries: Trajectory,
}

/// The JSON text of a trajectory, on one line.
pub fn encode(trajectory: &Trajectory) -> String {
    let written = Written { format: FORMAT, version: VERSION, entries: trajectory };
    // Plain data with string keys always serialises; the empty fallback only keeps this free of a panic.
    serde_json::to_string(&written).unwrap_or_default()
}

/// Reads what [`encode`] wrote, of this or an earlier version.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode(text: &str) -> Result<Trajectory, DecodeError> {
    let header: Header = serde_json::from_str(text)?;
    if header.format != FORMAT {
        return Err(DecodeError::OtherFormat { found: header.format });
    }
    if header.version > VERSION {
        return Err(DecodeError::NewerVersion { found: header.version });
    }
    Ok(serde_json::from_str::<Body>(text)?.entries)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Message, ToolCall};
    use crate::record::{Observation, RequestHash, Step};
    use crate::usage::Usage;

    /// Version 1 as first written. It must stay readable for ever.
    const VERSION_1: &str = r#"{"format":"smallhands.trajectory","version":1,"entries":[{"kind":"told","data":{"role":"system","content":"be brief"}},{"kind":"step","data":{"request_hash":"b3-0","message":{"role":"assistant","content":"","tool_calls":[{"id":"c1","name":"bash","arguments":{"command":"ls"}}]},"observations":[{"tool_call_id":"c1","content":"no such tool","is_error":true},{"content":"a note"}],"usage":{"input_tokens":3,"cached_input_tokens":0,"cache_write_tokens":0,"output_tokens":1,"reasoning_tokens":0}}}]}"#;

    fn sample() -> Trajectory {
        let mut record = Trajectory::default();
        record.tell(Message::system("be brief"));
        record.push(Step {
            request_hash: RequestHash("b3-0".into()),
            message: Message::assistant("", vec![ToolCall::from_text("c1", "bash", r#"{"command":"ls"}"#)]),
            observations: vec![
                Observation {
                    tool_call_id: Some("c1".into()),
                    content: "no such tool".into(),
                    is_error: true,
                },
                Observation::note("a note"),
            ],
            usage: Usage { input_tokens: 3, output_tokens: 1, ..Usage::default() },
        });
        record
    }

    #[test]
    fn version_1_is_written_and_read_exactly() {
        assert_eq!(encode(&sample()), VERSION_1);
        assert_eq!(decode(VERSION_1).unwrap(), sample());
    }

    #[test]
    fn fields_from_later_versions_of_the_same_format_are_ignored() {
        let text = VERSION_1.replace(r#""version":1,"#, r#""version":1,"made_by":"x","#);
        assert_eq!(decode(&text).unwrap(), sample());
    }

    #[test]
    fn what_is_not_a_trajectory_is_refused_with_a_reason() {
        let check = |text: &str, expected: &str| {
            let message = decode(text).unwrap_err().to_string();
            assert!(message.contains(expected), "{text}: {message}");
        };
        check("{", "cannot be read");
        check("{}", "no trajectory");
        check(r#"{"format":"other","version":1}"#, "\"other\"");
        check(r#"{"format":"smallhands.trajectory","version":2}"#, "newer smallhands");
        check(r#"{"format":"smallhands.trajectory","version":1}"#, "entries");
        check(&VERSION_1[..VERSION_1.len() - 3], "cannot be read");
    }
}
