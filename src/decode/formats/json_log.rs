//! Application logs as JSON lines, whatever the logger: tracing-subscriber, slog, zap, bunyan, pino, ECS,
//! OpenTelemetry, journald; and what Docker's json-file driver wraps around any of them.
//!
//! Lines that are no JSON occur in such logs: a panic goes past the logger. A run of them is one entry of its own,
//! without a level, dated like the entry before it.

use std::{borrow::Cow, sync::Arc};

use crate::decode::{
    Chunk, Cutter, Format, Head, Kind, Lexicon, entry, json, lines,
    lines::{LineCutter, MAX_RECORD},
};
use crate::model::{Batch, Entry, Field, Timestamp};

use super::text_log;

#[derive(Debug)]
pub(crate) struct JsonLog;

/// A run of lines that are no JSON is kept as text up to this size; a log has no longer last words.
const MAX_RAW: usize = 256 << 10;

impl Format for JsonLog {
    fn id(&self) -> &'static str {
        "json-log"
    }

    fn kind(&self) -> Kind {
        Kind::Log
    }

    fn about(&self) -> &'static str {
        "log entries as JSON lines, of any logger; also wrapped by Docker"
    }

    fn sniff(&self, head: &Head<'_>, lexicon: &Lexicon) -> u8 {
        let lines = lines::lines(head.text).map(|(_, line)| line).filter(|line| line.starts_with('{'));
        let (mut seen, mut entries) = (0, 0);
        // The last line of the head may be cut off.
        for line in lines.take(40) {
            seen += 1;
            entries += u8::from(entry::looks_like_entry(line, lexicon) || docker(line).is_some());
        }
        if entries > 0 && entries * 2 >= seen { 70 } else { 0 }
    }

    fn lacks(&self, head: &Head<'_>, lexicon: &Lexicon) -> Option<String> {
        let first = lines::lines(head.text).map(|(_, line)| line).find(|line| line.starts_with('{'))?;
        entry::lacks(first, lexicon)
    }

    fn cutter(&self, _: &Head<'_>, _: &Arc<Lexicon>) -> Box<dyn Cutter> {
        Box::new(LineCutter::new(begins))
    }

    fn decode<'a>(&self, chunk: &Chunk<'a>, lexicon: &Lexicon) -> Batch<'a> {
        let mut batch = Batch::default();
        for (offset, number, record) in lines::records(chunk.text, |line| begins(line.as_bytes())) {
            let place = chunk.place(offset, chunk.line + number);
            let (first, raw) = split_first_line(record);
            if begins(first.as_bytes()) {
                let line = lines::trim_end(first);
                if docker_entry(&mut batch, line, place, lexicon) {
                    batch.account.decoded(first.len());
                } else {
                    match entry::json_entry(&mut batch, line, place, lexicon) {
                        Ok(()) => batch.account.decoded(first.len()),
                        Err(err) => {
                            let torn = chunk.last
                                && offset + record.len() == chunk.text.len()
                                && !record.ends_with('\n');
                            let why = if torn { "the last line is cut off" } else { err.why };
                            batch.reject(
                                place,
                                first.len(),
                                format!("no valid JSON: {why} (byte {} of the line)", err.at),
                            );
                        }
                    }
                }
                raw_lines(&mut batch, raw, chunk.place(offset + first.len(), place.line + 1));
            } else {
                raw_lines(&mut batch, record, place);
            }
        }
        if !chunk.invalid.is_empty() {
            batch.note("bytes that are not UTF-8 were read as `?`");
        }
        batch
    }
}

fn begins(line: &[u8]) -> bool {
    line.trim_ascii_start().first() == Some(&b'{')
}

fn split_first_line(record: &str) -> (&str, &str) {
    record.split_at(lines::find(record.as_bytes(), 0, b'\n').map_or(record.len(), |at| at + 1))
}

