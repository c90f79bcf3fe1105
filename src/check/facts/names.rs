//! Stream names, numbered by first appearance.
//!
//! One text holds them all: a store of ten million streams would otherwise make as many small allocations, and every
//! piece makes its own numbering. Hashes are kept, so that joining two numberings compares texts only where they are
//! equal.

use std::hash::BuildHasher;

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use serde::{Deserialize, Serialize};

/// Bytes beside a name's text: its end, its hash, and its place in the table with the room that tables leave.
const BESIDE: u64 = 8 + 8 + 18;

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Vec<String>", into = "Vec<String>")]
pub struct Names {
    text: String,
    /// Where each name ends in `text`.
    ends: Vec<u64>,
    hashes: Vec<u64>,
    numbers: HashTable<Known>,
}

/// A name in the table. Half of its hash stands there, so that a name that is another one is not looked at.
#[derive(Clone, Copy, Debug)]
struct Known {
    number: u32,
    hash: u32,
}

impl Names {
    /// The number of a name, a new one where it is new.
    pub fn intern(&mut self, name: &str) -> u32 {
        self.intern_hashed(name, hash(name))
    }

    /// The number of a name that has one.
    pub fn find(&self, name: &str) -> Option<u32> {
        self.find_hashed(name, hash(name))
    }

    /// Takes in the names of `next`, and tells the number that each of them has here.
    pub fn join(&mut self, next: &Names) -> Vec<u32> {
        let numbers = (0..next.count() as u32).zip(&next.hashes);
        numbers.map(|(number, hash)| self.intern_hashed(next.get(number), *hash)).collect()
    }

    pub fn get(&self, number: u32) -> &str {
        let at = number as usize;
        let from = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[from as usize..self.ends[at] as usize]
    }

    pub fn count(&self) -> usize {
        self.ends.len()
    }

    /// Bytes held in memory, about.
    pub fn memory(&self) -> u64 {
        self.text.len() as u64 + self.count() as u64 * BESIDE
    }

    /// The numbers in order of name.
    pub fn sorted(&self) -> Vec<u32> {
        use rayon::slice::ParallelSliceMut;
        let mut order: Vec<u32> = (0..self.count() as u32).collect();
        order.par_sort_unstable_by(|a, b| self.get(*a).cmp(self.get(*b)));
        order
    }

    fn find_hashed(&self, name: &str, hash: u64) -> Option<u32> {
        let half = half(hash);
        let same = |known: &Known| known.hash == half && self.get(known.number) == name;
        self.numbers.find(hash, same).map(|known| known.number)
    }

    fn intern_hashed(&mut self, name: &str, hash: u64) -> u32 {
        if let Some(number) = self.find_hashed(name, hash) {
            return number;
        }
        let number = self.count() as u32;
        self.text.push_str(name);
        self.ends.push(self.text.len() as u64);
        self.hashes.push(hash);
        let hashes = &self.hashes;
        let known = Known { number, hash: half(hash) };
        self.numbers.insert_unique(hash, known, |known| hashes[known.number as usize]);
        number
    }
}

/// The half that the table does not use to place a name.
fn half(hash: u64) -> u32 {
    (hash >> 16) as u32
}

fn hash(name: &str) -> u64 {
    FixedState::default().hash_one(name)
}

/// Two numberings are equal where they number the same names alike.
impl PartialEq for Names {
    fn eq(&self, other: &Names) -> bool {
        (&self.text, &self.ends) == (&other.text, &other.ends)
    }
}

impl From<Vec<String>> for Names {
    fn from(list: Vec<String>) -> Names {
        let mut names = Names::default();
        for name in list {
            names.intern(&name);
        }
        names
    }
}

impl From<Names> for Vec<String> {
    fn from(names: Names) -> Vec<String> {
        (0..names.count() as u32).map(|number| names.get(number).to_owned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn joined_numberings_know_each_name_once() {
        let mut first = Names::from(vec!["b".to_owned(), String::new(), "a".to_owned()]);
        let next = Names::from(vec!["a".to_owned(), "c".to_owned(), String::new()]);
        assert_eq!(first.join(&next), [2, 3, 1]);
        assert_eq!(Vec::<String>::from(first.clone()), ["b", "", "a", "c"]);
        assert_eq!(first.sorted(), [1, 2, 0, 3]);
        assert_eq!(first.intern("b"), 0);
    }
}
