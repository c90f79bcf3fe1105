//! What data files say of stores and loggers: tables, columns, numbering rules, field names. Loaded by `decode::lexicon`.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use super::{record::NameNumber, values::Meant};

/// How one event store lays out its tables (`patterns/stores/*.toml`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreProfile {
    /// Kebab-case, equal to the file's name.
    pub id: String,
    pub about: String,
    /// Where the facts come from.
    pub source: String,
    #[serde(rename = "table")]
    pub tables: Vec<TableRules>,
    /// Rows of this store with the verdict that they must get: the profile's own tests.
    #[serde(rename = "sample", default)]
    pub samples: Vec<StoreSample>,
}

/// One kind of table of a store: what its columns mean, and what its writer guarantees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableRules {
    pub role: TableRole,
    /// Usual names, without schema; `*` stands for any text. A table of another name is recognised by its columns.
    #[serde(default)]
    pub names: Vec<String>,
    /// Alternatives for each meaning, the first that is there wins. `a+b` joins two columns with a slash.
    pub columns: BTreeMap<Meaning, Vec<String>>,
    /// Meanings without which the profile is not taken, beside the role's own.
    #[serde(default)]
    pub required: Vec<Meaning>,
    /// Columns that must be there for the profile to be taken.
    #[serde(default)]
    pub also: Vec<String>,
    /// Columns that must not be there.
    #[serde(default)]
    pub without: Vec<String>,
    /// Whether the table is known by its name alone: its columns could be anything's.
    #[serde(default)]
    pub by_name: bool,
    /// Parts of a joined stream id that say nothing (`*DEFAULT*`), left out of it.
    #[serde(default)]
    pub unnamed_parts: Vec<String>,
    /// Rows that are counted and judged no further: bookkeeping, tombstones, links.
    #[serde(default)]
    pub leave_out: Vec<Filter>,
    #[serde(default)]
    pub id_shape: IdShape,
    #[serde(default)]
    pub ids_repeat: Repeat,
    #[serde(default)]
    pub payload: PayloadShape,
    /// Version of a stream's first event; more than one where generations of the store differ: then the base
    /// that most streams of the dump show is taken.
    #[serde(default)]
    pub first_version: Vec<i64>,
    /// What versions that are missing inside a stream mean.
    #[serde(default)]
    pub gaps: Absence,
    /// What versions that are missing at a stream's head mean.
    #[serde(default)]
    pub heads: Absence,
    /// Types of event that may open a stream at any version (`compacted*`).
    #[serde(default)]
    pub openers: Vec<String>,
    /// Whether a row may have no version.
    #[serde(default)]
    pub unversioned: bool,
    #[serde(default)]
    pub positions: Positions,
    /// The sequences that positions are drawn from; `*` stands for any text.
    #[serde(default)]
    pub sequences: Vec<String>,
    /// What a checkpoint counts in.
    #[serde(default)]
    pub counts: Counts,
    #[serde(default)]
    pub means: PositionMeans,
    /// Which events a projection with a checkpoint reads.
    #[serde(default)]
    pub reads: Reads,
    /// Positions of a projection that has not begun.
    #[serde(default)]
    pub not_begun: Vec<String>,
    /// Whether a stream table that disagrees with the events is a fault.
    #[serde(default)]
    pub heads_kept: HeadsKept,
}

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Meaning {
    /// The stream; of a checkpoint, the projection.
    Stream,
    /// Number of the event in its stream; of a checkpoint, its position; of a stream table, the stream's head.
    Version,
    Id,
    Type,
    Payload,
    Metadata,
    Time,
    /// Number of the event in the whole store.
    Position,
    Causation,
    Correlation,
    /// Whether the row was put away: it may stand beside a live row of the same stream and version.
    Archived,
    /// Versions by stream as a JSON object (a snapshot of several streams).
    Versions,
}

/// What a recognised table is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TableRole {
    #[default]
    Events,
    /// Events without their stream, which another table links to (the other half of [`TableRole::Events`]).
    Bodies,
    Checkpoints,
    Snapshots,
    /// A row a stream, with its head.
    Streams,
}

/// Rows whose value is one of these; `*` stands for any text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Filter {
    pub column: String,
    /// One of these values.
    #[serde(default)]
    pub is: Vec<String>,
    /// Any value but that of this other column.
    #[serde(default)]
    pub differs_from: Option<String>,
}

/// What an event id looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdShape {
    #[default]
    Uuid,
    Text,
}

/// Where an event id may occur again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Repeat {
    #[default]
    Never,
    /// In another stream; twice in one stream is suspicious.
    InOtherStreams,
    Anywhere,
}

/// What a payload holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PayloadShape {
    #[default]
    Json,
    /// JSON where it looks like JSON; bytes of another kind are left alone.
    Any,
}

/// What it means that a number is missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Absence {
    /// The store never leaves one out: an event was lost.
    #[default]
    Lost,
    /// The store can delete single events: worth a warning.
    Suspicious,
    /// The store leaves holes by design, or truncates by policy: worth an observation.
    Expected,
}

/// How positions in the whole store are numbered, the strongest promise first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Positions {
    /// Unique, without holes, and given out in the order of commits.
    Gapless,
    /// Unique in the store; holes are normal.
    #[default]
    Unique,
    /// Each tenant or partition numbers for itself.
    Repeating,
}

