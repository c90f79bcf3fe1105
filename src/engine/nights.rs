//! What earlier runs have read, so that a run reads only what is new.
//!
//! A source is known by its content: a log by its beginning and by the block before the place where the last run ended,
//! anything else by the hash of all its bytes. So a log that was renamed, rotated, compressed, copied or appended to is
//! the same source, and what was read of it counts once.
//!
//! Facts of the records that are surely whole are kept, and those of the last record beside them: should the file go on,
//! that record is read again, and the sum is what one run over everything would have found. A log shorter than the
//! beginning that tells a format is read again when it changed.
//!
//! What was read with other patterns or another coroner is read again where it is still there, and else kept as it is.

mod history;
mod known;
mod normal;
mod records;
mod told;
mod within;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::{
    check::facts::SourceFacts,
    decode::Kind,
    fold::State,
    ingest::{Bookmark, Evidence, Shape},
    model::{Timestamp, report::StateUsed, time::HOUR},
    state::Record,
};

use super::{
    Partial, Reading, SourcePart,
    copies::{Copied, Start},
    hours::Hours,
};

pub use history::{History, noted};
pub use normal::{Normal, Reported};
pub use records::Unreadable;
pub use told::KnownSource;

/// What all runs so far have read.
#[derive(Debug, Default)]
pub struct Memory {
    /// Runs so far.
    run: u64,
    /// What facts depend on besides the evidence: patterns, field names, clocks.
    made_by: String,
    kept: Vec<Kept>,
    index: Index,
    /// Of this run.
    used: StateUsed,
    pub history: History,
}

/// One source.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Kept {
    /// As the last run that saw it named it.
    name: String,
    /// Every name that it was seen under.
    names: BTreeSet<String>,
    within: Option<Within>,
    reading: Reading,
    /// Of a log: where a later run may go on.
    bookmark: Option<Bookmark>,
    made_by: String,
    /// Runs that saw it first and last.
    first_run: u64,
    last_run: u64,
    /// By the clock of the machine, for people.
    first_at: Option<Timestamp>,
    last_at: Option<Timestamp>,
    /// What this run found it to be.
    #[serde(skip)]
    here: Option<Evidence>,
    #[serde(skip)]
    facts: Facts,
    /// Its name as of the last run, where that knew it.
    #[serde(skip)]
    was: Option<String>,
    /// The facts as they were saved, while they are still the same.
    #[serde(skip)]
    saved: Option<Record>,
}

/// What a source adds up to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Facts {
    hours: Hours,
    tail: SourceFacts,
}

impl Facts {
    /// The hours that are here, that of the last record as well.
    fn every_hour(&self) -> impl Iterator<Item = i64> {
        self.hours.hours().chain(self.tail.window.to.map(Timestamp::hour))
    }
}

/// The file that a source lay in, where all its bytes must be the same for it to be known.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Within {
    name: String,
    size: u64,
    hash: String,
}

/// Sources by what they are looked for.
#[derive(Debug, Default)]
struct Index {
    heads: HashMap<[u8; 32], Vec<usize>>,
    /// Logs of which all bytes tell the format, by how they start: their length and their hash.
    short: HashMap<Option<Start>, Vec<Short>>,
    sizes: HashMap<u64, Vec<usize>>,
}

/// A log of which all bytes tell the format: their number, their hash, and which it is.
type Short = (u64, [u8; 32], usize);

/// What is known of a source that is being read.
#[derive(Debug, Default)]
pub(super) struct Recalled {
    pub(super) before: Before,
    /// Sources of earlier runs that are part of this one.
    covers: Vec<usize>,
    /// Sources of earlier runs whose file was shortened or rewritten.
    replaces: Vec<usize>,
    pub(super) notes: Vec<String>,
    /// Where a later run may go on.
    pub(super) bookmark: Option<Bookmark>,
}

