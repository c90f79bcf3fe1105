//! What a report's charts are drawn from: few numbers, kept in the report so that it can be drawn again without the
//! evidence.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{finding::Window, time::Timestamp};

/// How often something happened, in equal stretches of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OverTime {
    /// Where the first stretch begins.
    pub from: Option<Timestamp>,
    /// How long each stretch is.
    pub step_ms: f64,
    pub counts: Vec<u64>,
}

impl OverTime {
    pub fn is_empty(&self) -> bool {
        self.counts.iter().all(|count| *count == 0)
    }

    /// When a stretch begins.
    pub fn at(&self, stretch: usize) -> Option<Timestamp> {
        self.from.map(|from| from.plus((stretch as f64 * self.step_ms * 1e3) as i64))
    }
}

/// A quantity at one time; of several samples that share a point, the largest.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Sample {
    pub at: Timestamp,
    pub value: f64,
}

/// How many values are no larger than this and larger than the bucket before allows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Bucket {
    /// `None` for the last, which has no bound.
    pub up_to_ms: Option<f64>,
    pub count: u64,
}

/// All sources on one axis of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    pub from: Option<Timestamp>,
    pub step_ms: f64,
    /// How many stretches each lane has.
    pub steps: usize,
    /// In order of source, at most as many as a person looks through.
    pub lanes: Vec<Lane>,
    pub unlisted_lanes: u64,
}

/// One source over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Lane {
    pub source: String,
    /// As in the ledger: log, store or snapshot.
    pub kind: String,
    /// When it says anything at all.
    pub window: Window,
    /// Entries by stretch; empty where a source has none.
    pub entries: Vec<u64>,
    /// Of them, those of level warn and above.
    pub loud: Vec<u64>,
    /// When snapshots of one name were taken.
    #[serde(default)]
    pub moments: Vec<Timestamp>,
    /// When it was silent for longer than it should have been.
    pub gaps: Vec<Window>,
}
