//! Figures: medians and spread over the rounds, as a table and as JSON.

use crate::{Settings, disk, rounds::Side};
use anyhow::Result;
use comfy_table::{CellAlignment, Table, presets};
use serde_json::{Map, Value, json};
use std::path::Path;

/// Below this share of the reference figure the limit is not believed.
const LIMIT_BELIEVED: f64 = 0.7;

/// What makes a figure better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Better {
    /// A rate.
    Higher,
    /// A latency.
    Lower,
}

/// One figure with its limit.
#[derive(Debug, Clone)]
pub(crate) struct Figure {
    name: &'static str,
    unit: &'static str,
    better: Better,
    /// Ratio of value to limit that is wanted: at least, or at most.
    target: Option<f64>,
    /// What the limit reached on the two shared cores where the targets were set.
    reference: Option<f64>,
    /// Has the figure a limit at all?
    limited: bool,
    node: Vec<f64>,
    limit: Vec<f64>,
}

impl Figure {
    /// A figure beside a limit.
    pub(crate) const fn new(name: &'static str, unit: &'static str, better: Better) -> Self {
        Self { name, unit, better, target: None, reference: None, limited: true, node: Vec::new(), limit: Vec::new() }
    }

    /// The ratio that is wanted.
    pub(crate) const fn target(mut self, target: f64) -> Self {
        self.target = Some(target);
        self
    }

    /// What the limit reached where the targets were set.
    pub(crate) const fn reference(mut self, reference: f64) -> Self {
        self.reference = Some(reference);
        self
    }

    /// A figure of the node alone; its target is of the value.
    pub(crate) const fn unlimited(mut self) -> Self {
        self.limited = false;
        self
    }

    /// Adds what a round measured.
    pub(crate) fn add(&mut self, side: Side, number: f64) {
        match side {
            Side::Node => self.node.push(number),
            Side::Limit => self.limit.push(number),
        }
    }

    fn limit(&self) -> Option<f64> {
        if self.limited { median(&self.limit) } else { None }
    }

    fn ratio(&self) -> Option<f64> {
        Some(median(&self.node)? / self.limit()?)
    }

    /// Is the limit too slow to be a limit: something else was measured?
    fn limit_low(&self) -> bool {
        match (self.limit(), self.reference) {
            (Some(limit), Some(reference)) => match self.better {
                Better::Higher => limit < reference * LIMIT_BELIEVED,
                Better::Lower => limit > reference / LIMIT_BELIEVED,
            },
            _ => false,
        }
    }

    fn verdict(&self) -> &'static str {
        let found = if self.limited { self.ratio() } else { median(&self.node) };
        match (found, self.target) {
            (Some(found), Some(target)) => {
                let met = if self.better == Better::Higher { found >= target } else { found <= target };
                if met { "met" } else { "missed" }
            }
            _ => "",
        }
    }

    fn json(&self) -> Value {
        let mut object = Map::new();
        object.insert("name".to_owned(), json!(self.name));
        object.insert("value".to_owned(), json!(median(&self.node)));
        object.insert("unit".to_owned(), json!(self.unit));
        object.insert("limit".to_owned(), json!(self.limit()));
        object.insert("ratio".to_owned(), json!(self.ratio()));
        object.insert("spread".to_owned(), json!(spread(&self.node)));
        if self.limit_low() {
            object.insert("limit_low".to_owned(), json!(true));
        }
        Value::Object(object)
    }

    fn cells(&self) -> [String; 9] {
        let sign = if self.better == Better::Higher { "≥" } else { "≤" };
        [
            self.name.to_owned(),
            self.unit.to_owned(),
            number(median(&self.node)),
            percent(spread(&self.node)),
            number(self.limit()),
            percent(spread(&self.limit)),
            self.ratio().map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            self.target.map_or_else(String::new, |target| format!("{sign} {target} {}", self.verdict())),
            if self.limit_low() { "limit_low".to_owned() } else { String::new() },
        ]
    }
}

