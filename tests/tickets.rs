//! Tickets: each tracker's limit is kept, and what others read in them is what was meant.
//!
//! A report of a thousand incidents, made of texts that try to be markup, is written for every tracker and many limits,
//! and read back: Markdown by a parser that others wrote, the rest by small readers here that know no more than which
//! characters their markup obeys.

mod support;

use std::{fs, path::Path};

use coroner::{
    model::{
        Evidence, Finding, OverTime, Severity, Timestamp, Window,
        report::{
            CauseVerdict, ChainLink, ChainRole, CheckRow, CheckStatus, EvidenceRow, Incident, Report,
            RootCause, Status, Term,
        },
    },
    report::{Layout, Ticket, Tracker, WRITERS},
};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use support::{Run, say};

const INCIDENTS: usize = 1000;

const TRACKERS: &[Tracker] = &[Tracker::Github, Tracker::Gitlab, Tracker::Jira, Tracker::Slack];

/// What tries to be more than text, in some tracker.
const HOSTILE: &[&str] = &[
    "@everyone look, #1 and GH-12 and !34 and %56 and ~bug",
    "<!channel> <@U012AB3CD> <https://evil.example|click>",
    "![x](https://evil.example/x.png) [a](javascript:alert(1)) <img src=x onerror=alert(1)>",
    "``` \n```text\n~~~\n````",
    "`a`` b``` c```` d",
    "{noformat}{code:java}x{code}{NoFormat}{color:red}*b*{color}",
    "[~admin] [link|https://evil.example] !image.png! {{mono}} h1. big",
    "h1. big",
    "bq. said",
    "1. one",
    "- a",
    "# a",
    "> a",
    "* a",
    "+ a",
    "---",
    "===",
    "/close",
    "/assign @me",
    "a|b||c\\|d\\\\|e\\",
    "\\",
    "\\\\ new line",
    "C:\\temp\\new",
    "&#123; &lt; &amp;amp;",
    "</details></summary><script>alert(1)</script>",
    "<!-- hidden",
    "<a id=\"inc-0001\">",
    "&",
    "|",
    "`",
    "``",
    "https://evil.example www.evil.example mailto:a@b.example evil.example",
    "a5c3785ed8d6a35868bc169f07e40e889087fd2e",
    "$`x`$ $$y$$ :tada: :100: (y) (!) ;)",
    "*b* _i_ ~s~ -d- +u+ ^p^ ??c??",
    "a\u{202e}b\u{200b}c\u{0}d\u{1b}[2J\r\n- x",
    "",
    " ",
    "~~~",
    "[^1]: note",
    "[a]: https://evil.example",
    "| a | b |\n|---|---|",
    "No free connection in the pool, 80 % in use",
];

/// The report that every test writes. Every text of it is hostile, and some are as long as a log line can be.
fn report() -> Report {
    let texts = texts();
    let text = |at: usize| texts[at % texts.len()].clone();
    let mut report = Report::default();
    for at in 0..INCIDENTS {
        let long = if at % 97 == 1 { "x ` {noformat} ".repeat(7_000) } else { String::new() };
        let id = format!("finding-{at:04}");
        report.findings.push(finding(&id, at, &text, &long));
        report.incidents.push(incident(&id, at, &text, &long));
    }
    for at in 0..300 {
        report.ledger.checks.push(CheckRow {
            id: format!("check-{at}"),
            status: CheckStatus::CouldNotRun,
            why: Some(text(at)),
            observed: String::new(),
        });
        let row =
            EvidenceRow { path: text(at), notes: vec![text(at + 1)], records: 1, ..EvidenceRow::default() };
        report.ledger.evidence.push(row);
        report.findings.push(Finding { incident: None, ..finding(&format!("alone-{at}"), at, &text, "") });
    }
    report.verdict.incomplete = (0..30).map(text).collect();
    report.verdict.status = Status::Incomplete;
    report.run.tool = "coroner".to_owned();
    report.run.arguments = vec!["it's $(here)".to_owned()];
    report
}

