//! Stores that keep an event in one table and its place in a stream in another.
//!
//! A place without its event cannot be read: that is loss. An event without a place is normal in stores whose streams
//! can be deleted while their events stay.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran, StoreView, facts::ABSENT};
use crate::model::{EventId, FaultKind, TableRole};

#[derive(Debug)]
pub(crate) struct Bodies;

impl Check for Bodies {
    fn meta(&self) -> Meta {
        Meta { id: "bodies", about: "places in streams whose event is not there" }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let (mut compared, mut why) = (0, "no store that keeps events and their streams apart was supplied");
        for store in evidence.stores.iter().filter(|store| store.has(TableRole::Bodies)) {
            if !store.has(TableRole::Events) {
                why = "events were supplied without the table that places them in streams";
            } else if store.is_torn() {
                why = "the dump is torn, so absence proves nothing";
            } else {
                compared += store.facts.bodies.len();
                one(store, out);
            }
        }
        if compared > 0 { Ran::Over(format!("{compared} events")) } else { Ran::CouldNot(why.to_owned()) }
    }
}

fn one(store: &StoreView, out: &mut Outcome) {
    let mut bodies: Vec<EventId> = store.facts.bodies.iter().map(|body| body.id).collect();
    bodies.sort_unstable();
    for pair in bodies.chunk_by(|a, b| a == b).filter(|same| same.len() > 1) {
        let detail = format!("{} rows of the events table have the id {}", pair.len(), pair[0]);
        let byte = store.facts.bodies.iter().filter(|body| body.id == pair[0]).map(|body| body.byte).max();
        out.fault(store, store.fault(FaultKind::DuplicateEvent, byte.unwrap_or_default(), detail));
    }
    store.events.each_by_id(&mut |row| {
        // A link is told by the row that it links to.
        if row.version != ABSENT && bodies.binary_search(&row.id()).is_err() {
            let name = store.events.name(row);
            let detail =
                format!("version {} of stream {name} places an event that is not there", row.version);
            out.fault(store, store.fault_at(FaultKind::StreamMismatch, row, detail));
        }
    });
}

#[cfg(test)]
mod tests {
    use crate::check::testing::check;

    use super::*;

    #[test]
    fn a_place_needs_its_event() {
        check(
            &Bodies,
            "a 1 1 90
             a 2 2 90
             _1
             _3
             _3",
            &[
                "error duplicate-event (2 rows of the events table have the id 01a208eb-d538-7000-8000-000000000003)",
                "error stream-mismatch a@2 (version 2 of stream a places an event that is not there)",
            ],
        );
    }
}
