//! Operations: how long they took, and how they ended.

use crate::{
    model::{Operation, report::Report},
    report::digest,
};

use super::{Column, Section, millis, percent};

const COLUMNS: &[Column] = &[
    Column::Text("operation"),
    Column::Text("timed by"),
    Column::Number("calls"),
    Column::Number("succeeded"),
    Column::Number("avg ms"),
    Column::Number("p50"),
    Column::Number("p95"),
    Column::Number("p99"),
    Column::Number("max"),
    Column::Number("slow"),
];

/// Rows shown; those with most slow calls, and then most calls, come first.
const SHOWN: usize = 20;

pub(super) fn section(report: &Report) -> Option<Section> {
    let mut timed: Vec<&Operation> = report.operations.iter().filter(|row| row.total > 0).collect();
    timed.sort_by(|a, b| (b.slow, b.total).cmp(&(a.slow, a.total)).then(a.name.cmp(&b.name)));
    let rows = timed.iter().take(SHOWN).map(|row| {
        vec![
            row.name.clone(),
            row.source.clone(),
            digest::number(row.total),
            row.success_rate.map_or("-".to_owned(), percent),
            millis(row.avg_ms),
            millis(row.p50_ms),
            millis(row.p95_ms),
            millis(row.p99_ms),
            millis(row.max_ms),
            digest::number(row.slow),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let left = timed.len() - rows.len();
    let notes = if left > 0 { vec![format!("and {left} more, in report.json")] } else { Vec::new() };
    (!rows.is_empty()).then_some(Section { title: "Operations", columns: COLUMNS, rows, notes })
}
