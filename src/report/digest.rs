//! What writers for people share: counts with separators, and the ledger in groups.

use std::collections::BTreeMap;

use crate::model::{
    Finding, OverTime, Severity, Timestamp, Window,
    projection::{Projection, ProjectionStatus},
    report::{CauseVerdict, ChainRole, CheckStatus, EvidenceRow, Incident, Report, Status},
};

/// `63629` as `63,629`.
pub(super) fn number(count: u64) -> String {
    let digits = count.to_string();
    let mut shown = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    shown
}

/// A severity for those who see no colours.
pub(super) fn sign(severity: Severity) -> &'static str {
    match severity {
        Severity::Critical => "!!",
        Severity::Error => "!",
        Severity::Warning => "~",
        Severity::Info => "-",
    }
}

/// A verdict on a cause, in the words of a report.
pub(super) fn verdict(verdict: CauseVerdict) -> &'static str {
    match verdict {
        CauseVerdict::Confirmed => "confirmed",
        CauseVerdict::Likely => "likely",
        CauseVerdict::Insufficient => "not settled",
    }
}

/// What redaction replaced, in a few words; a reader must know that names are not names.
pub(super) fn redacted(report: &Report) -> Option<String> {
    let redaction = report.run.redaction.as_ref()?;
    let of = |(category, count): (&String, &u64)| format!("{} {category}", number(*count));
    let values: Vec<String> = redaction.values.iter().map(of).collect();
    if values.is_empty() {
        return Some("redacted: nothing had to be replaced".to_owned());
    }
    Some(format!("redacted: pseudonyms stand for {}", values.join(", ")))
}

/// The verdict where there is no incident.
pub(super) fn no_incident(report: &Report) -> &'static str {
    let loud = |level: &str| ["error", "fatal"].contains(&level);
    let left_out = report.run.state.as_ref().is_some_and(|state| state.left_out > 0);
    match report.verdict.status {
        _ if standing_alone(report).next().is_some() => "No incident. What stands alone is listed below.",
        _ if report.templates.iter().any(|seen| loud(&seen.level)) => {
            "No incident. Messages of level error that no pattern names are listed below."
        }
        _ if left_out => "No news: what is known from the runs before is left out.",
        Status::Incomplete => "Nothing above info was found in what could be read.",
        Status::Clean | Status::Findings => "No incident: nothing above info was found.",
    }
}

/// Findings of warning or above that are part of no incident, the worst first.
pub(super) fn standing_alone(report: &Report) -> impl Iterator<Item = &Finding> {
    let alone = |finding: &&Finding| finding.incident.is_none() && finding.severity >= Severity::Warning;
    report.findings.iter().filter(alone)
}

/// The incident that a finding is part of.
pub(super) fn incident_of<'r>(report: &'r Report, finding: &Finding) -> Option<&'r Incident> {
    let id = finding.incident.as_ref()?;
    report.incidents.iter().find(|incident| incident.id == *id)
}

/// Its role in the incident's chain, where it has one.
pub(super) fn role_of(incident: &Incident, finding: &Finding) -> Option<ChainRole> {
    incident.chain.iter().find(|link| link.finding == finding.id).map(|link| link.role)
}

/// `once`, `1,575 times`.
pub(super) fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{} times", number(count)) }
}

/// Why checks could not run, and which: those that lack the same together.
pub(super) fn not_checked(report: &Report) -> Vec<(&str, Vec<&str>)> {
    let mut by_reason: Vec<(&str, Vec<&str>)> = Vec::new();
    for check in report.ledger.checks.iter().filter(|check| check.status == CheckStatus::CouldNotRun) {
        let why = check.why.as_deref().unwrap_or_default();
        match by_reason.iter_mut().find(|(known, _)| *known == why) {
            Some((_, checks)) => checks.push(&check.id),
            None => by_reason.push((why, vec![&check.id])),
        }
    }
    by_reason
}

/// A path without the folder that all evidence shares; the head of a report names it once.
pub(super) fn shorter<'p>(report: &Report, path: &'p str) -> &'p str {
    path.strip_prefix(common_folder(report)).unwrap_or(path)
}

