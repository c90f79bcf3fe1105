//! Tables: those that all writers share, and those with a chart in each row.

use maud::{Markup, html};

use crate::report::{
    digest,
    sections::{self, Column, Section},
};

use super::{
    View,
    charts::{self, Curve},
    head::badge,
};

/// A table with a caption for who cannot see it, and column heads that a script makes sortable.
pub(super) fn table(caption: &str, heads: &[&str], rows: &Markup) -> Markup {
    html! {
        div.scroll tabindex="0" role="region" aria-label={ "Table: " (caption) } {
            table.rows {
                caption { (caption) }
                thead { tr { @for head in heads { th scope="col" { (head) } } } }
                tbody { (rows) }
            }
        }
    }
}

impl View<'_> {
    /// A table that other writers show as well.
    pub(super) fn section(&self, id: &str) -> Option<Markup> {
        let found: Vec<Section> = sections::of(self.report, id).collect();
        (!found.is_empty()).then(|| html! { @for section in &found { (self.shown(section)) } })
    }

    fn shown(&self, section: &Section) -> Markup {
        let heads: Vec<&str> = section.columns.iter().map(|column| column.name()).collect();
        html! {
            (table(section.title, &heads, &html! {
                @for row in section.rows.iter().take(self.limits.rows) {
                    tr {
                        @for (cell, column) in row.iter().zip(section.columns) {
                            @match column {
                                Column::Text(_) | Column::Path(_) => td { (self.text(cell)) },
                                Column::Number(_) => td.num { (self.text(cell)) },
                            }
                        }
                    }
                }
            }))
            @for note in section.notes.iter().take(self.limits.rows) { p.more { (self.text(note)) } }
        }
    }

    pub(super) fn operations(&self) -> Option<Markup> {
        let timed: Vec<_> = self.report.operations.iter().filter(|row| row.total > 0).collect();
        let slots = charts::slots(timed.iter().map(|row| row.distribution.as_slice()));
        (!timed.is_empty()).then(|| html! {
            (table("Operations", &["operation", "timed by", "calls", "succeeded", "how long", "avg ms", "p50", "p95", "p99", "max", "slow"], &html! {
                @for row in timed.iter().take(self.limits.rows) {
                    tr {
                        th scope="row" { (self.text(&row.name)) }
                        td { (self.text(&row.source)) }
                        td.num { (digest::number(row.total)) }
                        td.num { (row.success_rate.map_or("-".to_owned(), sections::percent)) }
                        td { (charts::distribution(&row.distribution, &slots, "calls by duration")) }
                        @for value in [row.avg_ms, row.p50_ms, row.p95_ms, row.p99_ms, row.max_ms] {
                            td.num { (sections::millis(value)) }
                        }
                        td.num { (digest::number(row.slow)) }
                    }
                }
            }))
            (self.more(timed.len(), "more operation", "more operations"))
        })
    }

    pub(super) fn pools(&self) -> Option<Markup> {
        let table = self.section("pools")?;
        let high = self.report.run.settings.get("pool_high").and_then(|text| text.parse().ok());
        Some(html! {
            (table)
            @for pool in self.report.pools.iter().filter(|pool| pool.over_time.len() > 1).take(self.charts()) {
                figure {
                    figcaption { "Share of " (self.text(&pool.service)) " in use" }
                    (charts::curve(&Curve {
                        samples: &pool.over_time,
                        full: Some(1.0),
                        limit: high,
                        shown: &sections::percent,
                        says: format!("share in use over time, up to {}", sections::percent(pool.peak)),
                    }, &|time| self.clock(time)))
                }
            }
        })
    }

    pub(super) fn memory(&self) -> Option<Markup> {
        let table = self.section("memory")?;
        Some(html! {
            (table)
            @for row in self.report.memory.iter().filter(|row| row.over_time.len() > 1).take(self.charts()) {
                figure {
                    figcaption { "Memory of " (self.text(&row.service)) }
                    (charts::curve(&Curve {
                        samples: &row.over_time,
                        full: None,
                        limit: row.limit_bytes.map(|limit| limit as f64),
                        shown: &|value| digest::bytes(value as u64),
                        says: format!("bytes over time, up to {}", digest::bytes(row.peak_bytes)),
                    }, &|time| self.clock(time)))
                }
            }
        })
    }

    /// Charts of one kind: fewer than rows, for each is as large as many.
    fn charts(&self) -> usize {
        self.limits.rows / 20 + 1
    }

    pub(super) fn patterns(&self) -> Option<Markup> {
        let patterns = &self.report.patterns;
        (!patterns.is_empty()).then(|| html! {
            (table("Patterns", &["severity", "pattern", "occurrences", "loud", "when", "first", "last", "state", "latest message", "what to do"], &html! {
                @for seen in patterns.iter().take(self.limits.rows) {
                    tr data-severity=(seen.severity.name()) {
                        td { (badge(seen.severity)) }
                        th scope="row" { (self.text(&seen.id)) }
                        td.num { (digest::number(seen.occurrences)) }
                        td.num { (digest::number(seen.raised)) }
                        td { (charts::sparkline(&seen.over_time, "entries")) }
                        td { (self.time(seen.first_seen)) }
                        td { (self.time(seen.last_seen)) }
                        td { (self.text(&seen.state)) }
                        td.message { (self.text(&seen.latest_message)) }
                        td { (self.text(&seen.action)) }
                    }
                }
            }))
            (self.more(patterns.len(), "more pattern", "more patterns"))
        })
    }

    pub(super) fn templates(&self) -> Option<Markup> {
        let templates = &self.report.templates;
        let unlisted = self.report.unlisted_templates;
        (!templates.is_empty()).then(|| html! {
            p.muted { "Messages that no pattern names, with what varies masked." }
            (table("Unknown templates", &["level", "state", "occurrences", "when", "first", "last", "template", "why"], &html! {
                @for seen in templates.iter().take(self.limits.rows) {
                    tr {
                        td { (self.text(&seen.level)) }
                        td { (self.text(&seen.state)) }
                        td.num { (digest::number(seen.occurrences)) }
                        td { (charts::sparkline(&seen.over_time, "entries")) }
                        td { (self.time(seen.first_seen)) }
                        td { (self.time(seen.last_seen)) }
                        td.message { (self.text(&seen.template)) }
                        td { (self.text(&seen.why)) }
                    }
                }
            }))
            (self.more(templates.len(), "more template", "more templates"))
            @if unlisted.templates > 0 {
                p.more { (digest::number(unlisted.templates)) " more templates with " (digest::number(unlisted.occurrences)) " entries were counted and are listed nowhere" }
            }
        })
    }
}
