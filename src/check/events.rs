//! The events of one store in the orders that checks ask for: by stream and version, by id, by position.
//!
//! Checks are handed runs and rows and never hold the index: the same calls are answered from memory, or from sorted
//! files where the index was too large for it ([`super::disk`]).

use std::{borrow::Cow, io, path::PathBuf, sync::Arc};

use rayon::slice::ParallelSliceMut;

use crate::model::EventId;

use super::{
    disk::Disk,
    facts::{ABSENT, EventIndex, EventRow},
};

/// How much of an index may be in memory, and where the rest goes.
#[derive(Clone, Debug)]
pub struct Room {
    /// Bytes.
    pub memory: u64,
    pub folder: PathBuf,
}

/// Events in order.
#[derive(Debug)]
pub enum Events {
    Memory(Memory),
    #[expect(private_interfaces, reason = "only this module looks inside")]
    Disk(Box<Disk>),
}

/// Events in order, in memory.
#[derive(Debug, Default)]
pub struct Memory {
    /// Sorted.
    names: Vec<Arc<str>>,
    /// In order of stream name, version and place; `stream` counts into `names`.
    rows: Vec<EventRow>,
    /// Indexes into `rows` of the events that have an id, in order of id and place.
    by_id: Vec<u32>,
    /// Of those that have a position, in order of position and place.
    by_position: Vec<u32>,
}

impl Events {
    /// Puts an index in order.
    ///
    /// # Errors
    ///
    /// What the disk says, where the index did not fit into memory.
    pub(super) fn new(mut index: EventIndex, room: &Room) -> io::Result<Events> {
        if index.runs.is_empty() {
            return Ok(Events::Memory(Memory::new(index)));
        }
        index.spill(&room.folder)?;
        Ok(Events::Disk(Box::new(Disk::new(&index.runs, &room.folder, room.memory)?)))
    }

    pub fn count(&self) -> u64 {
        match self {
            Events::Memory(memory) => memory.rows.len() as u64,
            Events::Disk(disk) => disk.count(),
        }
    }

    /// Events that have an id.
    pub fn ids(&self) -> u64 {
        match self {
            Events::Memory(memory) => memory.by_id.len() as u64,
            Events::Disk(disk) => disk.by_id.count,
        }
    }

    pub fn positions(&self) -> u64 {
        match self {
            Events::Memory(memory) => memory.by_position.len() as u64,
            Events::Disk(disk) => disk.by_position.count,
        }
    }

    /// Streams that have a name.
    pub fn streams(&self) -> u64 {
        match self {
            Events::Memory(memory) => memory.names.iter().filter(|name| !name.is_empty()).count() as u64,
            Events::Disk(disk) => disk.streams,
        }
    }

    /// The numbered events of each named stream, in order of version. One stream's events are in memory at a time.
    pub fn each_stream(&self, visit: &mut dyn FnMut(&str, &[EventRow])) {
        let mut group = |name: &str, rows: &[EventRow]| {
            let numbered = &rows[rows.partition_point(|row| row.version == ABSENT)..];
            if !name.is_empty() && !numbered.is_empty() {
                visit(name, numbered);
            }
        };
        match self {
            Events::Memory(memory) => {
                for rows in memory.rows.chunk_by(|a, b| a.stream == b.stream) {
                    group(&memory.names[rows[0].stream as usize], rows);
                }
            }
            Events::Disk(disk) => {
                let mut rows: Vec<EventRow> = Vec::new();
                for row in disk.iter(disk.in_order()) {
                    if rows.first().is_some_and(|first| first.stream != row.stream) {
                        group(&disk.name(rows[0].stream), &rows);
                        rows.clear();
                    }
                    rows.push(row);
                }
                if let Some(first) = rows.first() {
                    group(&disk.name(first.stream), &rows);
                }
            }
        }
    }

    /// Every event, in order of stream.
    pub fn each(&self, visit: &mut dyn FnMut(&EventRow)) {
        match self {
            Events::Memory(memory) => memory.rows.iter().for_each(visit),
            Events::Disk(disk) => disk.each(disk.in_order(), visit),
        }
    }