/// What is new in a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Before {
    /// All of it.
    #[default]
    Nothing,
    /// What is behind the bookmark of an earlier one.
    Continued(usize),
    /// Nothing.
    Unchanged(usize),
}

impl Memory {
    /// Nothing was read yet. `made_by` names all that facts depend on besides the evidence.
    pub fn new(made_by: &str) -> Memory {
        Memory { made_by: made_by.to_owned(), ..Memory::default() }
    }

    /// Runs so far.
    pub fn runs(&self) -> u64 {
        self.run
    }

    /// The end of the newest hour that is known.
    pub fn newest(&self) -> Option<Timestamp> {
        let newest = self.kept.iter().flat_map(|source| source.facts.every_hour()).max()?;
        Some(Timestamp((newest + 1) * HOUR - 1))
    }

    /// The days that are known, counted from 1970.
    pub fn days(&self) -> BTreeSet<i64> {
        let hours = self.kept.iter().flat_map(|source| source.facts.every_hour());
        hours.map(|hour| hour.div_euclid(24)).collect()
    }

    /// Puts what earlier runs have read before what this one has.
    #[must_use]
    pub fn after(mut self, partial: Partial, now: Timestamp) -> Memory {
        let run = self.run + 1;
        let used = self.use_of(&partial, run);
        let mut left = Left::new(&self.kept, &partial);
        let withins = withins(&partial);
        let mut kept: Vec<Kept> = Vec::new();
        for (name, part) in partial.sources {
            let within = part.evidence.as_ref().and_then(|evidence| withins.get(&evidence.name)).cloned();
            let mut source = self.source(name, part, &mut left);
            (source.within, source.last_run) = (within, run);
            source.made_by.clone_from(&self.made_by);
            source.first_at = source.first_at.or(Some(now));
            source.last_at = Some(now);
            kept.push(source);
        }
        let gone = std::mem::take(&mut self.kept).into_iter().enumerate();
        kept.extend(
            gone.filter(|(at, _)| left.gone.contains(at)).map(|(_, source)| Kept { here: None, ..source }),
        );
        within::leave_out_copies(&mut kept);
        kept.sort_by(|a, b| (b.last_run, &a.name).cmp(&(a.last_run, &b.name)));
        let gone = kept.iter().filter(|source| source.here.is_none()).count() as u64;
        let used = StateUsed { gone, missing: told::missing(&kept), ..used };
        let mut memory =
            Memory { run, made_by: self.made_by, kept, used, history: self.history, index: Index::default() };
        memory.forget_old_backups();
        memory.index = Index::of(&memory.kept);
        memory
    }

    /// One source as it is known now.
    fn source(&mut self, name: String, part: SourcePart, left: &mut Left) -> Kept {
        let is_known =
            matches!(part.recalled.before, Before::Continued(at) if self.has_nothing_new(at, &part));
        let SourcePart { evidence, facts, mut reading, mut hours, tail, recalled } = part;
        let before = match recalled.before {
            Before::Nothing => recalled.covers.first().copied(),
            Before::Continued(at) | Before::Unchanged(at) => Some(at),
        };
        let known = before.map(|at| &self.kept[at]);
        reading.copied = match (recalled.before, known) {
            // It is a copy, whatever became of its original.
            (Before::Unchanged(_), Some(known)) => known.reading.copied.clone(),
            (Before::Continued(_), Some(known)) if is_known => known.reading.copied.clone(),
            (Before::Continued(_), Some(known)) if left.shorter.contains(&name) => {
                Copied::Beginning(known.name.clone())
            }
            _ => Copied::Unknown,
        };
        let was = known.map(|known| known.name.clone());
        let mut names = known.map(|known| known.names.clone()).unwrap_or_default();
        let (first_run, first_at) =
            known.map_or((self.run + 1, None), |known| (known.first_run, known.first_at));
        let bookmark = match recalled.before {
            Before::Unchanged(_) => known.and_then(|known| known.bookmark.clone()),
            Before::Nothing | Before::Continued(_) => recalled.bookmark,
        };
        names.insert(name.clone());
        hours.add(None, facts);
        let (facts, saved) = match recalled.before {
            Before::Nothing => (Facts { hours, tail }, None),
            Before::Unchanged(at) => left.take(&mut self.kept, at),
            Before::Continued(at) if is_known => left.take(&mut self.kept, at),
            Before::Continued(at) => {
                let mut before = left.take(&mut self.kept, at).0.hours;
                before.join(hours);
                (Facts { hours: before, tail }, None)
            }
        };
        let here = evidence;
        let kept = Kept { name, names, reading, bookmark, first_run, first_at, ..Kept::default() };
        Kept { here, facts, was, saved, ..kept }
    }

