//! Memory of processes: how much, how fast it grows, how near its limit.

use crate::{model::report::Report, report::digest};

use super::{Column, Section, clock};

const COLUMNS: &[Column] = &[
    Column::Text("process"),
    Column::Number("first"),
    Column::Number("last"),
    Column::Number("peak"),
    Column::Text("at"),
    Column::Number("limit"),
    Column::Number("per hour"),
    Column::Text("known from"),
];

pub(super) fn section(report: &Report) -> Option<Section> {
    let rows = report.memory.iter().map(|row| {
        let growth = |rate: f64| {
            let sign = if rate < 0.0 { "-" } else { "+" };
            format!("{sign}{}", digest::bytes(rate.abs() as u64))
        };
        vec![
            row.service.clone(),
            digest::bytes(row.first_bytes),
            digest::bytes(row.last_bytes),
            digest::bytes(row.peak_bytes),
            clock(row.peak_at),
            row.limit_bytes.map_or("-".to_owned(), digest::bytes),
            row.growth_per_hour.map_or("-".to_owned(), growth),
            row.sources.join(", "),
        ]
    });
    let rows: Vec<_> = rows.collect();
    (!rows.is_empty()).then_some(Section { title: "Memory", columns: COLUMNS, rows, notes: Vec::new() })
}
