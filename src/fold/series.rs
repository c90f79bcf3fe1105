//! A quantity over time, in few enough points to keep.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::State;

/// Points kept at most. A day of samples every ten seconds is 8,640; then two share a point.
const POINTS: usize = 4096;

/// Samples by time. The resolution is the finest, a power of two of microseconds, at which all samples fit into
/// `POINTS`: it depends on the samples alone, not on how they were joined.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// A point holds `1 << shift` microseconds.
    shift: u32,
    points: BTreeMap<i64, Point>,
}

/// The samples of one stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Microseconds since 1970 of the first and the last.
    pub from: i64,
    pub to: i64,
    pub count: u64,
    pub min: f64,
    pub max: f64,
    /// When the largest was first seen.
    pub peak_at: i64,
    /// The value that was seen last; the larger of two at one time.
    pub last: f64,
}

impl Series {
    pub fn add(&mut self, time: i64, value: f64) {
        if value.is_nan() {
            return;
        }
        let point =
            Point { from: time, to: time, count: 1, min: value, max: value, peak_at: time, last: value };
        put(&mut self.points, time >> self.shift, point);
        self.fit();
    }

    pub fn points(&self) -> impl DoubleEndedIterator<Item = &Point> {
        self.points.values()
    }

    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    pub fn count(&self) -> u64 {
        self.points().map(|point| point.count).sum()
    }

    /// The largest value and when it was first seen.
    pub fn peak(&self) -> Option<(f64, i64)> {
        self.points().map(|point| (point.max, point.peak_at)).reduce(|a, b| if b.0 > a.0 { b } else { a })
    }

    fn fit(&mut self) {
        while self.points.len() > POINTS {
            self.coarsen(self.shift + 1);
        }
    }

    fn coarsen(&mut self, shift: u32) {
        if shift == self.shift {
            return;
        }
        let by = shift - self.shift;
        for (at, point) in std::mem::take(&mut self.points) {
            put(&mut self.points, at >> by, point);
        }
        self.shift = shift;
    }
}

fn put(points: &mut BTreeMap<i64, Point>, at: i64, point: Point) {
    points.entry(at).and_modify(|mine| mine.join(&point)).or_insert(point);
}

impl Point {
    fn join(&mut self, next: &Point) {
        self.last = match next.to.cmp(&self.to) {
            std::cmp::Ordering::Greater => next.last,
            std::cmp::Ordering::Equal => self.last.max(next.last),
            std::cmp::Ordering::Less => self.last,
        };
        if next.max > self.max || (next.max >= self.max && next.peak_at < self.peak_at) {
            self.peak_at = next.peak_at;
        }
        self.count += next.count;
        (self.min, self.max) = (self.min.min(next.min), self.max.max(next.max));
        (self.from, self.to) = (self.from.min(next.from), self.to.max(next.to));
    }
}

impl State for Series {
    fn merge(&mut self, mut next: Self) {
        let shift = self.shift.max(next.shift);
        self.coarsen(shift);
        next.coarsen(shift);
        let Series { shift: _, points } = next;
        for (at, point) in points {
            put(&mut self.points, at, point);
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
        laws::hold::<Series, _>(
            &[(5, 1.0), (9, 2.0), (1, 7.0), (9, 3.0), (4, 7.0)],
            |state, (time, value)| {
                state.add(*time, *value);
            },
        );
    }

    #[test]
    fn the_resolution_depends_on_the_samples_alone() {
        let samples: Vec<(i64, f64)> =
            (0..20_000).map(|at: i64| ((at * 7_919) % 20_011 * 1_000, (at % 97) as f64)).collect();
        let fold = |samples: &[(i64, f64)]| {
            let mut series = Series::default();
            for (time, value) in samples {
                series.add(*time, *value);
            }
            series
        };
        let whole = fold(&samples);
        assert!(whole.points.len() <= POINTS && whole.points.len() > POINTS / 4, "{}", whole.points.len());
        assert_eq!((whole.count(), whole.peak().map(|(value, _)| value)), (20_000, Some(96.0)));
        for cut in [0, 1, 5_000, 19_000] {
            let mut joined = fold(&samples[..cut]);
            joined.merge(fold(&samples[cut..]));
            assert_eq!(joined, whole, "cut at {cut}");
        }
    }
}
