//! What a ticket says, in order of importance: the verdict, the incidents by rank, what stands alone, then tables.

use std::collections::HashMap;

use crate::{
    model::{
        Finding, Severity, Window,
        report::{CheckStatus, Report, Status},
    },
    report::{
        Layout, digest,
        sections::{Column, SECTIONS, Section},
    },
};

use super::{
    incident::{TEXT, TITLE},
    part::{Line, Part, Span, Table, heading, own, said},
};

/// A report with what its parts look up again and again.
#[derive(Debug)]
pub(super) struct View<'r> {
    pub(super) report: &'r Report,
    findings: HashMap<&'r str, &'r Finding>,
    folder: &'r str,
}

impl<'r> View<'r> {
    pub(super) fn finding(&self, id: &str) -> Option<&'r Finding> {
        self.findings.get(id).copied()
    }

    /// A path without the folder that all evidence shares; the head names it once.
    pub(super) fn shorter<'p>(&self, path: &'p str) -> &'p str {
        path.strip_prefix(self.folder).unwrap_or(path)
    }
}

#[derive(Debug)]
pub(super) struct Document<'r> {
    pub(super) view: View<'r>,
    /// Incidents that may be told, the first by rank.
    pub(super) told: usize,
    pub(super) items: Vec<Item>,
}

/// What is cut by whole rows: a heading and a table or a list.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) title: &'static str,
    body: Body,
    /// With those that are only in the JSON report.
    all: usize,
    notes: Vec<Line>,
}

#[derive(Debug)]
enum Body {
    Table(Table),
    List(Vec<Line>),
}

/// Rows shown of anything, even without a limit: who needs more reads the JSON report.
const ROWS: usize = 200;
/// Longer tables are closed at first.
const OPEN: usize = 12;
/// Reasons for being incomplete that the head has room for.
const REASONS: usize = 5;

impl Item {
    fn table(title: &'static str, columns: &'static [Column], rows: Vec<Vec<Span>>) -> Item {
        let all = rows.len();
        Item { title, body: Body::Table(Table { columns, rows }), all, notes: Vec::new() }
    }

    /// Rows that can be shown.
    pub(super) fn rows(&self) -> usize {
        let rows = match &self.body {
            Body::Table(table) => table.rows.len(),
            Body::List(lines) => lines.len(),
        };
        rows.min(ROWS)
    }

    /// The first `rows`, and how many there are where that is not all.
    pub(super) fn parts(&self, rows: usize) -> Vec<Part> {
        let body = match &self.body {
            Body::Table(table) => {
                let rows = table.rows.iter().take(rows).cloned().collect();
                Part::Table(Table { columns: table.columns, rows })
            }
            Body::List(lines) => Part::Bullets(lines.iter().take(rows).cloned().collect()),
        };
        let shown = if rows < self.all {
            format!("{} of {} rows", digest::number(rows as u64), digest::number(self.all as u64))
        } else {
            digest::counted(rows, "row", "rows")
        };
        let mut parts = vec![heading(2, self.title)];
        if rows > OPEN {
            parts.push(Part::Folded { summary: shown, parts: vec![body] });
        } else {
            parts.push(body);
            if rows < self.all {
                parts.push(Part::Text(vec![own(shown)]));
            }
        }
        parts.extend(self.notes.iter().cloned().map(Part::Text));
        parts
    }
}

/// The parts that the layout shows.
pub(super) fn document<'r>(report: &'r Report, layout: &Layout) -> Document<'r> {
    let view = View {
        report,
        findings: report.findings.iter().map(|finding| (finding.id.as_str(), finding)).collect(),
        folder: digest::common_folder(report),
    };
    let tables = SECTIONS.iter().filter_map(|(id, make)| Some((*id, section_item(&make(report)?))));
    let parts = [
        ("also", alone(report)),
        ("patterns", patterns(report)),
        ("stores", stores(&view)),
        ("stores", faults(&view)),
    ]
    .into_iter()
    .chain(tables)
    .chain([("also", not_checked(report)), ("evidence", ledger(&view))]);
    let shown = parts.filter(|(id, item)| layout.shows(id) && item.rows() > 0);
    let items = shown.map(|(_, item)| item).collect();
    let told = if layout.shows("incidents") { report.incidents.len().min(layout.top) } else { 0 };
    Document { view, told, items }
}

