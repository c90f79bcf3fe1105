//! What a backup of an event store holds, one row at a time.

use std::{borrow::Cow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use super::{fault::FaultKind, profile::Table, time::Timestamp};

/// An event id as 128 bits: a UUID, or nothing usable (then a [`RowFault`] says why).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct EventId(pub u128);

impl EventId {
    /// No id, a nil id or one that could not be read.
    pub const NONE: EventId = EventId(0);

    /// A UUID in its usual form, or without hyphens, or in braces; any case.
    pub fn parse(text: &str) -> Option<EventId> {
        // A backup has an id or two in every row, and nearly all are written like this.
        hyphenated(text.as_bytes()).or_else(|| {
            let text = text.trim_ascii();
            let text = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or(text);
            match text.as_bytes().as_chunks() {
                ([a, b, c, d], []) => of_digits([*a, *b, *c, *d]),
                _ => hyphenated(text.as_bytes()),
            }
        })
    }

    /// An id that is no UUID, as one: version 8 (RFC 9562, section 5.8), the rest a hash of the text. Two texts meet
    /// once in 2^61 ids.
    pub fn of_text(text: &str) -> EventId {
        let hash = blake3::hash(text.as_bytes());
        let id = hash.as_bytes().iter().take(16).fold(0_u128, |id, byte| id << 8 | u128::from(*byte));
        EventId(id & !(0xf << 76) & !(0b11 << 62) | 8 << 76 | 0b10 << 62)
    }

    /// Whether it may stand for a text ([`EventId::of_text`]).
    pub fn is_of_text(self) -> bool {
        (self.0 >> 76) & 0xf == 8
    }

    pub fn is_none(self) -> bool {
        self == EventId::NONE
    }

    /// The writer's clock, where the id is a UUID of version 7 (RFC 9562, section 5.7: 48 bits of milliseconds).
    pub fn time(self) -> Option<Timestamp> {
        let version = (self.0 >> 76) & 0xf;
        let variant = (self.0 >> 62) & 0b11;
        (version == 7 && variant == 0b10).then(|| Timestamp((self.0 >> 80) as i64 * 1000))
    }
}

/// `01a20909-dd33-7125-80f1-dcbddf0901e5`.
fn hyphenated(text: &[u8]) -> Option<EventId> {
    let text: &[u8; 36] = text.try_into().ok()?;
    if [text[8], text[13], text[18], text[23]] != [b'-'; 4] {
        return None;
    }
    let eight = |from: usize, behind: usize| {
        let mut digits = [0; 8];
        digits[..4].copy_from_slice(&text[from..from + 4]);
        digits[4..].copy_from_slice(&text[behind..behind + 4]);
        digits
    };
    of_digits([eight(0, 4), eight(9, 14), eight(19, 24), eight(28, 32)])
}

/// The id of 32 hexadecimal digits.
fn of_digits(digits: [[u8; 8]; 4]) -> Option<EventId> {
    let parts = digits.map(of_eight_digits);
    let (id, right) = parts
        .iter()
        .fold((0, true), |(id, right), (part, is_right)| (id << 32 | u128::from(*part), right & is_right));
    right.then_some(EventId(id))
}

/// The number that eight hexadecimal digits are, all taken in one step, and whether they are digits.
fn of_eight_digits(digits: [u8; 8]) -> (u32, bool) {
    const EACH: u64 = 0x0101_0101_0101_0101;
    const HIGH: u64 = 0x80 * EACH;
    let digits = u64::from_le_bytes(digits);
    // The high bit of each byte: whether it is `byte` or above. Below 0x80 no sum spills into the next byte.
    let from = |digits: u64, byte: u8| (digits & !HIGH) + (0x80 - u64::from(byte)) * EACH;
    let number = from(digits, b'0') & !from(digits, b'9' + 1);
    let lower = digits | (0x20 * EACH);
    let letter = from(lower, b'a') & !from(lower, b'f' + 1) & HIGH;
    let right = (number | letter) & !digits & HIGH == HIGH;
    let nibbles = (digits & (0x0f * EACH)) + (letter >> 7) * 9;
    // Two and two are joined: the first of them is worth more.
    let bytes = (nibbles << 4 | nibbles >> 8) & 0x00ff_00ff_00ff_00ff;
    let pairs = (bytes | bytes >> 8) & 0x0000_ffff_0000_ffff;
    (((pairs | pairs >> 16) as u32).swap_bytes(), right)
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let id = self.0;
        write!(
            f,
            "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
            id >> 96,
            (id >> 80) & 0xffff,
            (id >> 64) & 0xffff,
            (id >> 48) & 0xffff,
            id & 0xffff_ffff_ffff
        )
    }
}

/// One event, as far as it could be read. What could not be read has its own [`RowFault`].
#[derive(Clone, Debug, Default)]
pub struct StoredEvent<'a> {
    /// Offset of the row in the unpacked source.
    pub byte: u64,
    pub stream: Cow<'a, str>,
    /// `None` where the row has none by right, or is left out of its stream (a link, a tombstone).
    pub version: Option<i64>,
    pub id: EventId,
    pub time: Option<Timestamp>,
    /// Number in the whole store.
    pub position: Option<i64>,
    pub mark: Mark,
    /// Its type; empty where the row has none.
    pub kind: Cow<'a, str>,
    /// The event or command that caused it.
    pub cause: Option<EventId>,
}

