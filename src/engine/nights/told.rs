//! What is told of a state: to a report, and to people who ask.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::{
    check::facts::SourceFacts,
    decode::Kind,
    model::{Timestamp, Window, report::StateUsed, time::HOUR},
};

use super::{Before, Kept, Memory, Partial};
use crate::engine::silence::series;

/// A source as it is known.
#[derive(Clone, Debug, Serialize)]
pub struct KnownSource {
    /// As the last run that saw it named it.
    pub name: String,
    /// Every name that it was seen under.
    pub names: Vec<String>,
    pub kind: String,
    pub format: String,
    pub compression: String,
    /// As found.
    pub bytes: u64,
    /// Unpacked bytes that were read; of a log those before its last entry, which may grow.
    pub read_to: u64,
    /// Of a log: the line of the next byte, from 1.
    pub line: Option<u64>,
    /// Whether only what is behind them is read when it grows. All else is read from its beginning when it changes.
    pub goes_on: bool,
    pub hash: String,
    pub first_run: u64,
    pub last_run: u64,
    pub first_at: Timestamp,
    pub last_at: Timestamp,
    /// Of its times.
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    /// Hours that are kept.
    pub hours: usize,
}

impl Memory {
    /// All that is known, by name.
    pub fn sources(&self) -> Vec<KnownSource> {
        let mut sources: Vec<KnownSource> = self.kept.iter().map(told).collect();
        sources.sort_by(|a, b| (&a.name, a.last_run).cmp(&(&b.name, b.last_run)));
        sources
    }

    /// What this run had from those before it.
    pub fn used(&self) -> StateUsed {
        self.used.clone()
    }

    pub(super) fn use_of(&self, partial: &Partial, run: u64) -> StateUsed {
        let mut used = StateUsed { runs: run, ..StateUsed::default() };
        let newest = self.kept.iter().flat_map(|source| source.facts.every_hour()).max();
        let mut revised = BTreeSet::new();
        for part in partial.sources.values() {
            match part.recalled.before {
                Before::Unchanged(_) => used.unchanged += 1,
                Before::Continued(at) if self.has_nothing_new(at, part) => used.unchanged += 1,
                Before::Continued(_) => used.continued += 1,
                Before::Nothing if !part.recalled.covers.is_empty() => used.continued += 1,
                Before::Nothing => used.new += 1,
            }
            // A source that is read anew because it grew tells nothing new of its old hours.
            let is_anew = part.recalled.before == Before::Nothing && !part.recalled.covers.is_empty();
            let last = part.tail.window.to.map(Timestamp::hour);
            // The newest hour was not over.
            let late = |hour: &i64| !is_anew && newest.is_some_and(|newest| *hour < newest);
            revised.extend(part.hours.hours().chain(last).filter(late));
        }
        used.revised = revised.into_iter().map(|hour| Timestamp(hour * HOUR)).collect();
        used
    }

    pub(super) fn has_nothing_new(&self, at: usize, part: &super::SourcePart) -> bool {
        part.hours.count() == 0
            && part.facts == SourceFacts::default()
            && part.tail == self.kept[at].facts.tail
    }
}

/// Logs of which no file is there any more, by their last name.
pub(super) fn missing(kept: &[Kept]) -> Vec<String> {
    let logs = || kept.iter().filter(|source| source.reading.kind == Kind::Log.name());
    let here: BTreeSet<_> =
        logs().filter(|source| source.here.is_some()).map(|source| series(&source.name)).collect();
    let mut gone: BTreeMap<_, (u64, &str)> = BTreeMap::new();
    for source in logs().filter(|source| source.here.is_none() && !here.contains(&series(&source.name))) {
        let last = gone.entry(series(&source.name)).or_insert((source.last_run, &source.name));
        *last = (*last).max((source.last_run, &source.name));
    }
    gone.into_values().map(|(_, name)| name.to_owned()).collect()
}

fn told(source: &Kept) -> KnownSource {
    let mut window = Window::default();
    for facts in source.facts.hours.each().chain([&source.facts.tail]) {
        window.join(&facts.window);
    }
    KnownSource {
        name: source.name.clone(),
        names: source.names.iter().cloned().collect(),
        kind: source.reading.kind.clone(),
        format: source.reading.format.clone(),
        compression: source.reading.compression.clone(),
        bytes: source.reading.bytes,
        read_to: source.bookmark.as_ref().map_or(source.reading.unpacked, |bookmark| bookmark.offset),
        line: source.bookmark.as_ref().map(|bookmark| bookmark.line),
        goes_on: source.bookmark().is_some(),
        hash: source.reading.hash.clone(),
        first_run: source.first_run,
        last_run: source.last_run,
        first_at: source.first_at.unwrap_or(Timestamp(0)),
        last_at: source.last_at.unwrap_or(Timestamp(0)),
        from: window.from,
        to: window.to,
        hours: source.facts.hours.hours().count(),
    }
}
