//! Units of work (commands, requests, jobs), a row for each.
//!
//! An entry belongs to the unit that the finest of its ids names: a command's entries carry its command id and the
//! correlation id of what caused it, and some a trace id too; they are one command. Texts of ids are not kept: whoever
//! prints a unit reads its entries again, by the bytes between which they lie.
//!
//! Bound: 96 bytes a unit with its key, 111 to 222 with the map around it (at most 7 of 8 places are taken, at least half
//! of those once it has grown). A gigabyte of a chatty log has some 170,000 of them.

use std::{collections::HashMap, hash::BuildHasher};

use foldhash::{fast, quality::FixedState};
use serde::{Deserialize, Serialize};

use crate::{
    fold::State,
    model::{EventId, IdKind, Level, Means, Timestamp, Turn, Values},
};

use super::{Names, Seen};

/// A unit's id: a UUID's two halves, or a hash of another text.
pub type UnitKey = [u64; 2];

/// Stands for a name, a duration or a time that is not there.
pub const NONE: u64 = u64::MAX;
const NO_NAME: u32 = u32::MAX;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TraceFacts {
    /// Of command types and services.
    pub names: Names,
    /// In no order: whoever shows units sorts them.
    #[serde(with = "in_order")]
    pub rows: Rows,
}

type Rows = HashMap<UnitKey, TraceRow, fast::FixedState>;

/// What the entries of one unit in one source add up to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceRow {
    /// Offsets of its first and its last entry.
    pub from: u64,
    pub to: u64,
    /// Its earliest and latest time; `i64::MAX` and `i64::MIN` where no entry has one.
    pub first: i64,
    pub last: i64,
    /// When the last entry that ends it was written.
    pub ended: i64,
    /// How long it took, in microseconds, as the entry that ends it says; else as its last entry says.
    pub micros: u64,
    /// The next coarser id of its entries, folded; 0 for none.
    pub alias: u64,
    /// Line of its first entry.
    pub line: u32,
    pub entries: u32,
    pub name: u32,
    pub service: u32,
    pub events: u32,
    pub attempts: u16,
    pub flags: Flags,
}

/// What a row remembers as yes or no.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(u16);

impl Flags {
    /// The lowest two bits are the kind of id.
    const KIND: u16 = 0b11;
    /// Its id is a UUID.
    pub const UUID: u16 = 1 << 2;
    pub const STARTED: u16 = 1 << 3;
    pub const ENDED: u16 = 1 << 4;
    /// Of the entry that ended it.
    pub const END_FAILED: u16 = 1 << 5;
    pub const TIMED_OUT: u16 = 1 << 6;
    /// Its last entry ends it if nothing follows.
    pub const LAST_MAY_END: u16 = 1 << 7;
    pub const LAST_FAILED: u16 = 1 << 8;
    pub const WROTE: u16 = 1 << 9;

    pub fn has(self, flag: u16) -> bool {
        self.0 & flag != 0
    }

    pub fn kind(self) -> IdKind {
        match self.0 & Flags::KIND {
            0 => IdKind::Command,
            1 => IdKind::Trace,
            2 => IdKind::Request,
            _ => IdKind::Correlation,
        }
    }

    fn set(&mut self, flag: u16, on: bool) {
        self.0 = if on { self.0 | flag } else { self.0 & !flag };
    }

    fn of(kind: IdKind, uuid: bool) -> Flags {
        Flags(kind as u16 | if uuid { Flags::UUID } else { 0 })
    }
}

const IDS: [(Means, IdKind); 4] = [
    (Means::Command, IdKind::Command),
    (Means::Trace, IdKind::Trace),
    (Means::Request, IdKind::Request),
    (Means::Correlation, IdKind::Correlation),
];

/// Whether an entry has an id at all.
pub fn has_id(values: &Values<'_>) -> bool {
    IDS.iter().any(|(means, _)| values.has(*means))
}

/// The finest id of an entry, and the next coarser one.
pub fn unit_of(values: &Values<'_>) -> Option<(IdKind, UnitKey, bool, u64)> {
    let mut ids = IDS.iter().filter_map(|(means, kind)| {
        let text = values.text(*means).filter(|text| is_id(text))?;
        Some((*kind, text))
    });
    let (kind, text) = ids.next()?;
    let (key, uuid) = key(text);
    // A correlation id covers many units by design.
    let alias = match ids.next() {
        Some((IdKind::Trace | IdKind::Request, text)) => folded(self::key(text).0),
        _ => 0,
    };
    Some((kind, key, uuid, alias))
}

