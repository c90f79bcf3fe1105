//! `pg_stat_user_indexes`: how often each index was scanned since the statistics were reset.

use std::sync::Arc;

use crate::decode::{
    Chunk, Cutter, Format, Head, Kind, Lexicon,
    lines::WholeCutter,
    relation::{Cells, Relation},
    units,
};
use crate::model::{Batch, Observed, snapshot::IndexUse};

#[derive(Debug)]
pub(crate) struct PgStatIndexes;

const INDEX: &[&str] = &["indexrelname", "indexname", "index_name", "index"];
const SCANS: &[&str] = &["idx_scan", "index_scans", "scans", "number_of_scans"];

const RELATION: Relation = Relation { needs: &[INDEX, SCANS], read: index };

impl Format for PgStatIndexes {
    fn id(&self) -> &'static str {
        "pg-stat-user-indexes"
    }

    fn kind(&self) -> Kind {
        Kind::Snapshot
    }

    fn about(&self) -> &'static str {
        "index usage of a PostgreSQL database (pg_stat_user_indexes), as CSV, JSON or psql's tables"
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

fn index(cells: &Cells<'_>) -> Result<Observed, String> {
    let flag = |name: &str| cells.get(&[name]).map(|text| matches!(text, "t" | "true"));
    Ok(Observed::Index(IndexUse {
        schema: cells.text(&["schemaname", "schema", "schema_name"]),
        table: cells.text(&["relname", "tablename", "table_name", "table"]),
        index: cells.text(INDEX),
        scans: cells.must(SCANS)?,
        tuples_read: cells.number(&["idx_tup_read", "tuples_read"])?,
        tuples_fetched: cells.number(&["idx_tup_fetch", "tuples_fetched"])?,
        bytes: cells
            .get(&["index_size", "size", "pg_size_pretty", "pg_relation_size", "bytes"])
            .and_then(units::bytes),
        unique: flag("indisunique").or_else(|| flag("is_unique")).or_else(|| flag("unique")),
    }))
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::check;

    use super::*;

    #[test]
    fn reads_all_columns_and_the_manuals() {
        check(
            &PgStatIndexes,
            "relid,indexrelid,schemaname,relname,indexrelname,idx_scan,idx_tup_read,idx_tup_fetch\n16443,16451,public,subs,subs_updated_at_idx,0,0,0\n",
            &["2 index public.subs subs_updated_at_idx 0 scans", "records 1 rejected 0 skipped 1"],
        );
        check(
            &PgStatIndexes,
            " schemaname | tablename | indexname | idx_scan \n------------+-----------+-----------+----------\n public     | subs      | subs_pkey |       12\n(1 row)\n",
            &["3 index public.subs subs_pkey 12 scans", "records 1 rejected 0 skipped 2"],
        );
    }
}
