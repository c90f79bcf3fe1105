//! A table exported as JSON lines: `select row_to_json(t)`, one row a line.

use std::sync::Arc;

use crate::decode::{
    Chunk, Context, Cutter, Format, Head, Kind, Lexicon, Shape,
    json::{self, Json},
    lines,
    lines::LineCutter,
    rows::{self, Cell, Cells, RowAt},
};
use crate::model::{Batch, FaultKind, Table};

#[derive(Debug)]
pub(crate) struct StoreJsonl;

impl Format for StoreJsonl {
    fn id(&self) -> &'static str {
        "store-jsonl"
    }

    fn kind(&self) -> Kind {
        Kind::Store
    }

    fn about(&self) -> &'static str {
        "an event store's table as JSON lines (row_to_json)"
    }

    fn sniff(&self, head: &Head<'_>, lexicon: &Lexicon) -> u8 {
        // A transaction file of a file store is a part of a store that its folder holds.
        let transaction = head.text.starts_with("{\"record\":\"header\"");
        if !transaction && table(head, lexicon).is_some() { 90 } else { 0 }
    }

    fn cutter(&self, head: &Head<'_>, lexicon: &Arc<Lexicon>) -> Box<dyn Cutter> {
        let table = table(head, lexicon).map(Arc::new);
        let context = Context::Rows { table, shape: Shape::default(), torn: false };
        Box::new(LineCutter::new(|_| true).within(context))
    }

    fn decode<'a>(&self, chunk: &Chunk<'a>, _: &Lexicon) -> Batch<'a> {
        let mut batch = Batch::default();
        let Context::Rows { table: Some(table), .. } = chunk.context else { return batch };
        let mut cells = Cells::default();
        for (start, line) in lines::whole_lines(chunk.text) {
            let range = start..start + line.len();
            if line.trim_ascii().is_empty() {
                batch.account.skipped(line.len());
                continue;
            }
            let at = RowAt {
                byte: chunk.start + range.start as u64,
                len: line.len(),
                damaged: chunk.damaged(&range),
            };
            let unended = chunk.last && range.end == chunk.text.len() && !line.ends_with('\n');
            json_row(&mut batch, table, at, lines::trim_end(line), unended, &mut cells);
        }
        batch
    }
}

/// Lines that are looked at for the names of columns.
const SEEN: usize = 50;

/// The table whose columns are the members of the first lines.
fn table(head: &Head<'_>, lexicon: &Lexicon) -> Option<Table> {
    let names = |line: &str| columns(line).or_else(|| columns(&undoubled(line)?));
    let mut all: Vec<String> = Vec::new();
    // A member that is missing where it would be null may first come in a later line.
    for name in head.text.lines().take(SEEN).filter_map(names).flatten() {
        if !all.contains(&name) {
            all.push(name);
        }
    }
    lexicon.table("", &all)
}

/// The names of an object's members.
pub(super) fn columns(text: &str) -> Option<Vec<String>> {
    let mut names = Vec::new();
    json::members(text, |key, _| names.push(key.to_owned())).ok()?;
    Some(names)
}

/// `\copy (select row_to_json(t) ...)` in its text format doubles each backslash of the JSON: a line as it was meant.
/// `None` where it has none.
fn undoubled(line: &str) -> Option<String> {
    line.contains("\\\\").then(|| line.replace("\\\\", "\\"))
}

/// One row as a JSON object. `unended`: nothing follows it, not even a line end.
pub(super) fn json_row<'a>(
    batch: &mut Batch<'a>,
    table: &Arc<Table>,
    at: RowAt,
    text: &'a str,
    unended: bool,
    cells: &mut Cells<'a>,
) {
    let Err((err, last_name)) = read_cells(table, text, cells) else {
        rows::row(batch, table, at, cells);
        return;
    };
    let meant = undoubled(text);
    let mut meant_cells = Cells::default();
    if meant.as_deref().is_some_and(|meant| read_cells(table, meant, &mut meant_cells).is_ok()) {
        batch.note(
            "backslashes are doubled, as \\copy writes them in its text format: read as they were meant",
        );
        let mut owned: Vec<Cell<'a>> =
            meant_cells.iter_mut().map(|cell| std::mem::take(cell).into_owned()).collect();
        rows::row(batch, table, at, &mut owned);
    } else if unended {
        let detail = format!("the last row is cut off after {} bytes", text.len());
        rows::broken_row(batch, table, at, cells, FaultKind::TornTail, detail);
    } else {
        let detail = format!("{}, after member `{last_name}`", rows::json_error(text, err));
        rows::broken_row(batch, table, at, cells, FaultKind::MalformedRecord, detail);
    }
}

