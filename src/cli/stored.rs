//! A JSON report read back: what `report`, `verify` and `explain --report` begin with.

use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

use anyhow::{Context, bail};
use serde::Deserialize;

use crate::{
    ingest::STDIN,
    model::report::{Report, SCHEMA_VERSION},
};

/// How packed bytes begin (RFC 1952, RFC 8878).
const GZIP: &[u8] = b"\x1f\x8b";
const ZSTD: &[u8] = b"\x28\xb5\x2f\xfd";

/// Reads a report from a file, also a packed one, or from standard input.
///
/// # Errors
///
/// What is no report, with its line and column; one that another version wrote.
pub(super) fn read(path: &Path) -> anyhow::Result<Report> {
    let name = if path == Path::new(STDIN) { "standard input".into() } else { path.to_string_lossy() };
    let bytes = bytes(path).with_context(|| format!("{name}: cannot be read"))?;
    parse(&bytes).with_context(|| {
        format!("{name}: no JSON report; `coroner analyze EVIDENCE -o FILE.json` writes one")
    })
}

/// A report that a path names, also a packed one, or that lies in the folder that it names; `None` where it is something
/// else, for a log may be called .json as well.
///
/// # Errors
///
/// A report of another version, and what the operating system says.
pub(super) fn found(path: &Path) -> anyhow::Result<Option<Report>> {
    let inside = path.join("report.json");
    let file = if inside.is_file() { &inside } else { path };
    let name = file.to_string_lossy().to_ascii_lowercase();
    if !file.is_file() || ![".json", ".json.gz", ".json.zst"].iter().any(|end| name.ends_with(end)) {
        return Ok(None);
    }
    let within = || file.display().to_string();
    let bytes = bytes(file).with_context(within)?;
    match serde_json::from_slice::<Versions>(&bytes) {
        Ok(_) => parse(&bytes).map(Some).with_context(within),
        Err(_) => Ok(None),
    }
}

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    let mut found = Vec::new();
    if path == Path::new(STDIN) {
        io::stdin().lock().read_to_end(&mut found)?;
    } else if fs::metadata(path)?.is_dir() {
        return Err(io::Error::other("it is a folder; name the report in it"));
    } else {
        File::open(path)?.read_to_end(&mut found)?;
    }
    let mut unpacked = Vec::new();
    if found.starts_with(GZIP) {
        flate2::read::MultiGzDecoder::new(&found[..]).read_to_end(&mut unpacked)?;
    } else if found.starts_with(ZSTD) {
        zstd::Decoder::new(&found[..])?.read_to_end(&mut unpacked)?;
    } else {
        return Ok(found);
    }
    Ok(unpacked)
}

/// What every version of a report says of itself.
#[derive(Deserialize)]
struct Versions {
    schema_version: String,
    #[serde(default)]
    run: Writer,
}

#[derive(Default, Deserialize)]
struct Writer {
    #[serde(default)]
    version: String,
}

fn parse(bytes: &[u8]) -> anyhow::Result<Report> {
    let versions: Versions = serde_json::from_slice(bytes)?;
    if versions.schema_version != SCHEMA_VERSION {
        bail!(
            "its schema_version is {}, and this coroner reads {SCHEMA_VERSION}; use coroner {}, which wrote it, or a newer one",
            versions.schema_version,
            versions.run.version
        );
    }
    Ok(serde_json::from_slice(bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_where_a_report_is_broken_and_who_can_read_another() {
        let said = |text: &str| format!("{:#}", parse(text.as_bytes()).expect_err("no report"));
        for (text, says) in [
            ("{\"level\":\"INFO\"}\n{}", "missing field `schema_version`"),
            ("{\"schema_version\":\"1\",\n\"verdict\":3}", "at line 2 column"),
            ("{\"schema_version\":\"1\",", "EOF while parsing"),
            ("{\"schema_version\":\"2\",\"run\":{\"version\":\"9.1.0\"}}", "use coroner 9.1.0"),
        ] {
            assert!(said(text).contains(says), "{text}: {}", said(text));
        }
        let report = Report { schema_version: SCHEMA_VERSION.to_owned(), ..Report::default() };
        let text = serde_json::to_vec(&report).expect("memory");
        assert_eq!(parse(&text).expect("a report"), report);
    }
}
