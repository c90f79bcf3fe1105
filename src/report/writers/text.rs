//! The report in a terminal. First screen: what, since when, why, what to do; the rest below.

use std::io::{self, Write};

use anstyle::{AnsiColor, Style};
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use crate::{
    model::{
        Finding, Severity, Timestamp,
        report::{CheckStatus, Incident, Report, Status},
    },
    report::{
        Layout, Writer, digest, safe,
        sections::{Column, SECTIONS, Section},
    },
};

#[derive(Debug)]
pub(crate) struct Text;

/// Columns of the report: what a ticket and a small terminal show without wrapping.
const WIDTH: usize = 110;
/// Effects shown of one incident; the rest is counted.
const CHAIN: usize = 8;
/// Findings shown that are part of no incident.
const ALONE: usize = 8;
/// Faults shown of one store.
const FAULTS: usize = 12;

const BOLD: Style = Style::new().bold();
const DIM: Style = Style::new().dimmed();

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

    fn write(&self, report: &Report, _: &Layout, out: &mut dyn io::Write) -> io::Result<()> {
        head(report, out)?;
        for incident in &report.incidents {
            show_incident(report, incident, out)?;
        }
        also(report, out)?;
        patterns(report, out)?;
        integrity(report, out)?;
        for section in SECTIONS.iter().filter_map(|section| section(report)) {
            show_section(&section, out)?;
        }
        ledger(report, out)
    }
}

fn style(severity: Severity) -> Style {
    match severity {
        Severity::Critical => AnsiColor::Red.on_default().bold(),
        Severity::Error => AnsiColor::Red.on_default(),
        Severity::Warning => AnsiColor::Yellow.on_default(),
        Severity::Info => AnsiColor::Blue.on_default(),
    }
}

/// The severity as a word of one width, with a sign for those who see no colours.
fn badge(severity: Severity) -> String {
    let style = style(severity);
    format!("{style}{:<2} {:<8}{style:#}", digest::sign(severity), severity.name().to_uppercase())
}

fn head(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let window = crate::model::Window { from: report.window.from, to: report.window.to };
    let completeness = match report.verdict.status {
        Status::Incomplete => format!("{}INCOMPLETE{:#}", style(Severity::Warning), style(Severity::Warning)),
        Status::Clean | Status::Findings => "complete".to_owned(),
    };
    writeln!(
        out,
        "{BOLD}coroner{BOLD:#}   {}   {}   {}   {completeness}",
        digest::evidence(report),
        digest::volume(report),
        digest::span(&window)
    )?;
    let folder = digest::common_folder(report);
    if !folder.is_empty() {
        writeln!(out, "{DIM}paths below {}{DIM:#}", safe::terminal(folder))?;
    }
    for reason in &report.verdict.incomplete {
        writeln!(out, "  {}", safe::terminal(&reason.replace(folder, "")))?;
    }
    if report.incidents.is_empty() {
        let verdict = match report.verdict.status {
            _ if digest::standing_alone(report).next().is_some() => {
                "No incident. What stands alone is listed below."
            }
            _ if report.templates.iter().any(|seen| ["error", "fatal"].contains(&seen.level.as_str())) => {
                "No incident. Messages of level error that no pattern names are listed below."
            }
            Status::Incomplete => "Nothing above info was found in what could be read.",
            Status::Clean | Status::Findings => "No incident: nothing above info was found.",
        };
        writeln!(out, "\n{verdict}")?;
    }
    Ok(())
}

fn show_incident(report: &Report, incident: &Incident, out: &mut dyn Write) -> io::Result<()> {
    let title = safe::cut(&safe::terminal(&incident.title), WIDTH - 30);
    let badge = badge(incident.severity);
    writeln!(
        out,
        "\n{} {badge} {BOLD}{title}{BOLD:#}   {DIM}score {}  {}{DIM:#}",
        incident.rank, incident.score, incident.id
    )?;
    let find = |id: &str| report.findings.iter().find(|finding| finding.id == id);
    let cause = &incident.root_cause;
    let verdict = digest::verdict(cause.verdict);
    wrapped(out, "cause", &format!("{}, {verdict}: {}", cause.kind, safe::terminal(&cause.why)))?;
    if incident.window.from.is_some() {
        label(out, "when", &digest::span(&incident.window))?;
    }
    chain(incident, &find, out)?;
    let keys = incident.keys.iter().filter(|(name, _)| *name != "store");
    let hit: Vec<String> = keys.map(|(name, values)| format!("{name} {}", few(values))).collect();
    if !hit.is_empty() {
        label(out, "hit", &hit.join("   "))?;
    }
    for (number, step) in incident.next_steps.iter().enumerate() {
        wrapped(
            out,
            if number == 0 { "now" } else { "" },
            &format!("{}. {}", number + 1, safe::terminal(step)),
        )?;
    }
    if let Some(runbook) = &incident.runbook {
        label(out, "runbook", &safe::terminal(&format!("coroner explain {runbook}")))?;
    }
    if let Some(root) = find(&cause.finding) {
        for (number, place) in root.evidence.iter().take(3).enumerate() {
            let line = format!("{}:{}  {}", shorter(report, &place.path), place.line, place.excerpt);
            label(out, if number == 0 { "evidence" } else { "" }, &safe::terminal(&line))?;
        }
    }
    for (number, text) in incident.counter_evidence.iter().enumerate() {
        wrapped(out, if number == 0 { "against" } else { "" }, &safe::terminal(text))?;
    }
    wrapped(out, "without", &safe::terminal(&incident.not_checked.join(", ")))
}

