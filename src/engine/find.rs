//! Everything that the evidence says of one id, read from raw bytes: pieces without the id are not decoded.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

use rayon::prelude::*;

use crate::{
    check::{
        self, LogOfUnits,
        facts::{TraceFacts, UnitKey},
    },
    decode::Lexicon,
    ingest::{Evidence, Found, STDIN, Sources, Step},
    model::{Trace, TraceEntry, TraceOutcome, Window},
};

use super::again;

/// Units that one id may cover; a correlation id of a whole day covers more, and nobody reads them.
const UNITS: usize = 100;

/// A unit of work and its entries.
#[derive(Clone, Debug)]
pub struct Told {
    pub trace: Trace,
    pub entries: Vec<TraceEntry>,
}

/// What was read of one source.
#[derive(Default)]
struct Source {
    facts: TraceFacts,
    entries: Vec<TraceEntry>,
    window: Window,
}

/// The units of work that carry an id, in order of time: the one that it names, or all that it covers. The evidence is
/// read twice where entries of a unit may carry its finer id alone.
pub fn find(lexicon: &Arc<Lexicon>, piece_bytes: usize, found: &Found, id: &str) -> Vec<Told> {
    let same = |text: &String| text.eq_ignore_ascii_case(id);
    let carries = |entry: &TraceEntry| entry.ids.values().any(same);
    // A person may have typed in capitals what loggers write in small letters.
    let mut typed = vec![id.to_owned(), id.to_ascii_lowercase()];
    typed.dedup();
    let mut sources = read(lexicon, piece_bytes, found, &typed, &carries);
    let entries = || sources.values().flat_map(|source| &source.entries);
    let keys: BTreeSet<UnitKey> = entries().map(|entry| entry.key).take(UNITS).collect();
    // All ids but what many units share.
    let finer: BTreeSet<String> = entries()
        .filter(|entry| keys.contains(&entry.key))
        .flat_map(|entry| entry.ids.iter().filter(|(kind, _)| *kind != "correlation"))
        .map(|(_, text)| text.clone())
        .filter(|text| !same(text))
        .collect();
    if !finer.is_empty() {
        let mut needles: Vec<String> = finer.into_iter().take(2 * UNITS).collect();
        needles.extend(typed);
        let of_unit = |entry: &TraceEntry| {
            keys.contains(&entry.key) || entry.ids.values().any(|text| needles.contains(text))
        };
        sources = read(lexicon, piece_bytes, found, &needles, &of_unit);
    }
    told(&sources)
}

fn told(sources: &BTreeMap<String, Source>) -> Vec<Told> {
    let logs: Vec<LogOfUnits<'_>> = sources
        .iter()
        .map(|(path, source)| LogOfUnits { path, window: source.window, facts: &source.facts })
        .collect();
    let mut units = check::every_unit(&logs);
    units.truncate(UNITS);
    let tell = |unit: &check::Unit<'_>| {
        let mut trace = unit.trace(unit.ended.unwrap_or(TraceOutcome::Unfinished));
        let mut entries: Vec<TraceEntry> = sources
            .iter()
            .flat_map(|(path, source)| source.entries.iter().filter(|entry| unit.holds(path, entry.key)))
            .cloned()
            .collect();
        check::tell(&mut trace, &mut entries);
        Told { trace, entries }
    };
    units.iter().map(tell).collect()
}

fn read(
    lexicon: &Arc<Lexicon>,
    piece_bytes: usize,
    found: &Found,
    needles: &[String],
    keep: &(dyn Fn(&TraceEntry) -> bool + Sync),
) -> BTreeMap<String, Source> {
    let Ok(searcher) = aho_corasick::AhoCorasick::new(needles) else { return BTreeMap::new() };
    let holds = |bytes: &[u8]| match needles {
        [one] => memchr::memmem::find(bytes, one.as_bytes()).is_some(),
        _ => searcher.is_match(bytes),
    };
    let one = |evidence: &Evidence| of_evidence(lexicon, piece_bytes, evidence, &holds, keep);
    found.evidence.par_iter().map(one).collect::<Vec<_>>().into_iter().flatten().collect()
}

fn of_evidence(
    lexicon: &Arc<Lexicon>,
    piece_bytes: usize,
    evidence: &Evidence,
    holds: &(dyn Fn(&[u8]) -> bool + Sync),
    keep: &(dyn Fn(&TraceEntry) -> bool + Sync),
) -> Vec<(String, Source)> {
    let mut read = Vec::new();
    if evidence.path == Path::new(STDIN) {
        return read;
    }
    let Ok(mut sources) = Sources::open(evidence, None) else { return read };
    while let Some(step) = sources.step() {
        let Step::Read(mut reader) = step else { continue };
        let name = reader.name().to_owned();
        let Some(mut opened) = again::open(&mut reader, lexicon) else {
            reader.skip();
            continue;
        };
        let mut source = Source::default();
        let mut buffer = Vec::new();
        while let Some(piece) = opened.next(&mut reader, piece_bytes, std::mem::take(&mut buffer)) {
            if holds(&piece.bytes) {
                opened.each(&piece, lexicon, &mut |seen, fields, key| {
                    let entry = again::entry(&name, seen, fields, key);
                    if keep(&entry) {
                        source.facts.observe(seen);
                        entry.time.into_iter().for_each(|time| source.window.add(time));
                        source.entries.push(entry);
                    }
                });
            }
            buffer = piece.bytes;
        }
        if !source.entries.is_empty() {
            read.push((name, source));
        }
    }
    read
}
