//! An incident for a ticket, at three lengths.

use crate::{
    model::{
        Finding, Timestamp,
        report::{ChainLink, Incident},
    },
    report::{digest, safe, sections::Column},
};

use super::{
    document::View,
    part::{Line, Part, Span, Table, heading, own, said},
};

/// How much of an incident is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Cause, chain, steps, evidence, and folded the rest of the chain and why it is told so.
    Whole,
    /// The same without what is folded.
    Open,
    /// Cause and steps.
    Short,
    /// One line of a list.
    Line,
}

impl Form {
    pub(super) fn shorter(self) -> Option<Form> {
        match self {
            Form::Whole => Some(Form::Open),
            Form::Open => Some(Form::Short),
            Form::Short => Some(Form::Line),
            Form::Line => None,
        }
    }
}

/// Longest title and longest other text shown; longer ones are cut, and whole in the JSON report.
pub(super) const TITLE: usize = 160;
pub(super) const TEXT: usize = 600;
/// Longest line of evidence: a path, its line and an excerpt.
const EVIDENCE: usize = 400;
/// Lines of evidence, and of what speaks against a cause.
const LINES: usize = 5;
/// Links of the chain that are open; the rest is folded.
const CHAIN: usize = 8;
/// Links of the chain shown at all.
const FOLDED: usize = 50;
/// Steps and keys: more than anyone has.
const STEPS: usize = 12;
/// Values of one key.
const VALUES: usize = 3;

pub(super) fn parts(view: &View<'_>, incident: &Incident, form: Form) -> Vec<Part> {
    if form == Form::Line {
        return vec![Part::Bullets(vec![line(incident)])];
    }
    let mut parts = vec![head(incident), Part::Bullets(facts(incident, form))];
    if form != Form::Short {
        chain(view, incident, form, &mut parts);
    }
    steps(incident, &mut parts);
    if form != Form::Short {
        evidence(view, incident, &mut parts);
    }
    if form == Form::Whole {
        parts.push(Part::Folded { summary: "Why this cause and this rank".to_owned(), parts: why(incident) });
    }
    parts
}

fn head(incident: &Incident) -> Part {
    Part::Heading {
        level: 2,
        anchor: incident.id.clone(),
        line: vec![
            own(format!("{}. {} ", incident.rank, badge(incident))),
            said(&incident.title, TITLE),
            own(" "),
            said(&incident.id, TITLE),
        ],
    }
}

fn badge(incident: &Incident) -> String {
    format!("{} {}", digest::sign(incident.severity), incident.severity.name().to_uppercase())
}

fn line(incident: &Incident) -> Line {
    let cause = &incident.root_cause;
    let since = incident.window.from.map_or(String::new(), |from| format!(", since {from}"));
    vec![
        own(format!("{} ", badge(incident))),
        said(&incident.title, TITLE),
        own(format!(", rank {}, ", incident.rank)),
        said(&incident.id, TITLE),
        own(", cause "),
        said(&cause.kind, TITLE),
        own(format!(", {}{since}", digest::verdict(cause.verdict))),
    ]
}

fn facts(incident: &Incident, form: Form) -> Vec<Line> {
    let cause = &incident.root_cause;
    let mut facts = vec![vec![
        Span::Strong("cause".to_owned()),
        own(" "),
        said(&cause.kind, TITLE),
        own(format!(", {}: ", digest::verdict(cause.verdict))),
        said(&cause.why, TEXT),
    ]];
    if incident.window.from.is_some() {
        facts
            .push(vec![Span::Strong("when".to_owned()), own(format!(" {}", digest::span(&incident.window)))]);
    }
    let keys: Vec<_> = incident.keys.iter().filter(|(name, _)| *name != "store").collect();
    if form == Form::Whole && !keys.is_empty() {
        let mut line = vec![Span::Strong("hit".to_owned())];
        for (at, (name, values)) in keys.iter().take(STEPS).enumerate() {
            line.push(own(if at == 0 { " " } else { "; " }));
            line.push(said(name, TITLE));
            line.push(own(" "));
            line.push(said(&few(values), TITLE));
        }
        facts.push(line);
    }
    facts
}

