//! Snapshots against the events that they stand for.
//!
//! A snapshot replaces the events up to its version. Ahead of its stream it was taken of events that are lost; right
//! before a hole the stream cannot be read on from it; of a stream without events it is an orphan, which restores state
//! out of nothing.

use std::collections::BTreeMap;

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran, StoreView, facts::EventRow};
use crate::model::{Fault, FaultKind, StreamClaim, TableRole};

#[derive(Debug)]
pub(crate) struct Snapshots;

impl Check for Snapshots {
    fn meta(&self) -> Meta {
        Meta {
            id: "snapshots",
            about: "snapshots ahead of their stream, before a hole in it, or of no stream",
        }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let (mut compared, mut why) = (0_usize, "no snapshot table was supplied");
        for store in evidence.stores.iter().filter(|store| store.has(TableRole::Snapshots)) {
            if !store.has(TableRole::Events) {
                why = "snapshots were supplied without their events";
            } else if store.is_torn() || store.is_filtered() {
                why = "the events are torn or filtered, so their newest versions are not known";
            } else if store.facts.snapshots.is_empty() {
                why = "the snapshot table is empty, or its rows name no stream and version";
            } else {
                compared += store.facts.snapshots.len();
                compare(store, out);
            }
        }
        if compared > 0 { Ran::Over(format!("{compared} snapshots")) } else { Ran::CouldNot(why.to_owned()) }
    }
}

fn compare(store: &StoreView, out: &mut Outcome) {
    let mut by_stream: BTreeMap<&str, Vec<&StreamClaim>> = BTreeMap::new();
    for snapshot in &store.facts.snapshots {
        by_stream.entry(&snapshot.stream).or_default().push(snapshot);
    }
    store.events.each_stream(&mut |name, rows| {
        for snapshot in by_stream.remove(name).unwrap_or_default() {
            one(store, snapshot, rows, out);
        }
    });
    for snapshot in by_stream.into_values().flatten().filter(|snapshot| snapshot.version >= store.base) {
        let detail =
            format!("{} of version {}, and the stream has no events", named(snapshot), snapshot.version);
        out.fault(store, fault(store, snapshot, FaultKind::OrphanSnapshot, detail));
    }
}

fn one(store: &StoreView, snapshot: &StreamClaim, rows: &[EventRow], out: &mut Outcome) {
    let (version, newest) = (snapshot.version, rows[rows.len() - 1].version);
    let after = rows.partition_point(|row| row.version <= version);
    if version > newest {
        let detail =
            format!("{} is of version {version}, the newest event is version {newest}", named(snapshot));
        let fault = fault(store, snapshot, FaultKind::SnapshotAhead, detail);
        out.fault(store, Fault { expected_version: Some(version), actual_version: Some(newest), ..fault });
    } else if rows.get(after).is_some_and(|row| row.version > version + 1)
        && !store.is_concurrent(&snapshot.stream)
    {
        let next = rows[after].version;
        let detail = format!(
            "{} is of version {version}, and the next event is version {next}: what lies between is lost",
            named(snapshot)
        );
        let fault = fault(store, snapshot, FaultKind::SnapshotInsideGap, detail);
        out.fault(store, Fault { expected_version: Some(version + 1), actual_version: Some(next), ..fault });
    }
}

fn named(snapshot: &StreamClaim) -> String {
    match (snapshot.name.as_str(), &snapshot.stream) {
        ("", stream) => format!("the snapshot of stream {stream}"),
        (name, stream) => format!("snapshot {name} of stream {stream}"),
    }
}

fn fault(store: &StoreView, snapshot: &StreamClaim, kind: FaultKind, detail: String) -> Fault {
    Fault { stream_id: Some(snapshot.stream.clone()), ..store.fault(kind, snapshot.byte, detail) }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::check;

    use super::*;

    #[test]
    fn a_snapshot_stands_for_events_that_are_there() {
        check(
            &Snapshots,
            "a 1 1 90
             a 2 2 90
             a 5 3 90
             b 3 4 90
             !- a 2
             !late a 6
             !- a 5
             !- b 2
             !- c 4
             !- d 0",
            &[
                "warning orphan-snapshot c@- (the snapshot of stream c of version 4, and the stream has no events)",
                "error snapshot-ahead a@5 (snapshot late of stream a is of version 6, the newest event is version 5)",
                "error snapshot-inside-gap a@5 (the snapshot of stream a is of version 2, and the next event is version 5: what lies between is lost)",
            ],
        );
        check(&Snapshots, "a 1 1 90", &["could not run: no snapshot table was supplied"]);
    }
}
