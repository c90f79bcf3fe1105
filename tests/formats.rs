//! Each format that programs read, held against a validator or parser of that format which is not ours: JSON Schema,
//! OASIS's schema of SARIF, Jenkins' schema of `JUnit` (xmllint), promtool and Python's csv module. What they read back
//! must be what the report says.
//!
//! The reports are those of all fixtures, one of nothing, one of texts that try to break out, and those of the bundles
//! where they lie beside the project.

mod support;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use coroner::{
    model::{
        Evidence, Fault, FaultKind, Finding, Keys, OverTime, Severity, Timestamp, Window,
        report::{
            CauseVerdict, ChainLink, ChainRole, CheckRow, CheckStatus, EvidenceRow, Incident, PatternSeen,
            Report, RootCause, SCHEMA_VERSION, Status, Term, Unlisted,
        },
    },
    report::{Layout, WRITERS, schema},
};
use jsonschema::Validator;
use serde_json::{Value, json};
use support::{Run, say};

// The JSON report and its schema.

#[test]
fn every_report_is_what_the_schema_says() {
    let validator = validator(&schema());
    for (name, report) in reports() {
        complain(name, &validator, &json_of(&write("json", report)));
    }
}

#[test]
fn the_schema_catches_what_is_missing_or_wrong() {
    let validator = validator(&schema());
    let good = json_of(&write("json", &hostile()));
    complain("hostile", &validator, &good);
    let remove = |pointer: &str, field: &str| {
        let mut report = good.clone();
        let object = report.pointer_mut(pointer).and_then(Value::as_object_mut).expect("an object");
        object.remove(field).expect("it was there");
        report
    };
    let replace = |pointer: &str, value: Value| {
        let mut report = good.clone();
        *report.pointer_mut(pointer).expect("it is there") = value;
        report
    };
    let mut wrong = vec![
        ("severity", replace("/findings/0/severity", json!("fatal"))),
        ("count", replace("/findings/0/count", json!(-1))),
        ("count as text", replace("/findings/0/count", json!("1"))),
        ("time", replace("/findings/0/window/from", json!("yesterday"))),
        ("role", replace("/incidents/0/chain/0/role", json!("cause"))),
        ("verdict", replace("/incidents/0/root_cause/verdict", json!("sure"))),
        ("fault kind", replace("/integrity/faults/0/kind", json!("no-such-fault"))),
        ("version", replace("/schema_version", json!("2"))),
        ("status", replace("/ledger/checks/0/status", json!("skipped"))),
        ("null", replace("/findings/0/title", Value::Null)),
        ("line", remove("/findings/0/evidence/0", "line")),
        ("cause", remove("/incidents/0", "root_cause")),
        ("incident", remove("/findings/0", "incident")),
    ];
    for field in good.as_object().expect("an object").keys() {
        wrong.push(("a part", remove("", field)));
    }
    for (what, report) in wrong {
        assert!(!validator.is_valid(&report), "{what} was wrong and nobody said so");
    }
    let mut more = good.clone();
    more["findings"][0]["field_of_next_year"] = json!(1);
    complain("a field that is not known yet", &validator, &more);
}

#[test]
fn the_schema_is_the_committed_one() {
    let path = fixtures().join("report/schema.json");
    let printed = Run::new().args("schema report").run().stdout;
    assert_eq!(serde_json::from_str::<Value>(&printed).expect("JSON"), schema());
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &printed).expect("the schema can be written");
    }
    let committed = fs::read_to_string(&path).expect("fixtures/report/schema.json");
    assert!(
        committed == printed,
        "the report's format changed. Within a schema_version fields may be added; none may go, and none may change its \
         type or its meaning: readers rely on them. If this change only adds, accept it with \
         `UPDATE=1 cargo test --test formats` and read the diff; if not, SCHEMA_VERSION grows."
    );
}

#[test]
fn the_schema_is_a_schema() {
    assert!(jsonschema::meta::is_valid(&schema()));
    assert_eq!(schema()["$schema"], "https://json-schema.org/draft/2020-12/schema");
}

