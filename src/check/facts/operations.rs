//! What entries with a duration add up to: how long each operation took, and how it ended.

use std::{collections::BTreeMap, hash::BuildHasher};

use serde::{Deserialize, Serialize};

use crate::{
    fold::{Histogram, Largest, State, merge_maps},
    model::{Level, Means, Values, Window},
};

use super::{Sample, Seen};

/// Operations kept by name; a name with an id in it has no end. The rest are one row.
const OPERATIONS: usize = 1000;
/// Slowest calls kept of an operation and outcome.
const SLOWEST: usize = 5;
/// Longest name kept.
const NAME: usize = 200;

/// Stands for the operations that had no room.
pub(super) const OTHERS: &str = "(others)";

/// Memory: grows with distinct operations up to `OPERATIONS`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OperationFacts {
    /// By the name of the value that held the duration, and the operation's.
    #[serde(with = "super::as_pairs")]
    pub calls: BTreeMap<OperationKey, CallFacts>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OperationKey {
    pub source: String,
    pub name: String,
}

/// How a call ended, as far as its entry says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    Succeeded,
    Failed,
    TimedOut,
}

impl Ended {
    pub fn name(self) -> &'static str {
        match self {
            Ended::Succeeded => "succeeded",
            Ended::Failed => "failed",
            Ended::TimedOut => "timed-out",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CallFacts {
    pub by_outcome: BTreeMap<Ended, OutcomeFacts>,
    /// Of entries that carry memory: how many, and the sum of their deltas in bytes.
    pub memory: (u64, i128),
    pub window: Window,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct OutcomeFacts {
    /// Microseconds.
    pub durations: Histogram,
    pub slowest: Largest<Sample, SLOWEST>,
}

impl OperationFacts {
    pub fn observe(&mut self, seen: &Seen<'_>) {
        let values = seen.values;
        let duration = values.get(Means::Duration).and_then(|known| Some((known.name, known.micros()?)));
        let delta = memory_delta(values);
        let source = match (duration, delta) {
            (Some((source, _)), _) => source,
            (None, Some(_)) => "memory",
            (None, None) => return,
        };
        let key = OperationKey { source: source.to_owned(), name: name(seen) };
        let calls = self.calls.entry(key).or_default();
        calls.window.join(&Window { from: seen.entry.time, to: seen.entry.time });
        if let Some(delta) = delta {
            calls.memory.0 += 1;
            calls.memory.1 += delta;
        }
        if let Some((_, micros)) = duration {
            let outcome = calls.by_outcome.entry(ended(seen)).or_default();
            outcome.durations.add(micros);
            outcome.slowest.push_with(micros, || Sample::of(seen.entry));
        }
        self.fit();
    }

    /// Keeps the operations with the smallest hashes, so that the choice does not depend on where parts were cut.
    fn fit(&mut self) {
        while self.calls.len() > OPERATIONS + 1 {
            let hash = |key: &OperationKey| foldhash::quality::FixedState::default().hash_one(key);
            let named = self.calls.keys().filter(|key| key.name != OTHERS);
            let Some(last) = named.max_by_key(|key| (hash(key), *key)).cloned() else { return };
            let calls = self.calls.remove(&last).unwrap_or_default();
            let others = OperationKey { source: OTHERS.to_owned(), name: OTHERS.to_owned() };
            self.calls.entry(others).or_default().merge(calls);
        }
    }
}

/// What took the time: the operation it names, the span or the job it is in, or else what the message says.
fn name(seen: &Seen<'_>) -> String {
    let named = [Means::Operation, Means::Job, Means::Projection];
    if let Some(name) = named.into_iter().find_map(|means| seen.values.text(means)) {
        return name.chars().take(NAME).collect();
    }
    // A message with numbers in it is as many operations as it has numbers.
    let line = seen.entry.message.as_deref().and_then(|message| message.lines().next());
    line.map_or("(unnamed)".to_owned(), |line| masked(line).chars().take(NAME).collect())
}

/// Digits as `#`, a run of them as one.
fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter.is_ascii_digit() {
            true if out.ends_with('#') => {}
            true => out.push('#'),
            false => out.push(letter),
        }
    }
    out
}

fn ended(seen: &Seen<'_>) -> Ended {
    if seen.timed_out {
        return Ended::TimedOut;
    }
    match seen.values.truth(Means::Success) {
        Some(true) => Ended::Succeeded,
        Some(false) => Ended::Failed,
        None if seen.entry.level >= Level::Error || seen.entry.error.is_some() => Ended::Failed,
        None => Ended::Succeeded,
    }
}

fn memory_delta(values: &Values<'_>) -> Option<i128> {
    let number = |means| values.number(means).map(|number| number as i128);
    match (number(Means::MemoryDelta), number(Means::MemoryBefore).zip(number(Means::MemoryAfter))) {
        (_, Some((before, after))) => Some(after - before),
        (delta, None) => delta,
    }
}

impl State for OperationFacts {
    fn merge(&mut self, next: Self) {
        let OperationFacts { calls } = next;
        merge_maps(&mut self.calls, calls);
        self.fit();
    }
}

impl State for CallFacts {
    fn merge(&mut self, next: Self) {
        let CallFacts { by_outcome, memory, window } = next;
        merge_maps(&mut self.by_outcome, by_outcome);
        self.memory.0 += memory.0;
        self.memory.1 += memory.1;
        self.window.join(&window);
    }
}

impl State for OutcomeFacts {
    fn merge(&mut self, next: Self) {
        let OutcomeFacts { durations, slowest } = next;
        self.durations.merge(durations);
        self.slowest.merge(slowest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{check::facts::testing::with_entry, fold::laws};

    const ENTRIES: [&str; 8] = [
        "1 info operation=Transfer duration=5ms success=true",
        "2 warn operation=Transfer duration=1200ms success=false",
        "3 error operation=Transfer duration=2s: command timed out",
        "4 error operation=Deposit duration=7ms: refused",
        "5 info duration=3ms: report 12 of 2026 written",
        "6 debug operation=rebuild memory-before=100 memory-after=150",
        "7 info operation=Transfer duration=soon",
        "8 info: no duration",
    ];

    #[test]
    fn joins_like_one_run() {
        laws::hold::<OperationFacts, _>(&ENTRIES, |facts, line| with_entry(line, |seen| facts.observe(seen)));
    }

    #[test]
    fn calls_are_told_by_name_and_end() {
        let mut facts = OperationFacts::default();
        for line in ENTRIES {
            with_entry(line, |seen| facts.observe(seen));
        }
        let shown: Vec<String> = facts
            .calls
            .iter()
            .map(|(key, calls)| {
                let ends = calls
                    .by_outcome
                    .iter()
                    .map(|(ended, of)| format!("{} {}", of.durations.count, ended.name()));
                format!(
                    "{} {}: {} {:?}",
                    key.source,
                    key.name,
                    ends.collect::<Vec<_>>().join(", "),
                    calls.memory
                )
            })
            .collect();
        assert_eq!(
            shown,
            [
                "duration Deposit: 1 failed (0, 0)",
                "duration Transfer: 1 succeeded, 1 failed, 1 timed-out (0, 0)",
                "duration report # of # written: 1 succeeded (0, 0)",
                "memory rebuild:  (1, 50)",
            ]
        );
    }

    #[test]
    fn names_without_end_are_one_row_at_last() {
        let lines: Vec<String> =
            (0..1_100).map(|at| format!("{at} info operation=op{at} duration=1ms")).collect();
        let fold = |lines: &[String]| {
            let mut facts = OperationFacts::default();
            for line in lines {
                with_entry(line, |seen| facts.observe(seen));
            }
            facts
        };
        let whole = fold(&lines);
        assert_eq!(whole.calls.len(), OPERATIONS + 1);
        let total: u64 = whole
            .calls
            .values()
            .flat_map(|calls| calls.by_outcome.values())
            .map(|of| of.durations.count)
            .sum();
        assert_eq!(total, 1_100);
        let mut joined = fold(&lines[..600]);
        joined.merge(fold(&lines[600..]));
        assert_eq!(joined.calls.keys().collect::<Vec<_>>(), whole.calls.keys().collect::<Vec<_>>());
    }
}
