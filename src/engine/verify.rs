//! A report held against its evidence: is what it cites still there, and still what it says?
//!
//! Whatever in a report has a path, a line and a byte is a citation, so that a new section is verified without a word
//! here. An excerpt is either the beginning of the line as found, or what a decoder made of it: then each of its words
//! must stand in the record.

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    path::Path,
};

use rayon::prelude::*;
use serde::Serialize;
use serde_json::Value;

use crate::{
    ingest::{self, Citation, Evidence, HashKind, STDIN, Shape, Wanted},
    model::report::{EvidenceRow, Report},
};

/// What became of a cited line, or of a file of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Checked {
    pub path: String,
    /// `None` for a file as a whole.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub byte: Option<u64>,
    pub standing: Standing,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub why: String,
    /// Where in the report, as a JSON pointer (RFC 6901).
    pub cited_by: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    Verified,
    /// More was written behind what the report is about.
    Grown,
    Changed,
    Missing,
    /// Nobody can tell: standard input, or a report whose texts were taken out.
    Unverifiable,
}

impl Standing {
    pub fn name(self) -> &'static str {
        match self {
            Standing::Verified => "verified",
            Standing::Grown => "grown",
            Standing::Changed => "changed",
            Standing::Missing => "missing",
            Standing::Unverifiable => "unverifiable",
        }
    }
}

/// Whether the hashes of whole files are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fingerprints {
    Compared,
    LeftOut,
}

/// Compares everything that a report cites with what is there now.
pub fn verify(report: &Report, places: &Whereabouts, fingerprints: Fingerprints) -> Vec<Checked> {
    let mut work: BTreeMap<Evidence, Work<'_>> = BTreeMap::new();
    let mut checked = Vec::new();
    for cited in citations(report) {
        match place(places, &cited) {
            Ok((evidence, source)) => {
                let work = work.entry(evidence).or_default();
                work.wanted.entry(source.clone()).or_default().insert(cited.byte);
                work.cited.push((source, cited));
            }
            Err((standing, why)) => checked.push(cited.checked(standing, why)),
        }
    }
    if fingerprints == Fingerprints::Compared {
        for (at, row) in report.ledger.evidence.iter().enumerate().filter(|(_, row)| !row.hash.is_empty()) {
            match find(places, &row.path) {
                Ok(evidence) => work.entry(evidence).or_default().rows.push((at, row)),
                Err((standing, why)) => checked.push(of_row(at, row, standing, why)),
            }
        }
    }
    let work: Vec<(Evidence, Work<'_>)> = work.into_iter().collect();
    checked.par_extend(work.par_iter().flat_map_iter(|(evidence, work)| work.run(evidence)));
    if is_redacted(report) {
        checked.iter_mut().filter(|one| one.is_wrong()).for_each(|one| {
            one.standing = Standing::Unverifiable;
            one.why =
                "the report was redacted, so its texts and names are not those of the evidence".to_owned();
        });
    }
    checked.sort();
    checked
}

impl Checked {
    /// Whether it speaks against the report or the evidence.
    pub fn is_wrong(&self) -> bool {
        matches!(self.standing, Standing::Changed | Standing::Missing)
    }
}

/// A run that took texts out says so among its arguments.
fn is_redacted(report: &Report) -> bool {
    report.run.arguments.iter().any(|argument| argument.starts_with("--redact"))
}

/// A line that a report points at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Cited {
    path: String,
    file: Option<String>,
    byte: u64,
    line: u64,
    excerpt: String,
    by: String,
}

impl Cited {
    fn checked(&self, standing: Standing, why: String) -> Checked {
        let path = self.file.as_ref().map_or(self.path.clone(), |file| format!("{}/{file}", self.path));
        let (line, byte) = (Some(self.line), Some(self.byte));
        Checked { path, line, byte, standing, why, cited_by: self.by.clone() }
    }
}

