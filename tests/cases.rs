//! Real evidence in, a digest of the report out: each folder below `fixtures/` with an `input` is a case, and its
//! `expected.txt` is what a person has counted by hand.
//!
//! To add a case, put the evidence below `fixtures/<format>/<case>/input`, run `UPDATE=1 cargo test --test cases`, and
//! hold the new `expected.txt` against the evidence before it is believed.

mod support;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use serde_json::Value;
use support::{Run, say};

#[test]
fn every_case_gives_the_expected_digest() {
    let update = std::env::var_os("UPDATE").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let digest = digest(&report(&case, &["input"]));
        let path = case.join("expected.txt");
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if update {
            fs::write(&path, &digest).expect("an expected.txt can be written");
        } else if digest != expected {
            wrong.push(format!("{}\n{}", path.display(), difference(&expected, &digest)));
        }
    }
    assert!(wrong.is_empty(), "- expected, + found; UPDATE=1 accepts what is found\n\n{}", wrong.join("\n"));
}

#[test]
fn every_byte_of_every_case_is_accounted_for() {
    for case in cases() {
        let report = report(&case, &["input"]);
        let rows = rows(&report);
        for file in files(&case) {
            let listed = rows.keys().any(|row| *row == file || file.starts_with(&format!("{row}/")));
            assert!(listed, "{}/{file} is not in the ledger", case.display());
        }
        for (path, row) in &rows {
            let read = &row["read"];
            let sum = number(&read["decoded"]) + number(&read["rejected"]) + number(&read["skipped"]);
            assert_eq!(number(&read["bytes"]), sum, "{}/{path}: {row}", case.display());
            // A folder, or a member of an archive, has no size on disk.
            let on_disk = fs::metadata(case.join(path)).ok().filter(fs::Metadata::is_file);
            if let Some(on_disk) = on_disk {
                assert_eq!(number(&row["bytes"]), on_disk.len(), "{}/{path}: {row}", case.display());
            }
            if row["compression"] == "none" && !is_rendered(row) && row["kind"] != "archive" {
                assert_eq!(number(&read["bytes"]), number(&row["bytes"]), "{}/{path}: {row}", case.display());
            }
        }
    }
}

/// Whether the bytes that were read are not those that were found: a renderer made them.
fn is_rendered(row: &Value) -> bool {
    ["pg-dump-custom", "pg-dump-directory", "pg-dump-tar", "sqlite"]
        .iter()
        .any(|format| row["format"] == *format)
}

