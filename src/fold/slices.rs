//! States by stretch of time, for as many stretches as there is room for.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::State;

/// What happened in each stretch of time that anything happened in. All stretches are as long as each other: the
/// shortest power of two of microseconds, `1 << FINEST` or longer, at which there are no more than `N`. So the length
/// depends on the times alone, not on how parts were joined.
///
/// Stretches are joined in order of time, records are seen in order of the source: `T`'s merge must also commute.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(bound = "T: Serialize + DeserializeOwned")]
pub struct Slices<T, const N: usize, const FINEST: u32> {
    shift: u32,
    slices: BTreeMap<i64, T>,
}

impl<T, const N: usize, const FINEST: u32> Default for Slices<T, N, FINEST> {
    fn default() -> Self {
        Slices { shift: FINEST, slices: BTreeMap::new() }
    }
}

impl<T: State, const N: usize, const FINEST: u32> Slices<T, N, FINEST> {
    /// The state of the stretch that a time is in, in microseconds since 1970.
    pub fn observe(&mut self, time: i64, observe: impl FnOnce(&mut T)) {
        observe(self.slices.entry(time >> self.shift).or_default());
        self.fit();
    }

    fn fit(&mut self) {
        while self.slices.len() > N {
            self.coarsen(self.shift + 1);
        }
    }

    fn coarsen(&mut self, shift: u32) {
        if shift == self.shift {
            return;
        }
        let by = shift - self.shift;
        for (at, state) in std::mem::take(&mut self.slices) {
            self.slices.entry(at >> by).or_default().merge(state);
        }
        self.shift = shift;
    }
}

impl<T, const N: usize, const FINEST: u32> Slices<T, N, FINEST> {
    /// The states in order of time.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.slices.values()
    }
}

impl<T: State, const N: usize, const FINEST: u32> State for Slices<T, N, FINEST> {
    fn merge(&mut self, mut next: Self) {
        let shift = self.shift.max(next.shift);
        self.coarsen(shift);
        next.coarsen(shift);
        let Slices { shift: _, slices } = next;
        super::merge_maps(&mut self.slices, slices);
        self.fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::{Distinct, laws};

    #[test]
    fn joins_like_one_run() {
        let seen = [(5, "a"), (90, "b"), (1, "a"), (17, "c"), (40, "d"), (300, "a")];
        laws::hold::<Slices<Distinct<2>, 3, 2>, _>(&seen, |slices, (time, value)| {
            slices.observe(*time, |values| values.add(value));
        });
    }

    #[test]
    fn slices_are_as_short_as_there_is_room_for() {
        let mut slices = Slices::<Distinct<9>, 2, 3>::default();
        for time in [0, 7, 9, -1, 31] {
            slices.observe(time, |values| values.add("x"));
        }
        let counts: Vec<u64> =
            slices.iter().flat_map(|values| values.values()).map(|(_, count)| count).collect();
        assert_eq!(counts, [1, 4]);
    }
}