/// A text that stands for no id does not: `-`, `null`, a nil UUID.
pub(super) fn is_id(text: &str) -> bool {
    match text.as_bytes() {
        [] | b"null" | b"none" | b"None" => false,
        [b'0' | b'-', ..] => text.bytes().any(|byte| !matches!(byte, b'0' | b'-')),
        _ => true,
    }
}

/// The key of an id, and whether it is a UUID.
pub(in crate::check) fn key(text: &str) -> (UnitKey, bool) {
    match EventId::parse(text) {
        Some(EventId(id)) => ([(id >> 64) as u64, id as u64], true),
        None => ([1, 2].map(|seed| FixedState::with_seed(seed).hash_one(text)), false),
    }
}

pub(in crate::check) fn folded(key: UnitKey) -> u64 {
    (key[0].rotate_left(32) ^ key[1]).max(1)
}

impl TraceFacts {
    pub fn observe(&mut self, seen: &Seen<'_>) {
        let Some((kind, key, uuid, alias)) = unit_of(seen.values) else { return };
        let names = &mut self.names;
        let row = self.rows.entry(key).or_insert_with(|| TraceRow::new(kind, uuid, seen));
        row.observe(seen, alias);
        if row.name == NO_NAME
            && let Some(name) = command_type(seen)
        {
            row.name = names.intern(name);
        }
        if row.service == NO_NAME
            && let Some(service) = seen.values.text(Means::Service)
        {
            row.service = names.intern(service);
        }
    }

    pub fn name(&self, number: u32) -> Option<&str> {
        (number != NO_NAME).then(|| self.names.get(number))
    }
}

/// What the unit is, where the entry says it: `operation` names a part of it, `command_type` the whole.
fn command_type<'b>(seen: &Seen<'b>) -> Option<&'b str> {
    let known = seen.values.get(Means::Operation)?;
    let whole = seen.turn != Turn::Inside && seen.turn != Turn::MayEnd
        || known.name.contains("ommand")
        || known.name.contains("equest");
    (whole && !known.text.is_empty()).then_some(known.text)
}

impl TraceRow {
    fn new(kind: IdKind, uuid: bool, seen: &Seen<'_>) -> TraceRow {
        let place = seen.entry.place;
        TraceRow {
            from: place.byte,
            to: place.byte,
            first: i64::MAX,
            last: i64::MIN,
            ended: i64::MIN,
            micros: NONE,
            alias: 0,
            line: u32::try_from(place.line).unwrap_or(0),
            entries: 0,
            name: NO_NAME,
            service: NO_NAME,
            events: 0,
            attempts: 0,
            flags: Flags::of(kind, uuid),
        }
    }

    fn observe(&mut self, seen: &Seen<'_>, alias: u64) {
        let (entry, values) = (seen.entry, seen.values);
        self.to = self.to.max(entry.place.byte);
        self.entries = self.entries.saturating_add(1);
        self.alias = if self.alias == 0 { alias } else { self.alias };
        if let Some(Timestamp(time)) = entry.time {
            (self.first, self.last) = (self.first.min(time), self.last.max(time));
        }
        if let Some(attempts) = attempts(values) {
            self.attempts = self.attempts.max(attempts);
        }
        if let Some(written) = seen.written {
            self.events = self.events.max(u32::try_from(written).unwrap_or(u32::MAX));
            self.flags.set(Flags::WROTE, true);
        }
        let failed = values.truth(Means::Success).map_or(entry.level >= Level::Error, |success| !success);
        let may_end = matches!(seen.turn, Turn::End | Turn::MayEnd);
        self.flags.set(Flags::LAST_MAY_END, may_end);
        self.flags.set(Flags::LAST_FAILED, may_end && failed);
        match seen.turn {
            Turn::Start => self.flags.set(Flags::STARTED, true),
            Turn::End => {
                self.flags.set(Flags::ENDED, true);
                self.flags.set(Flags::END_FAILED, failed);
                self.ended = entry.time.map_or(self.ended, |time| time.0);
                self.micros = values.micros(Means::Duration).unwrap_or(NONE);
                if seen.timed_out {
                    self.flags.set(Flags::TIMED_OUT, true);
                }
            }
            Turn::MayEnd | Turn::Inside => {}
        }
        if !self.flags.has(Flags::ENDED) {
            let said = may_end.then(|| values.micros(Means::Duration)).flatten();
            self.micros = said.unwrap_or(NONE);
        }
    }

