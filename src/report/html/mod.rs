//! The report as one HTML page: self-contained, readable without script, and never larger than it may be.
//!
//! Chapters are functions from the report to markup; `maud` escapes every text that is spliced in, and [`Shown`] makes
//! characters visible that would hide or turn text. Styles are classes alone: the page's policy forbids inline ones.

mod axis;
mod chain;
mod charts;
mod database;
pub(super) mod days;
mod head;
mod incidents;
mod integrity;
mod ledger;
mod policy;
mod run;
mod tables;
mod timeline;
mod traces;

use std::{borrow::Cow, collections::BTreeMap};

use maud::{DOCTYPE, Markup, html};

use crate::model::{Finding, Timestamp, report::Report};

use super::{digest, safe::Shown};

/// Bytes of a page, unless somebody says otherwise: what tickets take as an attachment and browsers open at once.
pub(super) const MAX_BYTES: usize = 5_000_000;

/// How much of each list is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Limits {
    /// Incidents told in full; the others are listed.
    told: usize,
    /// Rows of a table, findings of a chain, lines of evidence.
    rows: usize,
    /// Characters of a text.
    text: usize,
}

/// From as much as one wants to read down to as little as still is a report. The last one bounds every page: there are
/// fewer than forty lists, and each is as long as `rows` allows.
const LIMITS: [Limits; 7] = [
    Limits { told: 200, rows: 1000, text: 2000 },
    Limits { told: 100, rows: 500, text: 1000 },
    Limits { told: 50, rows: 250, text: 500 },
    Limits { told: 25, rows: 100, text: 300 },
    Limits { told: 10, rows: 50, text: 200 },
    Limits { told: 3, rows: 20, text: 120 },
    Limits { told: 1, rows: 5, text: 80 },
];

/// The page, with as much of the report as fits.
pub(super) fn page(report: &Report, max_bytes: usize) -> String {
    let mut smallest = String::new();
    for limits in LIMITS {
        let page = View::new(report, limits).page(max_bytes).into_string();
        if page.len() <= max_bytes {
            return page;
        }
        smallest = page;
    }
    smallest
}

/// Stores that a sentence is searched for.
const STORES: usize = 100;

/// A report as a page shows it.
struct View<'r> {
    report: &'r Report,
    limits: Limits,
    findings: BTreeMap<&'r str, &'r Finding>,
    /// That all evidence lies in.
    folder: &'r str,
    /// Whether all happened on one day: then times need no date.
    one_day: bool,
}

impl<'r> View<'r> {
    fn new(report: &'r Report, limits: Limits) -> View<'r> {
        let findings = report.findings.iter().map(|finding| (finding.id.as_str(), finding)).collect();
        let one_day = report.window.from.map(Timestamp::day) == report.window.to.map(Timestamp::day);
        View { report, limits, findings, folder: digest::common_folder(report), one_day }
    }

    fn page(&self, max_bytes: usize) -> Markup {
        let chapters = self.chapters();
        html! {
            (DOCTYPE)
            html lang="en" {
                (policy::head(&self.title()))
                body {
                    a.skip href="#main" { "Skip to the report" }
                    (self.masthead())
                    (contents(&chapters))
                    main #main {
                        @if self.limits != LIMITS[0] { (self.shortened(max_bytes)) }
                        @for chapter in &chapters {
                            section id=(chapter.id) aria-labelledby={ (chapter.id) "-title" } {
                                h2 id={ (chapter.id) "-title" } { (chapter.title) }
                                (chapter.body)
                            }
                        }
                    }
                    (self.foot())
                    (policy::script())
                }
            }
        }
    }

