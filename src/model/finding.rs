//! A stated fact: what, how bad, when, how often, and where to read it.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{chart::OverTime, time::Timestamp};

/// The four of the source chapter, in rising order.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    #[default]
    Info,
    Warning,
    Error,
    Critical,
}

pub const SEVERITIES: [Severity; 4] =
    [Severity::Info, Severity::Warning, Severity::Error, Severity::Critical];

impl Severity {
    pub fn name(self) -> &'static str {
        match self {
            Severity::Info => "info",
            Severity::Warning => "warning",
            Severity::Error => "error",
            Severity::Critical => "critical",
        }
    }
}

/// From the first to the last time something was seen, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Window {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

impl Window {
    pub fn add(&mut self, time: Timestamp) {
        self.from = Some(self.from.map_or(time, |from| from.min(time)));
        self.to = Some(self.to.map_or(time, |to| to.max(time)));
    }

    pub fn join(&mut self, other: &Window) {
        for time in [other.from, other.to].into_iter().flatten() {
            self.add(time);
        }
    }
}

/// What findings can share, by key name: stream, projection, service, pid, table, operation, ...
pub type Keys = BTreeMap<String, Vec<String>>;

/// Keys of several, the values of the first ones first.
pub fn joined<'k>(all: impl Iterator<Item = &'k Keys>) -> Keys {
    let mut joined = Keys::new();
    for (name, values) in all.flatten() {
        joined.entry(name.clone()).or_default().extend(values.iter().cloned());
    }
    joined
}

/// A pointer into the evidence, enough to read the line again.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    pub path: String,
    /// From 1; 0 where the source has no lines.
    pub line: u64,
    /// Offset in the unpacked bytes.
    pub byte: u64,
    pub excerpt: String,
}

/// Whether findings were held against what was there before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compared {
    WithNothing,
    WithBaseline,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// Stable from night to night: made of what the finding is about, never of a number in a list.
    pub id: String,
    pub check: String,
    pub kind: String,
    /// Of a pattern, as its pack says; of a check, empty.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub category: String,
    pub severity: Severity,
    pub title: String,
    pub detail: String,
    pub count: u64,
    pub window: Window,
    pub keys: Keys,
    pub evidence: Vec<Evidence>,
    /// Where it is told by entries: when they came.
    #[serde(skip_serializing_if = "OverTime::is_empty", default)]
    pub over_time: OverTime,
    /// The incident it belongs to, once correlated.
    pub incident: Option<String>,
    /// Set against a baseline; without one every finding is new.
    pub state: String,
    /// Spread over the evidence: no part of an incident.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub scattered: bool,
    /// A root-cause kind of the design, where the fact names one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cause: Option<String>,
    /// What to do now, from the pattern or the fault kind.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub action: String,
}
