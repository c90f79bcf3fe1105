//! A table exported as CSV with a header: `\copy ... csv header`. Columns are known by name, in any order.

use std::{ops::Range, sync::Arc};

use crate::decode::{
    Chunk, Context, Cutter, Format, Head, Kind, Lexicon, Shape,
    csv_text::{self, CsvCutter},
    grid, recognise,
    rows::{self, Cell, Cells, RowAt},
    time,
};
use crate::model::{Batch, FaultKind, Table, Zone};

#[derive(Debug)]
pub(crate) struct StoreCsv;

impl Format for StoreCsv {
    fn id(&self) -> &'static str {
        "store-csv"
    }

    fn kind(&self) -> Kind {
        Kind::Store
    }

    fn about(&self) -> &'static str {
        "an event store's table as CSV with a header; comma, semicolon, tab or bar"
    }

    fn sniff(&self, head: &Head<'_>, lexicon: &Lexicon) -> u8 {
        if header(head, lexicon).is_some() { 90 } else { 0 }
    }

    fn lacks(&self, head: &Head<'_>, lexicon: &Lexicon) -> Option<String> {
        grid::headers(head.text).iter().find_map(|names| lexicon.nearest_table(names))
    }

    fn cutter(&self, head: &Head<'_>, lexicon: &Arc<Lexicon>) -> Box<dyn Cutter> {
        let context = header(head, lexicon).map_or(Context::None, |(table, shape)| Context::Rows {
            table: Some(Arc::new(table)),
            shape,
            torn: false,
        });
        Box::new(CsvCutter::new(context))
    }

    fn decode<'a>(&self, chunk: &Chunk<'a>, _: &Lexicon) -> Batch<'a> {
        let mut batch = Batch::default();
        let Context::Rows { table: Some(table), shape, .. } = chunk.context else { return batch };
        rows::of_table(&mut batch, table);
        let bytes = chunk.text.as_bytes();
        let mut at = shape.header.min(bytes.len());
        if at > 0 {
            batch.account.skipped(at);
        }
        let mut cells = Cells::default();
        while at < bytes.len() {
            cells.clear();
            let plain = csv_text::plain_row(bytes, at, shape.delimiter, |field| {
                let cell = cell(chunk.text, field, &mut cells);
                cells.push(cell);
            });
            let row = match plain {
                Some(end) => csv_text::Row { end, closed: true },
                None => match csv_text::row(bytes, at, shape, true) {
                    Some(row) => {
                        torn_cells(&chunk.text[at..row.end], shape.delimiter, &mut cells);
                        row
                    }
                    None => break,
                },
            };
            one_row(&mut batch, chunk, at..row.end, row.closed, (table, shape), &mut cells);
            at = row.end;
        }
        batch
    }
}

/// The cells of a row that is not plain.
fn torn_cells<'a>(text: &'a str, delimiter: u8, cells: &mut Cells<'a>) {
    cells.clear();
    for range in csv_text::fields(text.as_bytes(), delimiter) {
        let cell = cell(text, range, cells);
        cells.push(cell);
    }
}

fn one_row<'a>(
    batch: &mut Batch<'a>,
    chunk: &Chunk<'a>,
    range: Range<usize>,
    closed: bool,
    (table, shape): (&Arc<Table>, &Shape),
    cells: &mut [Cell<'a>],
) {
    let text = &chunk.text[range.clone()];
    if text.trim_ascii().is_empty() {
        batch.account.skipped(text.len());
        return;
    }
    let at =
        RowAt { byte: chunk.start + range.start as u64, len: text.len(), damaged: chunk.damaged(&range) };
    let width = cells.len();
    let unended = chunk.last && range.end == chunk.text.len() && !text.ends_with('\n');
    let whole = closed && width == shape.fields.0;
    if unended && (!whole || cut_in_time(shape.zoned, table, cells)) {
        let detail = format!(
            "the last row is cut off after {} bytes: {width} of {} columns",
            text.len(),
            shape.fields.0
        );
        rows::broken_row(batch, table, at, cells, FaultKind::TornTail, detail);
    } else if whole {
        rows::row(batch, table, at, cells);
    } else {
        let why = if closed {
            format!("{width} columns, expected {}", shape.fields.0)
        } else {
            "a quote that does not close".to_owned()
        };
        rows::broken_row(batch, table, at, cells, FaultKind::MalformedRecord, why);
    }
}

fn cell<'a>(text: &'a str, field: Range<usize>, cells: &mut Cells<'a>) -> Cell<'a> {
    match csv_text::unquote_into(text, field, || cells.room()) {
        (text, false) if text.is_empty() => Cell::Null,
        (text, _) => Cell::Text(text),
    }
}

