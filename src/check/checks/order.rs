//! Event ids that run against versions.
//!
//! Readers that follow event ids, as `EventCore`'s projections do, see such events in another order than the stream
//! has, and may never see those that land behind their checkpoint. Writers whose clocks differ by seconds cause it in
//! healthy stores, so it is an observation. Row order in a file proves nothing: a dump is in heap order.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran, facts::EventRow};
use crate::model::{Fault, FaultKind};

#[derive(Debug)]
pub(crate) struct Order;

impl Check for Order {
    fn meta(&self) -> Meta {
        Meta { id: "order", about: "event ids that run against the versions of their stream" }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let mut compared = 0_usize;
        for store in evidence.event_stores() {
            let (mut events, mut streams, mut widest) = (0_usize, 0_usize, 0);
            let mut first: Option<&EventRow> = None;
            for (_, rows) in store.streams() {
                let made = |row: &&EventRow| row.id.time().is_some();
                let mut latest: Option<&EventRow> = None;
                let before = events;
                for row in rows.iter().filter(made) {
                    compared += 1;
                    match latest {
                        Some(latest) if row.id < latest.id && row.version > latest.version => {
                            events += 1;
                            let back = latest
                                .id
                                .time()
                                .zip(row.id.time())
                                .map_or(0, |(latest, row)| latest.since(row));
                            widest = widest.max(back);
                            first = first.or(Some(row));
                        }
                        _ => latest = Some(row),
                    }
                }
                streams += usize::from(events > before);
            }
            if let Some(row) = first {
                let detail = format!(
                    "{events} events of {streams} streams have ids older than the version before them, by up to {} ms: writers' clocks differ, and a reader that follows ids may pass them by",
                    widest / 1000
                );
                out.fault(
                    store,
                    Fault {
                        stream_id: None,
                        event_id: None,
                        ..store.fault_at(FaultKind::OrderInversion, row, detail)
                    },
                );
            }
        }
        if compared > 0 {
            Ran::Over(format!("{compared} events"))
        } else {
            Ran::CouldNot("no events with a UUIDv7 were supplied".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::check;

    use super::*;

    #[test]
    fn one_observation_a_store() {
        check(
            &Order,
            "a 1 10 90
             a 2 8 80
             a 3 11 70
             b 1 1 90
             b 2 2 80",
            &[
                "info order-inversion (1 events of 1 streams have ids older than the version before them, by up to 2000 ms: writers' clocks differ, and a reader that follows ids may pass them by)",
            ],
        );
    }
}