/// The bundles that the fixtures are cut from are too big to be kept here; where they are, they are read whole.
#[test]
fn whole_bundles_agree_with_independent_counts() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/bundles");
    let Ok(entries) = fs::read_dir(&folder) else {
        say(&format!(
            "SKIPPED: whole_bundles_agree_with_independent_counts: {} is not there",
            folder.display()
        ));
        return;
    };
    let mut bundles: Vec<PathBuf> = entries.map(|entry| entry.expect("readable").path()).collect();
    bundles.sort();
    let mut wrong = Vec::new();
    for bundle in bundles.iter().filter(|bundle| bundle.join("expect.json").is_file()) {
        let text = fs::read_to_string(bundle.join("expect.json")).expect("readable");
        let expect: Value = serde_json::from_str(&text).expect("valid");
        let report = report(bundle, &["logs", "dumps", "snapshots"]);
        let differences = pattern_differences(&expect, &report).into_iter();
        let differences = differences.chain(line_differences(&expect, &report));
        wrong.extend(differences.map(|line| format!("{}: {line}", bundle.display())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn pattern_differences(expect: &Value, report: &Value) -> Vec<String> {
    let found: BTreeMap<&str, u64> =
        list(report, "patterns").map(|seen| (text(&seen["id"]), number(&seen["occurrences"]))).collect();
    let mut wrong = Vec::new();
    for (id, range) in expect["patterns"].as_object().expect("patterns by id") {
        let (low, high) = (number(&range[0]), number(&range[1]));
        let count = found.get(id.as_str()).copied().unwrap_or(0);
        if !(low..=high).contains(&count) {
            wrong.push(format!("{id}: {count} occurrences, expected {low} to {high}"));
        }
    }
    wrong
}

/// Holds the ledger against line counts: each line of the application's logs is an entry, or accounted for as none.
fn line_differences(expect: &Value, report: &Value) -> Vec<String> {
    let rows = rows(report);
    let by_name: BTreeMap<&str, &Value> =
        rows.iter().filter_map(|(path, row)| Some((path.rsplit('/').next()?, *row))).collect();
    let mut wrong = Vec::new();
    for (name, lines) in expect["ledger_lines"].as_object().expect("lines by name") {
        let Some(row) = by_name.get(name.as_str()) else {
            wrong.push(format!("{name}: not in the ledger"));
            continue;
        };
        let found = number(&row["records"]) + number(&row["rejected"]) + number(&row["skipped"]);
        let an_entry_a_line = name.starts_with("app-") && !name.ends_with(".stderr.log");
        if found == 0 && number(lines) > 0 || an_entry_a_line && found.abs_diff(number(lines)) > 1 {
            wrong.push(format!("{name}: {found} accounted for, {lines} lines"));
        }
    }
    wrong
}

/// Each folder that holds an `input`, sorted.
fn cases() -> Vec<PathBuf> {
    fn find(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("readable").path();
            if path.ends_with("input") {
                found.push(folder.to_owned());
            } else if path.is_dir() {
                find(&path, found);
            }
        }
    }
    let mut found = Vec::new();
    find(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures"), &mut found);
    found.sort();
    assert!(!found.is_empty(), "fixtures are there");
    found
}

/// Every file of a case's input, as the ledger names it, sorted.
fn files(case: &Path) -> Vec<String> {
    fn find(folder: &Path, name: &str, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("readable").path();
            let name = format!("{name}/{}", path.file_name().expect("has a name").to_string_lossy());
            if path.is_dir() { find(&path, &name, found) } else { found.push(name) }
        }
    }
    let mut found = Vec::new();
    find(&case.join("input"), "input", &mut found);
    found.sort();
    found
}

/// Runs in the folder, so that no path outside it gets into a report. Whether a report may be incomplete is the
/// digest's to say.
fn report(folder: &Path, evidence: &[&str]) -> Value {
    let out = tempfile::tempdir().expect("a folder");
    let path = out.path().join("report.json").to_string_lossy().into_owned();
    let mut run = Run::new().within(folder).args("analyze --allow-partial --quiet");
    for name in evidence {
        run = run.arg(*name);
    }
    run.arg("-o").arg(&path).run();
    let text = fs::read_to_string(&path).expect("a report");
    serde_json::from_str(&text).expect("valid")
}

fn rows(report: &Value) -> BTreeMap<String, &Value> {
    list(&report["ledger"], "evidence").map(|row| (text(&row["path"]).to_owned(), row)).collect()
}

/// What a reader of the report would check by hand, a line each.
fn digest(report: &Value) -> String {
    let verdict = &report["verdict"];
    let mut out =
        format!("verdict {}, worst {}\n", text(&verdict["status"]), shown(&verdict["worst_severity"]));
    for reason in list(verdict, "incomplete") {
        line(&mut out, &format!("  incomplete: {}", text(reason)));
    }
    out.push_str("\nledger\n");
    list(&report["ledger"], "evidence").for_each(|row| ledger_row(&mut out, row));
    out.push_str("\npatterns: occurrences, of them raised, first .. last\n");
    list(report, "patterns").for_each(|seen| pattern(&mut out, seen));
    out.push_str("\nintegrity\n");
    for store in list(&report["integrity"], "stores") {
        store_and_faults(&mut out, store, report);
    }
    out.push_str("\nincidents\n");
    list(report, "incidents").for_each(|found| incident(&mut out, found));
    out
}

fn ledger_row(out: &mut String, row: &Value) {
    let read = &row["read"];
    let bytes = ["decoded", "rejected", "skipped"].map(|name| number(&read[name]));
    let sum = if bytes.iter().sum::<u64>() == number(&read["bytes"]) { "=" } else { "but not" };
    let words = ["path", "kind", "format", "compression"].map(|name| shown(&row[name]));
    line(
        out,
        &format!(
            "  {}: records {} rejected {} skipped {}, bytes {} + {} + {} {sum} {}",
            words.join(" "),
            row["records"],
            row["rejected"],
            row["skipped"],
            bytes[0],
            bytes[1],
            bytes[2],
            read["bytes"]
        ),
    );
    for (name, title) in [("notes", "note"), ("problems", "problem")] {
        list(row, name).for_each(|said| line(out, &format!("      {title}: {}", text(said))));
    }
}

fn pattern(out: &mut String, seen: &Value) {
    let (first, last) = (shown(&seen["first_seen"]), shown(&seen["last_seen"]));
    line(
        out,
        &format!("  {} {}, {}, {first} .. {last}", text(&seen["id"]), seen["occurrences"], seen["raised"]),
    );
}

fn store_and_faults(out: &mut String, store: &Value, report: &Value) {
    line(
        out,
        &format!(
            "  {} {}: {} events in {} streams, {} checkpoints",
            text(&store["path"]),
            text(&store["profile"]),
            store["events"],
            store["streams"],
            store["checkpoints"]
        ),
    );
    let faults = list(&report["integrity"], "faults").filter(|fault| fault["path"] == store["path"]);
    let mut faults: Vec<(u64, String)> =
        faults.map(|fault| (number(&fault["line"]), shown_fault(fault))).collect();
    faults.sort();
    for (_, fault) in &faults {
        line(out, &format!("      {fault}"));
    }
    for more in list(&report["integrity"], "unlisted").filter(|more| more["path"] == store["path"]) {
        line(out, &format!("      and {} more of {}", more["count"], text(&more["kind"])));
    }
}

fn shown_fault(fault: &Value) -> String {
    let mut said = format!("line {}: {} {}", fault["line"], text(&fault["severity"]), text(&fault["kind"]));
    for (name, value) in [
        ("stream", &fault["stream_id"]),
        ("version", &fault["actual_version"]),
        ("projection", &fault["projection"]),
    ] {
        if !value.is_null() {
            let _ = write!(said, ", {name} {}", shown(value));
        }
    }
    if let Some(missing) = fault["missing"].as_object() {
        let _ = write!(said, ", missing {} to {}", missing["from"], missing["to"]);
    }
    said
}

fn incident(out: &mut String, found: &Value) {
    let cause = &found["root_cause"];
    line(
        out,
        &format!(
            "  {}. {} {}: {}, {}",
            found["rank"],
            text(&found["severity"]),
            text(&found["title"]),
            text(&cause["kind"]),
            text(&cause["verdict"])
        ),
    );
}

fn line(out: &mut String, text: &str) {
    out.push_str(&text.replace('\n', "\\n"));
    out.push('\n');
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value[name].as_array().map(Vec::as_slice).unwrap_or_default().iter()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or_else(|| panic!("no count: {value}"))
}

/// A text without its quotes; `-` for nothing.
fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::String(text) if text.is_empty() => "(empty)".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The lines that differ, in order: the longest common part of both is left out.
fn difference(expected: &str, found: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            common[i][j] = if old[i] == new[j] {
                common[i + 1][j + 1] + 1
            } else {
                common[i + 1][j].max(common[i][j + 1])
            };
        }
    }
    let (mut i, mut j, mut out) = (0, 0, String::new());
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || i < old.len() && common[i + 1][j] >= common[i][j + 1] {
            line(&mut out, &format!("  -{}", old[i]));
            i += 1;
        } else {
            line(&mut out, &format!("  +{}", new[j]));
            j += 1;
        }
    }
    out
}