/// Every line that is cited, once, with the first place that cites it.
fn citations(report: &Report) -> Vec<Cited> {
    let mut found = Vec::new();
    // A report is plain data, which always has a value.
    gather(&serde_json::to_value(report).unwrap_or_default(), "", &mut found);
    let mut seen = BTreeSet::new();
    found.retain(|cited| {
        let Cited { path, file, byte, excerpt, .. } = cited;
        seen.insert((path.clone(), file.clone(), *byte, excerpt.clone()))
    });
    found
}

fn gather(value: &Value, at: &str, found: &mut Vec<Cited>) {
    match value {
        Value::Array(items) => {
            items
                .iter()
                .enumerate()
                .for_each(|(number, item)| gather(item, &format!("{at}/{number}"), found));
        }
        Value::Object(fields) => {
            found.extend(citation(fields, at));
            fields.iter().for_each(|(name, field)| gather(field, &format!("{at}/{name}"), found));
        }
        _ => {}
    }
}

/// Something with a path, a line and a byte. Line 0 and no text claim nothing of a line.
fn citation(fields: &serde_json::Map<String, Value>, at: &str) -> Option<Cited> {
    let text = |name: &str| Some(fields.get(name)?.as_str()?.to_owned());
    let number = |name: &str| fields.get(name)?.as_u64();
    let (path, line, byte) = (text("path")?, number("line")?, number("byte")?);
    let excerpt = text("excerpt").unwrap_or_default();
    let claims = !path.is_empty() && (line > 0 || !excerpt.is_empty());
    claims.then(|| Cited { path, file: text("file"), byte, line, excerpt, by: at.to_owned() })
}

/// The evidence that holds a citation, and the name of its source in it.
fn place(places: &Whereabouts, cited: &Cited) -> Result<(Evidence, String), (Standing, String)> {
    let evidence = find(places, &cited.path)?;
    // A finding names the file of a store in its path, a fault beside it.
    let within = cited.path.strip_prefix(&evidence.name).and_then(|rest| rest.strip_prefix('/'));
    match cited.file.as_deref().or(within.filter(|_| evidence.shape == Shape::FileStore)) {
        None => Ok((evidence, cited.path.clone())),
        Some(file) if evidence.shape == Shape::FileStore => {
            let name = format!("{}/{file}", evidence.name);
            Ok((evidence.file(name.clone(), file), name))
        }
        Some(_) => Err((Standing::Unverifiable, "a file of a store that an archive holds".to_owned())),
    }
}

fn find(places: &Whereabouts, path: &str) -> Result<Evidence, (Standing, String)> {
    if path == STDIN || path.starts_with("-/") {
        return Err((Standing::Unverifiable, "standard input cannot be read again".to_owned()));
    }
    places.of(path).ok_or_else(|| (Standing::Missing, "no such file".to_owned()))
}

/// What is compared of one piece of evidence.
#[derive(Default)]
struct Work<'r> {
    wanted: Wanted,
    /// By the name of the source.
    cited: Vec<(String, Cited)>,
    rows: Vec<(usize, &'r EvidenceRow)>,
}

impl Work<'_> {
    fn run(&self, evidence: &Evidence) -> Vec<Checked> {
        let found = ingest::cite_records(evidence, &self.wanted);
        let mut checked = Vec::new();
        for (source, cited) in &self.cited {
            let now = found.get(source).and_then(|lines| lines.get(&cited.byte));
            let (standing, why) = compare(cited, now);
            checked.push(cited.checked(standing, why));
        }
        for kind in [HashKind::Blake3, HashKind::Sha256] {
            self.fingerprints(evidence, kind, &mut checked);
        }
        checked
    }

    fn fingerprints(&self, evidence: &Evidence, kind: HashKind, checked: &mut Vec<Checked>) {
        let of_kind = |row: &EvidenceRow| row.hash.starts_with(kind.prefix());
        let rows: Vec<_> = self.rows.iter().filter(|(_, row)| of_kind(row)).collect();
        if rows.is_empty() {
            return;
        }
        let now = ingest::hashes(evidence, kind);
        for (at, row) in rows {
            let (standing, why) = match &now {
                Err(err) => (Standing::Missing, format!("cannot be read: {err}")),
                Ok(now) => match now.get(&row.path) {
                    None => (Standing::Missing, format!("no longer in {}", evidence.name)),
                    Some(hash) if *hash == row.hash => (Standing::Verified, String::new()),
                    Some(_) if has_grown(evidence, row, kind) => {
                        (Standing::Grown, format!("its first {} bytes are as they were", row.bytes))
                    }
                    Some(hash) => (Standing::Changed, format!("its hash was {} and is {hash}", row.hash)),
                },
            };
            checked.push(of_row(*at, row, standing, why));
        }
    }
}

