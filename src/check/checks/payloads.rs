//! Payloads and metadata that no reader of the store could parse. A bad one does not hide its row: its version still counts.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran};
use crate::model::FaultKind;

#[derive(Debug)]
pub(crate) struct Payloads;

impl Check for Payloads {
    fn meta(&self) -> Meta {
        Meta { id: "payloads", about: "payloads and metadata that are not valid JSON" }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let mut events = 0;
        for store in &evidence.stores {
            events += store.events.count();
            out.row_faults(store, &[FaultKind::InvalidPayload, FaultKind::InvalidMetadata]);
            // What is normal for a store is normal for all its events: one observation.
            if let Some(odd) = store.facts.faults.get(&FaultKind::LossyPayload)
                && let Some(first) = odd.items.iter().min_by_key(|row| row.byte)
            {
                let detail = format!("{} payloads; in the first, {}", odd.seen, first.detail);
                out.fault(store, store.fault(FaultKind::LossyPayload, first.byte, detail));
            }
        }
        if evidence.stores.is_empty() {
            Ran::CouldNot("no table of a store was supplied".to_owned())
        } else {
            Ran::Over(format!("{events} events"))
        }
    }
}
