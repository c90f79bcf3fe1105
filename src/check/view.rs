//! The facts as checks read them: sources that count, and stores sorted for questions about order.

use std::{collections::BTreeMap, io};

use crate::{
    fold::merge_maps,
    model::{Absence, EventId, Fault, FaultKind, Sequence, Systems, TableRole, TableRules, profile::fits},
};

use super::{
    dag::Dag,
    events::{Events, Room},
    facts::{ABSENT, EventRow, LogFacts, SnapshotFacts, SourceFacts, StoreFacts, StoreKey},
    lineage, systems,
};

/// All that was folded, by the name of its source; twins and copies are left out.
#[derive(Debug, Default)]
pub struct Evidence {
    pub logs: BTreeMap<String, LogFacts>,
    /// Dated by their content, or else by their name.
    pub snapshots: BTreeMap<String, SnapshotFacts>,
    /// Sorted by path, schema and profile.
    pub stores: Vec<StoreView>,
    /// Groups of copies of one store, as indexes, the oldest first.
    pub copies: Vec<Vec<usize>>,
    pub systems: Systems,
}

impl Evidence {
    /// Puts everything in order.
    ///
    /// # Errors
    ///
    /// What the disk says, where an index did not fit into memory.
    pub fn new(sources: BTreeMap<String, SourceFacts>, room: &Room) -> io::Result<Evidence> {
        let mut evidence = Evidence::default();
        for (path, mut facts) in sources {
            give_to_a_store(&mut facts.stores);
            for (key, store) in facts.stores {
                evidence.stores.push(StoreView::new(&path, key, store, &facts.sequences, room)?);
            }
            if facts.log.entries() > 0 {
                evidence.logs.insert(path.clone(), facts.log);
            }
            if !facts.snapshot.observations.is_empty() {
                evidence.snapshots.insert(path.clone(), facts.snapshot.dated_by(&path));
            }
        }
        evidence.copies = lineage::groups(&evidence.stores);
        evidence.systems = systems::systems(&evidence.logs, &evidence.snapshots);
        Ok(evidence)
    }

    /// The newest of the copies of a store, if it is another one.
    pub fn copy_of(&self, at: usize) -> Option<&StoreView> {
        let newest = self.copies.iter().find(|group| group.contains(&at))?.last()?;
        (*newest != at).then(|| &self.stores[*newest])
    }

    /// Stores with an events table.
    pub fn event_stores(&self) -> impl Iterator<Item = &StoreView> {
        self.stores.iter().filter(|store| store.has(TableRole::Events))
    }

    /// The events that a store's checkpoints belong to: its own, or those of the one export of the same kind beside it.
    pub fn events_of<'a>(&'a self, store: &'a StoreView) -> Option<&'a StoreView> {
        if store.has(TableRole::Events) {
            return Some(store);
        }
        // Checkpoints may have a schema of their own in the same dump.
        let of_store = |other: &&StoreView| other.key.profile == store.key.profile;
        let mut within = self.event_stores().filter(|other| other.path == store.path).filter(of_store);
        if let Some(events) = within.next() {
            return Some(events).filter(|_| within.next().is_none());
        }
        let place = |path: &str| {
            let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
            (folder.to_owned(), file.rsplit_once('.').map(|(_, extension)| extension.to_owned()))
        };
        let beside = |other: &&StoreView| other.key == store.key && place(&other.path) == place(&store.path);
        let mut found = self.event_stores().filter(beside);
        found.next().filter(|_| found.next().is_none())
    }

