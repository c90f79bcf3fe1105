//! The index of a store's events, from which every check is answered: fifty-six bytes an event.

use std::{io, path::Path};

use serde::{Deserialize, Serialize};

use crate::{
    fold::State,
    model::{EventId, Mark, StoredEvent, Timestamp},
};

use super::{kinds::Kinds, names::Names, run::Run};

/// Stands for a missing time, version or position.
pub const ABSENT: i64 = i64::MIN;

/// Bits of a row's place that are its offset.
const OFFSET_BITS: u32 = 48;
const OFFSET: u64 = (1 << OFFSET_BITS) - 1;

/// Bytes of a row on disk.
pub(crate) const ROW_BYTES: usize = 56;

/// One event. The id is kept as two halves: as one number it would widen the row to sixty-four bytes. So would a type
/// beside the place: sixteen bits are left of that, for no file has more than 2^48 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    id: [u64; 2],
    /// Microseconds since 1970, or [`ABSENT`].
    pub time: i64,
    /// Or [`ABSENT`]: then the event stands in no stream's numbering.
    pub version: i64,
    /// Or [`ABSENT`].
    pub position: i64,
    /// Offset of its row in the lower 48 bits, its type above them.
    place: u64,
    /// Number in [`Names`].
    pub stream: u32,
    pub mark: Mark,
}

impl EventRow {
    pub fn id(&self) -> EventId {
        EventId(u128::from(self.id[0]) << 64 | u128::from(self.id[1]))
    }

    /// Offset of its row.
    pub fn byte(&self) -> u64 {
        self.place & OFFSET
    }

    /// Number of its type in [`Kinds`].
    pub fn kind(&self) -> u16 {
        (self.place >> OFFSET_BITS) as u16
    }

    pub(crate) fn set_kind(&mut self, kind: u16) {
        self.place = self.byte() | u64::from(kind) << OFFSET_BITS;
    }

    /// As a run on disk holds it.
    pub(crate) fn to_bytes(self) -> [u8; ROW_BYTES] {
        let mut bytes = [0; ROW_BYTES];
        let numbers = [
            self.id[0],
            self.id[1],
            self.time as u64,
            self.version as u64,
            self.position as u64,
            self.place,
            u64::from(self.stream) << 32 | u64::from(self.mark.0),
        ];
        for (at, number) in numbers.into_iter().enumerate() {
            bytes[at * 8..at * 8 + 8].copy_from_slice(&number.to_le_bytes());
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8; ROW_BYTES]) -> EventRow {
        let number = |at: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&bytes[at * 8..at * 8 + 8]);
            u64::from_le_bytes(eight)
        };
        EventRow {
            id: [number(0), number(1)],
            time: number(2) as i64,
            version: number(3) as i64,
            position: number(4) as i64,
            place: number(5),
            stream: (number(6) >> 32) as u32,
            mark: Mark(number(6) as u32),
        }
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

/// Memory: 56 bytes an event, twice that while they are put in order, and each stream's name with 34 bytes beside it. What is too much for memory is put
/// into sorted runs on disk, and joined again when all is read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct EventIndex {
    pub streams: Names,
    pub rows: Vec<EventRow>,
    /// Of rows in memory and in runs.
    pub kinds: Kinds,
    /// Of this process alone.
    #[serde(skip)]
    pub runs: Vec<Run>,
}

impl EventIndex {
    pub fn observe(&mut self, event: &StoredEvent<'_>) {
        let stream = self.streams.intern(&event.stream);
        let kind = self.kinds.intern(&event.kind);
        self.rows.push(EventRow {
            id: [(event.id.0 >> 64) as u64, event.id.0 as u64],
            time: event.time.map_or(ABSENT, |time| time.0),
            version: event.version.unwrap_or(ABSENT),
            position: event.position.unwrap_or(ABSENT),
            place: event.byte & OFFSET | u64::from(kind) << OFFSET_BITS,
            stream,
            mark: event.mark,
        });
    }
}

/// Bytes that the index takes for an event while it is put in order: the row twice, and its place in three orders.
const EVENT_BYTES: u64 = 2 * ROW_BYTES as u64 + 12;

impl EventIndex {
    /// Bytes held in memory, about.
    pub fn memory(&self) -> u64 {
        self.rows.len() as u64 * EVENT_BYTES + self.streams.memory()
    }

    /// Moves what is in memory into a sorted run on disk.
    ///
    /// # Errors
    ///
    /// What the operating system says of the folder or the disk.
    pub fn spill(&mut self, folder: &Path) -> io::Result<()> {
        if !self.rows.is_empty() {
            let (streams, rows) = (std::mem::take(&mut self.streams), std::mem::take(&mut self.rows));
            self.runs.push(Run::write(folder, &streams, self.kinds.count(), rows)?);
        }
        Ok(())
    }
}

impl State for EventIndex {
    fn merge(&mut self, next: Self) {
        let EventIndex { streams, mut rows, kinds, runs } = next;
        let kinds = self.kinds.join(&kinds);
        self.runs.extend(runs.into_iter().map(|run| run.renumbered(&kinds)));
        let renumbered = self.streams.join(&streams);
        for row in &mut rows {
            row.stream = renumbered[row.stream as usize];
            row.set_kind(kinds.of(row.kind()));
        }
        self.rows.append(&mut rows);
    }
}
