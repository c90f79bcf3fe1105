//! Two events that claim the same version of a stream.
//!
//! The store's unique index forbids it, so a copy that shows it was merged, edited or written past the index: which
//! of the two happened cannot be told from the copy. The same row twice is `duplicate-event`, not this.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran, facts::EventRow};
use crate::model::{Fault, FaultKind};

#[derive(Debug)]
pub(crate) struct DuplicateVersion;

impl Check for DuplicateVersion {
    fn meta(&self) -> Meta {
        Meta { id: "duplicate-version", about: "two events that claim the same version of a stream" }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let (mut events, mut any) = (0, false);
        for store in evidence.event_stores() {
            any = true;
            events += store.facts.rows.len();
            for (name, rows) in store.streams() {
                for same in rows.chunk_by(|a, b| a.version == b.version).filter(|same| same.len() > 1) {
                    for row in rivals(same) {
                        let first = &same[0];
                        let detail = format!(
                            "version {} of stream {name} is claimed by more than one event",
                            row.version
                        );
                        out.fault(
                            store,
                            Fault {
                                other_event_id: (!first.id.is_none()).then(|| first.id.to_string()),
                                ..store.fault_at(FaultKind::DuplicateVersion, row, detail)
                            },
                        );
                    }
                }
            }
        }
        if any {
            Ran::Over(format!("{events} events"))
        } else {
            Ran::CouldNot("no events of a store were supplied".to_owned())
        }
    }
}

/// Of events with one version, those that are neither the first nor a copy of one before.
fn rivals(same: &[EventRow]) -> impl Iterator<Item = &EventRow> {
    same.iter()
        .enumerate()
        .skip(1)
        .filter(|(at, row)| row.id.is_none() || same[..*at].iter().all(|before| before.id != row.id))
        .map(|(_, row)| row)
}

#[cfg(test)]
mod tests {
    use crate::check::testing::check;

    use super::*;

    #[test]
    fn names_the_rival_and_not_the_copy() {
        check(
            &DuplicateVersion,
            "a 1 1 90
             a 2 2 80
             a 2 3 80
             b 1 4 80
             b 1 4 80
             '' 1 5 80
             '' 1 6 80",
            &["critical duplicate-version a@2 (version 2 of stream a is claimed by more than one event)"],
        );
    }
}
