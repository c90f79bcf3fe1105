//! States by a name that few differ in, without losing what the many say.

use std::{collections::BTreeMap, hash::BuildHasher};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::State;

/// States of up to `N` names, those with the smallest hashes (see [`super::Distinct`] for why not the first ones); what
/// other names saw, and what has no name, is joined in one state. So nothing is lost but whose it was.
///
/// Names are joined in another order than they were seen in: `T`'s merge must commute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "T: Serialize + DeserializeOwned")]
pub struct Parted<T, const N: usize> {
    /// In order of name.
    named: BTreeMap<String, T>,
    rest: T,
}

impl<T: Default, const N: usize> Default for Parted<T, N> {
    fn default() -> Self {
        Parted { named: BTreeMap::new(), rest: T::default() }
    }
}

impl<T: State, const N: usize> Parted<T, N> {
    /// The state of a name; the empty name is none.
    pub fn observe(&mut self, name: &str, observe: impl FnOnce(&mut T)) {
        if name.is_empty() {
            return observe(&mut self.rest);
        }
        if let Some(known) = self.named.get_mut(name) {
            return observe(known);
        }
        let mut seen = T::default();
        observe(&mut seen);
        self.add(name.to_owned(), seen);
    }

    fn add(&mut self, name: String, state: T) {
        self.named.entry(name).or_default().merge(state);
        if self.named.len() > N
            && let Some(last) = self.named.keys().max_by_key(|name| (hash(name), *name)).cloned()
            && let Some(state) = self.named.remove(&last)
        {
            self.rest.merge(state);
        }
    }
}

impl<T, const N: usize> Parted<T, N> {
    /// Each name and its state, what has no name of its own first.
    pub fn iter(&self) -> impl Iterator<Item = (Option<&str>, &T)> {
        let named = self.named.iter().map(|(name, state)| (Some(name.as_str()), state));
        std::iter::once((None, &self.rest)).chain(named)
    }
}

impl<T: State, const N: usize> State for Parted<T, N> {
    fn merge(&mut self, next: Self) {
        let Parted { named, rest } = next;
        for (name, state) in named {
            self.add(name, state);
        }
        self.rest.merge(rest);
    }
}

fn hash(name: &str) -> u64 {
    foldhash::quality::FixedState::default().hash_one(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::{Distinct, laws};

    #[test]
    fn joins_like_one_run() {
        let seen = ["a", "b", "", "c", "a", "d", "b", "e"];
        laws::hold::<Parted<Distinct<9>, 2>, _>(&seen, |parts, name| {
            parts.observe(name, |values| values.add(name));
        });
    }

    #[test]
    fn nothing_is_lost_for_want_of_room() {
        let mut parts = Parted::<Distinct<9>, 2>::default();
        for name in ["a", "b", "c", "d", "", "a"] {
            parts.observe(name, |values| values.add("x"));
        }
        let counts = parts.iter().flat_map(|(_, values)| values.values()).map(|(_, count)| count);
        assert_eq!((counts.sum::<u64>(), parts.iter().count()), (6, 3));
    }
}
