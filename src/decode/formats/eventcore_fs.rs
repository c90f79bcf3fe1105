//! The folder of `EventCore`'s file store: one JSON-lines file a transaction, a header line and its events.
//!
//! The folder is read as one text, each file behind a frame line (`0x1e file <path> <length>`), so that a folder, a tar
//! and a zip are read alike. A header names the transaction, its parents and the SHA-256 of all bytes after its line; a
//! file that breaks this is a fault by itself, parents are judged once all are known. Checkpoints hold the number in the
//! order in which this copy took the events in, in the shape of a UUID: no event has it.

use std::{fmt::Write, ops::Range, sync::Arc};

use sha2::{Digest, Sha256};

use crate::decode::{
    Chunk, Context, Cutter, Format, Head, Kind, Lexicon,
    json::{self, Json},
    lines,
    rows::{self, Cell, Cells, RowAt},
    time,
};
use crate::model::{Batch, EventId, FaultKind, RowFault, Table, Timestamp, Transaction, Zone};

use super::store_jsonl::json_row;

#[derive(Debug)]
pub(crate) struct EventcoreFs;

/// How each file of the folder is announced.
const FRAME: &str = "\u{1e}file ";

impl Format for EventcoreFs {
    fn id(&self) -> &'static str {
        "eventcore-fs"
    }

    fn kind(&self) -> Kind {
        Kind::Store
    }

    fn about(&self) -> &'static str {
        "the folder of EventCore's file store"
    }

    fn sniff(&self, head: &Head<'_>, _: &Lexicon) -> u8 {
        if head.text.starts_with(FRAME) { 100 } else { 0 }
    }

    fn cutter(&self, _: &Head<'_>, _: &Arc<Lexicon>) -> Box<dyn Cutter> {
        Box::new(FrameCutter)
    }

    fn decode<'a>(&self, chunk: &Chunk<'a>, lexicon: &Lexicon) -> Batch<'a> {
        let mut batch = Batch::default();
        let table = |name: &str, columns: &[&str]| {
            let names: Vec<String> = columns.iter().map(|column| (*column).to_owned()).collect();
            lexicon.table(name, &names).map(Arc::new)
        };
        let (Some(events), Some(checkpoints)) =
            (table("", EVENT_COLUMNS), table("checkpoints", CHECKPOINT_COLUMNS))
        else {
            batch.note("no profile `eventcore-fs` is loaded");
            batch.account.skipped(chunk.text.len());
            return batch;
        };
        let mut at = 0;
        while let Some((frame, next)) = frame(chunk.text.as_bytes(), at, true) {
            // The frame line and the line end behind the file are ours.
            batch.account.bytes_skipped += (next - at - frame.content.len()) as u64;
            let path = &chunk.text[frame.path.clone()];
            match path.split_once('/') {
                Some(("events", _)) => transaction(&mut batch, chunk, &events, path, frame.content),
                Some(("checkpoints", _)) => checkpoint(&mut batch, chunk, &checkpoints, path, frame.content),
                _ => batch.account.skipped(frame.content.len()),
            }
            at = next;
        }
        if at < chunk.text.len() {
            batch.account.skipped(chunk.text.len() - at);
        }
        batch
    }
}

const EVENT_COLUMNS: &[&str] =
    &["record", "event_id", "stream_id", "stream_version", "event_type", "event_data", "metadata"];
const CHECKPOINT_COLUMNS: &[&str] = &["subscription", "position"];

struct FrameCutter;

impl Cutter for FrameCutter {
    fn cut(&mut self, bytes: &[u8], want: usize, last: bool) -> Option<(usize, Context)> {
        let mut at = 0;
        while at < want.max(1) {
            match frame(bytes, at, last) {
                Some((_, next)) => at = next,
                None if last => at = bytes.len(),
                None => break,
            }
            if at == bytes.len() {
                break;
            }
        }
        (at > 0).then_some((at, Context::None))
    }
}

/// A file in the text: its path and its content.
struct Frame {
    path: Range<usize>,
    content: Range<usize>,
}

/// The frame at `at`, and where the next one begins. With `last`, a file that ends early is taken as it is.
fn frame(bytes: &[u8], at: usize, last: bool) -> Option<(Frame, usize)> {
    let rest = bytes.get(at..)?.strip_prefix(FRAME.as_bytes())?;
    let line = memchr::memchr(b'\n', rest)?;
    let space = memchr::memrchr(b' ', &rest[..line])?;
    let length: usize = std::str::from_utf8(&rest[space + 1..line]).ok()?.parse().ok()?;
    let path = at + FRAME.len()..at + FRAME.len() + space;
    let start = at + FRAME.len() + line + 1;
    let end = start.checked_add(length)?;
    if end < bytes.len() {
        return Some((Frame { path, content: start..end }, end + 1));
    }
    last.then(|| (Frame { path, content: start..bytes.len().min(end) }, bytes.len()))
}

