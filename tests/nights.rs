//! Night after night comes to what one run over everything finds: whatever rotates, compresses, grows or comes late.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};

use coroner::{
    classify::{Matcher, Packs},
    decode::Lexicon,
    engine::{self, Memory, Plan, Progress},
    ingest::{self, HashKind},
    model::{
        Finding, Timestamp,
        report::{NewsState, Report},
    },
    state::{Folder, Lock},
};
use serde_json::Value;
use tempfile::TempDir;

/// Small numbers that look like chance and are the same on every machine.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) as usize % sides
    }
}

/// Writes the entry of a number.
type Writer = fn(&mut Dice, usize) -> String;

/// Logs in three forms: entries of one line, entries of several, and rows.
const WRITERS: [(&str, Writer); 3] =
    [("app.log.json", json_entry), ("worker.log", text_entry), ("postgresql.log", server_entry)];

/// Every 20 seconds an entry, so that a night has some hours.
fn clock(at: usize) -> String {
    Timestamp(1_795_000_000_000_000 + at as i64 * 20_000_000).to_string()
}

fn json_entry(dice: &mut Dice, at: usize) -> String {
    let command = format!("018f0000-0000-7000-8000-{:012x}", at / 3);
    let (level, message) = match dice.roll(40) {
        0 => ("ERROR", "pool timed out while waiting for an open connection"),
        1 => ("WARN", "Concurrency conflict on stream account-7, expected version 5, retrying"),
        2 => ("ERROR", "the frobnicator lost its grip"),
        _ => (
            "INFO",
            ["Started command trace", "Command will read from streams", "Completed command trace"][at % 3],
        ),
    };
    let fields = match at % 3 {
        2 => format!(r#","duration_ms":{},"success":true"#, 5 + dice.roll(900)),
        _ => String::new(),
    };
    format!(
        "{{\"timestamp\":\"{}\",\"level\":\"{level}\",\"fields\":{{\"message\":\"{message}\",\"command_id\":\"{command}\",\"command_type\":\"Transfer\"{fields}}},\"target\":\"bank\"}}\n",
        clock(at)
    )
}

fn text_entry(dice: &mut Dice, at: usize) -> String {
    match dice.roll(12) {
        0 => format!(
            "{} ERROR worker: could not project event {at}\n    at project (worker.rs:{at})\n    at run (worker.rs:7)\n",
            clock(at)
        ),
        n => format!("{} INFO worker: projected {} events of stream account-{n}\n", clock(at), dice.roll(99)),
    }
}

fn server_entry(dice: &mut Dice, at: usize) -> String {
    let time = clock(at).replace('T', " ").replace('Z', " UTC");
    let pid = 100 + dice.roll(9);
    match dice.roll(9) {
        0 => format!(
            "{time} [{pid}] ERROR:  deadlock detected\n{time} [{pid}] DETAIL:  Process {pid} waits.\n"
        ),
        1 => format!("{time} [{pid}] LOG:  duration: 1500.250 ms  statement: SELECT *\n\tFROM events\n"),
        _ => format!("{time} [{pid}] LOG:  connection received: host=10.0.0.{pid} port=5432\n"),
    }
}

/// Evidence that changes from night to night, and what earlier nights left.
struct Nights {
    dir: TempDir,
    plan: Plan,
    dice: Dice,
    /// Entries written so far, and what was not written of the last one.
    at: usize,
    rest: [String; 3],
}

impl Nights {
    fn new(seed: u64) -> Nights {
        let packs = Packs::load(&[]).expect("the embedded packs");
        let matcher = Matcher::new(&packs.patterns).expect("they compile");
        let lexicon = Arc::new(Lexicon::load(&[]).expect("the embedded files"));
        let piece_bytes = [4_000, 100_000, 1 << 20][seed as usize % 3];
        let hash = if seed.is_multiple_of(5) { HashKind::Sha256 } else { HashKind::Blake3 };
        let plan = Plan { piece_bytes, hash, ..Plan::plain(packs, matcher, lexicon) };
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("logs")).expect("a folder");
        Nights { dir, plan, dice: Dice(seed * 7919 + 1), at: 0, rest: Default::default() }
    }

    fn log(&self, name: &str) -> PathBuf {
        self.dir.path().join("logs").join(name)
    }

    /// Writes a night's entries. The last of them may be torn in two, as where a log is read while it grows.
    fn write(&mut self, entries: usize, torn: bool) {
        for (number, (name, entry)) in WRITERS.into_iter().enumerate() {
            let mut text = std::mem::take(&mut self.rest[number]);
            for at in self.at..self.at + entries {
                text.push_str(&entry(&mut self.dice, at));
            }
            if torn {
                let cut = text.len() - 1 - self.dice.roll(120);
                self.rest[number] = text.split_off(cut);
            }
            append(&self.log(name), &text);
        }
        self.at += entries;
    }

    /// Writes what is left of the last entries.
    fn complete(&mut self) {
        self.write(0, false);
    }

    /// What `logrotate` does, with `compress` and `delaycompress`: by another name, or by a copy.
    fn rotate(&mut self, copies: bool) {
        self.complete();
        for (name, _) in WRITERS {
            for number in (2..40).rev() {
                let (from, to) = (
                    self.log(&format!("{name}.{number}.gz")),
                    self.log(&format!("{name}.{}.gz", number + 1)),
                );
                if from.exists() {
                    fs::rename(from, to).expect("renamed");
                }
            }
            let first = self.log(&format!("{name}.1"));
            if first.exists() {
                gzip(&first, &self.log(&format!("{name}.2.gz")));
                fs::remove_file(&first).expect("removed");
            }
            if copies {
                fs::copy(self.log(name), &first).expect("copied");
                fs::write(self.log(name), "").expect("truncated");
            } else {
                fs::rename(self.log(name), &first).expect("renamed");
            }
        }
    }

    fn state(&self) -> Folder {
        Folder::open(&self.dir.path().join("state")).expect("a folder")
    }

    /// One night's run.
    fn run(&self) -> Report {
        let found = ingest::walk(&[self.dir.path().join("logs").display().to_string()]).expect("the logs");
        let records = self.state().read().expect("sound").unwrap_or_default();
        let memory = Memory::load(&records, "test").expect("its own");
        let progress = Progress::default();
        let partial = engine::scan_new(&self.plan, &found, Some(&memory), &progress).expect("not stopped");
        let memory = memory.after(partial, Timestamp(0));
        self.state().write(&memory.records()).expect("written");
        let used = memory.used();
        let mut report = engine::conclude(&self.plan, &found, memory.into_partial()).expect("in memory");
        report.run.state = Some(used);
        report
    }

    /// One run over all that is there.
    fn whole(&self) -> Report {
        let found = ingest::walk(&[self.dir.path().join("logs").display().to_string()]).expect("the logs");
        let partial = engine::scan(&self.plan, &found, &Progress::default()).expect("not stopped");
        engine::conclude(&self.plan, &found, partial).expect("in memory")
    }

    /// The last night's report is that of one run over everything.
    #[track_caller]
    fn assert_exact(&self, what: &str) -> Report {
        let night = self.run();
        let same =
            Report { run: coroner::model::report::Run { state: None, ..night.run.clone() }, ..night.clone() };
        assert_same(&self.whole(), &same, what);
        night
    }
}

