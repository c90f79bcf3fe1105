//! The facts as checks read them: sources that count, and stores sorted for questions about order.

use std::collections::BTreeMap;

use crate::{
    fold::merge_maps,
    model::{Fault, FaultKind},
};

use super::facts::{EventRow, LogFacts, SourceFacts, StoreFacts, StoreKey};

/// All that was folded, by the name of its source; twins and copies are left out.
#[derive(Debug, Default)]
pub struct Evidence {
    pub logs: BTreeMap<String, LogFacts>,
    /// Sorted by path, schema and profile.
    pub stores: Vec<StoreView>,
}

impl Evidence {
    pub fn new(sources: BTreeMap<String, SourceFacts>) -> Evidence {
        let mut evidence = Evidence::default();
        for (path, mut facts) in sources {
            give_to_a_store(&mut facts.stores);
            for (key, store) in facts.stores {
                evidence.stores.push(StoreView::new(&path, key, store));
            }
            if facts.log.entries() > 0 {
                evidence.logs.insert(path, facts.log);
            }
        }
        evidence
    }

    /// Stores with an events table.
    pub fn event_stores(&self) -> impl Iterator<Item = &StoreView> {
        self.stores.iter().filter(|store| store.facts.has_events)
    }
}

/// What is wrong with a source as a whole stands under no profile; it is a fault of the store that the source holds,
/// if it holds one.
fn give_to_a_store(stores: &mut BTreeMap<StoreKey, StoreFacts>) {
    let Some(of_source) = stores.remove(&StoreKey::default()) else { return };
    match stores.values_mut().next() {
        Some(store) => merge_maps(&mut store.faults, of_source.faults),
        None => {
            stores.insert(StoreKey::default(), of_source);
        }
    }
}

/// One store, its events in order of stream name, version and place.
#[derive(Debug)]
pub struct StoreView {
    pub path: String,
    pub key: StoreKey,
    pub facts: StoreFacts,
    /// The version that a stream begins with here.
    pub base: i64,
    /// Indexes into `facts.rows` of the events that have an id, in order of id and place.
    pub by_id: Vec<u32>,
}

impl StoreView {
    fn new(path: &str, key: StoreKey, mut facts: StoreFacts) -> StoreView {
        use rayon::slice::ParallelSliceMut;
        let rank = name_ranks(&facts);
        facts.rows.par_sort_unstable_by_key(|row| (rank[row.stream as usize], row.version, row.byte));
        let mut by_id: Vec<u32> =
            (0..facts.rows.len() as u32).filter(|index| !facts.rows[*index as usize].id.is_none()).collect();
        by_id.par_sort_unstable_by_key(|index| {
            let row = &facts.rows[*index as usize];
            (row.id, row.byte)
        });
        let base = base(&facts);
        StoreView { path: path.to_owned(), key, facts, base, by_id }
    }

    pub fn stream_name(&self, row: &EventRow) -> &str {
        &self.facts.streams.names[row.stream as usize]
    }

    /// The events of each stream, in version order; streams without a name are left out.
    pub fn streams(&self) -> impl Iterator<Item = (&str, &[EventRow])> {
        let runs = self.facts.rows.chunk_by(|a, b| a.stream == b.stream);
        runs.map(|rows| (self.stream_name(&rows[0]), rows)).filter(|(name, _)| !name.is_empty())
    }

    /// Events in order of id.
    pub fn events_by_id(&self) -> impl DoubleEndedIterator<Item = &EventRow> {
        self.by_id.iter().map(|index| &self.facts.rows[*index as usize])
    }

    /// Whether something was cut off, so that absence proves nothing.
    pub fn is_torn(&self) -> bool {
        [FaultKind::TornDump, FaultKind::TornTail].iter().any(|kind| self.facts.faults.contains_key(kind))
    }

    /// A fault about one event.
    pub fn fault_at(&self, kind: FaultKind, row: &EventRow, detail: impl Into<String>) -> Fault {
        Fault {
            stream_id: Some(self.stream_name(row).to_owned()),
            event_id: (!row.id.is_none()).then(|| row.id.to_string()),
            actual_version: Some(row.version),
            at: row.time(),
            path: self.path.clone(),
            byte: row.byte,
            ..Fault::new(kind, detail)
        }
    }
}

/// Each stream number's place among the names, so that order never depends on which piece was read first.
fn name_ranks(facts: &StoreFacts) -> Vec<u32> {
    let names = &facts.streams.names;
    let mut order: Vec<u32> = (0..names.len() as u32).collect();
    order.sort_unstable_by(|a, b| names[*a as usize].cmp(&names[*b as usize]));
    let mut ranks = vec![0; names.len()];
    for (rank, number) in order.into_iter().enumerate() {
        ranks[number as usize] = rank as u32;
    }
    ranks
}

/// Where a profile allows several first versions, the one that most streams show; the lower of equals.
fn base(facts: &StoreFacts) -> i64 {
    let [first, rest @ ..] = &facts.first_versions[..] else { return 1 };
    if rest.is_empty() {
        return *first;
    }
    let firsts = facts.rows.chunk_by(|a, b| a.stream == b.stream).map(|rows| rows[0].version);
    let mut counts: BTreeMap<i64, usize> = facts.first_versions.iter().map(|version| (*version, 0)).collect();
    for version in firsts {
        if let Some(count) = counts.get_mut(&version) {
            *count += 1;
        }
    }
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(*first, |(version, _)| version)
}
