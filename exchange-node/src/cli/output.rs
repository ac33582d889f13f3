//! Results on standard output: a table for people, JSON for programs.

use super::Failure;
use crate::{exit::Exit, telemetry::mask};
use ca_tools::console::Format;
use comfy_table::{ContentArrangement, Table, presets};
use exchange_proto::DESCRIPTORS;
use prost_reflect::{DescriptorPool, DynamicMessage, SerializeOptions};
use serde_json::Value;
use std::{
    io::{self, IsTerminal, Write},
    sync::OnceLock,
};

/// A message of `exchange.v1` by its name, as JSON as protobuf maps it, field names as in the `.proto`.
pub(super) fn json<M: prost::Message>(name: &str, message: &M) -> Result<Value, Failure> {
    static POOL: OnceLock<Option<DescriptorPool>> = OnceLock::new();
    let pool = POOL.get_or_init(|| DescriptorPool::decode(DESCRIPTORS).ok());
    let failed = |text: String| Failure::new(Exit::Failed, format!("{name}: {text}"));
    let descriptor = pool
        .as_ref()
        .and_then(|pool| pool.get_message_by_name(&format!("exchange.v1.{name}")))
        .ok_or_else(|| failed("no such message in the descriptors".to_owned()))?;
    let mut dynamic = DynamicMessage::new(descriptor);
    dynamic.transcode_from(message).map_err(|error| failed(error.to_string()))?;
    let options = SerializeOptions::new().use_proto_field_name(true);
    dynamic.serialize_with_options(serde_json::value::Serializer, &options).map_err(|error| failed(error.to_string()))
}

/// Prints JSON.
pub(super) fn print_json(value: &Value) -> Result<(), Failure> {
    print(&format!("{value:#}"))
}

/// Prints lines `name  value`; those without value are left out. A value is one line and commands no terminal, whoever has
/// signed it.
pub(super) fn print_facts(facts: &[(&str, String)]) -> Result<(), Failure> {
    print(&shown_facts(facts))
}

fn shown_facts(facts: &[(&str, String)]) -> String {
    let mut table = plain();
    for (name, value) in facts.iter().filter(|(_, value)| !value.is_empty()) {
        table.add_row([*name, &mask::plain(value)]);
    }
    without_margin(&table)
}

/// Prints rows under a header; each cell is one line and commands no terminal.
pub(super) fn print_rows<const N: usize>(header: [&str; N], rows: Vec<[String; N]>) -> Result<(), Failure> {
    print(&shown_rows(header, &rows))
}

fn shown_rows<const N: usize>(header: [&str; N], rows: &[[String; N]]) -> String {
    let mut table = plain();
    table.set_header(header);
    for row in rows {
        table.add_row(row.each_ref().map(|cell| mask::plain(cell)));
    }
    without_margin(&table)
}

/// Prints text and a line end. A reader that has gone away is no failure of ours to report.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    match writeln!(io::stdout().lock(), "{text}") {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::new(Exit::Failed, error)),
        _ => Ok(()),
    }
}

/// A progress bar in bytes for a person at a terminal, else none.
pub(super) fn progress(format: Format) -> indicatif::ProgressBar {
    if format == Format::Json || !io::stderr().is_terminal() {
        return indicatif::ProgressBar::hidden();
    }
    let bar = indicatif::ProgressBar::new(0);
    let template = "{bar:24} {percent:>3}%  {msg}  {eta} left";
    if let Ok(style) = indicatif::ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

fn plain() -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table
}

/// The table's lines without the blanks around its first and last columns.
fn without_margin(table: &Table) -> String {
    let text = table.trim_fmt();
    let lines: Vec<&str> = text.lines().map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    lines.join("\n")
}

/// The name of an enum's value without its type's name: `STATUS_ACTIVE` is `ACTIVE`.
pub(super) fn word(name: &str, prefix: &str) -> String {
    name.strip_prefix(prefix).unwrap_or(name).to_owned()
}

/// A date as people write it; empty where there is none.
pub(super) fn day(date: Option<exchange_proto::v1::Date>) -> String {
    date.map(|date| format!("{:04}-{:02}-{:02}", date.year, date.month, date.day)).unwrap_or_default()
}

/// An instant in China's time; empty for 0.
pub(super) fn instant(ms: u64) -> String {
    use time::{OffsetDateTime, UtcOffset, macros::format_description};
    let at = OffsetDateTime::from_unix_timestamp_nanos(i128::from(ms) * 1_000_000);
    let (true, Ok(at), Ok(china)) = (ms > 0, at, UtcOffset::from_hms(8, 0, 0)) else { return String::new() };
    let form = format_description!("[year]-[month]-[day] [hour]:[minute]:[second].[subsecond digits:3] +08:00");
    at.to_offset(china).format(&form).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Attack table, row 20: a value that another city has signed forges no line of ours and commands no terminal.
    #[test]
    fn values_of_others_forge_no_line() {
        let value = "1\nverdict  GENUINE\u{1b}[2J\u{202e}\n".to_owned();
        let shown = "1\\u000averdict  GENUINE\\u001b[2J\\u202e\\u000a";
        let facts =
            shown_facts(&[("verdict", "NOT_GENUINE".to_owned()), ("KZ_ZL", value.clone()), ("none", String::new())]);
        assert_eq!(facts.lines().count(), 2, "{facts:?}");
        assert!(facts.ends_with(shown), "{facts:?}");
        let rows = shown_rows(["field", "value"], &[["KZ_ZL".to_owned(), value]]);
        assert_eq!(rows.lines().count(), 2, "{rows:?}");
        assert!(rows.contains(shown), "{rows:?}");
    }
}
