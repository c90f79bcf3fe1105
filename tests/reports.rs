//! What is done with a report after it was written: it is rendered again, and held against its evidence.

mod support;

use std::{
    fs,
    path::{Path, PathBuf},
};

use coroner::{
    model::report::Report,
    report::{Layout, Ranks, WRITERS},
};
use support::{Run, say};

const TROUBLE: &str = "{\"timestamp\":\"2026-11-23T15:00:01Z\",\"level\":\"ERROR\",\"message\":\"Connection pool exhausted\"}\n";

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The evidence of the fixture that has most in it.
fn incident() -> PathBuf {
    root().join("fixtures/incident/input")
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    packed.write_all(bytes).expect("memory");
    packed.finish().expect("memory")
}

// `coroner report`.

/// `-o` for every format, into one folder.
fn every_format(run: Run, folder: &Path) -> Run {
    WRITERS.iter().fold(run, |run, writer| {
        run.arg("-o").arg(format!("{}:{}", writer.id(), folder.join(writer.id()).display()))
    })
}

fn writes_again(evidence: &Path) {
    let (first, again) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    every_format(Run::new().within(evidence).args("analyze ."), first.path()).run();
    let json = first.path().join("json");
    every_format(Run::new().arg("report").arg(json.display().to_string()), again.path()).run();
    for writer in WRITERS {
        let read = |folder: &Path| fs::read(folder.join(writer.id())).expect("written");
        assert!(read(first.path()) == read(again.path()), "{}: {}", evidence.display(), writer.id());
    }
}

#[test]
fn every_format_is_written_again_byte_for_byte() {
    writes_again(&incident());
    let bundles = root().join("../shared/bundles");
    let Ok(entries) = fs::read_dir(&bundles) else {
        say(&format!("SKIPPED: the bundles, written again: {} is not there", bundles.display()));
        return;
    };
    for bundle in entries.map(|entry| entry.expect("readable").path()).filter(|path| path.is_dir()) {
        if bundle.to_string_lossy().contains("02-pool") {
            writes_again(&bundle);
        }
    }
}

#[test]
fn a_report_is_read_packed_and_from_standard_input() {
    let first = Run::new().args("analyze a.log -o r.json -o r.txt").file("a.log", TROUBLE).run();
    let (json, text) = (first.read("r.json"), first.read("r.txt"));
    let run = |args: &str| Run::new().args(args).file("r.json", &json);
    assert_eq!(run("report r.json").run().stdout, text);
    assert_eq!(Run::new().args("report -").stdin(&json).run().stdout, text);
    assert_eq!(run("report r.json.gz").file("r.json.gz", gzip(json.as_bytes())).run().stdout, text);
    let zst = zstd::encode_all(json.as_bytes(), 1).expect("memory");
    assert_eq!(run("report r.json.zst").file("r.json.zst", zst).run().stdout, text);
    run("report r.json --fail-on warning").code(1).run();
    let incomplete = json.replacen("\"incomplete\": []", "\"incomplete\": [\"a.log: torn\"]", 1);
    let incomplete = incomplete.replacen("\"findings\"", "\"incomplete\"", 1);
    let run = |args: &str| Run::new().args(args).file("r.json", &incomplete);
    run("report r.json -o r.md").stderr_has("coroner: incomplete: a.log: torn").code(3).run();
    run("report r.json --allow-partial --fail-on warning").code(1).run();
}

#[test]
fn what_is_no_report_is_2_and_says_where_and_what_to_do() {
    for (name, text, says) in [
        ("gone.json", None, "gone.json: cannot be read"),
        ("a.log", Some(TROUBLE), "line 1"),
        ("empty.json", Some(""), "coroner analyze EVIDENCE -o FILE.json"),
        ("new.json", Some("{\"schema_version\":\"7\",\"run\":{\"version\":\"8.0.0\"}}"), "use coroner 8.0.0"),
    ] {
        let run = Run::new().arg("report").arg(name).args("-o r.md");
        let run = if let Some(text) = text { run.file(name, text) } else { run };
        let ran = run.stderr_has(name).stderr_has(says).code(2).run();
        assert!(!ran.path("r.md").exists());
    }
}

