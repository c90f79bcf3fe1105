//! What one source adds up to. Mergeable piece by piece, without a threshold in it.

mod conflicts;
mod flow;
mod gauges;
mod index;
mod kinds;
mod logs;
mod names;
mod operations;
mod projectors;
mod refusals;
mod run;
mod server;
mod snapshot;
mod stores;
mod templates;
#[cfg(test)]
pub(super) mod testing;
mod traces;

pub use conflicts::{ConflictFacts, LineFacts, LineKind, StreamLines};
pub use flow::{FlowFacts, Step};
pub use gauges::{Gauge, GaugeFacts, ServiceGauges};
pub use index::{ABSENT, EventIndex, EventRow};
pub use kinds::Kinds;
pub use logs::{HitKeys, LevelFacts, LogFacts, PatternFacts, Sample, Seen, Slice, Tick};
pub use names::Names;
pub use operations::{CallFacts, Ended, OperationFacts, OperationKey};
pub use projectors::{Act, ProjectorFacts, ProjectorsFacts, Reported, says_unstarted};
pub use refusals::{RefusalFacts, RefusalKind, Refusals};
pub use run::Run;
pub use server::{DeadlockSeen, ServerFacts, Timed, Wait};
pub use snapshot::SnapshotFacts;
pub use stores::{CheckpointRow, IdAt, StoreFacts, StoreKey};
pub use templates::{ShapeFacts, TemplateFacts};
pub use traces::{Flags, NONE, TraceFacts, TraceRow, UnitKey, has_id, unit_of};
pub(super) use {index::ROW_BYTES, run::join, traces::folded};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    fold::{Distinct, FirstN, State, merge_maps},
    model::{Account, Batch, Problem, Sequence, Window, Zone},
};

/// Problems listed of one source.
const PROBLEMS: usize = 5;
/// Notes kept of one source.
const NOTES: usize = 32;

/// The facts of one source, or of a run of its pieces.
///
/// Bounds: logs grow with distinct patterns, levels and days; stores with streams and events; never with bytes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SourceFacts {
    pub account: Account,
    pub zone: Zone,
    /// Of all times, of entries and rows.
    pub window: Window,
    pub problems: FirstN<Problem, PROBLEMS>,
    pub notes: Distinct<NOTES>,
    pub log: LogFacts,
    #[serde(with = "as_pairs")]
    pub stores: BTreeMap<StoreKey, StoreFacts>,
    /// Of a dump: where its sequences stood.
    pub sequences: Vec<Sequence>,
    pub snapshot: SnapshotFacts,
}

impl SourceFacts {
    /// Takes in what a piece holds beside its log entries (see [`LogFacts::observe`] for those).
    pub fn observe(&mut self, batch: &Batch<'_>) {
        self.account.add(batch.account);
        self.zone = self.zone.max(batch.zone);
        self.window.join(&batch.rows);
        for problem in &batch.problems {
            self.problems.push_with(|| problem.clone());
        }
        for note in &batch.notes {
            self.notes.add(note);
        }
        self.sequences.extend(batch.sequences.iter().cloned());
        self.snapshot.observe(batch);
        for rows in &batch.tables {
            let key = StoreKey { schema: rows.table.schema.clone(), profile: rows.table.profile.clone() };
            self.stores.entry(key).or_default().observe(rows);
        }
    }
}

impl State for SourceFacts {
    fn merge(&mut self, next: Self) {
        let SourceFacts { account, zone, window, problems, notes, log, stores, sequences, snapshot } = next;
        self.account.add(account);
        self.zone = self.zone.max(zone);
        self.window.join(&window);
        self.problems.merge(problems);
        self.notes.merge(notes);
        self.log.merge(log);
        merge_maps(&mut self.stores, stores);
        self.sequences.extend(sequences);
        self.snapshot.merge(snapshot);
    }
}

/// A map whose key is no string, as a list of pairs.
mod as_pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(super) fn serialize<K: Serialize, V: Serialize, S: Serializer>(
        map: &BTreeMap<K, V>,
        out: S,
    ) -> Result<S::Ok, S::Error> {
        out.collect_seq(map.iter())
    }

    pub(super) fn deserialize<'de, K: Deserialize<'de> + Ord, V: Deserialize<'de>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<BTreeMap<K, V>, D::Error> {
        Ok(Vec::<(K, V)>::deserialize(from)?.into_iter().collect())
    }
}