fn transaction<'a>(
    batch: &mut Batch<'a>,
    chunk: &Chunk<'a>,
    table: &Arc<Table>,
    path: &str,
    content: Range<usize>,
) {
    let text = &chunk.text[content.clone()];
    let byte = chunk.start + content.start as u64;
    let (line, body) = text.split_at(text.find('\n').map_or(text.len(), |newline| newline + 1));
    let named = EventId::parse(path.trim_start_matches("events/").trim_end_matches(".jsonl"));
    let mut fault = |kind, detail: String| {
        rows::of_table(batch, table).faults.push(row_fault(byte, kind, format!("{path}: {detail}")));
    };
    let header = match header(lines::trim_end(line)) {
        Ok(header) => header,
        Err(why) => {
            fault(FaultKind::MalformedRecord, format!("no header line: {why}"));
            let id = named.unwrap_or(EventId::NONE);
            let (file, bytes) = (path.to_owned(), text.len() as u64);
            let lost = Transaction { byte, bytes, file, id, ..Transaction::default() };
            rows::of_table(batch, table).transactions.push(lost);
            batch.account.rejected(text.len());
            return;
        }
    };
    if named != Some(header.id) {
        fault(FaultKind::MalformedRecord, format!("the file holds transaction {}", header.id));
    }
    let wrong = wrong_content(&header, body);
    if let Some(why) = &wrong {
        fault(FaultKind::HashMismatch, why.clone());
    }
    batch.account.decoded(line.len());
    let before = counts(batch, table);
    events(batch, chunk, table, content.start + line.len()..content.end);
    let rows = rows::of_table(batch, table);
    for event in &mut rows.events[before.0..] {
        event.time = header.created_at.map(|(time, _)| time);
    }
    for fault in &mut rows.faults[before.1..] {
        fault.detail = format!("{path}: {}", fault.detail);
    }
    let bases = header.bases.unwrap_or_else(|| bases_of(&rows.events[before.0..]));
    rows.transactions.push(Transaction {
        byte,
        bytes: text.len() as u64,
        file: path.to_owned(),
        id: header.id,
        parents: header.parents,
        replica: header.replica,
        bases,
        sound: wrong.is_none(),
    });
    if let Some((time, zone)) = header.created_at {
        batch.rows.add(time);
        batch.saw_zone(zone);
    }
}

fn counts(batch: &mut Batch<'_>, table: &Arc<Table>) -> (usize, usize) {
    let rows = rows::of_table(batch, table);
    (rows.events.len(), rows.faults.len())
}

/// What the first line of a transaction says.
#[derive(Default)]
struct Header {
    version: i64,
    id: EventId,
    replica: EventId,
    parents: Vec<EventId>,
    created_at: Option<(Timestamp, Zone)>,
    /// `None` where the line has no such member.
    bases: Option<Vec<(String, i64)>>,
    content_hash: Option<String>,
}

/// Reads a header line.
///
/// # Errors
///
/// Why it is none.
fn header(line: &str) -> Result<Header, String> {
    let mut header = Header::default();
    let mut record = false;
    let text = |value: Json<'_>| value.text().unwrap_or_default().into_owned();
    let uuid = |value: Json<'_>| EventId::parse(&text(value)).unwrap_or_default();
    let read = json::members(line, |key, value| match key {
        "record" => record = text(value) == "header",
        "format_version" => header.version = text(value).parse().unwrap_or_default(),
        "transaction_id" => header.id = uuid(value),
        "replica_id" => header.replica = uuid(value),
        "created_at" => header.created_at = time::parse(&text(value)),
        "content_hash" => header.content_hash = Some(text(value)),
        "parent_transaction_ids" => {
            if let Json::Array(list) = value {
                let _ = json::elements(list, |parent| header.parents.push(uuid(parent)));
            }
        }
        "stream_bases" => {
            let mut bases = Vec::new();
            if let Json::Object(object) = value {
                let _ = json::members(object, |stream, base| {
                    bases.push((json::unescape(stream), text(base).parse().unwrap_or_default()));
                });
            }
            header.bases = Some(bases);
        }
        _ => {}
    });
    match read {
        Err(err) => Err(rows::json_error(line, err)),
        Ok(()) if !record => Err("its first line is no header record".to_owned()),
        Ok(()) if header.id.is_none() => Err("it names no transaction".to_owned()),
        Ok(()) => Ok(header),
    }
}

/// Why the bytes after the header line are not what their writer hashed.
fn wrong_content(header: &Header, body: &str) -> Option<String> {
    match (&header.content_hash, header.version) {
        (Some(expected), _) => {
            let found = Sha256::digest(body.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
                let _ = write!(hex, "{byte:02x}");
                hex
            });
            (found != *expected).then(|| {
                format!("the events were changed after they were written: SHA-256 {found}, the header says {expected}")
            })
        }
        // The first format had no hash.
        (None, ..=1) => None,
        (None, version) => Some(format!("format version {version} without a content_hash")),
    }
}

