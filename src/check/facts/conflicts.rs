//! Conflicts, retries, and retries used up: which streams, which commands, how much time.
//!
//! One conflict is told of several times: by the store, by the executor that retries, and by the application that
//! repeats it. So counts are kept by what told of it, and whoever concludes takes one of them.
//!
//! Bound: 65,536 streams of each kind of line, about 300 bytes each; the counts of a whole are exact beyond that.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    fold::{Bounded, Counted, Distinct, FirstN, State, merge_maps},
    model::{Means, Tells, Window, stream_list},
};

use super::{Seen, as_pairs, logs::Sample};

/// Streams kept of each kind of line.
const STREAMS: usize = 65_536;
/// Commands kept of each stream.
const COMMANDS: usize = 16;
/// Entries kept of each stream.
const SAMPLES: usize = 3;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ConflictFacts {
    #[serde(with = "as_pairs")]
    pub lines: BTreeMap<LineKind, LineFacts>,
}

/// What tells of it: a pattern, and whether it is the line that ends a command.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct LineKind {
    pub tells: Tells,
    pub at_end: bool,
    pub pattern: String,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct LineFacts {
    pub count: u64,
    /// Waited before the next try, in microseconds.
    pub waited: u64,
    pub streams: Bounded<StreamLines, STREAMS>,
}

/// What lines of one kind tell of one stream.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StreamLines {
    pub count: u64,
    pub waited: u64,
    pub window: Window,
    pub commands: Distinct<COMMANDS>,
    pub samples: FirstN<Sample, SAMPLES>,
}

impl ConflictFacts {
    pub fn observe(&mut self, seen: &Seen<'_>) {
        let Some((tells, hit)) = seen.tells.filter(|(tells, _)| tells.is_conflict()) else { return };
        let Some((pattern, keys)) = seen.hits.get(hit) else { return };
        // A command that failed says how long it took.
        let at_end = seen.values.has(Means::Duration);
        let kind = LineKind { tells, at_end, pattern: (*pattern).to_owned() };
        let line = self.lines.entry(kind).or_default();
        line.count += 1;
        let waited = seen.values.micros(Means::Delay).unwrap_or(0);
        line.waited += waited;
        let captured = keys.iter().find(|(name, _)| matches!(name.as_str(), "stream" | "streams"));
        let text = captured
            .map(|(_, text)| text.as_ref())
            .or_else(|| seen.values.text(Means::Stream))
            .or_else(|| seen.values.text(Means::Streams));
        let command = seen.values.text(Means::Operation);
        for stream in text.map(stream_list).unwrap_or_default() {
            line.streams.observe(stream, |lines| lines.observe(seen, waited, command));
        }
    }
}

impl StreamLines {
    fn observe(&mut self, seen: &Seen<'_>, waited: u64, command: Option<&str>) {
        self.count += 1;
        self.waited += waited;
        seen.entry.time.into_iter().for_each(|time| self.window.add(time));
        if let Some(command) = command {
            self.commands.add(command);
        }
        self.samples.push_with(|| Sample::of(seen.entry));
    }
}

impl Counted for StreamLines {
    fn count(&self) -> u64 {
        self.count
    }
}

impl State for StreamLines {
    fn merge(&mut self, next: Self) {
        let StreamLines { count, waited, window, commands, samples } = next;
        self.count += count;
        self.waited += waited;
        self.window.join(&window);
        self.commands.merge(commands);
        self.samples.merge(samples);
    }
}

impl State for LineFacts {
    fn merge(&mut self, next: Self) {
        let LineFacts { count, waited, streams } = next;
        self.count += count;
        self.waited += waited;
        self.streams.merge(streams);
    }
}

impl State for ConflictFacts {
    fn merge(&mut self, next: Self) {
        let ConflictFacts { lines } = next;
        merge_maps(&mut self.lines, lines);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fold::laws,
        model::{Entry, Known, Level, Meant, Place, Timestamp, Turn, Unit, Values},
    };

    #[test]
    fn joins_like_one_run() {
        let lines = [(1, "a", "9"), (2, "b", "-"), (3, "a", "2"), (4, "c", "1"), (5, "a", "-")];
        laws::hold::<ConflictFacts, _>(&lines, |facts, (second, stream, delay)| {
            let mut values = Values::default();
            let mut add = |means, unit, text| {
                values.add(Known { meant: Meant { means, unit, rank: 0 }, name: "", text });
            };
            add(Means::Stream, Unit::Text, stream);
            add(Means::Delay, Unit::Ms, delay);
            add(Means::Operation, Unit::Text, "Deposit");
            let entry = Entry {
                place: Place::at_byte(*second),
                time: Some(Timestamp(*second as i64)),
                level: Level::Warn,
                message: None,
                error: None,
                fields: 0..0,
            };
            let (hits, tells) = (vec![("retry", Vec::new())], Some((Tells::Retry, 0)));
            let turn = Turn::Inside;
            facts.observe(&Seen {
                entry: &entry,
                values: &values,
                hits,
                tells,
                timed_out: false,
                turn,
                written: None,
                shape: None,
            });
        });
    }
}
