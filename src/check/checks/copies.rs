//! Two copies of one store, compared.
//!
//! An event store only ever appends. What an older copy has and a newer one lacks was lost, and what differs was changed
//! in place: both are corruption, of one copy or of the store. Copies that end at the same event must be equal.

use std::collections::BTreeMap;

use crate::check::{
    Check, Evidence, Judgement, Meta, Outcome, Ran, StoreView,
    facts::{ABSENT, EventRow},
    lineage, shown_id,
};
use crate::model::{Absence, Fault, FaultKind, Severity, TableRole};

#[derive(Debug)]
pub(crate) struct Copies;

impl Check for Copies {
    fn meta(&self) -> Meta {
        Meta {
            id: "copies",
            about: "events that an older copy of a store has and a newer one lacks or changed",
        }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let mut compared = 0_usize;
        let mut why = "no two copies of one store were supplied";
        for group in &evidence.copies {
            let whole: Vec<&StoreView> = group
                .iter()
                .map(|at| &evidence.stores[*at])
                .filter(|store| !store.is_torn() && !store.is_filtered())
                .collect();
            if whole.len() < 2 {
                why = "of the copies of one store all but one are torn or filtered";
            }
            for pair in whole.windows(2) {
                compared += 1;
                compare(pair[0], pair[1], out);
            }
        }
        if compared > 0 {
            Ran::Over(format!("{compared} pairs of copies"))
        } else {
            Ran::CouldNot(why.to_owned())
        }
    }
}

/// What comparing came to.
#[derive(Default)]
struct Compared {
    shared: u64,
    /// By stream: how many, and the first.
    lost: BTreeMap<String, (u64, EventRow)>,
    added: BTreeMap<String, (u64, EventRow)>,
    /// Events of another place: the older row and the newer.
    moved: Vec<(EventRow, EventRow)>,
    /// Events of another time.
    redated: Vec<(EventRow, EventRow)>,
    /// Events of another content.
    rewritten: Vec<(EventRow, EventRow)>,
}

fn compare(older: &StoreView, newer: &StoreView, out: &mut Outcome) {
    let found = walk(older, newer);
    // Two exports may write the same content differently; then it says nothing.
    let alike = |differ: &[(EventRow, EventRow)]| (differ.len() as u64) * 2 < found.shared;
    // Ids that are no clock say nothing of which copy is older, and so little of what should be in both.
    let same_end = older.events.newest_id() == newer.events.newest_id() && lineage::has_clock(older);
    let rules = newer.facts.rules(TableRole::Events);
    // Where half of the streams are not here at all, this is an export of some of them; where the store truncates by
    // design, what is gone was let go.
    let part = found.lost.len() as u64 * 2 > newer.events.streams();
    if part {
        let detail = format!(
            "{} of the {} streams of {} lack events here: an export of a part of the store; streams were not compared one by one",
            found.lost.len(),
            older.events.streams(),
            older.path
        );
        let fault = newer.fault(FaultKind::FilteredExport, 0, detail);
        out.fault(newer, Fault { severity: Severity::Warning, ..fault });
    } else if rules.heads == Absence::Lost && rules.gaps == Absence::Lost {
        state_lost(older, newer, &found.lost, same_end, out);
    }
    if same_end && !part {
        state_lost(newer, older, &found.added, same_end, out);
    }
    let rewritten =
        found.rewritten.iter().filter(|_| alike(&found.rewritten)).map(|pair| (pair, "its content"));
    let redated = found.redated.iter().filter(|_| alike(&found.redated)).map(|pair| (pair, "its time"));
    let moved = found.moved.iter().map(|pair| (pair, "its stream or version"));
    for ((before, row), what) in moved.chain(redated).chain(rewritten) {
        let detail = format!(
            "{what} is not what {} has (version {} of stream {} there)",
            older.path,
            before.version,
            older.events.name(before)
        );
        let fault = newer.fault_at(FaultKind::ChangedEvent, row, detail);
        out.fault(newer, Fault { other_event_id: shown_id(before.id()), ..fault });
    }
}

