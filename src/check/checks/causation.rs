//! Causes that are not there.
//!
//! An event may name the event or the command that caused it. Commands are stored nowhere, so an id that no event has is
//! normal; only where most ids do point at events is one that does not worth an observation.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran, StoreView, facts::IdAt};
use crate::model::{EventId, FaultKind};

#[derive(Debug)]
pub(crate) struct Causation;

impl Check for Causation {
    fn meta(&self) -> Meta {
        Meta { id: "causation", about: "causation ids that point at no event, where most of them do" }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let mut compared = 0;
        for store in evidence.event_stores().filter(|store| !store.facts.causes.is_empty()) {
            compared += store.facts.causes.len();
            one(store, out);
        }
        if compared > 0 {
            Ran::Over(format!("{compared} causation ids"))
        } else {
            Ran::CouldNot("no events with a causation id in a column of its own were supplied".to_owned())
        }
    }
}

fn one(store: &StoreView, out: &mut Outcome) {
    let mut wanted: Vec<EventId> = store.facts.causes.iter().map(|cause| cause.id).collect();
    wanted.sort_unstable();
    wanted.dedup();
    let held = store.events.held(&wanted);
    let dangles = |cause: &&IdAt| held.binary_search(&cause.id).is_err();
    let dangling: Vec<&IdAt> = store.facts.causes.iter().filter(dangles).collect();
    let first = dangling.iter().min_by_key(|cause| cause.byte);
    if let Some(first) = first.filter(|_| dangling.len() * 2 < store.facts.causes.len()) {
        let detail = format!(
            "{} of {} causation ids point at no event of this copy, the first at {}: commands, or events that are lost",
            dangling.len(),
            store.facts.causes.len(),
            first.id
        );
        let fault = store.fault(FaultKind::OrphanCause, first.byte, detail);
        out.fault(store, fault);
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::check;

    use super::*;

    #[test]
    fn only_where_most_causes_are_events() {
        let rows = "a 1 1 90\n a 2 2 90\n ^1\n ^2\n ^9";
        check(
            &Causation,
            rows,
            &[
                "info orphan-cause (1 of 3 causation ids point at no event of this copy, the first at 01a208eb-eca8-7000-8000-000000000009: commands, or events that are lost)",
            ],
        );
        check(&Causation, "a 1 1 90\n ^7\n ^8\n ^1", &[]);
    }
}
