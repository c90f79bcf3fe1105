//! What of all that is known lies within something else that is known.

use std::collections::HashMap;

use super::Kept;
use crate::engine::copies::{self, Candidate, Copied, Place};

/// Marks copies among what is there, and leaves out what is gone but for a copy: it counts there, or never did.
pub(super) fn leave_out_copies(kept: &mut Vec<Kept>) {
    take_over(kept);
    let copied = copies::find(&kept.iter().map(candidate).collect::<Vec<_>>());
    for (source, copied) in kept.iter_mut().zip(copied) {
        source.reading.copied = copied;
    }
    name_originals(kept);
    kept.retain(|source| source.here.is_some() || !source.reading.copied.is_copy());
}

/// What was the beginning of a longer log stays it as long as that is known, under whatever name, there or not: that
/// counts. All else is looked at again.
fn take_over(kept: &mut [Kept]) {
    let mut originals: HashMap<&str, Vec<&Kept>> = HashMap::new();
    for source in kept.iter() {
        let was = if source.here.is_none() { Some(&source.name) } else { source.was.as_ref() };
        if let Some(was) = was {
            originals.entry(was).or_default().push(source);
        }
    }
    let now = |source: &Kept| {
        let Copied::Beginning(original) = &source.reading.copied else { return None };
        let opening = source.reading.opening?;
        // What came and went under one name may be several logs.
        let goes_on = |original: &&&Kept| {
            original.reading.unpacked > source.reading.unpacked
                && original.reading.opening.is_some_and(|longer| longer.may_go_on(&opening))
        };
        let named = originals.get(original.as_str())?;
        named.iter().find(goes_on).map(|original| Copied::Beginning(original.name.clone()))
    };
    let copied: Vec<Option<Copied>> = kept.iter().map(now).collect();
    for (source, copied) in kept.iter_mut().zip(copied) {
        // What was a copy when it was there last is one ever after.
        if source.here.is_some() {
            source.reading.copied = copied.unwrap_or_default();
        }
    }
}

/// The original of a copy's original is its own.
fn name_originals(kept: &mut [Kept]) {
    let originals: HashMap<String, String> = kept
        .iter()
        .filter_map(|source| Some((source.name.clone(), source.reading.copied.original()?.to_owned())))
        .collect();
    for source in kept {
        let Copied::Beginning(name) = &mut source.reading.copied else { continue };
        for _ in 0..originals.len() {
            let Some(original) = originals.get(name) else { break };
            name.clone_from(original);
        }
    }
}

fn candidate(source: &Kept) -> Candidate<'_> {
    let last = source.bookmark().filter(|_| source.here.is_none());
    let mut every = source.facts.hours.each().chain([&source.facts.tail]);
    Candidate {
        name: &source.name,
        reading: &source.reading,
        evidence: source.here.as_ref(),
        last: last.map(|bookmark| Place { end: bookmark.offset, hash: bookmark.hash }),
        // What is gone need not have said anything to be within another.
        has_records: source.here.is_none() || every.any(|facts| facts.account.records > 0),
        is_dated: source.facts.every_hour().next().is_some(),
    }
}
