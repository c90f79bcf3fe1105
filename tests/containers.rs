//! One store in every form that it is backed up in gives one verdict: `fixtures/same-store` holds a small store with
//! planted faults as `pg_dump` 15 to 18 and psql wrote it, and these tests pack it once more in everything that is
//! unpacked.

mod support;

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::Value;
use support::Run;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/same-store")
}

/// What `coroner integrity` says of a store, without paths and places; and the ids of the formats that read it.
fn verdict(path: &Path) -> (String, Vec<String>) {
    let path = path.to_str().expect("a path that is text");
    let mut report: Value = Run::new().args("integrity -q -o out.json").arg(path).run().report("out.json");
    let rows = report["ledger"]["evidence"].as_array().expect("rows");
    let formats = rows.iter().map(|row| row["format"].as_str().unwrap_or_default().to_owned()).collect();
    assert_ne!(report["verdict"]["status"], "incomplete", "{path}: {}", report["verdict"]);
    for list in ["stores", "faults"] {
        for item in report["integrity"][list].as_array_mut().expect("a list") {
            let item = item.as_object_mut().expect("an object");
            // A schema is PostgreSQL's, and an export has none.
            for place in ["path", "line", "byte", "file", "schema"] {
                item.remove(place);
            }
        }
        let items = report["integrity"][list].as_array_mut().expect("a list");
        items.sort_by_key(std::string::ToString::to_string);
    }
    (serde_json::to_string_pretty(&report["integrity"]).expect("memory"), formats)
}

fn forms(wanted: impl Fn(&str) -> bool) -> Vec<PathBuf> {
    let mut forms: Vec<PathBuf> = fs::read_dir(folder())
        .expect("the fixtures")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| wanted(path.file_name().and_then(|name| name.to_str()).unwrap_or_default()))
        .collect();
    forms.sort();
    forms
}

#[test]
fn every_dump_of_a_store_gives_one_verdict() {
    let (expected, _) = verdict(&folder().join("plain.sql"));
    for kind in ["version-gap", "duplicate-version", "snapshot-ahead", "checkpoint-missing-event"] {
        assert!(expected.contains(kind), "{kind} is planted: {expected}");
    }
    let dumps = forms(|name| !name.starts_with("events"));
    assert!(dumps.len() > 25, "the dumps are there");
    for dump in dumps {
        assert_eq!(verdict(&dump).0, expected, "{}", dump.display());
    }
}

#[test]
fn every_export_of_a_table_gives_one_verdict() {
    let (expected, _) = verdict(&folder().join("events.csv"));
    assert!(expected.contains("version-gap"), "{expected}");
    for export in forms(|name| name.starts_with("events")) {
        assert_eq!(verdict(&export).0, expected, "{}", export.display());
    }
}

#[test]
fn packing_changes_nothing() {
    let packed = tempfile::tempdir().expect("a folder");
    for name in ["plain.sql", "pg17-custom-zstd.dump", "pg15-tar.tar", "store.sqlite", "events.csv"] {
        let bytes = fs::read(folder().join(name)).expect("a fixture");
        let expected = verdict(&folder().join(name)).0;
        for (ending, packed_bytes) in pack(name, &bytes) {
            let path = packed.path().join(format!("{name}.{ending}"));
            fs::write(&path, packed_bytes).expect("written");
            assert_eq!(verdict(&path).0, expected, "{}", path.display());
        }
    }
}

/// The same bytes in each packing, some in two.
fn pack(name: &str, bytes: &[u8]) -> Vec<(&'static str, Vec<u8>)> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).expect("memory");
    let zst = zstd::encode_all(bytes, 1).expect("memory");
    let tar = |name: &str, bytes: &[u8]| {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        builder.append_data(&mut header, name, bytes).expect("memory");
        builder.into_inner().expect("memory")
    };
    let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    zip.start_file(name, zip::write::SimpleFileOptions::default()).expect("memory");
    zip.write_all(bytes).expect("memory");
    vec![
        ("gz", gzip.finish().expect("memory")),
        ("tar", tar(name, bytes)),
        ("tar.zst", zstd::encode_all(&tar(name, bytes)[..], 1).expect("memory")),
        ("zst.tar", tar(&format!("{name}.zst"), &zst)),
        ("zip", zip.finish().expect("memory").into_inner()),
        ("zst", zst),
    ]
}
