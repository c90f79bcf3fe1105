//! An event id that occurs more than once.
//!
//! Ids are unique in every store that has them. The same row twice is an export joined with itself; one id on two
//! different events is corruption that breaks idempotent consumers.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran};
use crate::model::{Fault, FaultKind};

#[derive(Debug)]
pub(crate) struct DuplicateEvent;

impl Check for DuplicateEvent {
    fn meta(&self) -> Meta {
        Meta { id: "duplicate-event", about: "event ids that occur more than once" }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let (mut ids, mut any) = (0, false);
        for store in evidence.event_stores() {
            any = true;
            ids += store.by_id.len();
            let mut events = store.events_by_id();
            let Some(mut first) = events.next() else { continue };
            for row in events {
                if row.id != first.id {
                    first = row;
                    continue;
                }
                let (here, there) = (store.stream_name(row), store.stream_name(first));
                let same = (row.stream, row.version, row.time) == (first.stream, first.version, first.time);
                let detail = if same {
                    format!("the row of version {} in stream {here} occurs twice", row.version)
                } else {
                    format!(
                        "one id for version {} of stream {there} and version {} of stream {here}",
                        first.version, row.version
                    )
                };
                out.fault(
                    store,
                    Fault {
                        other_event_id: Some(first.id.to_string()),
                        ..store.fault_at(FaultKind::DuplicateEvent, row, detail)
                    },
                );
            }
        }
        if any {
            Ran::Over(format!("{ids} event ids"))
        } else {
            Ran::CouldNot("no events of a store were supplied".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::check;

    use super::*;

    #[test]
    fn tells_a_repeated_row_from_a_repeated_id() {
        check(
            &DuplicateEvent,
            "a 1 1 90
             a 1 1 90
             b 1 2 80
             b 2 2 70
             c 1 - 60
             c 2 - 60",
            &[
                "error duplicate-event a@1 (the row of version 1 in stream a occurs twice)",
                "error duplicate-event b@2 (one id for version 1 of stream b and version 2 of stream b)",
            ],
        );
    }
}
