//! What snapshots say: the state of sessions, locks, statements, tables, projections, processes and metrics at one time.
//!
//! A decoder of a new kind of snapshot hands out the observations below, whatever its evidence calls them; the checks
//! never see the form. What has no counterpart here is a metric with a meaning (`patterns/metrics.toml`).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{place::Place, time::Timestamp};

/// One thing that a snapshot states.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observation {
    pub place: Place,
    /// Where it has a time of its own; else it is as old as its snapshot.
    pub at: Option<Timestamp>,
    pub state: Observed,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Observed {
    Metric(Metric),
    Session(Session),
    Lock(Lock),
    Blocking(Blocking),
    Statement(Statement),
    Index(IndexUse),
    Relation(RelationSize),
    Projection(ProjectionState),
    Process(ProcessUsage),
}

/// A sample of a metric whose meaning is known; others are counted and left out.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metric {
    /// As `patterns/metrics.toml` calls it: `pool-active`, `memory-bytes`, `projection-lag`, ...
    pub means: String,
    /// What it is of: the service or instance, where a label names one.
    pub service: Option<String>,
    /// The part of it: operation, projection, ..., where a label names one.
    pub part: Option<String>,
    /// In the meaning's unit: bytes, seconds, a count.
    pub value: f64,
    /// Upper bound of a histogram's bucket, in seconds; infinite for `+Inf`.
    pub le: Option<f64>,
}

/// A row of `pg_stat_activity`. Times are the server's.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Session {
    pub pid: i64,
    pub user: String,
    pub database: String,
    pub application: String,
    pub client: String,
    pub backend_type: String,
    pub backend_start: Option<Timestamp>,
    pub xact_start: Option<Timestamp>,
    pub query_start: Option<Timestamp>,
    pub state_change: Option<Timestamp>,
    /// `active`, `idle`, `idle in transaction`, ...
    pub state: String,
    /// `Lock`, `Client`, ...
    pub wait_event_type: String,
    pub wait_event: String,
    pub query: String,
    /// How long the query or the transaction runs, where the export says so instead of when they began.
    pub query_ms: Option<i64>,
    pub xact_ms: Option<i64>,
    /// From `pg_blocking_pids`, where the export has it.
    pub blocked_by: Vec<i64>,
}

/// A row of `pg_locks`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lock {
    pub pid: i64,
    /// `relation`, `transactionid`, `tuple`, `advisory`, ...
    pub kind: String,
    pub mode: String,
    pub granted: bool,
    /// What is locked: name or number of the relation, transaction, ...; equal for locks that conflict.
    pub target: String,
    pub wait_start: Option<Timestamp>,
}

/// A row of a blocking-queries export: `blocked` waits, and `blocking` has or wants the same lock.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Blocking {
    pub blocked_pid: i64,
    pub blocked_user: String,
    pub blocked_statement: String,
    pub blocked_application: String,
    pub blocking_pid: i64,
    pub blocking_user: String,
    pub blocking_statement: String,
    pub blocking_application: String,
    /// How long it waits already.
    pub waited_ms: Option<i64>,
}

/// A row of `pg_stat_statements`, times in milliseconds.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    pub query: String,
    /// `queryid`, empty where the export has none.
    pub id: String,
    pub calls: u64,
    pub total_ms: f64,
    pub mean_ms: f64,
    pub max_ms: Option<f64>,
    pub rows: Option<u64>,
}

/// A row of `pg_stat_user_indexes`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct IndexUse {
    pub schema: String,
    pub table: String,
    pub index: String,
    pub scans: u64,
    pub tuples_read: Option<u64>,
    pub tuples_fetched: Option<u64>,
    pub bytes: Option<u64>,
    /// Whether it keeps values unique, where the export says so.
    pub unique: Option<bool>,
}

/// How large a table or an index is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RelationSize {
    pub schema: String,
    pub name: String,
    /// `table` or `index`; empty where the export does not say.
    pub kind: String,
    pub bytes: u64,
    /// As shown, where the export rounds (`1336 kB`).
    pub shown: Option<String>,
}

/// What a health report says of one projection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProjectionState {
    pub name: String,
    pub service: Option<String>,
    /// As written: `Healthy`, `Stalled`, ...
    pub status: Option<String>,
    /// Milliseconds.
    pub lag_ms: Option<i64>,
    pub events_behind: Option<u64>,
    pub events_processed: Option<u64>,
    pub events_skipped: Option<u64>,
    /// The checkpoint, as written.
    pub position: Option<String>,
    pub checkpoint_at: Option<Timestamp>,
    pub running: Option<bool>,
    pub error: Option<String>,
}

/// Memory and processor of a process, container or pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProcessUsage {
    pub name: String,
    pub memory_bytes: Option<u64>,
    pub limit_bytes: Option<u64>,
    /// Thousandths of a core.
    pub cpu_milli: Option<u64>,
    /// `Running`, `OOMKilled`, ...
    pub status: Option<String>,
    pub restarts: Option<u64>,
    /// What else was said of it, by name.
    pub more: BTreeMap<String, String>,
}