/// The verdict and whether it rests on everything that was handed over; the second is for the smallest room.
pub(super) fn heads(view: &View<'_>) -> [Vec<Part>; 2] {
    let report = view.report;
    let title = Part::Heading { level: 1, anchor: String::new(), line: vec![own(verdict(report))] };
    let mut facts: Vec<Line> = Vec::new();
    let mut fact = |name: &str, rest: Vec<Span>| {
        let mut line = vec![Span::Strong(name.to_owned()), own(" ")];
        line.extend(rest);
        facts.push(line);
    };
    let reasons = &report.verdict.incomplete;
    for reason in reasons.iter().take(REASONS) {
        fact("incomplete", vec![said(reason, TEXT)]);
    }
    if let Some(more @ 1..) = reasons.len().checked_sub(REASONS) {
        fact(
            "incomplete",
            vec![own(format!("for {}", digest::counted(more, "more reason", "more reasons")))],
        );
    }
    let window = Window { from: report.window.from, to: report.window.to };
    fact("window", vec![own(digest::span(&window))]);
    fact("evidence", vec![own(format!("{}; {}", digest::evidence(report), digest::volume(report)))]);
    if !view.folder.is_empty() {
        fact("paths", vec![own("below "), said(view.folder, TITLE)]);
    }
    let unable = report.ledger.checks.iter().filter(|check| check.status == CheckStatus::CouldNotRun).count();
    if unable > 0 {
        let of = digest::counted(report.ledger.checks.len(), "check", "checks");
        fact("not checked", vec![own(format!("{unable} of {of} lacked their evidence"))]);
    }
    if let Some(redacted) = digest::redacted(report) {
        fact("shared", vec![said(&redacted, TEXT)]);
    }
    if let Some(as_of) = report.window.as_of {
        fact("as of", vec![own(format!("{as_of}, ")), said(&report.window.as_of_basis, TITLE)]);
    }
    [vec![title.clone(), Part::Bullets(facts)], vec![title]]
}

/// `Incident report: 2 incidents, the worst CRITICAL; INCOMPLETE, not all evidence could be read`.
fn verdict(report: &Report) -> String {
    let found = match report.incidents.iter().map(|incident| incident.severity).max() {
        Some(worst) => format!(
            "{}, the worst {}",
            digest::counted(report.incidents.len(), "incident", "incidents"),
            worst.name().to_uppercase()
        ),
        None if digest::standing_alone(report).next().is_some() => {
            "no incident, but what stands alone is listed".to_owned()
        }
        None if report.run.state.as_ref().is_some_and(|state| state.left_out > 0) => {
            "no news, and what is known is left out".to_owned()
        }
        None => "no incident".to_owned(),
    };
    match report.verdict.status {
        Status::Incomplete => format!("Incident report: {found}; INCOMPLETE, not all evidence could be read"),
        Status::Clean | Status::Findings => format!("Incident report: {found}; all evidence was read"),
    }
}

fn alone(report: &Report) -> Item {
    const COLUMNS: &[Column] = &[Column::Text("severity"), Column::Text("finding"), Column::Number("count")];
    let rows = digest::standing_alone(report).map(|finding| {
        let spread = if finding.scattered { ", now and then" } else { "" };
        vec![
            severity(finding.severity),
            said(&finding.title, TITLE),
            own(format!("{}{spread}", digest::number(finding.count))),
        ]
    });
    Item::table("Part of no incident", COLUMNS, rows.collect())
}

fn severity(severity: Severity) -> Span {
    own(format!("{} {}", digest::sign(severity), severity.name()))
}