/// A text that must be read whole, over as many lines as it takes.
fn wrapped(out: &mut dyn Write, name: &str, text: &str) -> io::Result<()> {
    let mut name = name;
    for line in digest::wrap(text, WIDTH - 12) {
        writeln!(out, "  {DIM}{name:<9}{DIM:#} {line}")?;
        name = "";
    }
    Ok(())
}

fn label(out: &mut dyn Write, name: &str, text: &str) -> io::Result<()> {
    writeln!(out, "  {DIM}{name:<9}{DIM:#} {}", safe::cut(text, WIDTH - 12))
}

fn few(values: &[String]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<String> =
        values.iter().take(SHOWN).map(|value| safe::cut(&safe::terminal(value), 40)).collect();
    let more = values.len().saturating_sub(SHOWN);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

fn chain<'r>(
    incident: &Incident,
    find: &dyn Fn(&str) -> Option<&'r Finding>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut first: Option<Timestamp> = None;
    for (number, link) in incident.chain.iter().enumerate() {
        let Some(finding) = find(&link.finding) else { continue };
        if number == CHAIN {
            return label(out, "", &format!("and {} more findings", incident.chain.len() - CHAIN));
        }
        let clock = link.at.map_or_else(|| " ".repeat(8), Timestamp::clock);
        let after = match (first, link.at) {
            (Some(first), Some(at)) => format!("+{} s", at.since(first) / 1_000_000),
            _ => String::new(),
        };
        first = first.or(link.at);
        let style = style(finding.severity);
        let text = safe::cut(&safe::terminal(&finding.title), WIDTH - 50);
        let name = if number == 0 { "chain" } else { "" };
        writeln!(
            out,
            "  {DIM}{name:<9}{DIM:#} {clock} {after:>8}  {style}{text}{style:#}, {} {DIM}({}){DIM:#}",
            times(finding.count),
            safe::terminal(&finding.kind)
        )?;
    }
    Ok(())
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{} times", digest::number(count)) }
}

fn also(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let quiet = report.findings.iter().filter(|finding| finding.severity == Severity::Info).count();
    let unable: Vec<String> = report
        .ledger
        .checks
        .iter()
        .filter(|check| check.status == CheckStatus::CouldNotRun)
        .map(|check| format!("{} ({})", check.id, check.why.as_deref().unwrap_or_default()))
        .collect();
    writeln!(out)?;
    let mut name = "also";
    let alone: Vec<&Finding> = digest::standing_alone(report).collect();
    for finding in alone.iter().take(ALONE) {
        let spread = if finding.scattered { ", now and then" } else { "" };
        let title = safe::cut(&safe::terminal(&finding.title), WIDTH - 50);
        let badge = badge(finding.severity);
        writeln!(out, "{DIM}{name:<12}{DIM:#} {badge} {title}, {}{spread}", times(finding.count))?;
        name = "";
    }
    let more = alone.len().saturating_sub(ALONE);
    if more > 0 {
        writeln!(
            out,
            "{DIM}{name:<12}{DIM:#} and {}",
            digest::counted(more, "more finding", "more findings")
        )?;
    }
    if quiet > 0 {
        let quiet = digest::counted(quiet, "finding of severity info", "findings of severity info");
        writeln!(out, "{DIM}{name:<12}{DIM:#} {quiet}, in report.json")?;
    }
    for (number, check) in unable.iter().enumerate() {
        let name = if number == 0 { "not checked" } else { "" };
        writeln!(out, "{DIM}{name:<12}{DIM:#} {}", safe::cut(check, WIDTH - 13))?;
    }
    if let Some(as_of) = report.window.as_of {
        writeln!(out, "{DIM}as of{DIM:#}        {as_of}, {}", safe::terminal(&report.window.as_of_basis))?;
    }
    Ok(())
}

