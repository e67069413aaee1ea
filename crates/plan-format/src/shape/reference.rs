//! The reference of all fields for the documentation; generated from the tables.

use std::fmt::Write as _;

use super::{DEFAULTS, INPUT, OUTPUT, PLAN, Shape, TASK, Takes};

/// The tables in Markdown.
#[must_use]
pub fn markdown() -> String {
    let mut out = String::new();
    let parts = TASK.fields.iter().filter_map(|field| match field.takes {
        Takes::Object(shape) => Some(shape),
        _ => None,
    });
    for shape in [&PLAN, &TASK, &INPUT, &OUTPUT, &DEFAULTS].into_iter().chain(parts) {
        write_shape(&mut out, shape);
    }
    out
}

fn write_shape(out: &mut String, shape: &Shape) {
    let _ =
        writeln!(out, "### `{}`\n\n{}\n\n| field | takes | meaning |\n|---|---|---|", shape.name, shape.doc);
    for field in shape.fields {
        let needed = if field.required { " (required)" } else { "" };
        let takes = field.takes.describe().replace('|', "\\|");
        let _ = writeln!(out, "| `{}`{needed} | {takes} | {} |", field.name, field.doc.replace('|', "\\|"));
    }
    out.push('\n');
}