    /// Every event that has an id, in order of id.
    pub fn by_id(&self) -> Box<dyn Iterator<Item = EventRow> + '_> {
        match self {
            Events::Memory(memory) => Box::new(memory.by_id.iter().map(|index| memory.rows[*index as usize])),
            Events::Disk(disk) => Box::new(disk.iter(&disk.by_id)),
        }
    }

    /// The same, for one who looks at each.
    pub fn each_by_id(&self, visit: &mut dyn FnMut(&EventRow)) {
        match self {
            Events::Memory(memory) => memory.each(&memory.by_id, visit),
            Events::Disk(disk) => disk.each(&disk.by_id, visit),
        }
    }

    /// Every event that has a position, in order of position.
    pub fn each_by_position(&self, visit: &mut dyn FnMut(&EventRow)) {
        match self {
            Events::Memory(memory) => memory.each(&memory.by_position, visit),
            Events::Disk(disk) => disk.each(&disk.by_position, visit),
        }
    }

    /// Of the ids wanted (sorted), those that an event has.
    pub fn held(&self, wanted: &[EventId]) -> Vec<EventId> {
        match self {
            Events::Memory(memory) => {
                let holds = |id: &&EventId| {
                    memory.by_id.binary_search_by_key(*id, |index| memory.rows[*index as usize].id()).is_ok()
                };
                wanted.iter().filter(holds).copied().collect()
            }
            Events::Disk(disk) => {
                let (mut rows, mut held) = (disk.iter(&disk.by_id).peekable(), Vec::new());
                for id in wanted {
                    while rows.next_if(|row| row.id() < *id).is_some() {}
                    held.extend(rows.peek().filter(|row| row.id() == *id).map(|_| *id));
                }
                held
            }
        }
    }

    pub fn newest_id(&self) -> Option<EventId> {
        match self {
            Events::Memory(memory) => memory.by_id.last().map(|index| memory.rows[*index as usize].id()),
            Events::Disk(disk) => disk.row(&disk.by_id, disk.by_id.count.checked_sub(1)?).map(|row| row.id()),
        }
    }

    pub fn last_position(&self) -> Option<i64> {
        match self {
            Events::Memory(memory) => {
                memory.by_position.last().map(|index| memory.rows[*index as usize].position)
            }
            Events::Disk(disk) => {
                let last = disk.by_position.count.checked_sub(1)?;
                disk.row(&disk.by_position, last).map(|row| row.position)
            }
        }
    }

    /// How many events have a later id.
    pub fn after_id(&self, id: EventId) -> u64 {
        let before = |row: &EventRow| row.id() <= id;
        match self {
            Events::Memory(memory) => memory.from(&memory.by_id, before),
            Events::Disk(disk) => disk.by_id.count - disk.partition_point(&disk.by_id, before),
        }
    }

    /// How many events have a later position.
    pub fn after_position(&self, position: i64) -> u64 {
        let before = |row: &EventRow| row.position <= position;
        match self {
            Events::Memory(memory) => memory.from(&memory.by_position, before),
            Events::Disk(disk) => disk.by_position.count - disk.partition_point(&disk.by_position, before),
        }
    }

    pub fn name(&self, row: &EventRow) -> Cow<'_, str> {
        match self {
            Events::Memory(memory) => Cow::Borrowed(&memory.names[row.stream as usize]),
            Events::Disk(disk) => Cow::Owned(disk.name(row.stream)),
        }
    }

    /// What went wrong while reading from disk: then nothing that was concluded holds.
    pub(super) fn failure(&self) -> Option<io::Error> {
        match self {
            Events::Memory(_) => None,
            Events::Disk(disk) => disk.failure(),
        }
    }
}

impl Memory {
    fn new(index: EventIndex) -> Memory {
        let EventIndex { streams, mut rows, .. } = index;
        let (names, ranks) = ranked(&streams.names);
        for row in &mut rows {
            row.stream = ranks[row.stream as usize];
        }
        rows.par_sort_unstable_by_key(|row| (row.stream, row.version, row.byte));
        let (by_id, by_position) = rayon::join(
            || order(&rows, |row| !row.id().is_none(), EventRow::id),
            || order(&rows, |row| row.position != ABSENT, |row| row.position),
        );
        Memory { names, rows, by_id, by_position }
    }

    fn each(&self, order: &[u32], visit: &mut dyn FnMut(&EventRow)) {
        for index in order {
            visit(&self.rows[*index as usize]);
        }
    }

    fn from(&self, order: &[u32], before: impl Fn(&EventRow) -> bool) -> u64 {
        let upto = order.partition_point(|index| before(&self.rows[*index as usize]));
        (order.len() - upto) as u64
    }
}

/// Names in order, and each number's new one, so that order never depends on which piece was read first.
fn ranked(names: &[Arc<str>]) -> (Vec<Arc<str>>, Vec<u32>) {
    let mut order: Vec<u32> = (0..names.len() as u32).collect();
    order.par_sort_unstable_by(|a, b| names[*a as usize].cmp(&names[*b as usize]));
    let mut ranks = vec![0; names.len()];
    for (rank, number) in order.iter().enumerate() {
        ranks[*number as usize] = rank as u32;
    }
    (order.iter().map(|number| Arc::clone(&names[*number as usize])).collect(), ranks)
}

/// Indexes of some rows, in order of a key and place.
fn order<K: Ord + Send>(
    rows: &[EventRow],
    wanted: impl Fn(&EventRow) -> bool,
    key: impl Fn(&EventRow) -> K + Sync,
) -> Vec<u32> {
    let mut indexes: Vec<u32> =
        (0..rows.len() as u32).filter(|index| wanted(&rows[*index as usize])).collect();
    indexes.par_sort_unstable_by_key(|index| {
        let row = &rows[*index as usize];
        (key(row), row.byte)
    });
    indexes
}