#[test]
fn a_json_report_reads_back_as_it_was() {
    for (name, report) in reports() {
        let read: Report = serde_json::from_slice(&write("json", report)).expect("a report");
        assert_eq!(json!(read), json!(report), "{name}");
    }
}

// One finding a line.

#[test]
fn every_line_is_a_finding_that_stands_alone() {
    for (name, report) in reports() {
        let text = String::from_utf8(write("jsonl", report)).expect("UTF-8");
        let control = |c: char| c.is_control() && c != '\n';
        assert!(!text.contains(control), "{name}: a control character for a terminal");
        assert_eq!(text.lines().count(), report.findings.len(), "{name}");
        for (line, finding) in text.lines().zip(&report.findings) {
            let line: Value = serde_json::from_str(line).expect("a line is JSON");
            let read: Finding = serde_json::from_value(line.clone()).expect("a line is a finding");
            assert_eq!(json!(read), json!(finding), "{name}");
            assert_eq!(line["schema_version"], SCHEMA_VERSION);
            assert_eq!(line["run_window"]["to"], json!(report.window.to));
            let incident =
                report.incidents.iter().find(|incident| Some(&incident.id) == finding.incident.as_ref());
            assert_eq!(line["incident_rank"], json!(incident.map(|incident| incident.rank)));
            assert_eq!(line["incident_title"], json!(incident.map(|incident| &incident.title)));
            assert_eq!(line["root_cause"], json!(incident.map(|incident| &incident.root_cause.kind)));
        }
    }
}

// CSV.

#[test]
fn csv_reads_back_as_it_was() {
    for (name, report) in reports() {
        let bytes = write("csv", report);
        // RFC 4180: CRLF ends a record, and no other line end stands outside of one.
        let text = std::str::from_utf8(&bytes).expect("UTF-8");
        assert_eq!(text.matches("\r\n").count(), report.findings.len() + 1, "{name}");
        assert_eq!(text.matches(['\r', '\n']).count(), 2 * (report.findings.len() + 1), "{name}");
        let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(bytes.as_slice());
        let rows: Vec<BTreeMap<String, String>> =
            reader.deserialize().collect::<Result<_, _>>().expect("each row has all columns");
        compare_rows(name, &rows, report);
        match python_reads(&bytes) {
            Some(rows) => compare_rows(name, &rows, report),
            None => say("SKIPPED: csv_reads_back_as_it_was: python3 is not here; the csv crate read it"),
        }
    }
}

#[test]
fn no_spreadsheet_takes_a_cell_for_a_formula() {
    let bytes = write("csv", &hostile());
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let mut guarded = 0;
    for row in reader.records() {
        for cell in &row.expect("a row") {
            let first = cell.trim_start().chars().next().unwrap_or('x');
            assert!(!"=+-@＝＋－＠\t\r".contains(first), "{cell:?} is a formula");
            guarded += usize::from(cell.starts_with('\''));
        }
    }
    assert!(guarded > 10, "only {guarded} cells were formulas before");
}

fn compare_rows(name: &str, rows: &[BTreeMap<String, String>], report: &Report) {
    assert_eq!(rows.len(), report.findings.len(), "{name}");
    for (row, finding) in rows.iter().zip(&report.findings) {
        assert_eq!(row["id"].trim_start_matches('\''), finding.id, "{name}");
        assert_eq!(row["count"], finding.count.to_string(), "{name}");
        assert_eq!(row["severity"], finding.severity.name(), "{name}");
        assert_eq!(row["incident"], finding.incident.clone().unwrap_or_default(), "{name}");
        assert_eq!(
            row["from"].trim_start_matches('\''),
            finding.window.from.map_or(String::new(), |from| from.to_string()),
            "{name}"
        );
        let line = finding.evidence.first().map_or(String::new(), |place| place.line.to_string());
        assert_eq!(row["line"], line, "{name}");
        if is_plain(&finding.title) {
            assert_eq!(row["title"], finding.title, "{name}");
        }
    }
}