fn append(path: &Path, text: &str) {
    let mut file = fs::File::options().create(true).append(true).open(path).expect("opened");
    file.write_all(text.as_bytes()).expect("written");
}

fn gzip(from: &Path, to: &Path) {
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(&fs::read(from).expect("read")).expect("memory");
    fs::write(to, packed.finish().expect("memory")).expect("written");
}

#[track_caller]
fn assert_same(expected: &Report, got: &Report, what: &str) {
    let [expected, got] = [expected, got].map(|report| serde_json::to_value(report).expect("a report"));
    if let Some(difference) = difference(&expected, &got, "") {
        panic!("{what}: {difference}");
    }
}

/// The first place where two reports differ.
fn difference(expected: &Value, got: &Value, at: &str) -> Option<String> {
    match (expected, got) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| {
                let none = Value::Null;
                difference(a.get(key).unwrap_or(&none), b.get(key).unwrap_or(&none), &format!("{at}.{key}"))
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(n, (a, b))| difference(a, b, &format!("{at}[{n}]")))
        }
        _ if expected == got => None,
        _ => {
            let short = |value: &Value| value.to_string().chars().take(600).collect::<String>();
            Some(format!("{at}\n  once     {}\n  by night {}", short(expected), short(got)))
        }
    }
}

#[test]
fn thirty_nights_come_to_what_one_run_finds() {
    for seed in 1..=20 {
        let mut nights = Nights::new(seed);
        for night in 0..30 {
            let entries = 10 + nights.dice.roll(110);
            let torn = nights.dice.roll(2) == 0;
            nights.write(entries, torn);
            // Some nights nothing ran.
            if nights.dice.roll(6) > 0 {
                if nights.dice.roll(10) == 0 {
                    nights.assert_exact(&format!("seed {seed}, night {night}"));
                } else {
                    nights.run();
                }
            }
            if nights.dice.roll(4) == 0 {
                let copies = seed % 2 == 0;
                nights.rotate(copies);
            }
            if nights.dice.roll(8) == 0 {
                let late = text_entry(&mut Dice(seed), night);
                append(&nights.log(&format!("late-{night}.log")), &late.repeat(3));
            }
            if nights.dice.roll(8) == 0 {
                let name = WRITERS[nights.dice.roll(3)].0;
                let packing = ["", ".gz"][nights.dice.roll(2)];
                if nights.log(name).exists() {
                    set_aside(&nights, name, &format!("copy-{night}.log{packing}"));
                }
            }
        }
        nights.complete();
        nights.assert_exact(&format!("seed {seed}, at the end"));
    }
}

#[test]
fn only_what_is_new_is_read() {
    let mut nights = Nights::new(3);
    nights.write(2_000, true);
    let first = nights.run().run.state.expect("a state");
    assert_eq!((first.runs, first.new, first.continued, first.unchanged), (1, 3, 0, 0));
    let second = nights.run().run.state.expect("a state");
    assert_eq!((second.runs, second.new, second.continued, second.unchanged), (2, 0, 0, 3));
    nights.write(10, false);
    let third = nights.run().run.state.expect("a state");
    assert_eq!((third.new, third.continued, third.unchanged), (0, 3, 0));
    assert!(third.revised.is_empty(), "{:?}", third.revised);
    // Renamed, then compressed: nothing new in it.
    nights.rotate(false);
    nights.run();
    nights.write(50, false);
    nights.rotate(false);
    nights.write(1, false);
    let packed = nights.assert_exact("compressed").run.state.expect("a state");
    assert_eq!((packed.new, packed.continued, packed.unchanged, packed.gone), (6, 0, 3, 0));
    // What comes late belongs to its own hour.
    append(&nights.log("late.log"), &text_entry(&mut Dice(1), 7));
    let late = nights.run().run.state.expect("a state");
    assert_eq!((late.new, late.revised.len()), (1, 1));
    // What is no longer there still counts.
    let before = nights.run();
    for entry in fs::read_dir(nights.log("")).expect("the logs") {
        let path = entry.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "gz") {
            fs::remove_file(path).expect("removed");
        }
    }
    let after = nights.run();
    assert_eq!(after.run.state.as_ref().map(|state| state.gone), Some(3));
    assert_eq!(after.operations, before.operations);
    let counts = |report: &Report| {
        report.findings.iter().map(|finding| (finding.id.clone(), finding.count)).collect::<Vec<_>>()
    };
    assert_eq!(counts(&after), counts(&before));
}

