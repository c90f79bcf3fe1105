//! `pg_stat_activity`: the sessions of a server, as `SELECT *` or as the manual's query for long ones exports them.

use std::sync::Arc;

use crate::decode::{
    Chunk, Cutter, Format, Head, Kind, Lexicon,
    lines::WholeCutter,
    relation::{Cells, Relation},
    units,
};
use crate::model::{Batch, Observed, snapshot::Session};

#[derive(Debug)]
pub(crate) struct PgStatActivity;

const RELATION: Relation = Relation {
    needs: &[
        &["pid", "procpid"],
        &["query", "current_query", "query_text", "query_preview"],
        &["state", "query_start", "xact_start", "duration", "query_age", "backend_type"],
    ],
    read: session,
};

impl Format for PgStatActivity {
    fn id(&self) -> &'static str {
        "pg-stat-activity"
    }

    fn kind(&self) -> Kind {
        Kind::Snapshot
    }

    fn about(&self) -> &'static str {
        "sessions of a PostgreSQL server (pg_stat_activity), as CSV, JSON or psql's tables"
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

fn session(cells: &Cells<'_>) -> Result<Observed, String> {
    let span = |names: &[&str]| cells.get(names).and_then(units::interval_ms);
    Ok(Observed::Session(Session {
        pid: cells.must(&["pid", "procpid"])?,
        user: cells.text(&["usename", "user", "username", "user_name"]),
        database: cells.text(&["datname", "database", "dbname"]),
        application: cells.text(&["application_name", "application", "app"]),
        client: cells.text(&["client_addr", "client"]),
        backend_type: cells.text(&["backend_type"]),
        backend_start: cells.time(&["backend_start"])?,
        xact_start: cells.time(&["xact_start", "transaction_start"])?,
        query_start: cells.time(&["query_start"])?,
        state_change: cells.time(&["state_change"])?,
        state: cells.text(&["state"]),
        wait_event_type: cells.text(&["wait_event_type"]),
        wait_event: cells.text(&["wait_event"]),
        query: cells.text(&["query", "current_query", "query_text", "query_preview"]),
        query_ms: span(&["duration", "query_age", "query_duration", "runtime", "running_for"]),
        xact_ms: span(&["xact_age", "xact_duration", "transaction_age", "transaction_duration"]),
        blocked_by: pids(&cells.text(&["blocked_by", "pg_blocking_pids", "blocking_pids"])),
    }))
}

/// An array of process ids: `{12,34}`, `[12, 34]`, `12`.
fn pids(text: &str) -> Vec<i64> {
    let words = text.split(|c: char| !c.is_ascii_digit());
    words.filter_map(|word| word.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::check;

    use super::*;

    #[test]
    fn reads_all_columns() {
        check(
            &PgStatActivity,
            concat!(
                "datid,datname,pid,leader_pid,usesysid,usename,application_name,client_addr,client_hostname,client_port,",
                "backend_start,xact_start,query_start,state_change,wait_event_type,wait_event,state,backend_xid,backend_xmin,query_id,query,backend_type\n",
                "16385,bank,22007,,16384,bank,bank-app-a,127.0.0.1,,43864,2026-11-23 15:51:26.437235+00,2026-11-23 15:52:24.36181+00,",
                "2026-11-23 15:52:24.36181+00,2026-11-23 15:52:24.361815+00,Lock,relation,active,,3939,3137,\"SELECT a\nFROM b\",client backend\n",
                "16385,bank,x,,,,,,,,,,,,,,,,,,,\n",
                ",,4,,,,,,,,2026-11-23 15:51:26+00,,,,Activity,LogicalLauncherMain,,,,,,logical replication launcher\n",
            ),
            &[
                "2 session 22007 bank@bank/bank-app-a active Lock/relation xact 15:52:24 query 15:52:24 SELECT a\\nFROM b",
                "4 rejected `x` is no number",
                "5 session 4 @/  Activity/LogicalLauncherMain xact - query - ",
                "records 2 rejected 1 skipped 1",
            ],
        );
    }

    #[test]
    fn reads_the_manuals_query_as_psql_prints_it() {
        check(
            &PgStatActivity,
            " pid  |    duration     |    query     | state  | blocked_by \n------+-----------------+--------------+--------+------------\n 6094 | 00:06:12.345001 | SELECT a    +| active | {12,34}\n      |                 | FROM b       |        | \n(1 row)\n\n",
            &[
                "3 session 6094 @/ active / xact - query - for 372345 ms by [12, 34] SELECT a\\nFROM b",
                "records 1 rejected 0 skipped 3",
            ],
        );
    }
}
