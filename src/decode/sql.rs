//! As much SQL as a dump needs: where a statement ends, what a table's columns are, what an INSERT holds.

use std::sync::Arc;

use crate::model::{Batch, Columns, FaultKind, Sequence, Table};

use super::{
    Chunk, CreatedTables, Lexicon, lines,
    rows::{self, Cell, RowAt},
    sql_names::{first_name, plain_name, table_and_columns},
};

/// Where the statement that begins at `at` ends: behind its semicolon and the rest of that line, or behind a line of
/// psql's (`\restrict`, `\.`) or blank lines and comments alone. `None`: its end is not in sight.
pub(super) fn statement_end(bytes: &[u8], at: usize, last: bool) -> Option<usize> {
    let mut from = at;
    loop {
        // At a line's start, outside everything: comments, blank lines and psql's commands stand alone.
        let line_end = lines::find(bytes, from, b'\n').map(|newline| newline + 1);
        let line = &bytes[from..line_end.unwrap_or(bytes.len())];
        let alone = line.trim_ascii().is_empty() || line.starts_with(b"--") || line.starts_with(b"\\");
        if !alone {
            break;
        }
        match line_end {
            Some(end) if line.starts_with(b"\\") => return Some(end),
            Some(end) if end == bytes.len() => return Some(end),
            Some(end) => from = end,
            None => return last.then_some(bytes.len()),
        }
    }
    if from > at {
        return Some(from);
    }
    let semicolon = semicolon(bytes, from)?;
    // What follows on the line is the next statement's, unless it is blank.
    let line_end = match lines::find(bytes, semicolon, b'\n') {
        Some(newline) => newline + 1,
        None if last => bytes.len(),
        None => return None,
    };
    let blank = bytes[semicolon + 1..line_end].trim_ascii().is_empty();
    Some(if blank { line_end } else { semicolon + 1 })
}

/// Whether bytes end inside a statement.
pub(super) fn open_statement(bytes: &[u8]) -> bool {
    let mut at = 0;
    while at < bytes.len() {
        match statement_end(bytes, at, false) {
            Some(end) => at = end,
            None => {
                let rest = bytes[at..].trim_ascii();
                return !(rest.is_empty()
                    || rest.starts_with(b"--")
                    || rest.starts_with(b"\\")
                    || rest.ends_with(b";"));
            }
        }
    }
    false
}

/// The first semicolon outside strings, quoted names, dollar quotes and comments.
fn semicolon(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        let hit = at
            + bytes.get(at..)?.iter().position(|byte| matches!(byte, b';' | b'\'' | b'"' | b'$' | b'-'))?;
        at = match bytes[hit] {
            b';' => return Some(hit),
            b'\'' => string_end(bytes, hit, hit > 0 && matches!(bytes[hit - 1], b'E' | b'e'))?,
            b'"' => hit + 2 + memchr::memchr(b'"', bytes.get(hit + 1..)?)?,
            b'$' => dollar_end(bytes, hit)?,
            _ if bytes.get(hit + 1) == Some(&b'-') => lines::find(bytes, hit, b'\n')?,
            _ => hit + 1,
        };
    }
}

/// Behind the string that opens at `at`. In an escape string (`E'...'`) a backslash takes the next character.
fn string_end(bytes: &[u8], at: usize, escapes: bool) -> Option<usize> {
    let mut from = at + 1;
    loop {
        let rest = bytes.get(from..)?;
        let hit =
            from + if escapes { memchr::memchr2(b'\'', b'\\', rest)? } else { memchr::memchr(b'\'', rest)? };
        // A backslash takes the next character, a quote its double.
        if bytes[hit] == b'\\' || bytes.get(hit + 1) == Some(&b'\'') {
            from = hit + 2;
        } else {
            return Some(hit + 1);
        }
    }
}

/// Behind the dollar-quoted string that opens at `at`, or behind the dollar if none opens.
fn dollar_end(bytes: &[u8], at: usize) -> Option<usize> {
    let tag =
        bytes[at + 1..].iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    match bytes.get(at + 1 + tag) {
        Some(b'$') => {
            let quote = &bytes[at..=at + 1 + tag];
            let from = at + quote.len();
            Some(from + memchr::memmem::find(&bytes[from..], quote)? + quote.len())
        }
        Some(_) => Some(at + 1),
        None => None,
    }
}

/// A statement behind the comments and blank lines before it.
pub(super) fn without_comments(statement: &str) -> &str {
    let mut rest = statement.trim_ascii_start();
    while rest.starts_with("--") {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest).trim_ascii_start();
    }
    rest
}

