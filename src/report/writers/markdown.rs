//! The report for a ticket. Every text from evidence stands in a code span or a fence, so that nothing of it is
//! markup, a mention or a link.

use std::io::{self, Write};

use crate::{
    model::{
        Finding, Severity,
        report::{CauseVerdict, CheckStatus, Incident, Report, Status},
    },
    report::{
        Layout, Writer, digest, safe,
        sections::{Column, SECTIONS, Section},
    },
};

#[derive(Debug)]
pub(crate) struct Markdown;

/// Faults listed of all stores; the JSON report has all.
const FAULTS: usize = 50;

impl Writer for Markdown {
    fn id(&self) -> &'static str {
        "md"
    }

    fn about(&self) -> &'static str {
        "Markdown for tickets"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["md", "markdown"]
    }

    fn write(&self, report: &Report, layout: &Layout, out: &mut dyn io::Write) -> io::Result<()> {
        head(report, out)?;
        if layout.shows("incidents") {
            incidents(report, layout, out)?;
        }
        if layout.shows("also") {
            alone(report, out)?;
        }
        if layout.shows("patterns") {
            patterns(report, out)?;
        }
        if layout.shows("stores") {
            integrity(report, out)?;
        }
        let shown = SECTIONS.iter().filter(|(id, _)| layout.shows(id));
        for section in shown.filter_map(|(_, section)| section(report)) {
            show_section(&section, out)?;
        }
        if layout.shows("also") {
            not_checked(report, out)?;
        }
        if layout.shows("evidence") {
            ledger(report, out)?;
        }
        writeln!(out, "\n---\n{} {}", safe::plain(&report.run.tool), safe::plain(&report.run.version))
    }
}

fn incidents(report: &Report, layout: &Layout, out: &mut dyn Write) -> io::Result<()> {
    for incident in report.incidents.iter().take(layout.top) {
        show_incident(report, incident, out)?;
    }
    match report.incidents.len().saturating_sub(layout.top) {
        0 => Ok(()),
        more => writeln!(out, "\nAnd {}.", digest::counted(more, "more incident", "more incidents")),
    }
}

fn head(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# Incident report\n")?;
    let window = crate::model::Window { from: report.window.from, to: report.window.to };
    let verdict = match report.verdict.status {
        Status::Clean => "nothing above info was found",
        Status::Findings => "findings",
        Status::Incomplete => "**incomplete**: not all evidence could be read",
    };
    writeln!(out, "- verdict: {verdict}")?;
    writeln!(out, "- evidence: {}; {}", digest::evidence(report), digest::volume(report))?;
    writeln!(out, "- window: {}", digest::span(&window))?;
    if let Some(as_of) = report.window.as_of {
        writeln!(out, "- as of: {as_of} ({})", safe::code_span(&report.window.as_of_basis))?;
    }
    for reason in &report.verdict.incomplete {
        writeln!(out, "- incomplete: {}", safe::code_span(reason))?;
    }
    Ok(())
}

fn show_incident(report: &Report, incident: &Incident, out: &mut dyn Write) -> io::Result<()> {
    let find = |id: &str| report.findings.iter().find(|finding| finding.id == id);
    writeln!(
        out,
        "\n## {}. {} {} ({})\n",
        incident.rank,
        incident.severity.name().to_uppercase(),
        safe::code_span(&incident.title),
        safe::plain(&incident.id)
    )?;
    let cause = &incident.root_cause;
    let verdict = match cause.verdict {
        CauseVerdict::Confirmed => "confirmed",
        CauseVerdict::Likely => "likely",
        CauseVerdict::Insufficient => "not settled",
    };
    writeln!(out, "- cause: **{}**, {verdict}. {}", safe::plain(&cause.kind), safe::code_span(&cause.why))?;
    if incident.window.from.is_some() {
        writeln!(out, "- when: {}", digest::span(&incident.window))?;
    }
    let terms: Vec<String> = incident
        .score_terms
        .iter()
        .map(|term| format!("{} {} ({})", safe::plain(&term.name), term.points, safe::plain(&term.why)))
        .collect();
    writeln!(out, "- score {}: {}", incident.score, terms.join(", "))?;
    for text in &incident.counter_evidence {
        writeln!(out, "- against: {}", safe::code_span(text))?;
    }
    writeln!(out, "- without: {}", safe::code_span(&incident.not_checked.join(", ")))?;
    writeln!(out, "\n| at | severity | finding | count |\n|---|---|---|---:|")?;
    for finding in incident.chain.iter().filter_map(|link| find(&link.finding)) {
        let at = finding.window.from.map_or("-".to_owned(), |at| at.to_string());
        writeln!(
            out,
            "| {at} | {} | {} | {} |",
            finding.severity.name(),
            safe::code_cell(&finding.title),
            digest::number(finding.count)
        )?;
    }
    if !incident.next_steps.is_empty() {
        writeln!(out, "\nWhat to do now:\n")?;
        for (number, step) in incident.next_steps.iter().enumerate() {
            writeln!(out, "{}. {}", number + 1, safe::code_span(step))?;
        }
    }
    if let Some(runbook) = &incident.runbook {
        writeln!(out, "\nRunbook: {}", safe::code_span(&format!("coroner explain {runbook}")))?;
    }
    if let Some(root) = find(&cause.finding) {
        evidence(root, out)?;
    }
    Ok(())
}