/// A copy, as it is or packed.
fn set_aside(nights: &Nights, name: &str, copy: &str) {
    let (from, to) = (nights.log(name), nights.log(copy));
    if to.extension().is_some_and(|extension| extension == "gz") {
        gzip(&from, &to);
    } else {
        fs::copy(from, to).expect("copied");
    }
}

/// What the ledger says of copies, by file.
fn copies(report: &Report) -> Vec<(String, String)> {
    let noted = |row: &coroner::model::report::EvidenceRow| {
        let note = row.notes.iter().find(|note| note.contains("counted once"))?;
        let name = |path: &str| path.rsplit_once('/').map_or(path, |(_, name)| name).to_owned();
        let of =
            note.split_whitespace().find(|word| word.contains('/')).map(|path| path.trim_matches([':', ',']));
        Some((name(&row.path), format!("{} {}", note.split(' ').nth(1).unwrap_or_default(), name(of?))))
    };
    report.ledger.evidence.iter().filter_map(noted).collect()
}

fn counted(report: &Report) -> Vec<(String, u64)> {
    report.patterns.iter().map(|seen| (seen.id.clone(), seen.occurrences)).collect()
}

/// Short logs are known by all their bytes, long ones by their beginning and a block.
#[test]
fn copies_count_once_and_so_do_originals_that_go() {
    for (entries, what) in [(60, "short"), (3_000, "long")] {
        let mut nights = Nights::new(4);
        nights.write(entries, false);
        let alone = counted(&nights.run());
        set_aside(&nights, "app.log.json", "copy.log");
        set_aside(&nights, "worker.log", "worker-packed.log.gz");
        let both = nights.assert_exact(what);
        assert_eq!(counted(&both), alone, "{what}");
        let expected = [("copy.log", "same app.log.json"), ("worker.log", "same worker-packed.log.gz")];
        assert_eq!(copies(&both), expected.map(|(a, b)| (a.to_owned(), b.to_owned())), "{what}");
        // The originals go on, and the copies stay as they were.
        nights.write(10, false);
        let grown = nights.assert_exact(what);
        let expected =
            [("copy.log", "beginning app.log.json"), ("worker-packed.log.gz", "beginning worker.log")];
        assert_eq!(copies(&grown), expected.map(|(a, b)| (a.to_owned(), b.to_owned())), "{what}");
        for copy in ["copy.log", "worker-packed.log.gz"] {
            fs::remove_file(nights.log(copy)).expect("removed");
        }
        assert_eq!(counted(&nights.assert_exact(what)), counted(&grown), "{what}");
        // Packed, the original and what is packed side by side for a night; then the original is gone.
        set_aside(&nights, "app.log.json", "app.log.json.1.gz");
        nights.assert_exact(what);
        fs::remove_file(nights.log("app.log.json")).expect("removed");
        let packed = nights.assert_exact(what);
        assert_eq!(counted(&packed), counted(&grown), "{what}");
        assert!(copies(&packed).is_empty(), "{what}");
    }
}

/// A log as long as another, with the same beginning and the same end, is none where something else stands between.
#[test]
fn what_differs_in_the_middle_is_no_copy() {
    let nights = Nights::new(4);
    let entry = |at: usize, level: &str, message: &str| {
        format!("{{\"timestamp\":\"{}\",\"level\":\"{level}\",\"message\":\"{message}\"}}\n", clock(at))
    };
    let log = |level, message| {
        let middle = 1_400..1_500;
        let one = |at| {
            if middle.contains(&at) { entry(at, level, message) } else { entry(at, "INFO", "all is well") }
        };
        (0..3_000).map(one).collect::<String>()
    };
    let (well, ill) = (log("INFO", "all is well"), log("ERROR", "deadlock!!"));
    assert_eq!(well.len(), ill.len());
    fs::write(nights.log("a.log"), well).expect("written");
    fs::write(nights.log("b.log"), ill).expect("written");
    set_aside(&nights, "a.log", "a.log.1.gz");
    let report = nights.assert_exact("two logs");
    assert_eq!(copies(&report), [("a.log.1.gz".to_owned(), "same a.log".to_owned())]);
}

/// What was read of a log that is gone counts on, and once, whatever older copies of it stay.
#[test]
fn an_older_copy_stays_one_when_its_original_goes() {
    for (entries, what) in [(60, "short"), (3_000, "long")] {
        let mut nights = Nights::new(4);
        nights.write(entries, false);
        set_aside(&nights, "app.log.json", "copy.log");
        nights.write(entries, false);
        let last = "{\"timestamp\":\"2026-12-24T23:59:59Z\",\"level\":\"ERROR\",\"fields\":{\"message\":\"No space left on device\"}}\n";
        let before = fs::read_to_string(nights.log("app.log.json")).expect("text");
        append(&nights.log("app.log.json"), last);
        let whole = nights.assert_exact(what);
        assert_eq!(copies(&whole), [("copy.log".to_owned(), "beginning app.log.json".to_owned())], "{what}");
        fs::remove_file(nights.log("app.log.json")).expect("removed");
        for night in 0..2 {
            let gone = nights.run();
            assert_eq!(counted(&gone), counted(&whole), "{what}, {night} nights later");
            assert_eq!(copies(&gone).len(), 1, "{what}, {night} nights later");
        }
        // A copy from before its last entry, that comes once it is gone.
        if entries > 1_000 {
            fs::write(nights.log("snapshot.log"), before).expect("written");
            for _ in 0..2 {
                assert_eq!(counted(&nights.run()), counted(&whole), "{what}, a snapshot");
            }
        }
    }
}

/// Two programs that say the same are no copies, until one of them is no longer there.
#[test]
fn logs_without_times_may_say_the_same() {
    let nights = Nights::new(4);
    let refused = "psql: error: FATAL:  too many connections for role \"reporting\"\n";
    fs::write(nights.log("a.stderr.log"), refused).expect("written");
    fs::write(nights.log("b.stderr.log"), refused.repeat(2)).expect("written");
    assert!(copies(&nights.assert_exact("two")).is_empty());
    // Packed, it has the bytes of a file that is known already.
    gzip(&nights.log("b.stderr.log"), &nights.log("b.stderr.log.2.gz"));
    nights.assert_exact("a packed one beside");
    fs::remove_file(nights.log("a.stderr.log")).expect("removed");
    nights.assert_exact("one of them is gone");
    fs::remove_file(nights.log("b.stderr.log")).expect("removed");
    nights.assert_exact("and the other");
}

