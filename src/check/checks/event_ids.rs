//! Event ids that are all zeroes, or no ids at all. Each row shows it by itself; the decoder noted it, this states it.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran};
use crate::model::FaultKind;

#[derive(Debug)]
pub(crate) struct EventIds;

impl Check for EventIds {
    fn meta(&self) -> Meta {
        Meta { id: "event-ids", about: "event ids that are nil or not of the store's form" }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let mut events = 0;
        for store in &evidence.stores {
            events += store.events.count();
            out.row_faults(store, &[FaultKind::NilEventId, FaultKind::InvalidEventId]);
        }
        if evidence.stores.is_empty() {
            Ran::CouldNot("no table of a store was supplied".to_owned())
        } else {
            Ran::Over(format!("{events} events"))
        }
    }
}