fn patterns(report: &Report) -> Item {
    const COLUMNS: &[Column] = &[
        Column::Text("severity"),
        Column::Text("pattern"),
        Column::Number("count"),
        Column::Text("first"),
        Column::Text("last"),
        Column::Text("latest"),
        Column::Text("action"),
    ];
    let rows = report.patterns.iter().map(|pattern| {
        let time = |time: Option<crate::model::Timestamp>| {
            own(time.map_or_else(|| "-".to_owned(), |time| time.to_string()))
        };
        vec![
            severity(pattern.severity),
            said(&pattern.id, TITLE),
            own(digest::number(pattern.occurrences)),
            time(pattern.first_seen),
            time(pattern.last_seen),
            said(&pattern.latest_message, TITLE),
            said(&pattern.action, TEXT),
        ]
    });
    Item::table("Patterns", COLUMNS, rows.collect())
}

fn stores(view: &View<'_>) -> Item {
    const COLUMNS: &[Column] = &[
        Column::Text("store"),
        Column::Text("profile"),
        Column::Number("streams"),
        Column::Number("events"),
        Column::Number("faults"),
    ];
    let rows = view.report.integrity.stores.iter().map(|store| {
        vec![
            said(view.shorter(&store.path), TITLE),
            said(&store.profile, TITLE),
            own(digest::number(store.streams)),
            own(digest::number(store.events)),
            own(digest::number(store.faults)),
        ]
    });
    Item::table("Event stores", COLUMNS, rows.collect())
}

fn faults(view: &View<'_>) -> Item {
    const COLUMNS: &[Column] =
        &[Column::Text("severity"), Column::Text("fault"), Column::Text("detail"), Column::Text("where")];
    let integrity = &view.report.integrity;
    let claims = integrity.faults.iter().filter(|fault| fault.severity > Severity::Info);
    let rows = claims.map(|fault| {
        let place = if fault.line > 0 { fault.line } else { fault.byte };
        let unit = if fault.line > 0 { "" } else { "byte " };
        vec![
            severity(fault.severity),
            own(fault.kind.name()),
            said(&fault.detail, TEXT),
            said(&format!("{}:{unit}{place}", view.shorter(&fault.path)), TEXT),
        ]
    });
    let mut item = Item::table("Faults in event stores", COLUMNS, rows.collect());
    let counted: u64 = integrity.stores.iter().map(|store| store.faults).sum();
    item.all = item.all.max(counted as usize);
    item
}

fn section_item(section: &Section) -> Item {
    let cells = |row: &Vec<String>| row.iter().map(|cell| said(cell, TITLE)).collect();
    let mut item = Item::table(section.title, section.columns, section.rows.iter().map(cells).collect());
    item.notes = section.notes.iter().take(ROWS).map(|note| vec![said(note, TEXT)]).collect();
    item
}

fn not_checked(report: &Report) -> Item {
    let unable = report.ledger.checks.iter().filter(|check| check.status == CheckStatus::CouldNotRun);
    let lines = unable.map(|check| {
        let why = check.why.as_deref().unwrap_or_default();
        vec![said(&check.id, TITLE), own(": "), said(why, TEXT)]
    });
    let lines: Vec<Line> = lines.collect();
    Item { title: "Not checked", all: lines.len(), body: Body::List(lines), notes: Vec::new() }
}

fn ledger(view: &View<'_>) -> Item {
    const COLUMNS: &[Column] = &[
        Column::Text("path"),
        Column::Text("format"),
        Column::Number("size"),
        Column::Number("records"),
        Column::Number("rejected"),
        Column::Number("skipped"),
        Column::Text("notes"),
    ];
    let rows = digest::ledger(view.report).into_iter().map(|group| {
        let notes: Vec<&str> = group.problems.iter().chain(group.notes).map(String::as_str).collect();
        vec![
            said(view.shorter(&group.name), TITLE),
            said(group.format, TITLE),
            own(digest::bytes(group.bytes)),
            own(digest::number(group.records)),
            own(digest::number(group.rejected)),
            own(digest::number(group.skipped)),
            said(&notes.join("; "), TEXT),
        ]
    });
    Item::table("Evidence", COLUMNS, rows.collect())
}