/// Runs a bench in its folder and prints what it found.
pub(crate) fn run(name: &str, settings: &Settings, bench: impl FnOnce(&Path) -> Result<Vec<Figure>>) -> Result<()> {
    let folder = settings.folder()?;
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let cores = std::thread::available_parallelism()?;
    println!(
        "{name}: {cores} cores, load {} before, data in {}, fsync p50 {:.0} µs, {} rounds",
        load.split(' ').next().unwrap_or_default(),
        folder.display(),
        disk::fsync_p50_us(&folder)?,
        settings.rounds
    );
    let figures = bench(&folder)?;
    let mut table = Table::new();
    table
        .load_style(presets::ASCII_MARKDOWN)
        .set_header(["figure", "unit", "median", "spread", "limit", "spread", "ratio", "target", "mark"]);
    for figure in &figures {
        table.add_row(figure.cells());
    }
    for column in 2..=6 {
        if let Some(column) = table.column_mut(column) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    println!("{table}");
    if settings.json {
        println!("{}", json!({"bench": name, "figures": figures.iter().map(Figure::json).collect::<Vec<_>>()}));
    }
    Ok(())
}

fn sorted(numbers: &[f64]) -> Vec<f64> {
    let mut sorted = numbers.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The middle one; of an even count the mean of the two middle ones.
pub(crate) fn median(numbers: &[f64]) -> Option<f64> {
    let sorted = sorted(numbers);
    let middle = sorted.len() / 2;
    match sorted.len() {
        0 => None,
        odd if odd % 2 == 1 => Some(sorted[middle]),
        _ => Some((sorted[middle - 1] + sorted[middle]) / 2.0),
    }
}

/// (max − min) / median; none of a median of nothing, as of refusals that there were none of.
fn spread(numbers: &[f64]) -> Option<f64> {
    let sorted = sorted(numbers);
    let median = median(numbers).filter(|median| *median > 0.0)?;
    Some((sorted.last()? - sorted.first()?) / median)
}

fn number(number: Option<f64>) -> String {
    match number {
        None => "–".to_owned(),
        Some(number) if number >= 100.0 => format!("{number:.0}"),
        Some(number) => format!("{number:.2}"),
    }
}

fn percent(share: Option<f64>) -> String {
    share.map_or_else(String::new, |share| format!("{:.0} %", share * 100.0))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn figure(better: Better, reference: f64, limit: &[f64], node: &[f64]) -> Figure {
        let mut figure = Figure::new("rate", "1/s", better).target(0.6).reference(reference);
        limit.iter().for_each(|number| figure.add(Side::Limit, *number));
        node.iter().for_each(|number| figure.add(Side::Node, *number));
        figure
    }

    #[test]
    fn medians_and_spread() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(&[]), None);
        assert_eq!(spread(&[90.0, 100.0, 120.0]), Some(0.3));
        assert_eq!(spread(&[0.0, 0.0, 1.0]), None);
    }

    #[test]
    fn a_limit_under_seventy_per_cent_is_marked() {
        assert!(!figure(Better::Higher, 10_000.0, &[7_000.0], &[]).limit_low());
        assert!(figure(Better::Higher, 10_000.0, &[6_999.0], &[]).limit_low());
        assert!(!figure(Better::Lower, 700.0, &[1_000.0], &[]).limit_low());
        assert!(figure(Better::Lower, 700.0, &[1_001.0], &[]).limit_low());
    }

    #[test]
    fn json_has_the_fields_that_scripts_read() {
        let found = figure(Better::Higher, 10_000.0, &[10_000.0], &[6_000.0]).json();
        assert_eq!(
            found,
            json!({"name": "rate", "value": 6000.0, "unit": "1/s", "limit": 10000.0, "ratio": 0.6, "spread": 0.0})
        );
        let low = figure(Better::Higher, 20_000.0, &[10_000.0], &[5_000.0]).json();
        assert_eq!(low["limit_low"], json!(true));
    }
}
