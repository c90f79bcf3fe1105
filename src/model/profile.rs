//! What data files say of stores and loggers: column names, first versions, field names. Loaded by `decode::lexicon`.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

/// How one event store lays out its tables (`patterns/stores/*.toml`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoreProfile {
    /// Kebab-case, equal to the file's name.
    pub id: String,
    pub about: String,
    /// Where the facts come from.
    pub source: String,
    pub events: EventColumns,
    #[serde(default)]
    pub checkpoints: Option<CheckpointColumns>,
}

/// The columns of the events table, by what they mean. A list is of alternatives, first found wins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventColumns {
    /// Usual table names, without schema; a table of another name is recognised by its columns.
    #[serde(default)]
    pub tables: Vec<String>,
    pub stream: Vec<String>,
    pub version: Vec<String>,
    pub id: Vec<String>,
    #[serde(default)]
    pub id_shape: IdShape,
    #[serde(default)]
    pub payload: Vec<String>,
    #[serde(default)]
    pub metadata: Vec<String>,
    #[serde(default)]
    pub time: Vec<String>,
    /// Version of a stream's first event; more than one where generations of the store differ: then the base
    /// that most streams of the dump show is taken.
    pub first_version: Vec<i64>,
    /// Columns that must be there beside stream, version and id for the profile to be taken.
    #[serde(default)]
    pub also: Vec<String>,
}

/// What an event id looks like.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum IdShape {
    #[default]
    Uuid,
    Text,
}

/// The columns of the table that remembers how far each projection has read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckpointColumns {
    #[serde(default)]
    pub tables: Vec<String>,
    pub name: Vec<String>,
    pub position: Vec<String>,
    #[serde(default)]
    pub updated: Vec<String>,
}

/// What a recognised table is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TableRole {
    Events,
    Checkpoints,
}

/// A table of a dump or export, matched with a profile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    /// Profile id.
    pub profile: String,
    /// Schema of the dump; empty in exports. Partitions of one table share it, so that they are one store.
    pub schema: String,
    pub role: TableRole,
    pub id_shape: IdShape,
    pub first_versions: Vec<i64>,
    pub columns: Columns,
}

/// Where each meaning stands in a row, from 0.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Columns {
    /// All names, in order.
    pub names: Vec<String>,
    /// Stream id, or the projection's name.
    pub stream: Option<usize>,
    /// Stream version, or the checkpoint's position.
    pub version: Option<usize>,
    pub id: Option<usize>,
    pub payload: Option<usize>,
    pub metadata: Option<usize>,
    pub time: Option<usize>,
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
    pub roles: HashMap<String, (Role, usize), foldhash::fast::FixedState>,
    /// Objects whose members are the entry's own fields.
    pub flatten: Vec<String>,
    /// Objects that are looked into for a role, as `object.member`.
    pub nested: Vec<String>,
}
