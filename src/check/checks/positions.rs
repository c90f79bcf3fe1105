//! Positions in the whole store: claimed twice, running against versions, or missing.
//!
//! Positions come from a sequence, which gives a number back to nobody: rolled-back transactions leave holes of a few,
//! a crashed server one of up to 32 (`SEQ_LOG_VALS`), a client that draws fifty at a time up to fifty. So holes are an
//! observation, told once with their sizes. Two events at one position are corruption.

use crate::check::{
    Check, Evidence, Judgement, Meta, Outcome, Ran, StoreView,
    facts::{ABSENT, EventRow},
    shown_id,
};
use crate::model::{Fault, FaultKind, Positions as Numbering, Severity, TableRole};

#[derive(Debug)]
pub(crate) struct Positions;

impl Check for Positions {
    fn meta(&self) -> Meta {
        Meta { id: "positions", about: "positions in the whole store that are claimed twice, or missing" }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let mut positions = 0;
        for store in evidence.event_stores().filter(|store| store.events.positions() > 0) {
            positions += store.events.positions();
            let numbering = store.facts.rules(TableRole::Events).positions;
            if numbering != Numbering::Repeating {
                in_order(store, numbering, out);
            }
            if numbering == Numbering::Gapless {
                against_versions(store, out);
            }
        }
        if positions > 0 {
            Ran::Over(format!("{positions} positions"))
        } else {
            Ran::CouldNot("no events with a position in the whole store were supplied".to_owned())
        }
    }
}

#[derive(Default)]
struct Holes {
    count: u64,
    missing: i64,
    largest: Option<(i64, EventRow)>,
}

fn in_order(store: &StoreView, numbering: Numbering, out: &mut Outcome) {
    let (mut before, mut holes): (Option<EventRow>, Holes) = (None, Holes::default());
    store.events.each_by_position(&mut |row| {
        if let Some(before) = before.filter(|before| before.position != row.position) {
            let missing = row.position.saturating_sub(before.position).saturating_sub(1);
            if missing > 0 {
                holes.count += 1;
                holes.missing = holes.missing.saturating_add(missing);
                if holes.largest.is_none_or(|(largest, _)| missing > largest) {
                    holes.largest = Some((missing, *row));
                }
            }
        } else if let Some(first) = before {
            repeated(store, &first, row, out);
            return;
        }
        before = Some(*row);
    });
    let Some((largest, row)) = holes.largest else { return };
    let why = match largest {
        1..=8 => "as rolled-back transactions leave them",
        9..=32 => "as a crashed server leaves them",
        33..=50 => "as clients leave them that draw fifty numbers at a time",
        _ => "more than rollbacks and crashes explain: deleted rows, or a part of the store",
    };
    let detail = format!(
        "{} positions are missing in {} holes, the largest of {largest} before position {}: {why}",
        holes.missing, holes.count, row.position
    );
    let severity = if numbering == Numbering::Gapless { Severity::Error } else { Severity::Info };
    let fault = store.fault_at(FaultKind::PositionGap, &row, detail);
    out.fault(store, Fault { stream_id: None, event_id: None, actual_version: None, severity, ..fault });
}

fn repeated(store: &StoreView, first: &EventRow, row: &EventRow, out: &mut Outcome) {
    // The same row twice is told by its id; a live and an archived row may share what they were numbered with.
    let same = (first.stream, first.version) == (row.stream, row.version);
    if same || first.mark.is_archived() != row.mark.is_archived() {
        return;
    }
    let detail = format!(
        "position {} is claimed by version {} of stream {} and version {} of stream {}",
        row.position,
        first.version,
        store.events.name(first),
        row.version,
        store.events.name(row)
    );
    let fault = store.fault_at(FaultKind::RepeatedPosition, row, detail);
    out.fault(store, Fault { other_event_id: shown_id(first.id()), ..fault });
}

/// Where positions are given out in the order of commits, they follow the versions of each stream.
fn against_versions(store: &StoreView, out: &mut Outcome) {
    store.events.each_stream(&mut |name, rows| {
        let placed: Vec<&EventRow> = rows.iter().filter(|row| row.position != ABSENT).collect();
        let back = placed.windows(2).find(|pair| pair[1].position < pair[0].position);
        if let Some([before, row]) = back {
            let detail = format!(
                "version {} of stream {name} has position {}, before version {} at {}",
                row.version, row.position, before.version, before.position
            );
            let fault = store.fault_at(FaultKind::OrderInversion, row, detail);
            out.fault(store, Fault { severity: Severity::Warning, ..fault });
        }
    });
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, check_with};

    use super::*;
    use crate::model::TableRules;

    #[test]
    fn two_events_at_one_position_are_corruption_and_holes_are_not() {
        check(
            &Positions,
            "a 1 1 90 1
             a 2 2 80 2
             b 1 3 70 2
             b 2 4 60 7
             b 3 5 50 8",
            &[
                "info position-gap (4 positions are missing in 1 holes, the largest of 4 before position 7: as rolled-back transactions leave them)",
                "error repeated-position b@1 (position 2 is claimed by version 2 of stream a and version 1 of stream b)",
            ],
        );
        check(
            &Positions,
            "a 1 1 90",
            &["could not run: no events with a position in the whole store were supplied"],
        );
    }

    #[test]
    fn positions_in_the_order_of_commits_follow_versions() {
        let gapless = TableRules { positions: Numbering::Gapless, ..TableRules::default() };
        check_with(
            &Positions,
            &gapless,
            "a 1 1 90 2
             a 2 2 80 1
             b 1 3 80 4",
            &[
                "warning order-inversion a@2 (version 2 of stream a has position 1, before version 1 at 2)",
                "error position-gap (1 positions are missing in 1 holes, the largest of 1 before position 4: as rolled-back transactions leave them)",
            ],
        );
        let tenants = TableRules { positions: Numbering::Repeating, ..TableRules::default() };
        check_with(&Positions, &tenants, "a 1 1 90 1\n b 1 2 80 1", &[]);
    }
}
