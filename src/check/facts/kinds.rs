//! Types of events, numbered by first appearance: two bytes of a row tell its type.
//!
//! A store has dozens of types, and rows of one type stand together. A name that carries an id (`order-42-shipped`) would
//! make millions: past what two bytes hold, all further types are one, and nothing is counted by type.

use serde::{Deserialize, Serialize};

use super::names::Names;

/// Types that have a number of their own.
const MOST: usize = 65_000;

/// The number of all types beyond.
const OTHER: u16 = u16::MAX;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kinds {
    names: Names,
    /// Whether a type has no number of its own.
    full: bool,
}

/// The numbers that types have elsewhere, by their number here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Renumbered(Vec<u16>);

impl Kinds {
    /// The number of a type, a new one where it is new.
    pub fn intern(&mut self, name: &str) -> u16 {
        // Most often it is the type of the row before, or the only one.
        match self.names.find(name) {
            Some(number) => number as u16,
            None if self.names.count() < MOST => self.names.intern(name) as u16,
            None => {
                self.full = true;
                OTHER
            }
        }
    }

    /// Takes in the types of `next`, and tells the number that each of them has here.
    pub fn join(&mut self, next: &Kinds) -> Renumbered {
        self.full |= next.full;
        Renumbered((0..next.count()).map(|number| self.intern(next.names.get(number as u32))).collect())
    }

    pub fn count(&self) -> usize {
        self.names.count()
    }

    /// The type of a number; `None` for those that have none of their own.
    pub fn name(&self, number: u16) -> Option<&str> {
        (usize::from(number) < self.count()).then(|| self.names.get(u32::from(number)))
    }

    /// Whether every type has a number of its own, so that counts by type are exact.
    pub fn are_all(&self) -> bool {
        !self.full
    }
}

impl Renumbered {
    pub(super) fn same(count: usize) -> Renumbered {
        Renumbered((0..count).map(|number| number as u16).collect())
    }

    pub fn of(&self, number: u16) -> u16 {
        self.0.get(usize::from(number)).copied().unwrap_or(OTHER)
    }

    /// These numbers renumbered once more.
    pub(super) fn then(&self, next: &Renumbered) -> Renumbered {
        Renumbered(self.0.iter().map(|number| next.of(*number)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_past_the_last_number_are_one() {
        let mut kinds = Kinds::default();
        for number in 0..MOST {
            assert_eq!(usize::from(kinds.intern(&number.to_string())), number);
        }
        assert!(kinds.are_all());
        assert_eq!((kinds.intern("one more"), kinds.intern("7")), (OTHER, 7));
        assert!(!kinds.are_all());
        let mut first = Kinds::default();
        first.intern("7");
        let renumbered = first.join(&kinds);
        assert_eq!((renumbered.of(7), renumbered.of(0), renumbered.of(OTHER)), (0, 1, OTHER));
        assert_eq!(renumbered.then(&Renumbered::same(MOST)).of(7), 0);
        assert!(!first.are_all());
    }
}