/// What of an event's content matters to checks, in 32 bits: a digest of type, payload and metadata (30 bits: two
/// different contents are told apart but once in 2^30), and two flags.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark(pub u32);

impl Mark {
    const ARCHIVED: u32 = 1;
    const OPENER: u32 = 2;

    pub fn new(digest: u64, archived: bool, opener: bool) -> Mark {
        Mark(((digest >> 32) as u32 & !3) | u32::from(archived) | u32::from(opener) << 1)
    }

    pub fn digest(self) -> u32 {
        self.0 >> 2
    }

    /// The row was put away, and may stand beside a live one.
    pub fn is_archived(self) -> bool {
        self.0 & Mark::ARCHIVED != 0
    }

    /// Its type may open a stream at any version.
    pub fn is_opener(self) -> bool {
        self.0 & Mark::OPENER != 0
    }
}

/// One row of a checkpoint table.
#[derive(Clone, Debug)]
pub struct Checkpoint<'a> {
    pub byte: u64,
    pub name: Cow<'a, str>,
    /// The position as text; `None` where the column is NULL.
    pub position: Option<Cow<'a, str>>,
    pub updated_at: Option<Timestamp>,
}

/// A stream and a version that something other than an event says of it: a stream table's row, or a snapshot's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StreamClaim {
    pub byte: u64,
    /// The snapshot; empty in a stream table.
    pub name: String,
    pub stream: String,
    pub version: i64,
    /// Of what was put away: a stream may be there twice.
    pub archived: bool,
}

/// One transaction file of a store whose transactions name their parents.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// Where its file begins in the source, and how long it is.
    pub byte: u64,
    pub bytes: u64,
    /// Its file, below the store's folder.
    pub file: String,
    pub id: EventId,
    pub parents: Vec<EventId>,
    pub replica: EventId,
    /// For each stream that it appends to, how many events the writer knew of.
    pub bases: Vec<(String, i64)>,
    /// Whether its content is what its writer wrote.
    pub sound: bool,
}

/// What a sequence stood at when the dump was made (`setval`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sequence {
    pub byte: u64,
    /// `schema.name`.
    pub name: String,
    /// The last number given out.
    pub last: i64,
}

/// What one row alone shows to be wrong.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RowFault {
    pub byte: u64,
    pub kind: FaultKind,
    pub stream: Option<String>,
    /// As found, for it may be no id at all.
    pub event_id: Option<String>,
    pub version: Option<i64>,
    pub detail: String,
}

/// The rows that a chunk holds of one table.
#[derive(Clone, Debug)]
pub struct TableRows<'a> {
    pub table: Arc<Table>,
    pub events: Vec<StoredEvent<'a>>,
    pub checkpoints: Vec<Checkpoint<'a>>,
    /// Of a stream table, or of snapshots.
    pub claims: Vec<StreamClaim>,
    pub transactions: Vec<Transaction>,
    pub faults: Vec<RowFault>,
}

impl<'a> TableRows<'a> {
    pub fn new(table: Arc<Table>) -> TableRows<'a> {
        TableRows {
            table,
            events: Vec::new(),
            checkpoints: Vec::new(),
            claims: Vec::new(),
            transactions: Vec::new(),
            faults: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_7_id_knows_its_time() {
        let id = EventId(0x01a2_0909_dd33_7125_80f1_dcbd_df09_01e5);
        assert_eq!(id.to_string(), "01a20909-dd33-7125-80f1-dcbddf0901e5");
        assert_eq!(id.time().expect("version 7").to_string(), "2026-11-23T15:32:51.123Z");
        assert_eq!(EventId(0x2544_99c7_001d_4a88_896d_3737_42f9_a039).time(), None, "version 4");
        assert_eq!(EventId::NONE.time(), None);
    }

    #[test]
    fn reads_uuids_in_their_forms() {
        let id = Some(EventId(0x01a2_0909_dd33_7125_80f1_dcbd_df09_01e5));
        for text in [
            "01a20909-dd33-7125-80f1-dcbddf0901e5",
            "01A20909-DD33-7125-80F1-DCBDDF0901E5",
            "{01a20909-dd33-7125-80f1-dcbddf0901e5}",
            "01a20909dd33712580f1dcbddf0901e5",
        ] {
            assert_eq!(EventId::parse(text), id, "{text}");
        }
        for text in ["", "01a20909-dd33-7125-80f1-dcbddf0xyz", "01a20909xdd33-7125-80f1-dcbddf0901e5"] {
            assert_eq!(EventId::parse(text), None, "{text}");
        }
        // No other byte is a digit, nor a hyphen, wherever it stands.
        let good = "01a20909-dd33-7125-80f1-dcbddf0901e5";
        for at in 0..good.len() {
            for byte in (0..128).map(char::from) {
                let text = format!("{}{byte}{}", &good[..at], &good[at + 1..]);
                let fits = if [8, 13, 18, 23].contains(&at) { byte == '-' } else { byte.is_ascii_hexdigit() };
                let expected = u128::from_str_radix(&text.replace('-', ""), 16).ok().filter(|_| fits);
                assert_eq!(EventId::parse(&text), expected.map(EventId), "{text}");
            }
        }
    }
}
