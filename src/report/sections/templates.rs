//! What entries say that no pattern names.

use crate::{model::report::Report, report::digest};

use super::{Column, Section, clock};

const COLUMNS: &[Column] = &[
    Column::Text("level"),
    Column::Text("state"),
    Column::Number("count"),
    Column::Text("first"),
    Column::Text("last"),
    Column::Text("template"),
];

/// Templates shown; the JSON report has more.
const SHOWN: usize = 12;

pub(super) fn section(report: &Report) -> Option<Section> {
    let changed = |state: &str| state != "known";
    let mut listed: Vec<_> = report.templates.iter().collect();
    // They come the loudest first; what changed is worth more than what is always there.
    listed.sort_by_key(|template| !changed(&template.state));
    let rows: Vec<_> = listed
        .iter()
        .take(SHOWN)
        .map(|template| {
            vec![
                template.level.clone(),
                template.state.clone(),
                digest::number(template.occurrences),
                clock(template.first_seen),
                clock(template.last_seen),
                template.template.clone(),
            ]
        })
        .collect();
    let more = report.templates.len() as u64 + report.unlisted_templates.templates - rows.len() as u64;
    let mut notes = Vec::new();
    if more > 0 {
        let of = "in report.json; `coroner patterns suggest` makes patterns of them";
        notes.push(format!("and {} more, {of}", digest::number(more)));
    }
    if report.unlisted_templates.masked_harder > 0 {
        let sources = digest::counted(report.unlisted_templates.masked_harder as usize, "source", "sources");
        notes.push(format!("{sources} with so many kinds of messages that words were masked as well"));
    }
    (!rows.is_empty()).then_some(Section { title: "Unknown templates", columns: COLUMNS, rows, notes })
}
