//! Projections: how far behind, what they never saw, what to do.

use crate::{model::report::Report, report::digest};

use super::{Column, Section};

const COLUMNS: &[Column] = &[
    Column::Text("projection"),
    Column::Text("status"),
    Column::Number("lag"),
    Column::Number("behind"),
    Column::Number("never seen"),
    Column::Text("what to do"),
    Column::Text("why"),
];

pub(super) fn section(report: &Report) -> Option<Section> {
    let rows = report.projections.iter().map(|row| {
        let number = |number: Option<u64>| number.map_or("-".to_owned(), digest::number);
        vec![
            row.name.clone(),
            digest::projection_status(row).to_owned(),
            row.lag_ms.map_or("-".to_owned(), digest::duration),
            number(row.events_behind),
            number(row.events_never_projected),
            digest::rebuild(row),
            row.why.clone(),
        ]
    });
    let rows: Vec<_> = rows.collect();
    (!rows.is_empty()).then_some(Section { title: "Projections", columns: COLUMNS, rows, notes: Vec::new() })
}