    /// Of backups that are no longer there, those that were there last are held against the present ones.
    fn forget_old_backups(&mut self) {
        let is_gone_store =
            |source: &Kept| source.here.is_none() && source.reading.kind == Kind::Store.name();
        let last =
            self.kept.iter().filter(|source| is_gone_store(source)).map(|source| source.last_run).max();
        self.kept.retain(|source| !is_gone_store(source) || Some(source.last_run) == last);
    }

    /// Leaves out hours that are older than so many microseconds before the newest; returns how many were left out.
    pub fn prune(&mut self, keep: i64) -> usize {
        let Some(newest) = self.kept.iter().flat_map(|source| source.facts.every_hour()).max() else {
            return 0;
        };
        let oldest = newest - keep / HOUR;
        let before: usize = self.kept.iter().map(|source| source.facts.hours.count()).sum();
        self.within(oldest, i64::MAX);
        let after: usize = self.kept.iter().map(|source| source.facts.hours.count()).sum();
        before - after
    }

    /// Leaves out what is not of these hours, both included.
    pub fn within(&mut self, from: i64, to: i64) {
        let wanted = |hour: i64| (from..=to).contains(&hour);
        let run = self.run;
        self.kept.retain_mut(|source| {
            let Facts { hours, tail } = &mut source.facts;
            let dated = hours.hours().next().is_some() || tail.window.from.is_some();
            let before = hours.count();
            hours.retain(wanted);
            if tail.window.to.is_some_and(|last| !wanted(last.hour())) {
                *tail = SourceFacts::default();
                source.saved = None;
            }
            if hours.count() < before {
                source.saved = None;
            }
            !dated || source.last_run == run || hours.hours().next().is_some() || tail.window.from.is_some()
        });
    }

    /// All that is known, for a report. What is no longer there keeps its name, or one beside that of what took its
    /// place.
    pub fn into_partial(self) -> Partial {
        let mut partial = Partial::default();
        let run = self.run;
        let whole = |source: Kept| {
            let Facts { hours, tail } = source.facts;
            let mut whole = hours.whole();
            whole.merge(tail);
            (Kept { facts: Facts::default(), saved: None, ..source }, whole)
        };
        let sources: Vec<(Kept, SourceFacts)> = self.kept.into_par_iter().map(whole).collect();
        for (source, facts) in sources {
            let Kept { name, mut reading, here, last_run, .. } = source;
            let mut shown = name.clone();
            if last_run < run {
                reading.notes.push("no longer there: as it was read before".to_owned());
                reading.incomplete = None;
            }
            for number in 1.. {
                if !partial.sources.contains_key(&shown) {
                    break;
                }
                shown = if number == 1 {
                    format!("{name} (before)")
                } else {
                    format!("{name} (before, {number})")
                };
            }
            partial
                .sources
                .insert(shown, SourcePart { evidence: here, facts, reading, ..SourcePart::default() });
        }
        partial
    }
}

/// What earlier runs have read and this one did not take up.
struct Left {
    gone: BTreeSet<usize>,
    /// How often the facts of each are still asked for: of two copies both go on from them.
    uses: BTreeMap<usize, usize>,
    /// Names of sources that hold less than what they go on from: copies of something that is gone.
    shorter: BTreeSet<String>,
}

