//! Tables and indexes: which are large, which grew, which indexes nobody reads.
//!
//! An unused index is an observation: counters may have been reset yesterday, and one that keeps a rule is needed
//! though nobody scans it.

use std::collections::BTreeMap;

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran};
use crate::model::{
    Observed, Timestamp,
    database::{IndexRow, TableRow},
    snapshot::{IndexUse, RelationSize},
};

#[derive(Debug)]
pub(crate) struct Relations;

/// Rows listed of each kind.
const LISTED: usize = 100;
/// Endings that `PostgreSQL` gives the indexes of primary keys, unique and exclusion constraints.
const OF_A_RULE: [&str; 3] = ["_pkey", "_key", "_excl"];

impl Check for Relations {
    fn meta(&self) -> Meta {
        Meta { id: "relations", about: "sizes of tables and indexes, and indexes that are seldom scanned" }
    }

    fn conclude(&self, evidence: &Evidence, judgement: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let indexes = series(evidence, |state| match state {
            Observed::Index(row) => Some((format!("{}.{}", row.schema, row.index), row)),
            _ => None,
        });
        let sizes = series(evidence, |state| match state {
            Observed::Relation(row) => Some((format!("{}.{}", row.schema, row.name), row)),
            _ => None,
        });
        if indexes.is_empty() && sizes.is_empty() {
            return Ran::CouldNot("no export of index usage or table sizes".to_owned());
        }
        let observed = format!("{} indexes, {} sizes", indexes.len(), sizes.len());
        out.database.indexes = seldom(&indexes, scans_under(judgement));
        out.database.tables = tables(&sizes);
        Ran::Over(observed)
    }
}

fn scans_under(judgement: &Judgement<'_>) -> u64 {
    judgement.settings.index_scans_under
}

/// By name: what each export said of it, oldest first.
fn series<'a, T>(
    evidence: &'a Evidence,
    row: impl Fn(&'a Observed) -> Option<(String, &'a T)>,
) -> BTreeMap<String, Vec<&'a T>> {
    let mut dated: Vec<(Option<Timestamp>, &String)> =
        evidence.snapshots.iter().map(|(path, snapshot)| (snapshot.taken_at, path)).collect();
    dated.sort_by_key(|(at, path)| (at.is_none(), *at, *path));
    let mut series: BTreeMap<String, Vec<&T>> = BTreeMap::new();
    for (_, path) in dated {
        let observations =
            evidence.snapshots.get(path).into_iter().flat_map(|snapshot| &snapshot.observations);
        for (name, found) in observations.filter_map(|observation| row(&observation.state)) {
            series.entry(name).or_default().push(found);
        }
    }
    series
}

fn seldom(indexes: &BTreeMap<String, Vec<&IndexUse>>, under: u64) -> Vec<IndexRow> {
    let last = indexes.values().filter_map(|rows| rows.last()).filter(|row| row.scans < under);
    let mut rows: Vec<IndexRow> = last
        .map(|row| IndexRow {
            table: row.table.clone(),
            index: row.index.clone(),
            scans: row.scans,
            keeps_a_rule: OF_A_RULE.iter().any(|ending| row.index.ends_with(ending)),
            bytes: row.bytes,
        })
        .collect();
    rows.sort_by(|a, b| {
        a.keeps_a_rule
            .cmp(&b.keeps_a_rule)
            .then(b.bytes.cmp(&a.bytes))
            .then(a.scans.cmp(&b.scans))
            .then(a.index.cmp(&b.index))
    });
    rows.truncate(LISTED);
    rows
}

fn tables(sizes: &BTreeMap<String, Vec<&RelationSize>>) -> Vec<TableRow> {
    let rows = sizes.values().filter_map(|rows| Some((rows.first()?, rows.last()?, rows.len())));
    let mut rows: Vec<TableRow> = rows
        .map(|(first, last, count)| TableRow {
            name: last.name.clone(),
            kind: last.kind.clone(),
            bytes: last.bytes,
            grown_bytes: (count > 1).then(|| last.bytes.cast_signed() - first.bytes.cast_signed()),
        })
        .collect();
    rows.sort_by(|a, b| b.bytes.cmp(&a.bytes).then(a.name.cmp(&b.name)));
    rows.truncate(LISTED);
    rows
}
