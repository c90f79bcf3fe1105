//! How often something happened over time, in few enough bins to keep.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::State;

/// Bins kept at most: enough to see a burst of a minute in four hours.
const BINS: usize = 256;
/// The finest bin is `1 << FINEST` microseconds, a little more than a second.
const FINEST: u32 = 20;

/// Counts by time. A bin is a power of two of microseconds wide, the finest at which the bins that hold something fit:
/// it depends on the times alone, not on how they were joined. Bound: `BINS` numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bins {
    /// Beyond the finest.
    shift: u32,
    counts: BTreeMap<i64, u64>,
}

impl Bins {
    pub fn add(&mut self, time: i64) {
        *self.counts.entry(time >> self.width()).or_default() += 1;
        self.fit();
    }

    pub fn is_empty(&self) -> bool {
        self.counts.is_empty()
    }

    /// When each bin that holds something begins, in microseconds since 1970, and its count.
    pub fn iter(&self) -> impl Iterator<Item = (i64, u64)> + '_ {
        self.counts.iter().map(|(at, count)| (at << self.width(), *count))
    }

    /// Width of a bin, as a power of two of microseconds.
    pub fn width(&self) -> u32 {
        FINEST + self.shift
    }

    /// Counts from bin `from` up to bin `to` of this width, which must not be finer than the bins' own.
    pub fn counts(&self, width: u32, from: i64, to: i64) -> Vec<u64> {
        let mut counts = vec![0; usize::try_from(to - from + 1).unwrap_or_default()];
        for (at, count) in &self.counts {
            let at = (at >> width.saturating_sub(self.width())) - from;
            if let Some(bin) = usize::try_from(at).ok().and_then(|at| counts.get_mut(at)) {
                *bin += count;
            }
        }
        counts
    }

    fn fit(&mut self) {
        while self.counts.len() > BINS {
            self.coarsen(self.shift + 1);
        }
    }

    fn coarsen(&mut self, shift: u32) {
        if shift == self.shift {
            return;
        }
        let by = shift - self.shift;
        for (at, count) in std::mem::take(&mut self.counts) {
            *self.counts.entry(at >> by).or_default() += count;
        }
        self.shift = shift;
    }
}

impl State for Bins {
    fn merge(&mut self, mut next: Self) {
        let shift = self.shift.max(next.shift);
        self.coarsen(shift);
        next.coarsen(shift);
        let Bins { shift: _, counts } = next;
        for (at, count) in counts {
            *self.counts.entry(at).or_default() += count;
        }
        self.fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::laws;

    #[test]
    fn joins_like_one_run() {
        laws::hold::<Bins, _>(&[5, 9_000_000, 1, 400_000_000, 9_000_000], |state, time| state.add(*time));
    }

    #[test]
    fn the_width_depends_on_the_times_alone() {
        let times: Vec<i64> = (0..3_000).map(|at: i64| ((at * 7_919) % 20_011) * 1_000_000).collect();
        let fold = |times: &[i64]| {
            let mut bins = Bins::default();
            for time in times {
                bins.add(*time);
            }
            bins
        };
        let whole = fold(&times);
        assert!(whole.counts.len() <= BINS && whole.counts.len() > BINS / 4, "{}", whole.counts.len());
        assert_eq!(whole.counts(whole.width() + 20, 0, 0), [3_000]);
        for cut in [0, 1, 700, 2_990] {
            let mut joined = fold(&times[..cut]);
            joined.merge(fold(&times[cut..]));
            assert_eq!(joined, whole, "cut at {cut}");
        }
    }
}
