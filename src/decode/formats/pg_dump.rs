//! `pg_dump` in plain SQL: COPY blocks and INSERT statements.
//!
//! The cutter reads the dump's skeleton in order (where a statement ends, which COPY block opens, which columns a
//! table was created with); rows are decoded in parallel. A dump that ends inside a COPY block, or without the
//! comment that `pg_dump` writes last, is torn.

use std::{ops::Range, sync::Arc};

use crate::decode::{
    Chunk, Context, Cutter, Format, Head, Kind, Lexicon, Shape, lines, marks,
    rows::{self, Cell, Cells, RowAt},
    sql,
    sql_names::{plain_name, table_and_columns},
};
use crate::model::{Batch, FaultKind, Table};

#[derive(Debug)]
pub(crate) struct PgDump;

impl Format for PgDump {
    fn id(&self) -> &'static str {
        "pg-dump-plain"
    }

    fn kind(&self) -> Kind {
        Kind::Store
    }

    fn about(&self) -> &'static str {
        "pg_dump in plain SQL, with COPY blocks or INSERT statements"
    }

    fn sniff(&self, head: &Head<'_>, _: &Lexicon) -> u8 {
        let start = head.text.trim_ascii_start();
        let comments = start.starts_with("--");
        if comments && start.contains("-- PostgreSQL database dump") {
            return 100;
        }
        let statement =
            head.text.lines().any(|line| copy_header(line).is_some() || line.starts_with("INSERT INTO "));
        if statement { 60 } else { 0 }
    }

    fn cutter(&self, _: &Head<'_>, lexicon: &Arc<Lexicon>) -> Box<dyn Cutter> {
        Box::new(DumpCutter {
            lexicon: Arc::clone(lexicon),
            copy: None,
            created: Arc::default(),
            empty: Vec::new(),
            begun: 0,
            done: 0,
            database: String::new(),
        })
    }

    fn decode<'a>(&self, chunk: &Chunk<'a>, lexicon: &Lexicon) -> Batch<'a> {
        match chunk.context {
            Context::Rows { table, shape, torn } => copy_rows(chunk, table.as_ref(), shape, *torn),
            Context::Statements { created, empty, torn } => {
                sql::statements(chunk, created, empty, *torn, lexicon)
            }
            Context::None | Context::Text { .. } | Context::Columns { .. } => Batch::default(),
        }
    }
}

/// Reads the skeleton of a dump.
struct DumpCutter {
    lexicon: Arc<Lexicon>,
    /// The COPY block that is open.
    copy: Option<(Option<Arc<Table>>, Shape)>,
    created: Arc<crate::decode::CreatedTables>,
    /// Tables of blocks without a row, for the next statements to tell.
    empty: Vec<Arc<Table>>,
    /// How often the text says that a dump begins, and that one is complete.
    begun: usize,
    done: usize,
    /// Which database of several the tables are of (`pg_dumpall`, or dumps one behind the other).
    database: String,
}

impl Cutter for DumpCutter {
    fn cut(&mut self, bytes: &[u8], want: usize, last: bool) -> Option<(usize, Context)> {
        match self.copy.clone() {
            Some((table, shape)) => self.cut_rows(bytes, want, last, table, shape),
            None => self.cut_statements(bytes, want, last),
        }
    }
}

impl DumpCutter {
    fn cut_rows(
        &mut self,
        bytes: &[u8],
        want: usize,
        last: bool,
        table: Option<Arc<Table>>,
        shape: Shape,
    ) -> Option<(usize, Context)> {
        let rows = |torn| Context::Rows { table, shape, torn };
        let ends = |at: usize| ends_copy(&bytes[at..], last);
        let end = if ends(0) {
            Some(0)
        } else {
            memchr::memmem::find_iter(bytes, b"\n\\.").map(|at| at + 1).find(|at| ends(*at))
        };
        match end {
            // The line `\.` opens the statements that follow.
            Some(0) => {
                self.empty.extend(self.copy.take().and_then(|(table, _)| table));
                self.cut_statements(bytes, want, last)
            }
            Some(end) => {
                self.copy = None;
                Some((end, rows(false)))
            }
            None if last => Some((bytes.len(), rows(true))),
            None => match memchr::memrchr(b'\n', bytes) {
                Some(newline) => Some((newline + 1, rows(false))),
                None if bytes.len() >= lines::MAX_RECORD => Some((bytes.len(), rows(false))),
                None => None,
            },
        }
    }

