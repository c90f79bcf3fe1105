//! What a reader sees first: how bad, since when, and whether all evidence was read.

use maud::{Markup, html};

use crate::{
    model::{
        Severity, Window,
        report::{CheckStatus, Status},
    },
    report::{digest, safe::Shown},
};

use super::View;

impl View<'_> {
    pub(super) fn masthead(&self) -> Markup {
        let report = self.report;
        let window = Window { from: report.window.from, to: report.window.to };
        html! {
            header {
                p.brand { "coroner" span.muted { " incident report" } }
                h1 { (self.verdict()) }
                ul.strip {
                    li { (self.completeness()) }
                    @for severity in SEVERITIES { (self.counted(severity)) }
                    li { span.label { "window" } " " (digest::span(&window)) }
                    li { span.label { "evidence" } " " (digest::evidence(report)) }
                    li { span.label { "read" } " " (digest::volume(report)) }
                    @if !self.folder.is_empty() {
                        li { span.label { "paths below" } " " (Shown { text: self.folder.into(), longest: 200 }) }
                    }
                    @if let Some(redacted) = digest::redacted(report) { li { strong { (redacted) } } }
                    @if let Some(as_of) = report.window.as_of {
                        li { span.label { "as of" } " " (as_of) ", " (self.text(&report.window.as_of_basis)) }
                    }
                }
                @if !report.verdict.incomplete.is_empty() {
                    div.warn role="note" {
                        p { strong { "Not all evidence could be read." } " What follows holds for the rest." }
                        ul {
                            @for reason in report.verdict.incomplete.iter().take(self.limits.rows) {
                                li { (self.path(reason)) }
                            }
                        }
                        (self.more(report.verdict.incomplete.len(), "more reason", "more reasons"))
                    }
                }
            }
        }
    }

    fn verdict(&self) -> Markup {
        let report = self.report;
        html! {
            @match report.incidents.first() {
                Some(first) => { (badge(first.severity)) " " (self.said(&first.title)) }
                None => (digest::no_incident(report)),
            }
        }
    }

    fn completeness(&self) -> Markup {
        let unable = |row: &&crate::model::report::CheckRow| row.status == CheckStatus::CouldNotRun;
        let unable = self.report.ledger.checks.iter().filter(unable).count();
        let (class, sign, word) = match self.report.verdict.status {
            Status::Incomplete => ("badge warning", "~", "incomplete"),
            Status::Clean | Status::Findings => ("badge ok", "✓", "complete"),
        };
        html! {
            span class=(class) { span aria-hidden="true" { (sign) } " " (word) }
            @if unable > 0 {
                " " a href="#checks" { (digest::counted(unable, "check", "checks")) " could not run" }
            }
        }
    }

    fn counted(&self, severity: Severity) -> Markup {
        let count = self.report.incidents.iter().filter(|incident| incident.severity == severity).count();
        html! {
            @if count > 0 {
                li { (badge(severity)) " " (digest::counted(count, "incident", "incidents")) }
            }
        }
    }

    pub(super) fn foot(&self) -> Markup {
        let run = &self.report.run;
        html! {
            footer {
                p {
                    (self.text(&run.tool)) " " (self.text(&run.version))
                    ". All times are UTC. This page holds all it shows: it loads nothing and sends nothing."
                }
            }
        }
    }
}

/// The worst first.
const SEVERITIES: [Severity; 4] = [Severity::Critical, Severity::Error, Severity::Warning, Severity::Info];

/// A severity as a word with a sign beside it: nobody has to tell colours apart.
pub(super) fn badge(severity: Severity) -> Markup {
    html! {
        span class={ "badge " (severity.name()) } {
            span aria-hidden="true" { (digest::sign(severity)) } " " (severity.name())
        }
    }
}
