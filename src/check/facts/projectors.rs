//! What log entries tell of projections: what each of them did, at which event it failed, and what it last said of its
//! lag.
//!
//! An entry belongs to a projection where a field names one. What it did is told by a few words of its message; an entry
//! without them counts only where it has figures. The words are those of `EventCore`, of its manual, and of frameworks
//! that write the same.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    fold::{Smallest, State, merge_maps},
    model::{Entry, Means, Place, Timestamp, Window},
};

use super::{Sample, Seen};

/// Projections of one source.
const PROJECTIONS: usize = 1024;
/// Events that one projection failed at. More of them are no poison but a sick system.
const POSITIONS: usize = 64;

/// Memory: projections and the events that they fail at are bounded, entries are counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProjectorsFacts {
    pub by_name: Smallest<ProjectorFacts, PROJECTIONS>,
}

/// What one projection did, by what it wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Act {
    Started,
    /// Another instance leads: the normal state of all but one.
    StoodBy,
    Stopped,
    Paused,
    /// An event could not be applied.
    Failed,
    Skipped,
    CheckpointNotSaved,
    RebuildStarted,
    RebuildProgressed,
    RebuildDone,
    RebuildFailed,
}

/// Words of a message, in lower case, and what they tell; the first that is there decides.
const WORDS: &[(&str, Act)] = &[
    ("rebuild failed", Act::RebuildFailed),
    ("rebuild complete", Act::RebuildDone),
    ("rebuild finished", Act::RebuildDone),
    ("rebuild progress", Act::RebuildProgressed),
    ("starting projection rebuild", Act::RebuildStarted),
    ("rebuild started", Act::RebuildStarted),
    ("starting rebuild", Act::RebuildStarted),
    ("failed to save checkpoint", Act::CheckpointNotSaved),
    ("skipping failed event", Act::Skipped),
    ("skipping event after max retries", Act::Skipped),
    ("failed to apply event", Act::Failed),
    ("failed to process event", Act::Failed),
    ("failed to handle event", Act::Failed),
    ("max retries exceeded for event", Act::Failed),
    ("another instance holds the lock", Act::StoodBy),
    ("paused", Act::Paused),
    ("projector stopped", Act::Stopped),
    ("projection stopped", Act::Stopped),
    ("projection failed", Act::Stopped),
    ("subscription failed", Act::Stopped),
    ("starting projector", Act::Started),
    ("projector started", Act::Started),
    ("starting projection", Act::Started),
    ("projection started", Act::Started),
];

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ProjectorFacts {
    pub acts: BTreeMap<Act, ActFacts>,
    /// Events that could not be applied, by position as written.
    pub positions: Smallest<PositionFacts, POSITIONS>,
    /// When it first said that it had processed nothing.
    pub unstarted: Option<Timestamp>,
    pub latest: Option<Reported>,
    pub slowest: Option<Reported>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ActFacts {
    pub count: u64,
    pub window: Window,
    pub first: Option<Sample>,
    pub latest: Option<Sample>,
    /// The most events that one such entry said were processed, and how long that took.
    pub events: Option<(u64, Option<i64>)>,
}

/// One event that a projection could not apply.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PositionFacts {
    pub failures: u64,
    pub skips: u64,
    pub window: Window,
    pub first: Option<Sample>,
    pub latest: Option<Sample>,
}

/// What an entry said of a projection's state.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Reported {
    pub at: Option<Timestamp>,
    pub place: Place,
    pub lag_ms: Option<i64>,
    pub events_behind: Option<u64>,
    pub status: Option<String>,
}

impl ProjectorsFacts {
    /// Takes in an entry, if it is about a projection.
    pub fn observe(&mut self, seen: &Seen<'_>) {
        let Some(name) = seen.values.text(Means::Projection) else { return };
        let (act, reported) = (act(seen.entry), Reported::read(seen));
        if (act.is_some() || reported.is_some())
            && let Some(facts) = self.by_name.of(name)
        {
            facts.observe(seen, act, reported);
        }
    }
}

