//! Counts by size, fine enough for percentiles, joined without loss.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::State;

/// Values of one bucket share their first three digits, so they are within a hundredth of each other; a bucket answers
/// with the largest value that it saw, so the error of a percentile is below 1 %, and none where it holds one value.
/// Decimal, not binary as HDR histograms are (Tene, hdrhistogram.org): people choose thresholds like 1000 ms or 2.5 s,
/// and how many values exceed those is then exact.
const DIGITS: u32 = 3;
/// The first value whose digits do not all count.
const EXACT: u64 = 10_u64.pow(DIGITS);
/// Buckets of a decade.
const DECADE: u64 = EXACT - EXACT / 10;

/// How often values were seen, by size.
///
/// Memory: a bucket for each size that occurs, 15,485 at most.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    pub count: u64,
    pub sum: u128,
    pub min: Option<u64>,
    buckets: BTreeMap<u16, Bucket>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Bucket {
    count: u64,
    /// Of them, those that are the smallest that belongs here.
    floor: u64,
    /// The largest value seen.
    top: u64,
}

impl Histogram {
    pub fn add(&mut self, value: u64) {
        self.count += 1;
        self.sum += u128::from(value);
        self.min = Some(self.min.map_or(value, |min| min.min(value)));
        let (at, floor) = bucket_of(value);
        let bucket = self.buckets.entry(at).or_default();
        bucket.count += 1;
        bucket.floor += u64::from(value == floor);
        bucket.top = bucket.top.max(value);
    }

    /// How many values exceed a threshold; exact for one of three digits and zeros.
    pub fn over(&self, threshold: u64) -> u64 {
        let (at, floor) = bucket_of(threshold);
        let above: u64 = self.buckets.range(at + 1..).map(|(_, bucket)| bucket.count).sum();
        let within = self.buckets.get(&at).filter(|bucket| threshold == floor || bucket.top > threshold);
        above + within.map_or(0, |bucket| bucket.count - bucket.floor)
    }

    pub fn max(&self) -> Option<u64> {
        self.buckets.values().next_back().map(|bucket| bucket.top)
    }

    pub fn mean(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum as f64 / self.count as f64)
    }

    /// The smallest value that at least `share` (0 to 1) of all values do not exceed: the nearest rank.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let rank = ((share * self.count as f64).ceil() as u64).clamp(1, self.count.max(1));
        let mut below = 0;
        self.buckets.values().find_map(|bucket| {
            below += bucket.count;
            (below >= rank).then_some(bucket.top)
        })
    }
}

/// The bucket of a value and the smallest value of that bucket.
fn bucket_of(value: u64) -> (u16, u64) {
    if value < EXACT {
        return (value as u16, value);
    }
    let dropped = value.ilog10() + 1 - DIGITS;
    let scale = 10_u64.pow(dropped);
    let lead = value / scale;
    let at = EXACT + u64::from(dropped - 1) * DECADE + (lead - EXACT / 10);
    (at as u16, lead * scale)
}

impl State for Histogram {
    fn merge(&mut self, next: Self) {
        let Histogram { count, sum, min, buckets } = next;
        self.count += count;
        self.sum += sum;
        self.min = self.min.into_iter().chain(min).min();
        for (at, bucket) in buckets {
            let mine = self.buckets.entry(at).or_default();
            mine.count += bucket.count;
            mine.floor += bucket.floor;
            mine.top = mine.top.max(bucket.top);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::laws;

    #[test]
    fn joins_like_one_run() {
        laws::hold::<Histogram, _>(&[0, 5, 5, 127, 128, 1_000_000, u64::MAX, 3, 131, 1], |state, value| {
            state.add(*value);
        });
    }

    #[test]
    fn percentiles_are_within_a_hundredth_of_the_nearest_rank() {
        let mut seed = 1_u64;
        for scale in [10, 1_000, 1_000_000, 4_000_000_000] {
            let mut values: Vec<u64> = (0..5_000)
                .map(|_| {
                    seed =
                        seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (seed >> 33) % scale
                })
                .collect();
            let mut histogram = Histogram::default();
            for value in &values {
                histogram.add(*value);
            }
            values.sort_unstable();
            for share in [0.0, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0] {
                let rank = ((share * values.len() as f64).ceil() as usize).clamp(1, values.len());
                let (found, exact) = (histogram.quantile(share).expect("values"), values[rank - 1]);
                assert!(
                    found >= exact && (found - exact) as f64 <= exact as f64 * 0.01,
                    "{share}: {found} {exact}"
                );
            }
            assert_eq!((histogram.min, histogram.max()), (values.first().copied(), values.last().copied()));
        }
    }

    #[test]
    fn buckets_rise_and_fit() {
        let samples = (0..64).flat_map(|bit| [1_u64 << bit, (1 << bit) - 1, (1 << bit) | 1]);
        let mut all: Vec<u64> = samples.chain([999, 1000, 1009, 1010, u64::MAX]).collect();
        all.sort_unstable();
        assert!(all.windows(2).all(|pair| bucket_of(pair[0]).0 <= bucket_of(pair[1]).0));
        assert_eq!([999, 1000, 1009, 1010].map(|value| bucket_of(value).0), [999, 1000, 1000, 1001]);
        assert_eq!(bucket_of(u64::MAX), (15_484, 18_400_000_000_000_000_000));
    }

    #[test]
    fn what_exceeds_a_round_threshold_is_exact() {
        let mut histogram = Histogram::default();
        for value in [999_000, 999_999, 1_000_000, 1_000_000, 1_000_001, 1_001_000, 2_000_000] {
            histogram.add(value);
        }
        for (threshold, expected) in [(1_000_000, 3), (999_000, 6), (2_000_000, 0), (0, 7), (500, 7)] {
            assert_eq!(histogram.over(threshold), expected, "{threshold}");
        }
    }
}
