//! What a report says of the database: who blocks whom, what runs long, what costs most, what is large.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    finding::{Evidence, Window},
    time::Timestamp,
};

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Database {
    pub long_queries: Vec<LongQuery>,
    pub idle_in_transaction: Vec<IdleTransaction>,
    /// Sessions that others waited for, the one that most waited for first.
    pub blocking: Vec<Blocker>,
    pub locks: Vec<LockWait>,
    pub deadlocks: Vec<Deadlock>,
    pub statements: Vec<StatementCost>,
    pub indexes: Vec<IndexRow>,
    pub tables: Vec<TableRow>,
}

impl Database {
    /// Takes in what another check found.
    pub fn join(&mut self, other: Database) {
        let Database {
            long_queries,
            idle_in_transaction,
            blocking,
            locks,
            deadlocks,
            statements,
            indexes,
            tables,
        } = other;
        self.long_queries.extend(long_queries);
        self.idle_in_transaction.extend(idle_in_transaction);
        self.blocking.extend(blocking);
        self.locks.extend(locks);
        self.deadlocks.extend(deadlocks);
        self.statements.extend(statements);
        self.indexes.extend(indexes);
        self.tables.extend(tables);
    }
}

/// Who a session is, as far as the evidence says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Who {
    pub pid: i64,
    pub user: String,
    pub application: String,
    pub database: String,
}

/// A query that ran for long when a snapshot saw it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LongQuery {
    pub who: Who,
    pub state: String,
    pub query: String,
    pub started: Option<Timestamp>,
    /// At the last snapshot that saw it.
    pub running_ms: i64,
    pub seen: Window,
    pub evidence: Vec<Evidence>,
}

/// A session that sat in a transaction without work.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IdleTransaction {
    pub who: Who,
    /// The last one; the transaction waits for its client.
    pub query: String,
    pub xact_start: Option<Timestamp>,
    pub idle_ms: i64,
    pub open_ms: i64,
    pub seen: Window,
    pub evidence: Vec<Evidence>,
}

/// A session that others waited for, and that waited for nobody.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Blocker {
    pub who: Who,
    pub state: String,
    pub statement: String,
    pub xact_start: Option<Timestamp>,
    /// The most that waited at one time, directly or for one another.
    pub waiters: u64,
    pub waiter_pids: Vec<i64>,
    /// What they waited for, where the evidence says it.
    pub lock: String,
    pub longest_wait_ms: i64,
    pub window: Window,
    /// `seen`: the evidence names it as the holder. `inferred`: it is the one that could be.
    pub basis: String,
    pub why: String,
    pub evidence: Vec<Evidence>,
}

/// Waits for one lock, by the server's log and snapshots of its locks.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LockWait {
    pub mode: String,
    pub target: String,
    /// Sessions that waited, distinct.
    pub sessions: u64,
    pub longest_ms: i64,
    pub holders: Vec<i64>,
    pub statement: String,
    pub window: Window,
    pub source: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Deadlock {
    pub at: Option<Timestamp>,
    pub processes: Vec<i64>,
    /// As the server's log tells them.
    pub statements: Vec<String>,
    pub evidence: Vec<Evidence>,
}

/// A statement by its cost.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct StatementCost {
    pub query: String,
    /// Over the time between the first and the last export where there are several, and since the last reset otherwise.
    pub calls: u64,
    pub total_ms: f64,
    pub mean_ms: f64,
    pub max_ms: Option<f64>,
    /// Share of the time of all statements, from 0 to 1.
    pub share: f64,
    pub source: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct IndexRow {
    pub table: String,
    pub index: String,
    pub scans: u64,
    /// Whether it keeps a rule (primary key, unique) and is needed however seldom it is scanned.
    pub keeps_a_rule: bool,
    pub bytes: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TableRow {
    pub name: String,
    pub kind: String,
    pub bytes: u64,
    /// Since the first export.
    pub grown_bytes: Option<i64>,
}