/// `1 log`, `3 logs`.
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    format!("{} {}", number(count as u64), if count == 1 { one } else { many })
}

/// What was read, in a few words.
pub(super) fn evidence(report: &Report) -> String {
    let of =
        |kind: &str| report.ledger.evidence.iter().filter(|row| row.kind == kind && row.records > 0).count();
    let others = report.ledger.evidence.len() - of("log") - of("store");
    let mut parts = Vec::new();
    for (count, one, many) in [
        (of("log"), "log", "logs"),
        (of("store"), "store export", "store exports"),
        (others, "other file", "other files"),
    ] {
        if count > 0 {
            parts.push(counted(count, one, many));
        }
    }
    parts.join(", ")
}

/// How much was read.
pub(super) fn volume(report: &Report) -> String {
    let entries: u64 =
        report.ledger.evidence.iter().filter(|row| row.kind == "log").map(|row| row.records).sum();
    let events: u64 = {
        let counted = report.integrity.stores.iter().filter(|store| store.copy_of.is_none());
        counted.map(|store| store.events).sum()
    };
    match (entries, events) {
        (0, 0) => "no records".to_owned(),
        (entries, 0) => format!("{} log entries", number(entries)),
        (0, events) => format!("{} rows of events", number(events)),
        (entries, events) => format!("{} log entries, {} rows of events", number(entries), number(events)),
    }
}

/// `2026-11-23 15:48:51 - 15:55:23 UTC`.
pub(super) fn span(window: &Window) -> String {
    let date = |time: Timestamp| time.to_string().chars().take(10).collect::<String>();
    match (window.from, window.to) {
        (Some(from), Some(to)) if date(from) == date(to) => {
            format!("{} {} - {} UTC", date(from), from.clock(), to.clock())
        }
        (Some(from), Some(to)) => {
            format!("{} {} - {} {} UTC", date(from), from.clock(), date(to), to.clock())
        }
        _ => "no times".to_owned(),
    }
}

/// Rows of the ledger that tell the same story: the same folder, format and notes.
#[derive(Debug)]
pub(super) struct LedgerGroup<'r> {
    /// The path, or the folder and how many files of it.
    pub(super) name: String,
    pub(super) format: &'r str,
    pub(super) compression: &'r str,
    pub(super) bytes: u64,
    pub(super) records: u64,
    pub(super) rejected: u64,
    pub(super) skipped: u64,
    pub(super) notes: &'r [String],
    pub(super) problems: &'r [String],
}

/// Folders with more like rows than this are one line.
const ALIKE: usize = 3;

/// The ledger for people: every file is in it, like ones together.
pub(super) fn ledger(report: &Report) -> Vec<LedgerGroup<'_>> {
    let folder =
        |row: &EvidenceRow| row.path.rsplit_once('/').map_or(String::new(), |(folder, _)| folder.to_owned());
    let mut groups: BTreeMap<(String, &str, &[String]), Vec<&EvidenceRow>> = BTreeMap::new();
    for row in &report.ledger.evidence {
        let whose = if row.records + row.rejected > 0 { row.path.clone() } else { folder(row) };
        groups.entry((whose, &row.format, &row.notes)).or_default().push(row);
    }
    let mut shown = Vec::new();
    for ((folder, ..), rows) in groups {
        if rows.len() > ALIKE {
            shown.push(group(format!("{folder}/ ({})", counted(rows.len(), "file", "files")), &rows));
        } else {
            shown.extend(rows.iter().map(|row| group(row.path.clone(), &[*row])));
        }
    }
    shown
}

fn group<'r>(name: String, rows: &[&'r EvidenceRow]) -> LedgerGroup<'r> {
    let sum = |of: fn(&EvidenceRow) -> u64| rows.iter().map(|row| of(row)).sum();
    let first = rows[0];
    LedgerGroup {
        name,
        format: &first.format,
        compression: &first.compression,
        bytes: sum(|row| row.bytes),
        records: sum(|row| row.records),
        rejected: sum(|row| row.rejected),
        skipped: sum(|row| row.skipped),
        notes: &first.notes,
        problems: &first.problems,
    }
}