    /// Joins what a later run of the same source says, its names numbered as here.
    fn merge(&mut self, next: &TraceRow) {
        let TraceRow {
            from: _,
            to,
            first,
            last,
            ended,
            micros,
            alias,
            line: _,
            entries,
            name,
            service,
            events,
            attempts,
            flags,
        } = *next;
        self.to = self.to.max(to);
        (self.first, self.last) = (self.first.min(first), self.last.max(last));
        self.alias = if self.alias == 0 { alias } else { self.alias };
        self.entries = self.entries.saturating_add(entries);
        self.name = if self.name == NO_NAME { name } else { self.name };
        self.service = if self.service == NO_NAME { service } else { self.service };
        self.events = self.events.max(events);
        self.attempts = self.attempts.max(attempts);
        if flags.has(Flags::ENDED) || !self.flags.has(Flags::ENDED) {
            self.micros = micros;
        }
        if flags.has(Flags::ENDED) {
            self.ended = if ended == i64::MIN { self.ended } else { ended };
            self.flags.set(Flags::END_FAILED, flags.has(Flags::END_FAILED));
        }
        for last in [Flags::LAST_MAY_END, Flags::LAST_FAILED] {
            self.flags.set(last, flags.has(last));
        }
        for ever in [Flags::STARTED, Flags::ENDED, Flags::TIMED_OUT, Flags::WROTE] {
            self.flags.set(ever, self.flags.has(ever) || flags.has(ever));
        }
    }
}

/// How many tries an entry tells of: a failed one has another behind it.
fn attempts(values: &Values<'_>) -> Option<u16> {
    let tries = match values.count(Means::Attempts) {
        Some(tries) => tries,
        None => values.count(Means::Retry)?.saturating_add(1),
    };
    Some(u16::try_from(tries).unwrap_or(u16::MAX))
}

impl State for TraceFacts {
    fn merge(&mut self, next: Self) {
        let TraceFacts { names, rows } = next;
        let numbers = self.names.join(&names);
        let number = |name: u32| numbers.get(name as usize).copied().unwrap_or(NO_NAME);
        self.rows.reserve(rows.len());
        #[expect(clippy::iter_over_hash_type, reason = "each row is joined to the one of its own key")]
        for (key, mut row) in rows {
            (row.name, row.service) = (number(row.name), number(row.service));
            match self.rows.get_mut(&key) {
                Some(mine) => mine.merge(&row),
                None => {
                    self.rows.insert(key, row);
                }
            }
        }
    }
}

/// The same bytes for the same rows. A month has a million, so they are written as numbers of fixed width, little-endian,
/// and column by column, for what is alike packs well side by side.
mod in_order {
    use serde::{Deserializer, Serializer, de};

    use super::{Flags, Rows, TraceRow, UnitKey};

    /// Bytes of a row and its key.
    const ROW: usize = 96;

    pub(super) fn serialize<S: Serializer>(rows: &Rows, out: S) -> Result<S::Ok, S::Error> {
        let mut rows: Vec<(&UnitKey, &TraceRow)> = rows.iter().collect();
        rows.sort_unstable_by_key(|(key, _)| *key);
        let mut bytes = Vec::with_capacity(rows.len() * ROW);
        let mut column = |width: usize, field: &dyn Fn(&UnitKey, &TraceRow) -> u64| {
            for (key, row) in &rows {
                bytes.extend_from_slice(&field(key, row).to_le_bytes()[..width]);
            }
        };
        column(8, &|key, _| key[0]);
        column(8, &|key, _| key[1]);
        column(8, &|_, row| row.from);
        column(8, &|_, row| row.to);
        column(8, &|_, row| row.first as u64);
        column(8, &|_, row| row.last as u64);
        column(8, &|_, row| row.ended as u64);
        column(8, &|_, row| row.micros);
        column(8, &|_, row| row.alias);
        column(4, &|_, row| row.line.into());
        column(4, &|_, row| row.entries.into());
        column(4, &|_, row| row.name.into());
        column(4, &|_, row| row.service.into());
        column(4, &|_, row| row.events.into());
        column(2, &|_, row| row.attempts.into());
        column(2, &|_, row| row.flags.0.into());
        out.serialize_bytes(&bytes)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Rows, D::Error> {
        from.deserialize_bytes(Bytes)
    }

    struct Bytes;

    impl de::Visitor<'_> for Bytes {
        type Value = Rows;

        fn expecting(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(out, "a multiple of {ROW} bytes")
        }

        fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Rows, E> {
            if !bytes.len().is_multiple_of(ROW) {
                return Err(E::invalid_length(bytes.len(), &self));
            }
            let rows = bytes.len() / ROW;
            Ok((0..rows).map(|at| row(bytes, rows, at)).collect())
        }
    }

