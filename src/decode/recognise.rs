//! What can be named though nothing here reads it: a row in the ledger with a reason and advice, never silence.

use super::Head;

/// How reports of coroner begin that are no JSON: text, Markdown, Jira's markup and Slack's.
const REPORTS: &[&str] = &[
    "coroner   ",
    "# Incident report\n",
    "# Incident report: ",
    "h1. Incident report: ",
    "*Incident report: ",
];

/// What a source is, and what its reader should do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recognised {
    /// Kebab-case, as a format's id would be.
    pub format: &'static str,
    /// store, snapshot, archive, document, other.
    pub kind: &'static str,
    pub advice: String,
    /// Whether leaving it unread leaves the report incomplete: a backup that was not checked must not look clean.
    pub needed: bool,
}

/// Magic bytes at the start, with what they mean.
const MAGIC: &[(&[u8], &str, &str, &str, bool)] = &[
    (
        b"PK\x03\x04",
        "zip",
        "archive",
        "a zip is read from disk alone, for its directory is at its end: take it out of what it is packed in",
        true,
    ),
    (b"7z\xbc\xaf\x27\x1c", "7z", "archive", "7z is not read; unpack it and name the folder", true),
    (b"Rar!\x1a\x07", "rar", "archive", "rar is not read; unpack it and name the folder", true),
    (b"\x1f\x9d", "compress", "archive", "compress is not read; unpack it: `uncompress FILE`", true),
    (b"\xff\xfe", "utf-16", "other", "UTF-16 text is not read; convert it: `iconv -f utf-16 -t utf-8`", true),
    (b"\xfe\xff", "utf-16", "other", "UTF-16 text is not read; convert it: `iconv -f utf-16 -t utf-8`", true),
    (b"\x7fELF", "executable", "other", "a program, not evidence", false),
];

/// The format of what has no name.
pub(super) const UNKNOWN: &str = "unknown";

/// Names a source that no format reads.
pub(super) fn recognise(bytes: &[u8], head: &Head<'_>) -> Recognised {
    let of =
        |format, kind, advice: &str, needed| Recognised { format, kind, advice: advice.to_owned(), needed };
    if bytes.is_empty() {
        return of("empty", "other", "empty file", false);
    }
    if let Some((_, format, kind, advice, needed)) = MAGIC.iter().find(|(magic, ..)| bytes.starts_with(magic))
    {
        return of(format, kind, advice, *needed);
    }
    if bytes.get(257..262) == Some(b"ustar") {
        return of("tar", "archive", "the header of its first member is damaged, so it is not read", true);
    }
    let text = head.text.trim_start_matches('\u{feff}').trim_ascii_start();
    let first = text.lines().next().unwrap_or_default();
    if first.starts_with("{\"record\":\"header\"") {
        return of("eventcore-fs", "store", "transaction files of a file store are not verified yet", true);
    }
    // The report of the last run often lies beside the evidence of the next.
    if REPORTS.iter().any(|start| text.starts_with(start)) {
        return of("coroner-report", "document", "a report of coroner, no evidence", false);
    }
    if is_aligned(text) {
        return of(ALIGNED, "snapshot", ALIGNED_ADVICE, false);
    }
    if let Some(columns) = header(first) {
        let advice = format!("a table with a header that no store profile or snapshot knows: {columns}");
        return Recognised { format: "csv", kind: "snapshot", advice, needed: false };
    }
    if text.is_empty() {
        return of("blank", "other", "nothing but blanks", false);
    }
    if text.starts_with(['{', '[']) {
        let advice = "a JSON document: neither log lines nor a table that a store profile knows";
        return of("json-document", "document", advice, false);
    }
    if bytes.contains(&0) {
        return of("binary", "other", "binary data of no known kind", false);
    }
    of(UNKNOWN, "other", "text that is no log: neither a time, nor a level, nor a known export", false)
}

/// The form in which psql shows tables to people.
pub(super) const ALIGNED: &str = "psql-aligned";

const ALIGNED_ADVICE: &str = "a table as psql prints it, of no known snapshot; a store's table is read from `\\copy (select ...) to FILE csv header`";

/// Whether a text is psql's aligned or expanded output: names between bars over a ruler, or numbered records.
pub(super) fn is_aligned(text: &str) -> bool {
    let mut lines = text.lines();
    let (first, ruler) = (lines.next().unwrap_or_default(), lines.next().unwrap_or_default().trim());
    let ruled = ruler.len() > 3 && ruler.bytes().all(|byte| matches!(byte, b'-' | b'+'));
    (first.contains('|') && ruled) || first.starts_with("-[ RECORD 1 ]")
}

/// The columns of an aligned table; of expanded records, those of the first.
pub(super) fn aligned_columns(text: &str) -> Vec<String> {
    let first = text.lines().next().unwrap_or_default();
    if first.contains('|') {
        return first.split('|').map(|name| name.trim().to_owned()).collect();
    }
    let record = text.lines().skip(1).take_while(|line| !line.starts_with("-[ RECORD"));
    record.filter_map(|line| Some(line.split_once('|')?.0.trim().to_owned())).collect()
}

/// A line of column names and nothing else: three or more, of letters, digits and underscores, between one delimiter.
fn header(line: &str) -> Option<&str> {
    let is_name = |name: &str| {
        let name = name.trim().trim_matches('"');
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
    };
    let delimiter =
        [',', ';', '\t', '|'].into_iter().find(|delimiter| line.matches(*delimiter).count() >= 2)?;
    line.split(delimiter).all(is_name).then_some(line.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_it_cannot_read() {
        for (bytes, format, needed) in [
            (&b"PK\x03\x04more"[..], "zip", true),
            (b"{\n \"a\": 1\n}", "json-document", false),
            (b"", "empty", false),
            (b"\x00\x01", "binary", false),
            (b"name,size,owner_id\na,1,2\n", "csv", false),
            (b" a | b\n---+---\n 1 | 2\n", "psql-aligned", false),
            (b"some words\n", "unknown", false),
        ] {
            let text = std::str::from_utf8(bytes).unwrap_or_default();
            let found = recognise(bytes, &Head { text, whole: true });
            assert_eq!((found.format, found.needed), (format, needed));
        }
    }
}
