//! Checkpoints that point at nothing.
//!
//! A projection remembers how far it has read: the id of the last event (`EventCore`), or a position in the whole store,
//! last read or next to read. Past the newest event it skips what is written next; an id that the store does not hold
//! means that the event was lost, or that the checkpoint is of another store. Positions have holes by right, so only
//! the head tells there. A torn or filtered copy proves nothing about absence, nor does one that was made before the
//! checkpoint was written.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran, StoreView, facts::CheckpointRow};
use crate::model::{
    Counts, EventId, Fault, FaultKind, IdShape, PositionMeans, TableRole, TableRules, Timestamp,
};

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
        for store in evidence.stores.iter().filter(|store| store.has(TableRole::Checkpoints)) {
            let rules = store.facts.rules(TableRole::Checkpoints);
            if rules.counts == Counts::Local {
                why = "checkpoints of this store count in numbers of its own copy, which nothing else in it repeats";
                continue;
            }
            let Some(events) = evidence.events_of(store) else {
                why = "checkpoints were supplied without the events they belong to";
                continue;
            };
            if rules.counts == Counts::Position && events.events.positions() == 0 {
                why = "checkpoints count in positions, and no event has one";
                continue;
            }
            compared += store.facts.checkpoints.len();
            match rules.counts {
                Counts::Position => positions(store, events, &rules, out),
                Counts::EventId | Counts::Local => ids(store, events, &rules, out),
            }
        }
        if compared > 0 {
            Ran::Over(format!("{compared} checkpoints"))
        } else {
            Ran::CouldNot(why.to_owned())
        }
    }
}

/// Checkpoints that are event ids.
fn ids(store: &StoreView, events: &StoreView, rules: &TableRules, out: &mut Outcome) {
    let mut wanted: Vec<(EventId, &CheckpointRow)> = Vec::new();
    for row in &store.facts.checkpoints {
        let Some(position) = row.position.as_deref() else { continue };
        match (EventId::parse(position), rules.id_shape) {
            // All zeroes stands for a projection that has not begun.
            (Some(EventId::NONE), _) => {}
            (Some(id), _) => wanted.push((id, row)),
            (None, IdShape::Text) => wanted.push((EventId::of_text(position), row)),
            (None, IdShape::Uuid) => unreadable(store, row, "no UUID", out),
        }
    }
    wanted.sort_by_key(|(id, row)| (*id, row.byte));
    let held = events.events.held(&wanted.iter().map(|(id, _)| *id).collect::<Vec<_>>());
    let head = events.events.newest_id();
    // Of a file beside the events, most of whose checkpoints point nowhere, nothing says that it is of this store.
    if store.path != events.path && held.len() * 2 < wanted.len() {
        return;
    }
    for (id, row) in wanted {
        if events.is_torn() || held.binary_search(&id).is_ok() {
            continue;
        }
        let name = &row.name;
        if head.is_none_or(|head| id > head) && !id.is_of_text() {
            if written_after(row.updated_at, store, events) {
                continue;
            }
            let newest = head.map_or_else(|| "there is none".to_owned(), |head| format!("it is {head}"));
            let detail = format!(
                "{name} stands past the newest event ({newest}): events written next are skipped until their ids pass it"
            );
            out.fault(store, fault(store, row, FaultKind::CheckpointBeyondHead, detail));
        } else if !events.is_filtered() {
            let detail = format!("{name} stands at an event that this store does not hold");
            out.fault(store, fault(store, row, FaultKind::CheckpointMissingEvent, detail));
        }
    }
}

/// Checkpoints that are positions in the whole store.
fn positions(store: &StoreView, events: &StoreView, rules: &TableRules, out: &mut Outcome) {
    // The head is what the sequence gave out, where the dump says so: events behind it may have been rolled back.
    let given_out = events.sequences.iter().map(|sequence| sequence.last).max();
    let Some(head) = events.events.last_position().max(given_out) else { return };
    for row in &store.facts.checkpoints {
        let Some(text) = row.position.as_deref() else { continue };
        let Some(position) = number(text) else {
            unreadable(store, row, "no position", out);
            continue;
        };
        let last =
            if rules.means == PositionMeans::NextToRead { position.saturating_sub(1) } else { position };
        if last > head && !events.is_torn() && !written_after(row.updated_at, store, events) {
            let detail = format!(
                "{} stands at {position}, past the newest position {head}: events written next are skipped until they pass it",
                row.name
            );
            out.fault(store, fault(store, row, FaultKind::CheckpointBeyondHead, detail));
        }
    }
}

/// A position as stores write it: a number, `txid:position`, or a JSON token with an `index`.
pub(in crate::check) fn number(text: &str) -> Option<i64> {
    let bytes = bytes_of_hex(text);
    let text =
        bytes.as_deref().map_or(text, |bytes| std::str::from_utf8(bytes).unwrap_or_default()).trim_ascii();
    if let Some(at) = text.find("\"index\":") {
        let rest = text[at + "\"index\":".len()..].trim_ascii_start();
        return rest[..rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len())].parse().ok();
    }
    text.rsplit(':').next()?.parse().ok()
}

/// A token in a `bytea` column, as `PostgreSQL` writes it.
fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    digits.chunks(2).map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// Whether a checkpoint of another file was written after the events were exported.
fn written_after(updated: Option<Timestamp>, store: &StoreView, events: &StoreView) -> bool {
    store.path != events.path && (updated.is_none() || updated > events.facts.window.to)
}

fn unreadable(store: &StoreView, row: &CheckpointRow, what: &str, out: &mut Outcome) {
    let position = row.position.as_deref().unwrap_or_default();
    let detail = format!("the position of {}, `{position}`, is {what}", row.name);
    out.fault(store, fault(store, row, FaultKind::CheckpointUnreadable, detail));
}

fn fault(store: &StoreView, row: &CheckpointRow, kind: FaultKind, detail: String) -> Fault {
    Fault {
        event_id: row.position.clone(),
        projection: Some(row.name.clone()),
        at: row.updated_at,
        ..store.fault(kind, row.byte, detail)
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
