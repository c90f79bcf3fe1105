//! The page that links the reports of many days: a calendar with the worst of each day, and how often each kind of
//! incident came. Without a word from evidence.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use maud::{DOCTYPE, Markup, html};

use crate::{
    model::{
        OverTime, Severity,
        report::{CAUSE_KINDS, Status},
    },
    report::digest,
};

use super::{
    charts::{self, POINTS},
    head::badge,
    policy,
    tables::table,
};

/// Milliseconds of a day.
const DAY_MS: f64 = 86_400_000.0;

/// One day's report.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// Counted from 1970-01-01.
    pub day: i64,
    /// As 2026-11-23.
    pub date: String,
    /// The file that holds its report, beside the page.
    pub file: String,
    pub status: Status,
    pub worst: Option<Severity>,
    pub findings: usize,
    /// Incidents by the kind of their root cause.
    pub incidents: BTreeMap<String, u64>,
}

/// Writes the page; days in their order.
///
/// # Errors
///
/// What writing says.
pub fn index(days: &[Day], out: &mut dyn Write) -> io::Result<()> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (policy::head("coroner: reports by day"))
            body {
                header { p.brand { "coroner" } h1 { "Reports by day" } }
                main {
                    (calendar(days))
                    h2 { "Incidents by kind" }
                    (trend(days))
                }
            }
        }
    };
    out.write_all(page.into_string().as_bytes())
}

/// A row for each week that has a day.
fn calendar(days: &[Day]) -> Markup {
    let weeks: BTreeSet<i64> = days.iter().map(|day| monday(day.day)).collect();
    table(
        "Calendar",
        &["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
        &html! {
            @for week in weeks {
                tr { @for at in week..week + 7 { td { @if let Some(day) = days.iter().find(|day| day.day == at) { (cell(day)) } } } }
            }
        },
    )
}

fn cell(day: &Day) -> Markup {
    html! {
        a href=(day.file) { (day.date) } br;
        @match day.worst {
            Some(worst) => (badge(worst)),
            None if day.status == Status::Incomplete => span class="badge warning" { "incomplete" },
            None => span class="badge ok" { "clean" },
        }
        br; (digest::counted(day.findings, "finding", "findings"))
    }
}

/// How often each kind of incident came, day by day: a bar for each, those without a report empty.
fn trend(days: &[Day]) -> Markup {
    let known = |kind: &&String| CAUSE_KINDS.contains(&kind.as_str()) || kind.as_str() == "unclassified";
    let kinds: BTreeSet<&String> = days.iter().flat_map(|day| day.incidents.keys()).filter(known).collect();
    if kinds.is_empty() {
        return html! { p { "No incident on any of these days." } };
    }
    table(
        "Incidents",
        &["kind", "day by day", "incidents", "days", "last"],
        &html! { @for kind in kinds { (of_kind(kind, days)) } },
    )
}

fn of_kind(kind: &str, days: &[Day]) -> Markup {
    let counts: Vec<(&Day, u64)> = days
        .iter()
        .filter_map(|day| Some((day, *day.incidents.get(kind)?)))
        .filter(|(_, count)| *count > 0)
        .collect();
    let first = days.first().map_or(0, |day| day.day);
    let span = days.last().map_or(0, |day| (day.day - first + 1).clamp(0, POINTS as i64));
    let mut over_time = OverTime { step_ms: DAY_MS, counts: vec![0; span as usize], ..OverTime::default() };
    for (day, count) in &counts {
        if let Some(bar) = over_time.counts.get_mut((day.day - first) as usize) {
            *bar = *count;
        }
    }
    html! {
        tr {
            th scope="row" { (kind) }
            td { (charts::sparkline(&over_time, kind)) }
            td.num { (counts.iter().map(|(_, count)| count).sum::<u64>()) }
            td.num { (counts.len()) }
            td { @if let Some((last, _)) = counts.last() { a href=(last.file) { (last.date) } } }
        }
    }
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
            status: Status::Findings,
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
        let weeks: Vec<&str> = page.split("<tr>").filter(|row| row.contains(".md\"")).collect();
        assert!(
            weeks[0]
                .ends_with("2026-11-22</a><br><span class=\"badge ok\">clean</span><br>2 findings</td></tr>"),
            "{}",
            weeks[0]
        );
        assert!(
            weeks[1].starts_with(
                "<td><a href=\"2026-11-23.md\">2026-11-23</a><br><span class=\"badge critical\">"
            ),
            "{}",
            weeks[1]
        );
        let row =
            page.split("<tr>").find(|row| row.contains("scope=\"row\">deadlock</th>")).expect("its row");
        assert!(row.contains("deadlock: up to 2 in 24 h 0 min"), "{row}");
        // Four days, a bar for the second and half a one for the last.
        assert!(row.contains("d=\"M0 22V22H30V0H60V22H90V11H120V22z\""), "{row}");
        let counts = ["3", "2"].map(|count| format!("<td class=\"num\">{count}</td>")).concat();
        let last = "<td><a href=\"2026-11-25.md\">2026-11-25</a></td>";
        assert!(row.contains(&format!("{counts}{last}")), "{row}");
        assert!(!page.contains("<script"), "only kinds that are known are words of ours");
    }
}
