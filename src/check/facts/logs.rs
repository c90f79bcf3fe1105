//! What log entries add up to: levels, times, and what each pattern matched.

use std::{borrow::Cow, collections::BTreeMap, hash::BuildHasher};

use serde::{Deserialize, Serialize};

use crate::{
    fold::{Bins, BottomK, Days, Distinct, Parted, Slices, State, merge_maps},
    model::{Batch, Entry, Level, Means, Place, Tells, Timestamp, Turn, Values, Window},
};

use super::{
    ConflictFacts, FlowFacts, GaugeFacts, OperationFacts, ProjectorsFacts, RefusalFacts, ServerFacts,
    TemplateFacts, TraceFacts,
};

/// Entries kept of each pattern, level and slice of time.
const SAMPLES: usize = 5;
/// Distinct values kept of each key of a pattern in a slice: what a report lists, and some more to meet others by.
const KEY_VALUES: usize = 32;
/// Slices of time with their own entries and keys: of about a minute at least, nine minutes for a day.
const SLICES: usize = 256;
const FINEST_SLICE: u32 = 26;
/// Counts over time: of about a second at least, a minute for a day.
const TICKS: usize = 2048;
const FINEST_TICK: u32 = 20;
/// Databases told apart in one log.
const DATABASES: usize = 16;
/// The key that names an entry's database.
const DATABASE: &str = "dbname";
/// Entries that a server log is compared by.
const TWIN_SKETCH: usize = 256;
/// What every matching entry is asked for beside what its pattern takes from it: by these, findings meet.
const SHARED_KEYS: [(&str, Means); 3] =
    [("service", Means::Service), ("command", Means::Operation), ("projection", Means::Projection)];
/// Share of the entries that name a service which make a source that service's.
const ONE_SERVICE: f64 = 0.9;
/// Services counted by name in one source.
const SERVICES: usize = 16;
/// Longest message kept of an entry.
const MESSAGE: usize = 2048;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LogFacts {
    pub by_level: BTreeMap<Level, u64>,
    pub without_message: u64,
    pub window: Window,
    pub days: Days,
    /// Entries by time, and of them those of level warn and above.
    pub ticks: Bins,
    pub loud: Bins,
    pub patterns: BTreeMap<String, PatternFacts>,
    /// Of a server log's entries: what a twin in another form shares.
    pub twin: BottomK<TWIN_SKETCH>,
    /// Who wrote the entries, as far as they say.
    pub services: Distinct<SERVICES>,
    pub operations: OperationFacts,
    pub gauges: GaugeFacts,
    /// Of a database server's log.
    pub server: ServerFacts,
    pub projectors: ProjectorsFacts,
    /// Commands, requests and jobs, by their id.
    pub traces: TraceFacts,
    pub conflicts: ConflictFacts,
    pub refusals: RefusalFacts,
    /// What no pattern names.
    pub templates: TemplateFacts,
    /// What follows what within a trace.
    pub flow: FlowFacts,
}

/// What one pattern matched in one source.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PatternFacts {
    /// A server's log tells of many databases: by the one that the entry names.
    by_level: BTreeMap<Level, Parted<LevelFacts, DATABASES>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LevelFacts {
    pub count: u64,
    pub window: Window,
    pub ticks: Slices<Tick, TICKS, FINEST_TICK>,
    pub slices: Slices<Slice, SLICES, FINEST_SLICE>,
    /// Of entries that have no time.
    pub undated: Slice,
}

/// How many entries a short stretch of time has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tick {
    pub count: u64,
    pub window: Window,
}

/// What the entries of a longer stretch of time have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slice {
    pub window: Window,
    /// In order of time.
    pub earliest: Vec<Sample>,
    pub latest: Option<Sample>,
    pub keys: BTreeMap<String, Distinct<KEY_VALUES>>,
}

/// Names and values of what a pattern took from an entry.
pub type HitKeys<'b> = Vec<(String, Cow<'b, str>)>;

/// A log entry with all that is known of it.
#[derive(Debug)]
pub struct Seen<'b> {
    pub entry: &'b Entry<'b>,
    /// Its values whose meaning is known.
    pub values: &'b Values<'b>,
    /// The patterns it matches, by id, with the keys of each.
    pub hits: Vec<(&'b str, HitKeys<'b>)>,
    /// What it tells of, and which of the hits says so.
    pub tells: Option<(Tells, usize)>,
    /// Whether it says that time ran out.
    pub timed_out: bool,
    /// Where in its unit of work it stands.
    pub turn: Turn,
    /// How many events it says were written.
    pub written: Option<u64>,
    /// The shape of its message, where no pattern names it.
    pub shape: Option<&'b str>,
}

/// One matching entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    pub time: Option<Timestamp>,
    pub place: Place,
    pub message: String,
}