fn patterns(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.patterns.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{BOLD}Patterns{BOLD:#}")?;
    let mut table = table(&["severity", "pattern", "count", "first", "last", "latest"]);
    for pattern in &report.patterns {
        let clock = |time: Option<Timestamp>| time.map_or("-".to_owned(), Timestamp::clock);
        let count = if pattern.raised < pattern.occurrences {
            format!("{} ({} loud)", digest::number(pattern.occurrences), digest::number(pattern.raised))
        } else {
            digest::number(pattern.occurrences)
        };
        table.add_row([
            pattern.severity.name().to_owned(),
            pattern.id.clone(),
            count,
            clock(pattern.first_seen),
            clock(pattern.last_seen),
            safe::cut(&safe::terminal(&pattern.latest_message), 40),
        ]);
    }
    writeln!(out, "{table}")
}

fn integrity(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.integrity.stores.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n{BOLD}Event stores{BOLD:#}")?;
    for store in &report.integrity.stores {
        let style = style(if store.faults > 0 { Severity::Error } else { Severity::Info });
        let verdict = if store.faults > 0 {
            digest::counted(store.faults as usize, "fault", "faults")
        } else {
            "no fault found".to_owned()
        };
        let schema = if store.schema.is_empty() {
            String::new()
        } else {
            format!(" schema {}", safe::terminal(&store.schema))
        };
        writeln!(
            out,
            "  {}  {style}{verdict}{style:#}  {DIM}{}{schema}, {} in {}, {}{DIM:#}",
            safe::terminal(shorter(report, &store.path)),
            store.profile,
            digest::counted(store.events as usize, "event", "events"),
            digest::counted(store.streams as usize, "stream", "streams"),
            digest::counted(store.checkpoints as usize, "checkpoint", "checkpoints"),
        )?;
        let faults: Vec<_> =
            report.integrity.faults.iter().filter(|fault| fault.path == store.path).collect();
        for fault in faults.iter().take(FAULTS) {
            let line =
                if fault.line > 0 { format!("line {}", fault.line) } else { format!("byte {}", fault.byte) };
            let text = safe::cut(&safe::terminal(&fault.detail), WIDTH - 45);
            writeln!(
                out,
                "    {} {:<24} {text} {DIM}{line}{DIM:#}",
                badge(fault.severity),
                fault.kind.name()
            )?;
        }
        if faults.len() > FAULTS {
            writeln!(out, "    and {} more, in report.json", digest::number((faults.len() - FAULTS) as u64))?;
        }
    }
    Ok(())
}

/// Widest text cell of a section.
const CELL: usize = 48;

fn show_section(section: &Section, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{BOLD}{}{BOLD:#}", section.title)?;
    let names: Vec<&str> = section.columns.iter().map(|column| column.name()).collect();
    let mut table = table(&names);
    for (at, column) in section.columns.iter().enumerate() {
        if let (Column::Number(_), Some(column)) = (column, table.column_mut(at)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    for row in &section.rows {
        table.add_row(row.iter().map(|cell| safe::cut(&safe::terminal(cell), CELL)));
    }
    writeln!(out, "{table}")?;
    for note in &section.notes {
        writeln!(out, "  {}", safe::cut(&safe::terminal(note), WIDTH - 2))?;
    }
    Ok(())
}

fn ledger(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\n{BOLD}Evidence{BOLD:#}")?;
    let mut table = table(&["path", "format", "size", "records", "rejected", "notes"]);
    for group in digest::ledger(report) {
        let format = if matches!(group.compression, "none" | "") {
            group.format.to_owned()
        } else {
            format!("{}, {}", group.format, group.compression)
        };
        let notes: Vec<&str> = group.problems.iter().take(1).chain(group.notes).map(String::as_str).collect();
        table.add_row([
            safe::terminal(shorter(report, &group.name)),
            format,
            digest::bytes(group.bytes),
            digest::number(group.records),
            digest::number(group.rejected),
            safe::cut(&safe::terminal(&notes.join("; ")), 60),
        ]);
    }
    writeln!(out, "{table}")
}

/// A path without the folder that all evidence shares; the head names it once.
fn shorter<'p>(report: &Report, path: &'p str) -> &'p str {
    path.strip_prefix(digest::common_folder(report)).unwrap_or(path)
}

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header.to_vec());
    for (at, name) in header.iter().enumerate() {
        if let Some(column) = table.column_mut(at).filter(|_| {
            ["count", "size", "records", "rejected", "lag", "behind", "never seen"].contains(name)
        }) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
