//! The report depends on the evidence alone: not on threads, not on piece size, not on the order of arguments.

use std::{
    fs,
    io::{Cursor, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use coroner::{
    classify::{Matcher, Packs},
    decode::Lexicon,
    engine::{self, PIECE_BYTES, Plan, Progress},
    ingest::{self, Found},
    model::report::Report,
    report::WRITERS,
};

fn plan(threads: usize, piece_bytes: usize) -> Plan {
    let packs = Packs::load(&[]).expect("the embedded packs");
    let matcher = Matcher::new(&packs.patterns).expect("they compile");
    let lexicon = Arc::new(Lexicon::load(&[]).expect("the embedded files"));
    Plan { threads, piece_bytes, ..Plan::plain(packs, matcher, lexicon) }
}

/// All reports of a run, one after another.
fn reports(evidence: &[String], threads: usize, piece_bytes: usize) -> String {
    let plan = plan(threads, piece_bytes);
    let found = ingest::walk(evidence).expect("the evidence is there");
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("threads");
    let progress = Progress::default();
    let partial = pool.install(|| engine::scan(&plan, &found, &progress)).expect("not interrupted");
    written(&engine::conclude(&plan, &found, partial).expect("in memory"))
}

/// A report in every format, one after another.
fn written(report: &Report) -> String {
    let mut out = Vec::new();
    for writer in WRITERS {
        writer.write(report, &coroner::report::Layout::default(), &mut out).expect("memory");
    }
    String::from_utf8(out).expect("text")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn name(path: PathBuf) -> String {
    path.into_os_string().into_string().expect("a plain path")
}

#[track_caller]
fn assert_same(evidence: &[String], threads: &[usize], pieces: &[usize]) {
    let expected = reports(evidence, 1, PIECE_BYTES);
    for threads in threads {
        for piece_bytes in pieces {
            let got = reports(evidence, *threads, *piece_bytes);
            if let Some((want, got)) = expected.lines().zip(got.lines()).find(|(want, got)| want != got) {
                panic!("{threads} threads, pieces of {piece_bytes}:\n  want {want}\n  got  {got}");
            }
            assert_eq!(got.len(), expected.len(), "{threads} threads, pieces of {piece_bytes}");
        }
    }
}

#[test]
fn on_the_fixtures() {
    let evidence = [name(root().join("fixtures"))];
    assert_same(&evidence, &[1, 2, 3, 8], &[1, 100, 4096, PIECE_BYTES]);
}

#[test]
#[expect(clippy::print_stderr, reason = "a skipped test says so loudly")]
fn on_the_bundles() {
    let bundles = root().join("../shared/bundles");
    let Ok(entries) = fs::read_dir(&bundles) else {
        eprintln!("SKIPPED: {} is not here; the fixtures are held to the same law", bundles.display());
        return;
    };
    for entry in entries {
        let bundle = entry.expect("an entry").path();
        if bundle.is_dir() {
            assert_same(&[name(bundle)], &[2, 3, 8], &[10_000, PIECE_BYTES]);
        }
    }
}

#[test]
fn for_any_order_of_arguments() {
    let fixtures = root().join("fixtures");
    let mut folders: Vec<String> = fs::read_dir(fixtures)
        .expect("fixtures")
        .map(|entry| name(entry.expect("an entry").path()))
        .collect();
    folders.sort();
    let forward = reports(&folders, 2, PIECE_BYTES);
    folders.reverse();
    // A path that is named twice is read once.
    folders.push(folders[0].clone());
    assert!(reports(&folders, 2, PIECE_BYTES) == forward, "the order of arguments shows");
}

#[test]
fn when_the_evidence_is_read_in_parts_and_joined() {
    let plan = plan(2, PIECE_BYTES);
    let all = ingest::walk(&[name(root().join("fixtures"))]).expect("fixtures");
    let part = |keep: fn(usize) -> bool| {
        let evidence =
            all.evidence.iter().enumerate().filter(|(at, _)| keep(*at)).map(|(_, one)| one.clone());
        let found = Found { evidence: evidence.collect(), passed_over: Vec::new() };
        engine::scan(&plan, &found, &Progress::default()).expect("not interrupted")
    };
    let whole = written(&engine::conclude(&plan, &all, part(|_| true)).expect("in memory"));
    // Every third source elsewhere; joined from the left, from the right, and in the other order.
    let parts: [fn(usize) -> bool; 3] = [|at| at % 3 == 0, |at| at % 3 == 1, |at| at % 3 == 2];
    let [a, b, c] = parts;
    for joined in [
        part(a).then(part(b)).then(part(c)),
        part(a).then(part(b).then(part(c))),
        part(c).then(part(a)).then(part(b)),
    ] {
        assert!(
            written(&engine::conclude(&plan, &all, joined).expect("in memory")) == whole,
            "the parts do not add up to the whole"
        );
    }
}

/// Each file of a folder, by its path below it.
fn files(folder: &Path, below: &str, found: &mut Vec<(String, Vec<u8>)>) {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    for path in paths {
        let name = format!("{below}{}", path.file_name().expect("a name").to_string_lossy());
        if path.is_dir() {
            files(&path, &format!("{name}/"), found);
        } else {
            found.push((name, fs::read(&path).expect("readable")));
        }
    }
}

fn tar_gz(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut builder = tar::Builder::new(encoder);
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        builder.append_data(&mut header, path, &content[..]).expect("memory");
    }
    builder.into_inner().and_then(flate2::write::GzEncoder::finish).expect("memory")
}

fn zip(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    for (path, content) in files {
        writer.start_file(path, zip::write::SimpleFileOptions::default()).expect("memory");
        writer.write_all(content).expect("memory");
    }
    writer.finish().expect("memory").into_inner()
}

/// What is in an archive is found as if it lay in a folder, for any number of threads and any piece size.
#[test]
fn in_an_archive_as_in_a_folder() {
    for case in ["incident", "store-csv/faulty", "pg-dump/copy", "compressed/streams"] {
        let folder = root().join("fixtures").join(case).join("input");
        let mut inside = Vec::new();
        files(&folder, "", &mut inside);
        let evidence = tempfile::tempdir().expect("a folder");
        let report_of = |path: &Path, threads: usize, piece_bytes: usize| {
            let plan = plan(threads, piece_bytes);
            let found = ingest::walk(&[name(path.to_owned())]).expect("there");
            let partial = engine::scan(&plan, &found, &Progress::default()).expect("not interrupted");
            let mut report = engine::conclude(&plan, &found, partial).expect("in memory");
            // The archive is a row of its own.
            report.ledger.evidence.retain(|row| row.kind != "archive");
            let text = serde_json::to_string_pretty(&report).expect("memory");
            sorted(&text.replace(&format!("{}/", path.display()), ""))
        };
        let expected = report_of(&folder, 1, PIECE_BYTES);
        for (file, bytes) in [("all.tar.gz", tar_gz(&inside)), ("all.zip", zip(&inside))] {
            let path = evidence.path().join(file);
            fs::write(&path, bytes).expect("written");
            for (threads, piece_bytes) in [(1, PIECE_BYTES), (3, 100)] {
                let got = report_of(&path, threads, piece_bytes);
                let differs = expected.iter().zip(&got).find(|(want, got)| want != got);
                assert_eq!(differs, None, "{case} in {file}, {threads} threads, pieces of {piece_bytes}");
                assert_eq!(got.len(), expected.len(), "{case} in {file}");
            }
        }
    }
}

/// The lines of a report, sorted, without ids: those are made of paths too, and decide between equals.
fn sorted(text: &str) -> Vec<String> {
    let is_id = |line: &&str| ["inc-", "fnd-"].iter().any(|id| line.contains(id));
    let mut lines: Vec<String> =
        text.lines().filter(|line| !is_id(line)).map(|line| line.trim_end_matches(',').to_owned()).collect();
    lines.sort();
    lines
}
