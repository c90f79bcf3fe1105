//! From facts to the few numbers that a chart is drawn from.

use crate::{
    fold::{Histogram, Series},
    model::{
        Timestamp, Window,
        chart::{Bucket, OverTime, Sample},
        time::SECOND,
    },
};

/// Stretches of a small chart: as many as one can tell apart at the width of a word or two.
const STEPS: i64 = 60;
/// Points of a curve.
const POINTS: usize = 240;
/// Where the buckets of a distribution end, in microseconds: 1, 2 and 5 of each power of ten from 0.1 ms to 100 s.
const BOUNDS: [u64; 18] = [
    100,
    200,
    500,
    1_000,
    2_000,
    5_000,
    10_000,
    20_000,
    50_000,
    100_000,
    200_000,
    500_000,
    1_000_000,
    2_000_000,
    5_000_000,
    10_000_000,
    30_000_000,
    100_000_000,
];

/// Counts by time, in stretches of a whole number of seconds.
pub fn over_time(counts: impl Iterator<Item = (Timestamp, u64)>, window: &Window) -> OverTime {
    let (Some(from), Some(to)) = (window.from, window.to) else { return OverTime::default() };
    let seconds = to.since(from) / SECOND + 1;
    let step = (seconds + STEPS - 1) / STEPS * SECOND;
    let mut over_time = OverTime {
        from: Some(from),
        step_ms: step as f64 / 1e3,
        counts: vec![0; (to.since(from) / step + 1) as usize],
    };
    for (at, count) in counts {
        // What is counted by a stretch that begins before the window belongs to its first step.
        let step = (at.since(from).max(0) / step) as usize;
        if let Some(sum) = over_time.counts.get_mut(step) {
            *sum += count;
        }
    }
    over_time
}

/// A curve through the largest of each few points.
pub(super) fn samples(series: &Series) -> Vec<Sample> {
    let points: Vec<_> = series.points().collect();
    let together = points.len().div_ceil(POINTS).max(1);
    let largest = points.chunks(together).filter_map(|few| few.iter().max_by(|a, b| a.max.total_cmp(&b.max)));
    largest.map(|point| Sample { at: Timestamp(point.peak_at), value: point.max }).collect()
}

/// How many values each bucket holds, from the first to the last that holds any.
pub(super) fn distribution(durations: &Histogram) -> Vec<Bucket> {
    let mut over: Vec<u64> = vec![durations.count];
    over.extend(BOUNDS.iter().map(|bound| durations.over(*bound)));
    over.push(0);
    let bounds = BOUNDS.iter().map(|bound| Some(*bound as f64 / 1e3)).chain([None]);
    let buckets: Vec<Bucket> = bounds
        .zip(over.windows(2))
        .map(|(up_to_ms, pair)| Bucket { up_to_ms, count: pair[0] - pair[1] })
        .collect();
    let holds = |bucket: &Bucket| bucket.count > 0;
    match (buckets.iter().position(holds), buckets.iter().rposition(holds)) {
        (Some(first), Some(last)) => buckets[first..=last].to_vec(),
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_fall_into_whole_seconds() {
        let at = |second: i64| Timestamp(second * SECOND);
        let window = Window { from: Some(at(100)), to: Some(at(300)) };
        let counts = [(at(99), 1), (at(100), 2), (at(103), 3), (at(104), 4), (at(300), 5)];
        let chart = over_time(counts.into_iter(), &window);
        assert_eq!((chart.step_ms, chart.counts.len()), (4000.0, 51));
        assert_eq!((chart.counts[0], chart.counts[1], chart.counts[50]), (6, 4, 5));
        assert_eq!(chart.at(50), Some(at(300)));
        assert!(over_time([(at(1), 1)].into_iter(), &Window::default()).is_empty());
        let moment = Window { from: Some(at(1)), to: Some(at(1)) };
        assert_eq!(over_time([(at(1), 7)].into_iter(), &moment).counts, [7]);
    }

    #[test]
    fn buckets_hold_all_values() {
        let mut durations = Histogram::default();
        for micros in [100, 101, 999_999, 1_000_000, 2_000_000_000] {
            durations.add(micros);
        }
        let buckets = distribution(&durations);
        let full: Vec<(Option<f64>, u64)> = buckets
            .iter()
            .filter(|bucket| bucket.count > 0)
            .map(|bucket| (bucket.up_to_ms, bucket.count))
            .collect();
        assert_eq!(full, [(Some(0.1), 1), (Some(0.2), 1), (Some(1000.0), 2), (None, 1)]);
        assert!(distribution(&Histogram::default()).is_empty());
    }

    #[test]
    fn curves_keep_their_peaks() {
        let mut series = Series::default();
        for at in 0..1000 {
            series.add(at * SECOND, if at == 777 { 9.0 } else { 1.0 });
        }
        let curve = samples(&series);
        assert!(curve.len() <= POINTS);
        assert!(curve.contains(&Sample { at: Timestamp(777 * SECOND), value: 9.0 }));
    }
}
