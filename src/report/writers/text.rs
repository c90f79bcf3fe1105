//! The report in a terminal. First screen: what, since when, why, what to do; the rest below.

use std::io;

use crate::{
    model::{
        Finding, Severity, Timestamp,
        report::{CheckStatus, Report, Status, Store},
    },
    report::{
        Layout, Writer, digest, incident,
        layout::Ranks,
        page::{BOLD, DIM, Margin, PLAIN, Page, Span},
        sections::{Column, SECTIONS, Section},
    },
};

#[derive(Debug)]
pub(crate) struct Text;

/// Findings shown that are part of no incident.
const ALONE: usize = 8;
/// Faults shown of one store.
const FAULTS: usize = 12;

impl Writer for Text {
    fn id(&self) -> &'static str {
        "text"
    }

    fn about(&self) -> &'static str {
        "for a terminal or a plain file"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["txt", "log"]
    }

    fn write(&self, report: &Report, layout: &Layout, out: &mut dyn io::Write) -> io::Result<()> {
        let page = &mut Page::new(out, layout.columns);
        head(report, page)?;
        if layout.shows("incidents") {
            incidents(report, layout, page)?;
        }
        if layout.shows("also") {
            also(report, page)?;
        }
        if layout.shows("patterns") && !report.patterns.is_empty() {
            patterns(report, page)?;
        }
        if layout.shows("stores") && !report.integrity.stores.is_empty() {
            stores(report, page)?;
        }
        let shown = SECTIONS.iter().filter(|(id, _)| layout.shows(id));
        for section in shown.filter_map(|(_, section)| section(report)) {
            show_section(&section, page)?;
        }
        if layout.shows("evidence") { evidence(report, page) } else { Ok(()) }
    }
}

fn head(report: &Report, page: &mut Page<'_>) -> io::Result<()> {
    let window = crate::model::Window { from: report.window.from, to: report.window.to };
    let unable = report.ledger.checks.iter().filter(|check| check.status == CheckStatus::CouldNotRun).count();
    let unable = match unable {
        0 => String::new(),
        count => format!(" ({} could not run)", digest::counted(count, "check", "checks")),
    };
    let completeness = match report.verdict.status {
        Status::Incomplete => format!("INCOMPLETE{unable}"),
        Status::Clean | Status::Findings => format!("complete{unable}"),
    };
    let parts = [digest::evidence(report), digest::volume(report), digest::span(&window), completeness];
    page.flow(Margin { indent: 0, name: "coroner  ", width: 9 }, BOLD, &parts)?;
    let folder = digest::common_folder(report);
    if !folder.is_empty() {
        page.line(&[Span(DIM, &format!("paths below {folder}"))])?;
    }
    if let Some(redacted) = digest::redacted(report) {
        page.line(&[Span(DIM, &redacted)])?;
    }
    for reason in &report.verdict.incomplete {
        page.paragraph(
            Margin { indent: 2, name: "", width: 0 },
            reason.strip_prefix(folder).unwrap_or(reason),
        )?;
    }
    if report.incidents.is_empty() {
        page.blank()?;
        page.paragraph(Margin { indent: 0, name: "", width: 0 }, digest::no_incident(report))?;
    }
    Ok(())
}

fn incidents(report: &Report, layout: &Layout, page: &mut Page<'_>) -> io::Result<()> {
    let shown = report.incidents.iter().take(layout.top);
    for (at, one) in shown.enumerate() {
        incident::write(report, one, page)?;
        if layout.ranks == Ranks::Explained {
            incident::explain_rank(one, report.incidents.get(at + 1), page)?;
        }
    }
    match report.incidents.len().saturating_sub(layout.top) {
        0 => Ok(()),
        more => {
            page.blank()?;
            page.line(&[Span(
                PLAIN,
                &format!("and {}", digest::counted(more, "more incident", "more incidents")),
            )])
        }
    }
}

/// A label of what stands below the incidents.
fn label(name: &str) -> Margin<'_> {
    Margin { indent: 0, name, width: 12 }
}

fn also(report: &Report, page: &mut Page<'_>) -> io::Result<()> {
    page.blank()?;
    let mut name = "also";
    let alone: Vec<&Finding> = digest::standing_alone(report).collect();
    for finding in alone.iter().take(ALONE) {
        let spread = if finding.scattered { ", now and then" } else { "" };
        page.line(&[
            Span(DIM, &format!("{name:<12} ")),
            Span(incident::style(finding.severity), &incident::badge(finding.severity)),
            Span(PLAIN, &format!(" {}, {}{spread}", finding.title, digest::times(finding.count))),
        ])?;
        name = "";
    }
    let more = alone.len().saturating_sub(ALONE);
    if more > 0 {
        let more = digest::counted(more, "more finding", "more findings");
        page.labelled(label(name), &format!("and {more}"))?;
    }
    let quiet = report.findings.iter().filter(|finding| finding.severity == Severity::Info).count();
    if quiet > 0 {
        let quiet = digest::counted(quiet, "finding of severity info", "findings of severity info");
        page.labelled(label(name), &format!("{quiet}, in report.json"))?;
    }
    let mut name = "not checked";
    for (why, checks) in digest::not_checked(report) {
        page.paragraph(label(name), &format!("{}: {why}", checks.join(", ")))?;
        name = "";
    }
    match report.window.as_of {
        Some(as_of) => page.labelled(label("as of"), &format!("{as_of}, {}", report.window.as_of_basis)),
        None => Ok(()),
    }
}

