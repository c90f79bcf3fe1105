//! From pieces of text to records.
//!
//! To add a format: write `formats/<name>.rs` with a unit struct, `impl Format` and its tests, then add its `mod` line
//! and its row below. Logger field names and store layouts are data (`patterns/fields.toml`, `patterns/stores/`).
//!
//! A format answers three questions: is this mine (`sniff`), where may a piece end (`cutter`, sequential and cheap),
//! and what does it hold (`decode`, in parallel, never failing). Where records begin depends on the text alone, never
//! on where pieces end, so that any piece size gives the same records.

mod context;
mod csv_text;
mod entry;
mod formats {
    pub(super) mod cri_log;
    pub(super) mod csv_log;
    pub(super) mod eventcore_fs;
    pub(super) mod health_json;
    pub(super) mod json_log;
    pub(super) mod kubectl_describe;
    pub(super) mod kubectl_events;
    pub(super) mod kubectl_top;
    pub(super) mod otlp_json;
    pub(super) mod pg_blocking;
    pub(super) mod pg_csvlog;
    pub(super) mod pg_dump;
    pub(super) mod pg_jsonlog;
    pub(super) mod pg_locks;
    pub(super) mod pg_sizes;
    pub(super) mod pg_stat_activity;
    pub(super) mod pg_stat_indexes;
    pub(super) mod pg_stat_statements;
    pub(super) mod pg_stderr;
    pub(super) mod prometheus_text;
    pub(super) mod store_csv;
    pub(super) mod store_json_array;
    pub(super) mod store_jsonl;
    pub(super) mod text_log;
}
mod grid;
mod json;
mod kubectl;
mod lexicon;
mod lines;
mod marks;
mod metrics;
mod oddities;
mod recognise;
mod relation;
mod rows;
mod sql;
mod sql_names;
mod tables;
#[cfg(test)]
mod testing;
mod time;
mod turns;
mod units;

use std::sync::Arc;

pub use context::ValueReader;
pub use lexicon::{Lexicon, LexiconError, StoreChoice};
pub use metrics::Metrics;
pub use recognise::Recognised;
pub use time::parse as parse_time;
pub use turns::Turns;

use crate::model::{Batch, Place, Table};

/// Every format, most specific first: ties in `sniff` go to the earlier row.
pub const FORMATS: &[&dyn Format] = &[
    &formats::pg_jsonlog::PgJsonlog,
    &formats::pg_csvlog::PgCsvlog,
    &formats::pg_dump::PgDump,
    &formats::eventcore_fs::EventcoreFs,
    &formats::store_jsonl::StoreJsonl,
    &formats::store_json_array::StoreJsonArray,
    &formats::store_csv::StoreCsv,
    &formats::health_json::HealthJson,
    &formats::pg_blocking::PgBlocking,
    &formats::pg_locks::PgLocks,
    &formats::pg_stat_activity::PgStatActivity,
    &formats::pg_stat_statements::PgStatStatements,
    &formats::pg_stat_indexes::PgStatIndexes,
    &formats::pg_sizes::PgSizes,
    &formats::prometheus_text::PrometheusText,
    &formats::csv_log::CsvLog,
    &formats::kubectl_describe::KubectlDescribe,
    &formats::kubectl_events::KubectlEvents,
    &formats::kubectl_top::KubectlTop,
    &formats::otlp_json::OtlpJson,
    &formats::json_log::JsonLog,
    &formats::cri_log::CriLog,
    &formats::pg_stderr::PgStderr,
    &formats::text_log::TextLog,
];

/// What kind of evidence a format is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Log,
    /// One of the forms in which a `PostgreSQL` server writes the same log: counted once, the lowest rank is kept.
    ServerLog {
        rank: u8,
    },
    Store,
    /// The state of something at one time: sessions, metrics, health.
    Snapshot,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Log | Kind::ServerLog { .. } => "log",
            Kind::Store => "store",
            Kind::Snapshot => "snapshot",
        }
    }
}

/// How to read one kind of input.
pub trait Format: Sync {
    /// Stable, kebab-case: in reports and for `--format`.
    fn id(&self) -> &'static str;

    fn kind(&self) -> Kind;

    /// One line for people.
    fn about(&self) -> &'static str;

    /// How sure we are, from 0 (no) to 100.
    fn sniff(&self, head: &Head<'_>, lexicon: &Lexicon) -> u8;

    /// Why a source that resembles this format is not it: what it lacks. `None` where there is no likeness.
    fn lacks(&self, _: &Head<'_>, _: &Lexicon) -> Option<String> {
        None
    }

    /// Finds where pieces may end; sees the source in order, from its first byte.
    fn cutter(&self, head: &Head<'_>, lexicon: &Arc<Lexicon>) -> Box<dyn Cutter>;

    /// Reads every record of a piece. Never fails: see [`Batch::problems`].
    fn decode<'a>(&self, chunk: &Chunk<'a>, lexicon: &Lexicon) -> Batch<'a>;
}

/// A format that a source resembles, and why it is not it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Likeness {
    pub format: &'static str,
    pub lacks: String,
}

