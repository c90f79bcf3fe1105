//! Where an earlier run ended in a source, and how to tell that the bytes before that place are still the same.
//!
//! A BLAKE3 hash is a tree, so it can be taken up again: the roots of the subtrees that are whole say all that has to be
//! known of the bytes before them. A log of a gigabyte that grew by a line is hashed to its end from its last unit on,
//! and the ledger shows the hash that reading all of it would give.

use blake3::{
    Hasher,
    hazmat::{HasherExt, Mode, merge_subtrees_non_root, merge_subtrees_root},
};
use serde::{Deserialize, Serialize};

/// A place between two records of a source, in unpacked bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bookmark {
    /// Bytes before it.
    pub offset: u64,
    /// Line of the first byte behind it, from 1.
    pub line: u64,
    /// Of all bytes before it.
    pub hash: [u8; 32],
    /// Of the last [`BLOCK`] bytes before it: what a file that only grew still has there.
    pub block: [u8; 32],
    /// Roots of the subtrees that are whole.
    subtrees: Vec<[u8; 32]>,
}

/// Bytes before a bookmark that are looked at before reading goes on there.
pub const BLOCK: u64 = 64 << 10;

/// Bytes of a subtree; at most as many are read once more to take a hash up again.
const UNIT: u64 = 1 << 20;

impl Bookmark {
    /// Where to begin reading, so that the hash can be taken up and the last block is known.
    pub(super) fn resume(&self) -> u64 {
        self.unit().min(self.offset.saturating_sub(BLOCK))
    }

    /// Where the unit begins that the place lies in.
    fn unit(&self) -> u64 {
        self.offset.saturating_sub(1) / UNIT * UNIT
    }

    /// Whether these are the bytes right before it.
    pub fn follows(&self, block: &[u8]) -> bool {
        !block.is_empty() && *blake3::hash(block).as_bytes() == self.block
    }
}

/// Hashes a source while it is read, and remembers its last block.
#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    subtrees: Vec<[u8; 32]>,
    /// Units that are whole.
    units: u64,
    /// The unit under way: it has a byte as soon as there is one, for the root of a tree is hashed in another way.
    unit: Hasher,
    filled: u64,
    /// Bytes to come that the subtrees hold already.
    hashed: u64,
    block: Vec<u8>,
}

impl Content {
    /// As it was at the place where a bookmark says to resume.
    pub(super) fn before(bookmark: &Bookmark) -> Content {
        let units = bookmark.unit() / UNIT;
        let hashed = bookmark.unit() - bookmark.resume();
        let mut content =
            Content { subtrees: bookmark.subtrees.clone(), units, hashed, ..Content::default() };
        content.unit.set_input_offset(bookmark.unit());
        content
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        let hashed = (bytes.len() as u64).min(self.hashed);
        self.hashed -= hashed;
        let mut rest = &bytes[hashed as usize..];
        while !rest.is_empty() {
            if self.filled == UNIT {
                self.close_unit();
            }
            let (now, later) = rest.split_at(rest.len().min((UNIT - self.filled) as usize));
            self.unit.update(now);
            self.filled += now.len() as u64;
            rest = later;
        }
        let keep = (BLOCK as usize).saturating_sub(bytes.len()).min(self.block.len());
        self.block.drain(..self.block.len() - keep);
        self.block.extend_from_slice(&bytes[bytes.len().saturating_sub(BLOCK as usize)..]);
    }

    /// Joins the unit with the subtrees on its left that are as large as what it is joined to.
    fn close_unit(&mut self) {
        let mut root = self.unit.finalize_non_root();
        self.units += 1;
        for _ in 0..self.units.trailing_zeros() {
            let left = self.subtrees.pop().expect("a subtree for each bit that is carried");
            root = merge_subtrees_non_root(&left, &root, Mode::Hash);
        }
        self.subtrees.push(root);
        self.unit = Hasher::new();
        self.unit.set_input_offset(self.units * UNIT);
        self.filled = 0;
    }

    pub(super) fn bytes(&self) -> u64 {
        self.units * UNIT + self.filled
    }

    /// Of all bytes so far.
    pub(super) fn hash(&self) -> blake3::Hash {
        let Some((first, others)) = self.subtrees.split_first() else { return self.unit.finalize() };
        let last = self.unit.finalize_non_root();
        let right =
            others.iter().rev().fold(last, |right, left| merge_subtrees_non_root(left, &right, Mode::Hash));
        merge_subtrees_root(first, &right, Mode::Hash)
    }

    /// A bookmark here; `line` is that of the next byte.
    pub(super) fn bookmark(&self, line: u64) -> Bookmark {
        Bookmark {
            offset: self.bytes(),
            line,
            hash: *self.hash().as_bytes(),
            block: *blake3::hash(&self.block).as_bytes(),
            subtrees: self.subtrees.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(count: usize) -> Vec<u8> {
        (0..count).map(|at| (at * 31 % 251) as u8).collect()
    }

    #[test]
    fn a_hash_is_taken_up_again_anywhere() {
        let unit = UNIT as usize;
        let text = bytes(7 * unit + 77);
        for cut in [1, 1023, 1024, unit - 1, unit, unit + 1, 2 * unit, 3 * unit, 4 * unit + 5, 7 * unit] {
            for end in [cut, cut + 1, cut + unit, text.len()].into_iter().filter(|end| *end <= text.len()) {
                let mut first = Content::default();
                text[..cut].chunks(300_007).for_each(|part| first.update(part));
                assert_eq!(first.hash(), blake3::hash(&text[..cut]), "{cut}");
                let mark = first.bookmark(9);
                assert_eq!((mark.offset, mark.line), (cut as u64, 9));
                assert!(mark.follows(&text[cut.saturating_sub(BLOCK as usize)..cut]), "{cut}");
                let mut again = Content::before(&mark);
                text[mark.resume() as usize..cut].chunks(7_001).for_each(|part| again.update(part));
                assert_eq!(again.bookmark(9), mark, "{cut}");
                again.update(&text[cut..end]);
                assert_eq!(again.hash(), blake3::hash(&text[..end]), "{cut} to {end}");
            }
        }
        assert_eq!(Content::default().hash(), blake3::hash(b""));
    }
}
