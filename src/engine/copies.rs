//! Logs that hold what another one holds: the same bytes, the same text in another packing, or the beginning of one that
//! grew since it was copied. The ledger shows a copy; it counts nothing.
//!
//! Logs that begin alike are held against each other: one is within the other where the hash of all its text is that of
//! as many bytes there. No two logs do so by chance, so evidence without copies is read once.

use std::{
    cmp::{Ordering, Reverse},
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
};

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
    /// Of its first 16, 32, ... bytes; none of more than there are.
    starts: [Option<u64>; STARTS],
}

/// Beginnings of a log that are hashed: each is twice as long as the one before, up to what tells a format.
const STARTS: usize = 12;
/// Bytes of the first of them.
const START: u64 = 16;

/// What two logs have in common that begin alike: which beginning, and its hash.
pub(super) type Start = (usize, u64);

/// Without as much text in common two logs that begin alike are no copies: programs that start in the same second say
/// the same.
const LEAST: u64 = 1024;

/// A source that may be a copy, and that others may be copies of.
pub(super) struct Candidate<'a> {
    pub(super) name: &'a str,
    pub(super) reading: &'a Reading,
    /// `None` where it is no longer there.
    pub(super) evidence: Option<&'a Evidence>,
    /// By which it is known, where it is no longer there and longer than its opening.
    pub(super) last: Option<Place>,
    pub(super) has_records: bool,
    pub(super) is_dated: bool,
}

/// A place in a source, and the hash of all before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) end: u64,
    pub(super) hash: [u8; 32],
}

/// One log that may lie within another.
#[derive(Clone, Copy)]
struct Pair {
    inner: usize,
    outer: usize,
}

impl Copied {
    /// What the ledger says of a copy.
    pub(super) fn note(&self) -> Option<String> {
        match self {
            Copied::Unknown | Copied::Not => None,
            Copied::Bytes(name) => Some(format!("the same bytes as {name}: counted once")),
            Copied::Text(name) => Some(format!("the same text as {name}: counted once")),
            Copied::Beginning(name) => Some(format!("the beginning of {name}: counted once")),
        }
    }

    pub(super) fn is_copy(&self) -> bool {
        self.original().is_some()
    }

    /// What it is a copy of.
    pub(super) fn original(&self) -> Option<&str> {
        match self {
            Copied::Unknown | Copied::Not => None,
            Copied::Bytes(name) | Copied::Text(name) | Copied::Beginning(name) => Some(name),
        }
    }
}

impl Opening {
    pub(super) fn of(bytes: &[u8], is_whole: bool) -> Opening {
        let start = |at: usize| {
            let hash = blake3::hash(bytes.get(..(START as usize) << at)?);
            hash.as_bytes().first_chunk().map(|first| u64::from_le_bytes(*first))
        };
        Opening {
            length: bytes.len() as u64,
            is_whole,
            hash: *blake3::hash(bytes).as_bytes(),
            starts: std::array::from_fn(start),
        }
    }

    /// Every beginning of it.
    pub(super) fn starts(&self) -> impl Iterator<Item = Start> {
        self.starts.into_iter().enumerate().filter_map(|(at, hash)| Some((at, hash?)))
    }

    /// Whether a log that begins like this may go on from one that begins like `other`.
    pub(super) fn may_go_on(&self, other: &Opening) -> bool {
        match other.start() {
            _ if !other.is_whole => self.hash == other.hash,
            Some(start) => self.starts().any(|mine| mine == start),
            None => true,
        }
    }

    /// The longest: whatever it lies within has this one too. `None` where it is next to nothing.
    pub(super) fn start(&self) -> Option<Start> {
        self.starts().last()
    }
}

/// Finds out which sources of some evidence are copies, unless that is known.
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

