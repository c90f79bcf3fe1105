//! Two events that claim the same version of a stream.
//!
//! The store's unique index forbids it, so a copy that shows it was merged, edited or written past the index: which
//! of the two happened cannot be told from the copy. The same row twice is `duplicate-event`, not this.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran, facts::EventRow, shown_id};
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
            events += store.events.count();
            store.events.each_stream(&mut |name, rows| {
                let runs = rows.chunk_by(|a, b| a.version == b.version).filter(|same| same.len() > 1);
                for same in runs.filter(|_| !store.is_concurrent(name)) {
                    for row in rivals(same) {
                        let version = row.version;
                        let detail =
                            format!("version {version} of stream {name} is claimed by more than one event");
                        let fault = store.fault_at(FaultKind::DuplicateVersion, row, detail);
                        out.fault(store, Fault { other_event_id: shown_id(same[0].id()), ..fault });
                    }
                }
            });
        }
        if any {
            Ran::Over(format!("{events} events"))
        } else {
            Ran::CouldNot("no events of a store were supplied".to_owned())
        }
    }
}

/// Of events with one version, those that are neither the first, nor a copy of one before, nor the other one of a live
/// and an archived row (a stream may be begun again once it was put away).
fn rivals(same: &[EventRow]) -> impl Iterator<Item = &EventRow> {
    let rivals = |row: &EventRow, before: &EventRow| {
        let copy = if row.id().is_none() { row.is_copy_of(before) } else { row.id() == before.id() };
        !copy && row.mark.is_archived() == before.mark.is_archived()
    };
    same.iter()
        .enumerate()
        .filter(move |(at, row)| {
            let alike =
                same[..*at].iter().filter(|before| before.mark.is_archived() == row.mark.is_archived());
            let known = alike.clone().any(|before| !rivals(row, before));
            alike.count() > 0 && !known
        })
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
