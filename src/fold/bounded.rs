//! A state for each of many names, for as many names as there is room for.

use std::{collections::BTreeMap, hash::BuildHasher};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::State;

/// Something that counts what it saw.
pub trait Counted {
    fn count(&self) -> u64;
}

/// States of up to `N` names: of all where there are no more, else of those with the smallest hashes (see
/// [`super::Distinct`] for why not the first ones).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "T: Serialize + DeserializeOwned")]
pub struct Bounded<T, const N: usize> {
    /// In order of hash and name.
    #[serde(with = "pairs")]
    states: BTreeMap<(u64, String), T>,
    /// Counted of names that had no room.
    pub others: u64,
}

impl<T, const N: usize> Default for Bounded<T, N> {
    fn default() -> Self {
        Bounded { states: BTreeMap::new(), others: 0 }
    }
}

impl<T: State + Counted, const N: usize> Bounded<T, N> {
    /// Lets `observe` add to the state of a name.
    pub fn observe(&mut self, name: &str, observe: impl FnOnce(&mut T)) {
        let mut seen = T::default();
        observe(&mut seen);
        self.add((hash(name), name.to_owned()), seen);
    }

    /// The names and their states, in order of name.
    pub fn sorted(&self) -> Vec<(&str, &T)> {
        let mut states: Vec<(&str, &T)> =
            self.states.iter().map(|((_, name), state)| (name.as_str(), state)).collect();
        states.sort_unstable_by_key(|(name, _)| *name);
        states
    }

    pub fn is_empty(&self) -> bool {
        self.states.is_empty()
    }

    fn add(&mut self, key: (u64, String), state: T) {
        self.states.entry(key).or_default().merge(state);
        if self.states.len() > N
            && let Some((_, dropped)) = self.states.pop_last()
        {
            self.others += dropped.count();
        }
    }
}

impl<T: State + Counted, const N: usize> State for Bounded<T, N> {
    fn merge(&mut self, next: Self) {
        let Bounded { states, others } = next;
        for (key, state) in states {
            self.add(key, state);
        }
        self.others += others;
    }
}

fn hash(name: &str) -> u64 {
    foldhash::quality::FixedState::default().hash_one(name)
}

/// A map whose key is no string, as a list of names and states.
mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};

    type Map<T> = BTreeMap<(u64, String), T>;

    pub(super) fn serialize<T: Serialize, S: Serializer>(map: &Map<T>, out: S) -> Result<S::Ok, S::Error> {
        out.collect_seq(map.iter().map(|((_, name), state)| (name, state)))
    }

    pub(super) fn deserialize<'de, T: DeserializeOwned, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Map<T>, D::Error> {
        let list = Vec::<(String, T)>::deserialize(from)?;
        Ok(list.into_iter().map(|(name, state)| ((super::hash(&name), name), state)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::{FirstN, laws};

    impl Counted for FirstN<u32, 2> {
        fn count(&self) -> u64 {
            self.seen
        }
    }

    #[test]
    fn joins_like_one_run() {
        let seen = [("a", 1), ("b", 2), ("a", 3), ("c", 4), ("d", 5), ("b", 6), ("d", 7), ("a", 8)];
        let observe = |name: &str, item: u32| (name.to_owned(), item);
        let items: Vec<(String, u32)> = seen.iter().map(|(name, item)| observe(name, *item)).collect();
        laws::hold::<Bounded<FirstN<u32, 2>, 2>, _>(&items, |state, (name, item)| {
            state.observe(name, |kept| kept.push(*item));
        });
        laws::hold::<Bounded<FirstN<u32, 2>, 9>, _>(&items, |state, (name, item)| {
            state.observe(name, |kept| kept.push(*item));
        });
    }
}
