//! Where a rate changes: counts over time, cut into stretches of one rate each.

/// A stretch of bins with one rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The first bin, and the one behind the last.
    pub from: usize,
    pub to: usize,
    /// All that was counted in it.
    pub sum: u64,
}

/// What a further segment must win, in units of `ln n`: three, as measured in the research note (A4) to find no
/// change in quiet series while finding bursts of five times the rate.
const PENALTY: f64 = 3.0;
/// The median of the squared difference of two normal deviates, by twice their variance (the first quartile of a
/// chi-squared distribution of one degree): what makes the estimate of dispersion robust.
const MEDIAN_SQUARE: f64 = 0.4549;

impl Segment {
    /// Counted in each bin.
    pub fn rate(&self) -> f64 {
        self.sum as f64 / (self.to - self.from) as f64
    }
}

/// The segmentation of least cost: for each segment of sum `S` and length `L` the Poisson cost `-S ln(S / L)`, and a
/// penalty of `3 ln(n) phi` for each, where `phi` is how much more the counts vary than Poisson's would (never less
/// than 1). Exact, by dynamic programming over all cuts (Jackson et al., 2005): quadratic in the number of bins.
pub fn segments(counts: &[u64]) -> Vec<Segment> {
    let n = counts.len();
    if n == 0 {
        return Vec::new();
    }
    let mut before = vec![0u64; n + 1];
    for (at, count) in counts.iter().enumerate() {
        before[at + 1] = before[at] + count;
    }
    let beta = PENALTY * (n as f64).ln() * dispersion(counts);
    let cost = |from: usize, to: usize| {
        let sum = (before[to] - before[from]) as f64;
        if sum > 0.0 { -sum * (sum / (to - from) as f64).ln() } else { 0.0 }
    };
    // The least cost of the first bins, and where the last segment of it begins.
    let mut best = vec![(0.0, 0); n + 1];
    for to in 1..=n {
        best[to] = (0..to)
            .map(|from| (best[from].0 + cost(from, to) + beta, from))
            .fold((f64::INFINITY, 0), |least, next| if next.0 < least.0 { next } else { least });
    }
    let mut segments = Vec::new();
    let mut to = n;
    while to > 0 {
        let from = best[to].1;
        segments.push(Segment { from, to, sum: before[to] - before[from] });
        to = from;
    }
    segments.reverse();
    segments
}

/// The rate at which half of the time passes: of the segments in order of rate, the one that holds the middle bin.
pub fn usual_rate(segments: &[Segment]) -> f64 {
    let mut by_rate: Vec<&Segment> = segments.iter().collect();
    by_rate.sort_by(|a, b| a.rate().total_cmp(&b.rate()));
    let half = by_rate.iter().map(|segment| segment.to - segment.from).sum::<usize>().div_ceil(2);
    let mut passed = 0;
    for segment in by_rate {
        passed += segment.to - segment.from;
        if passed >= half {
            return segment.rate();
        }
    }
    0.0
}

/// How many times the variance of Poisson's the counts have, from differences of neighbours, so that a change of the
/// rate itself does not count.
fn dispersion(counts: &[u64]) -> f64 {
    let mean = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    let mut squares: Vec<f64> =
        counts.windows(2).map(|pair| (pair[1] as f64 - pair[0] as f64).powi(2)).collect();
    if squares.is_empty() || mean <= 0.0 {
        return 1.0;
    }
    let middle = squares.len() / 2;
    let median = *squares.select_nth_unstable_by(middle, f64::total_cmp).1;
    (median / (2.0 * MEDIAN_SQUARE * mean)).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Runs of equal counts as `COUNTxBINS`, and the cuts that must be found.
    #[test]
    fn cuts_where_the_rate_changes() {
        for (runs, cuts) in [
            ("0x10", &[][..]),
            ("2x100", &[]),
            ("0x40 5x10 0x50", &[40, 50]),
            ("2x100 10x10 2x100", &[100, 110]),
            ("0x100 1x1 0x100", &[]),
            ("0x100 40x1 0x100", &[100, 101]),
            ("20x50 40x50", &[50]),
        ] {
            let counts: Vec<u64> = runs
                .split(' ')
                .map(|run| run.split_once('x').expect("a count and a number of bins"))
                .flat_map(|(count, bins)| {
                    vec![count.parse().expect("a count"); bins.parse().expect("a number")]
                })
                .collect();
            let found = segments(&counts);
            let ends: Vec<usize> = found.iter().map(|segment| segment.to).collect();
            let cut: Vec<usize> = ends[..ends.len() - 1].to_vec();
            assert_eq!(cut, cuts, "{runs}: {found:?}");
        }
        assert!(segments(&[]).is_empty());
    }

    #[test]
    fn the_usual_rate_is_not_moved_by_a_burst() {
        let counts: Vec<u64> = [vec![2; 100], vec![50; 30], vec![2; 70]].concat();
        assert!((usual_rate(&segments(&counts)) - 2.0).abs() < 1e-9);
        assert!(usual_rate(&[]).abs() < 1e-9);
    }

    #[test]
    fn noise_alone_is_one_segment() {
        // A linear congruential generator (Knuth): the same noise each time.
        let mut state = 7u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % 7
        };
        let counts: Vec<u64> = (0..480).map(|_| next()).collect();
        assert_eq!(segments(&counts).len(), 1);
    }
}
