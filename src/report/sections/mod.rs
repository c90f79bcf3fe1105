//! What a report says in tables, the same in every writer: which columns, which rows, in what order.
//!
//! To add a section: write `sections/<name>.rs` with a function that makes it of a report (or `None` where there is
//! nothing to say), its `mod` line, and its row below with the id that `--section` takes. Writers lay tables out and escape; they do not choose.

mod conflicts;
mod database;
mod memory;
mod news;
mod operations;
mod pools;
mod projections;
mod suspects;
mod templates;
mod traces;
mod validation;

use crate::model::{Timestamp, report::Report};

use super::digest;

/// What makes a section of a report, or `None` where there is nothing to say.
type Make = fn(&Report) -> Option<Section>;

/// Every section by its id, in the order of a report.
pub(super) const SECTIONS: &[(&str, Make)] = &[
    ("news", news::section),
    ("suspects", suspects::section),
    ("operations", operations::section),
    ("traces", traces::section),
    ("conflicts", conflicts::section),
    ("validation", validation::section),
    ("projections", projections::section),
    ("pools", pools::section),
    ("blocking", database::blocking),
    ("sessions", database::sessions),
    ("statements", database::statements),
    ("relations", database::relations),
    ("memory", memory::section),
    ("templates", templates::section),
];

/// The sections that belong to one chapter of a page.
pub(super) fn of<'r>(report: &'r Report, chapter: &str) -> impl Iterator<Item = Section> + use<'r> {
    let ids: &[&str] = match chapter {
        "database" => &["blocking", "sessions", "statements", "relations"],
        "refusals" => &["conflicts", "validation"],
        id => &[id],
    };
    let of = SECTIONS.iter().filter(|(id, _)| ids.contains(id));
    of.filter_map(|(_, make)| make(report)).collect::<Vec<_>>().into_iter()
}

/// A table with a heading.
#[derive(Debug, PartialEq)]
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) columns: &'static [Column],
    /// As found in the evidence: not yet escaped.
    pub(super) rows: Vec<Vec<String>>,
    /// Lines below the table.
    pub(super) notes: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Column {
    Text(&'static str),
    /// Says most at its end.
    Path(&'static str),
    /// Stands to the right.
    Number(&'static str),
}

impl Column {
    pub(super) fn name(self) -> &'static str {
        match self {
            Column::Text(name) | Column::Path(name) | Column::Number(name) => name,
        }
    }
}

/// `12.3`, `1,204`: milliseconds, with a decimal where it says something.
pub(super) fn millis(value: Option<f64>) -> String {
    match value {
        None => "-".to_owned(),
        Some(value) if value < 10.0 && value.fract() != 0.0 => format!("{value:.1}"),
        Some(value) => digest::number(value.round() as u64),
    }
}

pub(super) fn percent(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

fn clock(time: Option<Timestamp>) -> String {
    time.map_or("-".to_owned(), Timestamp::clock)
}
