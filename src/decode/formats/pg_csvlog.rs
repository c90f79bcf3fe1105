//! `PostgreSQL`'s csvlog: no header, 23 to 26 columns, messages and statements with newlines inside quotes.

use std::{borrow::Cow, sync::Arc};

use crate::decode::{
    Chunk, Context, Cutter, Format, Head, Kind, Lexicon, Shape,
    csv_text::{self, CsvCutter},
    entry, time,
};
use crate::model::{Batch, Entry, Field, Place, Value};

#[derive(Debug)]
pub(crate) struct PgCsvlog;

/// `PostgreSQL` documentation 20.8.4, "Using CSV-Format Log Output". 12 ends with `application_name`, 13 adds
/// `backend_type`, 14 adds `leader_pid` and `query_id`. Named as jsonlog names them, so that patterns fit both.
const COLUMNS: [&str; 26] = [
    "timestamp",
    "user",
    "dbname",
    "pid",
    "remote_host",
    "session_id",
    "line_num",
    "ps",
    "session_start",
    "vxid",
    "txid",
    "error_severity",
    "state_code",
    "message",
    "detail",
    "hint",
    "internal_query",
    "internal_position",
    "context",
    "statement",
    "cursor_position",
    "func_name",
    "application_name",
    "backend_type",
    "leader_pid",
    "query_id",
];
const FEWEST: usize = 23;
const TIME: usize = 0;
const LEVEL: usize = 11;
const MESSAGE: usize = 13;

impl Format for PgCsvlog {
    fn id(&self) -> &'static str {
        "pg-csvlog"
    }

    fn kind(&self) -> Kind {
        Kind::ServerLog { rank: 1 }
    }

    fn about(&self) -> &'static str {
        "PostgreSQL server log, log_destination = csvlog"
    }

    fn sniff(&self, head: &Head<'_>, _: &Lexicon) -> u8 {
        let Some(row) = csv_text::row(head.text.as_bytes(), 0, &shape(), head.whole) else { return 0 };
        let line = &head.text[..row.end];
        let cells: Vec<&str> =
            csv_text::fields(line.as_bytes(), b',').into_iter().map(|range| &line[range]).collect();
        let fits = (FEWEST..=COLUMNS.len()).contains(&cells.len())
            && time::parse(cells[TIME]).is_some()
            && entry::level(cells[LEVEL], "").is_some();
        if fits { 95 } else { 0 }
    }

    fn cutter(&self, _: &Head<'_>, _: &Arc<Lexicon>) -> Box<dyn Cutter> {
        Box::new(CsvCutter::new(Context::Rows { table: None, shape: shape(), torn: false }))
    }

    fn decode<'a>(&self, chunk: &Chunk<'a>, _: &Lexicon) -> Batch<'a> {
        let mut batch = Batch::default();
        let bytes = chunk.text.as_bytes();
        let mut place = chunk.place(0, chunk.line);
        let (mut run, mut run_place, mut at) = (0..0, place, 0);
        while let Some(row) = (at < bytes.len()).then(|| csv_text::row(bytes, at, &shape(), true)).flatten() {
            let record = &chunk.text[at..row.end];
            let sound = row.closed && csv_text::well_formed(record.as_bytes(), &shape());
            if !sound {
                rows(&mut batch, &chunk.text[run.clone()], run_place);
                unsound(&mut batch, record, place);
            }
            place.byte += record.len() as u64;
            place.line += lines_in(record);
            at = row.end;
            if sound {
                run.end = at;
            } else {
                (run, run_place) = (at..at, place);
            }
        }
        rows(&mut batch, &chunk.text[run], run_place);
        batch
    }
}

/// Reads a run of well-formed rows. What is in them is the csv crate's to say; where they begin is not, for it would
/// take a quote out of place for the beginning of a field and read on into the next row.
fn rows(batch: &mut Batch<'_>, run: &str, start: Place) {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(run.as_bytes());
    let mut row = csv::StringRecord::new();
    let (mut place, mut at) = (start, 0);
    // Memory cannot fail to be read, and the text is valid: an error would be the end of the run.
    while reader.read_record(&mut row).unwrap_or(false) {
        let end = reader.position().byte() as usize;
        let text = &run[at..end];
        // A lone carriage return ends a row for the csv crate, so the width is asked once more.
        if (FEWEST..=COLUMNS.len()).contains(&row.len()) {
            push(batch, &row, place);
            batch.account.decoded(text.len());
        } else {
            batch.reject(
                place,
                text.len(),
                format!("{} columns, expected {FEWEST} to {}", row.len(), COLUMNS.len()),
            );
        }
        place.byte += text.len() as u64;
        place.line += lines_in(text);
        at = end;
    }
}

fn unsound(batch: &mut Batch<'_>, record: &str, place: Place) {
    if record.trim_ascii().is_empty() {
        batch.account.skipped(record.len());
        return;
    }
    let width = csv_text::fields(record.as_bytes(), b',').len();
    let why = if (FEWEST..=COLUMNS.len()).contains(&width) {
        "a quote out of place".to_owned()
    } else {
        format!("{width} columns, expected {FEWEST} to {}", COLUMNS.len())
    };
    batch.reject(place, record.len(), why);
}

fn lines_in(text: &str) -> u64 {
    memchr::memchr_iter(b'\n', text.as_bytes()).count() as u64
}

fn shape() -> Shape {
    Shape { name: String::new(), delimiter: b',', fields: (FEWEST, COLUMNS.len()), header: 0, zoned: false }
}

fn push(batch: &mut Batch<'_>, cells: &csv::StringRecord, place: Place) {
    let time = time::parse(&cells[TIME]);
    if let Some((_, zone)) = time {
        batch.saw_zone(zone);
    }
    let level = entry::level(&cells[LEVEL], "").unwrap_or_default();
    let first = batch.fields.len();
    for (name, value) in COLUMNS.iter().zip(cells) {
        if !value.is_empty() && !matches!(*name, "timestamp" | "error_severity" | "message") {
            let value = Value::Text(Cow::Owned(value.to_owned()));
            batch.fields.push(Field::new(Cow::Borrowed(name), value));
        }
    }
    batch.entries.push(Entry {
        place,
        time: time.map(|(time, _)| time),
        level,
        message: Some(Cow::Owned(cells[MESSAGE].to_owned())),
        error: None,
        fields: first..batch.fields.len(),
    });
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::check;

    use super::*;

    #[test]
    fn reads_rows_with_newlines_in_them() {
        check(
            &PgCsvlog,
            concat!(
                "2026-11-23 15:39:55.359 UTC,\"bank\",\"bank\",6879,\"127.0.0.1:46286\",6b045e49.1adf,2,\"PARSE waiting\",",
                "2026-11-23 15:39:53 UTC,25/8,0,LOG,00000,\"process 6879 acquired\nAccessShareLock\",,,,,,\"SELECT \"\"x\"\"\",24,,\"bank-app-b\",\"client backend\",,0\n",
                "2026-11-23 15:39:56 UTC,broken\n",
            ),
            &[
                "1 15:39:55 info process 6879 acquired\\nAccessShareLock user=bank dbname=bank pid=6879 remote_host=127.0.0.1:46286 session_id=6b045e49.1adf line_num=2 ps=PARSE waiting session_start=2026-11-23 15:39:53 UTC vxid=25/8 txid=0 state_code=00000 statement=SELECT \"x\" cursor_position=24 application_name=bank-app-b backend_type=client backend query_id=0",
                "3 rejected 2 columns, expected 23 to 26",
                "records 1 rejected 1 skipped 0",
            ],
        );
    }
}
