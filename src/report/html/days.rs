//! The page that links the reports of many days: a calendar with the worst of each day, and how often each kind of
//! incident came. Without a word from evidence.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Write},
};

use maud::{DOCTYPE, Markup, html};

use crate::{
    model::{
        Severity,
        report::{CAUSE_KINDS, Status},
    },
    report::digest,
};

use super::{head::badge, policy, tables::table};

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

/// How often each kind of incident came, day by day.
fn trend(days: &[Day]) -> Markup {
    let known = |kind: &&String| CAUSE_KINDS.contains(&kind.as_str()) || kind.as_str() == "unclassified";
    let kinds: BTreeSet<&String> = days.iter().flat_map(|day| day.incidents.keys()).filter(known).collect();
    if kinds.is_empty() {
        return html! { p { "No incident on any of these days." } };
    }
    let heads: Vec<&str> =
        ["kind"].into_iter().chain(days.iter().map(|day| day.date.as_str())).chain(["sum"]).collect();
    let count = |day: &Day, kind: &String| day.incidents.get(kind).copied().unwrap_or_default();
    table(
        "Incidents",
        &heads,
        &html! {
            @for kind in kinds {
                tr {
                    th scope="row" { (kind) }
                    @for day in days { td.num { (count(day, kind)) } }
                    td.num { (days.iter().map(|day| count(day, kind)).sum::<u64>()) }
                }
            }
        },
    )
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
        let counts = ["0", "2", "1", "3"].map(|count| format!("<td class=\"num\">{count}</td>")).concat();
        assert!(page.contains(&format!("<th scope=\"row\">deadlock</th>{counts}")), "{page}");
        assert!(!page.contains("<script"), "only kinds that are known are words of ours");
    }
}
