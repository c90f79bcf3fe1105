//! The command line as its users meet it: exit codes, where reports go, what is said when something is wrong.

mod support;

use std::{
    fs,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use flate2::{Compression, write::GzEncoder};
use support::{Run, say, wait_for};

const QUIET: &str = "{\"timestamp\":\"2026-11-23T15:00:00Z\",\"level\":\"INFO\",\"message\":\"started\"}\n";
/// Of [`QUIET`], from `sha256sum`.
const QUIET_SHA256: &str = "sha256:ce987289c749dffaeddcffc8b49fd83f77a9918e4150e7249aef078eae3d95be";
const TROUBLE: &str = "{\"timestamp\":\"2026-11-23T15:00:01Z\",\"level\":\"ERROR\",\"message\":\"Connection pool exhausted\"}\n";

/// A gzip file that ends before its end.
fn torn() -> Vec<u8> {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
    let lines = (0..200)
        .map(|number| TROUBLE.replace("15:00:01", &format!("15:{:02}:{:02}", number / 60, number % 60)));
    gzip.write_all(lines.collect::<String>().as_bytes()).expect("into memory");
    let mut bytes = gzip.finish().expect("into memory");
    bytes.truncate(bytes.len() * 2 / 3);
    bytes
}

fn pack(name: &str, pattern: &str) -> String {
    format!("[pack]\nname = '{name}'\nabout = 'of a test'\n\n[[pattern]]\n{pattern}\n")
}

const OWN_PATTERN: &str = "id = 'vault-sealed'
title = 'Vault is sealed'
severity = 'error'
category = 'security'
any = ['vault is sealed']
action = 'Unseal it.'
false_positives = ['A rehearsal']
[pattern.samples]
match = ['the vault is sealed']
no_match = ['the vault is open']";

// Exit codes.

#[test]
fn clean_evidence_is_0() {
    Run::new()
        .args("analyze a.log")
        .file("a.log", QUIET)
        .stdout_has("No incident")
        .stdout_has("complete")
        .run();
}

#[test]
fn findings_are_0_until_asked_for() {
    for (severity, code) in [("never", 0), ("warning", 1), ("error", 1), ("critical", 1)] {
        let run = Run::new().args("analyze a.log --fail-on").arg(severity).file("a.log", TROUBLE);
        run.stdout_has("Connection pool exhausted").code(code).run();
    }
    Run::new().args("analyze a.log --fail-on warning").file("a.log", QUIET).run();
    Run::new().args("analyze a.log").env("CORONER_FAIL_ON", "error").file("a.log", TROUBLE).code(1).run();
}

#[test]
fn wrong_usage_is_2_and_names_what_is_wrong() {
    for (args, says) in [
        ("--bogus", "--bogus"),
        ("--as-of yesterday", "--as-of yesterday"),
        ("-o report.pdf", "-o report.pdf"),
        ("-o report", "-o report"),
        ("-o pdf:report.json.gz", "known formats are"),
        ("--fail-on sometimes", "sometimes"),
        ("-j 0", "at least one thread"),
        ("--patterns nowhere", "nowhere"),
    ] {
        let run = Run::new().args("analyze a.log").args(args).file("a.log", QUIET);
        let ran = run.stderr_has(says).stderr_lacks("panicked").code(2).run();
        assert_eq!((ran.stdout.as_str(), ran.names()), ("", vec!["a.log".to_owned()]), "no report");
    }
    Run::new().arg("analyze").stderr_has("EVIDENCE").code(2).run();
}

#[test]
fn a_broken_pattern_file_is_2_and_names_file_and_line() {
    let untitled = pack("mine", "id = 'x'\nany = ['abc']");
    let run =
        Run::new().args("analyze a.log --patterns own").file("a.log", QUIET).file("own/mine.toml", untitled);
    run.stderr_has("mine.toml").stderr_has("line 5").stderr_has("missing field `title`").code(2).run();
}

#[test]
fn a_broken_expression_names_its_file() {
    let unclosed = pack("mine", &OWN_PATTERN.replace("vault is sealed']\naction", "(vault']\naction"));
    let run =
        Run::new().args("analyze a.log --patterns own").file("a.log", QUIET).file("own/mine.toml", unclosed);
    run.stderr_has("mine.toml").stderr_has("vault-sealed").stderr_has("unclosed group").code(2).run();
}

#[test]
fn evidence_that_breaks_off_is_3_and_its_report_is_written() {
    let run = || Run::new().file("e/a.log.gz", torn());
    let ran = run()
        .args("analyze e -o r.json")
        .stderr_has("e/a.log.gz")
        .stderr_has("ends before its end")
        .code(3)
        .run();
    assert_eq!(ran.report("r.json")["verdict"]["status"], "incomplete");
    run().args("analyze e").stdout_has("INCOMPLETE").code(3).run();
    run().args("analyze e --fail-on error").code(3).run();
    run().args("analyze e --allow-partial").code(0).run();
    run().args("analyze e --allow-partial --fail-on error").code(1).run();
}

#[test]
fn nothing_to_read_is_4() {
    Run::new().args("analyze empty").folder("empty").stderr_has("empty: nothing to read").code(4).run();
    Run::new().args("analyze e").file("e/.hidden.log", TROUBLE).stderr_has("nothing to read").code(4).run();
}

/// Each source of settings over the one before it, and all of them in what is shown.
#[test]
fn settings_come_from_the_file_the_environment_and_flags() {
    let own = "[settings]\nlag_warning = \"2m\"\npool_high = 0.9\n";
    let run = || Run::new().file("coroner.toml", own).file("a.log", QUIET);
    run()
        .args("config show --origin --set slow_over=3s")
        .env("CORONER_POOL_HIGH", "0.7")
        .stdout_has("lag_warning = \"2m\"                 # coroner.toml:2")
        .stdout_has("pool_high = 0.7                    # CORONER_POOL_HIGH")
        .stdout_has("slow_over = \"3s\"                   # --set")
        .stdout_has("lag_critical = \"30m\"               # default")
        .run();
    let ran = run().args("analyze a.log -o r.json --set slow_over=3s").run();
    let settings = &ran.report("r.json")["run"]["settings"];
    assert_eq!((settings["lag_warning"].as_str(), settings["slow_over"].as_str()), (Some("2m"), Some("3s")));
    run().args("analyze a.log --set lag_warning=1h").stderr_has("above lag_critical").code(2).run();
    run().args("analyze a.log --config gone.toml").stderr_has("gone.toml").code(2).run();
    let kept = run().args("config show").run().stdout;
    run().args("config show").file("coroner.toml", kept).stdout_has("lag_warning = \"2m\"").run();
}

/// A typo must not look like clean evidence, and costs a second to mend: no report rather than half of one.
#[test]
fn a_path_that_is_not_there_is_2() {
    for gone in ["gone.log", "gone/*.log", "gone/"] {
        let run = Run::new().args("analyze a.log -o r.json").arg(gone).file("a.log", TROUBLE);
        let ran = run.stderr_has("no such evidence").stderr_has(gone).code(2).run();
        assert_eq!(ran.names(), ["a.log"]);
    }
}

// Evidence.

#[test]
fn standard_input_is_evidence() {
    Run::new().args("analyze -").stdin(TROUBLE).stdout_has("Connection pool exhausted").run();
    let ran = Run::new().args("analyze - a.log -o json:-").stdin(TROUBLE).file("a.log", QUIET).run();
    let report: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON alone on standard output");
    let paths: Vec<&str> =
        (0..2).filter_map(|at| report["ledger"]["evidence"][at]["path"].as_str()).collect();
    assert_eq!(paths, ["-", "a.log"]);
    Run::new().args("analyze -").stdin(torn()).stdout_has("gzip").code(3).run();
}

#[test]
fn globs_in_quotes_are_resolved() {
    let run = || Run::new().file("e/a.log", QUIET).file("e/b.log", TROUBLE).file("e/c.txt", QUIET);
    let paths = |pattern: &str| {
        let report = run().args("analyze -o r.json").arg(pattern).run().report("r.json");
        let rows = report["ledger"]["evidence"].as_array().expect("rows").clone();
        rows.iter().map(|row| row["path"].as_str().expect("a path").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(paths("e/*.log"), ["e/a.log", "e/b.log"]);
    assert_eq!(paths("**/{a,c}.*"), ["e/a.log", "e/c.txt"]);
    assert_eq!(paths("e/[!a].log"), ["e/b.log"]);
}

/// Makes a named pipe.
#[cfg(unix)]
fn pipe(path: &Path) {
    let made = Command::new("mkfifo").arg(path).status();
    assert!(made.is_ok_and(|status| status.success()), "mkfifo makes a pipe");
}

#[cfg(unix)]
#[test]
fn pipes_and_dangling_links_in_a_folder_are_named_and_never_waited_for() {
    let run = Run::new().args("analyze e -o r.json -o -").file("e/a.log", TROUBLE).prepare(|home| {
        pipe(&home.join("e/pipe.log"));
        std::os::unix::fs::symlink("nowhere", home.join("e/dangling.log")).expect("a link");
    });
    let ran = run.stdout_has("not a regular file").stdout_has("cannot be opened").run();
    let report = ran.report("r.json");
    let notes: Vec<&str> =
        (0..3).filter_map(|at| report["ledger"]["evidence"][at]["notes"][0].as_str()).collect();
    assert_eq!(notes.len(), 2, "the log has no note, the others have one: {notes:?}");
}

/// A folder and a glob over it name the same evidence, so they must come to the same report.
#[cfg(unix)]
#[test]
fn a_glob_passes_over_what_a_folder_passes_over() {
    let run = Run::new().args("analyze").arg("e/*").file("e/a.log", TROUBLE);
    run.prepare(|home| std::os::unix::fs::symlink("nowhere", home.join("e/dangling.log")).expect("a link"))
        .stdout_has("cannot be opened")
        .run();
}

/// Two files are two rows of the ledger, whatever their names look like when they are shown.
#[cfg(unix)]
#[test]
fn names_that_look_alike_stay_apart() {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt};
    for names in [[&b"a\\b.log"[..], b"a/b.log"], [b"a\xfe.log", b"a\xff.log"]] {
        let run = Run::new().args("analyze e -o r.json").folder("e/a").prepare(|home| {
            for (name, text) in names.iter().zip([QUIET, TROUBLE]) {
                fs::write(home.join("e").join(OsStr::from_bytes(name)), text).expect("a file");
            }
        });
        let report = run.run().report("r.json");
        let rows = &report["ledger"]["evidence"];
        assert_eq!(rows.as_array().map(Vec::len), Some(2), "{rows}");
    }
}

#[cfg(unix)]
#[test]
fn an_unreadable_file_is_3_and_named() {
    use std::os::unix::fs::PermissionsExt;
    let run = Run::new().args("analyze e").file("e/a.log", TROUBLE).file("e/secret.log", TROUBLE);
    let mut readable = false;
    let run = run.prepare(|home| {
        let path = home.join("e/secret.log");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("its owner may");
        readable = fs::read(&path).is_ok();
    });
    if readable {
        say("SKIPPED: an_unreadable_file_is_3_and_named: this user can read everything");
        return;
    }
    run.stdout_has("e/secret.log: cannot be read").stdout_has("Connection pool exhausted").code(3).run();
}

#[test]
fn the_ledger_names_the_hash_that_was_asked_for() {
    let hash = |args: &str| {
        let ran = Run::new().args("analyze a.log -o r.json").args(args).file("a.log", QUIET).run();
        ran.report("r.json")["ledger"]["evidence"][0]["hash"].as_str().expect("a hash").to_owned()
    };
    assert_eq!(hash("--hash sha256"), QUIET_SHA256);
    assert_eq!(hash(""), format!("blake3:{}", blake3::hash(QUIET.as_bytes()).to_hex()));
}

/// Neither threads, nor pieces, nor the order of arguments are part of what happened.
#[test]
fn the_same_evidence_gives_the_same_bytes() {
    let evidence = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/incident/input");
    let reports = |args: &str| {
        let run = Run::new().within(&evidence).args(args);
        let out = tempfile::tempdir().expect("a folder");
        let paths = ["r.json", "r.md", "r.txt"].map(|name| out.path().join(name));
        paths.iter().fold(run, |run, path| run.arg("-o").arg(path.to_string_lossy())).run();
        paths.map(|path| fs::read(path).expect("a report"))
    };
    let first = reports("analyze logs snapshots stores");
    for args in [
        "analyze -j 1 logs snapshots stores",
        "analyze -j 3 logs snapshots stores",
        "analyze --piece-bytes 1000 logs snapshots stores",
        "analyze -j 3 --piece-bytes 1000 logs snapshots stores",
        "analyze stores logs snapshots",
        "analyze snapshots stores logs -j 1 logs",
    ] {
        assert!(reports(args) == first, "{args}: another report");
    }
}

// Reports.

#[test]
fn one_run_writes_as_many_reports_as_asked_for() {
    let run = Run::new().args("analyze a.log -o r.json -o r.md -o json:r.data -o -").file("a.log", TROUBLE);
    let ran = run.stdout_has("Connection pool exhausted").stderr_lacks("coroner:").run();
    assert_eq!(ran.names(), ["a.log", "r.data", "r.json", "r.md"]);
    assert_eq!(ran.read("r.data"), ran.read("r.json"));
    assert!(ran.read("r.md").starts_with('#'), "{}", ran.read("r.md"));
}

#[test]
fn a_report_replaces_another_whole_and_leaves_nothing_beside_it() {
    let old = "x".repeat(1 << 20);
    let ran = Run::new().args("analyze a.log -o r.json").file("a.log", QUIET).file("r.json", old).run();
    assert_eq!(ran.report("r.json")["verdict"]["status"], "clean");
    assert_eq!(ran.names(), ["a.log", "r.json"], "no temporary file is left");
}

#[test]
fn a_report_that_cannot_be_written_is_2_and_named() {
    let run = Run::new().args("analyze a.log -o gone/r.json").file("a.log", QUIET);
    let ran = run.stderr_has("gone/r.json: cannot be written").code(2).run();
    assert_eq!(ran.names(), ["a.log"]);
    let run = Run::new().args("analyze a.log -o r.json").file("a.log", QUIET).folder("r.json");
    let ran = run.stderr_has("r.json: cannot be written").code(2).run();
    assert_eq!(ran.names(), ["a.log", "r.json"], "no temporary file is left");
}

/// Runs with a standard output that nobody reads any more: it is closed before the evidence is handed over.
fn into_a_closed_pipe(run: Run) -> (Option<i32>, String, Run) {
    let mut command = run.command();
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the program starts");
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().expect("was asked for");
    stdin.write_all(TROUBLE.as_bytes()).expect("the program reads");
    drop(stdin);
    let status = wait_for(&mut child).expect("it ends");
    let said = child.wait_with_output().expect("it has ended").stderr;
    (status.code(), String::from_utf8_lossy(&said).into_owned(), run)
}

#[test]
fn a_closed_pipe_is_a_quiet_success() {
    for args in ["analyze -", "analyze - -o json:-", "analyze - -o md:- --fail-on error"] {
        let (code, said, _) = into_a_closed_pipe(Run::new().args(args));
        assert_eq!((code, said.as_str()), (Some(0), ""), "{args}");
    }
}

/// `coroner analyze e -o - -o r.json | head` still owes its caller the file.
#[test]
fn a_closed_pipe_does_not_cost_the_other_reports() {
    let (code, _, run) = into_a_closed_pipe(Run::new().args("analyze - -o - -o r.json"));
    assert_eq!(code, Some(0));
    assert!(run.path("r.json").is_file());
}

#[test]
fn colours_are_for_those_who_want_them() {
    let escape = "\x1b[";
    let run = || Run::new().args("analyze a.log").file("a.log", TROUBLE);
    run().stdout_lacks(escape).run();
    run().args("--color never").env("CLICOLOR_FORCE", "1").stdout_lacks(escape).run();
    run().args("--color always").stdout_has(escape).run();
    run().env("CLICOLOR_FORCE", "1").stdout_has(escape).run();
    run().env("CLICOLOR_FORCE", "1").env("NO_COLOR", "1").stdout_lacks(escape).run();
    let ran = run().args("--color always -o r.txt").run();
    assert!(!ran.read("r.txt").contains(escape), "a file is no terminal");
}

#[test]
fn quiet_says_nothing_on_standard_error() {
    let run = || Run::new().args("analyze a.log.gz -o r.json").file("a.log.gz", torn()).code(3);
    run().stderr_has("coroner: incomplete: a.log.gz").run();
    for flag in ["-q", "--quiet"] {
        let ran = run().arg(flag).run();
        assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    }
}

#[test]
fn hostile_bytes_are_shown_and_not_obeyed() {
    let title = TROUBLE.replace("exhausted", "exhausted\\u001b]0;owned\\u0007\\u001b[2J\\u009b1m\\u202e");
    let text = "2026-11-23T15:00:02Z ERROR pool: Connection pool exhausted \x1b[2J\x07 again\n";
    let run = Run::new().args("analyze a.json b.log -o r.md -o -").file("a.json", title).file("b.log", text);
    let ran = run.stdout_has("\\u{1b}").run();
    for (name, said) in [("stdout", &ran.stdout), ("r.md", &ran.read("r.md"))] {
        let obeyed = said.chars().find(|c| c.is_control() && *c != '\n' || *c == '\u{202e}');
        assert_eq!(obeyed, None, "{name}: {said}");
    }
}

#[cfg(unix)]
#[test]
fn a_hostile_name_is_shown_and_not_obeyed() {
    let name = "e/a\x1b[2J.gz";
    let run = || Run::new().file(name, torn()).code(3);
    run().args("analyze e").stdout_has("a\\u{1b}[2J.gz").stdout_lacks("\x1b").run();
    run().args("analyze e -o r.json").stderr_has("a\\u{1b}[2J.gz").stderr_lacks("\x1b").run();
}

/// `FORMAT:PATH` takes a format by its id or its extension.
#[test]
fn a_format_is_named_by_id_or_extension() {
    let ran = Run::new().args("analyze a.log -q -o xml:one -o junit:two").file("a.log", TROUBLE).run();
    assert_eq!(ran.read("one"), ran.read("two"));
    assert!(ran.read("one").starts_with("<?xml"));
}

/// A packed report is a report: `diff` must not take it for evidence without a record.
#[test]
fn packed_reports_are_compared() {
    let first = Run::new().args("analyze a.log -q -o r.json").file("a.log", TROUBLE).run().read("r.json");
    let second = Run::new().args("analyze a.log -q -o r.json").file("a.log", QUIET).run().read("r.json");
    let packed = |text: &str| {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::default());
        gzip.write_all(text.as_bytes()).expect("into memory");
        gzip.finish().expect("into memory")
    };
    let run = Run::new().file("1.json.gz", packed(&second)).file("2.json.gz", packed(&first));
    run.args("diff 1.json.gz 2.json.gz").stdout_has("Connection pool exhausted").run();
}

/// The nightly job writes beside its evidence: last night's report is not tonight's evidence.
#[test]
fn a_report_is_no_evidence() {
    let names = [
        "r.json", "r.md", "r.txt", "r.jira", "r.slack", "r.jsonl", "r.prom", "r.html", "r.csv", "r.xml",
        "r.sarif",
    ];
    let first = names.iter().fold(Run::new().args("analyze e"), |run, name| run.arg("-o").arg(*name));
    let first = first.file("e/a.log", TROUBLE).run();
    let run = Run::new().args("analyze e -o r.json").file("e/a.log", TROUBLE);
    let again = names.iter().fold(run, |run, name| run.file(&format!("e/{name}"), first.read(name)));
    let again = again.run().report("r.json");
    let count = |report: &serde_json::Value| report["patterns"][0]["occurrences"].as_u64();
    assert_eq!(count(&again), count(&first.report("r.json")));
    let read = again["ledger"]["evidence"].as_array().expect("rows").iter().filter(|row| row["records"] != 0);
    assert_eq!(read.map(|row| row["path"].as_str()).collect::<Vec<_>>(), [Some("e/a.log")]);
}

// Patterns.

#[test]
fn a_folder_of_patterns_adds_and_overrides() {
    let sealed = TROUBLE.replace("Connection pool exhausted", "the vault is sealed");
    let milder = "id = 'connection_pool_exhaustion'\ntitle = 'Known and harmless'\nseverity = 'info'
category = 'connection-pool'\nany = ['(?i)connection pool exhausted']\naction = 'None.'";
    let run =
        Run::new().args("analyze a.log --patterns own -o r.json").file("a.log", format!("{TROUBLE}{sealed}"));
    let run =
        run.file("own/mine.toml", pack("mine", OWN_PATTERN)).file("own/mild.toml", pack("mild", milder));
    let report = run.run().report("r.json");
    let seen: Vec<(&str, &str)> = (0..report["patterns"].as_array().map_or(0, Vec::len))
        .filter_map(|at| {
            let pattern = &report["patterns"][at];
            Some((pattern["id"].as_str()?, pattern["severity"].as_str()?))
        })
        .collect();
    assert_eq!(seen, [("vault-sealed", "error"), ("connection_pool_exhaustion", "info")]);
    let run = Run::new().args("patterns list").env("CORONER_PATTERNS", "own");
    run.file("own/mine.toml", pack("mine", OWN_PATTERN)).stdout_has("vault-sealed").run();
}

#[test]
fn patterns_are_listed_shown_tested_and_linted() {
    Run::new()
        .args("patterns list")
        .stdout_has("connection_pool_exhaustion")
        .stdout_has("pools-sqlx-timeout")
        .run();
    let show = Run::new().args("patterns show memory_pressure").stdout_has("critical");
    show.stdout_has("(?i)out of memory|memory.*limit|allocation.*failed").stdout_has("action").run();
    Run::new()
        .args("patterns show nothing")
        .stderr_has("`nothing`")
        .stderr_has("patterns list")
        .code(2)
        .run();
    Run::new().args("patterns test").stdout_has(" 0 failed").run();
    Run::new().args("patterns lint").stdout_has(" 0 to mend").run();
}

#[test]
fn a_pattern_that_fails_its_samples_is_1() {
    let wrong = OWN_PATTERN.replace("the vault is open", "no vault is sealed here");
    let run = || Run::new().file("own/mine.toml", pack("mine", &wrong));
    let test = run().args("patterns test --patterns own").stdout_has("FAILED vault-sealed: must not match");
    test.stdout_has(" 1 failed").code(1).run();
    let bare = OWN_PATTERN.split("[pattern.samples]").next().expect("the first part");
    let lint = Run::new().args("patterns lint --patterns own").file("own/mine.toml", pack("mine", bare));
    lint.stdout_has("vault-sealed: no-samples").stdout_has(" 1 to mend").code(1).run();
}

// One command, by any of its ids.

const COMMAND: &str = concat!(
    "{\"timestamp\":\"2026-11-23T15:00:00Z\",\"level\":\"INFO\",\"message\":\"Started command trace\",\"trace_id\":\"t-7\",\"command_id\":\"c-1\",\"correlation_id\":\"r-1\",\"command_type\":\"Deposit\"}\n",
    "{\"timestamp\":\"2026-11-23T15:00:00.5Z\",\"level\":\"INFO\",\"message\":\"reading\",\"command_id\":\"c-1\",\"stream\":\"account-1\"}\n",
    "{\"timestamp\":\"2026-11-23T15:00:02Z\",\"level\":\"ERROR\",\"message\":\"Command failed\",\"error\":\"gone\",\"duration_ms\":2000,\"command_id\":\"c-1\"}\n",
    "{\"timestamp\":\"2026-11-23T15:00:03Z\",\"level\":\"INFO\",\"message\":\"Started command trace\",\"command_id\":\"c-2\",\"correlation_id\":\"r-1\"}\n",
);

#[test]
fn a_trace_is_found_by_each_of_its_ids() {
    for id in ["t-7", "c-1", "T-7"] {
        Run::new()
            .args(&format!("trace {id} a.log"))
            .file("a.log", COMMAND)
            .stdout_has("trace t-7  Deposit  failed after 2.000 s")
            .stdout_has("streams   account-1")
            .stdout_has("1.500 s")
            .stdout_has("Command failed: gone")
            .run();
    }
    Run::new()
        .args("trace r-1 a.log --format json")
        .file("a.log", COMMAND)
        .stdout_has("\"id\": \"t-7\"")
        .stdout_has("\"id\": \"c-2\"")
        .run();
}

#[test]
fn an_id_that_nobody_carries_is_4() {
    Run::new()
        .args("trace t-8 a.log")
        .file("a.log", COMMAND)
        .code(4)
        .stderr_has("no entry carries t-8")
        .run();
}

// What a report means, and what to do.

#[test]
fn explain_lists_the_runbooks_and_knows_every_kind_of_word() {
    Run::new()
        .args("explain")
        .stdout_has("hot-stream ")
        .stdout_has("Too many commands write one stream")
        .run();
    for (word, said) in [
        ("hot-stream", "# Too many commands write one stream"),
        ("concurrency_conflict", "# Too many commands write one stream"),
        ("version-gap", "a fault of an event store, critical"),
        ("version-gaps", "a check"),
        ("concurrency_conflict", "raises at"),
    ] {
        Run::new().args("explain").arg(word).stdout_has(said).run();
    }
}

#[test]
fn explain_offers_near_words_for_an_unknown_one() {
    Run::new().args("explain hot-straem").code(2).stderr_has("near it: `hot-stream`").run();
    Run::new().args("explain xyzzy").code(2).stderr_has("nothing is known of `xyzzy`").run();
    Run::new().args("explain inc-12345678").code(2).stderr_has("--report FILE.json").run();
}

#[test]
fn explain_fills_in_the_names_of_a_report_but_no_command_of_an_attacker() {
    let entry = |service: &str| TROUBLE.replace("\"level\"", &format!("\"service\":\"{service}\",\"level\""));
    for (service, said) in
        [("bank-app-a", "of bank-app-a are taken"), ("$(reboot)", "of <service> are taken")]
    {
        let ran = Run::new().args("analyze a.log -o report.json -q").file("a.log", entry(service)).run();
        let report = fs::read_to_string(ran.path("report.json")).expect("the report");
        Run::new()
            .args("explain connection-pool-exhaustion --report report.json")
            .file("report.json", report)
            .stdout_has(said)
            .stdout_lacks("$(reboot)")
            .run();
    }
}

#[test]
fn a_folders_runbook_replaces_the_built_in_one() {
    Run::new()
        .args("explain deadlock --patterns own")
        .file("own/runbooks/deadlock.md", "+++\ntitle = 'Ours'\nwhen = ['deadlock']\n+++\nCall Ann.\n")
        .stdout_has("Call Ann.")
        .run();
    Run::new()
        .args("explain deadlock --patterns own")
        .file("own/runbooks/deadlock.md", "Call Ann.")
        .code(2)
        .stderr_has("runbooks/deadlock.md: begin it with a line")
        .run();
}

// Clocks.

/// A caller and what it calls, whose clock is two seconds ahead.
fn skewed() -> (String, String) {
    let line = |second: i64, unit: i64, service: &str| {
        format!(
            "{{\"timestamp\":\"2026-11-23T15:{:02}:{:02}Z\",\"level\":\"INFO\",\"message\":\"x\",\"service\":\"{service}\",\"trace_id\":\"t-{unit}\"}}\n",
            second / 60,
            second % 60
        )
    };
    let (mut caller, mut called) = (String::new(), String::new());
    for unit in 0..20 {
        let begin = unit * 10;
        caller.push_str(&line(begin, unit, "caller"));
        called.push_str(&line(begin + 1 + 2, unit, "called"));
        called.push_str(&line(begin + 1 + 2, unit, "called"));
        caller.push_str(&line(begin + 2, unit, "caller"));
    }
    (caller, called)
}

#[test]
fn a_clock_that_is_ahead_is_shown_and_put_right_on_request() {
    let (caller, called) = skewed();
    for (flags, offset, first) in [
        ("", 2000.0, "2026-11-23T15:00:03.000Z"),
        ("--clock-offset *called.log=2s", 0.0, "2026-11-23T15:00:01.000Z"),
        ("--auto-clock", 0.0, "2026-11-23T15:00:01.000Z"),
    ] {
        let ran = Run::new()
            .args(&format!("analyze caller.log called.log -o report.json -q {flags}"))
            .file("caller.log", &caller)
            .file("called.log", &called)
            .run();
        let report = ran.report("report.json");
        let rows = report["ledger"]["evidence"].as_array().expect("rows");
        let row = rows.iter().find(|row| row["path"] == "called.log").expect("its row");
        assert_eq!(
            (row["clock_offset_ms"].as_f64(), row["first"].as_str()),
            (Some(offset), Some(first)),
            "{flags}"
        );
    }
    Run::new()
        .args("analyze a.log --clock-offset a.log=2")
        .file("a.log", QUIET)
        .code(2)
        .stderr_has("--clock-offset a.log=2")
        .run();
}
/// A log whose messages vary in words and numbers.
fn parcels(bad: usize) -> String {
    let line = |at: usize, level: &str, said: String| {
        let (minute, second) = (at / 60, at % 60);
        format!(
            r#"{{"timestamp":"2026-11-23T15:{minute:02}:{second:02}Z","level":"{level}","message":"{said}"}}"#
        ) + "\n"
    };
    let well = (0..200).map(|at| line(at, "INFO", format!("parcel {at} of user name{} is packed", at % 7)));
    well.chain((0..bad).map(|at| line(at, "ERROR", format!("carrier {at} refuses the parcel")))).collect()
}

#[test]
fn templates_are_listed_and_assigned_to_lines() {
    let list = Run::new().args("templates a.log").file("a.log", parcels(3));
    list.stdout_has("200  info     t-").stdout_has("parcel <*> of user name<*> is packed").run();
    let plain = "job 1 took 5 ms\nlink up\n\n  job 2 took 7 ms\nlink down";
    let ran = Run::new().args("templates a.txt --assign out.csv").file("a.txt", plain).run();
    let rows: Vec<Vec<String>> =
        ran.read("out.csv").lines().map(|row| row.split(',').map(str::to_owned).collect()).collect();
    let column = |at: usize| rows.iter().map(|row| row[at].as_str()).collect::<Vec<_>>();
    assert_eq!(column(0), ["line", "1", "2", "3", "4", "5"]);
    assert_eq!(column(2), ["template", "job <*> took <*>", "link up", "", "job <*> took <*>", "link down"]);
    let ids = column(1);
    assert!(ids[1] == ids[4] && ids[2] != ids[5], "{ids:?}");
    Run::new()
        .args("templates a.log b.log --assign x.csv")
        .file("a.log", QUIET)
        .file("b.log", QUIET)
        .code(2)
        .run();
}

#[test]
fn suggested_patterns_pass_their_own_tests() {
    let ran = Run::new().args("patterns suggest a.log").file("a.log", parcels(3)).run();
    assert!(ran.stdout.contains(r"carrier\s+.*?\s+refuses\s+the\s+parcel"), "{}", ran.stdout);
    let test = Run::new().args("patterns test --patterns own").file("own/suggested.toml", ran.stdout);
    test.stdout_has(" 0 failed").run();
}

#[test]
fn a_baseline_marks_what_changed() {
    let states = |run: Run| {
        let report = run.run().report("r.json");
        let states = report["templates"].as_array().expect("templates").iter();
        states
            .map(|seen| format!("{} {}", seen["state"].as_str().unwrap_or_default(), seen["level"]))
            .collect::<Vec<_>>()
    };
    let run = || Run::new().args("analyze a.log -o r.json --baseline").file("a.log", parcels(30));
    let expected = [r#"new "error""#, r#"known "info""#];
    assert_eq!(states(run().arg("well").file("well/b.log", parcels(0))), expected);
    let before = Run::new().args("analyze b.log -o report.json").file("b.log", parcels(0)).run();
    let report = before.read("report.json");
    assert_eq!(states(run().arg("night.json").file("night.json", report.clone())), expected);
    assert_eq!(states(run().arg("nights").file("nights/report.json", report)), expected);
    run().arg("nowhere").stderr_has("nowhere").code(2).run();
}

#[test]
fn errors_that_no_pattern_names_are_no_clean_bill() {
    let strange =
        "{\"timestamp\":\"2026-11-23T15:00:01Z\",\"level\":\"ERROR\",\"message\":\"frobnicator jammed\"}\n";
    Run::new()
        .args("analyze a.log")
        .file("a.log", strange)
        .stdout_has("No incident. Messages of level error that no pattern names are listed below.")
        .stdout_has("frobnicator jammed")
        .run();
}