fn time(at: usize) -> Timestamp {
    Timestamp(1_795_449_219_228_169 + at as i64 * 1_500_000)
}

fn finding(id: &str, at: usize, text: &dyn Fn(usize) -> String, long: &str) -> Finding {
    let evidence = (0..8).map(|line| Evidence {
        path: text(at + line),
        line: line as u64,
        byte: 0,
        excerpt: format!("{}{long}", text(at + line + 1)),
    });
    Finding {
        id: id.to_owned(),
        check: "a-check".to_owned(),
        kind: "a-kind".to_owned(),
        category: String::new(),
        severity: Severity::Error,
        title: format!("{}{long}", text(at)),
        detail: String::new(),
        count: 7,
        window: Window { from: Some(time(at)), to: Some(time(at + 9)) },
        keys: [(text(at), vec![text(at + 1); 9])].into(),
        evidence: evidence.collect(),
        over_time: OverTime::default(),
        incident: Some(format!("inc-{at:08x}")),
        state: String::new(),
        scattered: false,
        cause: None,
        action: String::new(),
    }
}

fn incident(finding: &str, at: usize, text: &dyn Fn(usize) -> String, long: &str) -> Incident {
    let term = Term { name: text(at), points: -3, why: text(at + 2) };
    let link = |more: usize| ChainLink {
        finding: format!("finding-{:04}", (at + more) % INCIDENTS),
        role: ChainRole::Effect,
        at: Some(time(at + more)),
        after: None,
        why: Some(text(at + more)),
    };
    Incident {
        rank: at + 1,
        id: format!("inc-{at:08x}"),
        title: format!("{}{long}", text(at)),
        severity: Severity::Critical,
        score: 9,
        score_terms: vec![term.clone(); 3],
        window: Window { from: Some(time(at)), to: Some(time(at + 9)) },
        root_cause: RootCause {
            kind: text(at + 3),
            finding: finding.to_owned(),
            verdict: CauseVerdict::Likely,
            why: format!("{}{long}", text(at + 4)),
            terms: vec![term],
        },
        chain: (0..20).map(link).collect(),
        findings: vec![finding.to_owned()],
        keys: [(text(at), vec![text(at + 1), text(at + 2)])].into(),
        counter_evidence: (0..30).map(|more| text(at + more)).collect(),
        not_checked: vec![text(at + 5)],
        next_steps: (0..4).map(|more| format!("{}{long}", text(at + more))).collect(),
        runbook: Some(text(at)),
        runbook_text: Some(text(at)),
    }
}

/// The hostile texts above, and those that others have collected.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = HOSTILE.iter().map(|text| (*text).to_owned()).collect();
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora");
    match fs::read(corpora.join("naughty-strings/blns.json")) {
        Ok(bytes) => texts.extend(serde_json::from_slice::<Vec<String>>(&bytes).expect("a list of strings")),
        Err(_) => say("SKIPPED: the big list of naughty strings is not here"),
    }
    match fs::read_to_string(corpora.join("xss-payloads/xss-payload-list.txt")) {
        Ok(list) => texts.extend(list.lines().step_by(7).map(str::to_owned)),
        Err(_) => say("SKIPPED: the list of XSS payloads is not here"),
    }
    texts
}

fn write(report: &Report, id: &str, ticket: Option<Ticket>) -> String {
    let writer = WRITERS.iter().find(|writer| writer.id() == id).expect("a writer");
    let mut out = Vec::new();
    writer.write(report, &Layout { ticket, ..Layout::default() }, &mut out).expect("memory");
    String::from_utf8(out).expect("UTF-8")
}

