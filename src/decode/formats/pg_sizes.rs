//! Sizes of tables and indexes, in bytes or as `pg_size_pretty` shows them.

use std::sync::Arc;

use crate::decode::{
    Chunk, Cutter, Format, Head, Kind, Lexicon,
    lines::WholeCutter,
    relation::{Cells, Relation, short},
    units,
};
use crate::model::{Batch, Observed, snapshot::RelationSize};

#[derive(Debug)]
pub(crate) struct PgSizes;

const NAME: &[&str] = &[
    "tablename",
    "relname",
    "table_name",
    "relation",
    "table",
    "indexname",
    "indexrelname",
    "index_name",
    "index",
];
const INDEX: &[&str] = &["indexname", "indexrelname", "index_name", "index"];
/// Of several sizes, that of all that belongs to a table; exact before rounded.
const SIZE: &[&str] = &[
    "total_bytes",
    "total_size_bytes",
    "pg_total_relation_size",
    "size_bytes",
    "bytes",
    "total_size",
    "total",
    "size",
    "pg_size_pretty",
    "index_size",
    "table_size",
    "pg_relation_size",
];

const RELATION: Relation = Relation { needs: &[NAME, SIZE], read: size };

impl Format for PgSizes {
    fn id(&self) -> &'static str {
        "table-sizes"
    }

    fn kind(&self) -> Kind {
        Kind::Snapshot
    }

    fn about(&self) -> &'static str {
        "sizes of tables and indexes of a PostgreSQL database, as CSV, JSON or psql's tables"
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

fn size(cells: &Cells<'_>) -> Result<Observed, String> {
    let shown = cells.get(SIZE).ok_or("its size is NULL")?;
    let bytes = units::bytes(shown).ok_or_else(|| format!("`{}` is no size", short(shown)))?;
    let (name, kind) = match cells.get(INDEX) {
        Some(index) => (index, "index"),
        None => (cells.get(NAME).ok_or("its name is NULL")?, "table"),
    };
    Ok(Observed::Relation(RelationSize {
        schema: cells.text(&["schemaname", "schema", "schema_name", "table_schema", "nspname"]),
        name: name.to_owned(),
        kind: kind.to_owned(),
        bytes,
        shown: (!shown.trim().bytes().all(|byte| byte.is_ascii_digit())).then(|| shown.to_owned()),
    }))
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::check;

    use super::*;

    #[test]
    fn reads_rounded_and_exact_sizes() {
        check(
            &PgSizes,
            "schemaname,tablename,size\npublic,events,1336 kB\npublic,other,much\n",
            &[
                "2 size public.events table 1368064 (1336 kB)",
                "3 rejected `much` is no size",
                "records 1 rejected 1 skipped 1",
            ],
        );
        check(
            &PgSizes,
            "[{\"relname\":\"events\",\"total_bytes\":4096,\"size\":\"4 kB\"}]",
            &["1 size .events table 4096", "records 1 rejected 0 skipped 1"],
        );
    }
}