/// What a source that nothing reads looks like, in the order of the formats.
pub fn likenesses(head: &Head<'_>, lexicon: &Lexicon) -> Vec<Likeness> {
    let like = |format: &&dyn Format| {
        let lacks = format.lacks(head, lexicon)?;
        Some(Likeness { format: format.id(), lacks })
    };
    FORMATS.iter().filter_map(like).collect()
}

/// The beginning of a source.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    pub text: &'a str,
    /// Whether that is all of it.
    pub whole: bool,
}

/// Says how many bytes to take, and what a decoder must know of what came before them.
pub trait Cutter: Send {
    /// `bytes` begin with a record (or follow a forced cut). Returns a length of at least `want` where that many are
    /// there, or `None` to be shown more. With `last`, everything left is in `bytes`.
    fn cut(&mut self, bytes: &[u8], want: usize, last: bool) -> Option<(usize, Context)>;
}

/// What a piece cannot know by itself.
#[derive(Clone, Debug, Default)]
pub enum Context {
    /// Nothing: every record explains itself.
    #[default]
    None,
    /// Plain text, and whether its entries begin with a time.
    Text { timed: bool },
    /// Rows of one table. `None`: no profile knows it, its rows are counted and left out.
    Rows { table: Option<Arc<Table>>, shape: Shape, torn: bool },
    /// Rows of a log, and what its columns are called.
    Columns { names: Arc<Vec<String>>, shape: Shape },
    /// SQL statements, with the column order of the tables created so far.
    Statements {
        created: Arc<CreatedTables>,
        /// Tables that turned out to have no rows.
        empty: Vec<Arc<Table>>,
        torn: Option<&'static str>,
    },
}

/// Columns by table name (`schema.table`), as `CREATE TABLE` gave them.
pub type CreatedTables = std::collections::BTreeMap<String, Vec<String>>;

/// How rows are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shape {
    /// Name of the table, where the source gives it.
    pub name: String,
    pub delimiter: u8,
    /// Fewest and most fields of a whole row.
    pub fields: (usize, usize),
    /// Length of the header in the first piece.
    pub header: usize,
    /// Whether the first row's time says its zone.
    pub zoned: bool,
}

/// A run of whole records.
#[derive(Clone, Copy, Debug)]
pub struct Chunk<'a> {
    /// Valid text: a byte that is no UTF-8 stands as `?`, so that offsets stay true.
    pub text: &'a str,
    /// Offset of the first byte in the source.
    pub start: u64,
    /// Line of the first byte, from 1.
    pub line: u64,
    /// Nothing follows in the source.
    pub last: bool,
    /// Offsets in `text` of the bytes that were no UTF-8, in order.
    pub invalid: &'a [usize],
    pub context: &'a Context,
}

impl Chunk<'_> {
    fn place(&self, offset: usize, line: u64) -> Place {
        Place { byte: self.start + offset as u64, line }
    }

    /// Whether a byte of this range was no UTF-8.
    fn damaged(&self, range: &std::ops::Range<usize>) -> bool {
        let from = self.invalid.partition_point(|offset| *offset < range.start);
        self.invalid.get(from).is_some_and(|offset| *offset < range.end)
    }
}

/// What a source was found to be.
#[expect(missing_debug_implementations, reason = "holds a trait object")]
pub enum Identity {
    Readable(&'static dyn Format),
    /// Nothing reads it; here is what it is.
    Named(Recognised),
}

/// A format less sure than this yields to a source that can be named for what it is.
const SURE: u8 = 30;

/// Finds the format that reads a source best, by its content alone. `bytes` are the head as found.
pub fn identify(bytes: &[u8], head: &Head<'_>, lexicon: &Lexicon) -> Identity {
    let mut best: Option<(u8, &'static dyn Format)> = None;
    for format in FORMATS {
        let sure = format.sniff(head, lexicon);
        if sure > best.map_or(0, |(sure, _)| sure) {
            best = Some((sure, *format));
        }
    }
    let mut named = recognise::recognise(bytes, head);
    // A table of a store that cannot be read must not look like one that was checked.
    if named.format == recognise::ALIGNED
        && lexicon.table("", &recognise::aligned_columns(head.text.trim_ascii_start())).is_some()
    {
        (named.kind, named.needed) = ("store", true);
    }
    match best {
        _ if named.format == recognise::REPORT => Identity::Named(named),
        Some((sure, format)) if sure >= SURE || named.format == recognise::UNKNOWN => {
            Identity::Readable(format)
        }
        Some(_) | None => Identity::Named(named),
    }
}
