//! Results on standard output: a table for people, JSON for programs.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
};

use serde_json::Value;

use crate::{Error, console::Format};

/// Shows an object as lines `name  value`, a list of objects as columns.
pub(super) fn show(value: &Value, format: Format) -> Result<(), Error> {
    let mut text = String::new();
    match (format, value) {
        (Format::Json, _) => text = format!("{value:#}\n"),
        (Format::Table, Value::Array(rows)) => columns(rows, &mut text),
        (Format::Table, _) => lines(value, 0, &mut text),
    }
    print(&text)
}

/// Prints text as it is. A reader that has gone away is no failure of ours to report.
pub(super) fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(source) if source.kind() != io::ErrorKind::BrokenPipe => {
            Err(Error::Io { path: "standard output".into(), source })
        }
        _ => Ok(()),
    }
}

// Writing to a String does not fail.
fn lines(value: &Value, indent: usize, out: &mut String) {
    let Value::Object(fields) = value else {
        let _ = writeln!(out, "{:indent$}{}", "", text(value));
        return;
    };
    let width = fields.keys().map(|key| key.chars().count()).max().unwrap_or(0);
    for (key, value) in fields {
        match value {
            Value::Object(_) => {
                let _ = writeln!(out, "{:indent$}{key}", "");
                lines(value, indent + 2, out);
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                let _ = writeln!(out, "{:indent$}{key}", "");
                for item in items {
                    lines(item, indent + 2, out);
                    out.push('\n');
                }
            }
            _ => {
                let _ = writeln!(out, "{:indent$}{key:width$}  {}", "", text(value));
            }
        }
    }
}

fn columns(rows: &[Value], out: &mut String) {
    let Some(Value::Object(first)) = rows.first() else { return };
    let keys: Vec<&String> = first.keys().collect();
    let cell = |row: &Value, key: &str| text(row.get(key).unwrap_or(&Value::Null));
    let widths: Vec<usize> = keys
        .iter()
        .map(|key| {
            rows.iter().map(|row| cell(row, key).chars().count()).chain([key.chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let mut line = |cells: Vec<String>| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}", width = *width)).collect();
        out.push_str(padded.join("  ").trim_end());
        out.push('\n');
    };
    line(keys.iter().map(|key| (*key).clone()).collect());
    for row in rows {
        line(keys.iter().map(|key| cell(row, key)).collect());
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
