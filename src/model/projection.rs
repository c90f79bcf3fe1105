//! What a report says of one projection: how far it has read, what waits behind it, what it never saw, and how to bring
//! it back.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::time::Timestamp;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Projection {
    pub name: String,
    /// The store whose events it reads; `None` where only logs or snapshots know it.
    pub store: Option<String>,
    /// `None` where too little is known: `why` says what.
    pub status: Option<ProjectionStatus>,
    pub why: String,
    /// Newest event that it reads minus the event at its checkpoint, both by their time.
    pub lag_ms: Option<i64>,
    pub events_behind: Option<u64>,
    /// The type of event that it reads, where it reads one.
    pub reads: Option<String>,
    pub checkpoint_event_id: Option<String>,
    /// When the checkpoint was written.
    pub checkpoint_at: Option<Timestamp>,
    /// The time of the event at the checkpoint.
    pub checkpoint_event_at: Option<Timestamp>,
    /// By its own counters, of all instances.
    pub events_processed: Option<u64>,
    pub events_skipped: Option<u64>,
    /// Events before its checkpoint that it never applied.
    pub events_never_projected: Option<u64>,
    /// The event at which it fails again and again.
    pub stuck_at: Option<Stuck>,
    /// Written by a rebuild that is over: nobody goes on with it.
    pub left_by_rebuild: bool,
    pub rebuild: Option<Rebuild>,
    /// What became of it, in order of time: paused, stopped, rebuilt.
    pub story: Vec<Told>,
    /// Sources that disagree.
    pub contradictions: Vec<String>,
    /// Where each figure comes from.
    pub sources: Vec<FigureSource>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ProjectionStatus {
    Healthy,
    Warning,
    Critical,
    NeverProcessed,
}

impl ProjectionStatus {
    pub fn name(self) -> &'static str {
        match self {
            ProjectionStatus::Healthy => "healthy",
            ProjectionStatus::Warning => "warning",
            ProjectionStatus::Critical => "critical",
            ProjectionStatus::NeverProcessed => "never-processed",
        }
    }
}

/// An event that a projection cannot apply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Stuck {
    pub event_id: String,
    pub stream_id: Option<String>,
    pub failures: u64,
    pub since: Option<Timestamp>,
    pub last: Option<Timestamp>,
    pub error: String,
}

/// How to bring a projection back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Rebuild {
    /// `full`, `from-checkpoint` or `from-event`.
    pub strategy: String,
    /// The event where it begins; `None` for the first of all.
    pub from: Option<String>,
    /// How many events that replays.
    pub events: Option<u64>,
    pub estimate_ms: Option<i64>,
    /// What the estimate rests on.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub estimate_basis: String,
    pub why: String,
}

/// One thing that happened to a projection.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Told {
    pub at: Option<Timestamp>,
    /// When it happened last.
    pub to: Option<Timestamp>,
    pub what: String,
    pub count: u64,
    /// Where it happened first.
    pub path: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct FigureSource {
    /// The field of the report.
    pub figure: String,
    pub path: String,
    pub at: Option<Timestamp>,
}