impl Left {
    fn new(kept: &[Kept], partial: &Partial) -> Left {
        let gone = (0..kept.len()).collect();
        let mut left = Left { gone, uses: BTreeMap::new(), shorter: BTreeSet::new() };
        for (name, part) in &partial.sources {
            if let Before::Continued(at) | Before::Unchanged(at) = part.recalled.before {
                *left.uses.entry(at).or_default() += 1;
            }
            if lacks_the_end(kept, name, part) {
                left.shorter.insert(name.clone());
                continue;
            }
            if let Before::Continued(at) | Before::Unchanged(at) = part.recalled.before {
                left.gone.remove(&at);
            }
            let holds = |at: &&usize| {
                kept[**at].reading.unpacked <= part.reading.unpacked || kept[**at].name == *name
            };
            for at in part.recalled.covers.iter().filter(holds).chain(&part.recalled.replaces) {
                left.gone.remove(at);
            }
        }
        left.gone.retain(|at| stays(&kept[*at], partial));
        // What is gone is told, and what goes on from it too.
        for at in &left.gone {
            left.uses.entry(*at).and_modify(|uses| *uses += 1);
        }
        left
    }

    /// The facts of a source: themselves where nobody else asks for them.
    fn take(&mut self, kept: &mut [Kept], at: usize) -> (Facts, Option<Record>) {
        let uses = self.uses.entry(at).or_default();
        *uses = uses.saturating_sub(1);
        let source = &mut kept[at];
        let facts = if *uses == 0 { std::mem::take(&mut source.facts) } else { source.facts.clone() };
        (facts, source.saved.clone())
    }
}

/// Whether a source holds what was read of another but for its last entry, under another name: a copy from before
/// that was written, which is perhaps what tells why nothing follows.
fn lacks_the_end(kept: &[Kept], name: &str, part: &SourcePart) -> bool {
    let Before::Continued(at) = part.recalled.before else { return false };
    let known = &kept[at];
    part.hours.count() == 0
        && part.facts == SourceFacts::default()
        && part.tail == SourceFacts::default()
        && part.reading.unpacked < known.reading.unpacked
        && known.name != name
}

/// Whether a source counts on when it is no longer there. Logs do; a backup is held against the next one; the state of
/// something at one time counts until its file holds another.
fn stays(source: &Kept, now: &Partial) -> bool {
    let under_its_name = now.sources.get(&source.name).map(|part| &part.reading);
    match source.reading.kind.as_str() {
        kind if kind == Kind::Log.name() => true,
        kind if kind == Kind::Store.name() => {
            !under_its_name.is_some_and(|now| is_hashed_anew(&source.reading, now))
        }
        kind if kind == Kind::Snapshot.name() => under_its_name.is_none(),
        _ => false,
    }
}

/// Whether two readings may be of the same bytes, hashed in another way: `--hash` has changed since.
fn is_hashed_anew(before: &Reading, now: &Reading) -> bool {
    let way = |reading: &Reading| reading.hash.split(':').next().map(str::to_owned);
    before.bytes == now.bytes && way(before) != way(now)
}

/// The files that are known by all their bytes, by name. A plain log that is long enough is known by its bookmark.
fn withins(partial: &Partial) -> BTreeMap<String, Within> {
    let mut withins = BTreeMap::new();
    for (name, part) in &partial.sources {
        let Some(evidence) = part.evidence.as_ref().filter(|evidence| evidence.name == *name) else {
            continue;
        };
        let Reading { hash, bytes, compression, .. } = &part.reading;
        let by_bookmark =
            compression == "none" && part.reading.opening.is_some_and(|opening| !opening.is_whole);
        if evidence.shape == Shape::File && !hash.is_empty() && !by_bookmark {
            let within = Within { name: name.clone(), size: *bytes, hash: hash.clone() };
            withins.insert(name.clone(), within);
        }
    }
    withins
}
