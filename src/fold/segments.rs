//! When a count over time changed its rate: exact segmentation, no training, no randomness.

/// A run of bins with one rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    pub from: usize,
    /// One past the last bin.
    pub to: usize,
    pub sum: u64,
}

/// A segment whose rate is well above the usual one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Burst {
    pub segment: Segment,
    /// The usual rate, a bin.
    pub usual: f64,
}

/// A burst has so many times the usual rate at least, and so many occurrences more than usual.
const TIMES: f64 = 2.0;
const MORE: f64 = 5.0;

impl Segment {
    /// Occurrences a bin.
    pub fn rate(self) -> f64 {
        self.sum as f64 / self.bins() as f64
    }

    fn bins(self) -> usize {
        self.to - self.from
    }
}

/// Cuts counts into runs of one rate each: the cut that minimises the Poisson cost, `-S ln(S / L)` for a run of `L` bins
/// with `S` occurrences, plus a penalty of `3 ln n` for each run (optimal partitioning, Jackson et al. 2005; the cost is
/// that of Killick, Fearnhead and Eckley 2012). Counts that scatter more than Poisson's are penalised by as much more.
/// Takes the square of the number of bins.
pub fn segments(counts: &[u64]) -> Vec<Segment> {
    let n = counts.len();
    if n == 0 {
        return Vec::new();
    }
    let penalty = 3.0 * (n.max(2) as f64).ln() * dispersion(counts);
    let mut sums = vec![0_u64; n + 1];
    for (at, count) in counts.iter().enumerate() {
        sums[at + 1] = sums[at] + count;
    }
    let cost = |from: usize, to: usize| {
        let sum = (sums[to] - sums[from]) as f64;
        if sum > 0.0 { -sum * (sum / (to - from) as f64).ln() } else { 0.0 }
    };
    let (mut best, mut begins) = (vec![0.0_f64; n + 1], vec![0_usize; n + 1]);
    for to in 1..=n {
        best[to] = f64::INFINITY;
        for from in 0..to {
            let total = best[from] + cost(from, to) + penalty;
            if total < best[to] {
                (best[to], begins[to]) = (total, from);
            }
        }
    }
    let (mut segments, mut to) = (Vec::new(), n);
    while to > 0 {
        let from = begins[to];
        segments.push(Segment { from, to, sum: sums[to] - sums[from] });
        to = from;
    }
    segments.reverse();
    segments
}

/// The usual rate: the median of the rates of segments, by how long they are.
pub fn usual(segments: &[Segment]) -> f64 {
    let mut rates: Vec<(f64, usize)> =
        segments.iter().map(|segment| (segment.rate(), segment.bins())).collect();
    rates.sort_by(|a, b| a.0.total_cmp(&b.0));
    let half = rates.iter().map(|(_, bins)| bins).sum::<usize>() as f64 / 2.0;
    let mut seen = 0.0;
    for (rate, bins) in rates {
        seen += bins as f64;
        if seen >= half {
            return rate;
        }
    }
    0.0
}

/// The bursts among segments, in order of time.
pub fn bursts(segments: &[Segment]) -> Vec<Burst> {
    let usual = usual(segments);
    let is_burst = |segment: &&Segment| {
        segment.rate() >= TIMES * usual && (segment.rate() - usual) * segment.bins() as f64 >= MORE
    };
    segments.iter().filter(is_burst).map(|segment| Burst { segment: *segment, usual }).collect()
}

/// How much more counts scatter than Poisson's, one at least: by the median of squared differences of neighbours, which
/// for a normal with the variance of a Poisson of this mean is `2 * 0.4549` times the mean.
fn dispersion(counts: &[u64]) -> f64 {
    const MEDIAN_OF_SQUARES: f64 = 0.4549;
    let mean = counts.iter().sum::<u64>() as f64 / counts.len() as f64;
    let mut squares: Vec<u64> =
        counts.windows(2).map(|pair| pair[0].abs_diff(pair[1]).saturating_pow(2)).collect();
    squares.sort_unstable();
    let Some(median) = squares.get(squares.len() / 2).filter(|_| mean > 0.0) else { return 1.0 };
    (*median as f64 / (2.0 * MEDIAN_OF_SQUARES * mean)).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Poisson counts from a fixed sequence: multiplications of uniform numbers until they fall below `exp(-mean)`.
    fn poisson(seed: &mut u64, mean: f64) -> u64 {
        let mut uniform = || {
            *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (*seed >> 11) as f64 / (1_u64 << 53) as f64
        };
        let (limit, mut product, mut count) = ((-mean).exp(), 1.0, 0);
        loop {
            product *= uniform();
            if product < limit {
                return count;
            }
            count += 1;
        }
    }

    #[test]
    fn bursts_are_found_where_they_begin_and_nowhere_else() {
        let (mut seed, mut alarms, mut found) = (7, 0, 0);
        for _ in 0..60 {
            let mut counts: Vec<u64> = (0..240).map(|_| poisson(&mut seed, 3.0)).collect();
            alarms += bursts(&segments(&counts)).len();
            for count in &mut counts[100..110] {
                *count = poisson(&mut seed, 15.0);
            }
            let bursts = bursts(&segments(&counts));
            found += usize::from(bursts.len() == 1 && bursts[0].segment.from.abs_diff(100) <= 1);
        }
        assert_eq!(alarms, 0);
        assert!(found >= 57, "{found} of 60");
    }

    #[test]
    fn silence_is_a_segment() {
        let counts: Vec<u64> = [vec![4; 40], vec![0; 20]].concat();
        let expected = [Segment { from: 0, to: 40, sum: 160 }, Segment { from: 40, to: 60, sum: 0 }];
        assert_eq!(segments(&counts), expected);
        assert!(segments(&[]).is_empty() && bursts(&segments(&[0, 0])).is_empty());
    }
}