fn has_grown(evidence: &Evidence, row: &EvidenceRow, kind: HashKind) -> bool {
    let is_file = evidence.shape == Shape::File && evidence.name == row.path;
    let beginning = || ingest::hash_of_beginning(&evidence.path, row.bytes, kind);
    is_file && beginning().is_ok_and(|hash| hash.as_deref() == Some(&row.hash))
}

fn of_row(at: usize, row: &EvidenceRow, standing: Standing, why: String) -> Checked {
    let cited_by = format!("/ledger/evidence/{at}");
    Checked { path: row.path.clone(), line: None, byte: None, standing, why, cited_by }
}

fn compare(cited: &Cited, now: Option<&Citation>) -> (Standing, String) {
    // Behind its end a source has an empty place, which says nothing.
    let Some(now) = now.filter(|now| !now.excerpt.is_empty() || cited.excerpt.is_empty()) else {
        return (Standing::Missing, format!("nothing can be read at byte {} any more", cited.byte));
    };
    let text = String::from_utf8_lossy(&now.excerpt);
    let first = text.lines().next().unwrap_or_default();
    if cited.line > 0 && now.line != cited.line {
        return (Standing::Changed, format!("byte {} is in line {} now", cited.byte, now.line));
    }
    if says(&text, &cited.excerpt) {
        return (Standing::Verified, String::new());
    }
    let shown: String = first.chars().take(80).collect();
    (Standing::Changed, format!("it says now: {shown}"))
}

/// Whether a record still says what was cited of it.
fn says(record: &str, excerpt: &str) -> bool {
    let first = record.lines().next().unwrap_or_default();
    if record.starts_with(excerpt) || excerpt.is_empty() || excerpt == UNSAID {
        return true;
    }
    let cited: Vec<String> = words(excerpt);
    [first.to_owned(), unescaped(first)].iter().any(|line| {
        let line = squeezed(line);
        cited.iter().all(|word| line.contains(word.as_str()))
    }) || [record.to_owned(), unescaped(record)].iter().any(|text| {
        // A text of several lines begins in the first: the next record may say the same.
        let begins = squeezed(text.lines().next().unwrap_or_default()).len();
        squeezed(text).find(&cited.concat()).is_some_and(|at| at < begins)
    })
}

/// What stands for the message of an entry that has none.
const UNSAID: &str = "(no message)";

/// Words that checks put beside the values of a session's row.
const ADDED: [&str; 3] = ["pid", "waits", "for"];

/// The words of a text, without what escaping and quoting change.
fn words(text: &str) -> Vec<String> {
    let words = text.split_whitespace().map(squeezed);
    words.filter(|word| !word.is_empty() && !ADDED.contains(&word.as_str())).collect()
}

fn squeezed(text: &str) -> String {
    text.chars().filter(|c| c.is_alphanumeric()).collect()
}

/// A text without the escapes of JSON (RFC 8259, section 7).
fn unescaped(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match rest.next() {
            Some('n' | 'r' | 't' | 'b' | 'f') => plain.push(' '),
            Some('u') => {
                let code: String = rest.by_ref().take(4).collect();
                plain.extend(u32::from_str_radix(&code, 16).ok().and_then(char::from_u32));
            }
            Some(other) => plain.push(other),
            None => {}
        }
    }
    plain
}

/// Where the evidence is now.
#[derive(Debug)]
pub struct Whereabouts {
    /// By the end of its path that a report's paths must have.
    pieces: Vec<(String, Evidence)>,
    moved: Moved,
}

