//! The database: who blocked whom as a tree, and the tables.

use maud::{Markup, html};

use crate::{
    model::database::{Blocker, Who},
    report::digest,
};

use super::View;

/// Blockers drawn, and of each the sessions that waited.
const BLOCKERS: usize = 10;
const WAITERS: usize = 30;

impl<'r> View<'r> {
    pub(super) fn database(&self) -> Option<Markup> {
        let parts = [self.tree(), self.section("database")];
        parts
            .iter()
            .any(Option::is_some)
            .then(|| html! { @for part in parts.into_iter().flatten() { (part) } })
    }

    fn tree(&self) -> Option<Markup> {
        let blocking = &self.report.database.blocking;
        (!blocking.is_empty()).then(|| html! {
            h3 { "Who waited for whom" }
            ul.tree {
                @for blocker in blocking.iter().take(BLOCKERS.min(self.limits.rows)) { li { (self.blocker(blocker)) } }
            }
            @if blocking.len() > BLOCKERS { p.more { "and " (blocking.len() - BLOCKERS) " more, in the JSON report" } }
        })
    }

    fn blocker(&self, blocker: &'r Blocker) -> Markup {
        let left = blocker.waiter_pids.len().saturating_sub(WAITERS);
        html! {
            div.node {
                strong { "pid " (blocker.who.pid) } " " (self.who(&blocker.who)) " " span.muted { (self.text(&blocker.state)) }
                pre { (self.text(&blocker.statement)) }
                p.muted {
                    (self.text(&blocker.basis)) ": " (self.text(&blocker.why))
                    @if let Some(start) = blocker.xact_start { " · in a transaction since " (self.time(Some(start))) }
                }
            }
            ul {
                li {
                    (digest::number(blocker.waiters)) " waited, up to " (digest::duration(blocker.longest_wait_ms))
                    @if !blocker.lock.is_empty() { ", for " (self.text(&blocker.lock)) }
                    ", " (self.time(blocker.window.from)) " to " (self.time(blocker.window.to))
                    @if !blocker.waiter_pids.is_empty() {
                        ul.pids {
                            @for pid in blocker.waiter_pids.iter().take(WAITERS) { li { "pid " (pid) } }
                            @if left > 0 { li { "and " (left) " more" } }
                        }
                    }
                }
            }
        }
    }

    fn who(&self, who: &'r Who) -> Markup {
        let named = [&who.application, &who.user, &who.database];
        html! { @for name in named.into_iter().filter(|name| !name.is_empty()) { (self.text(name)) " " } }
    }
}
