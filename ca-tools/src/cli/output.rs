//! Results on standard output: a table for people, JSON for programs.

use serde_json::Value;

/// How results are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Table,
    /// For programs.
    Json,
}

/// Shows an object as lines `name  value`, a list of objects as columns.
pub(crate) fn show(value: &Value, format: Format) {
    match (format, value) {
        (Format::Json, _) => println!("{value:#}"),
        (Format::Table, Value::Array(rows)) => columns(rows),
        (Format::Table, _) => lines(value, 0),
    }
}

fn lines(value: &Value, indent: usize) {
    let Value::Object(fields) = value else {
        println!("{:indent$}{}", "", text(value));
        return;
    };
    let width = fields.keys().map(|key| key.chars().count()).max().unwrap_or(0);
    for (key, value) in fields {
        match value {
            Value::Object(_) => {
                println!("{:indent$}{key}", "");
                lines(value, indent + 2);
            }
            Value::Array(items) if items.iter().any(Value::is_object) => {
                println!("{:indent$}{key}", "");
                for item in items {
                    lines(item, indent + 2);
                    println!();
                }
            }
            _ => println!("{:indent$}{key:width$}  {}", "", text(value)),
        }
    }
}

fn columns(rows: &[Value]) {
    let Some(Value::Object(first)) = rows.first() else { return };
    let keys: Vec<&String> = first.keys().collect();
    let cell = |row: &Value, key: &str| text(row.get(key).unwrap_or(&Value::Null));
    let widths: Vec<usize> = keys
        .iter()
        .map(|key| {
            rows.iter().map(|row| cell(row, key).chars().count()).chain([key.chars().count()]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: Vec<String>| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}", width = *width)).collect();
        println!("{}", padded.join("  ").trim_end());
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
