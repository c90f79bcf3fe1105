//! Units of work as a report tells them: a command, a request or a job, from its first entry to its last.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{finding::Evidence, level::Level, time::Timestamp};

/// Where in a unit of work an entry stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    #[default]
    Inside,
    Start,
    /// Ends it if nothing follows.
    MayEnd,
    End,
}

/// What an id names, the finest first: of several in an entry the finest one is the unit's.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum IdKind {
    Command,
    Trace,
    Request,
    #[default]
    Correlation,
}

pub const ID_KINDS: [IdKind; 4] = [IdKind::Command, IdKind::Trace, IdKind::Request, IdKind::Correlation];

impl IdKind {
    pub fn name(self) -> &'static str {
        match self {
            IdKind::Command => "command",
            IdKind::Trace => "trace",
            IdKind::Request => "request",
            IdKind::Correlation => "correlation",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TraceOutcome {
    #[default]
    Succeeded,
    Failed,
    TimedOut,
    /// It started, and its log went on without an end of it.
    Unfinished,
    /// It started, and its log ends before it does.
    Running,
}

impl TraceOutcome {
    pub fn name(self) -> &'static str {
        match self {
            TraceOutcome::Succeeded => "succeeded",
            TraceOutcome::Failed => "failed",
            TraceOutcome::TimedOut => "timed-out",
            TraceOutcome::Unfinished => "unfinished",
            TraceOutcome::Running => "running",
        }
    }

    pub fn is_failure(self) -> bool {
        matches!(self, TraceOutcome::Failed | TraceOutcome::TimedOut)
    }
}

/// The report's section.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Traces {
    /// Units of work that say where they begin or end.
    pub total: u64,
    /// Of them, those with an end.
    pub complete: u64,
    /// Of the complete ones, with those that ran out of time.
    pub failed: u64,
    pub timed_out: u64,
    /// They started and have no end, though their log goes on.
    pub unfinished_total: u64,
    /// They started and have no end, for their log ends before.
    pub running_at_end: u64,
    pub slowest: Vec<Trace>,
    pub unfinished: Vec<Trace>,
    /// The first that failed.
    pub failures: Vec<Trace>,
}

impl Traces {
    pub fn listed_mut(&mut self) -> impl Iterator<Item = &mut Trace> {
        self.slowest.iter_mut().chain(&mut self.unfinished).chain(&mut self.failures)
    }
}

/// One unit of work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trace {
    /// The id that its start or end carries for a trace, if there is one; else the id that all its entries carry.
    pub id: String,
    pub id_kind: IdKind,
    /// All its ids, by kind.
    pub ids: BTreeMap<String, String>,
    pub command_type: Option<String>,
    pub services: Vec<String>,
    pub start: Option<Timestamp>,
    pub duration_ms: Option<f64>,
    /// `logged` by the entry that ends it, or `observed`: from its first entry to its last.
    pub duration_basis: String,
    pub outcome: TraceOutcome,
    /// What it failed of.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    pub attempts: u64,
    pub events_written: Option<u64>,
    pub streams: Vec<String>,
    pub entries: u64,
    pub phases: Vec<Phase>,
    pub evidence: Vec<Evidence>,
    /// Where its entries are, to read them again.
    #[serde(skip)]
    pub parts: Vec<TracePart>,
    #[serde(skip)]
    pub key: [u64; 2],
}

/// What passed between two entries of a unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Phase {
    pub name: String,
    pub start: Timestamp,
    pub duration_ms: f64,
    /// What ended it, where that was no success.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<String>,
}

/// A run of a source that holds entries of a unit.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TracePart {
    pub path: String,
    /// Offsets of its first and its last entry.
    pub from: u64,
    pub to: u64,
    /// Line of the first.
    pub line: u64,
}

/// An entry of a unit, read again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TraceEntry {
    pub path: String,
    pub line: u64,
    pub byte: u64,
    pub time: Option<Timestamp>,
    /// Since the unit's start.
    pub offset_ms: Option<f64>,
    pub level: Level,
    pub message: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub error: Option<String>,
    /// The spans it was written in, the outermost first.
    pub spans: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub service: Option<String>,
    pub ids: BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub streams: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub operation: Option<String>,
    /// How long what it tells of took.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub duration_ms: Option<f64>,
    /// How long it waits before the next try.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub delay_ms: Option<f64>,
    #[serde(skip)]
    pub turn: Turn,
    #[serde(skip)]
    pub key: [u64; 2],
}
