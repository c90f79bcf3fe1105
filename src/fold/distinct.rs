//! How often each distinct value occurred, for as many values as there is room for.

use std::{borrow::Cow, hash::BuildHasher};

use serde::{Deserialize, Serialize};

use super::State;

/// Exact counts of up to `N` distinct values: all of them where there are no more, else those with the smallest
/// hashes.
///
/// Why not the first ones: a value that a later part dropped for lack of room may be among the first of the whole,
/// and its count would depend on where the parts were cut. One of the smallest hashes of the whole is among the
/// smallest of every part that has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Distinct<const N: usize> {
    /// In order of hash and value.
    counts: Vec<(u64, String, u64)>,
    /// Occurrences of values that had no room.
    pub others: u64,
}

impl<const N: usize> Distinct<N> {
    pub fn add(&mut self, value: &str) {
        let hash = foldhash::quality::FixedState::default().hash_one(value);
        let full = self.counts.len() == N;
        if full && self.counts.last().is_some_and(|(last, text, _)| (hash, value) > (*last, text.as_str())) {
            self.others += 1;
            return;
        }
        self.insert(hash, Cow::Borrowed(value), 1);
    }

    /// The values and their counts, in order of value.
    pub fn values(&self) -> Vec<(&str, u64)> {
        let mut values: Vec<(&str, u64)> =
            self.counts.iter().map(|(_, value, count)| (value.as_str(), *count)).collect();
        values.sort_unstable();
        values
    }

    fn insert(&mut self, hash: u64, value: Cow<'_, str>, count: u64) {
        let at =
            self.counts.binary_search_by(|(known, text, _)| (*known, text.as_str()).cmp(&(hash, &*value)));
        match at {
            Ok(at) => self.counts[at].2 += count,
            Err(at) => {
                self.counts.insert(at, (hash, value.into_owned(), count));
                if self.counts.len() > N {
                    self.others += self.counts.pop().map_or(0, |(_, _, count)| count);
                }
            }
        }
    }
}

impl<const N: usize> State for Distinct<N> {
    fn merge(&mut self, next: Self) {
        let Distinct { counts, others } = next;
        for (hash, value, count) in counts {
            self.insert(hash, Cow::Owned(value), count);
        }
        self.others += others;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::laws;

    #[test]
    fn joins_like_one_run() {
        let values = ["a", "b", "a", "c", "d", "b", "d", "a"];
        laws::hold::<Distinct<2>, _>(&values, |state, value| state.add(value));
        laws::hold::<Distinct<9>, _>(&values, |state, value| state.add(value));
    }

    #[test]
    fn counts_all_where_there_is_room() {
        let mut state = Distinct::<4>::default();
        for value in ["b", "a", "b"] {
            state.add(value);
        }
        assert_eq!((state.values(), state.others), (vec![("a", 1), ("b", 2)], 0));
    }
}