/// Whether a last row without a line end was cut in its time: it cannot be read, or has lost the zone that the first
/// row has.
fn cut_in_time(zoned: bool, table: &Table, cells: &[Cell<'_>]) -> bool {
    let Some(Cell::Text(text)) = table.columns.time.and_then(|column| cells.get(column)) else {
        return false;
    };
    match time::parse(text) {
        None => true,
        Some((_, Zone::AssumedUtc)) => zoned,
        Some(_) => false,
    }
}

/// The table that the first line names, and how its rows are written.
fn header(head: &Head<'_>, lexicon: &Lexicon) -> Option<(Table, Shape)> {
    let end = head.text.find('\n').map_or(head.text.len(), |at| at + 1);
    // A dump that was cut out of a larger one may begin with its COPY line; psql's aligned tables have bars too.
    let statement = ["COPY ", "INSERT INTO "].iter().any(|statement| head.text.starts_with(statement));
    if statement || recognise::is_aligned(head.text) {
        return None;
    }
    let line = head.text[..end].strip_prefix('\u{feff}').unwrap_or(&head.text[..end]);
    [b',', b';', b'\t', b'|'].into_iter().find_map(|delimiter| {
        let ranges = csv_text::fields(line.as_bytes(), delimiter);
        let names: Vec<String> =
            ranges.into_iter().map(|range| csv_text::unquote(line[range].trim()).0.into_owned()).collect();
        let table = lexicon.table("", &names)?;
        let fields = (names.len(), names.len());
        let mut shape = Shape { name: String::new(), delimiter, fields, header: end, zoned: false };
        shape.zoned = first_row_is_zoned(head, &table, &shape);
        Some((table, shape))
    })
}

fn first_row_is_zoned(head: &Head<'_>, table: &Table, shape: &Shape) -> bool {
    let Some(row) = csv_text::row(head.text.as_bytes(), shape.header, shape, true) else { return false };
    let text = &head.text[shape.header..row.end];
    let field = table
        .columns
        .time
        .and_then(|column| csv_text::fields(text.as_bytes(), shape.delimiter).into_iter().nth(column));
    field
        .and_then(|range| time::parse(&csv_text::unquote(&text[range]).0))
        .is_some_and(|(_, zone)| zone == Zone::Explicit)
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::check;

    use super::*;

    const HEADER: &str = "event_id,stream_id,stream_version,event_type,event_data,metadata,created_at\n";

    #[test]
    fn reads_rows_and_says_what_is_wrong_with_each() {
        let text = format!(
            "{HEADER}{}",
            concat!(
                "01a20909-dd33-7125-80f1-dcbddf0901e5,account-0000,1,E,\"{\"\"a\"\": 1}\",{},2026-11-23 15:32:51.121371+00\n",
                "00000000-0000-0000-0000-000000000000,s,2,E,{},{},2026-11-23 15:32:52+00\n",
                "01a20909-dd33-7125-80f1-dcbddf0xyz,s,x,E,\"{\"\"a\"\": \",{},2026-11-23 15:32:52+00\n",
                "01a20909-dd33-7125-80f1-dcbddf0901e6,,3,E,,{,then\n",
                "01a20909-dd33-7125-80f1-dcbddf0901e7,torn,4,E,\"{\"\"a\n",
                "01a20909-dd33-7125-80f1-dcbddf0901e8,next,5,E,{},{},2026-11-23 15:32:53",
            )
        );
        check(
            &StoreCsv,
            &text,
            &[
                "2 15:32:51 account-0000@1 01a20909-dd33-7125-80f1-dcbddf0901e5",
                "3 15:32:52 s@2 -",
                "3 nil-event-id s the event id is all zeroes",
                "4 invalid-event-id s `01a20909-dd33-7125-80f1-dcbddf0xyz` is no UUID",
                "4 invalid-payload s no valid JSON: ends before a value at byte 6, after `{\"a\": `",
                "4 invalid-version s `x` is no version number",
                "5 - @3 01a20909-dd33-7125-80f1-dcbddf0901e6",
                "5 empty-stream-id - the stream id is empty",
                "5 invalid-metadata - no valid JSON: ends too early at byte 1, after `{`",
                "5 invalid-payload - is NULL",
                "5 malformed-record - `then` is no time",
                "6 - torn@4 01a20909-dd33-7125-80f1-dcbddf0901e7",
                "6 malformed-record torn a quote that does not close",
                "7 - next@5 01a20909-dd33-7125-80f1-dcbddf0901e8",
                "7 torn-tail next the last row is cut off after 71 bytes: 7 of 7 columns",
                "records 4 rejected 2 skipped 1",
            ],
        );
    }

    #[test]
    fn knows_columns_in_any_order_and_with_any_delimiter() {
        check(
            &StoreCsv,
            "created_at;stream_version;stream_id;event_id\n2026-11-23 15:32:51+00;7;\"a;b\";01a20909-dd33-7125-80f1-dcbddf0901e5\n",
            &["2 15:32:51 a;b@7 01a20909-dd33-7125-80f1-dcbddf0901e5", "records 1 rejected 0 skipped 1"],
        );
        check(
            &StoreCsv,
            "subscription_name,last_position,updated_at\naccount-balances,01a2090c,2026-11-23 15:35:21+00\nnone,,\n",
            &["2 account-balances at 01a2090c", "3 none at -", "records 2 rejected 0 skipped 1"],
        );
    }
}
