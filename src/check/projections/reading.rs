//! One pass over the events of a store, for all that is asked of its projections: how many events stand before and behind
//! each checkpoint, which came in behind one, and whether the clocks of its writers agree.
//!
//! A projection that reads in order of ids never sees an event that is written after its checkpoint has passed the
//! event's id. Ids of version 7 are made by their writers' clocks: two writers whose clocks are seconds apart write such
//! events all the time.

use std::collections::{BTreeMap, VecDeque};

use crate::{
    check::{StoreView, facts::EventRow},
    fold::FirstN,
    model::{EventId, Timestamp, Window, time::SECOND},
};

/// A projection to look out for: the positions that it was seen at, and when each was written.
#[derive(Debug, Default)]
pub(super) struct Watched {
    pub(super) marks: Vec<(EventId, Option<Timestamp>)>,
}

/// What the pass found.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// The events that watched positions point at.
    pub(super) rows: BTreeMap<EventId, EventRow>,
    by_kind: BTreeMap<u16, Slot>,
    /// For each watched projection, the events that were written behind a checkpoint of it.
    pub(super) landed: Vec<Landed>,
    pub(super) clocks: Option<TwoClocks>,
}

/// The events that one kind of projection reads.
#[derive(Debug, Default)]
pub(super) struct Slot {
    /// Positions asked for, in order.
    ids: Vec<EventId>,
    /// Events up to each of them and behind the one before; those behind the last come last.
    counts: Vec<u64>,
    /// Of the same events, the earliest time.
    earliest: Vec<Option<Timestamp>>,
    pub(super) total: u64,
    pub(super) newest: Option<Timestamp>,
    /// Events that were written when one of a greater id was there already.
    pub(super) late: u64,
    /// The first of them by id, and how many events stand before it.
    pub(super) late_first: Option<(EventId, u64)>,
}

#[derive(Debug, Default)]
pub(super) struct Landed {
    pub(super) events: FirstN<EventRow, 3>,
    pub(super) window: Window,
}

/// Events of one kind whose follower by id is yet to come.
#[derive(Debug, Default)]
struct Open {
    /// How many came before.
    seen: u64,
    /// When each was written, its id, and its number; in order of all three.
    waiting: VecDeque<(i64, EventId, u64)>,
}

/// Ids show two clocks: most events are of one, these of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TwoClocks {
    pub(super) apart_ms: i64,
    pub(super) events: u64,
}

impl Slot {
    pub(super) fn upto(&self, id: EventId) -> u64 {
        let upto = self.ids.partition_point(|known| *known <= id);
        self.counts.iter().take(upto).sum()
    }

    /// When the first event behind a position was written.
    pub(super) fn waiting_since(&self, id: EventId) -> Option<Timestamp> {
        let upto = self.ids.partition_point(|known| *known <= id);
        self.earliest.iter().skip(upto).flatten().min().copied()
    }
}

impl Reading {
    /// `by_type`: whether a projection reads the events of one type, that of the event it stands at.
    pub(super) fn new(
        store: &StoreView,
        by_type: bool,
        watched: &[Watched],
        as_of: Option<Timestamp>,
    ) -> Reading {
        let mut reading = Reading::default();
        for (id, _) in watched.iter().flat_map(|watched| &watched.marks) {
            let Some(mut row) = store.events.find(*id) else { continue };
            if !by_type {
                row.set_kind(0);
            }
            reading.rows.insert(*id, row);
            reading.by_kind.entry(row.kind()).or_default().ids.push(*id);
        }
        for slot in reading.by_kind.values_mut() {
            slot.ids.sort_unstable();
            slot.ids.dedup();
            slot.counts = vec![0; slot.ids.len() + 1];
            slot.earliest = vec![None; slot.ids.len() + 1];
        }
        let traps: Vec<Option<Trap>> =
            watched.iter().map(|watched| Trap::new(watched, &reading.rows)).collect();
        reading.landed.resize_with(watched.len(), Landed::default);
        let mut offsets = Offsets::default();
        store.events.each(&mut |row| {
            if row.id().is_none() {
                return;
            }
            offsets.add(row);
            let kind = if by_type { row.kind() } else { 0 };
            let Some(slot) = reading.by_kind.get_mut(&kind) else { return };
            slot.add(row, as_of);
            for (trap, landed) in traps.iter().zip(&mut reading.landed) {
                if trap.as_ref().is_some_and(|trap| trap.kind == kind && trap.holds(row)) {
                    landed.events.push(*row);
                    landed.window.add(Timestamp(row.time));
                }
            }
        });
        reading.clocks = offsets.two_clocks();
        if reading.clocks.is_some() {
            reading.late(store, by_type);
        }
        reading
    }

    /// The events that a projection at this position reads.
    pub(super) fn slot(&self, id: EventId) -> Option<&Slot> {
        self.by_kind.get(&self.rows.get(&id)?.kind())
    }

