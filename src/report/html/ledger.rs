//! The ledger: what became of each piece of evidence, and which checks ran over what.

use maud::{Markup, html};

use crate::{
    model::report::{CheckStatus, EvidenceRow},
    report::digest,
};

use super::{View, tables::table};

/// Checks listed: all that there are, and a report may be anybody's.
const CHECKS: usize = 500;

impl<'r> View<'r> {
    pub(super) fn ledger(&self) -> Markup {
        let rows = &self.report.ledger.evidence;
        html! {
            (table("Evidence", &["path", "format", "size", "records", "rejected", "skipped", "first", "last", "zone", "notes", "hash"], &html! {
                @for row in rows.iter().take(self.limits.rows) { (self.piece(row)) }
            }))
            (self.more(rows.len(), "more piece of evidence", "more pieces of evidence"))
            (self.checks())
        }
    }

    fn piece(&self, row: &'r EvidenceRow) -> Markup {
        html! {
            tr {
                th scope="row" { (self.path(&row.path)) }
                td { (self.text(&row.format)) @if !matches!(row.compression.as_str(), "none" | "") { ", " (self.text(&row.compression)) } }
                td.num { (digest::bytes(row.bytes)) }
                td.num { (digest::number(row.records)) }
                td.num { (digest::number(row.rejected)) }
                td.num { (digest::number(row.skipped)) }
                td { (self.time(row.first)) }
                td { (self.time(row.last)) }
                td { (self.text(&row.zone_basis)) }
                td {
                    @for note in row.problems.iter().chain(&row.notes).take(self.limits.rows) { (self.text(note)) br; }
                }
                td.hash { (self.text(&row.hash)) }
            }
        }
    }

    fn checks(&self) -> Markup {
        html! {
            h3 #checks { "Checks" }
            (table("Checks", &["check", "status", "over what, or why not"], &html! {
                @for check in self.report.ledger.checks.iter().take(CHECKS) {
                    tr {
                        th scope="row" { (self.text(&check.id)) }
                        @match check.status {
                            CheckStatus::Ran => { td { "ran" } td { (self.text(&check.observed)) } }
                            CheckStatus::CouldNotRun => {
                                td { strong { "could not run" } }
                                td { (self.text(check.why.as_deref().unwrap_or_default())) }
                            }
                        }
                    }
                }
            }))
        }
    }
}