/// The name and column names of a `CREATE TABLE`, as `pg_dump` lays it out: a column a line.
pub(super) fn created_table(statement: &str) -> Option<(String, Vec<String>)> {
    let rest =
        ["CREATE TABLE ", "CREATE UNLOGGED TABLE "].iter().find_map(|start| statement.strip_prefix(start))?;
    let (name, columns, _) = table_and_columns(rest);
    columns?;
    // What stands behind the list says how the table is kept.
    let lines = rest.lines().skip(1).map(str::trim).take_while(|line| !line.starts_with(')'));
    let columns = lines.filter(|line| {
        !line.is_empty()
            && !["CONSTRAINT ", "PRIMARY ", "UNIQUE ", "CHECK ", "FOREIGN ", "EXCLUDE "]
                .iter()
                .any(|word| line.starts_with(word))
    });
    Some((name, columns.filter_map(first_name).collect()))
}

/// Reads the statements of a piece: the rows of INSERTs into known tables; the rest is skipped.
pub(super) fn statements<'a>(
    chunk: &Chunk<'a>,
    created: &CreatedTables,
    empty: &[Arc<Table>],
    torn: Option<&'static str>,
    lexicon: &Lexicon,
) -> Batch<'a> {
    let mut batch = Batch::default();
    for table in empty {
        rows::of_table(&mut batch, table);
    }
    let mut known: Vec<(String, Option<Arc<Table>>)> = Vec::new();
    let bytes = chunk.text.as_bytes();
    let mut at = 0;
    while at < bytes.len() {
        let end = statement_end(bytes, at, true).unwrap_or(bytes.len());
        let text = &chunk.text[at..end];
        let statement = without_comments(text);
        let from = at + (text.len() - statement.len());
        // pg_dump never indents: what is indented stands in the body of a function.
        let indented = from > 0 && bytes[from - 1] == b' ';
        match statement.strip_prefix("INSERT INTO ").filter(|_| !indented) {
            Some(insert) => {
                batch.account.bytes_skipped += (from - at) as u64;
                let offset = from + (statement.len() - insert.len());
                inserts(
                    &mut batch,
                    chunk,
                    &Insert { text: insert, offset, whole: from..end },
                    created,
                    lexicon,
                    &mut known,
                );
            }
            // pg_dump's skeleton is many lines of little interest: what counts as skipped is a statement.
            None if statement.trim_ascii().is_empty() || statement.starts_with('\\') => {
                batch.account.bytes_skipped += text.len() as u64;
            }
            None => {
                batch.sequences.extend(sequence(statement, chunk.start + from as u64));
                batch.account.skipped(text.len());
            }
        }
        at = end;
    }
    if let Some(why) = torn {
        tear(&mut batch, chunk, why);
    }
    batch
}

/// `SELECT pg_catalog.setval('schema.name', 5, true);`: with `false` the number is the next one, not the last.
fn sequence(statement: &str, byte: u64) -> Option<Sequence> {
    let rest = statement.strip_prefix("SELECT pg_catalog.setval('")?;
    let (name, rest) = rest.split_once("',")?;
    let (value, called) = rest.split_once(')')?.0.split_once(',')?;
    let value: i64 = value.trim().parse().ok()?;
    let last = if called.trim() == "true" { value } else { value - 1 };
    Some(Sequence { byte, name: plain_name(name), last })
}

/// States that a dump is torn where no table's rows are at hand: the fault is of the source, and is given to its
/// store when all of it is read.
pub(super) fn tear(batch: &mut Batch<'_>, chunk: &Chunk<'_>, why: &str) {
    let source = Arc::new(Table {
        profile: String::new(),
        schema: String::new(),
        columns: Columns::default(),
        rules: Arc::default(),
    });
    let end = RowAt { byte: chunk.start + chunk.text.len() as u64, len: 0, damaged: false };
    rows::broken_row(batch, &source, end, &mut [], FaultKind::TornDump, why.to_owned());
}

struct Insert<'a> {
    /// Behind `INSERT INTO `.
    text: &'a str,
    /// Of `text` in the chunk.
    offset: usize,
    /// The statement in the chunk.
    whole: std::ops::Range<usize>,
}