/// Walks both in order of id.
fn walk(older: &StoreView, newer: &StoreView) -> Compared {
    let mut found = Compared::default();
    let (mut old, mut new) = (older.events.by_id().peekable(), newer.events.by_id().peekable());
    while let (Some(a), Some(b)) = (old.peek().copied(), new.peek().copied()) {
        match a.id().cmp(&b.id()) {
            std::cmp::Ordering::Less => only(older, &mut found.lost, old.next()),
            std::cmp::Ordering::Greater => only(newer, &mut found.added, new.next()),
            std::cmp::Ordering::Equal => {
                let mine: Vec<EventRow> = take_equal(&mut old, &a);
                let theirs: Vec<EventRow> = take_equal(&mut new, &b);
                found.shared += 1;
                let place =
                    |store: &StoreView, row: &EventRow| (store.events.name(row).into_owned(), row.version);
                let at = place(older, &mine[0]);
                match theirs.iter().find(|row| place(newer, row) == at) {
                    None => found.moved.push((mine[0], theirs[0])),
                    Some(row) if row.time != mine[0].time => found.redated.push((mine[0], *row)),
                    Some(row) if row.mark.digest() != mine[0].mark.digest() => {
                        found.rewritten.push((mine[0], *row));
                    }
                    Some(_) => {}
                }
            }
        }
    }
    old.for_each(|row| only(older, &mut found.lost, Some(row)));
    new.for_each(|row| only(newer, &mut found.added, Some(row)));
    found
}

fn take_equal(
    rows: &mut std::iter::Peekable<impl Iterator<Item = EventRow>>,
    first: &EventRow,
) -> Vec<EventRow> {
    let mut equal = Vec::new();
    while let Some(row) = rows.next_if(|row| row.id() == first.id()) {
        equal.push(row);
    }
    equal
}

fn only(store: &StoreView, into: &mut BTreeMap<String, (u64, EventRow)>, row: Option<EventRow>) {
    let Some(row) = row.filter(|row| row.version != ABSENT) else { return };
    let entry = into.entry(store.events.name(&row).into_owned()).or_insert((0, row));
    entry.0 += 1;
    if row.version < entry.1.version {
        entry.1 = row;
    }
}

fn state_lost(
    has: &StoreView,
    lacks: &StoreView,
    lost: &BTreeMap<String, (u64, EventRow)>,
    same_end: bool,
    out: &mut Outcome,
) {
    for (stream, (count, first)) in lost {
        let ends = if same_end { ", though both end at the same event" } else { ", which is older" };
        let detail = format!(
            "{count} events of stream {stream} are in {}{ends}, and not here; the first is version {}",
            has.path, first.version
        );
        let fault = Fault {
            stream_id: Some(stream.clone()),
            event_id: shown_id(first.id()),
            expected_version: Some(first.version),
            at: first.time(),
            ..lacks.fault(FaultKind::LostEvent, 0, detail)
        };
        out.fault(lacks, fault);
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::check;

    use super::*;

    #[test]
    fn what_the_older_has_the_newer_has_unchanged() {
        check(
            &Copies,
            "a 1 1 90
             a 2 2 80
             b 1 3 70
             c 1 4 60
             =newer
             a 1 1 90
             b 1 3 71
             c 1 4 60
             c 2 5 50",
            &[
                "critical changed-event in newer b@1 (its time is not what dump has (version 1 of stream b there))",
                "critical lost-event in newer a@- (1 events of stream a are in dump, which is older, and not here; the first is version 2)",
            ],
        );
    }

    #[test]
    fn copies_that_end_alike_must_be_alike() {
        check(
            &Copies,
            "a 1 1 90
             a 2 2 80
             =other
             a 1 1 90
             a 2 2 80
             b 1 1 80",
            &[],
        );
        check(
            &Copies,
            "a 1 1 90
             =stranger
             a 1 7 90",
            &["could not run: no two copies of one store were supplied"],
        );
    }
}
