//! The events of one store in the orders that checks ask for: by stream and version, by id, by position.
//!
//! Checks are handed runs and rows and never hold the index: the same calls are answered from memory, or from sorted
//! files where the index was too large for it ([`super::disk`]).

use std::{borrow::Cow, io, path::PathBuf};

use rayon::prelude::*;

use crate::model::EventId;

use super::{
    disk::Disk,
    facts::{ABSENT, EventIndex, EventRow, Kinds, Names},
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
    Memory(Box<Memory>),
    #[expect(private_interfaces, reason = "only this module looks inside")]
    Disk(Box<Disk>),
}

/// Events in order, in memory.
#[derive(Debug, Default)]
pub struct Memory {
    names: Names,
    kinds: Box<Kinds>,
    /// Numbers of `names`, in order of name.
    order: Vec<u32>,
    /// In order of stream name, version and place; `stream` counts into `order`.
    rows: Vec<EventRow>,
    /// Indexes into `rows` of the events that have an id, in order of id and place.
    by_id: Vec<u32>,
    /// Those of them that share the first half of their id, in the same order.
    alike: Vec<u32>,
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
            return Ok(Events::Memory(Box::new(Memory::new(index))));
        }
        index.spill(&room.folder)?;
        Ok(Events::Disk(Box::new(Disk::new(&index.runs, index.kinds, &room.folder, room.memory)?)))
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
            Events::Memory(memory) => {
                let first = memory.order.first().map(|number| memory.names.get(*number));
                memory.order.len() as u64 - u64::from(first == Some(""))
            }
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
                    group(memory.name(rows[0].stream), rows);
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

    /// Of every event that has an id, in order of id: those whose id another has, and some others.
    pub fn each_that_may_repeat(&self, visit: &mut dyn FnMut(&EventRow)) {
        match self {
            Events::Memory(memory) => memory.each(&memory.alike, visit),
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

    /// The types that rows are of.
    pub fn kinds(&self) -> &Kinds {
        match self {
            Events::Memory(memory) => &memory.kinds,
            Events::Disk(disk) => disk.kinds(),
        }
    }

    /// The event of an id; the first in its file of several.
    pub fn find(&self, id: EventId) -> Option<EventRow> {
        let before = |row: &EventRow| row.id() < id;
        let found = match self {
            Events::Memory(memory) => memory.at(&memory.by_id, before),
            Events::Disk(disk) => disk.row(&disk.by_id, disk.partition_point(&disk.by_id, before)),
        };
        found.filter(|row| row.id() == id)
    }

    /// The last event at or before a position, and the first behind it.
    pub fn around_position(&self, position: i64) -> (Option<EventRow>, Option<EventRow>) {
        let next = self.positions() - self.after_position(position);
        let row = |at: u64| match self {
            Events::Memory(memory) => {
                memory.by_position.get(at as usize).map(|index| memory.rows[*index as usize])
            }
            Events::Disk(disk) if at < disk.by_position.count => disk.row(&disk.by_position, at),
            Events::Disk(_) => None,
        };
        (next.checked_sub(1).and_then(row), row(next))
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
            Events::Memory(memory) => Cow::Borrowed(memory.name(row.stream)),
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
        let EventIndex { streams: names, rows, kinds, .. } = index;
        let order = names.sorted();
        let mut ranks = vec![0; names.count()];
        for (rank, number) in order.iter().enumerate() {
            ranks[*number as usize] = rank as u32;
        }
        let rows = by_stream(rows, &ranks);
        let (ids, positions) = rayon::join(
            || {
                let first = |row: &EventRow| (row.id().0 >> 64) as u64;
                sorted(&rows, |row| !row.id().is_none(), first, EventRow::id)
            },
            || {
                let first = |row: &EventRow| row.position as u64 ^ 1 << 63;
                sorted(&rows, |row| row.position != ABSENT, first, |_| ())
            },
        );
        let alike = ids.chunk_by(|a, b| a.0 == b.0).filter(|alike| alike.len() > 1).flatten();
        let alike = alike.map(|(_, at)| *at).collect();
        let places_of = |keys: Vec<(u64, u32)>| keys.into_par_iter().map(|(_, at)| at).collect();
        let (by_id, by_position) = (places_of(ids), places_of(positions));
        Memory { names, kinds: Box::new(kinds), order, rows, by_id, alike, by_position }
    }

    fn name(&self, stream: u32) -> &str {
        self.names.get(self.order[stream as usize])
    }

    fn each(&self, order: &[u32], visit: &mut dyn FnMut(&EventRow)) {
        for index in order {
            visit(&self.rows[*index as usize]);
        }
    }

    /// The first row that is not `before`.
    fn at(&self, order: &[u32], before: impl Fn(&EventRow) -> bool) -> Option<EventRow> {
        let upto = order.partition_point(|index| before(&self.rows[*index as usize]));
        order.get(upto).map(|index| self.rows[*index as usize])
    }

    fn from(&self, order: &[u32], before: impl Fn(&EventRow) -> bool) -> u64 {
        let upto = order.partition_point(|index| before(&self.rows[*index as usize]));
        (order.len() - upto) as u64
    }
}

/// Rows in order of stream, version and place.
///
/// A store of a million streams has a few dozen events in each: counting puts them where they belong in two passes, and
/// what is left to sort is short. Sorting all at once took a quarter of the run.
fn by_stream(rows: Vec<EventRow>, ranks: &[u32]) -> Vec<EventRow> {
    // One thread counts: apart from the rows, which are many times as large.
    let mut streams: Vec<u32> = Vec::new();
    rows.par_iter().map(|row| ranks[row.stream as usize]).collect_into_vec(&mut streams);
    let mut next = vec![0_u32; ranks.len() + 1];
    for stream in &streams {
        next[*stream as usize + 1] += 1;
    }
    for at in 1..next.len() {
        next[at] += next[at - 1];
    }
    let mut order = vec![0_u32; rows.len()];
    for (at, stream) in streams.into_iter().enumerate() {
        let place = &mut next[stream as usize];
        order[*place as usize] = at as u32;
        *place += 1;
    }
    let ranked = |mut row: EventRow| {
        row.stream = ranks[row.stream as usize];
        row
    };
    let mut sorted = Vec::new();
    order.par_iter().map(|at| ranked(rows[*at as usize])).collect_into_vec(&mut sorted);
    drop(rows);
    sorted
        .par_chunk_by_mut(|a: &EventRow, b| a.stream == b.stream)
        .for_each(|stream| stream.sort_unstable_by_key(|row| (row.version, row.byte())));
    sorted
}

/// Keys of some rows and where these are, in order of key and place. A key's first half stands there, so that few rows
/// are looked up.
fn sorted<K: Ord>(
    rows: &[EventRow],
    wanted: impl Fn(&EventRow) -> bool + Sync,
    first: impl Fn(&EventRow) -> u64 + Sync,
    rest: impl Fn(&EventRow) -> K + Sync,
) -> Vec<(u64, u32)> {
    let keyed = |(at, row): (usize, &EventRow)| (first(row), at as u32);
    let mut keys: Vec<(u64, u32)> = Vec::new();
    // Where all are wanted their number is known beforehand, and each is put in its place at once.
    if rows.par_iter().all(&wanted) {
        rows.par_iter().enumerate().map(keyed).collect_into_vec(&mut keys);
    } else {
        keys = rows.par_iter().enumerate().filter(|(_, row)| wanted(row)).map(keyed).collect();
    }
    keys.par_sort_unstable_by(|a, b| {
        a.0.cmp(&b.0).then_with(|| {
            let (a, b) = (&rows[a.1 as usize], &rows[b.1 as usize]);
            rest(a).cmp(&rest(b)).then(a.byte().cmp(&b.byte()))
        })
    });
    keys
}
