//! What checks come to.

use std::collections::BTreeMap;

use crate::{
    fold::{FirstN, merge_maps},
    model::{
        Conflicts, Database, Fault, FaultKind, Finding, HotStream, MemoryUse, Operation, Pool, Traces,
        Validation, projection::Projection, report::PatternSeen,
    },
};

use super::facts::StoreKey;

/// Faults listed of one kind and store.
pub(super) const LISTED: usize = 10_000;

#[derive(Debug, Default)]
pub struct Outcome {
    pub findings: Vec<Finding>,
    pub patterns: Vec<PatternSeen>,
    pub operations: Vec<Operation>,
    pub pools: Vec<Pool>,
    pub memory: Vec<MemoryUse>,
    pub database: Database,
    /// In order of name.
    pub projections: Vec<Projection>,
    pub traces: Traces,
    pub conflicts: Conflicts,
    pub hot_streams: Vec<HotStream>,
    pub validation: Vec<Validation>,
    /// By store and kind, bounded and counted.
    pub faults: BTreeMap<(String, StoreKey, FaultKind), FirstN<Fault, LISTED>>,
}

impl Outcome {
    /// States a fault of a store.
    pub fn fault(&mut self, store: &super::StoreView, fault: Fault) {
        let key = (store.path.clone(), store.key.clone(), fault.kind);
        self.faults.entry(key).or_default().push(fault);
    }

    /// Takes in what another check stated.
    pub(super) fn join(&mut self, other: Outcome) {
        let Outcome {
            findings,
            patterns,
            operations,
            pools,
            memory,
            database,
            projections,
            traces,
            conflicts,
            hot_streams,
            validation,
            faults,
        } = other;
        self.findings.extend(findings);
        self.patterns.extend(patterns);
        self.operations.extend(operations);
        self.pools.extend(pools);
        self.memory.extend(memory);
        self.database.join(database);
        self.projections.extend(projections);
        // One check tells of each.
        if traces != Traces::default() {
            self.traces = traces;
        }
        if conflicts != Conflicts::default() {
            self.conflicts = conflicts;
        }
        self.hot_streams.extend(hot_streams);
        self.validation.extend(validation);
        merge_maps(&mut self.faults, faults);
    }

    /// Names the file of each fault of a store that is a folder.
    pub(super) fn name_files(&mut self, evidence: &super::Evidence) {
        for ((path, key, _), listed) in &mut self.faults {
            let store = evidence.stores.iter().find(|store| store.path == *path && store.key == *key);
            for fault in &mut listed.items {
                if let Some(transaction) = store.and_then(|store| store.dag.file_at(fault.byte)) {
                    fault.byte -= transaction.byte;
                    fault.file = Some(transaction.file.clone());
                }
            }
        }
    }

    /// Puts the faults of each kind in the order of their file: rows of two partitions in one piece come table by
    /// table, and a reader follows the file.
    pub(super) fn sort_faults(&mut self) {
        for listed in self.faults.values_mut() {
            listed
                .items
                .sort_by(|a, b| (a.byte, &a.detail, &a.event_id).cmp(&(b.byte, &b.detail, &b.event_id)));
        }
    }

    /// States the faults that rows of a store showed by themselves.
    pub fn row_faults(&mut self, store: &super::StoreView, kinds: &[FaultKind]) {
        for kind in kinds {
            let Some(listed) = store.facts.faults.get(kind) else { continue };
            let faults = listed.items.iter().map(|row| Fault {
                stream_id: row.stream.clone(),
                event_id: row.event_id.clone().filter(|id| !id.is_empty()),
                actual_version: row.version,
                path: store.path.clone(),
                byte: row.byte,
                ..Fault::new(*kind, row.detail.clone())
            });
            let key = (store.path.clone(), store.key.clone(), *kind);
            let into = self.faults.entry(key).or_default();
            for fault in faults {
                into.push(fault);
            }
            into.seen += listed.seen - listed.items.len() as u64;
        }
    }
}
