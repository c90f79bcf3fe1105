//! Comma-separated text (RFC 4180), split so that one damaged row never swallows the next.
//!
//! The csv crate reads a field at a time and trusts every quote; here a row whose quotes do not close within sight,
//! or that closes them into a row of the wrong width, is given up at its own line end. The csv crate is the judge of
//! everything well-formed (see the tests).

use std::{borrow::Cow, ops::Range};

use super::{Context, Cutter, Shape, lines::find, marks};

/// How far a quoted field may run over line ends before its quote counts as damage.
const REACH: usize = 256 << 10;

/// One row, from its first byte to its line end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) end: usize,
    /// Whether its quotes close.
    pub(super) closed: bool,
}

/// The row that begins at `at`. `None`: more bytes are needed to tell.
pub(super) fn row(bytes: &[u8], at: usize, shape: &Shape, last: bool) -> Option<Row> {
    let line_end = |from: usize| find(bytes, from, b'\n').map(|newline| newline + 1);
    let Some(first) = line_end(at) else {
        return last.then(|| Row { end: bytes.len(), closed: quotes(&bytes[at..]).is_multiple_of(2) });
    };
    if quotes(&bytes[at..first]).is_multiple_of(2) {
        return Some(Row { end: first, closed: true });
    }
    let mut end = first;
    while end - at < REACH {
        let (next, whole) = match line_end(end) {
            Some(next) => (next, true),
            None if last => (bytes.len(), false),
            None => return None,
        };
        let odd = !quotes(&bytes[end..next]).is_multiple_of(2);
        end = next;
        if odd {
            return Some(if well_formed(&bytes[at..end], shape) {
                Row { end, closed: true }
            } else {
                Row { end: first, closed: false }
            });
        }
        if !whole {
            break;
        }
    }
    Some(Row { end: first, closed: false })
}

/// The row that begins at `at`, if it keeps to one line and all its quotes close: hands out its fields, as [`fields`]
/// would, and returns where it ends. `None` for any other, of which [`row`] is the judge; fields were handed out then
/// as well.
pub(super) fn plain_row(
    bytes: &[u8],
    at: usize,
    delimiter: u8,
    mut each: impl FnMut(Range<usize>),
) -> Option<usize> {
    let end = find(bytes, at, b'\n')?;
    let (mut start, mut open) = (at, 0);
    for base in (at..end).step_by(marks::BLOCK) {
        // Of the last block, what is behind the line's end belongs to other rows.
        let own = marks::below(end - base);
        let quoted = marks::between(marks::mask_at(bytes, base, |byte| byte == b'"') & own) ^ open;
        for place in marks::places(marks::mask_at(bytes, base, |byte| byte == delimiter) & own & !quoted) {
            each(start..base + place);
            start = base + place + 1;
        }
        // The highest bit tells how the block ends, and every bit of the next one begins like that.
        open = (quoted >> 63).wrapping_neg();
    }
    let until = if end > start && bytes[end - 1] == b'\r' { end - 1 } else { end };
    each(start..until);
    (open == 0).then_some(end + 1)
}

/// The fields of a row, as the bytes between delimiters, quotes and all; the line's end left out.
pub(super) fn fields(row: &[u8], delimiter: u8) -> Vec<Range<usize>> {
    let row = row.strip_suffix(b"\n").unwrap_or(row);
    let row = row.strip_suffix(b"\r").unwrap_or(row);
    let (mut fields, mut start, mut at) = (Vec::with_capacity(8), 0, 0);
    let mut quoted = false;
    while let Some(hit) = memchr::memchr2(b'"', delimiter, &row[at..]) {
        let here = at + hit;
        if row[here] == b'"' {
            quoted = !quoted;
        } else if !quoted {
            fields.push(start..here);
            start = here + 1;
        }
        at = here + 1;
    }
    fields.push(start..row.len());
    fields
}

/// Whether a row has the width of its table, and quotes only where RFC 4180 has them: around a whole field, and
/// doubled inside.
pub(super) fn well_formed(row: &[u8], shape: &Shape) -> bool {
    let fields = fields(row, shape.delimiter);
    let sound = |field: &[u8]| match field {
        [b'"', inner @ .., b'"'] => {
            inner.split(|byte| *byte == b'"').skip(1).step_by(2).all(<[u8]>::is_empty)
        }
        field => !field.contains(&b'"'),
    };
    (shape.fields.0..=shape.fields.1).contains(&fields.len())
        && fields.into_iter().all(|range| sound(&row[range]))
}

/// A field's text, and whether it stood in quotes (an empty field without quotes is NULL in what psql writes).
pub(super) fn unquote(field: &str) -> (Cow<'_, str>, bool) {
    unquote_into(field, 0..field.len(), String::new)
}