/// What Python's csv module makes of it, in its strict mode.
fn python_reads(bytes: &[u8]) -> Option<Vec<BTreeMap<String, String>>> {
    const READ: &str = "import csv, io, json, sys
csv.field_size_limit(10**9)
text = io.TextIOWrapper(sys.stdin.buffer, encoding='utf-8', newline='')
rows = csv.DictReader(text, strict=True)
print(json.dumps(list(rows)))";
    let (read, rows, said) = pipe(Command::new("python3").args(["-c", READ]), bytes)?;
    assert!(read, "{said}");
    Some(serde_json::from_str(&rows).expect("each row has all columns"))
}

// SARIF.

#[test]
fn sarif_is_what_oasis_says() {
    let schema = fs::read_to_string(fixtures().join("report/sarif-schema-2.1.0.json")).expect("the schema");
    // As published, its pattern of a language has a bracket too many, which no expression may have.
    let schema = schema.replace("[a-zA-Z]{2}]?$", "[a-zA-Z]{2}$");
    let validator = validator(&serde_json::from_str(&schema).expect("JSON"));
    for (name, report) in reports() {
        let log = json_of(&write("sarif", report));
        complain(name, &validator, &log);
        let mut wrong = log.clone();
        wrong["runs"][0]["columnKind"] = json!("bytes");
        assert!(!validator.is_valid(&wrong), "the validator sees nothing");
        compare_results(name, &log["runs"][0], report);
    }
}

fn compare_results(name: &str, run: &Value, report: &Report) {
    let results = run["results"].as_array().expect("results");
    assert_eq!(results.len(), report.findings.len(), "{name}");
    let rules = run["tool"]["driver"]["rules"].as_array().expect("rules");
    let ids: BTreeSet<&str> = rules.iter().filter_map(|rule| rule["id"].as_str()).collect();
    assert_eq!(ids.len(), rules.len(), "{name}: rules are unique");
    let rank = |result: &Value| result["rank"].as_f64().expect("a rank");
    for (result, finding) in results.iter().zip(&report.findings) {
        assert_eq!(result["partialFingerprints"]["coronerFinding/v1"], finding.id, "{name}");
        assert_eq!(result["properties"]["count"], finding.count, "{name}");
        let rule = result["ruleIndex"].as_u64().expect("a rule") as usize;
        assert_eq!(rules[rule]["id"], result["ruleId"], "{name}");
        assert!((0.0..=100.0).contains(&rank(result)), "{name}");
        let places = result["locations"].as_array().expect("locations").iter();
        let places: Vec<&Value> =
            places.chain(result["relatedLocations"].as_array().expect("more")).collect();
        assert_eq!(places.len(), finding.evidence.len(), "{name}");
        for (place, evidence) in places.iter().zip(&finding.evidence) {
            let place = &place["physicalLocation"];
            assert_eq!(place["region"]["byteOffset"], evidence.byte, "{name}");
            let uri = place["artifactLocation"]["uri"].as_str().expect("a URI");
            assert!(uri.bytes().all(|byte| byte.is_ascii_graphic()), "{name}: {uri}");
        }
    }
    let flows = results.iter().filter(|result| result.get("codeFlows").is_some()).count();
    assert_eq!(flows, report.incidents.len(), "{name}: an incident is a code flow");
    assert_eq!(run["invocations"][0]["executionSuccessful"], report.verdict.incomplete.is_empty(), "{name}");
}

#[test]
fn sarif_says_what_is_new_where_there_is_a_baseline() {
    let evidence = fixtures().join("json-log/pool-exhaustion/input");
    let run = |baseline: Option<&Path>| {
        let run = Run::new()
            .args("analyze --allow-partial -q -o r.sarif -o r.json")
            .arg(evidence.display().to_string());
        match baseline {
            Some(path) => run.arg("--baseline").arg(path.display().to_string()).run(),
            None => run.run(),
        }
    };
    let first = run(None);
    let second = run(Some(&first.path("r.json")));
    let states = |text: String| {
        let log: Value = serde_json::from_str(&text).expect("JSON");
        let results = log["runs"][0]["results"].as_array().expect("results").clone();
        results.iter().filter_map(|result| Some(result.get("baselineState")?.as_str()?.to_owned())).collect()
    };
    let (first, second): (BTreeSet<String>, BTreeSet<String>) =
        (states(first.read("r.sarif")), states(second.read("r.sarif")));
    assert!(first.is_empty(), "{first:?} without a baseline");
    assert!(second.contains("unchanged") && !second.contains("new"), "{second:?}");
}

