//! An incident on a page: what, why, what followed, whom it hit, what speaks against it, what to do, where it stands.

use std::io;

use anstyle::{AnsiColor, Style};

use crate::model::{
    Finding, Severity, Timestamp,
    report::{Incident, Report, Term},
};

use super::{
    digest,
    page::{BOLD, DIM, Margin, PLAIN, Page, Span, cells, cut, fitted, padded},
    safe,
};

/// Effects shown of one incident; the rest is counted.
const CHAIN: usize = 6;
/// Places shown of the finding that it began with.
const PLACES: usize = 2;
/// Values shown of one key.
const VALUES: usize = 3;
/// Columns of one of them.
const VALUE: usize = 40;
/// Columns left of every text: indent, label and a blank.
const TEXT: usize = 12;

pub(super) fn style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::Red.on_default().bold(),
        Severity::Error => AnsiColor::Red.on_default(),
        Severity::Warning => AnsiColor::Yellow.on_default(),
        Severity::Info => AnsiColor::Blue.on_default(),
    }
}

/// The severity as a word of one width, with a sign for those who see no colours.
pub(super) fn badge(severity: Severity) -> String {
    format!("{:<2} {:<8}", digest::sign(severity), severity.name().to_uppercase())
}

pub(super) fn write(report: &Report, incident: &Incident, page: &mut Page<'_>) -> io::Result<()> {
    head(incident, page)?;
    let find = |id: &str| report.findings.iter().find(|finding| finding.id == id);
    let cause = &incident.root_cause;
    page.paragraph(
        label("cause"),
        &format!("{}, {}: {}", cause.kind, digest::verdict(cause.verdict), cause.why),
    )?;
    if incident.window.from.is_some() {
        page.labelled(label("when"), &digest::span(&incident.window))?;
    }
    chain(incident, &find, page)?;
    page.flow(label("hit"), DIM, &hit(incident))?;
    list("against", &incident.counter_evidence, page)?;
    let steps = incident.next_steps.iter().enumerate();
    list("now", &steps.map(|(number, step)| format!("{}. {step}", number + 1)).collect::<Vec<_>>(), page)?;
    if let Some(runbook) = &incident.runbook {
        page.labelled(label("runbook"), &format!("coroner explain {runbook}"))?;
    }
    let places = find(&cause.finding).map_or(&[][..], |root| &root.evidence);
    for (number, place) in places.iter().take(PLACES).enumerate() {
        let line = format!("{}:{}  {}", digest::shorter(report, &place.path), place.line, place.excerpt);
        page.labelled(label(if number == 0 { "evidence" } else { "" }), &line)?;
    }
    if incident.not_checked.is_empty() {
        return Ok(());
    }
    page.paragraph(label("without"), &incident.not_checked.join(", "))
}

/// A label in the margin of an incident.
fn label(name: &str) -> Margin<'_> {
    Margin { indent: 2, name, width: TEXT - 3 }
}

fn list(name: &str, texts: &[String], page: &mut Page<'_>) -> io::Result<()> {
    for (number, text) in texts.iter().enumerate() {
        page.paragraph(label(if number == 0 { name } else { "" }), text)?;
    }
    Ok(())
}

/// The title ends where the score begins, and the score where the page does.
fn head(incident: &Incident, page: &mut Page<'_>) -> io::Result<()> {
    let left = format!("{} ", incident.rank);
    let badge = format!("{} ", badge(incident.severity));
    let right = format!("  score {}  {}", incident.score, safe::terminal(&incident.id));
    let room = page.columns.saturating_sub(cells(&left) + cells(&badge) + cells(&right));
    let title = padded(&fitted(&incident.title, room), room);
    page.blank()?;
    page.line(&[
        Span(PLAIN, &left),
        Span(style(incident.severity), &badge),
        Span(BOLD, &title),
        Span(DIM, &right),
    ])
}

/// Keys that say whom an incident hit; the others (pids, relations, users) are for programs, and in the JSON report.
const HIT: [&str; 11] = [
    "service",
    "host",
    "pod",
    "application",
    "database",
    "command",
    "operation",
    "projection",
    "pool",
    "stream",
    "table",
];

fn hit(incident: &Incident) -> Vec<String> {
    let value = |name: &&str| Some(format!("{name} {}", few(incident.keys.get(*name)?)));
    HIT.iter().filter_map(value).collect()
}