fn act(entry: &Entry<'_>) -> Option<Act> {
    let told = |text: &str| {
        let text = text.to_ascii_lowercase();
        WORDS.iter().find(|(words, _)| text.contains(words)).map(|(_, act)| *act)
    };
    let (message, error) = (entry.message.as_deref(), entry.error.as_deref());
    let act = message.and_then(told)?;
    let stood_by = act == Act::Stopped && error.and_then(told) == Some(Act::StoodBy);
    Some(if stood_by { Act::StoodBy } else { act })
}

impl Reported {
    fn read(seen: &Seen<'_>) -> Option<Reported> {
        let lag_ms = seen.values.micros(Means::Lag).map(|micros| (micros / 1000).cast_signed());
        let events_behind = seen.values.count(Means::EventsBehind);
        if lag_ms.is_none() && events_behind.is_none() {
            return None;
        }
        Some(Reported {
            at: seen.entry.time,
            place: seen.entry.place,
            lag_ms,
            events_behind,
            status: seen.values.text(Means::Status).map(str::to_owned),
        })
    }

    fn order(&self) -> (Option<Timestamp>, Place) {
        (self.at, self.place)
    }

    /// Whether it says that nothing was ever processed.
    pub fn is_unstarted(&self) -> bool {
        self.status.as_deref().is_some_and(says_unstarted)
    }
}

/// `NeverProcessed`, `never-processed`, `NEVER_PROCESSED`, ...
pub fn says_unstarted(status: &str) -> bool {
    let letters = status.bytes().filter(u8::is_ascii_alphabetic).map(|byte| byte.to_ascii_lowercase());
    letters.eq(b"neverprocessed".iter().copied())
}

impl ProjectorFacts {
    fn observe(&mut self, seen: &Seen<'_>, act: Option<Act>, reported: Option<Reported>) {
        if let Some(act) = act {
            self.acts.entry(act).or_default().observe(seen);
        }
        if let (Some(act @ (Act::Failed | Act::Skipped)), Some(position)) =
            (act, seen.values.text(Means::Position))
            && let Some(facts) = self.positions.of(position)
        {
            facts.observe(seen.entry, act);
        }
        if let Some(reported) = reported {
            if let Some(at) = reported.at.filter(|_| reported.is_unstarted()) {
                self.unstarted = Some(self.unstarted.map_or(at, |known| known.min(at)));
            }
            self.take_in(reported);
        }
    }

    /// Keeps the latest and the slowest.
    fn take_in(&mut self, reported: Reported) {
        let order = |reported: &Reported| (reported.lag_ms, std::cmp::Reverse(reported.order()));
        if self.slowest.as_ref().is_none_or(|known| order(known) < order(&reported)) {
            self.slowest = Some(reported.clone());
        }
        if self.latest.as_ref().is_none_or(|known| known.order() < reported.order()) {
            self.latest = Some(reported);
        }
    }
}

impl ActFacts {
    fn observe(&mut self, seen: &Seen<'_>) {
        self.count += 1;
        if let Some(time) = seen.entry.time {
            self.window.add(time);
        }
        keep(&mut self.first, &mut self.latest, &Sample::of(seen.entry));
        let took = seen.values.micros(Means::Duration).map(|micros| (micros / 1000).cast_signed());
        let events = seen.values.count(Means::EventsProcessed);
        self.events = self.events.max(events.map(|events| (events, took)));
    }
}

impl PositionFacts {
    fn observe(&mut self, entry: &Entry<'_>, act: Act) {
        if act == Act::Skipped {
            self.skips += 1;
        } else {
            self.failures += 1;
        }
        if let Some(time) = entry.time {
            self.window.add(time);
        }
        keep(&mut self.first, &mut self.latest, &Sample::of(entry));
    }
}

fn keep(first: &mut Option<Sample>, latest: &mut Option<Sample>, sample: &Sample) {
    if first.as_ref().is_none_or(|known| sample.order() < known.order()) {
        *first = Some(sample.clone());
    }
    if latest.as_ref().is_none_or(|known| known.order() < sample.order()) {
        *latest = Some(sample.clone());
    }
}