/// What a checkpoint's position is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Counts {
    #[default]
    EventId,
    /// A position in the whole store: a number, the number behind a colon (`txid:position`), or the `index` of a JSON
    /// token.
    Position,
    /// A number of this copy alone, which nothing else in it repeats.
    Local,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PositionMeans {
    #[default]
    LastRead,
    NextToRead,
}

/// Which events a projection reads: what waits behind its checkpoint can be counted only where that is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reads {
    /// Every event of the store.
    #[default]
    All,
    /// Those of one type, the type of the event at its checkpoint.
    EventType,
    /// A part of them that nothing in the store names: a category, a filter.
    Some,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeadsKept {
    #[default]
    Always,
    /// The store stopped keeping the table up at some version: a mismatch is an observation.
    Sometimes,
}

/// Rows in a store's own shape, and the verdict on them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreSample {
    pub name: String,
    /// A file of any form that coroner reads.
    pub text: String,
    /// `kind` or `kind stream` of each fault above info, in order of kind; empty where the rows are clean.
    #[serde(default)]
    pub faults: Vec<String>,
}

/// A table of a dump or export, matched with a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Profile id.
    pub profile: String,
    /// Schema of the dump; empty in exports. Partitions of one table share it, so that they are one store.
    pub schema: String,
    pub columns: Columns,
    pub rules: Arc<TableRules>,
}

impl Table {
    pub fn role(&self) -> TableRole {
        self.rules.role
    }
}

/// Where each meaning stands in a row, from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// All names, in order.
    pub names: Vec<String>,
    /// Its parts, in order: most stores have one.
    pub stream: Vec<usize>,
    pub version: Option<usize>,
    pub id: Option<usize>,
    pub kind: Option<usize>,
    pub payload: Option<usize>,
    pub metadata: Option<usize>,
    pub time: Option<usize>,
    pub position: Option<usize>,
    pub causation: Option<usize>,
    pub correlation: Option<usize>,
    pub archived: Option<usize>,
    pub versions: Option<usize>,
    /// For each of the rules' filters, its column and the one it is compared with.
    pub filters: Vec<(usize, Option<usize>)>,
}

impl Default for TableRules {
    fn default() -> TableRules {
        TableRules {
            role: TableRole::default(),
            names: Vec::new(),
            columns: BTreeMap::new(),
            required: Vec::new(),
            also: Vec::new(),
            without: Vec::new(),
            by_name: false,
            unnamed_parts: Vec::new(),
            leave_out: Vec::new(),
            id_shape: IdShape::default(),
            ids_repeat: Repeat::default(),
            payload: PayloadShape::default(),
            first_version: vec![1],
            gaps: Absence::default(),
            heads: Absence::default(),
            openers: Vec::new(),
            unversioned: false,
            positions: Positions::default(),
            sequences: Vec::new(),
            counts: Counts::default(),
            means: PositionMeans::default(),
            reads: Reads::default(),
            not_begun: Vec::new(),
            heads_kept: HeadsKept::default(),
        }
    }
}

/// Whether a text fits a name of a profile, in which `*` stands for any text.
pub fn fits(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((start, rest)) => text.strip_prefix(start).is_some_and(|text| {
            rest.is_empty() || text.char_indices().any(|(at, _)| fits(rest, &text[at..])) || fits(rest, "")
        }),
    }
}

/// What a log entry's field is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Time,
    Level,
    Message,
    Error,
}

/// The names that loggers give to the roles (`patterns/fields.toml`): role, and rank (lower wins).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldNames {
    /// Numbers in `known`, by name.
    pub numbers: HashMap<String, u16, foldhash::fast::FixedState>,
    pub known: Vec<KnownName>,
    /// Words in lower case that say that time ran out.
    pub timed_out: Vec<String>,
    pub traces: TraceWords,
}

/// Words, in lower case, that say where a unit of work stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TraceWords {
    pub starts: Vec<String>,
    pub ends: Vec<String>,
    pub writes: Vec<String>,
}

/// All that is known of one name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KnownName {
    /// And its rank among the names of that role.
    pub role: Option<(Role, usize)>,
    /// An object whose members are the entry's own fields.
    pub flatten: bool,
    /// An object that is looked into for a role, as `object.member`.
    pub nested: bool,
    /// An object, or a list of them, whose members are values of the entry.
    pub context: bool,
    /// A name may mean two things: a job is an operation too.
    pub values: Vec<Meant>,
}

impl FieldNames {
    pub fn get(&self, name: &str) -> NameNumber {
        self.numbers.get(name).map_or(NameNumber::None, |number| NameNumber::Known(*number))
    }

    pub fn of(&self, number: NameNumber) -> Option<&KnownName> {
        match number {
            NameNumber::Known(number) => self.known.get(usize::from(number)),
            NameNumber::None | NameNumber::Unasked => None,
        }
    }

    /// The entry of a name, new if need be.
    pub fn entry(&mut self, name: String) -> &mut KnownName {
        let next = self.known.len();
        let number = usize::from(*self.numbers.entry(name).or_insert(next as u16));
        if number == next {
            self.known.push(KnownName::default());
        }
        &mut self.known[number]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("mt_events", "mt_events", true),
            ("mt_events_*", "mt_events_default", true),
            ("mt_events_*", "mt_events", false),
            ("*_tracking", "app_tracking", true),
            ("$*", "$ce-account", true),
            ("*", "", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b", "ab-", false),
        ] {
            assert_eq!(fits(pattern, text), expected, "{pattern} {text}");
        }
    }
}
