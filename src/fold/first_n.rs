//! The first few of many, with an exact count of all.

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::State;

/// Keeps the first `N` items of a run and counts the rest: samples are bounded, counts are exact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(bound = "T: Serialize + DeserializeOwned")]
pub struct FirstN<T, const N: usize> {
    pub items: Vec<T>,
    /// All that were seen, kept or not.
    pub seen: u64,
}

impl<T, const N: usize> FirstN<T, N> {
    pub fn push(&mut self, item: T) {
        self.push_with(|| item);
    }

    /// Builds the item only if it is kept.
    pub fn push_with(&mut self, item: impl FnOnce() -> T) {
        self.seen += 1;
        if self.items.len() < N {
            self.items.push(item());
        }
    }
}

impl<T, const N: usize> Default for FirstN<T, N> {
    fn default() -> Self {
        FirstN { items: Vec::new(), seen: 0 }
    }
}

impl<T: Serialize + DeserializeOwned + Send + 'static, const N: usize> State for FirstN<T, N> {
    fn merge(&mut self, next: Self) {
        let FirstN { items, seen } = next;
        self.seen += seen;
        let room = N - self.items.len();
        self.items.extend(items.into_iter().take(room));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::laws;

    #[test]
    fn joins_like_one_run() {
        laws::hold::<FirstN<u32, 3>, _>(&[5, 3, 9, 1, 7], |state, item| state.push(*item));
    }
}
