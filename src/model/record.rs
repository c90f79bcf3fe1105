//! What a decoder hands over: log entries that borrow from their chunk, rows of stores, and what it could not read.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{
    event::{Sequence, TableRows},
    finding::Window,
    level::Level,
    place::Place,
    snapshot::Observation,
    time::{Timestamp, Zone},
};

/// One log entry, whatever wrote it.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    pub place: Place,
    pub time: Option<Timestamp>,
    pub level: Level,
    /// `None` where the logger wrote none: such entries exist and count.
    pub message: Option<Cow<'a, str>>,
    /// The error beside the message, where the logger has a field for it.
    pub error: Option<Cow<'a, str>>,
    /// Its named values: a range of [`Batch::fields`].
    pub fields: std::ops::Range<usize>,
}

/// A named value of an entry.
#[derive(Clone, Debug, PartialEq)]
pub struct Field<'a> {
    pub name: Cow<'a, str>,
    pub value: Value<'a>,
    pub known: NameNumber,
}

/// What the names of values say of a field's name: looked up once, while it is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameNumber {
    /// Not looked up yet.
    Unasked,
    /// No meaning.
    None,
    /// Number in [`super::FieldNames::known`].
    Known(u16),
}

impl<'a> Field<'a> {
    pub fn new(name: Cow<'a, str>, value: Value<'a>) -> Field<'a> {
        Field { name, value, known: NameNumber::Unasked }
    }
}

/// A value as text: strings without their quotes, the rest as written.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    Text(Cow<'a, str>),
    /// A number, `true` or `false`.
    Bare(Cow<'a, str>),
    /// An object or an array, as JSON.
    Nested(Cow<'a, str>),
}

impl Value<'_> {
    pub fn text(&self) -> &str {
        match self {
            Value::Text(text) | Value::Bare(text) | Value::Nested(text) => text,
        }
    }

    /// The same value, borrowing from nothing.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Value::Bare(text) => Value::Bare(Cow::Owned(text.into_owned())),
            Value::Nested(text) => Value::Nested(Cow::Owned(text.into_owned())),
        }
    }
}

/// How many records, and how many unpacked bytes, went which way. Their sum is what was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub records: u64,
    pub rejected: u64,
    pub skipped: u64,
    pub bytes_decoded: u64,
    pub bytes_rejected: u64,
    pub bytes_skipped: u64,
}

impl Account {
    pub fn decoded(&mut self, bytes: usize) {
        self.records += 1;
        self.bytes_decoded += bytes as u64;
    }

    pub fn rejected(&mut self, bytes: usize) {
        self.rejected += 1;
        self.bytes_rejected += bytes as u64;
    }

    pub fn skipped(&mut self, bytes: usize) {
        self.skipped += 1;
        self.bytes_skipped += bytes as u64;
    }

    pub fn bytes(&self) -> u64 {
        self.bytes_decoded + self.bytes_rejected + self.bytes_skipped
    }

    pub fn add(&mut self, other: Account) {
        let Account { records, rejected, skipped, bytes_decoded, bytes_rejected, bytes_skipped } = other;
        self.records += records;
        self.rejected += rejected;
        self.skipped += skipped;
        self.bytes_decoded += bytes_decoded;
        self.bytes_rejected += bytes_rejected;
        self.bytes_skipped += bytes_skipped;
    }
}

/// Input that was not understood: data about the run, not an error of the run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Problem {
    pub place: Place,
    pub why: String,
}

/// Everything decoded from one chunk. Decoding cannot fail: what could not be read is listed beside what could.
#[derive(Debug, Default)]
pub struct Batch<'a> {
    pub entries: Vec<Entry<'a>>,
    pub fields: Vec<Field<'a>>,
    pub tables: Vec<TableRows<'a>>,
    pub sequences: Vec<Sequence>,
    /// Of a snapshot.
    pub observations: Vec<Observation>,
    /// When a snapshot was taken, where its content says so.
    pub taken_at: Option<Timestamp>,
    pub problems: Vec<Problem>,
    pub account: Account,
    /// Weakest zone basis of the chunk's times.
    pub zone: Zone,
    /// Of rows, where a row has a time; entries carry their own.
    pub rows: Window,
    /// What the source should say of itself once, however often it was seen (sorted, short).
    pub notes: Vec<String>,
}

impl<'a> Batch<'a> {
    pub fn fields_of(&self, entry: &Entry<'_>) -> &[Field<'a>] {
        &self.fields[entry.fields.clone()]
    }

    pub fn note(&mut self, note: &str) {
        if !self.notes.iter().any(|known| known == note) {
            self.notes.push(note.to_owned());
        }
    }

    pub fn saw_zone(&mut self, zone: Zone) {
        self.zone = self.zone.max(zone);
    }

    /// Counts a record as rejected and says why.
    pub fn reject(&mut self, place: Place, bytes: usize, why: impl Into<String>) {
        self.account.rejected(bytes);
        self.problems.push(Problem { place, why: why.into() });
    }
}
