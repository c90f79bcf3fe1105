//! Logs that hold what another one holds: the same bytes, the same text in another packing, or the beginning of one that
//! grew since it was copied. The ledger shows a copy; it counts nothing.
//!
//! Two logs begin alike where their first 64 KiB are the same, and one is within the other where the block before its
//! end stands there as well. Only logs that begin alike are looked at again, so evidence without copies is read once.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde::{Deserialize, Serialize};

use crate::ingest::{self, Evidence};

use super::{Partial, Reading};

/// Whether a source is a copy of another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Copied {
    /// Nobody has looked yet.
    #[default]
    Unknown,
    Not,
    /// It has the bytes of the named source.
    Bytes(String),
    /// It has the text of the named source, in another packing.
    Text(String),
    /// The named source goes on from it.
    Beginning(String),
}

/// How a log begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Opening {
    /// Bytes that were looked at: all of them where there are fewer than tell a format.
    pub(super) length: u64,
    pub(super) is_whole: bool,
    pub(super) hash: [u8; 32],
    /// Of the first line, where it ends among these bytes.
    first_line: Option<[u8; 32]>,
}

/// A source that may be a copy, and that others may be copies of.
pub(super) struct Candidate<'a> {
    pub(super) name: &'a str,
    pub(super) reading: &'a Reading,
    /// `None` where it is no longer there.
    pub(super) evidence: Option<&'a Evidence>,
    /// By which it is known, where it is no longer there.
    pub(super) last: Option<Place>,
    pub(super) has_records: bool,
    pub(super) is_dated: bool,
}

/// A place in a source, and the hash of the block before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) end: u64,
    pub(super) block: [u8; 32],
}

impl Copied {
    /// What the ledger says of a copy.
    pub(super) fn note(&self) -> Option<String> {
        match self {
            Copied::Unknown | Copied::Not => None,
            Copied::Bytes(name) => Some(format!("the same bytes as {name}: counted once")),
            Copied::Text(name) => Some(format!("the same text as {name}, packed otherwise: counted once")),
            Copied::Beginning(name) => Some(format!("the beginning of {name}: counted once")),
        }
    }

    pub(super) fn is_copy(&self) -> bool {
        !matches!(self, Copied::Unknown | Copied::Not)
    }
}

impl Opening {
    pub(super) fn of(bytes: &[u8], is_whole: bool) -> Opening {
        let line = memchr::memchr(b'\n', bytes).map(|end| *blake3::hash(&bytes[..end]).as_bytes());
        let hash = *blake3::hash(bytes).as_bytes();
        Opening { length: bytes.len() as u64, is_whole, hash, first_line: line }
    }
}

/// Which sources of some evidence are copies; what is known already stays.
pub(super) fn mark(partial: &mut Partial) {
    if partial.sources.values().all(|part| part.reading.copied != Copied::Unknown) {
        return;
    }
    let candidates: Vec<Candidate<'_>> = partial
        .sources
        .iter()
        .map(|(name, part)| Candidate {
            name,
            reading: &part.reading,
            evidence: part.evidence.as_ref(),
            last: None,
            has_records: part.facts.account.records > 0,
            is_dated: part.facts.window.from.is_some(),
        })
        .collect();
    let copied = find(&candidates);
    for (part, copied) in partial.sources.values_mut().zip(copied) {
        part.reading.copied = copied;
    }
}