/// The folder that all evidence lies in, with its `/`; empty if there is none.
pub(super) fn common_folder(report: &Report) -> &str {
    folder_of(report.ledger.evidence.iter().map(|row| row.path.as_str()))
}

pub(super) fn folder_of<'p>(mut paths: impl Iterator<Item = &'p str>) -> &'p str {
    let Some(first) = paths.next() else { return "" };
    let mut folder = first.rfind('/').map_or("", |at| &first[..=at]);
    for path in paths {
        while !path.starts_with(folder) {
            folder = folder[..folder.len() - 1].rfind('/').map_or("", |at| &folder[..=at]);
        }
    }
    folder
}

/// A name without its middle: what tells names apart stands at either end.
pub(super) fn cut_middle(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let (head, tail) = (kept / 2, kept - kept / 2);
    text.chars().take(head).chain(['…']).chain(text.chars().skip(length - tail)).collect()
}

/// Steps of an incident's own chart.
const STEPS: usize = 60;

/// The counts of several charts on one axis; what a step of one holds falls to where the step begins.
pub(super) fn over_time<'r>(window: &Window, charts: impl Iterator<Item = &'r OverTime>) -> OverTime {
    let (Some(from), Some(to)) = (window.from, window.to.max(window.from)) else {
        return OverTime::default();
    };
    let step = (to.since(from) / STEPS as i64 + 1).max(1_000_000);
    let mut counts = vec![0_u64; (to.since(from) / step + 1) as usize];
    for chart in charts {
        for (at, count) in chart.counts.iter().enumerate() {
            let step = chart.at(at).map_or(-1, |time| time.since(from).max(0) / step);
            if let Some(sum) = usize::try_from(step).ok().and_then(|step| counts.get_mut(step)) {
                *sum = sum.saturating_add(*count);
            }
        }
    }
    OverTime { from: Some(from), step_ms: step as f64 / 1e3, counts }
}

/// `4.2 s`, `16 min`, `3 h 5 min`.
pub(super) fn duration(ms: i64) -> String {
    match ms {
        ..1_000 => format!("{ms} ms"),
        1_000..120_000 => format!("{:.1} s", ms as f64 / 1e3),
        120_000..7_200_000 => format!("{} min", ms / 60_000),
        _ => format!("{} h {} min", ms / 3_600_000, ms / 60_000 % 60),
    }
}

pub(super) fn projection_status(row: &Projection) -> &'static str {
    row.status.map_or("unknown", ProjectionStatus::name)
}

/// What to do about a projection, in a line; empty where there is nothing to do.
pub(super) fn rebuild(row: &Projection) -> String {
    let Some(plan) = &row.rebuild else { return String::new() };
    let from = plan.from.as_ref().map_or(String::new(), |from| format!(", from {from}"));
    let events = plan.events.map_or(String::new(), |events| format!(", {} events", number(events)));
    let time = plan.estimate_ms.map_or(String::new(), |ms| format!(", about {}", duration(ms)));
    format!("{}{events}{time}{from}", plan.strategy)
}

/// `4.2 MB`.
pub(super) fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} kB", count as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count as f64 / 1e6),
        _ => format!("{:.1} GB", count as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        for (count, shown) in
            [(0, "0"), (999, "999"), (1000, "1,000"), (63_629, "63,629"), (1_234_567, "1,234,567")]
        {
            assert_eq!(number(count), shown);
        }
        assert_eq!(bytes(4_200_000), "4.2 MB");
    }

    #[test]
    fn paths_share_a_folder_or_none() {
        let report = |paths: &[&str]| {
            let mut report = Report::default();
            let row = |path: &&str| EvidenceRow { path: (*path).to_owned(), ..EvidenceRow::default() };
            report.ledger.evidence = paths.iter().map(row).collect();
            report
        };
        assert_eq!(common_folder(&report(&["a/b/c/x", "a/b/cd/y"])), "a/b/");
        assert_eq!(common_folder(&report(&["a/x", "b/y"])), "");
        assert_eq!(common_folder(&report(&["a/b/x"])), "a/b/");
        assert_eq!(common_folder(&report(&["x"])), "");
    }
}