/// Every limit is kept by every way of counting, and whatever is shown can be read.
#[test]
fn every_limit_is_kept_and_nothing_is_broken_by_it() {
    let report = report();
    for &tracker in TRACKERS {
        let mut limits: Vec<usize> =
            (700..6_000).step_by(331).chain((6_000..70_000).step_by(4_057)).collect();
        limits.push(tracker.limit());
        for limit in limits {
            let text = write(&report, tracker.writer(), Some(Ticket { tracker, limit }));
            let crlf = text.replace('\n', "\r\n");
            let sizes = [crlf.len(), crlf.chars().count(), crlf.encode_utf16().count()];
            assert!(sizes.iter().all(|size| *size <= limit), "{} at {limit}: {sizes:?}", tracker.name());
            let read = read(&text, tracker);
            let ranks: Vec<usize> = (0..read.incidents.len()).collect();
            assert_eq!(read.incidents, ranks, "{} at {limit}: {text}", tracker.name());
            assert_eq!(
                read.incidents.len() + read.more,
                INCIDENTS,
                "{} at {limit}: shown and counted",
                tracker.name()
            );
            if limit >= 4_000 {
                assert!(text.len() * 10 > limit * 8 || read.more == 0, "{} wastes {limit}", tracker.name());
                assert!(read.incidents.len() >= 2, "{} at {limit}: {text}", tracker.name());
            }
        }
    }
}

#[test]
fn without_a_limit_nothing_is_left_out() {
    let report = report();
    for tracker in [Tracker::Github, Tracker::Jira, Tracker::Slack] {
        let other = Ticket::from(if tracker == Tracker::Jira { Tracker::Slack } else { Tracker::Jira });
        for ticket in [None, Some(other)] {
            let text = write(&report, tracker.writer(), ticket);
            let read = read(&text, tracker);
            assert_eq!((read.incidents.len(), read.more), (INCIDENTS, 0));
            assert!(!text.contains("Left out"));
        }
    }
}

/// What a reader finds.
#[derive(Debug, Default)]
struct Read {
    /// Numbers of incidents, by their ids, in order.
    incidents: Vec<usize>,
    /// How many more there are, as the foot says.
    more: usize,
}

impl Read {
    fn incident(&mut self, line: &str) {
        let id = line.split("inc-").nth(1).and_then(|rest| rest.get(..8));
        self.incidents.push(usize::from_str_radix(id.expect("an id"), 16).expect("a number"));
    }

    fn foot(&mut self, text: &str) {
        assert!(text.trim_end().ends_with("Times are UTC."), "the end is missing: {text}");
        let more = text.rsplit_once(" more incident").filter(|(_, rest)| rest.len() < 2_000);
        let number =
            more.and_then(|(before, _)| before.rsplit(": ").next()).map(|number| number.replace(',', ""));
        self.more = number.map_or(0, |number| number.parse().expect("a number"));
    }
}

fn read(text: &str, tracker: Tracker) -> Read {
    match tracker {
        Tracker::Github | Tracker::Gitlab => read_markdown(text),
        Tracker::Jira => read_jira(text),
        Tracker::Slack => read_slack(text),
    }
}