/// What each of these is, in their order. A source that is no longer there is a copy of one that is, never its original.
pub(super) fn find(candidates: &[Candidate<'_>]) -> Vec<Copied> {
    let mut copied = same_bytes(candidates);
    let pairs = alike(candidates, &copied);
    let blocks = blocks(candidates, &pairs);
    let mut longest: BTreeMap<usize, usize> = BTreeMap::new();
    for (inner, outer) in pairs {
        let Some(place) = place(&candidates[inner], |end| blocks.get(&(inner, end)).copied()) else {
            continue;
        };
        if blocks.get(&(outer, place.end)) == Some(&place.block) {
            let best = longest.entry(inner).or_insert(outer);
            let rank = |at: usize| (candidates[at].reading.unpacked, std::cmp::Reverse(at));
            if rank(outer) > rank(*best) {
                *best = outer;
            }
        }
    }
    for (inner, outer) in longest {
        let name = candidates[outer].name.to_owned();
        let is_longer = candidates[outer].reading.unpacked > candidates[inner].reading.unpacked;
        copied[inner] = if is_longer { Copied::Beginning(name) } else { Copied::Text(name) };
    }
    copied
}

/// Of those with the same bytes as found, the first is the original.
fn same_bytes(candidates: &[Candidate<'_>]) -> Vec<Copied> {
    let mut first: HashMap<&str, &str> = HashMap::new();
    let mut copied = vec![Copied::Not; candidates.len()];
    // What is still there comes before what is not.
    let (here, gone): (Vec<usize>, Vec<usize>) =
        (0..candidates.len()).partition(|at| candidates[*at].evidence.is_some());
    for at in here.into_iter().chain(gone) {
        let Candidate { name, reading, has_records, .. } = &candidates[at];
        if reading.hash.is_empty() || !has_records {
            continue;
        }
        match first.get(reading.hash.as_str()) {
            Some(known) => copied[at] = Copied::Bytes((*known).to_owned()),
            None => {
                first.insert(&reading.hash, name);
            }
        }
    }
    copied
}

/// Pairs of logs of which the first may be within the second.
fn alike(candidates: &[Candidate<'_>], copied: &[Copied]) -> Vec<(usize, usize)> {
    let mut heads: HashMap<[u8; 32], Vec<usize>> = HashMap::new();
    let mut first_lines: HashMap<[u8; 32], Vec<usize>> = HashMap::new();
    let mut here = Vec::new();
    for (at, candidate) in candidates.iter().enumerate() {
        let Some(opening) = candidate.reading.opening.filter(|_| candidate.evidence.is_some()) else {
            continue;
        };
        if copied[at].is_copy() {
            continue;
        }
        here.push(at);
        if !opening.is_whole {
            heads.entry(opening.hash).or_default().push(at);
        }
        if let Some(line) = opening.first_line {
            first_lines.entry(line).or_default().push(at);
        }
    }
    let none = Vec::new();
    let mut pairs = Vec::new();
    for (inner, candidate) in candidates.iter().enumerate() {
        let Some(opening) = candidate.reading.opening.filter(|_| candidate.has_records) else { continue };
        let outers = match opening.first_line {
            _ if copied[inner].is_copy() => &none,
            _ if !opening.is_whole => heads.get(&opening.hash).unwrap_or(&none),
            Some(line) => first_lines.get(&line).unwrap_or(&none),
            // A line that was torn. One that is still there is most likely none of another log.
            None if candidate.evidence.is_none() => &here,
            None => &none,
        };
        pairs.extend(
            outers.iter().filter(|outer| may_hold(candidates, **outer, inner)).map(|outer| (inner, *outer)),
        );
    }
    pairs
}

/// Whether a source may hold another by what is known without reading. Without times, two logs that begin alike are two
/// programs that say the same: only what is no longer there, or is the very same text, is a copy.
fn may_hold(candidates: &[Candidate<'_>], outer: usize, inner: usize) -> bool {
    let (long, short) = (&candidates[outer], &candidates[inner]);
    let end = short.last.map_or(short.reading.unpacked, |last| last.end);
    let is_gone = short.evidence.is_none();
    match long.reading.unpacked.cmp(&end) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => is_gone || outer < inner,
        std::cmp::Ordering::Greater => is_gone || short.is_dated,
    }
}

/// Where a log ends, by which it is known in another.
fn place(candidate: &Candidate<'_>, block_at: impl Fn(u64) -> Option<[u8; 32]>) -> Option<Place> {
    let Opening { length, is_whole, hash, .. } = candidate.reading.opening?;
    if is_whole {
        return Some(Place { end: length, block: hash });
    }
    let end = candidate.reading.unpacked;
    candidate.last.or_else(|| Some(Place { end, block: block_at(end)? }))
}

/// The hashes of the blocks that have to be compared, by source and place.
fn blocks(candidates: &[Candidate<'_>], pairs: &[(usize, usize)]) -> HashMap<(usize, u64), [u8; 32]> {
    let mut wanted: BTreeMap<usize, BTreeSet<u64>> = BTreeMap::new();
    for (inner, outer) in pairs {
        let short = &candidates[*inner];
        let Some(Place { end, .. }) = place(short, |_| Some([0; 32])) else { continue };
        wanted.entry(*outer).or_default().insert(end);
        if short.last.is_none() && short.reading.opening.is_some_and(|opening| !opening.is_whole) {
            wanted.entry(*inner).or_default().insert(end);
        }
    }
    let mut blocks = HashMap::new();
    for (at, ends) in wanted {
        let Some(evidence) = candidates[at].evidence else { continue };
        let ends: Vec<u64> = ends.into_iter().collect();
        let hashes = ingest::blocks_before(evidence, candidates[at].name, &ends);
        let found = ends.iter().zip(hashes);
        blocks.extend(found.filter_map(|(end, hash)| Some(((at, *end), hash?))));
    }
    blocks
}
