//! Streams that commands fought over.

use crate::{
    model::report::Report,
    report::{digest, waterfall},
};

use super::{Column, Section, clock, millis};

const COLUMNS: &[Column] = &[
    Column::Text("stream"),
    Column::Number("conflicts"),
    Column::Number("retries"),
    Column::Number("given up"),
    Column::Number("waited ms"),
    Column::Text("first"),
    Column::Text("last"),
    Column::Text("commands"),
];

/// Streams shown; the JSON report has more.
const SHOWN: usize = 8;
/// One or two conflicts on a stream are nobody's fault.
const WORTH_A_ROW: u64 = 3;

pub(super) fn section(report: &Report) -> Option<Section> {
    let all = &report.conflicts;
    if all.total == 0 {
        return None;
    }
    let fought_over = report.hot_streams.iter().filter(|stream| stream.conflicts >= WORTH_A_ROW);
    let rows = fought_over.take(SHOWN).map(|stream| {
        vec![
            stream.stream_id.clone(),
            digest::number(stream.conflicts),
            digest::number(stream.retries),
            digest::number(stream.exhausted),
            millis(Some(stream.backoff_ms)),
            clock(stream.first),
            clock(stream.last),
            stream.commands.join(", "),
        ]
    });
    let note = format!(
        "{} on {}, {}, {} waited; {} given up",
        digest::counted(all.total as usize, "conflict", "conflicts"),
        digest::counted(all.streams as usize, "stream", "streams"),
        digest::counted(all.retries as usize, "retry", "retries"),
        waterfall::duration(all.backoff_ms),
        digest::counted(all.exhausted as usize, "command", "commands"),
    );
    Some(Section { title: "Conflicts", columns: COLUMNS, rows: rows.collect(), notes: vec![note] })
}
