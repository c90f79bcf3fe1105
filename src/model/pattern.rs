//! A pattern: a named, tested rule that one log entry decides. Data from `patterns/*.toml`.
//!
//! `classify` compiles and matches it; `check` judges what matched. Both read this.

use serde::{Deserialize, Serialize};

use super::{finding::Severity, level::Level};

/// A file of patterns.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackFile {
    pub pack: PackMeta,
    #[serde(default, rename = "pattern")]
    pub patterns: Vec<Pattern>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PackMeta {
    /// Equal to the file's name.
    pub name: String,
    pub about: String,
    /// Where the plain expressions of its patterns look, unless a pattern says otherwise.
    #[serde(default = "message_only")]
    pub fields: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pattern {
    /// Stable, never reused.
    pub id: String,
    pub title: String,
    pub severity: Severity,
    pub category: String,
    #[serde(default)]
    pub status: PatternStatus,
    /// A root-cause kind of the design, where a hit names one.
    #[serde(default)]
    pub kind: Option<String>,
    /// What an entry that matches tells of, where facts count such.
    #[serde(default)]
    pub tells: Option<Tells>,
    /// Entries at this level or above, and entries without one, raise a finding. All are counted.
    #[serde(default = "warn")]
    pub raises_at: Level,
    #[serde(default)]
    pub fields: Vec<String>,
    /// At least one must hold.
    #[serde(default)]
    pub any: Vec<Condition>,
    /// Every one must hold.
    #[serde(default)]
    pub all: Vec<Condition>,
    /// None may hold.
    #[serde(default)]
    pub none: Vec<Condition>,
    /// Fields of the entry whose values become keys of the finding.
    #[serde(default)]
    pub extract: Vec<String>,
    pub action: String,
    #[serde(default)]
    pub runbook: Option<String>,
    #[serde(default)]
    pub references: Vec<String>,
    #[serde(default)]
    pub false_positives: Vec<String>,
    #[serde(default)]
    pub samples: Samples,
}

/// What an entry tells of; of several in one entry the first here counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tells {
    /// Two commands wrote one stream; the later one was refused.
    Conflict,
    /// It is tried again.
    Retry,
    /// It was tried for the last time.
    RetriesExhausted,
    /// A validation failed: of a field, of a business rule, of the state, of a reference, or without saying of what. Its
    /// pattern captures the `rule` and the `value`.
    Field,
    BusinessRule,
    StatePrecondition,
    Reference,
    Validation,
}

impl Tells {
    pub fn is_conflict(self) -> bool {
        matches!(self, Tells::Conflict | Tells::Retry | Tells::RetriesExhausted)
    }

    pub fn name(self) -> &'static str {
        match self {
            Tells::Conflict => "conflict",
            Tells::Retry => "retry",
            Tells::RetriesExhausted => "retries-exhausted",
            Tells::Field => "field",
            Tells::BusinessRule => "business-rule",
            Tells::StatePrecondition => "state-precondition",
            Tells::Reference => "reference",
            Tells::Validation => "validation",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PatternStatus {
    #[default]
    Stable,
    /// On trial: listed apart.
    Test,
}

/// One condition on an entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Condition {
    /// An expression on the pattern's fields.
    Text(String),
    /// An expression on one named field.
    Field { field: String, regex: String },
    /// Whether the entry has a field at all.
    Exists { field: String, exists: bool },
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Samples {
    #[serde(default, rename = "match")]
    pub hits: Vec<Sample>,
    #[serde(default, rename = "no_match")]
    pub misses: Vec<Sample>,
}

/// A text that must or must not match: a message, or an entry with more than that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Sample {
    Message(String),
    Entry {
        #[serde(default)]
        message: Option<String>,
        #[serde(default)]
        level: Option<String>,
        #[serde(default)]
        fields: std::collections::BTreeMap<String, String>,
    },
}

fn message_only() -> Vec<String> {
    vec!["message".to_owned()]
}

fn warn() -> Level {
    Level::Warn
}
