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
                let (kind, detail) = match last - newest {
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
                            "{name} gave out {ahead} numbers behind the newest event ({newest}): rolled back, or in flight when the dump was made"
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