/// Reads the cells of a row. What ended it early: the error, and the last member before it.
fn read_cells<'a>(table: &Table, text: &'a str, cells: &mut Cells<'a>) -> Result<(), (json::Error, &'a str)> {
    let columns = &table.columns;
    cells.missing(columns.names.len());
    let mut expected = 0;
    let mut last_name = "";
    let read = json::members(text, |key, value| {
        last_name = key;
        // Members nearly always come in the first line's order.
        let column = if columns.names.get(expected).is_some_and(|name| name == key) {
            Some(expected)
        } else {
            columns.names.iter().position(|name| name == key)
        };
        if let Some(column) = column {
            cells[column] = cell(value, Some(column) == columns.payload || Some(column) == columns.metadata);
            expected = column + 1;
        }
    });
    read.map_err(|err| (err, last_name))
}

fn cell(value: Json<'_>, json: bool) -> Cell<'_> {
    match value {
        Json::Null => Cell::Null,
        // The quotes stand around the slice, so widening by them stays within the line.
        Json::Text { raw, escaped: false } if json => Cell::Text(raw.into()),
        Json::Text { raw, .. } if json => Cell::Text(json::unescape(raw).into()),
        Json::Object(text) | Json::Array(text) => Cell::Json(text),
        Json::Bare(text) if json => Cell::Json(text),
        Json::Bare(text) => Cell::Text(text.into()),
        Json::Text { .. } => value.text().map_or(Cell::Null, Cell::Text),
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::check;

    use super::*;

    #[test]
    fn reads_rows_and_saves_what_it_can_of_broken_ones() {
        check(
            &StoreJsonl,
            concat!(
                r#"{"event_id":"01a20909-dd33-7125-80f1-dcbddf0901e5","stream_id":"a","stream_version":1,"event_type":"E","event_data":{"x": 1},"metadata":{},"created_at":"2026-11-23T15:32:51.121371+00:00"}"#,
                "\n",
                r#"{"stream_id":"a","event_id":"01a20909-dd33-7125-80f1-dcbddf0901e6","stream_version":2,"event_data":{"x": ,"created_at":"2026-11-23T15:32:51Z"}"#,
                "\n",
                r#"{"event_id":"01a20909-dd33-7125-80f1-dcbddf0901e7","stream_id":"a","stream_version":3,"event_data":null,"metadata":"{}"}"#,
                "\n\n",
                r#"{"event_id":"01a20909-dd33-7125-80f1-dcbddf0901e8","stream_id":"a","stream_ver"#,
            ),
            &[
                "1 15:32:51 a@1 01a20909-dd33-7125-80f1-dcbddf0901e5",
                "2 - a@2 01a20909-dd33-7125-80f1-dcbddf0901e6",
                "2 malformed-record a no valid JSON: not a value at byte 105, after `,\"event_data\":{\"x\": `, after member `stream_version`",
                "3 - a@3 01a20909-dd33-7125-80f1-dcbddf0901e7",
                "3 invalid-payload a is NULL",
                "5 torn-tail a the last row is cut off after 78 bytes",
                "records 2 rejected 2 skipped 1",
            ],
        );
    }

    #[test]
    fn reads_doubled_backslashes_as_they_were_meant() {
        check(
            &StoreJsonl,
            concat!(
                r#"{"event_id":"01a20909-dd33-7125-80f1-dcbddf0901e6","stream_id":"a","stream_version":2,"event_data":{"x": 1},"metadata":null}"#,
                "\n",
                r#"{"event_id":"01a20909-dd33-7125-80f1-dcbddf0901e5","stream_id":"a","stream_version":1,"event_data":{"note": "say \\"hi\\""},"metadata":null}"#,
                "\n",
            ),
            &[
                "1 - a@2 01a20909-dd33-7125-80f1-dcbddf0901e6",
                "2 - a@1 01a20909-dd33-7125-80f1-dcbddf0901e5",
                "note backslashes are doubled, as \\copy writes them in its text format: read as they were meant",
                "records 2 rejected 0 skipped 0",
            ],
        );
    }
}
