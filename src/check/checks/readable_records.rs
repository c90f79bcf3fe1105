//! Rows that could not be read whole, and backups that were cut off. What could be read of such a row is still used.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran};
use crate::model::FaultKind;

#[derive(Debug)]
pub(crate) struct ReadableRecords;

impl Check for ReadableRecords {
    fn meta(&self) -> Meta {
        Meta {
            id: "readable-records",
            about: "rows that are torn, malformed or not UTF-8, and dumps that end before their end",
        }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let mut events = 0;
        for store in &evidence.stores {
            events += store.events.count();
            out.row_faults(
                store,
                &[
                    FaultKind::TornDump,
                    FaultKind::TornTail,
                    FaultKind::MalformedRecord,
                    FaultKind::InvalidUtf8,
                    FaultKind::InvalidVersion,
                ],
            );
        }
        if evidence.stores.is_empty() {
            Ran::CouldNot("no table of a store was supplied".to_owned())
        } else {
            Ran::Over(format!("{events} events"))
        }
    }
}
