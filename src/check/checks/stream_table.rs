//! The stream table against the events.
//!
//! Stores keep a row for each stream with its newest version and check appends against it. A row that says another
//! version than the events refuses every append to its stream, or lets one through that forks it. An empty stream table
//! beside events says nothing: stores that do not keep one leave it so.

use std::collections::BTreeMap;

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran, StoreView, facts::EventRow};
use crate::model::{Fault, FaultKind, HeadsKept, Severity, StreamClaim, TableRole};

#[derive(Debug)]
pub(crate) struct StreamTable;

impl Check for StreamTable {
    fn meta(&self) -> Meta {
        Meta { id: "stream-table", about: "stream tables that disagree with the events" }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let (mut compared, mut why) = (0_usize, "no stream table was supplied");
        for store in evidence.stores.iter().filter(|store| store.has(TableRole::Streams)) {
            if !store.has(TableRole::Events) {
                why = "a stream table was supplied without its events";
            } else if store.is_torn() || store.is_filtered() {
                why = "the events are torn or filtered, so their newest versions are not known";
            } else if store.facts.heads.is_empty() {
                why = "the stream table is empty";
            } else {
                compared += store.facts.heads.len();
                compare(store, out);
            }
        }
        if compared > 0 { Ran::Over(format!("{compared} streams")) } else { Ran::CouldNot(why.to_owned()) }
    }
}

fn compare(store: &StoreView, out: &mut Outcome) {
    let rules = store.facts.rules(TableRole::Streams);
    let mut heads: BTreeMap<&str, Vec<&StreamClaim>> = BTreeMap::new();
    for head in &store.facts.heads {
        heads.entry(&head.stream).or_default().push(head);
    }
    let severity = match rules.heads_kept {
        HeadsKept::Always => FaultKind::StreamMismatch.severity(),
        HeadsKept::Sometimes => Severity::Info,
    };
    let mut state = |stream: &str, byte: u64, expected: Option<i64>, actual: Option<i64>, detail: String| {
        let fault = store.fault(FaultKind::StreamMismatch, byte, detail);
        out.fault(
            store,
            Fault {
                severity,
                stream_id: Some(stream.to_owned()),
                expected_version: expected,
                actual_version: actual,
                ..fault
            },
        );
    };
    store.events.each_stream(&mut |name, rows| {
        let mine = heads.remove(name).unwrap_or_default();
        for head in &mine {
            // A stream that was put away and begun again has a head for each.
            let of_head = |row: &&EventRow| mine.len() < 2 || row.mark.is_archived() == head.archived;
            let newest = rows.iter().rev().find(of_head).map(|row| row.version);
            if newest != Some(head.version) {
                let newest_is = newest.map_or("it has no event".to_owned(), |newest| {
                    format!("its newest event is version {newest}")
                });
                let detail = format!("the stream table has {name} at version {}, {newest_is}", head.version);
                state(name, head.byte, Some(head.version), newest, detail);
            }
        }
        if mine.is_empty() {
            let newest = rows[rows.len() - 1];
            let detail = format!("stream {name} has events and no row in the stream table");
            state(name, newest.byte(), None, Some(newest.version), detail);
        }
    });
    // A row at or below the first version's predecessor is a stream without events, which is none at all.
    for head in heads.into_values().flatten().filter(|head| head.version >= store.base) {
        let detail =
            format!("the stream table has {} at version {}, and it has no events", head.stream, head.version);
        state(&head.stream, head.byte, Some(head.version), None, detail);
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::check;

    use super::*;

    #[test]
    fn every_disagreement_is_a_fault() {
        check(
            &StreamTable,
            "a 1 1 90
             a 2 2 90
             b 1 3 90
             ok 1 4 90
             %a 3
             %c 1
             %empty 0
             %ok 1",
            &[
                "error stream-mismatch a@2 (the stream table has a at version 3, its newest event is version 2)",
                "error stream-mismatch b@1 (stream b has events and no row in the stream table)",
                "error stream-mismatch c@- (the stream table has c at version 1, and it has no events)",
            ],
        );
        check(&StreamTable, "a 1 1 90", &["could not run: no stream table was supplied"]);
        check(&StreamTable, "%a 1", &["could not run: a stream table was supplied without its events"]);
    }
}