    fn cut_statements(&mut self, bytes: &[u8], want: usize, last: bool) -> Option<(usize, Context)> {
        let mut at = 0;
        while at < bytes.len() && (at < want || at == 0) {
            let Some(end) = sql::statement_end(bytes, at, last) else { break };
            let statement = String::from_utf8_lossy(&bytes[at..end]);
            let statement = sql::without_comments(&statement);
            self.follow(&bytes[at..end]);
            at = end;
            if let Some((name, columns)) = copy_header(statement) {
                // One dump is of one database, whether it names it or not.
                let named = if self.begun > 1 { format!("{}.{name}", self.database) } else { name.clone() };
                let table = self.lexicon.table(&named, &columns).map(Arc::new);
                let fields = (columns.len(), columns.len());
                let shape = Shape { name, delimiter: b'\t', fields, header: 0, zoned: false };
                self.copy = Some((table, shape));
                break;
            }
            if let Some((name, columns)) = sql::created_table(statement) {
                Arc::make_mut(&mut self.created).insert(name, columns);
            }
        }
        // A statement that never ends: all that is left, or a part of it, lest memory grows.
        if at == 0 && (last || bytes.len() >= lines::MAX_RECORD) {
            at = bytes.len();
        }
        let torn = if last && at == bytes.len() { self.torn(bytes) } else { None };
        (at > 0).then(|| {
            let (created, empty) = (Arc::clone(&self.created), std::mem::take(&mut self.empty));
            (at, Context::Statements { created, empty, torn })
        })
    }

    /// Notes where a dump begins or ends, and which database it is of.
    fn follow(&mut self, statement: &[u8]) {
        for line in statement.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end) {
            match line {
                b"-- PostgreSQL database dump" => {
                    self.begun += 1;
                    if self.begun > 1 && self.database.is_empty() {
                        self.database = format!("dump-{}", self.begun);
                    }
                }
                b"-- PostgreSQL database cluster dump" => self.begun += 1,
                b"-- PostgreSQL database dump complete" | b"-- PostgreSQL database cluster dump complete" => {
                    self.done += 1;
                }
                _ => {
                    if let Some(name) = line.strip_prefix(b"\\connect ") {
                        self.database = plain_name(&String::from_utf8_lossy(name));
                    }
                }
            }
        }
    }

    fn torn(&self, bytes: &[u8]) -> Option<&'static str> {
        if self.copy.is_some() {
            return Some("the dump ends where a COPY block begins");
        }
        if self.begun > self.done {
            return Some("the comment that ends every dump, `PostgreSQL database dump complete`, is missing");
        }
        sql::open_statement(bytes).then_some("the dump ends inside a statement")
    }
}

/// Whether bytes begin with the line `\.`; a line whose end is not in sight is not known to be it.
fn ends_copy(bytes: &[u8], last: bool) -> bool {
    match lines::find(bytes, 0, b'\n') {
        Some(newline) => bytes[..newline].strip_suffix(b"\r").unwrap_or(&bytes[..newline]) == b"\\.",
        None => last && bytes.trim_ascii_end() == b"\\.",
    }
}

/// `COPY schema.table (a, b) FROM stdin;`: the name and the columns. Whatever its names are, rows follow it.
fn copy_header(line: &str) -> Option<(String, Vec<String>)> {
    let rest = line.trim_ascii().strip_prefix("COPY ")?;
    let from_stdin = |text: &str| text.trim_ascii_start().to_ascii_lowercase().starts_with("from stdin");
    match table_and_columns(rest) {
        (name, Some(columns), rest) => from_stdin(rest).then_some((name, columns)),
        (name, None, _) => {
            let (name, rest) = name.split_once(char::is_whitespace)?;
            from_stdin(rest).then(|| (name.to_owned(), Vec::new()))
        }
    }
}

