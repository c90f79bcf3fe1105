//! Commands and requests: those that never ended, the slowest, and some that failed.

use crate::{
    model::{Trace, report::Report},
    report::{digest, waterfall},
};

use super::{Column, Section, clock, millis};

const COLUMNS: &[Column] = &[
    Column::Text(""),
    Column::Text("id"),
    Column::Text("what"),
    Column::Text("start"),
    Column::Number("ms"),
    Column::Text("outcome"),
    Column::Text("longest phases"),
];

/// Units shown of each list; the JSON report has more.
const SHOWN: usize = 3;
/// Phases shown of a unit.
const PHASES: usize = 3;

pub(super) fn section(report: &Report) -> Option<Section> {
    let traces = &report.traces;
    if traces.total == 0 {
        return None;
    }
    let lists =
        [("never ended", &traces.unfinished), ("slowest", &traces.slowest), ("failed", &traces.failures)];
    let rows = lists.into_iter().flat_map(|(name, list)| {
        list.iter().take(SHOWN).map(move |trace| {
            vec![
                name.to_owned(),
                trace.id.clone(),
                trace.command_type.clone().unwrap_or_else(|| "unnamed".to_owned()),
                clock(trace.start),
                millis(trace.duration_ms),
                trace.outcome.name().to_owned(),
                phases(trace),
            ]
        })
    });
    let rows = rows.collect();
    Some(Section {
        title: "Commands and requests",
        columns: COLUMNS,
        rows,
        notes: vec![waterfall::summary(traces)],
    })
}

/// What a unit spent most of its time on.
fn phases(trace: &Trace) -> String {
    let mut phases: Vec<(&str, f64)> =
        trace.phases.iter().map(|phase| (phase.name.as_str(), phase.duration_ms)).collect();
    phases.sort_by(|a, b| b.1.total_cmp(&a.1));
    let shown = phases.into_iter().take(PHASES).filter(|(_, millis)| *millis >= 1.0);
    let shown = shown.map(|(name, millis)| format!("{name} {} ms", digest::number(millis.round() as u64)));
    shown.collect::<Vec<_>>().join(", ")
}
