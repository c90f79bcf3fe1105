//! The same server log in two or three forms, side by side: counted once.

use std::collections::BTreeMap;

use super::facts::SourceFacts;

/// Share of the smaller log's entries that the other must hold. Twins share all but what a rotation or a start
/// before the collector keeps apart; logs of two servers share next to nothing.
const SHARED: f64 = 0.5;

/// A source that repeats another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Twin {
    pub path: String,
    pub of: String,
    pub note: String,
}

/// Finds the twins among server logs, given with the rank of their form (0 is kept before 1).
pub fn twins(sources: &BTreeMap<String, SourceFacts>, ranks: &BTreeMap<String, u8>) -> Vec<Twin> {
    let mut logs: Vec<(u8, &String, &SourceFacts)> =
        ranks.iter().filter_map(|(path, rank)| sources.get(path).map(|facts| (*rank, path, facts))).collect();
    logs.sort_by_key(|(rank, path, _)| (*rank, *path));
    let mut twins: Vec<Twin> = Vec::new();
    for (at, (rank, path, facts)) in logs.iter().enumerate() {
        let kept = logs[..at].iter().filter(|(other_rank, other, _)| {
            other_rank < rank && !twins.iter().any(|twin| twin.path == **other)
        });
        let best = kept
            .map(|(_, other, theirs)| (facts.log.twin.overlap(&theirs.log.twin), *other, *theirs))
            .filter(|(shared, ..)| *shared >= SHARED)
            .max_by(|a, b| a.0.total_cmp(&b.0).then(b.1.cmp(a.1)));
        if let Some((_, other, theirs)) = best {
            let note = format!(
                "the same server log as {other} ({} entries here, {} there): counted once",
                facts.log.entries(),
                theirs.log.entries()
            );
            twins.push(Twin { path: (*path).clone(), of: other.clone(), note });
        }
    }
    twins
}