// JUnit.

#[test]
fn junit_is_what_jenkins_reads() {
    let xsd = fixtures().join("report/junit-10.xsd");
    for (name, report) in reports() {
        let bytes = write("junit", report);
        let validated =
            pipe(Command::new("xmllint").arg("--noout").arg("--schema").arg(&xsd).arg("-"), &bytes);
        match validated {
            Some((valid, _, said)) => assert!(valid, "{name}: {said}"),
            None => {
                say("SKIPPED: junit_is_what_jenkins_reads: xmllint (libxml2-utils) is not here");
                return;
            }
        }
        let xpath = |path: &str| {
            let (valid, found, said) =
                pipe(Command::new("xmllint").args(["--xpath", path, "-"]), &bytes).expect("here");
            assert!(valid, "{path}: {said}");
            found.trim().to_owned()
        };
        let findings = report.findings.iter().filter(|finding| finding.severity >= Severity::Warning);
        let findings: Vec<&Finding> = findings.collect();
        // A case says how many more it holds than the one it names.
        let told =
            xpath("string(sum(//testsuite[@name='checks']/@failures))").parse::<usize>().expect("a number");
        assert_eq!(told == 0, findings.is_empty(), "{name}");
        for finding in findings.iter().take(10) {
            let count = xpath(&format!("count(//failure[contains(., ' {} ')])", finding.id));
            assert_eq!(count, "1", "{name}: {}", finding.id);
        }
        let skipped =
            report.ledger.checks.iter().filter(|check| check.status == CheckStatus::CouldNotRun).count();
        let of_skipped =
            xpath("count(//testsuite[@name='checks']/testcase/skipped)").parse::<usize>().expect("one");
        assert!(of_skipped <= skipped && (told > 0 || of_skipped == skipped), "{name}");
        let errors = xpath("count(//testsuite[@name='evidence']/testcase/error)");
        assert_eq!(errors == "0", is_all_read(report), "{name}: {errors} errors");
        assert_eq!(errors, xpath("string(//testsuite[@name='evidence']/@errors)"), "{name}");
        assert_eq!(xpath("count(//testcase)"), xpath("string(sum(//testsuite/@tests))"), "{name}");
    }
}

fn is_all_read(report: &Report) -> bool {
    let whole = |row: &EvidenceRow| row.rejected == 0 && row.problems.is_empty();
    report.verdict.incomplete.is_empty() && report.ledger.evidence.iter().all(whole)
}

#[test]
fn every_fault_is_told_by_a_check_that_exists() {
    let ids: BTreeSet<&str> = coroner::check::CHECKS.iter().map(|check| check.meta().id).collect();
    for kind in coroner::model::FAULT_KINDS {
        assert!(ids.contains(kind.check()), "{} is told by {}", kind.name(), kind.check());
    }
}

// Prometheus.

#[test]
fn prometheus_takes_the_figures() {
    for (name, report) in reports() {
        let bytes = write("prometheus", report);
        match pipe(Command::new("promtool").args(["check", "metrics"]), &bytes) {
            // It names what breaks its conventions as well.
            Some((valid, out, err)) => {
                assert!(valid && out.is_empty() && err.is_empty(), "{name}: {out}{err}");
            }
            None => say("SKIPPED: prometheus_takes_the_figures: promtool (prometheus) is not here"),
        }
        let text = String::from_utf8(bytes).expect("UTF-8");
        let value = |series: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
            line.unwrap_or_else(|| panic!("{name}: no {series}")).parse::<f64>().expect("a number")
        };
        for severity in [Severity::Info, Severity::Warning, Severity::Error, Severity::Critical] {
            let count = report.findings.iter().filter(|finding| finding.severity == severity).count();
            let series = format!("coroner_findings{{severity=\"{}\"}}", severity.name());
            assert!((value(&series) - count as f64).abs() < 0.5, "{name}: {series}");
        }
        let complete = f64::from(u8::from(report.verdict.incomplete.is_empty()));
        assert!((value("coroner_run_complete") - complete).abs() < 0.5, "{name}");
        if let Some(to) = report.window.to {
            let newest = value("coroner_evidence_newest_timestamp_seconds");
            assert!(
                (newest - to.0 as f64 / 1e6).abs() < 1e-3 * (1.0 + newest.abs() / 1e9),
                "{name}: {newest}"
            );
        }
        let gaps =
            report.integrity.faults.iter().filter(|fault| fault.kind == FaultKind::VersionGap).count() as u64;
        let unlisted = report.integrity.unlisted.iter().filter(|row| row.kind == "version-gap");
        let gaps = gaps + unlisted.map(|row| row.count).sum::<u64>();
        assert!((value("coroner_faults{kind=\"version-gap\"}") - gaps as f64).abs() < 0.5, "{name}");
    }
}