/// By a parser that others wrote: headings are ours, and no text of the evidence is anything but text.
fn read_markdown(text: &str) -> Read {
    let mut read = Read::default();
    let (mut heading, mut listed, mut in_list) = (None, None, false);
    let (mut rows, mut stated) = (0, None);
    let (mut html, mut folded) = (String::new(), 0);
    for event in Parser::new_ext(text, Options::all()) {
        match event {
            Event::Start(Tag::Heading { level, .. }) => heading = Some((level, String::new())),
            Event::End(TagEnd::Heading(_)) => {
                let (level, line) = heading.take().expect("begun");
                let numbered = line.contains("!! CRITICAL");
                assert!(!numbered || level == HeadingLevel::H2, "{line}");
                in_list = line == "More incidents" || line == "Incidents";
                if numbered {
                    read.incident(line.rsplit_once(' ').map(|(_, id)| id).expect("an id"));
                }
            }
            Event::Start(Tag::Item) if in_list => listed = Some(String::new()),
            Event::End(TagEnd::Item) => {
                if let Some(line) = listed.take() {
                    let (_, rest) = line.split_once(", rank ").expect("a rank");
                    read.incident(rest.rsplit_once(", cause ").map_or(rest, |(id, _)| id));
                }
            }
            Event::Start(Tag::Table(_)) => rows = 0,
            Event::End(TagEnd::TableRow) => rows += 1,
            Event::End(TagEnd::Table) => {
                assert!(stated.take().is_none_or(|stated| stated == rows), "{rows} rows: {text}");
            }
            Event::Html(piece) | Event::InlineHtml(piece) => {
                html.push_str(piece.trim());
                folded += usize::from(piece.contains("<details>"));
                folded -= usize::from(piece.contains("</details>"));
                stated = rows_stated(&piece).or(stated);
            }
            Event::Text(piece) | Event::Code(piece) if heading.is_some() => {
                heading.as_mut().expect("some").1.push_str(&piece);
            }
            Event::Text(piece) | Event::Code(piece) if listed.is_some() => {
                listed.as_mut().expect("some").push_str(&piece);
            }
            Event::Start(
                Tag::Link { .. }
                | Tag::Image { .. }
                | Tag::BlockQuote(_)
                | Tag::FootnoteDefinition(_)
                | Tag::Strikethrough
                | Tag::Emphasis
                | Tag::MetadataBlock(_),
            )
            | Event::FootnoteReference(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_)
            | Event::TaskListMarker(_)
            | Event::HardBreak
            | Event::Rule => panic!("{event:?} in {text}"),
            _ => (),
        }
    }
    assert_eq!(folded, 0, "what is folded ends");
    assert!(is_our_html(&html), "{html}");
    for piece in prose_of(text) {
        assert!(!piece.contains(['@', '#', '<', '&', '$', '_', '[', '`', '\u{202e}']), "{piece}");
        assert!(!piece.contains("://") && !piece.contains("www."), "{piece}");
    }
    read.foot(text);
    read
}

/// Text that is no code.
fn prose_of(text: &str) -> Vec<String> {
    let mut code = false;
    let mut prose = Vec::new();
    for event in Parser::new_ext(text, Options::all()) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => code = true,
            Event::End(TagEnd::CodeBlock) => code = false,
            Event::Text(piece) if !code => prose.push(piece.to_string()),
            _ => (),
        }
    }
    prose
}

/// `<details><summary>25 of 300 rows</summary>`.
fn rows_stated(html: &str) -> Option<usize> {
    let summary = html.split_once("<summary>")?.1.split_once("</summary>")?.0;
    summary.ends_with(" rows").then(|| summary.split(' ').next()?.replace(',', "").parse().ok())?
}

fn is_our_html(html: &str) -> bool {
    let known = ["<details>", "</details>", "<summary>", "</summary>", "</a>"];
    html.split_inclusive('>').all(|piece| {
        let tag = piece.find('<').map_or(piece, |at| &piece[at..]);
        let id = tag.strip_prefix("<a id=\"inc-").and_then(|rest| rest.strip_suffix("\">"));
        known.contains(&tag)
            || id.is_some_and(|id| id.len() == 8 && id.bytes().all(|c| c.is_ascii_hexdigit()))
    })
}