/// The same of a field in a text, in the room that is given where it has to be written anew.
pub(super) fn unquote_into(
    text: &str,
    field: Range<usize>,
    room: impl FnOnce() -> String,
) -> (Cow<'_, str>, bool) {
    let Some(inner) = text[field.clone()].strip_prefix('"') else {
        return (Cow::Borrowed(&text[field]), false);
    };
    let inner = inner.strip_suffix('"').unwrap_or(inner);
    match memchr::memchr(b'"', inner.as_bytes()) {
        None => (Cow::Borrowed(inner), true),
        Some(_) => {
            let start = field.start + 1;
            (Cow::Owned(undouble(text.as_bytes(), start..start + inner.len(), room())), true)
        }
    }
}

/// What is copied at once between two quotes: nearly every name and value of a payload is shorter, and to copy a
/// length that is known beforehand takes two steps instead of a call.
const STRIDE: usize = 48;

/// Each `""` of a range as `"`. A payload has some dozens of them, so this is the hot part of reading an export.
fn undouble(bytes: &[u8], range: Range<usize>, room: String) -> String {
    let mut text = room.into_bytes();
    text.clear();
    text.reserve(range.len() + STRIDE);
    // What is not yet written; and whether the block before ended with the first of two quotes.
    let (mut from, mut before) = (range.start, 0);
    for base in range.clone().step_by(marks::BLOCK) {
        let quotes = marks::mask_at(bytes, base, |byte| byte == b'"') & marks::below(range.end - base);
        // Two by two, each second quote goes: if it does follow its first.
        let firsts = quotes & (marks::between(quotes) ^ before);
        let seconds = quotes & !firsts;
        if seconds != firsts << 1 | before & 1 {
            return undouble_any(bytes, from, range.end, text);
        }
        for place in marks::places(seconds) {
            let second = base + place;
            match bytes[from..].first_chunk::<STRIDE>() {
                Some(stride) if second - from <= STRIDE => {
                    let whole = text.len() + second - from;
                    text.extend_from_slice(stride);
                    text.truncate(whole);
                }
                _ => text.extend_from_slice(&bytes[from..second]),
            }
            from = second + 1;
        }
        before = (firsts >> 63).wrapping_neg();
    }
    text.extend_from_slice(&bytes[from..range.end]);
    // Without one of two quotes a text is still a text.
    String::from_utf8(text).unwrap_or_default()
}

/// The same behind `from`, before which all is written, where a quote stands alone.
fn undouble_any(bytes: &[u8], mut from: usize, end: usize, mut text: Vec<u8>) -> String {
    while let Some(quote) = find(&bytes[..end], from, b'"') {
        text.extend_from_slice(&bytes[from..=quote]);
        from = quote + 1;
        from += usize::from(from < end && bytes[from] == b'"');
    }
    text.extend_from_slice(&bytes[from.min(end)..end]);
    String::from_utf8(text).unwrap_or_default()
}

fn quotes(bytes: &[u8]) -> usize {
    memchr::memchr_iter(b'"', bytes).count()
}

/// Ends pieces between rows.
pub(super) struct CsvCutter {
    /// Made for the first piece; the header is in no other.
    context: Context,
    shape: Shape,
}

impl CsvCutter {
    /// For rows of a context that is [`Context::Rows`] or [`Context::Columns`].
    pub(super) fn new(context: Context) -> CsvCutter {
        let shape = match &context {
            Context::Rows { shape, .. } | Context::Columns { shape, .. } => shape.clone(),
            Context::None | Context::Text { .. } | Context::Statements { .. } => Shape::default(),
        };
        CsvCutter { context, shape }
    }
}