    fn row(bytes: &[u8], rows: usize, at: usize) -> (UnitKey, TraceRow) {
        let mut begins = 0;
        let mut column = |width: usize| {
            let field = &bytes[begins + at * width..][..width];
            begins += rows * width;
            field.iter().rev().fold(0, |number: u64, byte| number << 8 | u64::from(*byte))
        };
        let key = [column(8), column(8)];
        let row = TraceRow {
            from: column(8),
            to: column(8),
            first: column(8) as i64,
            last: column(8) as i64,
            ended: column(8) as i64,
            micros: column(8),
            alias: column(8),
            line: column(4) as u32,
            entries: column(4) as u32,
            name: column(4) as u32,
            service: column(4) as u32,
            events: column(4) as u32,
            attempts: column(2) as u16,
            flags: Flags(column(2) as u16),
        };
        (key, row)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fold::laws,
        model::{Entry, Known, Meant, Place, Unit},
    };

    /// `byte id turn micros`: an entry of the unit; a turn in capitals failed, `-` is no duration.
    fn observe(facts: &mut TraceFacts, line: &str) {
        let words: Vec<&str> = line.split(' ').collect();
        let [byte, id, turn, micros] = words[..] else { panic!("{line}") };
        let byte: u64 = byte.parse().expect("a number");
        let mut values = Values::default();
        let mut add = |means, unit, name, text| {
            values.add(Known { meant: Meant { means, unit, rank: 0 }, name, text });
        };
        add(Means::Command, Unit::Text, "command_id", id);
        add(Means::Service, Unit::Text, "service", if byte.is_multiple_of(2) { "even" } else { "odd" });
        add(Means::Operation, Unit::Text, "command_type", "Deposit");
        if byte.is_multiple_of(3) {
            add(Means::Trace, Unit::Text, "trace_id", "t");
        }
        if micros != "-" {
            add(Means::Duration, Unit::Us, "duration_us", micros);
        }
        let failed = turn.chars().all(|c| c.is_ascii_uppercase());
        let entry = Entry {
            place: Place { byte, line: byte + 1 },
            time: Some(Timestamp(byte as i64 * 10)),
            level: if failed { Level::Error } else { Level::Info },
            message: None,
            error: None,
            fields: 0..0,
        };
        let turn = match &*turn.to_ascii_lowercase() {
            "start" => Turn::Start,
            "end" => Turn::End,
            "may" => Turn::MayEnd,
            _ => Turn::Inside,
        };
        let written = (turn == Turn::Inside).then_some(byte);
        let (hits, tells) = (Vec::new(), None);
        facts.observe(&Seen {
            entry: &entry,
            values: &values,
            hits,
            tells,
            timed_out: failed,
            turn,
            written,
            shape: None,
        });
    }

    #[test]
    fn joins_like_one_run() {
        let lines = [
            "1 a start -",
            "2 b start -",
            "3 a in -",
            "4 b may 70",
            "5 a END 40",
            "6 b in -",
            "7 a end 60",
            "8 c may 9",
            "9 a in -",
            "10 a MAY 5",
        ];
        laws::hold::<TraceFacts, _>(&lines, |facts, line| observe(facts, line));
    }

    #[test]
    fn the_last_end_counts_and_a_measure_inside_does_not() {
        let row = |lines: &[&str]| {
            let mut facts = TraceFacts::default();
            for line in lines {
                observe(&mut facts, line);
            }
            facts.rows.remove(&key("a").0).expect("a row")
        };
        let tried_twice = row(&["1 a start -", "2 a END 40", "3 a start -", "4 a MAY 900", "5 a end 60"]);
        assert_eq!((tried_twice.micros, tried_twice.flags.has(Flags::END_FAILED)), (60, false));
        assert_eq!((tried_twice.from, tried_twice.to, tried_twice.line, tried_twice.ended), (1, 5, 2, 50));
        let measured = row(&["1 a may 900", "2 a in -"]);
        assert_eq!((measured.micros, measured.flags.has(Flags::LAST_MAY_END)), (NONE, false));
        assert_eq!(row(&["1 a may 900"]).micros, 900);
    }

    #[test]
    fn an_id_is_a_uuid_or_any_other_text() {
        let one = key("3591f977-33ad-4e57-b2c1-5961130dc42c");
        assert!(one.1);
        assert_eq!(one, key("3591F97733AD4E57B2C15961130DC42C"));
        assert_ne!(key("req-1").0, key("req-2").0);
        for text in ["", "-", "null", "00000000-0000-0000-0000-000000000000", "0"] {
            assert!(!is_id(text), "{text}");
        }
    }
}