/// Without escapes and without our own macros there is nothing left that the markup obeys.
fn read_jira(text: &str) -> Read {
    let mut read = Read::default();
    let (mut verbatim, mut in_list) = (false, false);
    for line in text.lines() {
        if line == "{noformat}" {
            verbatim = !verbatim;
            continue;
        }
        if verbatim {
            assert!(!line.to_ascii_lowercase().contains("{noformat"), "{line}");
            continue;
        }
        if line.starts_with("h2. ") {
            in_list = line.ends_with("ncidents");
        }
        if line.starts_with("h2. {anchor:inc-") || (in_list && line.starts_with("* ")) {
            let (_, end) = line.split_once(", rank ").unwrap_or(("", line));
            read.incident(&end.replace("inc\\-", "inc-"));
        }
        let bare = bare_jira(line);
        assert!(
            !bare.contains(['{', '}', '[', ']', '!', '^', '~', '?', '<', '>', '@', '\\', '_', '+', '(']),
            "{line}"
        );
        assert!(!bare.contains('|') || line.starts_with('|'), "{line}");
        assert!(!bare.contains('#') || line.starts_with("# "), "{line}");
        assert!(!bare.contains("--") && !bare.contains("://"), "{line}");
        let stars = bare.matches('*').count() - usize::from(line.starts_with("* "));
        assert!(stars == 0 || stars == 2, "{line}");
    }
    assert!(!verbatim, "a block does not end");
    read.foot(&text.replace('\\', ""));
    read
}

/// A line without what stands behind a backslash, entities, and our anchors.
fn bare_jira(line: &str) -> String {
    let mut bare = String::new();
    let mut rest = line;
    if let Some((start, (_, end))) =
        line.split_once("{anchor:").and_then(|(a, b)| Some((a, b.split_once('}')?)))
    {
        bare.push_str(start);
        rest = end;
    }
    let rest = rest.replace("&#92;", "").replace("&amp;", "");
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        if c == '\\' {
            assert!(chars.next().is_some_and(|c| c.is_ascii_punctuation() && c != '\\'), "{line}");
        } else {
            bare.push(c);
        }
    }
    bare
}

/// Nothing but entities for `&`, `<` and `>`, and code spans that end on their line.
fn read_slack(text: &str) -> Read {
    let mut read = Read::default();
    let (mut fenced, mut in_list) = (false, false);
    assert!(!text.contains(['<', '>']), "{text}");
    let without = text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "");
    assert!(!without.contains('&'), "{text}");
    for line in text.lines() {
        if line == "```" {
            fenced = !fenced;
            continue;
        }
        let spans: Vec<&str> = line.split('`').collect();
        if fenced {
            assert_eq!(spans.len(), 1, "{line}");
            continue;
        }
        assert!(spans.len() % 2 == 1, "{line}");
        if line.starts_with('*') {
            in_list = line.ends_with("ncidents*");
        }
        if line.contains("!! CRITICAL*") || (in_list && line.starts_with("• ")) {
            let (_, end) = line
                .split_once(", rank ")
                .unwrap_or(("", line.rsplit_once("inc-").map_or("", |(start, _)| &line[start.len()..])));
            read.incident(end);
        }
        for prose in spans.iter().step_by(2) {
            assert!(!prose.contains(['_', '~', '@', '#']) && !prose.contains("://"), "{line}");
        }
    }
    assert!(!fenced, "a fence does not end");
    read.foot(text);
    read
}

const TROUBLE: &str = "{\"timestamp\":\"2026-11-23T15:00:00Z\",\"level\":\"ERROR\",\"fields\":{\"message\":\"Connection pool exhausted\"},\"target\":\"a\"}\n";

/// Where a ticket goes, and what stays whole.
#[test]
fn a_tracker_decides_the_format_of_standard_output() {
    for (args, begins) in [
        ("--for github", "# Incident report"),
        ("--for gitlab -o -", "# Incident report"),
        ("--for jira", "h1. Incident report"),
        ("--for slack", "*Incident report"),
        ("--for slack -o text:- -o slack:s.slack", "coroner "),
    ] {
        let ran = Run::new().args("analyze a.log").args(args).file("a.log", TROUBLE).run();
        assert!(ran.stdout.starts_with(begins), "{args}: {}", ran.stdout);
    }
    let wrong = Run::new().args("analyze a.log --for jira -o r.md").file("a.log", TROUBLE).code(2);
    wrong.stderr_has("add `-o -` or `-o jira:PATH`").run();
}
