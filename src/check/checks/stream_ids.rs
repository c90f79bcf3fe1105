//! Events that belong to no stream: no replay will ever see them.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran};
use crate::model::FaultKind;

#[derive(Debug)]
pub(crate) struct StreamIds;

impl Check for StreamIds {
    fn meta(&self) -> Meta {
        Meta { id: "stream-ids", about: "events without a stream id" }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let mut events = 0;
        for store in &evidence.stores {
            events += store.events.count();
            out.row_faults(store, &[FaultKind::EmptyStreamId]);
        }
        if evidence.stores.is_empty() {
            Ran::CouldNot("no table of a store was supplied".to_owned())
        } else {
            Ran::Over(format!("{events} events"))
        }
    }
}
