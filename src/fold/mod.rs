//! What some of the evidence adds up to: small states that join.
//!
//! Everything here obeys one law, and one helper (`laws::hold`) tests it for each: folding a run whole, or cutting
//! it anywhere and joining the parts from either side, gives the same state. That law is what lets threads, files,
//! nights and machines share one code path.

mod bins;
mod bottom_k;
mod bounded;
mod days;
mod distinct;
mod first_n;
mod histogram;
mod largest;
mod parted;
pub mod segments;
mod series;
mod slices;
mod smallest;
pub mod stats;

pub use bins::Bins;
pub use bottom_k::BottomK;
pub use bounded::{Bounded, Counted};
pub use days::Days;
pub use distinct::Distinct;
pub use first_n::FirstN;
pub use histogram::Histogram;
pub use largest::Largest;
pub use parted::Parted;
pub use series::{Point, Series};
pub use slices::Slices;
pub use smallest::Smallest;

use serde::{Serialize, de::DeserializeOwned};

/// State folded over a run of records, joined with the state of the run after it.
///
/// Laws: `Default` is an identity, and `merge` is associative. It need not commute: `self` is always the earlier
/// run and `next` the one directly after it.
///
/// Write `merge` by destructuring `next` without `..`, so that a field added later cannot be forgotten.
pub trait State: Default + Serialize + DeserializeOwned + Send + 'static {
    fn merge(&mut self, next: Self);
}

/// Joins two maps of states key by key.
pub fn merge_maps<K: Ord, S: State>(
    into: &mut std::collections::BTreeMap<K, S>,
    next: std::collections::BTreeMap<K, S>,
) {
    for (key, state) in next {
        into.entry(key).or_default().merge(state);
    }
}

#[cfg(test)]
pub(crate) mod laws {
    //! The one helper that every state's tests go through.

    use std::fmt::Debug;

    use super::State;

    /// Folds `items` whole, then cut in three at every pair of places, each piece saved and loaded again, joined
    /// from the left and from the right. All must equal the whole.
    #[track_caller]
    pub(crate) fn hold<S: State + PartialEq + Debug, I>(items: &[I], observe: impl Fn(&mut S, &I)) {
        let fold = |items: &[I]| {
            let mut state = S::default();
            for item in items {
                observe(&mut state, item);
            }
            saved_and_loaded(&state)
        };
        let whole = fold(items);
        for first in 0..=items.len() {
            for second in first..=items.len() {
                let pieces = || (fold(&items[..first]), fold(&items[first..second]), fold(&items[second..]));
                let (mut left, middle, last) = pieces();
                left.merge(middle);
                left.merge(last);
                assert_eq!(left, whole, "cut at {first} and {second}, joined from the left");
                let (mut left, mut middle, last) = pieces();
                middle.merge(last);
                left.merge(middle);
                assert_eq!(left, whole, "cut at {first} and {second}, joined from the right");
            }
        }
    }

    fn saved_and_loaded<S: State>(state: &S) -> S {
        let saved = postcard::to_stdvec(state).expect("a state can be saved");
        postcard::from_bytes(&saved).expect("what was saved can be loaded")
    }
}