#[test]
fn a_file_that_was_shortened_or_rewritten_is_read_again() {
    let mut nights = Nights::new(5);
    nights.write(3_000, false);
    nights.run();
    let path = nights.log("app.log.json");
    let text = fs::read(&path).expect("read");
    let mut rewritten = text.clone();
    let place = text.len() - 3_000;
    rewritten[place..].reverse();
    for (bytes, what) in [(&text[..text.len() / 2], "shortened"), (&rewritten[..], "rewritten")] {
        fs::write(&path, bytes).expect("written");
        let report = nights.run();
        let row =
            report.ledger.evidence.iter().find(|row| row.path.ends_with("app.log.json")).expect("its row");
        assert!(
            row.notes.iter().any(|note| note.starts_with("shortened or rewritten")),
            "{what}: {:?}",
            row.notes
        );
        let expected = nights.whole();
        assert_eq!(report.operations, expected.operations, "{what}");
        assert_eq!(report.patterns, expected.patterns, "{what}");
        fs::write(&path, &text).expect("written");
        nights.run();
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so loudly")]
fn bundles_come_back_from_a_state() {
    let bundles = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/bundles");
    let Ok(entries) = fs::read_dir(&bundles) else {
        eprintln!("SKIPPED: {} is not here; logs are made for the other tests", bundles.display());
        return;
    };
    for entry in entries {
        let bundle = entry.expect("an entry").path();
        if bundle.is_dir() {
            let nights = Nights::new(2);
            fs::remove_dir(nights.log("")).expect("empty");
            copy(&bundle, &nights.log(""));
            for what in ["first", "again"] {
                let report = nights.assert_exact(&format!("{}, {what}", bundle.display()));
                let used = report.run.state.expect("a state");
                let size = fs::metadata(nights.state().file()).expect("a state").len();
                eprintln!("{}: {used:?}, {size} bytes", bundle.display());
            }
        }
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let path = entry.expect("an entry").path();
        let to = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &to);
        } else {
            fs::copy(&path, &to).expect("copied");
        }
    }
}

/// The program on these logs, with a state.
fn program(nights: &Nights, output: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coroner"));
    command
        .current_dir(nights.dir.path())
        .args(["analyze", "logs", "--quiet", "--state", "state", "-o", output])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}

fn report_of(nights: &Nights, name: &str) -> Report {
    let bytes = fs::read(nights.dir.path().join(name)).expect("a report");
    serde_json::from_slice(&bytes).expect("a report")
}

#[test]
fn a_run_that_is_killed_is_simply_run_again() {
    let mut nights = Nights::new(7);
    for round in 0..4 {
        nights.write(1_500, round % 2 == 0);
        for _ in 0..5 {
            let mut child = program(&nights, "killed.json").spawn().expect("started");
            std::thread::sleep(Duration::from_millis(nights.dice.roll(400) as u64));
            child.kill().expect("a child of ours");
            child.wait().expect("a child of ours");
            // Whatever is there is whole: the state of before, or of after.
            nights.state().read().expect("sound");
        }
        if round == 1 {
            nights.rotate(false);
        }
    }
    nights.complete();
    assert!(program(&nights, "night.json").status().expect("run").success());
    let mut whole = Command::new(env!("CARGO_BIN_EXE_coroner"));
    let status = whole
        .current_dir(nights.dir.path())
        .args(["analyze", "logs", "--quiet", "-o", "whole.json"])
        .status()
        .expect("run");
    assert!(status.success());
    let (mut whole, mut night) = (report_of(&nights, "whole.json"), report_of(&nights, "night.json"));
    for report in [&mut whole, &mut night] {
        report.run.state = None;
        report.findings.iter_mut().for_each(|finding| finding.state.clear());
    }
    assert_same(&whole, &night, "killed and run again");
    let left = fs::read_dir(nights.state().path()).expect("the state").count();
    assert_eq!(left, 2, "the state and the lock, and nothing of the runs that were killed");
}

#[test]
fn a_damaged_state_costs_a_full_read_and_a_held_one_the_run() {
    let mut nights = Nights::new(4);
    nights.write(300, false);
    assert!(program(&nights, "first.json").status().expect("run").success());
    let file = nights.state().file();
    let mut bytes = fs::read(&file).expect("a state");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, &bytes).expect("written");
    assert!(program(&nights, "second.json").status().expect("run").success());
    let used = report_of(&nights, "second.json").run.state.expect("a state");
    assert_eq!((used.runs, used.new, used.notes.len()), (1, 3, 1));
    assert!(used.notes[0].contains("state.damaged-1"), "{:?}", used.notes);
    let lock = Lock::take(nights.state().path(), Duration::ZERO).expect("free");
    assert_eq!(program(&nights, "third.json").status().expect("run").code(), Some(5));
    assert!(!nights.dir.path().join("third.json").exists(), "no report of a run that did not run");
    drop(lock);
    let empty = program(&nights, "fourth.json").arg("--fail-on-empty").status().expect("run");
    assert_eq!(empty.code(), Some(4));
}

