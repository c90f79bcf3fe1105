//! Projections that stopped while others went on.
//!
//! A checkpoint that has not moved for minutes, with events behind it that others have read, is a projection that
//! stopped. All of them standing still is a quiet store or a stopped service, and one alone proves nothing; how far each
//! lags is another question.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran, StoreView, facts::CheckpointRow};
use crate::model::{Counts, EventId, Fault, FaultKind, TableRole, Timestamp};

use super::checkpoints::number;

#[derive(Debug)]
pub(crate) struct CheckpointStalls;

impl Check for CheckpointStalls {
    fn meta(&self) -> Meta {
        Meta { id: "checkpoint-stalls", about: "projections that stopped while others went on" }
    }

    fn conclude(&self, evidence: &Evidence, judgement: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let (mut compared, mut why) = (0_usize, "no checkpoint table was supplied");
        for store in evidence.stores.iter().filter(|store| store.has(TableRole::Checkpoints)) {
            let dated = store.facts.checkpoints.iter().filter(|row| row.updated_at.is_some()).count();
            let Some(events) = evidence.events_of(store) else {
                why = "checkpoints were supplied without the events they belong to";
                continue;
            };
            if dated < 2 {
                why = "fewer than two checkpoints say when they were written";
                continue;
            }
            compared += dated;
            one(store, events, judgement, out);
        }
        if compared > 0 {
            Ran::Over(format!("{compared} checkpoints"))
        } else {
            Ran::CouldNot(why.to_owned())
        }
    }
}

fn one(store: &StoreView, events: &StoreView, judgement: &Judgement<'_>, out: &mut Outcome) {
    let limit = judgement.settings.stalled_after;
    let rows = &store.facts.checkpoints;
    let Some(latest) = rows.iter().filter(|row| row.position.is_some()).max_by_key(|row| row.updated_at)
    else {
        return;
    };
    let newest = events.facts.days.newest_trusted().map(Timestamp);
    for row in rows {
        let (Some(updated), Some(others), Some(newest)) = (row.updated_at, latest.updated_at, newest) else {
            continue;
        };
        let behind = events_after(store, events, row);
        if others.since(updated) <= limit || newest.since(updated) <= limit || behind == 0 {
            continue;
        }
        let detail = format!(
            "{} was last written at {updated}, {} s before {}, and {behind} events wait behind it",
            row.name,
            others.since(updated) / 1_000_000,
            latest.name
        );
        let fault = store.fault(FaultKind::CheckpointStalled, row.byte, detail);
        out.fault(
            store,
            Fault {
                event_id: row.position.clone(),
                projection: Some(row.name.clone()),
                at: Some(updated),
                ..fault
            },
        );
    }
}

/// How many events the projection has not read; 0 where that cannot be told.
fn events_after(store: &StoreView, events: &StoreView, row: &CheckpointRow) -> u64 {
    let Some(position) = row.position.as_deref() else { return 0 };
    match store.facts.rules(TableRole::Checkpoints).counts {
        Counts::EventId => EventId::parse(position).map_or(0, |id| events.events.after_id(id)),
        Counts::Position => number(position).map_or(0, |position| events.events.after_position(position)),
        Counts::Local => 0,
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::check;

    use super::*;

    #[test]
    fn one_that_stands_while_another_goes_on() {
        check(
            &CheckpointStalls,
            "a 1 600 3000
             a 2 2600 1000
             @on #2600 990
             @stuck #600 2900
             @slow #600 1200
             @done #2600 2900",
            &[
                "warning checkpoint-stalled (stuck was last written at 2026-11-23T15:11:40.000Z, 1910 s before on, and 1 events wait behind it)",
            ],
        );
        check(
            &CheckpointStalls,
            "a 1 600 3000\n @p #600 10",
            &["could not run: fewer than two checkpoints say when they were written"],
        );
    }
}
