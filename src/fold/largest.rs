//! The few largest of many.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::State;

/// Keeps the `N` largest items by a number; of equals the earlier ones of the run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "T: Serialize + DeserializeOwned")]
pub struct Largest<T, const N: usize> {
    /// The largest first.
    pub items: Vec<(u64, T)>,
}

impl<T, const N: usize> Largest<T, N> {
    /// Builds the item only if it is kept.
    pub fn push_with(&mut self, size: u64, item: impl FnOnce() -> T) {
        if self.items.len() == N && self.items.last().is_some_and(|(least, _)| *least >= size) {
            return;
        }
        let at = self.items.partition_point(|(known, _)| *known >= size);
        self.items.insert(at, (size, item()));
        self.items.truncate(N);
    }
}

impl<T, const N: usize> Default for Largest<T, N> {
    fn default() -> Self {
        Largest { items: Vec::new() }
    }
}

impl<T: Serialize + DeserializeOwned + Send + 'static, const N: usize> State for Largest<T, N> {
    fn merge(&mut self, next: Self) {
        let Largest { items } = next;
        for (size, item) in items {
            self.push_with(size, || item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::laws;

    #[test]
    fn joins_like_one_run() {
        let items = [(3, 'a'), (9, 'b'), (3, 'c'), (1, 'd'), (9, 'e'), (4, 'f'), (3, 'g')];
        laws::hold::<Largest<char, 4>, _>(&items, |state, (size, item)| state.push_with(*size, || *item));
    }
}