/// Lines between JSON lines: blank ones are skipped, a run of others is one entry.
fn raw_lines<'a>(batch: &mut Batch<'a>, raw: &'a str, mut place: crate::model::Place) {
    let lead = raw.len() - raw.trim_start_matches(['\n', '\r']).len();
    for line in raw[..lead].split_inclusive('\n') {
        batch.account.skipped(line.len());
        place.byte += line.len() as u64;
        place.line += 1;
    }
    let text = &raw[lead..];
    if text.is_empty() {
        return;
    }
    if text.len() > MAX_RAW {
        let why = if text.len() >= MAX_RECORD {
            "a line of more than 16 MiB"
        } else {
            "a long run of lines that are no JSON"
        };
        batch.reject(place, text.len(), why);
        return;
    }
    let time = batch.entries.last().and_then(|entry| entry.time);
    let mut entry = text_log::text_entry(batch, text.trim_ascii_end(), place);
    entry.time = entry.time.or(time);
    batch.entries.push(entry);
    batch.account.decoded(text.len());
}

/// What Docker's json-file driver writes: the line it got, and when.
pub(super) struct Docker {
    pub(super) line: String,
    time: Option<Timestamp>,
}

pub(super) fn docker(text: &str) -> Option<Docker> {
    if !text.starts_with("{\"log\":") {
        return None;
    }
    let (mut line, mut stream, mut time) = (None, false, None);
    let valid = json::members(text, |key, value| match key {
        "log" => line = value.text().map(Cow::into_owned),
        "stream" => stream = true,
        "time" => time = value.text().and_then(|text| crate::decode::parse_time(&text)),
        _ => (),
    });
    valid.ok()?;
    let (time, _) = time.filter(|_| stream)?;
    Some(Docker { line: line?, time: Some(time) })
}

/// Unwraps a line of Docker's; false if it is none.
fn docker_entry(batch: &mut Batch<'_>, text: &str, place: crate::model::Place, lexicon: &Lexicon) -> bool {
    let Some(Docker { line, time }) = docker(text) else { return false };
    // The wrapped line is a copy, so what is read of it is copied once more into the batch.
    let mut inner = Batch::default();
    let line = lines::trim_end(&line);
    if !(line.starts_with('{') && entry::json_entry(&mut inner, line, place, lexicon).is_ok()) {
        let entry = text_log::text_entry(&mut inner, line, place);
        inner.entries.push(entry);
    }
    adopt(batch, inner, time);
    true
}

/// Moves the entries of a batch that borrows from a copy into one that lives longer.
pub(super) fn adopt(batch: &mut Batch<'_>, inner: Batch<'_>, time: Option<Timestamp>) {
    let Batch { entries, fields, zone, .. } = inner;
    let base = batch.fields.len();
    batch.fields.extend(fields.into_iter().map(|Field { name, value, known }| Field {
        name: Cow::Owned(name.into_owned()),
        value: value.into_owned(),
        known,
    }));
    batch.saw_zone(if time.is_some() { crate::model::Zone::Explicit } else { zone });
    let own = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
    for entry in entries {
        batch.entries.push(Entry {
            time: entry.time.or(time),
            message: own(entry.message),
            error: own(entry.error),
            fields: base + entry.fields.start..base + entry.fields.end,
            ..entry
        });
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::check;

    use super::*;

    #[test]
    fn reads_entries_and_what_is_between_them() {
        check(
            &JsonLog,
            concat!(
                r#"{"timestamp":"2026-11-23T15:00:00Z","level":"INFO","fields":{"message":"start\nup"}}"#,
                "\n\nthread 'main' panicked at src/main.rs:1:2:\nboom\n  2: main\n",
                r#"{"timestamp":"2026-11-23T15:00:01Z","level":"ERROR","fields":{"max_retries":4}}"#,
                "\nnot json\n",
                r#"{"level":"INFO","#,
                "\n",
                r#"{"log":"{\"level\":\"WARN\",\"msg\":\"inner\"}\n","stream":"stderr","time":"2026-11-23T15:00:02Z"}"#,
                "\n",
                r#"{"level":"INFO","msg":"to"#,
            ),
            &[
                "1 15:00:00 info start\\nup",
                "3 15:00:00 unknown thread 'main' panicked at src/main.rs:1:2:\\nboom\\n  2: main",
                "6 15:00:01 error - max_retries=4",
                "7 15:00:01 unknown not json",
                "8 rejected no valid JSON: ends too early (byte 16 of the line)",
                "9 15:00:02 warn inner",
                "10 rejected no valid JSON: the last line is cut off (byte 25 of the line)",
                "records 5 rejected 2 skipped 1",
            ],
        );
    }
}
