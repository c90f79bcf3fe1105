//! States by name, for as many names as there is room for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{State, merge_maps};

/// The states of the `N` smallest names of a run.
///
/// Why not the first ones: a name that a later part dropped for lack of room may be among the first of the whole. One
/// of the smallest of the whole is among the smallest of every part that has it, so what is kept is exact.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "S: Serialize + DeserializeOwned")]
pub struct Smallest<S, const N: usize> {
    states: BTreeMap<String, S>,
    /// Whether a name had no room.
    pub beyond: bool,
}

impl<S: Default, const N: usize> Smallest<S, N> {
    /// The state of a name, if there is room for it.
    pub fn of(&mut self, name: &str) -> Option<&mut S> {
        let new = !self.states.contains_key(name);
        if new && self.states.len() >= N {
            self.beyond = true;
            if self.states.last_key_value().is_none_or(|(last, _)| name > last.as_str()) {
                return None;
            }
            self.states.pop_last();
        }
        Some(self.states.entry(name.to_owned()).or_default())
    }
}

impl<S, const N: usize> Smallest<S, N> {
    /// In order of name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &S)> {
        self.states.iter().map(|(name, state)| (name.as_str(), state))
    }

    pub fn get(&self, name: &str) -> Option<&S> {
        self.states.get(name)
    }
}

impl<S, const N: usize> Default for Smallest<S, N> {
    fn default() -> Self {
        Smallest { states: BTreeMap::new(), beyond: false }
    }
}

impl<S: State, const N: usize> State for Smallest<S, N> {
    fn merge(&mut self, next: Self) {
        let Smallest { states, beyond } = next;
        merge_maps(&mut self.states, states);
        self.beyond |= beyond;
        while self.states.len() > N {
            self.beyond = true;
            self.states.pop_last();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::{FirstN, laws};

    #[test]
    fn joins_like_one_run() {
        let items = ["d", "a", "c", "d", "b", "a", "e"];
        laws::hold::<Smallest<FirstN<u32, 1>, 2>, _>(&items, |states, name| {
            if let Some(state) = states.of(name) {
                state.push(1);
            }
        });
    }
}
