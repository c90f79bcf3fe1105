//! What the rows of an event store add up to: an index of its events, forty-eight bytes each, from which every check
//! is answered; and the faults that single rows showed.

use std::{collections::HashMap, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    fold::{Days, FirstN, State},
    model::{EventId, FaultKind, RowFault, TableRole, TableRows, Timestamp, Window},
};

/// Faults listed of one kind and store; all are counted.
const LISTED_FAULTS: usize = 10_000;

/// Which store of a source.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StoreKey {
    pub schema: String,
    pub profile: String,
}

/// Stands for a missing time.
pub const NO_TIME: i64 = i64::MIN;

/// One event in the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    pub id: EventId,
    /// Microseconds since 1970, or [`NO_TIME`].
    pub time: i64,
    pub version: i64,
    /// Offset of its row.
    pub byte: u64,
    /// Index into [`Streams`].
    pub stream: u32,
}

impl EventRow {
    pub fn time(&self) -> Option<Timestamp> {
        (self.time != NO_TIME).then_some(Timestamp(self.time))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckpointRow {
    pub byte: u64,
    pub name: String,
    pub position: Option<String>,
    pub updated_at: Option<Timestamp>,
}

/// Memory: 48 bytes an event, and each stream's name twice.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StoreFacts {
    /// Whether an events table was seen, empty or not; a checkpoint table may come alone.
    pub has_events: bool,
    pub has_checkpoints: bool,
    pub first_versions: Vec<i64>,
    pub streams: Streams,
    pub rows: Vec<EventRow>,
    pub checkpoints: Vec<CheckpointRow>,
    pub faults: std::collections::BTreeMap<FaultKind, FirstN<RowFault, LISTED_FAULTS>>,
    pub window: Window,
    /// Of times that can be trusted: an event's own, or its id's where that is earlier.
    pub days: Days,
}

impl StoreFacts {
    pub fn observe(&mut self, rows: &TableRows<'_>) {
        match rows.table.role {
            TableRole::Events => self.has_events = true,
            TableRole::Checkpoints => self.has_checkpoints = true,
        }
        self.first_versions.clone_from(&rows.table.first_versions);
        for event in &rows.events {
            let stream = self.streams.intern(&event.stream);
            let time = event.time.map_or(NO_TIME, |time| time.0);
            self.rows.push(EventRow { id: event.id, time, version: event.version, byte: event.byte, stream });
            let trusted = [event.time, event.id.time()].into_iter().flatten().min();
            if let Some(time) = trusted {
                self.days.add(time.day(), time.0);
            }
            if let Some(time) = event.time {
                self.window.add(time);
            }
        }
        self.checkpoints.extend(rows.checkpoints.iter().map(|checkpoint| CheckpointRow {
            byte: checkpoint.byte,
            name: checkpoint.name.clone().into_owned(),
            position: checkpoint.position.as_deref().map(str::to_owned),
            updated_at: checkpoint.updated_at,
        }));
        for fault in &rows.faults {
            self.faults.entry(fault.kind).or_default().push_with(|| fault.clone());
        }
    }
}

impl State for StoreFacts {
    fn merge(&mut self, next: Self) {
        let StoreFacts {
            has_events,
            has_checkpoints,
            first_versions,
            streams,
            mut rows,
            checkpoints,
            faults,
            window,
            days,
        } = next;
        self.has_events |= has_events;
        self.has_checkpoints |= has_checkpoints;
        if self.first_versions.is_empty() {
            self.first_versions = first_versions;
        }
        let renumbered: Vec<u32> = streams.names.iter().map(|name| self.streams.intern_arc(name)).collect();
        for row in &mut rows {
            row.stream = renumbered[row.stream as usize];
        }
        self.rows.append(&mut rows);
        self.checkpoints.extend(checkpoints);
        for (kind, listed) in faults {
            self.faults.entry(kind).or_default().merge(listed);
        }
        self.window.join(&window);
        self.days.merge(days);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fold::laws,
        model::{IdShape, StoredEvent, Table, profile::Columns},
    };

    #[test]
    fn joins_like_one_run() {
        let table = Arc::new(Table {
            profile: "p".to_owned(),
            schema: String::new(),
            role: TableRole::Events,
            id_shape: IdShape::Uuid,
            first_versions: vec![1],
            columns: Columns::default(),
        });
        let events = [("a", 1, 10), ("b", 1, 11), ("a", 2, 12), ("c", 5, 13), ("b", 1, 14)];
        laws::hold::<StoreFacts, _>(&events, |facts, (stream, version, byte)| {
            let mut rows = TableRows::new(Arc::clone(&table));
            let time = Some(Timestamp(*version * 1_000_000));
            rows.events.push(StoredEvent {
                byte: *byte,
                stream: (*stream).into(),
                version: *version,
                id: EventId(u128::from(*byte)),
                time,
            });
            if *version == 5 {
                rows.faults.push(RowFault {
                    byte: *byte,
                    kind: FaultKind::NilEventId,
                    stream: None,
                    event_id: None,
                    version: None,
                    detail: String::new(),
                });
            }
            facts.observe(&rows);
        });
    }
}
