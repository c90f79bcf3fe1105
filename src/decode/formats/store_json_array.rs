//! A table exported as one JSON array: `select json_agg(t)`. Rows are the array's elements.

use std::sync::Arc;

use crate::decode::{
    Chunk, Context, Cutter, Format, Head, Kind, Lexicon, Shape,
    rows::{self, Cells, RowAt},
};
use crate::model::{Batch, FaultKind, Table};

use super::store_jsonl::{columns, json_row};

#[derive(Debug)]
pub(crate) struct StoreJsonArray;

impl Format for StoreJsonArray {
    fn id(&self) -> &'static str {
        "store-json-array"
    }

    fn kind(&self) -> Kind {
        Kind::Store
    }

    fn about(&self) -> &'static str {
        "an event store's table as one JSON array (json_agg)"
    }

    fn sniff(&self, head: &Head<'_>, lexicon: &Lexicon) -> u8 {
        if table(head, lexicon).is_some() { 90 } else { 0 }
    }

    fn cutter(&self, head: &Head<'_>, lexicon: &Arc<Lexicon>) -> Box<dyn Cutter> {
        Box::new(ElementCutter { table: table(head, lexicon).map(Arc::new) })
    }

    fn decode<'a>(&self, chunk: &Chunk<'a>, _: &Lexicon) -> Batch<'a> {
        let mut batch = Batch::default();
        let Context::Rows { table: Some(table), torn, .. } = chunk.context else { return batch };
        let bytes = chunk.text.as_bytes();
        let (mut at, mut ended) = (0, false);
        let mut cells = Cells::default();
        while at < bytes.len() {
            if bytes[at] != b'{' {
                ended |= bytes[at] == b']';
                batch.account.bytes_skipped += 1;
                at += 1;
                continue;
            }
            let end = object_end(bytes, at);
            let text = &chunk.text[at..end.unwrap_or(bytes.len())];
            let range = at..at + text.len();
            let row =
                RowAt { byte: chunk.start + at as u64, len: text.len(), damaged: chunk.damaged(&range) };
            json_row(&mut batch, table, row, text, end.is_none(), &mut cells);
            at = range.end;
        }
        if *torn
            && !ended
            && batch
                .tables
                .iter()
                .all(|rows| rows.faults.iter().all(|fault| fault.kind != FaultKind::TornTail))
        {
            let end = RowAt { byte: chunk.start + bytes.len() as u64, len: 0, damaged: false };
            rows::broken_row(
                &mut batch,
                table,
                end,
                &mut [],
                FaultKind::TornTail,
                "the array does not end".to_owned(),
            );
        }
        batch
    }
}

fn table(head: &Head<'_>, lexicon: &Lexicon) -> Option<Table> {
    let text = head
        .text
        .trim_start_matches(['\u{feff}', ' ', '\t', '\r', '\n'])
        .strip_prefix('[')?
        .trim_ascii_start();
    let end = object_end(text.as_bytes(), 0)?;
    lexicon.table("", &columns(text.get(..end)?)?)
}

/// Ends pieces between elements.
struct ElementCutter {
    table: Option<Arc<Table>>,
}

impl Cutter for ElementCutter {
    fn cut(&mut self, bytes: &[u8], want: usize, last: bool) -> Option<(usize, Context)> {
        let context = |torn| Context::Rows { table: self.table.clone(), shape: Shape::default(), torn };
        let mut at = 0;
        while at < want {
            match memchr::memchr(b'{', &bytes[at..]).map(|open| object_end(bytes, at + open)) {
                Some(Some(end)) => at = end,
                // An element that does not end: all of it, once there is no more; or a part, lest memory grows.
                Some(None) if !last && bytes.len() < crate::decode::lines::MAX_RECORD => {
                    return (at > 0).then(|| (at, context(false)));
                }
                _ if !last && at > 0 => break,
                _ if !last => return None,
                _ => return Some((bytes.len(), context(true))),
            }
        }
        // What is after the last element stays with it, so that a missing end is seen.
        let rest = bytes[at..]
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace() || matches!(byte, b',' | b']'))
            .count();
        if last && at + rest == bytes.len() {
            return Some((bytes.len(), context(true)));
        }
        Some((at, context(false)))
    }
}

/// Where the object that opens at `at` closes; `None` if it does not.
///
/// Counts braces outside strings; whether what is between them is JSON is for the row to say.
fn object_end(bytes: &[u8], at: usize) -> Option<usize> {
    let (mut depth, mut from) = (0_usize, at);
    loop {
        let hit = from + memchr::memchr3(b'{', b'}', b'"', bytes.get(from..)?)?;
        from = hit + 1;
        match bytes[hit] {
            b'{' => depth += 1,
            b'}' => {
                depth = depth.checked_sub(1)?;
                if depth == 0 {
                    return Some(from);
                }
            }
            _ => from = string_end(bytes, from)?,
        }
    }
}

fn string_end(bytes: &[u8], mut from: usize) -> Option<usize> {
    loop {
        let hit = from + memchr::memchr2(b'"', b'\\', bytes.get(from..)?)?;
        if bytes[hit] == b'"' {
            return Some(hit + 1);
        }
        from = hit + 2;
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::check;

    use super::*;

    const A: &str = r#"{"event_id":"01a20909-dd33-7125-80f1-dcbddf0901e5","stream_id":"a}","stream_version":1,"event_data":{"x":"]"}}"#;
    const B: &str = r#"{"event_id":"01a20909-dd33-7125-80f1-dcbddf0901e6","stream_id":"b","stream_version":2,"event_data":{}}"#;

    #[test]
    fn reads_elements_over_any_line_breaks() {
        check(
            &StoreJsonArray,
            &format!("[{A}, \n {B}]\n"),
            &[
                "1 - a}@1 01a20909-dd33-7125-80f1-dcbddf0901e5",
                "2 - b@2 01a20909-dd33-7125-80f1-dcbddf0901e6",
                "records 2 rejected 0 skipped 0",
            ],
        );
    }

    #[test]
    fn an_array_that_does_not_end_is_torn() {
        check(
            &StoreJsonArray,
            &format!("[{A},\n{}", &B[..90]),
            &[
                "1 - a}@1 01a20909-dd33-7125-80f1-dcbddf0901e5",
                "2 - b@2 01a20909-dd33-7125-80f1-dcbddf0901e6",
                "2 torn-tail b the last row is cut off after 90 bytes",
                "records 1 rejected 1 skipped 0",
            ],
        );
    }
}