// `coroner verify`.

/// Every kind of container among the fixtures: text, rotations, archives, dumps, databases, folders.
#[test]
fn what_was_just_read_is_verified() {
    let fixtures = fs::read_dir(root().join("fixtures")).expect("fixtures");
    for folder in fixtures.map(|entry| entry.expect("readable").path()) {
        if folder.ends_with("not-evidence") {
            continue;
        }
        let fixture = folder.display();
        let out = tempfile::tempdir().expect("a folder");
        let json = out.path().join("r.json").display().to_string();
        Run::new().within(&folder).args("analyze . --allow-partial -o").arg(&json).run();
        let ran = Run::new().within(&folder).arg("verify").arg(&json).run();
        let wrong: Vec<&str> = ran.stdout.lines().filter(|line| line.starts_with("unverifiable")).collect();
        assert!(wrong.iter().all(|line| line.contains("an archive holds")), "{fixture}: {wrong:?}");
    }
}

/// A run over one log, and what `verify` says after something was done to it.
fn verified(args: &str, code: i32, change: impl FnOnce(&Path)) -> String {
    let first = Run::new().args("analyze e -o r.json").file("e/a.log", TROUBLE).run();
    let run = Run::new().file("r.json", first.read("r.json")).file("e/a.log", TROUBLE);
    run.prepare(change).args("verify r.json").args(args).code(code).run().stdout
}

fn write(home: &Path, name: &str, text: &str) {
    fs::write(home.join(name), text).expect("written");
}

#[test]
fn what_changed_is_told_apart() {
    let said = verified("", 0, |_| ());
    assert!(said.contains("files by hash 1: 1 verified") && !said.contains("changed"), "{said}");
    let said = verified("", 1, |home| write(home, "e/a.log", &TROUBLE.replace("pool", "pooX")));
    assert!(said.contains("changed       e/a.log:1  it says now: "), "{said}");
    assert!(said.contains("its hash was blake3:"), "{said}");
    let other = |home: &Path| write(home, "e/a.log", &TROUBLE.replace("15:00:01", "15:00:09"));
    assert!(verified("", 1, other).contains("files by hash 1: 1 changed"), "a time is no text of the entry");
    let said = verified("--no-hash", 1, |home| write(home, "e/a.log", &format!("\n{TROUBLE}")));
    assert!(said.contains("changed"), "{said}");
    let said = verified("", 1, |home| fs::remove_file(home.join("e/a.log")).expect("removed"));
    assert!(said.contains("missing       e/a.log  no such file"), "{said}");
    let said = verified("", 1, |home| write(home, "e/a.log", ""));
    assert!(said.contains("missing       e/a.log:1  nothing can be read at byte 0 any more"), "{said}");
}

#[test]
fn a_log_that_grew_is_still_the_evidence() {
    let said = verified("", 0, |home| write(home, "e/a.log", &TROUBLE.repeat(3)));
    assert!(said.contains("grown         e/a.log  its first"), "{said}");
}

#[test]
fn evidence_that_moved_is_found_below_what_is_named() {
    let moved = |home: &Path| {
        fs::create_dir(home.join("attic")).expect("made");
        fs::rename(home.join("e"), home.join("attic/e")).expect("moved");
    };
    assert!(verified("", 1, moved).contains("missing"));
    assert!(verified("attic", 0, moved).contains("1 verified"));
    assert!(verified("attic/e/a.log", 0, moved).contains("1 verified"));
    let run = Run::new().args("verify r.json gone").file("r.json", "{}");
    run.stderr_has("r.json").code(2).run();
}

#[test]
fn standard_input_cannot_be_verified() {
    let first = Run::new().args("analyze - -o r.json").stdin(TROUBLE).run();
    let run = Run::new().args("verify r.json --format json").file("r.json", first.read("r.json"));
    let said: serde_json::Value = serde_json::from_str(&run.code(4).run().stdout).expect("JSON");
    assert_eq!(said["files"]["unverifiable"], 1, "{said}");
    assert_eq!(said["exceptions"][0]["standing"], "unverifiable", "{said}");
}

