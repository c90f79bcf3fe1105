//! The incidents: all of them in one list, and each of the first in full.

use maud::{Markup, PreEscaped, html};

use crate::{
    model::{
        Finding, OverTime, Severity,
        report::{ChainRole, Incident, Term},
    },
    report::{digest, safe},
};

use super::{View, charts, head::badge, tables::table};

/// Characters of a runbook; ours have a tenth of that.
const RUNBOOK: usize = 20_000;

impl<'r> View<'r> {
    pub(super) fn incidents(&self) -> Option<Markup> {
        let incidents = &self.report.incidents;
        if incidents.is_empty() {
            return None;
        }
        let (listed, told) =
            (incidents.iter().take(self.limits.rows), incidents.iter().take(self.limits.told));
        Some(html! {
            (table("Incidents by rank", &["#", "severity", "incident", "when", "first", "last", "cause", "touches", "score"], &html! {
                @for incident in listed { (self.line(incident)) }
            }))
            (self.more(incidents.len(), "more incident", "more incidents"))
            @for incident in told { (self.told(incident)) }
            @if incidents.len() > self.limits.told {
                p.more {
                    (digest::counted(incidents.len() - self.limits.told, "incident is", "incidents are"))
                    " not told in full here, the last of the ranking; the JSON report has them."
                }
            }
        })
    }

    fn line(&self, incident: &'r Incident) -> Markup {
        let told = incident.rank <= self.limits.told;
        html! {
            tr data-severity=(incident.severity.name()) {
                td.num { (incident.rank) }
                td { (badge(incident.severity)) }
                th scope="row" {
                    @if told { a href={ "#" (self.text(&incident.id)) } { (self.said(&incident.title)) } }
                    @else { (self.said(&incident.title)) }
                }
                td { (charts::sparkline(&self.over_time(incident), "entries")) }
                td { (self.time(incident.window.from)) }
                td { (self.time(incident.window.to)) }
                td { (self.text(&incident.root_cause.kind)) ", " (digest::verdict(incident.root_cause.verdict)) }
                td { (self.touches(incident)) }
                td.num { (incident.score) }
            }
        }
    }

    /// The entries of all its findings, on the incident's own axis.
    fn over_time(&self, incident: &'r Incident) -> OverTime {
        let findings = incident.findings.iter().filter_map(|id| self.findings.get(id.as_str()));
        digest::over_time(&incident.window, findings.map(|finding| &finding.over_time))
    }

    fn touches(&self, incident: &'r Incident) -> Markup {
        let keys = incident.keys.iter().filter(|(name, _)| *name != "store");
        html! {
            @for (name, values) in keys.take(4) {
                span.key { (self.text(name)) " " @if values.len() == 1 { (self.text(&values[0])) } @else { "× " (values.len()) } }
                " "
            }
        }
    }

    fn told(&self, incident: &'r Incident) -> Markup {
        let root = self.findings.get(incident.root_cause.finding.as_str()).copied();
        html! {
            article id=(self.text(&incident.id)) aria-labelledby={ (self.text(&incident.id)) "-title" } data-severity=(incident.severity.name()) {
                h3 id={ (self.text(&incident.id)) "-title" } {
                    span.rank { (incident.rank) } " " (badge(incident.severity)) " " (self.said(&incident.title))
                }
                p.muted { a.id href={ "#" (self.text(&incident.id)) } { (self.text(&incident.id)) } " · " (digest::span(&incident.window)) " · score " (incident.score) }
                p.cause {
                    strong { (self.text(&incident.root_cause.kind)) } ", " (digest::verdict(incident.root_cause.verdict)) ". "
                    (self.said(&incident.root_cause.why))
                }
                (self.chain_picture(incident))
                div.columns {
                    (self.steps(incident))
                    (self.against(incident))
                }
                (self.lines(root))
                (self.chain_table(incident))
                (self.why_this_rank(incident))
                (self.runbook(incident))
            }
        }
    }

    fn steps(&self, incident: &'r Incident) -> Markup {
        html! {
            @if !incident.next_steps.is_empty() {
                div { h4 { "What to do now" } ol { @for step in incident.next_steps.iter().take(self.limits.rows) { li { (self.text(step)) } } } }
            }
        }
    }

    fn against(&self, incident: &'r Incident) -> Markup {
        html! {
            div {
                h4 { "Against it" }
                @if incident.counter_evidence.is_empty() { p { "Nothing in the evidence contradicts." } }
                ul { @for text in incident.counter_evidence.iter().take(self.limits.rows) { li { (self.text(text)) } } }
                @if !incident.not_checked.is_empty() {
                    h4 { "Not checked" }
                    ul.plain { @for text in incident.not_checked.iter().take(self.limits.rows) { li { (self.text(text)) } } }
                }
            }
        }
    }

    /// What the evidence says, word for word.
    fn lines(&self, root: Option<&'r Finding>) -> Markup {
        let lines = root.map(|root| root.evidence.as_slice()).unwrap_or_default();
        html! {
            @if !lines.is_empty() {
                h4 { "Evidence" }
                @for place in lines.iter().take(self.limits.rows) {
                    div.line {
                        div.whence {
                            span.place { (self.path(&place.path)) ":" (place.line) span.muted { " byte " (place.byte) } }
                            button.copy type="button" hidden { "copy" }
                        }
                        pre { (self.text(&place.excerpt)) }
                    }
                }
                (self.more(lines.len(), "more line", "more lines"))
            }
        }
    }

