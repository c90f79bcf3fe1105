//! Where the trouble may have begun, and why each service is thought of.

use crate::model::report::Report;

use super::{Column, Section};

const COLUMNS: &[Column] =
    &[Column::Text("service"), Column::Number("score"), Column::Text("because of"), Column::Number("points")];

/// Suspects shown; the JSON report has more.
const SHOWN: usize = 5;

pub(super) fn section(report: &Report) -> Option<Section> {
    let shown = || report.suspects.iter().take(SHOWN);
    let rows: Vec<_> = shown()
        .flat_map(|suspect| {
            suspect.terms.iter().enumerate().map(|(at, term)| {
                let first = |text: String| if at == 0 { text } else { String::new() };
                vec![
                    first(suspect.service.clone()),
                    first(suspect.score.to_string()),
                    term.name.clone(),
                    term.points.to_string(),
                ]
            })
        })
        .collect();
    let notes = shown().flat_map(|suspect| {
        suspect
            .terms
            .iter()
            .map(|term| format!("{}, {} {}: {}", suspect.service, term.name, term.points, term.why))
    });
    (!rows.is_empty()).then(|| Section { title: "Suspects", columns: COLUMNS, notes: notes.collect(), rows })
}