/// What each of these is, in their order. What is known to be a copy stays one. A source that is no longer there is a copy
/// of one that is, never its original.
pub(super) fn find(candidates: &[Candidate<'_>]) -> Vec<Copied> {
    let mut copied = same_bytes(candidates);
    let pairs = alike(candidates, &copied);
    for Pair { inner, outer } in longest(candidates, pairs) {
        let name = candidates[outer].name.to_owned();
        let is_longer = candidates[outer].reading.unpacked > candidates[inner].reading.unpacked;
        copied[inner] = if is_longer { Copied::Beginning(name) } else { Copied::Text(name) };
    }
    copied
}

/// Of those with the same bytes as found, the first is the original.
fn same_bytes(candidates: &[Candidate<'_>]) -> Vec<Copied> {
    let mut first: HashMap<&str, &str> = HashMap::new();
    let known = |candidate: &Candidate<'_>| match &candidate.reading.copied {
        copied if copied.is_copy() => copied.clone(),
        _ => Copied::Not,
    };
    let mut copied: Vec<Copied> = candidates.iter().map(known).collect();
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

/// Logs of which the first may lie within the second.
fn alike(candidates: &[Candidate<'_>], copied: &[Copied]) -> Vec<Pair> {
    let mut long: HashMap<[u8; 32], Vec<usize>> = HashMap::new();
    let mut starts: HashMap<Start, Vec<usize>> = HashMap::new();
    let openings = candidates.iter().zip(copied).enumerate().filter(|(_, (_, copied))| !copied.is_copy());
    let openings: Vec<(usize, &Candidate<'_>, Opening)> = openings
        .filter_map(|(at, (candidate, _))| Some((at, candidate, candidate.reading.opening?)))
        .collect();
    let sought: HashSet<Start> = openings.iter().filter_map(|(_, _, opening)| opening.start()).collect();
    for (at, _, opening) in openings.iter().filter(|(_, candidate, _)| candidate.evidence.is_some()) {
        if !opening.is_whole {
            long.entry(opening.hash).or_default().push(*at);
        }
        for start in opening.starts().filter(|start| sought.contains(start)) {
            starts.entry(start).or_default().push(*at);
        }
    }
    let mut pairs = Vec::new();
    for (inner, candidate, opening) in openings.iter().filter(|(_, candidate, _)| candidate.has_records) {
        let outers = match opening.start() {
            _ if !opening.is_whole => long.get(&opening.hash),
            Some(start) => starts.get(&start),
            None => None,
        };
        let outers = outers.into_iter().flatten();
        let pair = |outer: &usize| Pair { inner: *inner, outer: *outer };
        pairs.extend(
            outers.filter(|outer| may_hold(**outer, &candidates[**outer], *inner, candidate)).map(pair),
        );
    }
    pairs
}

/// Whether a source may hold another by what is known without reading. Without times, two logs that begin alike are two
/// programs that say the same: only what is no longer there, or is the very same text, is a copy.
fn may_hold(outer: usize, long: &Candidate<'_>, inner: usize, short: &Candidate<'_>) -> bool {
    let is_gone = short.evidence.is_none();
    match long.reading.unpacked.cmp(&short.reading.unpacked) {
        Ordering::Less => false,
        Ordering::Equal => is_gone || outer < inner,
        Ordering::Greater => is_gone || short.is_dated && short.reading.unpacked >= LEAST,
    }
}

/// Of the pairs that hold the same, for each inner one that with the longest outer, and of those the first.
fn longest(candidates: &[Candidate<'_>], pairs: Vec<Pair>) -> Vec<Pair> {
    let hashes = hashes(candidates, &pairs);
    let rank = |pair: &Pair| (candidates[pair.outer].reading.unpacked, Reverse(pair.outer));
    let mut longest: BTreeMap<usize, Pair> = BTreeMap::new();
    for pair in pairs {
        let place = place(&candidates[pair.inner], |end| hashes.get(&(pair.inner, end)).copied());
        let Some(Place { end, hash }) = place else { continue };
        if hashes.get(&(pair.outer, end)) != Some(&hash) {
            continue;
        }
        let best = longest.entry(pair.inner).or_insert(pair);
        if rank(&pair) > rank(best) {
            *best = pair;
        }
    }
    longest.into_values().collect()
}

/// Where a log ends, by which it is known in another.
fn place(candidate: &Candidate<'_>, hash_at: impl Fn(u64) -> Option<[u8; 32]>) -> Option<Place> {
    let Opening { length, is_whole, hash, .. } = candidate.reading.opening?;
    if is_whole {
        return Some(Place { end: length, hash });
    }
    let end = candidate.reading.unpacked;
    candidate.last.or_else(|| Some(Place { end, hash: hash_at(end)? }))
}

/// The hashes that have to be compared, by source and place.
fn hashes(candidates: &[Candidate<'_>], pairs: &[Pair]) -> HashMap<(usize, u64), [u8; 32]> {
    let mut wanted: BTreeMap<usize, BTreeSet<u64>> = BTreeMap::new();
    for Pair { inner, outer } in pairs {
        let short = &candidates[*inner];
        let Some(Place { end, .. }) = place(short, |_| Some([0; 32])) else { continue };
        wanted.entry(*outer).or_default().insert(end);
        if short.last.is_none() && short.reading.opening.is_some_and(|opening| !opening.is_whole) {
            wanted.entry(*inner).or_default().insert(end);
        }
    }
    let mut hashes = HashMap::new();
    for (at, ends) in wanted {
        let Some(evidence) = candidates[at].evidence else { continue };
        let ends: Vec<u64> = ends.into_iter().collect();
        let found = ingest::text_hashes(evidence, candidates[at].name, &ends);
        hashes.extend(ends.iter().zip(found).filter_map(|(end, hash)| Some(((at, *end), hash?))));
    }
    hashes
}
