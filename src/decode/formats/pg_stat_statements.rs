//! `pg_stat_statements`: how often each statement ran, and how long it took since the statistics were reset.

use std::sync::Arc;

use crate::decode::{
    Chunk, Cutter, Format, Head, Kind, Lexicon,
    lines::WholeCutter,
    relation::{Cells, Relation},
};
use crate::model::{Batch, Observed, snapshot::Statement};

#[derive(Debug)]
pub(crate) struct PgStatStatements;

/// 13 and later split planning from execution, and renamed the columns.
const MEAN: &[&str] = &["mean_exec_time", "mean_time", "avg_time", "mean_ms", "avg_ms"];
const TOTAL: &[&str] = &["total_exec_time", "total_time", "total_ms"];
const ANY_TIME: &[&str] = &[
    "mean_exec_time",
    "mean_time",
    "avg_time",
    "mean_ms",
    "avg_ms",
    "total_exec_time",
    "total_time",
    "total_ms",
];

const RELATION: Relation = Relation { needs: &[&["query"], &["calls"], ANY_TIME], read: statement };

impl Format for PgStatStatements {
    fn id(&self) -> &'static str {
        "pg-stat-statements"
    }

    fn kind(&self) -> Kind {
        Kind::Snapshot
    }

    fn about(&self) -> &'static str {
        "statements of a PostgreSQL server (pg_stat_statements), as CSV, JSON or psql's tables"
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

fn statement(cells: &Cells<'_>) -> Result<Observed, String> {
    let calls: u64 = cells.must(&["calls"])?;
    let (mean, total): (Option<f64>, Option<f64>) = (cells.number(MEAN)?, cells.number(TOTAL)?);
    // Either follows from the other.
    let mean_ms = mean.or(total.map(|total| total / (calls.max(1) as f64))).unwrap_or_default();
    Ok(Observed::Statement(Statement {
        query: cells.text(&["query"]),
        id: cells.text(&["queryid"]),
        calls,
        total_ms: total.unwrap_or(mean_ms * calls as f64),
        mean_ms,
        max_ms: cells.number(&["max_exec_time", "max_time", "max_ms"])?,
        rows: cells.number(&["rows"])?,
    }))
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::check;

    use super::*;

    #[test]
    fn reads_old_and_new_names() {
        check(
            &PgStatStatements,
            "query,mean_exec_time,calls,total_exec_time,max_exec_time,rows\n\"SELECT $1,\n2\",701.9556656785714,56,39309.517277999985,705.6995619999999,56\n",
            &[
                "2 statement 56 x 701.956 ms, total 39309.517 ms, max 705.700 ms: SELECT $1,\\n2",
                "records 1 rejected 0 skipped 1",
            ],
        );
        check(
            &PgStatStatements,
            "      query       | mean_time | calls \n------------------+-----------+-------\n SELECT $1        |       2.5 |     4\n <insufficient privilege> |       2.5 |     4\n(2 rows)\n",
            &[
                "3 statement 4 x 2.500 ms, total 10.000 ms: SELECT $1",
                "4 rejected its columns do not stand under their names",
                "records 1 rejected 1 skipped 2",
            ],
        );
    }
}