fn patterns(report: &Report, page: &mut Page<'_>) -> io::Result<()> {
    page.title("Patterns")?;
    let columns = [
        Column::Text("severity"),
        Column::Text("pattern"),
        Column::Number("count"),
        Column::Number("first"),
        Column::Number("last"),
        Column::Text("latest"),
    ];
    let clock = |time: Option<Timestamp>| time.map_or("-".to_owned(), Timestamp::clock);
    let rows = report.patterns.iter().map(|pattern| {
        let count = digest::number(pattern.occurrences);
        let count = if pattern.raised < pattern.occurrences {
            format!("{count} ({} loud)", digest::number(pattern.raised))
        } else {
            count
        };
        vec![
            incident::badge(pattern.severity).trim_end().to_lowercase(),
            pattern.id.clone(),
            count,
            clock(pattern.first_seen),
            clock(pattern.last_seen),
            pattern.latest_message.clone(),
        ]
    });
    page.table(&columns, &rows.collect::<Vec<_>>())
}

fn stores(report: &Report, page: &mut Page<'_>) -> io::Result<()> {
    page.title("Event stores")?;
    for store in &report.integrity.stores {
        store_line(report, store, page)?;
        let faults: Vec<_> =
            report.integrity.faults.iter().filter(|fault| fault.path == store.path).collect();
        for fault in faults.iter().take(FAULTS) {
            let place =
                if fault.line > 0 { format!("line {}", fault.line) } else { format!("byte {}", fault.byte) };
            page.line(&[
                Span(PLAIN, "    "),
                Span(incident::style(fault.severity), &incident::badge(fault.severity)),
                Span(PLAIN, &format!(" {:<24} ", fault.kind.name())),
                Span(DIM, &format!("{place}  ")),
                Span(PLAIN, &fault.detail),
            ])?;
        }
        let more = faults.len().saturating_sub(FAULTS);
        if more > 0 {
            let text = format!("    and {} more, in report.json", digest::number(more as u64));
            page.line(&[Span(PLAIN, &text)])?;
        }
    }
    Ok(())
}

fn store_line(report: &Report, store: &Store, page: &mut Page<'_>) -> io::Result<()> {
    let (severity, verdict) = match store.faults {
        0 => (Severity::Info, "no fault found".to_owned()),
        count => (Severity::Error, digest::counted(count as usize, "fault", "faults")),
    };
    let schema = if store.schema.is_empty() { String::new() } else { format!(" schema {}", store.schema) };
    let about = format!(
        "  {}{schema}, {} in {}, {}",
        store.profile,
        digest::counted(store.events as usize, "event", "events"),
        digest::counted(store.streams as usize, "stream", "streams"),
        digest::counted(store.checkpoints as usize, "checkpoint", "checkpoints"),
    );
    page.line(&[
        Span(incident::style(severity), &format!("  {verdict}")),
        Span(PLAIN, &format!("  {}", digest::shorter(report, &store.path))),
        Span(DIM, &about),
    ])
}

fn show_section(section: &Section, page: &mut Page<'_>) -> io::Result<()> {
    page.title(section.title)?;
    page.table(section.columns, &section.rows)?;
    for note in &section.notes {
        page.paragraph(Margin { indent: 2, name: "", width: 0 }, note)?;
    }
    Ok(())
}

fn evidence(report: &Report, page: &mut Page<'_>) -> io::Result<()> {
    page.title("Evidence")?;
    let columns = [
        Column::Path("path"),
        Column::Text("format"),
        Column::Number("size"),
        Column::Number("records"),
        Column::Number("rejected"),
        Column::Text("notes"),
    ];
    let rows = digest::ledger(report).into_iter().map(|group| {
        let format = match group.compression {
            "none" | "" => group.format.to_owned(),
            packing => format!("{}, {packing}", group.format),
        };
        let notes: Vec<&str> = group.problems.iter().take(1).chain(group.notes).map(String::as_str).collect();
        vec![
            digest::shorter(report, &group.name).to_owned(),
            format,
            digest::bytes(group.bytes),
            digest::number(group.records),
            digest::number(group.rejected),
            notes.join("; "),
        ]
    });
    page.table(&columns, &rows.collect::<Vec<_>>())
}