impl State for ProjectorsFacts {
    fn merge(&mut self, next: Self) {
        let ProjectorsFacts { by_name } = next;
        self.by_name.merge(by_name);
    }
}

impl State for ProjectorFacts {
    fn merge(&mut self, next: Self) {
        let ProjectorFacts { acts, positions, unstarted, latest, slowest } = next;
        merge_maps(&mut self.acts, acts);
        self.positions.merge(positions);
        self.unstarted = [self.unstarted, unstarted].into_iter().flatten().min();
        [latest, slowest].into_iter().flatten().for_each(|reported| self.take_in(reported));
    }
}

impl State for ActFacts {
    fn merge(&mut self, next: Self) {
        let ActFacts { count, window, first, latest, events } = next;
        self.count += count;
        self.window.join(&window);
        [first, latest].iter().flatten().for_each(|sample| keep(&mut self.first, &mut self.latest, sample));
        self.events = self.events.max(events);
    }
}

impl State for PositionFacts {
    fn merge(&mut self, next: Self) {
        let PositionFacts { failures, skips, window, first, latest } = next;
        self.failures += failures;
        self.skips += skips;
        self.window.join(&window);
        [first, latest].iter().flatten().for_each(|sample| keep(&mut self.first, &mut self.latest, sample));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check::facts::testing::with_entry, fold::laws};

    fn observe(facts: &mut ProjectorsFacts, line: &str) {
        with_entry(line, |seen| facts.observe(seen));
    }

    const LINES: [&str; 11] = [
        "1 info projection=a lag=400ms events-behind=200 status=NeverProcessed: Projection checkpoint status",
        "2 info projection=a: Starting projector",
        "3 error projection=a position=7 retry=0: Projector failed to apply event ! no such thing",
        "4 error projection=a position=7 retry=1: Projector failed to apply event ! no such thing",
        "5 error projection=a: Projector stopped with error ! apply failed",
        "6 error projection=b: Projector stopped with error ! another instance holds the lock",
        "7 warn projection=c position=7: Skipping failed event ! no such thing",
        "8 info projection=a lag=12s events-behind=3 status=Lagging: Projection checkpoint status",
        "9 info projection=d events-processed=860 duration=573ms: Projection rebuild completed successfully",
        "10 info projection=c: Command completed",
        "11 info projection=a lag=5ms status=Healthy: Projection checkpoint status",
    ];

    #[test]
    fn joins_like_one_run() {
        laws::hold::<ProjectorsFacts, _>(&LINES, |facts, line| observe(facts, line));
    }

    #[test]
    fn tells_who_did_what() {
        let mut facts = ProjectorsFacts::default();
        for line in LINES {
            observe(&mut facts, line);
        }
        let shown: Vec<String> = facts
            .by_name
            .iter()
            .map(|(name, facts)| {
                let acts: Vec<String> =
                    facts.acts.iter().map(|(act, facts)| format!("{act:?} {}", facts.count)).collect();
                let positions: Vec<String> = facts
                    .positions
                    .iter()
                    .map(|(at, facts)| format!("at {at}: {} and {} skips", facts.failures, facts.skips))
                    .collect();
                let lag = |reported: &Option<Reported>| reported.as_ref().and_then(|known| known.lag_ms);
                let lags = (lag(&facts.latest), lag(&facts.slowest));
                format!("{name}: {} {} {lags:?}", acts.join(", "), positions.join(", "))
            })
            .collect();
        assert_eq!(
            shown,
            [
                "a: Started 1, Stopped 1, Failed 2 at 7: 2 and 0 skips (Some(5), Some(12000))",
                "b: StoodBy 1  (None, None)",
                "c: Skipped 1 at 7: 0 and 1 skips (None, None)",
                "d: RebuildDone 1  (None, None)",
            ]
        );
        let a = facts.by_name.get("a").expect("there");
        assert_eq!(a.unstarted, Some(Timestamp(1_000_000)));
        let d = facts.by_name.get("d").expect("there");
        assert_eq!(d.acts[&Act::RebuildDone].events, Some((860, Some(573))));
    }
}
