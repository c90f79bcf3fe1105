//! Connection pools: how full, when, and who held the connections.

use crate::{model::report::Report, report::digest};

use super::{Column, Section, clock, percent};

const COLUMNS: &[Column] = &[
    Column::Text("pool"),
    Column::Number("size"),
    Column::Number("peak"),
    Column::Text("at"),
    Column::Text("over the threshold"),
    Column::Number("exhausted"),
    Column::Text("known from"),
];

pub(super) fn section(report: &Report) -> Option<Section> {
    let rows = report.pools.iter().map(|pool| {
        let high = match (pool.high.first(), pool.high.last()) {
            (Some(first), Some(last)) => format!("{} - {}", first.from.clock(), last.to.clock()),
            _ => "never".to_owned(),
        };
        vec![
            pool.service.clone(),
            pool.max.map_or("-".to_owned(), digest::number),
            percent(pool.peak),
            clock(pool.peak_at),
            high,
            digest::number(pool.exhausted),
            pool.sources.join(", "),
        ]
    });
    let rows: Vec<_> = rows.collect();
    let held = report.pools.iter().flat_map(|pool| &pool.holders);
    let notes = held.map(|holder| format!("held by {holder}")).collect();
    (!rows.is_empty()).then_some(Section { title: "Connection pools", columns: COLUMNS, rows, notes })
}
