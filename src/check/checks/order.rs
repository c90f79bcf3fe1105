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
            let mut seen = Inversions::default();
            store.events.each_stream(&mut |_, rows| seen.add(rows));
            compared += seen.compared;
            let Some(row) = &seen.first else { continue };
            let detail = format!(
                "{} events of {} streams have ids older than the version before them, by up to {} ms: writers' clocks differ, and a reader that follows ids may pass them by",
                seen.events,
                seen.streams,
                seen.widest / 1000
            );
            let fault = store.fault_at(FaultKind::OrderInversion, row, detail);
            out.fault(store, Fault { stream_id: None, event_id: None, ..fault });
        }
        if compared > 0 {
            Ran::Over(format!("{compared} events"))
        } else {
            Ran::CouldNot("no events with a UUIDv7 were supplied".to_owned())
        }
    }
}

#[derive(Default)]
struct Inversions {
    compared: usize,
    events: usize,
    streams: usize,
    /// Microseconds.
    widest: i64,
    first: Option<EventRow>,
}

impl Inversions {
    fn add(&mut self, stream: &[EventRow]) {
        let mut latest: Option<&EventRow> = None;
        let before = self.events;
        for row in stream.iter().filter(|row| row.id().time().is_some()) {
            self.compared += 1;
            match latest {
                Some(latest) if row.id() < latest.id() && row.version > latest.version => {
                    self.events += 1;
                    let times = latest.id().time().zip(row.id().time());
                    self.widest = self.widest.max(times.map_or(0, |(latest, row)| latest.since(row)));
                    self.first.get_or_insert(*row);
                }
                _ => latest = Some(row),
            }
        }
        self.streams += usize::from(self.events > before);
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