fn evidence(finding: &Finding, out: &mut dyn Write) -> io::Result<()> {
    if finding.evidence.is_empty() {
        return Ok(());
    }
    writeln!(out, "\nEvidence:\n")?;
    for place in &finding.evidence {
        let at = safe::code_span(&format!("{}:{}", place.path, place.line));
        writeln!(out, "- {at} byte {}: {}", place.byte, safe::code_span(&place.excerpt))?;
    }
    Ok(())
}

/// What is part of no incident.
fn alone(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let alone: Vec<&Finding> = digest::standing_alone(report).collect();
    if alone.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Part of no incident\n\n| severity | finding | count |\n|---|---|---:|")?;
    for finding in alone.iter().take(FAULTS) {
        let spread = if finding.scattered { ", now and then" } else { "" };
        let title = safe::code_cell(&finding.title);
        let count = digest::number(finding.count);
        writeln!(out, "| {} | {title}{spread} | {count} |", finding.severity.name())?;
    }
    match alone.len().saturating_sub(FAULTS) {
        0 => Ok(()),
        more => writeln!(out, "\n{}", digest::counted(more, "more finding", "more findings")),
    }
}

fn patterns(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.patterns.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n## Patterns\n\n| severity | pattern | occurrences | first | last | latest | action |\n|---|---|---:|---|---|---|---|"
    )?;
    for pattern in &report.patterns {
        let time =
            |time: Option<crate::model::Timestamp>| time.map_or("-".to_owned(), |time| time.to_string());
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} |",
            pattern.severity.name(),
            safe::code_cell(&pattern.id),
            digest::number(pattern.occurrences),
            time(pattern.first_seen),
            time(pattern.last_seen),
            safe::code_cell(&safe::cut(&pattern.latest_message, 160)),
            safe::code_cell(&pattern.action),
        )?;
    }
    Ok(())
}

fn integrity(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.integrity.stores.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n## Event stores\n\n| store | profile | streams | events | faults |\n|---|---|---:|---:|---:|"
    )?;
    for store in &report.integrity.stores {
        writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            safe::code_cell(&store.path),
            safe::code_cell(&store.profile),
            digest::number(store.streams),
            digest::number(store.events),
            digest::number(store.faults)
        )?;
    }
    let claims: Vec<_> =
        report.integrity.faults.iter().filter(|fault| fault.severity > Severity::Info).collect();
    if claims.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n| fault | detail | where |\n|---|---|---|")?;
    for fault in claims.iter().take(FAULTS) {
        let place = safe::code_cell(&format!("{}:{}", fault.path, fault.line));
        writeln!(out, "| {} | {} | {place} |", fault.kind.name(), safe::code_cell(&fault.detail))?;
    }
    if claims.len() > FAULTS {
        writeln!(
            out,
            "\n{} more faults are in the JSON report.",
            digest::number((claims.len() - FAULTS) as u64)
        )?;
    }
    Ok(())
}

fn show_section(section: &Section, out: &mut dyn Write) -> io::Result<()> {
    let names: Vec<&str> = section.columns.iter().map(|column| column.name()).collect();
    let rules = section.columns.iter().map(|column| match column {
        Column::Text(_) | Column::Path(_) => "---",
        Column::Number(_) => "---:",
    });
    let rules: Vec<&str> = rules.collect();
    writeln!(out, "\n## {}\n\n| {} |\n|{}|", section.title, names.join(" | "), rules.join("|"))?;
    for row in &section.rows {
        let cells = row.iter().zip(section.columns).map(|(cell, column)| match column {
            Column::Text(_) | Column::Path(_) => safe::code_cell(cell),
            Column::Number(_) => safe::plain(cell),
        });
        writeln!(out, "| {} |", cells.collect::<Vec<_>>().join(" | "))?;
    }
    for note in &section.notes {
        writeln!(out, "\n{}", safe::code_span(note))?;
    }
    Ok(())
}

fn not_checked(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let unable: Vec<_> =
        report.ledger.checks.iter().filter(|check| check.status == CheckStatus::CouldNotRun).collect();
    if unable.is_empty() {
        return Ok(());
    }
    writeln!(out, "\n## Not checked\n")?;
    for check in unable {
        let why = check.why.as_deref().unwrap_or_default();
        writeln!(out, "- {}: {}", safe::plain(&check.id), safe::plain(why))?;
    }
    Ok(())
}

fn ledger(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "\n## Evidence\n\n| path | format | size | records | rejected | skipped | notes |\n|---|---|---:|---:|---:|---:|---|"
    )?;
    for group in digest::ledger(report) {
        let notes: Vec<&str> = group.problems.iter().chain(group.notes).map(String::as_str).collect();
        let notes = if notes.is_empty() { String::new() } else { safe::code_cell(&notes.join("; ")) };
        writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {notes} |",
            safe::code_cell(&group.name),
            safe::plain(group.format),
            digest::bytes(group.bytes),
            digest::number(group.records),
            digest::number(group.rejected),
            digest::number(group.skipped),
        )?;
    }
    Ok(())
}
