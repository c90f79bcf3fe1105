//! The page, whatever the report: never larger than it may be, and every list says what it leaves out.

mod support;

use std::path::Path;

use coroner::{
    model::report::{EvidenceRow, Report},
    report::{Layout, WRITERS},
};
use support::Run;

/// What tickets take, and what a page is held under without being asked.
const MAX_BYTES: usize = 5_000_000;

fn incident() -> Report {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ran = Run::new().within(root).args("analyze fixtures/incident/input -q -o json:-").run();
    serde_json::from_str(&ran.stdout).expect("a report")
}

fn page(report: &Report, max_bytes: Option<usize>) -> String {
    let html = WRITERS.iter().find(|writer| writer.id() == "html").expect("a writer");
    let mut out = Vec::new();
    html.write(report, &Layout { max_bytes, ..Layout::default() }, &mut out).expect("memory");
    String::from_utf8(out).expect("text")
}

/// Every list of the report made so many times as long, with texts that long.
fn swollen(times: usize, text: usize) -> Report {
    let mut report = incident();
    let long = |what: &str, at: usize| format!("{what} {at} {}", "&lt; word ".repeat(text / 10));
    let incident = report.incidents[0].clone();
    report.incidents = (0..times)
        .map(|at| {
            let mut incident = incident.clone();
            (incident.rank, incident.id) = (at + 1, format!("inc-{at:08x}"));
            incident.title = long("incident", at);
            incident.next_steps = vec![long("step", at); 5];
            incident.root_cause.why = long("why", at);
            incident
        })
        .collect();
    let alone = report.findings[0].clone();
    report.findings.extend((0..times).map(|at| {
        let mut finding = alone.clone();
        (finding.id, finding.incident, finding.title) = (format!("fnd-{at}"), None, long("finding", at));
        finding
    }));
    swell(&mut report.patterns, times, |pattern, at| pattern.latest_message = long("message", at));
    swell(&mut report.templates, times, |template, at| template.template = long("template", at));
    swell(&mut report.operations, times, |operation, at| operation.name = long("operation", at));
    swell(&mut report.timeline.lanes, times, |lane, at| lane.source = long("source", at));
    swell(&mut report.pools, times, |pool, at| pool.service = long("service", at));
    swell(&mut report.traces.slowest, times, |trace, at| trace.id = long("trace", at));
    report.ledger.evidence = (0..times)
        .map(|at| EvidenceRow {
            path: long("path", at),
            notes: vec![long("note", at); 9],
            ..EvidenceRow::default()
        })
        .collect();
    report.run.arguments = (0..times).map(|at| long("argument", at)).collect();
    report.verdict.incomplete = (0..times).map(|at| long("reason", at)).collect();
    report
}

fn swell<T: Clone>(list: &mut Vec<T>, times: usize, change: impl Fn(&mut T, usize)) {
    let Some(first) = list.first().cloned() else { return };
    *list = vec![first; times];
    list.iter_mut().enumerate().for_each(|(at, item)| change(item, at));
}

#[test]
fn no_report_makes_a_page_too_large() {
    for (times, text) in [(1, 100_000), (1_000, 50), (1_000, 5_000), (20_000, 300)] {
        let page = page(&swollen(times, text), None);
        assert!(page.len() <= MAX_BYTES, "{times} of each, {text} characters: {} bytes", page.len());
        assert!(page.ends_with("</html>"), "whole");
    }
}

#[test]
fn what_is_left_out_is_counted() {
    const INCIDENTS: usize = 1_000;
    let page = page(&swollen(INCIDENTS, 3_000), None);
    let told = page.matches("<article ").count();
    let listed = page.matches("<tr data-severity=").count();
    assert!((1..INCIDENTS).contains(&told) && listed > 0, "{told} told, {listed} listed");
    assert!(page.contains("To keep this page under 5.0 MB"), "the page says that it is shortened");
    let left = INCIDENTS - told;
    assert!(page.contains(&format!("{left} incidents are not told in full here")), "{left} are left out");
}

#[test]
fn a_page_is_as_small_as_one_asks() {
    let report = incident();
    let whole = page(&report, None);
    assert!(!whole.contains("To keep this page under"), "an ordinary report is shown whole");
    assert!(whole.len() < 400_000, "an ordinary page has {} bytes", whole.len());
    let small = page(&swollen(1_000, 3_000), Some(200_000));
    assert!(small.len() <= 200_000, "{} bytes", small.len());
}

#[test]
fn the_same_report_makes_the_same_page() {
    let report = incident();
    assert_eq!(page(&report, None), page(&report, None));
    let read_back: Report =
        serde_json::from_str(&serde_json::to_string(&report).expect("JSON")).expect("a report");
    assert_eq!(page(&read_back, None), page(&report, None));
}

/// Only paths are made shorter, and only at their beginning: a text from evidence stays what it was.
#[test]
fn the_shared_folder_is_taken_off_paths_alone() {
    let mut report = incident();
    report.ledger.evidence = ["/tmp/a.log", "/var/b.log"]
        .map(|path| EvidenceRow { path: path.to_owned(), records: 1, ..EvidenceRow::default() })
        .to_vec();
    let said = "cannot write /dev/null: prev/next";
    for finding in &mut report.findings {
        finding.evidence.iter_mut().for_each(|place| place.excerpt = said.to_owned());
    }
    let page = page(&report, None);
    assert!(page.contains(said), "evidence is quoted as it is");
    assert!(page.contains("tmp/a.log"), "{page}");
}
