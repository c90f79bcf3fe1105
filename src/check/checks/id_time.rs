//! Event ids whose time is far from the event's own.
//!
//! A UUID of version 7 carries the writer's clock. Lock waits and clocks a few seconds apart are normal; minutes are
//! an event that was edited, moved or written by a machine whose clock was wrong. Where most events of a store show
//! it, the store was imported: one observation, not a fault each.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran, facts::EventRow};
use crate::model::{Fault, FaultKind, Severity};

#[derive(Debug)]
pub(crate) struct IdTime;

impl Check for IdTime {
    fn meta(&self) -> Meta {
        Meta { id: "id-time", about: "event ids (UUIDv7) whose time is minutes away from the event's own" }
    }

    fn conclude(&self, evidence: &Evidence, judgement: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let mut compared = 0_u64;
        for store in evidence.event_stores() {
            let apart = |row: &EventRow| {
                seconds_apart(row).abs() > judgement.settings.id_time_apart / 1_000_000
                    && in_time(row, judgement)
            };
            let (mut events, mut far) = (0_u64, 0_u64);
            store.events.each(&mut |row| {
                events += u64::from(has_both(row));
                far += u64::from(has_both(row) && apart(row));
            });
            compared += events;
            if far * 2 > events {
                let detail = format!(
                    "{far} of {events} events: times were not kept when this store was filled (an import, a migration, or a clock in another zone)"
                );
                let fault = store.fault(FaultKind::IdTimeMismatch, 0, detail);
                out.fault(store, Fault { severity: Severity::Info, ..fault });
                continue;
            }
            store.events.each(&mut |row| {
                if has_both(row) && apart(row) {
                    let seconds = seconds_apart(row);
                    let side = if seconds < 0 { "before" } else { "after" };
                    let detail = format!("the id was made {} s {side} the event", seconds.abs());
                    out.fault(store, store.fault_at(FaultKind::IdTimeMismatch, row, detail));
                }
            });
        }
        if compared > 0 {
            Ran::Over(format!("{compared} events"))
        } else {
            Ran::CouldNot("no events with both a time and a UUIDv7 were supplied".to_owned())
        }
    }
}

fn has_both(row: &EventRow) -> bool {
    row.time().is_some() && row.id().time().is_some()
}

fn seconds_apart(row: &EventRow) -> i64 {
    match (row.id().time(), row.time()) {
        (Some(id), Some(time)) => id.since(time) / 1_000_000,
        _ => 0,
    }
}

/// Whether `event-times` has nothing to say of it.
fn in_time(row: &EventRow, judgement: &Judgement<'_>) -> bool {
    let (Some(time), Some(as_of)) = (row.time(), judgement.as_of) else { return true };
    let late = time.since(as_of);
    late <= judgement.settings.future_after && late >= -judgement.settings.ancient_before
}

#[cfg(test)]
mod tests {
    use crate::check::testing::check;

    use super::*;

    #[test]
    fn names_single_events_and_not_whole_imports() {
        // Event id n was made n seconds after 15:00, which is 3600 - n seconds before the as-of time.
        check(
            &IdTime,
            "a 1 1 3599
             a 2 2 3300
             a 3 3 3000
             a 4 4 3596",
            &["warning id-time-mismatch a@3 (the id was made 597 s before the event)"],
        );
        check(
            &IdTime,
            "a 1 1 9000\n a 2 2 9000",
            &[
                "info id-time-mismatch (2 of 2 events: times were not kept when this store was filled (an import, a migration, or a clock in another zone))",
            ],
        );
    }
}