    /// Counts the events that were written when one of a greater id was there already: in order of id, those followed by
    /// one that was written earlier. Ones that wait for a follower stand in order of time, so that each is looked at
    /// twice; those a minute older than what is read now are let go, for no two clocks of a system are further apart.
    fn late(&mut self, store: &StoreView, by_type: bool) {
        const WINDOW: i64 = 60 * SECOND;
        let mut open: BTreeMap<u16, Open> = BTreeMap::new();
        store.events.each_by_id(&mut |row| {
            let kind = if by_type { row.kind() } else { 0 };
            let (Some(slot), Some(time)) = (self.by_kind.get_mut(&kind), row.time()) else { return };
            let Open { seen, waiting } = open.entry(kind).or_default();
            while let Some((_, id, number)) =
                waiting.back().copied().filter(|(written, ..)| *written > time.0)
            {
                waiting.pop_back();
                slot.late += 1;
                let first = slot.late_first.get_or_insert((id, number));
                *first = (*first).min((id, number));
            }
            while waiting.front().is_some_and(|(written, ..)| time.0.saturating_sub(*written) > WINDOW) {
                waiting.pop_front();
            }
            waiting.push_back((time.0, row.id(), *seen));
            *seen += 1;
        });
    }
}

impl Slot {
    fn add(&mut self, row: &EventRow, as_of: Option<Timestamp>) {
        let id = row.id();
        let at = self.ids.partition_point(|known| *known < id);
        self.counts[at] += 1;
        self.total += 1;
        let Some(time) = trusted(row).filter(|time| as_of.is_none_or(|as_of| *time <= as_of)) else { return };
        self.newest = self.newest.max(Some(time));
        let earliest = &mut self.earliest[at];
        *earliest = Some(earliest.map_or(time, |known| known.min(time)));
    }
}

/// When an event was written, by the clock that puts it earlier: one clock alone may be wrong.
pub(super) fn trusted(row: &EventRow) -> Option<Timestamp> {
    [row.time(), row.id().time()].into_iter().flatten().min()
}

/// The positions of one projection, for asking whether an event was written behind one of them.
struct Trap {
    kind: u16,
    /// In order of id; the time is the earliest at which this position, or a later one, was reached.
    marks: Vec<(EventId, i64)>,
    earliest: i64,
}

/// An event whose own clocks disagree by more than this proves nothing by its time.
const AGREE: i64 = 60 * SECOND;

impl Trap {
    fn new(watched: &Watched, rows: &BTreeMap<EventId, EventRow>) -> Option<Trap> {
        let dated = watched.marks.iter().filter_map(|(id, at)| Some((*id, (*at)?.0)));
        let mut marks: Vec<(EventId, i64)> = dated.filter(|(id, _)| rows.contains_key(id)).collect();
        marks.sort_unstable();
        let mut earliest = i64::MAX;
        for (_, at) in marks.iter_mut().rev() {
            earliest = earliest.min(*at);
            *at = earliest;
        }
        let kind = rows.get(&marks.first()?.0)?.kind();
        Some(Trap { kind, marks, earliest })
    }

    /// Whether an event was written when the projection had passed its id.
    fn holds(&self, row: &EventRow) -> bool {
        let (Some(written), Some(made)) = (row.time(), row.id().time()) else { return false };
        if written.0 <= self.earliest || written.since(made).abs() > AGREE {
            return false;
        }
        let next = self.marks.partition_point(|(id, _)| *id <= row.id());
        self.marks.get(next).is_some_and(|(_, reached)| written.0 > *reached)
    }
}

/// How far ids are ahead of the time at which their events were written, in steps of a tenth of a second.
struct Offsets {
    counts: Vec<u64>,
    events: u64,
}

/// Steps to either side: a minute.
const STEPS: i64 = 600;
const STEP: i64 = SECOND / 10;
/// What belongs to one clock: a quarter of a second to either side.
const AROUND: i64 = 2;
/// Clocks closer than this are one: waits spread as far.
const APART: i64 = 5;
/// Of a hundred events, those that a second clock must have made at least.
const SHARE: u64 = 2;

impl Default for Offsets {
    fn default() -> Offsets {
        Offsets { counts: vec![0; 2 * STEPS as usize + 1], events: 0 }
    }
}

impl Offsets {
    fn add(&mut self, row: &EventRow) {
        let (Some(written), Some(made)) = (row.time(), row.id().time()) else { return };
        let step = (made.since(written) + STEP / 2).div_euclid(STEP);
        if let Some(count) = self.counts.get_mut((step + STEPS) as usize).filter(|_| step.abs() <= STEPS) {
            *count += 1;
            self.events += 1;
        }
    }

    /// Whether a second clock stands out: not the long tail of waits, but events as close together as those of the
    /// first.
    fn two_clocks(&self) -> Option<TwoClocks> {
        let around = |at: i64| -> u64 {
            let (from, to) = ((at - AROUND).max(0), (at + AROUND).min(2 * STEPS));
            self.counts[from as usize..=to as usize].iter().sum()
        };
        let most = |away: &dyn Fn(i64) -> bool| {
            (0..=2 * STEPS).filter(|at| away(*at)).max_by_key(|at| (around(*at), self.counts[*at as usize]))
        };
        let first = most(&|_| true)?;
        let second = most(&|at| (at - first).abs() >= APART)?;
        let (near, events) = (around(first), around(second));
        let beyond = self.events - near;
        let stands_out = events * 100 >= self.events * SHARE && events >= 10 && events * 2 >= beyond;
        stands_out.then_some(TwoClocks { apart_ms: (second - first).abs() * STEP / 1000, events })
    }
}