fn few(values: &[String]) -> String {
    let shown: Vec<String> = values.iter().take(VALUES).map(|value| safe::cut(value, 40)).collect();
    match values.len().saturating_sub(VALUES) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

const CHAIN_COLUMNS: &[Column] = &[
    Column::Text("at (UTC)"),
    Column::Number("after"),
    Column::Text("what"),
    Column::Number("count"),
    Column::Text("because"),
];

/// What broke first and what followed, with the time since the first.
fn chain(view: &View<'_>, incident: &Incident, form: Form, parts: &mut Vec<Part>) {
    let links: Vec<(&ChainLink, &Finding)> =
        incident.chain.iter().filter_map(|link| Some((link, view.finding(&link.finding)?))).collect();
    let first = links.iter().find_map(|(link, _)| link.at);
    let rows = links.iter().take(FOLDED).map(|(link, finding)| row(link, finding, first));
    let mut rows: Vec<Vec<Span>> = rows.collect();
    if rows.is_empty() {
        return;
    }
    let folded = rows.split_off(rows.len().min(CHAIN));
    parts.push(heading(3, "What happened"));
    parts.push(Part::Table(Table { columns: CHAIN_COLUMNS, rows }));
    if !folded.is_empty() {
        let unlisted = match links.len().saturating_sub(FOLDED) {
            0 => String::new(),
            more => format!("; {} are not listed", digest::number(more as u64)),
        };
        let more = digest::counted(links.len() - CHAIN, "more finding", "more findings");
        let table = Part::Table(Table { columns: CHAIN_COLUMNS, rows: folded });
        parts.push(match form {
            Form::Whole => Part::Folded { summary: format!("{more}{unlisted}"), parts: vec![table] },
            _ => Part::Text(vec![own(more)]),
        });
    }
}

fn row(link: &ChainLink, finding: &Finding, first: Option<Timestamp>) -> Vec<Span> {
    let after = match (first, link.at) {
        (Some(first), Some(at)) if at > first => format!("+{}", digest::duration(at.since(first) / 1000)),
        (Some(_), Some(_)) => "0".to_owned(),
        _ => "-".to_owned(),
    };
    vec![
        own(link.at.map_or_else(|| "-".to_owned(), Timestamp::clock)),
        own(after),
        said(&finding.title, TITLE),
        own(digest::number(finding.count)),
        link.why.as_deref().map_or_else(|| own("-"), |why| said(why, TITLE)),
    ]
}

fn steps(incident: &Incident, parts: &mut Vec<Part>) {
    let mut steps: Vec<Line> =
        incident.next_steps.iter().take(STEPS).map(|step| vec![said(step, TEXT)]).collect();
    if let Some(runbook) = &incident.runbook {
        // A runbook's id is the name of a file; one that is no plain word is nothing to paste.
        if safe::is_id(runbook) {
            steps.push(vec![own("Runbook: "), Span::Code(format!("coroner explain {runbook}"))]);
        }
    }
    if !steps.is_empty() {
        parts.push(heading(3, "What to do now"));
        parts.push(Part::Steps(steps));
    }
}

fn evidence(view: &View<'_>, incident: &Incident, parts: &mut Vec<Part>) {
    let Some(root) = view.finding(&incident.root_cause.finding) else { return };
    let lines = root.evidence.iter().take(LINES);
    let lines: Vec<String> = lines
        .map(|at| safe::cut(&format!("{}:{}  {}", view.shorter(&at.path), at.line, at.excerpt), EVIDENCE))
        .collect();
    if !lines.is_empty() {
        parts.push(heading(3, "Evidence"));
        parts.push(Part::Lines(lines));
    }
}

/// What an answer to "are you sure?" needs.
fn why(incident: &Incident) -> Vec<Part> {
    let named = |name: &str, texts: &[String]| -> Vec<Line> {
        let line = |text: &String| vec![Span::Strong(name.to_owned()), own(" "), said(text, TEXT)];
        texts.iter().take(LINES).map(line).collect()
    };
    let mut lines = named("against", &incident.counter_evidence);
    lines.extend(named("not looked at", &incident.not_checked));
    for (name, terms) in [("cause", &incident.root_cause.terms), ("rank", &incident.score_terms)] {
        for term in terms.iter().take(STEPS) {
            lines.push(vec![
                Span::Strong(name.to_owned()),
                own(format!(" {:+} ", term.points)),
                said(&term.name, TITLE),
                own(": "),
                said(&term.why, TITLE),
            ]);
        }
    }
    vec![Part::Bullets(lines)]
}
