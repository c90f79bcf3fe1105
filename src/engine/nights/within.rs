//! What of all that is known lies within something that is there.

use super::{Kept, Place};
use crate::engine::copies::{self, Candidate};

/// Marks copies among what is there, and leaves out what is gone but for a copy: it counts there, or never did.
pub(super) fn leave_out_copies(kept: &mut Vec<Kept>) {
    let copied = copies::find(&kept.iter().map(candidate).collect::<Vec<_>>());
    for (source, copied) in kept.iter_mut().zip(copied) {
        // What was a copy when it was there last is one ever after.
        if source.here.is_some() || !source.reading.copied.is_copy() {
            source.reading.copied = copied;
        }
    }
    kept.retain(|source| source.here.is_some() || !source.reading.copied.is_copy());
}

fn candidate(source: &Kept) -> Candidate<'_> {
    let last = source.bookmark().filter(|_| source.here.is_none());
    let mut every = source.facts.hours.each().chain([&source.facts.tail]);
    Candidate {
        name: &source.name,
        reading: &source.reading,
        evidence: source.here.as_ref(),
        last: last.map(|bookmark| Place { end: bookmark.offset, block: bookmark.block }),
        // What is gone need not have said anything to be within another.
        has_records: source.here.is_none() || every.any(|facts| facts.account.records > 0),
        is_dated: source.facts.every_hour().next().is_some(),
    }
}
