//! Blocking queries: pairs of a session that waits and one that has or wants the same lock, as the manual's query and its
//! many cousins list them.

use std::sync::Arc;

use crate::decode::{
    Chunk, Cutter, Format, Head, Kind, Lexicon,
    lines::WholeCutter,
    relation::{Cells, Relation},
    units,
};
use crate::model::{Batch, Observed, snapshot::Blocking};

#[derive(Debug)]
pub(crate) struct PgBlocking;

const BLOCKED: &[&str] = &["blocked_pid", "waiting_pid", "waiter_pid"];
const BLOCKING: &[&str] = &["blocking_pid", "blocker_pid", "holder_pid"];

const RELATION: Relation = Relation { needs: &[BLOCKED, BLOCKING], read: pair };

impl Format for PgBlocking {
    fn id(&self) -> &'static str {
        "pg-blocking-queries"
    }

    fn kind(&self) -> Kind {
        Kind::Snapshot
    }

    fn about(&self) -> &'static str {
        "who blocks whom in a PostgreSQL server (blocked_pid, blocking_pid), as CSV, JSON or psql's tables"
    }

    fn sniff(&self, head: &Head<'_>, _: &Lexicon) -> u8 {
        RELATION.sniff(head)
    }

    fn lacks(&self, head: &Head<'_>, _: &Lexicon) -> Option<String> {
        RELATION.lacks(head)
    }

    fn cutter(&self, _: &Head<'_>, _: &Arc<Lexicon>) -> Box<dyn Cutter> {
        Box::new(WholeCutter)
    }

    fn decode<'a>(&self, chunk: &Chunk<'a>, _: &Lexicon) -> Batch<'a> {
        RELATION.decode(chunk)
    }
}

fn pair(cells: &Cells<'_>) -> Result<Observed, String> {
    Ok(Observed::Blocking(Blocking {
        blocked_pid: cells.must(BLOCKED)?,
        blocked_user: cells.text(&["blocked_user", "waiting_user"]),
        blocked_statement: cells.text(&["blocked_statement", "blocked_query", "waiting_query"]),
        blocked_application: cells.text(&["blocked_application", "blocked_application_name"]),
        blocking_pid: cells.must(BLOCKING)?,
        blocking_user: cells.text(&["blocking_user", "blocker_user"]),
        blocking_statement: cells.text(&[
            "blocking_statement",
            "current_statement_in_blocking_process",
            "blocking_query",
            "blocker_query",
        ]),
        blocking_application: cells.text(&["blocking_application", "blocking_application_name"]),
        waited_ms: cells
            .get(&["blocked_duration", "waiting_duration", "wait_duration", "blocked_for", "waited"])
            .and_then(units::interval_ms),
    }))
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::check;

    use super::*;

    #[test]
    fn reads_pairs_of_the_manual_and_of_its_cousins() {
        check(
            &PgBlocking,
            concat!(
                "blocked_pid,blocked_user,blocking_pid,blocking_user,blocked_statement,blocking_statement\n",
                "22646,bank,22644,postgres,SELECT a,\"SELECT pg_sleep(75) /* x, y */\"\n",
            ),
            &[
                "2 blocking 22644 (postgres: SELECT pg_sleep(75) /* x, y */) blocks 22646 (bank: SELECT a)",
                "records 1 rejected 0 skipped 1",
            ],
        );
        check(
            &PgBlocking,
            "blocked_query;blocking_pid;blocked_pid;blocked_duration;blocking_query\nSELECT a;1;2;00:00:05;SELECT b\nSELECT a;;2;;\n",
            &[
                "2 blocking 1 (: SELECT b) blocks 2 (: SELECT a) for 5000 ms",
                "3 rejected blocking_pid is NULL",
                "records 1 rejected 1 skipped 1",
            ],
        );
        check(
            &PgBlocking,
            "blocked_pid,blocked_user,blocking_pid,blocking_user,blocked_statement,blocking_statement\n",
            &["records 0 rejected 0 skipped 1"],
        );
    }
}