fn copy_rows<'a>(chunk: &Chunk<'a>, table: Option<&Arc<Table>>, shape: &Shape, torn: bool) -> Batch<'a> {
    let mut batch = Batch::default();
    let Some(table) = table else {
        batch.note(&format!(
            "table {}: no store profile has these columns, its rows were not checked",
            shape.name
        ));
        for line in chunk.text.split_inclusive('\n') {
            batch.account.skipped(line.len());
        }
        if torn && chunk.last {
            sql::tear(&mut batch, chunk, &format!("the dump ends inside the COPY block of {}", shape.name));
        }
        return batch;
    };
    let mut cells = Cells::default();
    for (start, line) in lines::whole_lines(chunk.text) {
        let range = start..start + line.len();
        let at =
            RowAt { byte: chunk.start + range.start as u64, len: line.len(), damaged: chunk.damaged(&range) };
        copy_cells(chunk.text, start..start + lines::trim_end(line).len(), &mut cells);
        let width = cells.len();
        let cells = &mut cells[..];
        if torn && chunk.last && !line.ends_with('\n') {
            let detail = format!("the dump ends inside the COPY block of {}, in its last row", shape.name);
            rows::broken_row(&mut batch, table, at, cells, FaultKind::TornDump, detail);
        } else if width == shape.fields.0 {
            rows::row(&mut batch, table, at, cells);
        } else {
            let why = format!("{width} columns, expected {}", shape.fields.0);
            rows::broken_row(&mut batch, table, at, cells, FaultKind::MalformedRecord, why);
        }
    }
    if torn && chunk.last && chunk.text.ends_with('\n') {
        let end = RowAt { byte: chunk.start + chunk.text.len() as u64, len: 0, damaged: false };
        let detail = format!("the dump ends inside the COPY block of {}", shape.name);
        rows::broken_row(&mut batch, table, end, &mut [], FaultKind::TornDump, detail);
    }
    batch
}

/// The cells of a row of COPY's text format.
fn copy_cells<'a>(text: &'a str, row: Range<usize>, cells: &mut Cells<'a>) {
    cells.clear();
    let escapes = memchr::memchr(b'\\', &text.as_bytes()[row.clone()]).is_some();
    let mut push = |cell: Range<usize>| {
        let cell = &text[cell];
        cells.push(if escapes { copy_cell(cell) } else { Cell::Text(cell.into()) });
    };
    let mut start = row.start;
    for base in row.clone().step_by(marks::BLOCK) {
        let tabs = marks::mask_at(text.as_bytes(), base, |byte| byte == b'\t') & marks::below(row.end - base);
        for place in marks::places(tabs) {
            push(start..base + place);
            start = base + place + 1;
        }
    }
    push(start..row.end);
}

/// A cell of COPY's text format (`PostgreSQL` documentation, COPY, "Text Format").
fn copy_cell(cell: &str) -> Cell<'_> {
    if cell == "\\N" {
        return Cell::Null;
    }
    if !cell.contains('\\') {
        return Cell::Text(cell.into());
    }
    let mut bytes = Vec::with_capacity(cell.len());
    let mut rest = cell.as_bytes();
    while let Some(at) = memchr::memchr(b'\\', rest) {
        bytes.extend_from_slice(&rest[..at]);
        let (byte, taken) = copy_escape(&rest[at + 1..]);
        bytes.push(byte);
        rest = &rest[at + 1 + taken..];
    }
    bytes.extend_from_slice(rest);
    Cell::Text(String::from_utf8_lossy(&bytes).into_owned().into())
}