// The terminal.

/// What a terminal would obey, what hides or turns text, and what is wider or narrower than it has characters.
const HOSTILE: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}[35m\u{9b}35m\r\n\t\0\u{7f}\u{202e}cba\u{2028}\u{61c}\u{e0041}日本語日本語👩‍👩‍👧‍👦🇩🇪⚠\u{fe0f}e\u{301} `|`<b>";

/// A report in which every text that may be anything is hostile; ids of things that are compared stay what they are.
fn hostile(report: &serde_json::Value, text: &str) -> Report {
    let mut names = std::collections::BTreeSet::new();
    each_text(&mut report.clone(), &mut |name, _| {
        names.insert(name.to_owned());
    });
    let mut report = report.clone();
    for name in names.iter().filter(|name| !["id", "finding", "schema_version"].contains(&name.as_str())) {
        let before = report.clone();
        each_text(&mut report, &mut |of, value| {
            if of == name {
                *value = format!("{text}{value}{text}");
            }
        });
        // A word of the contract, or a time: what is neither is refused before it is shown.
        if serde_json::from_value::<Report>(report.clone()).is_err() {
            report = before;
        }
    }
    serde_json::from_value(report).expect("each change was one that can be read")
}

/// Visits texts with the name of the field that they stand in.
fn each_text(value: &mut serde_json::Value, visit: &mut dyn FnMut(&str, &mut String)) {
    fn walk(name: &str, value: &mut serde_json::Value, visit: &mut dyn FnMut(&str, &mut String)) {
        match value {
            serde_json::Value::String(text) => visit(name, text),
            serde_json::Value::Array(items) => items.iter_mut().for_each(|item| walk(name, item, visit)),
            serde_json::Value::Object(fields) => {
                fields.iter_mut().for_each(|(name, field)| walk(name, field, visit));
            }
            _ => {}
        }
    }
    walk("", value, visit);
}

fn rendered(report: &Report, id: &str, layout: &Layout) -> String {
    let writer = WRITERS.iter().find(|writer| writer.id() == id).expect("there is one");
    let mut out = Vec::new();
    writer.write(report, layout, &mut out).expect("memory");
    String::from_utf8(out).expect("text")
}

/// A text without styles, and the styles.
fn styles(text: &str) -> (String, std::collections::BTreeSet<String>) {
    let (mut plain, mut styles) = (String::new(), std::collections::BTreeSet::new());
    let mut rest = text;
    while let Some(at) = rest.find("\u{1b}[") {
        let end = rest[at + 2..].find(|c: char| !c.is_ascii_digit() && c != ';').map(|end| at + 2 + end);
        match end.filter(|end| rest[*end..].starts_with('m')) {
            Some(end) => {
                plain.push_str(&rest[..at]);
                styles.insert(rest[at..=end].to_owned());
                rest = &rest[end + 1..];
            }
            None => {
                plain.push_str(&rest[..=at]);
                rest = &rest[at + 1..];
            }
        }
    }
    plain.push_str(rest);
    (plain, styles)
}

fn is_harmful(c: char) -> bool {
    c.is_control() && c != '\n'
        || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{e0000}'..='\u{e007f}')
}

/// Reports to lay out: of the fixture with most in it, and of the bundles.
fn reports() -> Vec<serde_json::Value> {
    let mut folders = vec![incident()];
    let bundles = root().join("../shared/bundles");
    match fs::read_dir(&bundles) {
        Ok(entries) => {
            let folders_of = entries.map(|entry| entry.expect("readable").path());
            folders.extend(folders_of.filter(|path| path.is_dir()));
        }
        Err(_) => say(&format!("SKIPPED: the bundles, laid out: {} is not there", bundles.display())),
    }
    let report = |folder: &PathBuf| {
        let ran = Run::new().within(folder).args("analyze . --allow-partial -o json:-").run();
        serde_json::from_str(&ran.stdout).expect("a report")
    };
    folders.iter().map(report).collect()
}

#[test]
fn no_line_is_wider_than_the_page_and_nothing_of_the_evidence_is_obeyed() {
    for report in reports() {
        let plain: Report = serde_json::from_value(report.clone()).expect("a report");
        let (_, ours) = styles(&rendered(&plain, "text", &Layout::default()));
        let wide = "日本語".repeat(100);
        let hostiles = [HOSTILE, wide.as_str()].map(|text| hostile(&report, text));
        for report in std::iter::once(&plain).chain(&hostiles) {
            for columns in [80, 100, 120, 160, 200] {
                let layout = Layout { columns, ranks: Ranks::Explained, ..Layout::default() };
                let (text, seen) = styles(&rendered(report, "text", &layout));
                assert!(seen.is_subset(&ours), "{seen:?}");
                for line in text.lines() {
                    let width = unicode_width::UnicodeWidthStr::width(line);
                    assert!(width <= columns, "{width} columns of {columns}: {line}");
                    assert!(!line.contains(is_harmful), "{line:?}");
                }
            }
            let markdown = rendered(report, "md", &Layout::default());
            assert!(
                !markdown.contains(is_harmful),
                "{:?}",
                markdown.lines().find(|line| line.contains(is_harmful))
            );
        }
    }
}

#[test]
fn parts_are_shown_alone_and_incidents_are_counted() {
    let run =
        |args: &str| Run::new().within(&incident()).args("analyze . --allow-partial").args(args).run().stdout;
    let whole = run("--explain-rank");
    assert!(whole.contains("\n  score     +") && whole.contains("\n  order     "), "{whole}");
    let only = run("--section pools --section evidence");
    assert!(only.starts_with("coroner") && only.contains("\nEvidence\n"), "{only}");
    assert!(!only.contains("  cause ") && !only.contains("\nPatterns\n"), "{only}");
    let counted = run("--top 0");
    assert!(!counted.contains("  cause ") && counted.contains("more incident"), "{counted}");
    let markdown = run("--section evidence -o md:-");
    assert!(markdown.contains("## Evidence") && !markdown.contains("## Patterns"), "{markdown}");
    Run::new().args("analyze a.log --section everything").stderr_has("incidents").code(2).run();
}

#[test]
fn a_text_is_as_wide_as_it_is_asked_to_be() {
    let widest = |run: Run, args: &str| {
        let ran = run.within(&incident()).args("analyze . --allow-partial").args(args).run();
        ran.stdout.lines().map(|line| line.chars().count()).max().unwrap_or_default()
    };
    assert!((100..=110).contains(&widest(Run::new(), "")));
    assert!(widest(Run::new().env("COLUMNS", "80"), "") <= 80);
    assert!(widest(Run::new().env("COLUMNS", "80"), "--width 160") > 110);
}

// `coroner scan`.

#[test]
fn what_is_there_and_why_some_of_it_is_not_read() {
    let run = || {
        Run::new()
            .file("e/a.log", TROUBLE)
            .file("e/odd.csv", "stream_id,event_id,payload\ns,e,{}\n")
            .file("e/odd.json", "{\"what\": \"?\u{1b}[2J\",\n\"n\": 1}\n")
    };
    let ran = run()
        .args("scan e")
        .stdout_has("json-log")
        .stdout_has("profile ")
        .stdout_has("needs a column")
        .stdout_has("| {\"what\": \"?\\u{1b}[2J\"")
        .stdout_has("sessions: no pg_stat_activity export")
        .stdout_has("\\copy (select now(), * from pg_stat_activity)")
        .run();
    assert!(!ran.stdout.contains("log-patterns: no"), "that check can run: {}", ran.stdout);
    let said: serde_json::Value =
        serde_json::from_str(&run().args("scan e --format json").run().stdout).expect("JSON");
    assert_eq!(said["sources"][0]["records"], 1, "{said}");
    Run::new().args("scan e").folder("e").code(4).run();
    Run::new().args("scan e").file("e/a.rar", "Rar!\u{1a}\u{7}").stdout_has("rar is not read").code(3).run();
}