    /// The events that a store's checkpoints belong to, in their newest copy. Checkpoints that lie apart belong to the
    /// only store of their kind.
    pub fn events_near<'a>(&'a self, store: &'a StoreView) -> Option<&'a StoreView> {
        let newest = |events: &'a StoreView| {
            let at = self.stores.iter().position(|known| std::ptr::eq(known, events));
            at.and_then(|at| self.copy_of(at)).unwrap_or(events)
        };
        if let Some(events) = self.events_of(store) {
            return Some(newest(events));
        }
        let alike = self.event_stores().filter(|other| other.key.profile == store.key.profile);
        let mut found = alike.map(newest);
        let first = found.next()?;
        found.all(|other| std::ptr::eq(other, first)).then_some(first)
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

/// One store, its events in order.
#[derive(Debug)]
pub struct StoreView {
    pub path: String,
    pub key: StoreKey,
    /// All but the index, which `events` holds in order.
    pub facts: StoreFacts,
    pub events: Events,
    /// The version that a stream begins with here.
    pub base: i64,
    /// The sequences that its positions are drawn from.
    pub sequences: Vec<Sequence>,
    /// Streams with numbered events, and those of them that lack versions which the store never leaves out.
    pub numbered: u64,
    pub holed: u64,
    /// The order of its transactions, where they name their parents.
    pub dag: Dag,
}

/// Fewest streams, and the share of them that must have holes, for holes to be one finding: single losses are faults of
/// their own, a filter or a truncated export hits streams everywhere.
const FILTERED_STREAMS: u64 = 10;
const FILTERED_SHARE: f64 = 0.5;

impl StoreView {
    fn new(
        path: &str,
        key: StoreKey,
        mut facts: StoreFacts,
        sequences: &[Sequence],
        room: &Room,
    ) -> io::Result<StoreView> {
        let events = Events::new(std::mem::take(&mut facts.events), room)?;
        let rules = facts.rules(TableRole::Events);
        let base = base(&rules.first_version, &events);
        let drawn_from = |sequence: &&Sequence| {
            let (schema, name) = sequence.name.rsplit_once('.').unwrap_or(("", &sequence.name));
            // One schema a tenant is one sequence a tenant.
            schema == key.schema && rules.sequences.iter().any(|known| fits(known, name))
        };
        let sequences = sequences.iter().filter(drawn_from).cloned().collect();
        let dag = Dag::new(std::mem::take(&mut facts.transactions));
        let (numbered, holed) = holed(&events, &rules, base);
        Ok(StoreView { path: path.to_owned(), key, facts, events, base, sequences, numbered, holed, dag })
    }

    /// Whether holes are so many that they are one finding.
    pub fn is_filtered(&self) -> bool {
        self.numbered >= FILTERED_STREAMS && self.holed as f64 >= self.numbered as f64 * FILTERED_SHARE
    }

    /// Whether writers that did not know of each other appended to this stream: then versions are advice, and the store
    /// numbers anew when it merges.
    pub fn is_concurrent(&self, stream: &str) -> bool {
        self.dag.concurrent.contains(stream)
    }

    pub fn has(&self, role: TableRole) -> bool {
        self.facts.has(role)
    }

    /// Whether something was cut off, so that absence proves nothing.
    pub fn is_torn(&self) -> bool {
        [FaultKind::TornDump, FaultKind::TornTail].iter().any(|kind| self.facts.faults.contains_key(kind))
    }

    /// A fault about one event.
    pub fn fault_at(&self, kind: FaultKind, row: &EventRow, detail: impl Into<String>) -> Fault {
        Fault {
            stream_id: Some(self.events.name(row).into_owned()),
            event_id: shown_id(row.id()),
            actual_version: (row.version != ABSENT).then_some(row.version),
            at: row.time(),
            path: self.path.clone(),
            byte: row.byte(),
            ..Fault::new(kind, detail)
        }
    }

    /// A fault of the store as a whole.
    pub fn fault(&self, kind: FaultKind, byte: u64, detail: impl Into<String>) -> Fault {
        Fault { path: self.path.clone(), byte, ..Fault::new(kind, detail) }
    }
}

/// An id as a report shows it: not one that stands for a text.
pub fn shown_id(id: EventId) -> Option<String> {
    (!id.is_none() && !id.is_of_text()).then(|| id.to_string())
}

fn holed(events: &Events, rules: &TableRules, base: i64) -> (u64, u64) {
    let (mut numbered, mut holed) = (0, 0);
    events.each_stream(&mut |_, rows| {
        numbered += 1;
        let first = &rows[0];
        let head = rules.heads == Absence::Lost && first.version > base && !first.mark.is_opener();
        let inside = rules.gaps == Absence::Lost
            && rows.windows(2).any(|pair| pair[1].version > pair[0].version.saturating_add(1));
        holed += u64::from(head || inside);
    });
    (numbered, holed)
}

/// Where a profile allows several first versions, the one that most streams show; the lower of equals.
fn base(first_versions: &[i64], events: &Events) -> i64 {
    let [first, rest @ ..] = first_versions else { return 1 };
    if rest.is_empty() {
        return *first;
    }
    let mut counts: BTreeMap<i64, usize> = first_versions.iter().map(|version| (*version, 0)).collect();
    events.each_stream(&mut |_, rows| {
        if let Some(count) = counts.get_mut(&rows[0].version) {
            *count += 1;
        }
    });
    counts.into_iter().rev().max_by_key(|(_, count)| *count).map_or(*first, |(version, _)| version)
}