fn few(values: &[String]) -> String {
    let shown: Vec<String> = values.iter().take(VALUES).map(|value| fitted(value, VALUE)).collect();
    match values.len().saturating_sub(VALUES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// What followed what: when, how long after the first, what, how often, and as what.
fn chain<'r>(
    incident: &Incident,
    find: &dyn Fn(&str) -> Option<&'r Finding>,
    page: &mut Page<'_>,
) -> io::Result<()> {
    let first = incident.chain.iter().find_map(|link| link.at);
    let linked: Vec<_> =
        incident.chain.iter().filter_map(|link| Some((link, find(&link.finding)?))).collect();
    let rows: Vec<[String; 4]> = linked
        .iter()
        .take(CHAIN)
        .map(|(link, finding)| {
            let clock = link.at.map_or_else(String::new, Timestamp::clock);
            [clock, after(first, link.at), safe::terminal(&finding.title), digest::times(finding.count)]
        })
        .collect();
    let widest = |at: usize| rows.iter().map(|row| cells(&row[at])).max().unwrap_or_default();
    let (clock, offset, times) = (widest(0), widest(1), widest(3));
    let room = page.columns.saturating_sub(TEXT + clock + offset + times + 5);
    let title = widest(2).min(room);
    for (number, (row, (_, finding))) in rows.iter().zip(&linked).enumerate() {
        let name = if number == 0 { "chain" } else { "" };
        let lead = format!("  {name:<9} ");
        page.line(&[
            Span(DIM, &lead),
            Span(PLAIN, &format!("{} {:>offset$}  ", padded(&row[0], clock), row[1])),
            Span(style(finding.severity), &padded(&cut(&row[2], title), title)),
            Span(PLAIN, &format!("  {:>times$}", row[3])),
            Span(DIM, &kind(&finding.kind, room - title)),
        ])?;
    }
    match linked.len().saturating_sub(CHAIN) {
        0 => Ok(()),
        more => page
            .labelled(label(""), &format!("and {}", digest::counted(more, "more finding", "more findings"))),
    }
}

/// The kind of a finding, where there is room for all of it: half a word cannot be looked up.
fn kind(kind: &str, room: usize) -> String {
    let shown = format!("  {}", safe::terminal(kind));
    if cells(&shown) <= room { shown } else { String::new() }
}

/// `+27 s`, `+12 min`; nothing beside the first.
fn after(first: Option<Timestamp>, at: Option<Timestamp>) -> String {
    let (Some(first), Some(at)) = (first, at) else { return String::new() };
    match at.since(first) / 1_000_000 {
        0 => String::new(),
        seconds @ ..0 => format!("{seconds} s"),
        seconds @ 1..600 => format!("+{seconds} s"),
        seconds @ 600..7_200 => format!("+{} min", seconds / 60),
        seconds => format!("+{} h", seconds / 3_600),
    }
}

/// Why the incident stands where it stands: what its score is made of, why its root is the root, and what puts it
/// above the next.
pub(super) fn explain_rank(
    incident: &Incident,
    next: Option<&Incident>,
    page: &mut Page<'_>,
) -> io::Result<()> {
    let terms = |of: &[Term]| -> Vec<String> {
        of.iter().map(|term| format!("{:+} {}: {}", term.points, term.name, term.why)).collect()
    };
    list("score", &terms(&incident.score_terms), page)?;
    list("root", &terms(&incident.root_cause.terms), page)?;
    let Some(next) = next else { return page.labelled(label("order"), "nothing is ranked below it") };
    let lead = incident.score - next.score;
    let text = match (lead, differences(incident, next)) {
        (0, _) => format!("as many points as {}: the severity, the time and the id decide", next.rank),
        (lead, differ) => format!("{lead} above {}: {}", next.rank, differ.join(", ")),
    };
    page.paragraph(label("order"), &text)
}

/// The terms in which two scores differ, the largest difference first.
fn differences(incident: &Incident, next: &Incident) -> Vec<String> {
    let points = |of: &Incident, name: &str| -> i64 {
        of.score_terms.iter().filter(|term| term.name == name).map(|term| term.points).sum()
    };
    let mut names: Vec<&str> =
        incident.score_terms.iter().chain(&next.score_terms).map(|term| term.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let both = |name: &str| (points(incident, name), points(next, name));
    names.retain(|name| both(name).0 != both(name).1);
    names.sort_by_key(|name| std::cmp::Reverse((both(name).0 - both(name).1).abs()));
    names.iter().map(|name| format!("{name} {} to {}", both(name).0, both(name).1)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Keys, Window,
        report::{CauseVerdict, RootCause},
    };

    #[test]
    fn an_order_is_explained_by_what_differs_most() {
        let incident = |rank, score, terms: &[(&str, i64)]| {
            let term = |(name, points): &(&str, i64)| Term {
                name: (*name).to_owned(),
                points: *points,
                why: "so".to_owned(),
            };
            Incident {
                rank,
                id: String::new(),
                title: String::new(),
                severity: Severity::Error,
                score,
                score_terms: terms.iter().map(term).collect(),
                window: Window::default(),
                root_cause: RootCause {
                    kind: String::new(),
                    finding: String::new(),
                    verdict: CauseVerdict::Likely,
                    why: String::new(),
                    terms: Vec::new(),
                },
                chain: Vec::new(),
                findings: Vec::new(),
                keys: Keys::new(),
                counter_evidence: Vec::new(),
                not_checked: Vec::new(),
                next_steps: Vec::new(),
                runbook: None,
                runbook_text: None,
            }
        };
        let first = incident(1, 50, &[("severity", 40), ("extent", 10)]);
        let second = incident(2, 23, &[("severity", 20), ("extent", 3), ("new", 0)]);
        let mut out = Vec::new();
        explain_rank(&first, Some(&second), &mut Page::new(&mut out, 80)).expect("memory");
        let text = String::from_utf8(anstream::adapter::strip_bytes(&out).into_vec()).expect("text");
        assert!(
            text.contains("+40 severity: so")
                && text.contains("27 above 2: severity 40 to 20, extent 10 to 3"),
            "{text}"
        );
    }
}
