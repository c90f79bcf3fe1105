//! `pg_locks`: who holds or awaits which lock.

use std::sync::Arc;

use crate::decode::{
    Chunk, Cutter, Format, Head, Kind, Lexicon,
    lines::WholeCutter,
    relation::{Cells, Relation, short},
};
use crate::model::{Batch, Observed, snapshot::Lock};

#[derive(Debug)]
pub(crate) struct PgLocks;

const RELATION: Relation = Relation {
    needs: &[&["pid"], &["mode"], &["granted"], &["locktype", "relation", "relname"]],
    read: lock,
};

impl Format for PgLocks {
    fn id(&self) -> &'static str {
        "pg-locks"
    }

    fn kind(&self) -> Kind {
        Kind::Snapshot
    }

    fn about(&self) -> &'static str {
        "locks of a PostgreSQL server (pg_locks), as CSV, JSON or psql's tables"
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

fn lock(cells: &Cells<'_>) -> Result<Observed, String> {
    let granted = match cells.get(&["granted"]) {
        Some("t" | "true" | "True" | "TRUE" | "1") => true,
        Some("f" | "false" | "False" | "FALSE" | "0") => false,
        other => return Err(format!("`{}` is neither t nor f", short(other.unwrap_or("NULL")))),
    };
    Ok(Observed::Lock(Lock {
        pid: cells.must(&["pid"])?,
        kind: cells.text(&["locktype"]),
        mode: cells.text(&["mode"]),
        granted,
        target: target(cells),
        wait_start: cells.time(&["waitstart", "wait_start"])?,
    }))
}

/// What is locked, from all that names it: equal for locks that can conflict.
fn target(cells: &Cells<'_>) -> String {
    let mut parts: Vec<String> = Vec::new();
    for (name, columns) in [
        ("relation", &["relname", "table_name", "tablename", "relation"][..]),
        ("page", &["page"]),
        ("tuple", &["tuple"]),
        ("virtualxid", &["virtualxid"]),
        ("transactionid", &["transactionid"]),
        ("class", &["classid"]),
        ("object", &["objid"]),
        ("part", &["objsubid"]),
    ] {
        parts.extend(cells.get(columns).map(|value| format!("{name} {value}")));
    }
    if let Some(database) = cells.get(&["database"]).filter(|_| parts.len() == 1) {
        parts.push(format!("of database {database}"));
    }
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::check;

    use super::*;

    #[test]
    fn reads_what_is_awaited_and_held() {
        check(
            &PgLocks,
            concat!(
                "locktype,database,relation,page,tuple,virtualxid,transactionid,classid,objid,objsubid,virtualtransaction,pid,mode,granted,fastpath,waitstart\n",
                "relation,16385,16425,,,,,,,,20/2,22648,AccessShareLock,f,f,2026-11-23 15:52:24.790141+00\n",
                "transactionid,,,,,,771,,,,4/48,22002,ExclusiveLock,t,f,\n",
                "relation,1,2,,,,,,,,4/48,22002,ExclusiveLock,maybe,f,\n",
            ),
            &[
                "2 lock 22648 awaits AccessShareLock on relation 16425 of database 16385 since 15:52:24",
                "3 lock 22002 holds ExclusiveLock on transactionid 771 since -",
                "4 rejected `maybe` is neither t nor f",
                "records 2 rejected 1 skipped 1",
            ],
        );
    }
}
