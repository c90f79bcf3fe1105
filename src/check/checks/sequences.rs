//! Sequences against the positions that were drawn from them.
//!
//! A dump says where each sequence stood. Behind the highest position, the next append fails with a duplicate key: that
//! happens when rows are imported without their sequence (Marten issue 1228). Ahead of it, numbers were drawn for
//! transactions that were rolled back, or were in flight when the dump was made: worth an observation.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran};
use crate::model::FaultKind;

#[derive(Debug)]
pub(crate) struct Sequences;

impl Check for Sequences {
    fn meta(&self) -> Meta {
        Meta {
            id: "sequences",
            about: "sequences that stand behind or ahead of the positions drawn from them",
        }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let mut compared = 0;
        for store in evidence.event_stores() {
            let Some(newest) = store.events.last_position() else { continue };
            for sequence in &store.sequences {
                compared += 1;
                let (name, last) = (&sequence.name, sequence.last);
                let (kind, detail) = match last.saturating_sub(newest) {
                    0 => continue,
                    ..0 => (
                        FaultKind::SequenceBehind,
                        format!(
                            "{name} stands at {last}, the newest event at {newest}: the next append fails"
                        ),
                    ),
                    ahead => (
                        FaultKind::TailGap,
                        format!(
                            "{name} gave out {ahead} numbers after the newest event ({newest}): rolled back, or in flight when the dump was made"
                        ),
                    ),
                };
                out.fault(store, store.fault(kind, sequence.byte, detail));
            }
        }
        if compared > 0 {
            Ran::Over(format!("{compared} sequences"))
        } else {
            Ran::CouldNot("no dump says where the sequence of its positions stood".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::check_with;

    use super::*;
    use crate::model::TableRules;

    #[test]
    fn behind_is_a_fault_and_ahead_an_observation() {
        let rules = TableRules { sequences: vec!["*_seq".to_owned()], ..TableRules::default() };
        let rows = "a 1 1 90 7";
        for (last, expected) in [
            ("7", None),
            (
                "6",
                Some(
                    "error sequence-behind (events_seq stands at 6, the newest event at 7: the next append fails)",
                ),
            ),
            (
                "9",
                Some(
                    "info tail-gap (events_seq gave out 2 numbers after the newest event (7): rolled back, or in flight when the dump was made)",
                ),
            ),
        ] {
            let rows = format!("{rows}\n~events_seq {last}\n~others 1");
            check_with(&Sequences, &rules, &rows, expected.as_slice());
        }
        let none = ["could not run: no dump says where the sequence of its positions stood"];
        check_with(&Sequences, &rules, rows, &none);
    }
}
