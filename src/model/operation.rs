//! What a report says of operations, pools and memory.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    chart::{Bucket, Sample},
    finding::{Evidence, Window},
    time::Timestamp,
};

/// One operation, as one kind of evidence measured it. Times are in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Operation {
    pub name: String,
    /// The value or metric that held the duration.
    pub source: String,
    pub total: u64,
    pub succeeded: u64,
    /// From 0 to 1; `None` where no call was timed.
    pub success_rate: Option<f64>,
    pub avg_ms: Option<f64>,
    pub min_ms: Option<f64>,
    pub max_ms: Option<f64>,
    pub p50_ms: Option<f64>,
    pub p95_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    /// Calls over the threshold (setting `slow_over`).
    pub slow: u64,
    pub avg_memory_delta_bytes: Option<f64>,
    pub by_outcome: Vec<OutcomeRow>,
    /// How long calls took, by powers of ten cut at 1, 2 and 5.
    #[serde(default)]
    pub distribution: Vec<Bucket>,
    pub window: Window,
    /// The slowest calls.
    pub evidence: Vec<Evidence>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct OutcomeRow {
    /// `succeeded`, `failed` or `timed-out`.
    pub outcome: String,
    pub total: u64,
    pub avg_ms: f64,
    pub min_ms: f64,
    pub max_ms: f64,
    pub p50_ms: f64,
    pub p95_ms: f64,
    pub p99_ms: f64,
}

/// One service's connection pool.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Pool {
    pub service: String,
    /// Largest size seen.
    pub max: Option<u64>,
    /// Highest share in use, from 0 to 1.
    pub peak: f64,
    pub peak_at: Option<Timestamp>,
    pub last: f64,
    pub samples: u64,
    /// Shares in use over time.
    #[serde(default)]
    pub over_time: Vec<Sample>,
    /// When more than the threshold (setting `pool_high`) was in use.
    pub high: Vec<HighUse>,
    /// Entries that say that it had no connection left.
    pub exhausted: u64,
    pub exhausted_window: Window,
    pub waits: Option<Waits>,
    /// Sessions that sat in a transaction without work while the pool was full.
    pub holders: Vec<String>,
    /// What the figures rest on.
    pub sources: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HighUse {
    pub from: Timestamp,
    pub to: Timestamp,
    pub peak: f64,
    pub samples: u64,
}

/// How long connections were waited for, where entries say it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Waits {
    pub total: u64,
    pub p95_ms: f64,
    pub max_ms: f64,
}

/// One process's memory over time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct MemoryUse {
    pub service: String,
    pub first_bytes: u64,
    pub last_bytes: u64,
    pub peak_bytes: u64,
    pub peak_at: Option<Timestamp>,
    pub limit_bytes: Option<u64>,
    /// Bytes an hour, by the median of slopes (Theil and Sen); `None` where too little is known.
    pub growth_per_hour: Option<f64>,
    /// Until the limit at that rate.
    pub to_limit_ms: Option<i64>,
    pub samples: u64,
    /// Bytes over time.
    #[serde(default)]
    pub over_time: Vec<Sample>,
    pub window: Window,
    /// Deaths for lack of memory, by the patterns that saw them.
    pub deaths: u64,
    pub sources: Vec<String>,
}