// Where they go.

#[test]
fn the_extension_decides_and_a_file_holds_what_was_written() {
    let log = "{\"timestamp\":\"2026-11-23T15:00:01Z\",\"level\":\"ERROR\",\"message\":\"Connection pool exhausted \
               \u{7f}\u{9b}2J \\u001b[31m =1+1\"}\n";
    let ran = Run::new()
        .args("analyze -q -o r.json -o r.jsonl -o r.ndjson -o r.csv -o r.sarif -o r.xml -o r.prom -o junit:r.out")
        .arg("=a b#1;\u{202e}.log")
        .file("=a b#1;\u{202e}.log", log)
        .run();
    let report: Report = serde_json::from_str(&ran.read("r.json")).expect("a report");
    assert!(ran.read("r.json").is_ascii(), "a terminal obeys something of it");
    for (file, format) in [
        ("r.json", "json"),
        ("r.jsonl", "jsonl"),
        ("r.ndjson", "jsonl"),
        ("r.csv", "csv"),
        ("r.sarif", "sarif"),
        ("r.xml", "junit"),
        ("r.out", "junit"),
        ("r.prom", "prometheus"),
    ] {
        let written = String::from_utf8(write(format, &report)).expect("UTF-8");
        assert_eq!(ran.read(file), written, "{file}");
    }
    assert!(ran.read("r.jsonl").contains("\\u007f\\u009b2J"), "{}", ran.read("r.jsonl"));
}

#[test]
fn the_help_names_every_format() {
    let help = Run::new().args("analyze --help").run().stdout;
    for writer in WRITERS {
        assert!(help.contains(writer.id()), "{} is not in the help", writer.id());
    }
}

// What is written.

/// Each with its name, made once.
fn reports() -> &'static [(String, Report)] {
    static REPORTS: OnceLock<Vec<(String, Report)>> = OnceLock::new();
    REPORTS.get_or_init(|| {
        let mut reports = vec![("empty".to_owned(), empty()), ("hostile".to_owned(), hostile())];
        let mut evidence: Vec<PathBuf> = inputs(&fixtures(), 2);
        let bundles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/bundles");
        match fs::read_dir(&bundles) {
            Ok(entries) => evidence.extend(entries.map(|entry| entry.expect("readable").path())),
            Err(_) => say("SKIPPED: the bundles are not here; formats are held against the fixtures"),
        }
        evidence.sort();
        for path in evidence {
            let run =
                Run::new().args("analyze -q --allow-partial -o report.json").arg(path.display().to_string());
            let report = serde_json::from_str(&run.run().read("report.json")).expect("a report");
            reports.push((path.display().to_string(), report));
        }
        assert!(reports.len() > 10, "only {} reports", reports.len());
        reports
    })
}

/// Folders called `input`.
fn inputs(folder: &Path, depth: usize) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("readable").map(|entry| entry.expect("readable").path());
    let folders = entries.filter(|path| path.is_dir());
    folders
        .flat_map(|path| match depth {
            _ if path.ends_with("input") => vec![path],
            0 => Vec::new(),
            _ => inputs(&path, depth - 1),
        })
        .collect()
}