/// Whether paths are those of the report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moved {
    No,
    /// Only their ends are.
    Yes,
}

impl Whereabouts {
    /// Where the report's own run found it. What is gone is missing, and the rest can still be verified.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn as_named(report: &Report) -> io::Result<Whereabouts> {
        let named = report.run.arguments.iter().filter(|argument| !argument.starts_with("--"));
        let there: Vec<String> = named
            .filter(|argument| *argument != STDIN && ingest::walk(&[(*argument).clone()]).is_ok())
            .cloned()
            .collect();
        let found = ingest::walk(&there)?;
        let pieces = found.evidence.into_iter().map(|evidence| (evidence.name.clone(), evidence));
        Ok(Whereabouts { pieces: pieces.collect(), moved: Moved::No })
    }

    /// Below the files and folders that are named now.
    ///
    /// # Errors
    ///
    /// An argument that names nothing.
    pub fn below(arguments: &[String]) -> io::Result<Whereabouts> {
        let mut pieces = Vec::new();
        for argument in arguments {
            for evidence in ingest::walk(std::slice::from_ref(argument))?.evidence {
                let below = evidence.path.strip_prefix(argument).unwrap_or(&evidence.path);
                let below = if below == Path::new("") {
                    evidence.path.file_name().map_or(below, Path::new)
                } else {
                    below
                };
                pieces.push((below.to_string_lossy().replace('\\', "/"), evidence));
            }
        }
        Ok(Whereabouts { pieces, moved: Moved::Yes })
    }

    /// The evidence that a path of the report leads into, under the name that the report gives it.
    fn of(&self, path: &str) -> Option<Evidence> {
        let starts = path.match_indices('/').map(|(at, _)| at + 1).filter(|_| self.moved == Moved::Yes);
        let mut best: Option<(usize, &Evidence, usize)> = None;
        for start in std::iter::once(0).chain(starts) {
            for (end, evidence) in &self.pieces {
                let holds = path[start..]
                    .strip_prefix(end.as_str())
                    .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
                // The longest end is the surest.
                if holds && best.is_none_or(|(length, ..)| end.len() > length) {
                    best = Some((end.len(), evidence, start + end.len()));
                }
            }
        }
        best.map(|(_, evidence, length)| Evidence { name: path[..length].to_owned(), ..evidence.clone() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_says_what_was_made_of_it_and_nothing_else() {
        for (record, excerpt, same) in [
            ("2026 ERROR pool exhausted\nnext", "2026 ERROR pool", true),
            ("2026 ERROR pool exhausted\nnext", "pool exhausted", true),
            ("2026 ERROR pool exhausted", "pool exhausXed", false),
            (r#"{"at":1,"msg":"a \"b\"\nc\u00e9"}"#, "a \"b\" cé", true),
            (r#"{"at":1,"msg":"a \"b\"\nd"}"#, "a \"b\" c", false),
            ("x boom\n  at f\n  at g\nnext", "boom at f at g", true),
            ("x calm\nx boom\n  at f\n", "boom at f", false),
            ("anything", "", true),
        ] {
            assert_eq!(says(record, excerpt), same, "{record:?} {excerpt:?}");
        }
    }

    #[test]
    fn moved_evidence_is_found_by_the_end_of_its_path() {
        let piece = |end: &str| {
            let path = Path::new("/new").join(end);
            (end.to_owned(), Evidence { name: format!("/new/{end}"), path, shape: Shape::File })
        };
        let pieces = vec![piece("a.log"), piece("logs/a.log"), piece("b.tar")];
        let places = Whereabouts { pieces, moved: Moved::Yes };
        for (path, name, now) in [
            ("e/logs/a.log", "e/logs/a.log", "/new/logs/a.log"),
            ("e/other/a.log", "e/other/a.log", "/new/a.log"),
            ("e/b.tar/x/y", "e/b.tar", "/new/b.tar"),
        ] {
            let found = places.of(path).expect("there");
            assert_eq!((&found.name[..], found.path.as_path()), (name, Path::new(now)));
        }
        assert!(places.of("e/c.log").is_none());
    }
}