fn inserts<'a>(
    batch: &mut Batch<'a>,
    chunk: &Chunk<'a>,
    insert: &Insert<'a>,
    created: &CreatedTables,
    lexicon: &Lexicon,
    known: &mut Vec<(String, Option<Arc<Table>>)>,
) {
    let Some(values) = insert.text.find(" VALUES").filter(|at| *at < 4096) else {
        batch.account.skipped(insert.whole.len());
        return;
    };
    let head = &insert.text[..values];
    if !known.iter().any(|(name, _)| name == head) {
        known.push((head.to_owned(), insert_table(head, created, lexicon).map(Arc::new)));
    }
    let table = known.iter().find(|(name, _)| name == head).and_then(|(_, table)| table.clone());
    let Some(table) = table else {
        let name = head.split('(').next().unwrap_or(head).trim();
        batch.note(&format!("table {name}: no store profile has these columns, its rows were not checked"));
        batch.account.skipped(insert.whole.len());
        return;
    };
    let width = table.columns.names.len();
    let mut at = values + " VALUES".len();
    let mut spent = insert.whole.start;
    while let Some((mut cells, start, end)) = tuple(insert.text, at) {
        at = end;
        // Each row answers for the bytes up to its end, the last one for the statement's.
        let next_row = insert.text[at..].trim_ascii_start().starts_with(',');
        let upto = if next_row { insert.offset + end } else { insert.whole.end };
        let range = insert.offset + start..insert.offset + end;
        let row = RowAt {
            byte: chunk.start + range.start as u64,
            len: upto - spent,
            damaged: chunk.damaged(&range),
        };
        spent = upto;
        if cells.len() == width {
            rows::row(batch, &table, row, &mut cells);
        } else {
            let why = format!("{} values, expected {width}", cells.len());
            rows::broken_row(batch, &table, row, &mut cells, FaultKind::MalformedRecord, why);
        }
        if !next_row {
            return;
        }
    }
    if spent < insert.whole.end {
        let row = RowAt { byte: chunk.start + spent as u64, len: insert.whole.end - spent, damaged: false };
        rows::broken_row(
            batch,
            &table,
            row,
            &mut [],
            FaultKind::MalformedRecord,
            "an INSERT whose values cannot be read".to_owned(),
        );
    }
}

/// The table of `schema.table (a, b)`, or of `schema.table` with the columns it was created with.
fn insert_table(head: &str, created: &CreatedTables, lexicon: &Lexicon) -> Option<Table> {
    let head = [" OVERRIDING SYSTEM VALUE", " OVERRIDING USER VALUE"]
        .iter()
        .find_map(|clause| head.strip_suffix(clause))
        .unwrap_or(head);
    match table_and_columns(head) {
        (name, Some(columns), _) => lexicon.table(&name, &columns),
        (name, None, _) => lexicon.table(&name, created.get(&name)?),
    }
}

/// The next `(a, 'b', NULL)` at or after `at`: its cells, where it opens and where it ends.
fn tuple(text: &str, at: usize) -> Option<(Vec<Cell<'_>>, usize, usize)> {
    let bytes = text.as_bytes();
    let start = at + text.get(at..)?.find('(')?;
    let (mut cells, mut at) = (Vec::new(), start + 1);
    loop {
        at += text[at..].len() - text[at..].trim_ascii_start().len();
        let escapes = bytes.get(at).is_some_and(|byte| matches!(byte, b'E' | b'e'))
            && bytes.get(at + 1) == Some(&b'\'');
        at += usize::from(escapes);
        if bytes.get(at)? == &b'\'' {
            let end = string_end(bytes, at, escapes)?;
            cells.push(Cell::Text(unquote(&text[at + 1..end - 1], escapes)));
            at = end;
            // A cast behind the value, `'...'::jsonb`.
            at += text[at..].find([',', ')'])?;
        } else {
            let end = at + text[at..].find([',', ')'])?;
            let bare = text[at..end].trim_ascii();
            cells.push(if bare.eq_ignore_ascii_case("null") { Cell::Null } else { Cell::Text(bare.into()) });
            at = end;
        }
        at += 1;
        if bytes[at - 1] == b')' {
            return Some((cells, start, at));
        }
    }
}

fn unquote(text: &str, escapes: bool) -> std::borrow::Cow<'_, str> {
    if escapes {
        let mut plain = String::with_capacity(text.len());
        let mut chars = text.replace("''", "'").chars().collect::<Vec<_>>().into_iter();
        while let Some(c) = chars.next() {
            plain.push(match c {
                '\\' => match chars.next() {
                    Some('n') => '\n',
                    Some('t') => '\t',
                    Some('r') => '\r',
                    Some(other) => other,
                    None => '\\',
                },
                c => c,
            });
        }
        return plain.into();
    }
    if text.contains('\'') { text.replace("''", "'").into() } else { text.into() }
}