fn empty() -> Report {
    let mut report = Report { schema_version: SCHEMA_VERSION.to_owned(), ..Report::default() };
    "coroner".clone_into(&mut report.run.tool);
    report
}

/// Texts that mean something to one of the formats or their viewers.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "=cmd|' /C calc'!A0",
        "+1+cmd|' /C calc'!A0",
        "-2+3",
        "@SUM(1+9)*cmd|' /C calc'!A0",
        "＝1＋1",
        "\t=1+1",
        "\r=1+1",
        " =1+1",
        "\"quoted\", 'and' quoted; \"\"",
        "]]><script>alert(1)</script><!-- & -->",
        "two\r\nlines\nand\ra half",
        "\u{0}\u{1}\u{8}\u{b}\u{1b}[2J\u{1b}]0;title\u{7}\u{7f}\u{9b}31m",
        "\u{202e}gpj.exe\u{2066}\u{200b}\u{feff}",
        "\u{2028}\u{2029}\u{85}\u{fffe}\u{ffff}\u{fdd0}\u{1f600}\u{10ffff}",
        "[a link](http://evil.example/) and {0} of {1}",
        "back\\slash\\n{label=\"x\"} 1e9\n# TYPE coroner_findings counter",
        "\\u001b",
        "'",
        "",
        "   ",
        "NaN",
        "1e5",
    ]
    .map(str::to_owned)
    .into();
    texts.push("x".repeat(100_000));
    texts.push("ä\u{1f600}".repeat(20_000));
    texts
}

fn is_plain(text: &str) -> bool {
    text.len() < 10_000 && text.chars().all(|c| c.is_ascii_alphanumeric() || " ,.()/".contains(c))
}

/// A report whose every text is one that tries to break out, with the largest counts and the strangest times.
fn hostile() -> Report {
    let texts = texts();
    let mut report = empty();
    report.verdict.status = Status::Incomplete;
    report.verdict.incomplete = texts.iter().map(|text| format!("{text}: torn")).collect();
    report.window.from = Some(Timestamp(i64::MIN));
    report.window.to = Some(Timestamp(i64::MAX));
    report.run.version = "1\"\\\n".to_owned();
    report.run.arguments = texts.clone();
    for (number, text) in texts.iter().enumerate() {
        report.findings.push(hostile_finding(number, text));
        report.ledger.evidence.push(EvidenceRow {
            path: text.clone(),
            kind: text.clone(),
            rejected: u64::from(number.is_multiple_of(2)),
            hash: "sha256:00".to_owned(),
            notes: vec![text.clone()],
            problems: vec![text.clone()],
            ..EvidenceRow::default()
        });
        report.ledger.checks.push(CheckRow {
            id: format!("check-{number}"),
            status: if number.is_multiple_of(3) { CheckStatus::CouldNotRun } else { CheckStatus::Ran },
            why: Some(text.clone()),
            observed: text.clone(),
        });
        report.patterns.push(hostile_pattern(text));
        report.integrity.faults.push(Fault::new(FaultKind::VersionGap, text.clone()));
        report.integrity.unlisted.push(Unlisted { path: text.clone(), kind: text.clone(), count: 1 });
    }
    report.incidents = vec![hostile_incident(&report.findings)];
    report.findings.iter_mut().for_each(|finding| finding.incident = Some("inc-1".to_owned()));
    report
}

fn hostile_finding(number: usize, text: &str) -> Finding {
    // The last but one is of the year 27321.
    let times = [i64::MIN, -1, 1_764_460_800_000_001, 800_000_000_000_000_000, i64::MAX].map(Timestamp);
    let severities = [Severity::Info, Severity::Warning, Severity::Error, Severity::Critical];
    Finding {
        id: format!("fnd-{number}"),
        check: if number.is_multiple_of(2) { "log-patterns".to_owned() } else { text.to_owned() },
        kind: text.to_owned(),
        category: text.to_owned(),
        severity: severities[number % 4],
        title: text.to_owned(),
        detail: text.to_owned(),
        count: [0, 1, u64::MAX][number % 3],
        window: Window { from: Some(times[number % 5]), to: None },
        keys: Keys::from([(text.to_owned(), vec![text.to_owned(), text.to_owned()])]),
        evidence: (0..=number as u64 % 3)
            .map(|line| Evidence {
                path: text.to_owned(),
                line,
                byte: u64::MAX >> 12,
                excerpt: text.to_owned(),
            })
            .collect(),
        over_time: OverTime { from: Some(times[number % 5]), step_ms: f64::MAX, counts: vec![u64::MAX; 3] },
        incident: None,
        state: ["new", "persisting", "worse", "improved", "unknown", "gone"][number % 6].to_owned(),
        scattered: number.is_multiple_of(2),
        cause: Some(text.to_owned()),
        action: text.to_owned(),
    }
}