impl LogFacts {
    /// Takes in one entry.
    pub fn observe(&mut self, seen: Seen<'_>) {
        let entry = seen.entry;
        self.traces.observe(&seen);
        self.conflicts.observe(&seen);
        self.refusals.observe(&seen);
        *self.by_level.entry(entry.level).or_default() += 1;
        self.without_message += u64::from(entry.message.is_none());
        if let Some(time) = entry.time {
            self.window.add(time);
            self.days.add(time.day(), time.0);
            self.ticks.add(time.0);
            if entry.level >= Level::Warn {
                self.loud.add(time.0);
            }
        }
        if let Some(service) = seen.values.text(Means::Service) {
            self.services.add(service);
        }
        if !seen.values.is_empty() {
            self.operations.observe(&seen);
            self.gauges.observe(&seen);
            self.projectors.observe(&seen);
        }
        if let Some(shape) = seen.shape {
            self.templates.observe(entry, shape);
        }
        for (pattern, keys) in seen.hits {
            if !self.patterns.contains_key(pattern) {
                self.patterns.insert(pattern.to_owned(), PatternFacts::default());
            }
            let facts = self.patterns.entry(pattern.to_owned()).or_default();
            let database = keys.iter().find(|(name, _)| name == DATABASE).map(|(_, value)| value.clone());
            facts.by_level.entry(entry.level).or_default().observe(
                database.as_deref().unwrap_or_default(),
                |facts| {
                    facts.observe(entry, seen.values, keys);
                },
            );
        }
    }

    /// Takes in an entry of a server log beside [`LogFacts::observe`].
    pub fn observe_server(&mut self, batch: &Batch<'_>, entry: &Entry<'_>) {
        self.server.observe(batch, entry);
        self.observe_twin(batch, entry);
    }

    /// Takes in an entry of a server log, for telling twins: its time to the millisecond, its process, and the first
    /// line of its message are what all three forms write alike.
    fn observe_twin(&mut self, batch: &Batch<'_>, entry: &Entry<'_>) {
        let pid = batch
            .fields_of(entry)
            .iter()
            .find(|field| field.name == "pid")
            .map_or("", |field| field.value.text());
        let message = entry.message.as_deref().unwrap_or_default().lines().next().unwrap_or_default();
        let time = entry.time.map_or(0, |time| time.0 / 1000);
        self.twin.add(foldhash::quality::FixedState::default().hash_one((time, pid, message.trim_end())));
    }

    /// The one service that wrote this source, if entries name one and nearly no other.
    pub fn service(&self) -> Option<&str> {
        let named: u64 = self.services.values().iter().map(|(_, count)| count).sum();
        let (name, count) = self.services.values().into_iter().max_by_key(|(_, count)| *count)?;
        (count as f64 >= (named + self.services.others) as f64 * ONE_SERVICE).then_some(name)
    }

    pub fn entries(&self) -> u64 {
        self.by_level.values().sum()
    }
}

impl PatternFacts {
    /// What was seen, by level and database; some of it may be empty.
    pub fn parts(&self) -> impl Iterator<Item = (Level, Option<&str>, &LevelFacts)> {
        self.by_level.iter().flat_map(|(level, parts)| {
            let seen = parts.iter().filter(|(_, facts)| facts.count > 0);
            seen.map(|(database, facts)| (*level, database, facts))
        })
    }
}

impl LevelFacts {
    fn observe(&mut self, entry: &Entry<'_>, values: &Values<'_>, keys: HitKeys<'_>) {
        self.count += 1;
        let Some(time) = entry.time else {
            self.undated.observe(entry, values, keys);
            return;
        };
        self.window.add(time);
        self.ticks.observe(time.0, |tick| {
            tick.count += 1;
            tick.window.add(time);
        });
        self.slices.observe(time.0, |slice| slice.observe(entry, values, keys));
    }

    /// All slices in order of time, entries without a time first.
    pub fn every_slice(&self) -> impl Iterator<Item = &Slice> {
        std::iter::once(&self.undated).chain(self.slices.iter())
    }

    /// How often a value of a key was seen.
    pub fn key(&self, name: &str) -> BTreeMap<&str, u64> {
        let mut counts = BTreeMap::new();
        for (value, count) in
            self.every_slice().filter_map(|slice| slice.keys.get(name)).flat_map(Distinct::values)
        {
            *counts.entry(value).or_default() += count;
        }
        counts
    }
}

impl Slice {
    fn observe(&mut self, entry: &Entry<'_>, values: &Values<'_>, keys: HitKeys<'_>) {
        if let Some(time) = entry.time {
            self.window.add(time);
        }
        let order = (entry.time, entry.place);
        if self.earliest.len() < SAMPLES || self.earliest.last().is_some_and(|last| order < last.order()) {
            self.keep(Sample::of(entry));
        }
        if self.latest.as_ref().is_none_or(|latest| latest.order() <= order) {
            self.latest = Some(Sample::of(entry));
        }
        let shared = SHARED_KEYS.iter().filter(|(name, _)| !keys.iter().any(|(known, _)| known == name));
        for (name, value) in shared.filter_map(|(name, means)| Some((*name, values.text(*means)?))) {
            self.key(name).add(value);
        }
        for (name, value) in keys {
            self.key(&name).add(&value);
        }
    }