/// The byte that an escape stands for, and how many bytes after the backslash it takes.
fn copy_escape(rest: &[u8]) -> (u8, usize) {
    let number = |from: usize, most: usize, radix: u32| {
        let digits =
            rest[from..].iter().take(most).take_while(|byte| char::from(**byte).is_digit(radix)).count();
        let text = std::str::from_utf8(&rest[from..from + digits]).unwrap_or_default();
        (u32::from_str_radix(text, radix).unwrap_or_default() as u8, from + digits)
    };
    match rest.first() {
        Some(b'b') => (8, 1),
        Some(b'f') => (12, 1),
        Some(b'n') => (b'\n', 1),
        Some(b'r') => (b'\r', 1),
        Some(b't') => (b'\t', 1),
        Some(b'v') => (11, 1),
        Some(b'x') if rest.get(1).is_some_and(u8::is_ascii_hexdigit) => number(1, 2, 16),
        Some(b'0'..=b'7') => number(0, 3, 8),
        Some(other) => (*other, 1),
        None => (b'\\', 0),
    }
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::check;

    use super::*;

    const COPY: &str = concat!(
        "--\n-- PostgreSQL database dump\n--\n\n\\restrict abc\n\nSET x = 'a;b';\n",
        "CREATE TABLE public.eventcore_events (\n    event_id uuid NOT NULL,\n    stream_id text DEFAULT ';'::text\n);\n",
        "COPY public.eventcore_events (event_id, stream_id, stream_version, event_data, metadata) FROM stdin;\n",
        "01a20909-dd33-7125-80f1-dcbddf0901e5\ta\\tb\t1\t{\"x\": \"a\\\\nb\"}\t\\N\n",
        "01a20909-dd33-7125-80f1-dcbddf0901e6\ta\t2\n",
        "\\.\n\n",
        "COPY public.other (id) FROM stdin;\n1\n\\.\n\n",
        "CREATE FUNCTION f() RETURNS trigger AS $$ BEGIN; COPY x; END $$;\n",
    );

    #[test]
    fn reads_copy_blocks() {
        check(
            &PgDump,
            &format!("{COPY}--\n-- PostgreSQL database dump complete\n--\n"),
            &[
                "13 - a\tb@1 01a20909-dd33-7125-80f1-dcbddf0901e5",
                "14 - a@2 01a20909-dd33-7125-80f1-dcbddf0901e6",
                "14 malformed-record a 3 columns, expected 5",
                "note table public.other: no store profile has these columns, its rows were not checked",
                "records 1 rejected 1 skipped 6",
            ],
        );
    }

    #[test]
    fn a_dump_without_its_end_is_torn() {
        for (cut, expected) in [
            (
                COPY.len(),
                "22 torn-dump - the comment that ends every dump, `PostgreSQL database dump complete`, is missing",
            ),
            (
                COPY.find("\ta\t2").expect("there"),
                "14 torn-dump - the dump ends inside the COPY block of public.eventcore_events, in its last row",
            ),
            (
                COPY.find("01a20909-dd33-7125-80f1-dcbddf0901e6").expect("there"),
                "14 torn-dump - the dump ends inside the COPY block of public.eventcore_events",
            ),
        ] {
            let shown = crate::decode::testing::read(&PgDump, &COPY[..cut], 1 << 20);
            assert!(shown.iter().any(|line| line == expected), "{shown:#?}");
        }
    }

    #[test]
    fn several_statements_on_a_line_are_cut_alike() {
        check(
            &PgDump,
            "INSERT INTO a VALUES (1); SELECT 1;SELECT 'x;y'; SELECT 2\n;-- end\nSELECT 3",
            &[
                "note table a: no store profile has these columns, its rows were not checked",
                "3 torn-dump - the dump ends inside a statement",
                "records 0 rejected 1 skipped 5",
            ],
        );
    }

    #[test]
    fn reads_insert_statements() {
        check(
            &PgDump,
            concat!(
                "-- PostgreSQL database dump\nCREATE TABLE public.eventcore_events (\n    event_id uuid,\n    stream_id text,\n    stream_version bigint,\n",
                "    CONSTRAINT c CHECK ((stream_version > 0))\n);\n",
                "INSERT INTO public.eventcore_events (stream_version, event_id, stream_id) VALUES (1, '01a20909-dd33-7125-80f1-dcbddf0901e5', 'it''s; a'), (2, NULL, E'b\\'c');\n",
                "INSERT INTO public.eventcore_events VALUES ('01a20909-dd33-7125-80f1-dcbddf0901e6', 'line\nbreak', 3);\n",
                "SELECT pg_catalog.setval('public.s', 5, true);\n-- PostgreSQL database dump complete\n",
            ),
            &[
                "8 - it's; a@1 01a20909-dd33-7125-80f1-dcbddf0901e5",
                "8 - b'c@2 -",
                "8 invalid-event-id b'c `` is no UUID",
                "9 - line\nbreak@3 01a20909-dd33-7125-80f1-dcbddf0901e6",
                "records 3 rejected 0 skipped 2",
            ],
        );
    }
}
