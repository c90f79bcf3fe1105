//! The index of a store's events, from which every check is answered: fifty-six bytes an event.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    fold::State,
    model::{EventId, Mark, StoredEvent, Timestamp},
};

/// Stands for a missing time, version or position.
pub const ABSENT: i64 = i64::MIN;

/// One event. The id is kept as two halves: as one number it would widen the row to sixty-four bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    id: [u64; 2],
    /// Microseconds since 1970, or [`ABSENT`].
    pub time: i64,
    /// Or [`ABSENT`]: then the event stands in no stream's numbering.
    pub version: i64,
    /// Or [`ABSENT`].
    pub position: i64,
    /// Offset of its row.
    pub byte: u64,
    /// Index into [`Streams`].
    pub stream: u32,
    pub mark: Mark,
}

impl EventRow {
    pub fn id(&self) -> EventId {
        EventId(u128::from(self.id[0]) << 64 | u128::from(self.id[1]))
    }

    pub fn time(&self) -> Option<Timestamp> {
        (self.time != ABSENT).then_some(Timestamp(self.time))
    }

    /// The same event: a copy of its row.
    pub fn is_copy_of(&self, other: &EventRow) -> bool {
        (self.stream, self.version, self.time, self.mark.digest())
            == (other.stream, other.version, other.time, other.mark.digest())
    }
}

/// Memory: 56 bytes an event, and each stream's name with about 60 bytes beside it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventIndex {
    pub streams: Streams,
    pub rows: Vec<EventRow>,
}

impl EventIndex {
    pub fn observe(&mut self, event: &StoredEvent<'_>) {
        let stream = self.streams.intern(&event.stream);
        self.rows.push(EventRow {
            id: [(event.id.0 >> 64) as u64, event.id.0 as u64],
            time: event.time.map_or(ABSENT, |time| time.0),
            version: event.version.unwrap_or(ABSENT),
            position: event.position.unwrap_or(ABSENT),
            byte: event.byte,
            stream,
            mark: event.mark,
        });
    }
}

impl State for EventIndex {
    fn merge(&mut self, next: Self) {
        let EventIndex { streams, mut rows } = next;
        let renumbered: Vec<u32> = streams.names.iter().map(|name| self.streams.intern_arc(name)).collect();
        for row in &mut rows {
            row.stream = renumbered[row.stream as usize];
        }
        self.rows.append(&mut rows);
    }
}

/// The stream names of a store, numbered by first appearance.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Streams {
    pub names: Vec<Arc<str>>,
    numbers: HashMap<Arc<str>, u32, foldhash::fast::FixedState>,
}

impl Streams {
    pub fn intern(&mut self, name: &str) -> u32 {
        match self.numbers.get(name) {
            Some(number) => *number,
            None => self.add(Arc::from(name)),
        }
    }

    pub fn number(&self, name: &str) -> Option<u32> {
        self.numbers.get(name).copied()
    }

    fn intern_arc(&mut self, name: &Arc<str>) -> u32 {
        match self.numbers.get(name) {
            Some(number) => *number,
            None => self.add(Arc::clone(name)),
        }
    }

    fn add(&mut self, name: Arc<str>) -> u32 {
        let number = self.names.len() as u32;
        self.names.push(Arc::clone(&name));
        self.numbers.insert(name, number);
        number
    }
}

impl PartialEq for Streams {
    fn eq(&self, other: &Streams) -> bool {
        self.names == other.names
    }
}

impl From<Vec<String>> for Streams {
    fn from(names: Vec<String>) -> Streams {
        let mut streams = Streams::default();
        for name in names {
            streams.add(Arc::from(name));
        }
        streams
    }
}

impl From<Streams> for Vec<String> {
    fn from(streams: Streams) -> Vec<String> {
        streams.names.iter().map(std::string::ToString::to_string).collect()
    }
}