    /// In the order in which a reader needs them.
    fn chapters(&self) -> Vec<Chapter> {
        let all = [
            ("incidents", "Incidents", self.incidents()),
            ("alone", "Part of no incident", self.alone()),
            ("news", "Since the run before", self.section("news")),
            ("suspects", "Suspects", self.section("suspects")),
            ("timeline", "Timeline", self.timeline()),
            ("stores", "Event stores", self.integrity()),
            ("operations", "Operations", self.operations()),
            ("traces", "Commands and requests", self.traces()),
            ("refusals", "Conflicts and refusals", self.section("refusals")),
            ("projections", "Projections", self.section("projections")),
            ("pools", "Connection pools", self.pools()),
            ("database", "Database", self.database()),
            ("memory", "Memory", self.memory()),
            ("patterns", "Patterns", self.patterns()),
            ("templates", "Unknown templates", self.templates()),
            ("ledger", "Evidence and checks", Some(self.ledger())),
            ("run", "This run", Some(self.run())),
        ];
        let said = |(id, title, body): (&'static str, &'static str, Option<Markup>)| {
            Some(Chapter { id, title, body: body? })
        };
        all.into_iter().filter_map(said).collect()
    }

    fn title(&self) -> String {
        let worst = self.report.incidents.first();
        let what = worst.map_or("no incident", |incident| incident.title.as_str());
        format!("Incident report: {}", self.shorter(what))
    }

    fn shortened(&self, max_bytes: usize) -> Markup {
        html! {
            p.note {
                @if self.limits == LIMITS[LIMITS.len() - 1] { "This page is as short as a page gets. " }
                "To keep this page under " (digest::bytes(max_bytes as u64)) ", at most " (self.limits.told)
                " incidents are told in full, lists end after " (self.limits.rows)
                " rows and texts after " (self.limits.text)
                " characters; each list says how many it leaves out. The JSON report has all."
            }
        }
    }

    /// A time as people read it, with all of it in the markup.
    fn time(&self, time: Option<Timestamp>) -> Markup {
        html! {
            @match time {
                None => "-",
                Some(time) => time datetime=(machine(time)) { (self.clock(time)) },
            }
        }
    }

    /// `15:52:24`, with the date where there is more than one.
    fn clock(&self, time: Timestamp) -> String {
        if self.one_day {
            return time.clock();
        }
        let text = time.to_string();
        text.get(..10).map_or_else(|| text.clone(), |date| format!("{date} {}", time.clock()))
    }

    /// A text, cut and otherwise as it is.
    fn text<'t>(&self, text: &'t str) -> Shown<'t> {
        Shown { text: Cow::Borrowed(text), longest: self.limits.text }
    }

    /// A path without the folder that all evidence shares; the head names it.
    fn path<'t>(&self, path: &'t str) -> Shown<'t> {
        self.text(path.strip_prefix(self.folder).unwrap_or(path))
    }

    /// A sentence of ours, which may name a store: by the shorter name.
    fn said<'t>(&self, text: &'t str) -> Shown<'t> {
        Shown { text: self.shorter(text), longest: self.limits.text }
    }

    /// Only what is a store's whole path is made shorter: the rest may be the evidence's own words.
    fn shorter<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let stores = self.report.integrity.stores.iter().take(STORES);
        let longest = stores.filter(|store| text.contains(&store.path)).max_by_key(|store| store.path.len());
        match longest.and_then(|store| Some((store, store.path.strip_prefix(self.folder)?))) {
            Some((store, short)) => Cow::Owned(text.replace(&store.path, short)),
            None => Cow::Borrowed(text),
        }
    }

    /// Says what a list leaves out.
    fn more(&self, all: usize, one: &str, many: &str) -> Markup {
        let left = all.saturating_sub(self.limits.rows);
        html! { @if left > 0 { p.more { "and " (digest::counted(left, one, many)) ", in the JSON report" } } }
    }
}

/// HTML's times have three digits of a second at most.
fn machine(time: Timestamp) -> String {
    Timestamp(time.0.div_euclid(1000).saturating_mul(1000)).to_string()
}

/// A part of the page with a heading.
struct Chapter {
    id: &'static str,
    title: &'static str,
    body: Markup,
}

fn contents(chapters: &[Chapter]) -> Markup {
    html! {
        nav aria-label="Contents" {
            ol { @for chapter in chapters { li { a href={ "#" (chapter.id) } { (chapter.title) } } } }
        }
    }
}
