//! Streams that commands fight over, as the report tells of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{finding::Evidence, time::Timestamp};

/// Of all streams; exact.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Conflicts {
    pub total: u64,
    pub retries: u64,
    /// Commands given up after their last retry.
    pub exhausted: u64,
    pub backoff_ms: f64,
    /// Streams with a conflict.
    pub streams: u64,
}

/// One stream. Conflicts are its own where the store tells of them; retries are of all commands that write it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct HotStream {
    pub stream_id: String,
    pub conflicts: u64,
    pub retries: u64,
    pub exhausted: u64,
    pub backoff_ms: f64,
    pub commands: Vec<String>,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    pub evidence: Vec<Evidence>,
}