    fn chain_table(&self, incident: &'r Incident) -> Markup {
        html! {
            details {
                summary { "The chain in words: " (digest::counted(incident.chain.len(), "finding", "findings")) }
                (table("Chain of findings", &["at", "role", "severity", "finding", "count", "why it belongs here"], &html! {
                    @for link in incident.chain.iter().take(self.limits.rows) {
                        @if let Some(finding) = self.findings.get(link.finding.as_str()) {
                            tr {
                                td { (self.time(link.at)) }
                                td { (role(link.role)) }
                                td { (badge(finding.severity)) }
                                td { (self.said(&finding.title)) br; span.muted { (self.text(&finding.detail)) } }
                                td.num { (digest::number(finding.count)) }
                                td { (self.text(link.why.as_deref().unwrap_or_default())) }
                            }
                        }
                    }
                }))
                (self.more(incident.chain.len(), "more finding", "more findings"))
            }
        }
    }

    fn why_this_rank(&self, incident: &'r Incident) -> Markup {
        html! {
            details {
                summary { "Why it ranks " (incident.rank) ", and why this cause" }
                div.columns {
                    (self.terms("Score", incident.score, &incident.score_terms))
                    (self.terms("Cause", sum(&incident.root_cause.terms), &incident.root_cause.terms))
                }
            }
        }
    }

    pub(super) fn terms(&self, title: &str, sum: i64, terms: &'r [Term]) -> Markup {
        let top = terms.iter().map(|term| term.points.unsigned_abs()).max().unwrap_or_default().max(1) as f64;
        html! {
            table {
                caption { (title) " " (sum) }
                thead { tr { th scope="col" { "term" } th scope="col" { "points" } th scope="col" { "why" } } }
                tbody {
                    @for term in terms.iter().take(self.limits.rows) {
                        tr {
                            th scope="row" { (self.text(&term.name)) }
                            td.num {
                                (term.points) " "
                                svg.meter viewBox="0 0 40 8" aria-hidden="true" {
                                    rect.bar width=(super::axis::px(term.points.unsigned_abs() as f64 / top * 40.0)) height="8" {}
                                }
                            }
                            td { (self.text(&term.why)) }
                        }
                    }
                }
            }
        }
    }

    fn runbook(&self, incident: &'r Incident) -> Markup {
        html! {
            @if let Some(id) = &incident.runbook {
                @match &incident.runbook_text {
                    Some(text) => details { summary { "Runbook: " (self.text(id)) } div.runbook { (markdown(&safe::visible(&safe::cut(text, RUNBOOK)))) } },
                    None => p { "Runbook: " code { "coroner explain " (self.text(id)) } },
                }
            }
        }
    }

    /// What is part of no incident.
    pub(super) fn alone(&self) -> Option<Markup> {
        let alone: Vec<&Finding> = digest::standing_alone(self.report).collect();
        let quiet = self.report.findings.iter().filter(|finding| finding.severity == Severity::Info).count();
        (!alone.is_empty() || quiet > 0).then(|| html! {
            @if !alone.is_empty() {
                (table("Findings of no incident", &["severity", "finding", "count", "when", "first", "last", "what to do"], &html! {
                    @for finding in alone.iter().take(self.limits.rows) {
                        tr data-severity=(finding.severity.name()) {
                            td { (badge(finding.severity)) }
                            th scope="row" { (self.said(&finding.title)) @if finding.scattered { ", now and then" } br; span.muted { (self.text(&finding.detail)) } }
                            td.num { (digest::number(finding.count)) }
                            td { (charts::sparkline(&finding.over_time, "entries")) }
                            td { (self.time(finding.window.from)) }
                            td { (self.time(finding.window.to)) }
                            td { (self.text(&finding.action)) }
                        }
                    }
                }))
                (self.more(alone.len(), "more finding", "more findings"))
            }
            @if quiet > 0 {
                p { (digest::counted(quiet, "finding", "findings")) " of severity info: observations, in the JSON report." }
            }
        })
    }
}

fn sum(terms: &[Term]) -> i64 {
    terms.iter().fold(0, |sum, term| sum.saturating_add(term.points))
}

fn role(role: ChainRole) -> &'static str {
    match role {
        ChainRole::Root => "root",
        ChainRole::Effect => "effect",
        ChainRole::Symptom => "symptom",
    }
}

/// A runbook's text. Its HTML, if it has any, is shown as text.
fn markdown(text: &str) -> Markup {
    use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd, html::push_html};
    let events = Parser::new_ext(text, Options::ENABLE_TABLES).filter_map(|event| match event {
        Event::Html(text) | Event::InlineHtml(text) => Some(Event::Text(text)),
        // The page asks nobody for anything: an address is told, not linked.
        Event::Start(Tag::Link { .. } | Tag::Image { .. }) | Event::End(TagEnd::Link | TagEnd::Image) => None,
        event => Some(event),
    });
    let mut out = String::new();
    push_html(&mut out, events);
    PreEscaped(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_runbook_brings_no_markup_of_its_own() {
        let shown = markdown("Look at <img src=x onerror=alert(1)> and [here](javascript:alert(1)):\n\n<script>alert(1)</script>\n").into_string();
        assert!(!shown.contains("<img") && !shown.contains("<script") && !shown.contains("href"), "{shown}");
        assert!(markdown("1. do `x`").into_string().contains("<code>x</code>"));
    }
}
