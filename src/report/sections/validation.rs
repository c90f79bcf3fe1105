//! Commands that validation or a business rule refused.

use crate::{model::report::Report, report::digest};

use super::{Column, Section};

const COLUMNS: &[Column] =
    &[Column::Text("kind"), Column::Text("rule"), Column::Text("command"), Column::Number("refused")];

/// Refusals shown; the JSON report has more.
const SHOWN: usize = 8;

pub(super) fn section(report: &Report) -> Option<Section> {
    if report.validation.is_empty() {
        return None;
    }
    let rows = report.validation.iter().take(SHOWN).map(|row| {
        vec![
            row.kind.clone(),
            row.rule.clone(),
            row.command_type.clone().unwrap_or_else(|| "-".to_owned()),
            digest::number(row.count),
        ]
    });
    let refused: u64 = report.validation.iter().map(|row| row.count).sum();
    let note = format!(
        "{} by {}; refusing is no fault of the system",
        digest::counted(refused as usize, "refusal", "refusals"),
        digest::counted(report.validation.len(), "rule", "rules"),
    );
    Some(Section { title: "Refused commands", columns: COLUMNS, rows: rows.collect(), notes: vec![note] })
}
