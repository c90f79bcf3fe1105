//! A fingerprint of a set that two sources can be compared by, without keeping the set.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::State;

/// The `K` smallest distinct hashes of a run (bottom-k sketch, Cohen and Kaplan 2007). Order-free and mergeable.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BottomK<const K: usize> {
    hashes: BTreeSet<u64>,
}

impl<const K: usize> BottomK<K> {
    pub fn add(&mut self, hash: u64) {
        if self.hashes.len() < K {
            self.hashes.insert(hash);
        } else if self.hashes.last().is_some_and(|largest| hash < *largest) && self.hashes.insert(hash) {
            self.hashes.pop_last();
        }
    }

    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }

    /// Estimated share of the smaller set that the other holds as well, from 0 to 1.
    ///
    /// Looks at the range of hashes that both sketches cover in full: there, presence is known exactly.
    pub fn overlap(&self, other: &BottomK<K>) -> f64 {
        let covered = |sketch: &BottomK<K>| {
            if sketch.hashes.len() < K { u64::MAX } else { sketch.hashes.last().copied().unwrap_or(0) }
        };
        let limit = covered(self).min(covered(other));
        let (mine, theirs) = (self.hashes.range(..=limit).count(), other.hashes.range(..=limit).count());
        let both = self.hashes.range(..=limit).filter(|hash| other.hashes.contains(hash)).count();
        let smaller = mine.min(theirs);
        if smaller == 0 { 0.0 } else { both as f64 / smaller as f64 }
    }
}

impl<const K: usize> State for BottomK<K> {
    fn merge(&mut self, next: Self) {
        let BottomK { hashes } = next;
        for hash in hashes {
            self.add(hash);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::laws;

    #[test]
    fn joins_like_one_run() {
        laws::hold::<BottomK<3>, _>(&[40, 10, 30, 10, 20, 50], |state, hash| state.add(*hash));
    }

    #[test]
    fn tells_twins_from_strangers() {
        let spread = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let sketch = |range: std::ops::Range<u64>| {
            let mut sketch = BottomK::<64>::default();
            range.for_each(|n| sketch.add(spread(n)));
            sketch
        };
        assert!(sketch(0..1000).overlap(&sketch(0..1000)) > 0.99);
        assert!(sketch(0..1000).overlap(&sketch(0..200)) > 0.99, "a part of it");
        assert!(sketch(0..1000).overlap(&sketch(5000..6000)) < 0.01);
        assert!(sketch(0..0).overlap(&sketch(0..10)) < 0.01);
    }
}
