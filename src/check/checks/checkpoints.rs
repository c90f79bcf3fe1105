//! Checkpoints that point at nothing.
//!
//! `EventCore` remembers the id of the last event that a projection has read, and reads on after it. A position past
//! the newest event makes the projection skip what is written next; one that the store does not hold means that the
//! event was lost, or that the checkpoint is of another store. A torn copy proves nothing about absence.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran, StoreView, facts::CheckpointRow};
use crate::model::{EventId, Fault, FaultKind};

#[derive(Debug)]
pub(crate) struct Checkpoints;

impl Check for Checkpoints {
    fn meta(&self) -> Meta {
        Meta {
            id: "checkpoints",
            about: "projection checkpoints that are unreadable, past the head or of no event",
        }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let (mut compared, mut why) = (0_usize, "no checkpoint table was supplied");
        for store in evidence.stores.iter().filter(|store| store.facts.has_checkpoints) {
            if !store.facts.has_events {
                why = "checkpoints were supplied without the events they belong to (they are joined only within one dump)";
                continue;
            }
            for checkpoint in &store.facts.checkpoints {
                compared += 1;
                one(store, checkpoint, out);
            }
        }
        if compared > 0 {
            Ran::Over(format!("{compared} checkpoints"))
        } else {
            Ran::CouldNot(why.to_owned())
        }
    }
}

fn one(store: &StoreView, checkpoint: &CheckpointRow, out: &mut Outcome) {
    let Some(position) = checkpoint.position.as_deref() else { return };
    let name = &checkpoint.name;
    let fault = |kind, detail: String| Fault {
        event_id: Some(position.to_owned()),
        projection: Some(name.clone()),
        at: checkpoint.updated_at,
        path: store.path.clone(),
        byte: checkpoint.byte,
        ..Fault::new(kind, detail)
    };
    let Some(id) = EventId::parse(position) else {
        out.fault(
            store,
            fault(
                FaultKind::CheckpointUnreadable,
                format!("the position of {name}, `{position}`, is no UUID"),
            ),
        );
        return;
    };
    // All zeroes stands for a projection that has not begun.
    let found = store.by_id.binary_search_by_key(&id, |index| store.facts.rows[*index as usize].id).is_ok();
    if id.is_none() || found || store.is_torn() {
        return;
    }
    let head = store.events_by_id().next_back().map(|row| row.id);
    if head.is_none_or(|head| id > head) {
        let newest = head.map_or_else(|| "there is none".to_owned(), |head| format!("it is {head}"));
        let detail = format!(
            "{name} stands past the newest event ({newest}): events written next are skipped until their ids pass it"
        );
        out.fault(store, fault(FaultKind::CheckpointBeyondHead, detail));
    } else {
        let detail = format!("{name} stands at an event that this store does not hold");
        out.fault(store, fault(FaultKind::CheckpointMissingEvent, detail));
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::check;

    use super::*;

    #[test]
    fn tells_past_from_missing_and_from_unreadable() {
        check(
            &Checkpoints,
            "a 1 1 90
             a 2 5 80
             @at-head #5
             @not-begun -
             @lost #3
             @beyond #9
             @odd x",
            &[
                "error checkpoint-beyond-head (beyond stands past the newest event (it is 01a208eb-dd08-7000-8000-000000000005): events written next are skipped until their ids pass it)",
                "error checkpoint-missing-event (lost stands at an event that this store does not hold)",
                "error checkpoint-unreadable (the position of odd, `x`, is no UUID)",
            ],
        );
        check(&Checkpoints, "a 1 1 90", &["could not run: no checkpoint table was supplied"]);
    }
}
