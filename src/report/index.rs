//! The page that links the reports of many days: a calendar with the worst of each day, and how often each kind of
//! incident came. One file without a script, and without a word from evidence.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use crate::model::{Severity, report::CAUSE_KINDS};

/// One day's report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// Counted from 1970-01-01.
    pub day: i64,
    /// As 2026-11-23.
    pub date: String,
    /// The file that holds its report, beside the page.
    pub file: String,
    pub worst: Option<Severity>,
    pub findings: usize,
    /// Incidents by the kind of their root cause.
    pub incidents: BTreeMap<String, u64>,
}

const STYLE: &str = "body{font:15px/1.4 sans-serif;margin:2em}table{border-collapse:collapse;margin:1em 0}\
td,th{border:1px solid #bbb;padding:.3em .6em;text-align:left;vertical-align:top}td.n{text-align:right}\
.critical{background:#f4b8b8}.error{background:#f9d5b5}.warning{background:#f8efb8}.info,.clean{background:#d9efd9}";

/// Writes the page; days in their order.
///
/// # Errors
///
/// What writing says.
pub fn index(days: &[Day], out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>coroner: days</title>"
    )?;
    writeln!(out, "<style>{STYLE}</style></head><body>\n<h1>Days</h1>")?;
    calendar(days, out)?;
    trend(days, out)?;
    writeln!(out, "</body></html>")
}

/// A row for each week that has a day.
fn calendar(days: &[Day], out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<table><tr><th>Mon<th>Tue<th>Wed<th>Thu<th>Fri<th>Sat<th>Sun</tr>")?;
    let weeks: BTreeSet<i64> = days.iter().map(|day| monday(day.day)).collect();
    for week in weeks {
        write!(out, "<tr>")?;
        for at in week..week + 7 {
            match days.iter().find(|day| day.day == at) {
                None => write!(out, "<td>")?,
                Some(Day { date, file, worst, findings, .. }) => {
                    let name = worst.map_or("clean", Severity::name);
                    write!(
                        out,
                        "<td class=\"{name}\"><a href=\"{file}\">{date}</a><br>{name}, {findings} findings"
                    )?;
                }
            }
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</table>")
}

/// How often each kind of incident came, day by day.
fn trend(days: &[Day], out: &mut dyn Write) -> io::Result<()> {
    let known = |kind: &&String| CAUSE_KINDS.contains(&kind.as_str()) || kind.as_str() == "unclassified";
    let kinds: BTreeSet<&String> = days.iter().flat_map(|day| day.incidents.keys()).filter(known).collect();
    if kinds.is_empty() {
        return writeln!(out, "<p>No incident on any of these days.</p>");
    }
    write!(out, "<h2>Incidents</h2>\n<table><tr><th>kind")?;
    days.iter().try_for_each(|day| write!(out, "<th>{}", day.date))?;
    writeln!(out, "<th>sum</tr>")?;
    for kind in kinds {
        let counts: Vec<u64> =
            days.iter().map(|day| day.incidents.get(kind).copied().unwrap_or_default()).collect();
        write!(out, "<tr><td>{kind}")?;
        for count in counts.iter().chain([&counts.iter().sum()]) {
            write!(out, "<td class=\"n\">{count}")?;
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</table>")
}

/// The Monday of a day's week; the first day of 1970 was a Thursday.
fn monday(day: i64) -> i64 {
    day - (day + 3).rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_each_day_in_its_week() {
        // 2026-11-23 is a Monday.
        let day = |day: i64, date: &str, worst, kinds: &[(&str, u64)]| Day {
            day,
            date: date.to_owned(),
            file: format!("{date}.md"),
            worst,
            findings: 2,
            incidents: kinds.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect(),
        };
        let days = [
            day(20_779, "2026-11-22", None, &[]),
            day(20_780, "2026-11-23", Some(Severity::Critical), &[("deadlock", 2), ("<script>", 1)]),
            day(20_782, "2026-11-25", Some(Severity::Warning), &[("deadlock", 1), ("unclassified", 4)]),
        ];
        let mut page = Vec::new();
        index(&days, &mut page).expect("memory");
        let page = String::from_utf8(page).expect("text");
        let weeks: Vec<&str> = page.lines().filter(|line| line.starts_with("<tr><td")).take(2).collect();
        assert!(
            weeks[0].ends_with(
                "<td class=\"clean\"><a href=\"2026-11-22.md\">2026-11-22</a><br>clean, 2 findings</tr>"
            ),
            "{}",
            weeks[0]
        );
        assert!(
            weeks[1].starts_with("<tr><td class=\"critical\"><a href=\"2026-11-23.md\">"),
            "{}",
            weeks[1]
        );
        assert!(
            page.contains(
                "<tr><td>deadlock<td class=\"n\">0<td class=\"n\">2<td class=\"n\">1<td class=\"n\">3</tr>"
            ),
            "{page}"
        );
        assert!(!page.contains("script"), "only kinds that are known are words of ours");
    }
}