fn hostile_pattern(text: &str) -> PatternSeen {
    PatternSeen {
        id: text.to_owned(),
        title: text.to_owned(),
        severity: Severity::Error,
        category: text.to_owned(),
        occurrences: u64::MAX,
        raised: 0,
        by_level: BTreeMap::from([(text.to_owned(), 1)]),
        first_seen: None,
        last_seen: None,
        latest_message: text.to_owned(),
        action: text.to_owned(),
        evidence: Vec::new(),
        over_time: OverTime::default(),
        state: String::new(),
    }
}

fn hostile_incident(findings: &[Finding]) -> Incident {
    let text = "\"=1\"]]>\u{1b}[0m\n[x](y) {0}";
    let link = |finding: &Finding| ChainLink {
        finding: finding.id.clone(),
        role: [ChainRole::Root, ChainRole::Effect, ChainRole::Symptom][finding.title.len() % 3],
        at: finding.window.from,
        after: None,
        why: Some(text.to_owned()),
    };
    let term = Term { name: text.to_owned(), points: i64::MIN, why: text.to_owned() };
    Incident {
        rank: 1,
        id: "inc-1".to_owned(),
        title: text.to_owned(),
        severity: Severity::Critical,
        score: 1000,
        score_terms: vec![term.clone()],
        window: Window::default(),
        root_cause: RootCause {
            kind: text.to_owned(),
            finding: "fnd-0".to_owned(),
            verdict: CauseVerdict::Likely,
            why: text.to_owned(),
            terms: vec![term],
        },
        chain: findings.iter().map(link).collect(),
        findings: findings.iter().map(|finding| finding.id.clone()).collect(),
        keys: Keys::new(),
        counter_evidence: vec![text.to_owned()],
        not_checked: Vec::new(),
        next_steps: vec![text.to_owned()],
        runbook: Some(text.to_owned()),
        runbook_text: Some(text.to_owned()),
    }
}

// Tools.

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

fn write(format: &str, report: &Report) -> Vec<u8> {
    let writer = WRITERS.iter().find(|writer| writer.id() == format).expect("a format");
    let mut out = Vec::new();
    writer.write(report, &Layout::default(), &mut out).expect("memory");
    out
}

fn json_of(bytes: &[u8]) -> Value {
    serde_json::from_slice(bytes).expect("JSON")
}

fn validator(schema: &Value) -> Validator {
    jsonschema::options().should_validate_formats(true).build(schema).expect("a schema")
}

fn complain(name: &str, validator: &Validator, value: &Value) {
    let errors = validator.iter_errors(value).take(5);
    let errors: Vec<String> =
        errors.map(|err| format!("{}: {}", err.instance_path(), cut(&err.to_string()))).collect();
    assert!(errors.is_empty(), "{name}:\n{}", errors.join("\n"));
}

fn cut(text: &str) -> String {
    text.chars().take(300).collect()
}

/// Whether it went well, what it printed and what it complained of; `None` where the tool is not here.
fn pipe(command: &mut Command, bytes: &[u8]) -> Option<(bool, String, String)> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().ok()?;
    let mut stdin = child.stdin.take().expect("was asked for");
    let bytes = bytes.to_vec();
    let writer = std::thread::spawn(move || stdin.write_all(&bytes).is_ok());
    let output = child.wait_with_output().expect("it ends");
    writer.join().expect("the writer ends with it");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Some((output.status.success(), text(output.stdout), text(output.stderr)))
}