/// Who runs waits at the end, for its report goes to a pipe that nobody reads until all others have left.
#[test]
#[cfg(unix)]
fn of_twenty_runs_that_start_at_once_exactly_one_reads() {
    const ROUNDS: u64 = 100;
    let mut nights = Nights::new(4);
    let pipe = nights.dir.path().join("report.jsonl");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("run").success());
    for round in 0..ROUNDS {
        nights.write(1, false);
        let start = |_| program(&nights, "report.jsonl").spawn().expect("started");
        let mut running: Vec<Child> = (0..20).map(start).collect();
        let deadline = Instant::now() + Duration::from_secs(60);
        while running.len() > 1 {
            running.retain_mut(|child| match child.try_wait().expect("a child of ours") {
                Some(status) => {
                    assert_eq!(status.code(), Some(5), "round {round}");
                    false
                }
                None => true,
            });
            assert!(Instant::now() < deadline, "round {round}: {} run at once", running.len());
            std::thread::sleep(Duration::from_millis(2));
        }
        let report = fs::read_to_string(&pipe).expect("its report");
        assert!(report.contains("schema_version"), "round {round}: {report}");
        assert!(running[0].wait().expect("a child of ours").success(), "round {round}");
    }
    let memory = Memory::load(&nights.state().read().expect("sound").expect("a state"), "test");
    assert_eq!(memory.expect("its own").runs(), ROUNDS);
}

#[test]
fn the_morning_sees_what_is_new() {
    let mut nights = Nights::new(9);
    nights.write(400, false);
    assert!(program(&nights, "first.json").status().expect("run").success());
    let state = |name: &str| report_of(&nights, name).run.state.expect("a state");
    assert!(state("first.json").standing.iter().all(|standing| standing.state == NewsState::New));
    append(
        &nights.log("app.log.json"),
        "{\"timestamp\":\"2026-11-20T10:00:00Z\",\"level\":\"ERROR\",\"fields\":{\"message\":\"No space left on device\"},\"target\":\"bank\"}\n",
    );
    let run =
        program(&nights, "second.json").args(["--new-only", "--fail-on", "error", "--fail-on-new"]).status();
    assert_eq!(run.expect("run").code(), Some(1));
    let second = report_of(&nights, "second.json");
    let is_full = |finding: &Finding| finding.kind == "os-no-space-left" && finding.state == "new";
    assert!(second.findings.iter().any(is_full), "{:?}", second.findings);
    // What is listed and no news is part of an incident that is.
    let told: Vec<&str> = second.incidents.iter().map(|incident| incident.id.as_str()).collect();
    let belongs = |finding: &Finding| {
        finding.state == "new" || finding.incident.as_deref().is_some_and(|id| told.contains(&id))
    };
    assert!(second.findings.iter().all(belongs), "{:?}", second.findings);
    let verdict = &second.verdict;
    assert_eq!((verdict.findings, verdict.incidents), (second.findings.len(), told.len()));
    assert_eq!(verdict.worst_severity, second.findings.iter().map(|finding| finding.severity).max());
    assert!((1..).zip(&second.incidents).all(|(rank, incident)| incident.rank == rank));
    let again =
        program(&nights, "third.json").args(["--new-only", "--fail-on", "error", "--fail-on-new"]).status();
    // Nothing was read since, so what was new still is.
    assert_eq!(again.expect("run").code(), Some(1));
    fs::remove_file(nights.log("worker.log")).expect("removed");
    assert!(program(&nights, "fourth.json").status().expect("run").success());
    let fourth = report_of(&nights, "fourth.json");
    let missing = fourth.findings.iter().find(|finding| finding.kind == "missing-source").expect("a finding");
    assert!(missing.title.contains("logs/worker.log"), "{}", missing.title);
    let shown = Command::new(env!("CARGO_BIN_EXE_coroner"))
        .current_dir(nights.dir.path())
        .args(["state", "explain", "app.log.json", "--state", "state"])
        .output()
        .expect("run");
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("first in run 1") && shown.contains("last in run 4"), "{shown}");
    // It is shorter than what tells a format, and was read all the same.
    assert!(!shown.contains("to byte 0 "), "{shown}");
}

