//! The few units of work that a report tells of one by one get their entries back.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;

use crate::{
    check::{self, facts::UnitKey},
    ingest,
    model::{Finding, TraceEntry, TracePart, Traces},
};

use super::{Plan, again};

/// Bytes read again, at most: a unit whose first and last entry lie hours apart has its counts, and no phases.
const READ_AGAIN: u64 = 128 << 20;

pub(super) fn fill(plan: &Plan, traces: &mut Traces, evidence: &BTreeMap<String, ingest::Evidence>) {
    let (keys, wanted) = wanted(traces, evidence);
    if wanted.is_empty() {
        return;
    }
    let read: Vec<Vec<TraceEntry>> = wanted
        .par_iter()
        .map(|(evidence, sources)| {
            let mut entries = Vec::new();
            again::runs(&plan.lexicon, plan.piece_bytes, evidence, sources, &mut |mut entry| {
                if keys.contains(&entry.key) {
                    let ahead = plan.clocks.ahead(&entry.path);
                    entry.time = entry.time.map(|time| time.plus(-ahead));
                    entries.push(entry);
                }
            });
            entries
        })
        .collect();
    let mut of_key: HashMap<UnitKey, Vec<TraceEntry>> = HashMap::new();
    for entry in read.into_iter().flatten() {
        of_key.entry(entry.key).or_default().push(entry);
    }
    for trace in traces.listed_mut() {
        if let Some(entries) = of_key.get_mut(&trace.key) {
            check::tell(trace, entries);
        }
    }
}

type Sources = BTreeMap<String, Vec<TracePart>>;

/// What to read again, by the evidence that holds it.
fn wanted(
    traces: &mut Traces,
    evidence: &BTreeMap<String, ingest::Evidence>,
) -> (BTreeSet<UnitKey>, BTreeMap<ingest::Evidence, Sources>) {
    let mut wanted: BTreeMap<ingest::Evidence, Sources> = BTreeMap::new();
    let (mut keys, mut bytes) = (BTreeSet::new(), 0);
    for trace in traces.listed_mut() {
        let size: u64 = trace.parts.iter().map(|part| part.to - part.from).sum();
        if bytes + size > READ_AGAIN || !keys.insert(trace.key) {
            continue;
        }
        bytes += size;
        for part in &trace.parts {
            if let Some(evidence) = evidence.get(&part.path) {
                let sources = wanted.entry(evidence.clone()).or_default();
                sources.entry(part.path.clone()).or_default().push(part.clone());
            }
        }
    }
    (keys, wanted)
}

/// The finding about unfinished units points at the last that each of them said.
pub(super) fn cite(traces: &Traces, findings: &mut [Finding]) {
    let last = traces.unfinished.iter().filter_map(|trace| trace.evidence.last().cloned());
    if let Some(finding) = findings.iter_mut().find(|finding| finding.check == "traces") {
        finding.evidence = last.collect();
    }
}
