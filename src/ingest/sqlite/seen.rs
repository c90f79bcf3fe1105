//! Which rows were rendered, so that a damaged tree never shows one twice.

use std::{
    collections::{BTreeSet, hash_map::DefaultHasher},
    hash::{Hash, Hasher},
};

use rusqlite::types::ValueRef;

/// Rowids, as ranges: a table that was only appended to is one.
#[derive(Default)]
pub(super) struct Rowids {
    /// Sorted, not touching each other.
    ranges: Vec<(i64, i64)>,
}

/// Ranges held at most, 16 MiB of them; sparse rowids may need one each.
const MOST_RANGES: usize = 1 << 20;

impl Rowids {
    /// Whether the rowid is new; from now on it is not.
    pub(super) fn insert(&mut self, rowid: i64) -> bool {
        match self.ranges.last_mut() {
            Some((_, last)) if last.checked_add(1) == Some(rowid) => *last = rowid,
            Some((_, last)) if rowid <= *last => return self.insert_between(rowid),
            _ => self.ranges.push((rowid, rowid)),
        }
        self.bound();
        true
    }

    pub(super) fn contains(&self, rowid: i64) -> bool {
        let at = self.ranges.partition_point(|(_, last)| *last < rowid);
        self.ranges.get(at).is_some_and(|(first, _)| *first <= rowid)
    }

    /// Only a damaged tree has rowids out of order, so this may be slow.
    fn insert_between(&mut self, rowid: i64) -> bool {
        let new = !self.contains(rowid);
        if new {
            let at = self.ranges.partition_point(|(_, last)| *last < rowid);
            self.ranges.insert(at, (rowid, rowid));
            self.bound();
        }
        new
    }

    /// Too many ranges become one: a row that is out of order is then taken for one that was seen, and left out.
    fn bound(&mut self) {
        if self.ranges.len() > MOST_RANGES
            && let (Some((first, _)), Some((_, last))) = (self.ranges.first(), self.ranges.last())
        {
            self.ranges = vec![(*first, *last)];
        }
    }
}

/// Keys of a table WITHOUT ROWID, by their hash.
#[derive(Default)]
pub(super) struct Keys {
    hashes: BTreeSet<u128>,
    full: bool,
}

/// Keys held at most: some 64 MiB.
const MOST_KEYS: usize = 1 << 21;

impl Keys {
    /// Whether the key is new, as far as is known.
    pub(super) fn insert(&mut self, hash: u128) -> bool {
        if self.full {
            return true;
        }
        self.full = self.hashes.len() >= MOST_KEYS;
        self.hashes.insert(hash)
    }

    /// Whether more rows were read than keys are held: then a row cannot be proven new.
    pub(super) fn is_full(&self) -> bool {
        self.full
    }
}

/// The hash of a key, 128 bits so that two rows of one table never share one.
pub(super) fn hash<'a>(key: impl Iterator<Item = ValueRef<'a>>) -> u128 {
    let (mut low, mut high) = (DefaultHasher::new(), DefaultHasher::new());
    high.write_u8(1);
    for value in key {
        for hasher in [&mut low, &mut high] {
            match value {
                ValueRef::Null => hasher.write_u8(0),
                ValueRef::Integer(number) => (1_u8, number).hash(hasher),
                ValueRef::Real(number) => (2_u8, number.to_bits()).hash(hasher),
                ValueRef::Text(bytes) => (3_u8, bytes).hash(hasher),
                ValueRef::Blob(bytes) => (4_u8, bytes).hash(hasher),
            }
        }
    }
    u128::from(high.finish()) << 64 | u128::from(low.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rowid_is_new_once() {
        let mut seen = Rowids::default();
        for rowid in [i64::MIN, -1, 0, 1, 2, 900, 5, 6, 3, 4, i64::MAX] {
            assert!(!seen.contains(rowid), "{rowid}");
            assert!(seen.insert(rowid), "{rowid}");
            assert!(!seen.insert(rowid), "{rowid}");
            assert!(seen.contains(rowid), "{rowid}");
        }
        assert!(!seen.contains(7) && !seen.contains(899) && !seen.contains(901));
    }

    #[test]
    fn too_many_ranges_become_one() {
        let mut seen = Rowids::default();
        for rowid in 0..=MOST_RANGES as i64 {
            assert!(seen.insert(rowid * 2));
        }
        assert_eq!(seen.ranges.len(), 1);
        assert!(!seen.insert(1), "it may have been seen");
    }

    #[test]
    fn keys_differ_by_type_and_order() {
        let mut keys = Keys::default();
        let (one, text) = (ValueRef::Integer(1), ValueRef::Text(b"1"));
        assert!(keys.insert(hash([one, text].into_iter())));
        assert!(keys.insert(hash([text, one].into_iter())));
        assert!(keys.insert(hash([ValueRef::Blob(b"1"), one].into_iter())));
        assert!(!keys.insert(hash([one, text].into_iter())));
    }
}