fn events<'a>(batch: &mut Batch<'a>, chunk: &Chunk<'a>, table: &Arc<Table>, body: Range<usize>) {
    let mut cells = Cells::default();
    let mut offset = body.start;
    for line in chunk.text[body.clone()].split_inclusive('\n') {
        let range = offset..offset + line.len();
        offset = range.end;
        if line.trim_ascii().is_empty() {
            batch.account.skipped(line.len());
            continue;
        }
        let at =
            RowAt { byte: chunk.start + range.start as u64, len: line.len(), damaged: chunk.damaged(&range) };
        let unended = range.end == body.end && !line.ends_with('\n');
        json_row(batch, table, at, lines::trim_end(line), unended, &mut cells);
    }
}

/// Where a header names no bases: what its events follow.
fn bases_of(events: &[crate::model::StoredEvent<'_>]) -> Vec<(String, i64)> {
    let mut bases: Vec<(String, i64)> = Vec::new();
    for event in events {
        if !bases.iter().any(|(stream, _)| **stream == *event.stream) {
            bases.push((event.stream.clone().into_owned(), event.version.unwrap_or_default() - 1));
        }
    }
    bases
}

/// `checkpoints/<name in hexadecimal>.json`: a bare UUID.
fn checkpoint<'a>(
    batch: &mut Batch<'a>,
    chunk: &Chunk<'a>,
    table: &Arc<Table>,
    path: &str,
    content: Range<usize>,
) {
    let stem = path.trim_start_matches("checkpoints/").trim_end_matches(".json");
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    let bytes: Option<Vec<u8>> = stem
        .as_bytes()
        .chunks(2)
        .map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?))
        .collect();
    let name = bytes.and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_else(|| stem.to_owned());
    let position = chunk.text[content.clone()].trim_ascii();
    let byte = chunk.start + content.start as u64;
    if EventId::parse(position).is_none() {
        let detail = format!("{path}: `{}` is no position", rows::shown(position));
        rows::of_table(batch, table).faults.push(row_fault(byte, FaultKind::CheckpointUnreadable, detail));
        batch.account.rejected(content.len());
        return;
    }
    let at = RowAt { byte, len: content.len(), damaged: false };
    rows::row(batch, table, at, &mut [Cell::Text(name.into()), Cell::Text(position.into())]);
}

fn row_fault(byte: u64, kind: FaultKind, detail: String) -> RowFault {
    RowFault { byte, kind, stream: None, event_id: None, version: None, detail }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::testing::check;

    fn framed(files: &[(&str, &str)]) -> String {
        let frame = |(path, content): &(&str, &str)| format!("{FRAME}{path} {}\n{content}\n", content.len());
        files.iter().map(frame).collect::<Vec<_>>().concat()
    }

    const EVENT: &str = "{\"record\":\"event\",\"event_id\":\"01a20918-cb28-746e-9451-4afde4577091\",\"stream_id\":\"a\",\"stream_version\":1,\"event_type\":\"E\",\"event_data\":{},\"metadata\":{}}\n";

    fn header(id: &str, hash: &str) -> String {
        format!(
            "{{\"record\":\"header\",\"format_version\":2,\"transaction_id\":\"{id}\",\"replica_id\":\"01a20918-cb26-74db-95c5-2c250f7d72fe\",\"parent_transaction_ids\":[],\"created_at\":\"2026-11-23T15:49:09.5Z\",\"stream_bases\":{{\"a\":0}},\"content_hash\":\"{hash}\"}}\n"
        )
    }

    #[test]
    fn a_file_proves_its_content() {
        let id = "01a20918-cb28-746e-9451-4afc831de4ba";
        let hash: String = Sha256::digest(EVENT.as_bytes())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<Vec<_>>()
            .concat();
        let sound = header(id, &hash) + EVENT;
        let edited = sound.replace("\"event_type\":\"E\"", "\"event_type\":\"F\"");
        let path = format!("events/{id}.jsonl");
        check(
            &EventcoreFs,
            &framed(&[(&path, &sound), ("checkpoints/6162.json", "00000000-0000-0123-0000-000000000000")]),
            &[
                "3 15:49:09 a@1 01a20918-cb28-746e-9451-4afde4577091",
                "6 ab at 00000000-0000-0123-0000-000000000000",
                "records 3 rejected 0 skipped 0",
            ],
        );
        let shown = crate::decode::testing::read(&EventcoreFs, &framed(&[(&path, &edited)]), 1 << 20);
        assert!(shown[0].contains("hash-mismatch") || shown[1].contains("hash-mismatch"), "{shown:#?}");
    }

    #[test]
    fn says_which_file_is_broken() {
        let id = "01a20918-cb28-746e-9451-4afc831de4ba";
        check(
            &EventcoreFs,
            &framed(&[
                ("events/x.jsonl", "{\"record\":\"hea"),
                (&format!("events/{id}.jsonl"), ""),
                ("checkpoints/61.json", "{}"),
            ]),
            &[
                "2 malformed-record - events/x.jsonl: no header line: no valid JSON: ends inside a string at byte 14, after `{\"record\":\"hea`",
                "4 malformed-record - events/01a20918-cb28-746e-9451-4afc831de4ba.jsonl: no header line: no valid JSON: ends too early at byte 0, after ``",
                "6 checkpoint-unreadable - checkpoints/61.json: `{}` is no position",
                "records 0 rejected 3 skipped 0",
            ],
        );
    }
}
