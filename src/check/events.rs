//! The events of one store in the orders that checks ask for: by stream and version, by id, by position.
//!
//! Checks are handed runs and rows and never hold the index: the same calls are answered from memory, or from sorted
//! runs on disk where the index was too large for it.

use std::{borrow::Cow, sync::Arc};

use rayon::slice::ParallelSliceMut;

use crate::model::EventId;

use super::facts::{ABSENT, EventIndex, EventRow};

/// Events in order.
#[derive(Debug, Default)]
pub struct Events {
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
    pub(super) fn new(index: EventIndex) -> Events {
        let EventIndex { streams, mut rows } = index;
        let (names, ranks) = ranked(streams.names);
        for row in &mut rows {
            row.stream = ranks[row.stream as usize];
        }
        rows.par_sort_unstable_by_key(|row| (row.stream, row.version, row.byte));
        let by_id = order(&rows, |row| !row.id().is_none(), EventRow::id);
        let by_position = order(&rows, |row| row.position != ABSENT, |row| row.position);
        Events { names, rows, by_id, by_position }
    }

    pub fn count(&self) -> u64 {
        self.rows.len() as u64
    }

    /// Events that have an id.
    pub fn ids(&self) -> u64 {
        self.by_id.len() as u64
    }

    pub fn positions(&self) -> u64 {
        self.by_position.len() as u64
    }

    /// Streams that have a name.
    pub fn streams(&self) -> u64 {
        self.names.iter().filter(|name| !name.is_empty()).count() as u64
    }

    /// The numbered events of each named stream, in order of version.
    pub fn each_stream(&self, visit: &mut dyn FnMut(&str, &[EventRow])) {
        for rows in self.rows.chunk_by(|a, b| a.stream == b.stream) {
            let numbered = &rows[rows.partition_point(|row| row.version == ABSENT)..];
            let name = &self.names[rows[0].stream as usize];
            if !name.is_empty() && !numbered.is_empty() {
                visit(name, numbered);
            }
        }
    }

    /// Every event, in order of stream.
    pub fn each(&self, visit: &mut dyn FnMut(&EventRow)) {
        self.rows.iter().for_each(visit);
    }

    /// Every event that has an id, in order of id.
    pub fn by_id(&self) -> impl Iterator<Item = EventRow> + '_ {
        self.by_id.iter().map(|index| self.rows[*index as usize])
    }

    /// The same, for one who looks at each.
    pub fn each_by_id(&self, visit: &mut dyn FnMut(&EventRow)) {
        self.by_id.iter().for_each(|index| visit(&self.rows[*index as usize]));
    }

    /// Every event that has a position, in order of position.
    pub fn each_by_position(&self, visit: &mut dyn FnMut(&EventRow)) {
        self.by_position.iter().for_each(|index| visit(&self.rows[*index as usize]));
    }

    /// Of the ids wanted (sorted), those that an event has.
    pub fn held(&self, wanted: &[EventId]) -> Vec<EventId> {
        let holds = |id: &&EventId| {
            self.by_id.binary_search_by_key(*id, |index| self.rows[*index as usize].id()).is_ok()
        };
        wanted.iter().filter(holds).copied().collect()
    }

    pub fn newest_id(&self) -> Option<EventId> {
        self.by_id.last().map(|index| self.rows[*index as usize].id())
    }

    /// How many events have a later id.
    pub fn after_id(&self, id: EventId) -> u64 {
        let upto = self.by_id.partition_point(|index| self.rows[*index as usize].id() <= id);
        (self.by_id.len() - upto) as u64
    }

    /// How many events have a later position.
    pub fn after_position(&self, position: i64) -> u64 {
        let upto = self.by_position.partition_point(|index| self.rows[*index as usize].position <= position);
        (self.by_position.len() - upto) as u64
    }

    pub fn last_position(&self) -> Option<i64> {
        self.by_position.last().map(|index| self.rows[*index as usize].position)
    }

    pub fn name(&self, row: &EventRow) -> Cow<'_, str> {
        Cow::Borrowed(&self.names[row.stream as usize])
    }
}

/// Names in order, and each number's new one, so that order never depends on which piece was read first.
fn ranked(names: Vec<Arc<str>>) -> (Vec<Arc<str>>, Vec<u32>) {
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