impl Cutter for CsvCutter {
    fn cut(&mut self, bytes: &[u8], want: usize, last: bool) -> Option<(usize, Context)> {
        let header = match &self.context {
            Context::Rows { shape, .. } | Context::Columns { shape, .. } => shape.header,
            Context::None | Context::Text { .. } | Context::Statements { .. } => 0,
        };
        if bytes.len() < header && !last {
            return None;
        }
        let mut at = header.min(bytes.len());
        while at < bytes.len() && at < want {
            match row(bytes, at, &self.shape, last) {
                Some(row) => at = row.end,
                None if bytes.len() - at > super::lines::MAX_RECORD => at = bytes.len(),
                // What is whole can go, if it is anything.
                None if at > header => break,
                None => return None,
            }
        }
        if at == 0 {
            return None;
        }
        let context = self.context.clone();
        if let Context::Rows { shape, .. } | Context::Columns { shape, .. } = &mut self.context {
            shape.header = 0;
        }
        Some((at, context))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shape(fields: usize) -> Shape {
        Shape { delimiter: b',', fields: (fields, fields), ..Shape::default() }
    }

    fn rows(text: &str, width: usize) -> Vec<(bool, Vec<String>)> {
        let (mut rows, mut at) = (Vec::new(), 0);
        while at < text.len() {
            let row = row(text.as_bytes(), at, &shape(width), true).expect("last");
            let line = &text[at..row.end];
            let cells =
                fields(line.as_bytes(), b',').into_iter().map(|range| unquote(&line[range]).0.into_owned());
            rows.push((row.closed, cells.collect()));
            at = row.end;
        }
        rows
    }

    #[test]
    fn a_damaged_row_does_not_hide_the_next() {
        let found = rows("a,\"torn\n1,\"two\nlines\"\nb,c\n", 2);
        let shown: Vec<String> = found.iter().map(|(closed, cells)| format!("{closed} {cells:?}")).collect();
        assert_eq!(shown, [r#"false ["a", "torn"]"#, r#"true ["1", "two\nlines"]"#, r#"true ["b", "c"]"#]);
    }

    #[test]
    fn cuts_between_rows_only() {
        let text = b"h,i\n1,\"two\nlines\"\n3,4\n5,6\n";
        for want in 1..text.len() {
            let context = Context::Rows { table: None, shape: Shape { header: 4, ..shape(2) }, torn: false };
            let (cut, _) = CsvCutter::new(context).cut(text, want, true).expect("last");
            assert!([4, 18, 22, 26].contains(&cut) && cut >= want.min(26), "{want}: {cut}");
            let context = Context::Rows { table: None, shape: Shape { header: 4, ..shape(2) }, torn: false };
            let seen = CsvCutter::new(context).cut(&text[..want], want, false);
            assert!(seen.is_none_or(|(cut, _)| [4, 18, 22, 26].contains(&cut)), "{want}");
        }
    }

    /// The fields of a text that [`plain_row`] hands out, where it does.
    fn plain(text: &str, at: usize) -> Option<(usize, Vec<Range<usize>>)> {
        let mut fields = Vec::new();
        plain_row(text.as_bytes(), at, b',', |field| fields.push(field)).map(|end| (end, fields))
    }

    proptest! {
        #[test]
        fn the_short_way_gives_what_the_long_way_does(
            cells in prop::collection::vec("[a,\" \n\r;é]{0,6}|[ab,\"\n]{50,80}", 1..12),
            width in 1..4_usize,
            damage in prop::collection::vec((any::<prop::sample::Index>(), "[a,\"\n\r]{0,2}"), 0..4),
        ) {
            let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
            for row in cells.chunks(width) {
                writer.write_record(row).expect("memory");
            }
            let mut text: Vec<char> = String::from_utf8(writer.into_inner().expect("memory")).expect("text").chars().collect();
            for (at, with) in damage {
                let at = at.index(text.len());
                text.splice(at..=at, with.chars());
                if text.is_empty() {
                    text.push('a');
                }
            }
            let text: String = text.into_iter().collect();
            for (start, _) in text.char_indices() {
                let judged = row(text.as_bytes(), start, &shape(width), true).expect("last");
                let line = &text[start..judged.end];
                let expected = fields(line.as_bytes(), b',').into_iter().map(|field| start + field.start..start + field.end);
                if let Some((end, found)) = plain(&text, start) {
                    prop_assert_eq!((end, true), (judged.end, judged.closed), "{:?}", &text[start..]);
                    prop_assert_eq!(found, expected.collect::<Vec<_>>());
                } else {
                    // Nothing plain is left to the long way.
                    let one_line = line.ends_with('\n') && line.matches('\n').count() == 1 && line.matches('"').count().is_multiple_of(2);
                    prop_assert!(!one_line, "{:?}", line);
                }
                let whole = undouble(text.as_bytes(), start..judged.end, "before".to_owned());
                prop_assert_eq!(whole, line.replace("\"\"", "\""));
            }
        }

        #[test]
        fn agrees_with_the_csv_crate(cells in prop::collection::vec(prop::collection::vec("[a,\" \n\r;]{0,6}", 3), 1..6)) {
            let mut writer = csv::Writer::from_writer(Vec::new());
            for row in &cells {
                writer.write_record(row).expect("memory");
            }
            let text = String::from_utf8(writer.into_inner().expect("memory")).expect("text");
            let found: Vec<Vec<String>> = rows(&text, 3).into_iter().map(|(_, cells)| cells).collect();
            prop_assert_eq!(found, cells);
        }
    }

    #[test]
    #[expect(clippy::print_stderr, reason = "a skipped test says so loudly")]
    fn passes_the_public_spectrum() {
        let folder =
            std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/corpora/csv-spectrum/csvs");
        let Ok(files) = std::fs::read_dir(&folder) else {
            eprintln!("SKIPPED: {} is not here; the property test above still holds", folder.display());
            return;
        };
        for file in files {
            let path = file.expect("listed").path();
            let text = std::fs::read_to_string(&path).expect("readable");
            let mut reader =
                csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            let expected: Vec<Vec<String>> = reader
                .records()
                .map(|row| row.expect("well-formed").iter().map(str::to_owned).collect())
                .collect();
            let found: Vec<Vec<String>> =
                rows(&text, expected[0].len()).into_iter().map(|(_, cells)| cells).collect();
            assert_eq!(found, expected, "{}", path.display());
        }
    }
}