#[test]
fn days_of_a_state_are_reported_without_the_evidence() {
    let mut nights = Nights::new(8);
    nights.write(9_000, false);
    assert!(program(&nights, "all.json").status().expect("run").success());
    let all = report_of(&nights, "all.json");
    fs::remove_dir_all(nights.log("")).expect("removed");
    let entries = |report: &Report| report.operations.iter().map(|row| row.total).sum::<u64>();
    let part = |since: &[&str], name: &str| {
        let status = Command::new(env!("CARGO_BIN_EXE_coroner"))
            .current_dir(nights.dir.path())
            .args(["report", "--state", "state", "-o", name])
            .args(since)
            .status()
            .expect("run");
        assert!(status.success());
        report_of(&nights, name)
    };
    let again = part(&[], "again.json");
    assert_eq!(again.operations, all.operations);
    assert_eq!(again.traces.total, all.traces.total);
    let day = part(&["--since", "24h"], "day.json");
    let before = part(&["--until", "24h"], "before.json");
    assert!(entries(&day) > 0 && entries(&before) > 0);
    assert_eq!(entries(&day) + entries(&before), entries(&all));
    assert!(day.window.from > before.window.to);
    let status = Command::new(env!("CARGO_BIN_EXE_coroner"))
        .current_dir(nights.dir.path())
        .args(["report", "--state", "state", "--days", "days"])
        .status()
        .expect("run");
    assert!(status.success());
    let page = fs::read_to_string(nights.dir.path().join("days/index.html")).expect("a page");
    let links: Vec<&str> =
        page.split("<a href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(links.len() >= 3, "{links:?}");
    assert!(links.iter().all(|link| nights.dir.path().join("days").join(link).is_file()), "{links:?}");
}

/// A quiet service writes a few lines a day: a month of it is less than a piece.
#[test]
fn every_day_of_a_quiet_log_has_its_page() {
    let nights = Nights::new(8);
    let at = |hour: i64| Timestamp(1_795_000_000_000_000 + hour * 3_600_000_000);
    let entry = |hour: i64| format!("{} INFO worker: projected {hour} events\n", at(hour));
    append(&nights.log("worker.log"), &(0..840).map(entry).collect::<String>());
    assert!(program(&nights, "all.json").status().expect("run").success());
    let (status, _, _) = output(&nights, &["report", "--state", "state", "--days", "days"]);
    assert_eq!(status, Some(0));
    let page = fs::read_to_string(nights.dir.path().join("days/index.html")).expect("a page");
    let days: std::collections::BTreeSet<String> =
        (0..840).map(|hour| at(hour).to_string()[..10].to_owned()).collect();
    assert_eq!(days.len(), 36);
    for day in days {
        assert!(page.contains(&day), "{day}");
    }
}

#[test]
fn a_day_of_one_entry_has_its_page() {
    let mut nights = Nights::new(8);
    nights.write(10, false);
    let last = "{\"timestamp\":\"2026-12-24T23:59:59Z\",\"level\":\"ERROR\",\"fields\":{\"message\":\"No space left on device\"}}\n";
    append(&nights.log("app.log.json"), last);
    assert!(program(&nights, "all.json").status().expect("run").success());
    let (status, _, _) = output(&nights, &["report", "--state", "state", "--days", "days"]);
    assert_eq!(status, Some(0));
    let page = fs::read_to_string(nights.dir.path().join("days/index.html")).expect("a page");
    assert!(page.contains("2026-12-24"), "{page}");
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so loudly")]
fn the_real_logrotate_rotates_nothing_away() {
    let found =
        ["/usr/sbin/logrotate", "/usr/bin/logrotate"].into_iter().find(|path| Path::new(path).exists());
    let Some(logrotate) = found else {
        eprintln!("SKIPPED: there is no logrotate here; rotation is played in the other tests");
        return;
    };
    for how in ["create", "copytruncate"] {
        let mut nights = Nights::new(6);
        let conf = nights.dir.path().join("rotate.conf");
        let logs = WRITERS.map(|(name, _)| format!("\"{}\"", nights.log(name).display())).join(" ");
        let text = format!("{logs} {{\n  rotate 20\n  compress\n  delaycompress\n  {how}\n}}\n");
        fs::write(&conf, text).expect("written");
        for night in 0..8 {
            nights.write(400, false);
            if night != 3 {
                nights.assert_exact(&format!("{how}, night {night}"));
            }
            let status = Command::new(logrotate)
                .args(["--force", "--state"])
                .arg(nights.dir.path().join("rotate.state"))
                .arg(&conf)
                .status()
                .expect("run");
            assert!(status.success(), "logrotate: {status}");
        }
        let used = nights.assert_exact(&format!("{how}, at the end")).run.state.expect("a state");
        assert_eq!(used.gone, 0);
    }
}

#[test]
fn yesterdays_backup_is_held_against_todays() {
    let export = "fixtures/store-csv/clean/input/eventcore_events.csv";
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(export)).expect("a fixture");
    let rows: Vec<&str> = text.split_inclusive('\n').collect();
    let lost: String = rows.iter().enumerate().filter(|(at, _)| *at != 20).map(|(_, row)| *row).collect();
    for (first, second) in [("events.csv", "events.csv"), ("events-1.csv", "events-2.csv")] {
        let nights = Nights::new(1);
        let compared = |report: &Report| {
            let check = report.ledger.checks.iter().find(|check| check.id == "copies").expect("a check");
            let stores = report.ledger.evidence.iter().filter(|row| row.kind == "store").count();
            let told = report.integrity.faults.iter().any(|fault| fault.detail.contains(first));
            (check.why.is_none(), stores, told)
        };
        fs::write(nights.log(first), rows[..50].concat()).expect("written");
        assert_eq!(compared(&nights.run()), (false, 1, false));
        fs::remove_file(nights.log(first)).expect("removed");
        fs::write(nights.log(second), &lost).expect("written");
        // As long as this is the latest backup.
        assert_eq!(compared(&nights.run()), (true, 2, true), "{second}");
        assert_eq!(compared(&nights.run()), (true, 2, true), "{second}, again");
        fs::write(nights.log(second), &text).expect("written");
        let (ran, stores, _) = compared(&nights.run());
        assert_eq!((ran, stores), (true, 2), "only the one before");
    }
}

/// The same backup, hashed in another way, is no other backup.
#[test]
fn a_backup_is_not_held_against_itself_when_hashes_change() {
    let nights = Nights::new(1);
    let export = "fixtures/store-csv/clean/input/eventcore_events.csv";
    let export = Path::new(env!("CARGO_MANIFEST_DIR")).join(export);
    fs::copy(export, nights.log("events.csv")).expect("copied");
    for (run, hash) in ["blake3", "sha256", "blake3"].into_iter().enumerate() {
        let status = program(&nights, "night.json").args(["--hash", hash]).status().expect("run");
        assert!(status.success(), "run {run}");
        let ledger = report_of(&nights, "night.json").ledger;
        let stores: Vec<_> = ledger.evidence.iter().filter(|row| row.kind == "store").collect();
        assert_eq!(stores.len(), 1, "run {run}");
        assert!(stores[0].hash.starts_with(hash), "run {run}: {}", stores[0].hash);
    }
}

#[test]
fn what_makes_no_sense_is_refused() {
    let nights = Nights::new(1);
    append(&nights.log("worker.log"), "2026-11-23T10:00:00Z INFO worker: started\n");
    let (status, _, error) = output(&nights, &["analyze", "logs", "--fail-on-new"]);
    assert_eq!(status, Some(2));
    assert!(error.contains("--fail-on <SEVERITY>"), "{error}");
    let (status, _, error) = output(&nights, &["suppress", "list", "--state", "none"]);
    assert_eq!(status, Some(2));
    assert!(error.contains("none: no state is kept there"), "{error}");
    assert!(!nights.dir.path().join("none").exists(), "asking makes nothing");
}

#[test]
fn two_reports_are_told_apart() {
    let mut nights = Nights::new(2);
    nights.write(300, false);
    assert!(program(&nights, "old.json").status().expect("run").success());
    let full = "{\"timestamp\":\"2026-11-20T10:00:00Z\",\"level\":\"ERROR\",\"fields\":{\"message\":\"No space left on device\"},\"target\":\"bank\"}\n";
    append(&nights.log("app.log.json"), full);
    let differ = |old: &str, new: &str| {
        let out = Command::new(env!("CARGO_BIN_EXE_coroner"))
            .current_dir(nights.dir.path())
            .args(["diff", old, new])
            .output()
            .expect("run");
        assert!(out.status.success(), "{out:?}");
        String::from_utf8_lossy(&out.stdout).into_owned()
    };
    assert!(differ("old.json", "logs").lines().any(|line| line.starts_with("new         finding")));
    assert!(differ("logs", "old.json").lines().any(|line| line.starts_with("resolved    finding")));
    assert!(differ("logs", "logs").starts_with("nothing is new"));
}

#[test]
fn what_is_suppressed_stays_counted() {
    let mut nights = Nights::new(2);
    nights.write(300, false);
    assert!(program(&nights, "before.json").status().expect("run").success());
    let before = report_of(&nights, "before.json");
    let kind = before.findings[0].kind.clone();
    let suppress = |args: &[&str]| {
        let out = Command::new(env!("CARGO_BIN_EXE_coroner"))
            .current_dir(nights.dir.path())
            .args(["suppress", "--state", "state"])
            .args(args)
            .output()
            .expect("run");
        (out.status.success(), String::from_utf8_lossy(&out.stdout).into_owned())
    };
    assert!(!suppress(&["add", &kind]).0, "reason, owner and end are asked for");
    assert!(suppress(&["add", &kind, "--reason", "known", "--owner", "ops", "--until", "2036-01-01"]).0);
    assert!(suppress(&["list"]).1.contains("ops: known"));
    assert!(program(&nights, "after.json").status().expect("run").success());
    let after = report_of(&nights, "after.json");
    assert!(after.findings.iter().all(|finding| finding.kind != kind));
    let hidden = after.findings.iter().find(|finding| finding.kind == "suppressed").expect("it is counted");
    let count = before.findings.iter().filter(|finding| finding.kind == kind).map(|finding| finding.count);
    assert_eq!(hidden.count, count.sum::<u64>());
    assert!(suppress(&["prune", "--before", "2037-01-01"]).0);
    assert_eq!(suppress(&["list"]).1, "");
}

/// The program with a subcommand, in the folder of the nights.
fn output(nights: &Nights, args: &[&str]) -> (Option<i32>, String, String) {
    let out = Command::new(env!("CARGO_BIN_EXE_coroner"))
        .current_dir(nights.dir.path())
        .args(args)
        .output()
        .expect("run");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (out.status.code(), text(&out.stdout), text(&out.stderr))
}

/// A night on which one message comes so often, a second apart.
fn errors(nights: &Nights, night: usize, message: &str, count: usize) {
    for second in 0..count {
        let entry = format!(
            "{{\"timestamp\":\"2026-11-{:02}T01:00:{second:02}Z\",\"level\":\"ERROR\",\"fields\":{{\"message\":\"{message}\"}},\"target\":\"bank\"}}\n",
            10 + night
        );
        append(&nights.log("app.log.json"), &entry);
    }
}

#[test]
fn what_is_accepted_is_no_news_until_there_is_far_more_of_it() {
    const FULL: &str = "No space left on device";
    let nights = Nights::new(3);
    // Whether the gate fails, and what is news, by title.
    let night = |name: &str| {
        let gate = ["--fail-on", "warning", "--fail-on-new"];
        let code = program(&nights, name).args(gate).status().expect("run").code();
        let standing = report_of(&nights, name).run.state.expect("a state").standing;
        let news: Vec<_> = standing
            .into_iter()
            .filter(|one| one.state.is_news())
            .map(|one| (one.what, one.state, one.title))
            .collect();
        (code, news)
    };
    errors(&nights, 0, FULL, 5);
    let (code, news) = night("first.json");
    assert!(code == Some(1) && !news.is_empty());
    let accept =
        |args: &[&str]| output(&nights, &[&["baseline", "--state", "state", "accept"], args].concat()).0;
    let reason = ["--reason", "the disk of the test bench", "--owner", "ops"];
    assert_eq!(accept(&[]), Some(2), "reason and owner are asked for");
    assert_eq!(accept(&[&["no-such-kind"], &reason[..]].concat()), Some(2));
    assert_eq!(accept(&reason), Some(0));
    let list = || output(&nights, &["baseline", "list", "--state", "state"]).1;
    assert_eq!(list().lines().count(), news.len(), "{}", list());
    assert!(list().lines().all(|line| line.contains("ops: the disk of the test bench")), "{}", list());

    assert_eq!(night("again.json"), (Some(0), vec![]), "nothing was read since");
    errors(&nights, 1, FULL, 5);
    assert_eq!(night("same.json"), (Some(0), vec![]), "as many as is normal");
    let same = report_of(&nights, "same.json");
    assert!(same.findings.iter().any(|finding| finding.state == "persisting"), "it is not hidden");
    errors(&nights, 2, FULL, 10);
    assert_eq!(night("twice.json"), (Some(0), vec![]), "twice as many are still within it");
    errors(&nights, 3, FULL, 15);
    let (code, news) = night("thrice.json");
    assert_eq!(code, Some(1));
    assert!(news.iter().any(|(what, ..)| what == "finding"), "{news:?}");
    assert!(news.iter().all(|(_, state, _)| *state == NewsState::Worse), "{news:?}");
    errors(&nights, 4, FULL, 5);
    errors(&nights, 4, "deadlock detected", 2);
    let (code, news) = night("else.json");
    assert_eq!(code, Some(1));
    assert!(news.iter().any(|(what, state, _)| what == "finding" && *state == NewsState::New), "{news:?}");
    assert!(news.iter().all(|(.., title)| !title.contains("Disk full")), "{news:?}");

    // By its id or kind: the one that is asked for alone.
    let before = list().lines().count();
    assert_eq!(accept(&[&["postgresql-deadlock"], &reason[..]].concat()), Some(0), "{news:?}");
    assert!(list().lines().count() > before);
    assert!(!night("deadlocks.json").1.iter().any(|(what, ..)| what == "finding"));
}

#[test]
fn what_was_accepted_is_forgotten_once_it_stays_away() {
    let nights = Nights::new(3);
    errors(&nights, 0, "No space left on device", 5);
    errors(&nights, 0, "deadlock detected", 5);
    assert!(program(&nights, "first.json").status().expect("run").success());
    let baseline = |args: &[&str]| output(&nights, &[&["baseline", "--state", "state"], args].concat());
    assert_eq!(baseline(&["accept", "--reason", "known", "--owner", "ops"]).0, Some(0));
    errors(&nights, 9, "deadlock detected", 5);
    assert!(program(&nights, "second.json").status().expect("run").success());
    let has = |text: &str| baseline(&["list"]).1.to_lowercase().contains(text);
    assert!(baseline(&["prune"]).1.starts_with("0 forgotten") && has("disk full"));
    assert!(!baseline(&["prune", "--keep", "7d"]).1.starts_with("0 forgotten"));
    assert!(has("deadlock") && !has("disk full"), "{}", baseline(&["list"]).1);
    // Of a state that was forgotten nothing is known.
    assert_eq!(output(&nights, &["state", "reset", "--state", "state"]).0, Some(0));
    baseline(&["prune"]);
    assert_eq!(baseline(&["list"]).1, "");
}

#[test]
fn two_days_of_a_state_are_told_apart() {
    let nights = Nights::new(3);
    errors(&nights, 0, "No space left on device", 5);
    errors(&nights, 1, "deadlock detected", 5);
    assert!(program(&nights, "report.json").status().expect("run").success());
    let differ = |old: &str, new: &str| output(&nights, &["diff", "--state", "state", old, new]);
    let (code, out, _) = differ("2026-11-10", "2026-11-11");
    let line = |state: &str, text: &str| {
        out.lines().any(|line| line.starts_with(state) && line.to_lowercase().contains(text))
    };
    assert_eq!(code, Some(0));
    assert!(line("new         finding", "deadlock"), "{out}");
    assert!(line("resolved    finding", "disk full"), "{out}");
    assert!(differ("2026-11-11", "2026-11-11").1.starts_with("nothing is new"));
    let (code, _, err) = differ("2026-11-10", "2026-11-12");
    assert!(code == Some(2) && err.contains("nothing of that day is kept"), "{err}");
}

/// A limit on the size of files stands for a disk that is full: writing fails half way.
#[cfg(unix)]
#[test]
fn a_full_disk_costs_the_new_state_alone() {
    let mut nights = Nights::new(3);
    nights.write(1_500, false);
    assert!(program(&nights, "first.json").status().expect("run").success());
    let before = fs::read(nights.state().file()).expect("a state");
    nights.write(3_000, false);
    // In blocks of 1024 bytes: too few for the new state.
    let blocks = before.len() / 1024;
    let limited = format!(
        "trap '' XFSZ; ulimit -f {blocks}; exec '{}' analyze logs --quiet --state state -o night.slack",
        env!("CARGO_BIN_EXE_coroner")
    );
    let out =
        Command::new("bash").current_dir(nights.dir.path()).args(["-c", &limited]).output().expect("bash");
    let err = String::from_utf8_lossy(&out.stderr);
    assert_eq!(out.status.code(), Some(2), "{err}");
    assert!(err.contains("state: the state cannot be written"), "{err}");
    assert!(fs::metadata(nights.dir.path().join("night.slack")).expect("a report").len() > 0);
    assert_eq!(fs::read(nights.state().file()).expect("a state"), before, "the old state stays whole");
    assert!(program(&nights, "night.json").status().expect("run").success());
    let used = report_of(&nights, "night.json").run.state.expect("a state");
    assert_eq!((used.runs, used.continued, used.notes), (2, 3, vec![]), "the next run goes on from it");
    let left = fs::read_dir(nights.state().path()).expect("the state").count();
    assert_eq!(left, 2, "nothing is left of what was not written");
}

#[test]
fn a_clock_that_is_set_back_loses_nothing_and_counts_nothing_twice() {
    let mut nights = Nights::new(2);
    nights.at = 9_000;
    nights.write(2_000, true);
    nights.assert_exact("before");
    // Two days earlier by the clock, in the same files, and some hours of the first night once more.
    for at in [500, 8_900] {
        nights.at = at;
        nights.write(600, true);
        let future = std::time::SystemTime::now() + Duration::from_secs(90 * 86_400);
        for (name, _) in WRITERS {
            let file = fs::File::options().append(true).open(nights.log(name)).expect("opened");
            file.set_modified(future).expect("a time");
        }
        let used = nights.assert_exact(&format!("set back to {at}")).run.state.expect("a state");
        assert_eq!((used.new, used.continued), (0, 3), "set back to {at}");
        assert!(!used.revised.is_empty(), "hours that were over have more");
    }
    nights.complete();
    nights.assert_exact("complete");
    assert_eq!(nights.run().run.state.expect("a state").unchanged, 3);
}

#[test]
fn an_hour_that_comes_twice_counts_twice() {
    let mut nights = Nights::new(3);
    let mut total = 0;
    // The clock goes from 3 to 2 on a local clock without zone: by the second night that hour has more.
    for hours in [&[1, 2][..], &[2, 3], &[4]] {
        let mut text = String::new();
        for hour in hours {
            for minute in 0..60 {
                text.push_str(&format!(
                    "2026-10-25 {hour:02}:{minute:02}:{:02}.000 ERROR bank: deadlock detected\n",
                    nights.dice.roll(60)
                ));
                total += 1;
            }
        }
        append(&nights.log("local.log"), &text);
        let report = nights.assert_exact(&format!("hours {hours:?}"));
        let seen = report.patterns.iter().map(|seen| seen.occurrences).max();
        assert_eq!(seen, Some(total), "hours {hours:?}");
    }
}
