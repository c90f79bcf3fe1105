//! Events from the future, and from before there was a system.
//!
//! The source chapter calls an event corrupt that is dated more than five minutes after now or more than ten years
//! before it. "Now" is the as-of time of the evidence, never the clock of the machine that reads it.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran, StoreView, facts::EventRow};
use crate::model::{Fault, FaultKind, Severity};

#[derive(Debug)]
pub(crate) struct EventTimes;

impl Check for EventTimes {
    fn meta(&self) -> Meta {
        Meta {
            id: "event-times",
            about: "events dated after the as-of time, or more than ten years before it",
        }
    }

    fn conclude(&self, evidence: &Evidence, judgement: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let mut dated = 0_u64;
        let Some(as_of) = judgement.as_of else {
            return Ran::CouldNot("the evidence has no time to judge by; give --as-of".to_owned());
        };
        for store in evidence.event_stores() {
            let settings = judgement.settings;
            // Two clocks that agree are not both wrong: then the as-of time is too early.
            let late = |row: &EventRow| {
                row.time().is_some_and(|time| time.since(as_of) > settings.future_after)
                    && row
                        .time()
                        .zip(row.id().time())
                        .is_none_or(|(time, id)| time.since(id).abs() > settings.id_time_apart)
            };
            let old =
                |row: &EventRow| row.time().is_some_and(|time| time.since(as_of) < -settings.ancient_before);
            let continuous = is_continuous(store, &old);
            let (mut events, mut late_events) = (0_u64, 0_u64);
            store.events.each(&mut |row| {
                events += u64::from(row.time().is_some());
                late_events += u64::from(late(row));
            });
            dated += events;
            // A clock in another zone shifts every event; the as-of time then comes from their ids.
            let shifted = late_events * 2 > events;
            if shifted {
                let detail = format!(
                    "{late_events} of {events} events are dated after the as-of time {as_of}: a clock in another zone, or an as-of time that is too early"
                );
                let fault = store.fault(FaultKind::FutureTimestamp, 0, detail);
                out.fault(store, Fault { severity: Severity::Info, ..fault });
            }
            store.events.each(&mut |row| {
                let Some(time) = row.time() else { return };
                if late(row) && !shifted {
                    let detail = format!("dated {time}, after the as-of time {as_of}");
                    out.fault(store, store.fault_at(FaultKind::FutureTimestamp, row, detail));
                } else if old(row) && !continuous {
                    let detail = format!("dated {time}, more than ten years before the as-of time {as_of}");
                    out.fault(store, store.fault_at(FaultKind::AncientTimestamp, row, detail));
                }
            });
        }
        if dated > 0 {
            Ran::Over(format!("{dated} times"))
        } else {
            Ran::CouldNot("no events with a time were supplied".to_owned())
        }
    }
}

/// A store that was in use ten years ago and ever since is old, and none of its events is stray: no year lies between
/// its old events and the others.
fn is_continuous(store: &StoreView, old: &dyn Fn(&EventRow) -> bool) -> bool {
    let (mut count, mut newest_old, mut oldest_other) = (0_u64, i64::MIN, i64::MAX);
    store.events.each(&mut |row| {
        if old(row) {
            count += 1;
            newest_old = newest_old.max(row.time);
        } else if row.time().is_some() {
            oldest_other = oldest_other.min(row.time);
        }
    });
    count >= A_FEW && oldest_other != i64::MAX && oldest_other.saturating_sub(newest_old) < YEAR
}

/// Fewer old events than this are strays, however near the next one is.
const A_FEW: u64 = 10;

/// Microseconds.
const YEAR: i64 = 365 * 86_400 * 1_000_000;

#[cfg(test)]
mod tests {
    use crate::check::testing::check;

    use super::*;

    #[test]
    fn the_limits_are_the_chapters() {
        check(
            &EventTimes,
            "a 1 1 -300
             a 2 2 -301
             a 3 3 315360000
             a 4 4 315360001
             a 5 5 -",
            &[
                "error ancient-timestamp a@4 (dated 2016-11-25T15:59:59.000Z, more than ten years before the as-of time 2026-11-23T16:00:00.000Z)",
                "error future-timestamp a@2 (dated 2026-11-23T16:05:01.000Z, after the as-of time 2026-11-23T16:00:00.000Z)",
            ],
        );
        check(&EventTimes, "a 1 1 -", &["could not run: no events with a time were supplied"]);
    }
}
