//! An event id that occurs more than once.
//!
//! Ids are unique in every store that has them. The same row twice is an export joined with itself; one id on two
//! different events is corruption that breaks idempotent consumers.

use crate::check::{
    Check, Evidence, Judgement, Meta, Outcome, Ran, StoreView,
    facts::{ABSENT, EventRow},
    shown_id,
};
use crate::model::{Fault, FaultKind, Repeat, Severity, TableRole};

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
            ids += store.events.ids();
            let repeat = store.facts.rules(TableRole::Events).ids_repeat;
            let mut first: Option<EventRow> = None;
            store.events.each_that_may_repeat(&mut |row| match &first {
                Some(first) if first.id() == row.id() => twice(store, repeat, first, row, out),
                _ => first = Some(*row),
            });
        }
        if any {
            Ran::Over(format!("{ids} event ids"))
        } else {
            Ran::CouldNot("no events of a store were supplied".to_owned())
        }
    }
}

fn twice(store: &StoreView, repeat: Repeat, first: &EventRow, row: &EventRow, out: &mut Outcome) {
    let linked = first.version == ABSENT || row.version == ABSENT;
    let elsewhere = first.stream != row.stream || linked;
    let put_away = first.mark.is_archived() != row.mark.is_archived();
    if put_away || repeat == Repeat::Anywhere || (repeat == Repeat::InOtherStreams && elsewhere) {
        return;
    }
    let (here, there) = (store.events.name(row), store.events.name(first));
    let detail = if row.is_copy_of(first) {
        format!("the row of version {} in stream {here} occurs twice", row.version)
    } else {
        let versions = (first.version, row.version);
        format!(
            "one id for version {} of stream {there} and version {} of stream {here}",
            versions.0, versions.1
        )
    };
    let fault = store.fault_at(FaultKind::DuplicateEvent, row, detail);
    let severity = if repeat == Repeat::Never { fault.severity } else { Severity::Warning };
    out.fault(store, Fault { other_event_id: shown_id(first.id()), severity, ..fault });
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