    /// Asks before it makes a name: nearly every key is known already.
    fn key(&mut self, name: &str) -> &mut Distinct<KEY_VALUES> {
        if !self.keys.contains_key(name) {
            self.keys.insert(name.to_owned(), Distinct::default());
        }
        self.keys.get_mut(name).expect("it is there")
    }

    fn keep(&mut self, sample: Sample) {
        let at = self.earliest.partition_point(|known| known.order() <= sample.order());
        self.earliest.insert(at, sample);
        self.earliest.truncate(SAMPLES);
    }
}

impl Sample {
    pub fn of(entry: &Entry<'_>) -> Sample {
        Sample { time: entry.time, place: entry.place, message: shown(entry) }
    }

    /// Later is larger; an entry without a time is earlier than any with one.
    pub fn order(&self) -> (Option<Timestamp>, Place) {
        (self.time, self.place)
    }
}

/// What an entry says: its message, and its error where that says more.
fn shown(entry: &Entry<'_>) -> String {
    let message = entry.message.as_deref().unwrap_or("(no message)");
    let mut text = match entry.error.as_deref() {
        Some(error) if !message.contains(error) => format!("{message}: {error}"),
        _ => message.to_owned(),
    };
    if text.len() > MESSAGE {
        let end = (0..=MESSAGE).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push_str("...");
    }
    text
}

impl State for LogFacts {
    fn merge(&mut self, next: Self) {
        let LogFacts {
            by_level,
            without_message,
            window,
            days,
            ticks,
            loud,
            patterns,
            twin,
            services,
            operations,
            gauges,
            server,
            projectors,
            traces,
            conflicts,
            refusals,
            templates,
            flow,
        } = next;
        for (level, count) in by_level {
            *self.by_level.entry(level).or_default() += count;
        }
        self.without_message += without_message;
        self.window.join(&window);
        self.days.merge(days);
        self.ticks.merge(ticks);
        self.loud.merge(loud);
        merge_maps(&mut self.patterns, patterns);
        self.twin.merge(twin);
        self.services.merge(services);
        self.operations.merge(operations);
        self.gauges.merge(gauges);
        self.server.merge(server);
        self.projectors.merge(projectors);
        self.traces.merge(traces);
        self.conflicts.merge(conflicts);
        self.refusals.merge(refusals);
        self.templates.merge(templates);
        self.flow.merge(flow);
    }
}

impl State for PatternFacts {
    fn merge(&mut self, next: Self) {
        let PatternFacts { by_level } = next;
        merge_maps(&mut self.by_level, by_level);
    }
}

impl State for LevelFacts {
    fn merge(&mut self, next: Self) {
        let LevelFacts { count, window, ticks, slices, undated } = next;
        self.count += count;
        self.window.join(&window);
        self.ticks.merge(ticks);
        self.slices.merge(slices);
        self.undated.merge(undated);
    }
}

impl State for Tick {
    fn merge(&mut self, next: Self) {
        let Tick { count, window } = next;
        self.count += count;
        self.window.join(&window);
    }
}

impl State for Slice {
    fn merge(&mut self, next: Self) {
        let Slice { window, earliest, latest, keys } = next;
        self.window.join(&window);
        for sample in earliest {
            self.keep(sample);
        }
        if let Some(latest) = latest
            && self.latest.as_ref().is_none_or(|mine| mine.order() <= latest.order())
        {
            self.latest = Some(latest);
        }
        merge_maps(&mut self.keys, keys);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::laws;

    #[test]
    fn joins_like_one_run() {
        let entries: Vec<(i64, Level, &str, &str)> = vec![
            (5, Level::Error, "first", "a"),
            (9, Level::Warn, "second", "b"),
            (9, Level::Error, "third", "a"),
            (1, Level::Error, "late", ""),
            (7, Level::Info, "fifth", "c"),
        ];
        laws::hold::<LogFacts, _>(&entries, |facts, (time, level, message, key)| {
            let place =
                Place::at_byte(entries.iter().position(|entry| entry.2 == *message).expect("there") as u64);
            let entry = Entry {
                place,
                time: Some(Timestamp(*time)),
                level: *level,
                message: Some((*message).into()),
                error: None,
                fields: 0..0,
            };
            let hits =
                (!key.is_empty()).then(|| ("pattern", vec![("stream".to_owned(), Cow::Borrowed(*key))]));
            let values = Values::default();
            let hits = hits.into_iter().collect();
            facts.observe(Seen {
                entry: &entry,
                values: &values,
                hits,
                tells: None,
                timed_out: false,
                turn: Turn::Inside,
                written: None,
                shape: key.is_empty().then_some(*message),
            });
        });
    }
}
