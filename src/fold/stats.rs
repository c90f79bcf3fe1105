//! The few tests that say whether a count changed. Exact where that is cheap; no tables, no randomness.

/// How many of how many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    pub count: u64,
    pub of: u64,
}

impl Share {
    pub fn share(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.count as f64 / self.of as f64 }
    }

    /// With half an occurrence in one case more, so that what was never seen is not impossible (Krichevsky and
    /// Trofimov's estimate).
    pub fn smoothed(self) -> f64 {
        (self.count as f64 + 0.5) / (self.of as f64 + 1.0)
    }
}

/// Natural logarithm of the gamma function for positive numbers, to 1e-13: Lanczos' approximation with g = 7 and nine
/// terms (Godfrey's coefficients, as in Numerical Recipes 6.1).
pub fn ln_gamma(x: f64) -> f64 {
    const G: f64 = 7.0;
    const TERMS: [f64; 9] = [
        0.999_999_999_999_809_9,
        676.520_368_121_885_1,
        -1_259.139_216_722_402_8,
        771.323_428_777_653_1,
        -176.615_029_162_140_6,
        12.507_343_278_686_905,
        -0.138_571_095_265_720_12,
        9.984_369_578_019_572e-6,
        1.505_632_735_149_311_6e-7,
    ];
    let x = x - 1.0;
    let sum =
        TERMS.iter().zip(0..).skip(1).fold(TERMS[0], |sum, (term, at)| sum + term / (x + f64::from(at)));
    let t = x + G + 0.5;
    0.5 * (2.0 * std::f64::consts::PI).ln() + (x + 0.5) * t.ln() - t + sum.ln()
}

/// P[X >= n] for a Poisson count of this mean.
pub fn poisson_at_least(n: u64, mean: f64) -> f64 {
    if n == 0 {
        return 1.0;
    }
    if mean <= 0.0 {
        return 0.0;
    }
    let term = |k: f64| (k * mean.ln() - mean - ln_gamma(k + 1.0)).exp();
    let n = n as f64;
    if n > mean {
        // Terms fall at least as fast as a geometric series of mean / n.
        tail(n, term, |k| k + 1.0)
    } else {
        (1.0 - tail(n - 1.0, |k| if k < 0.0 { 0.0 } else { term(k) }, |k| k - 1.0)).max(0.0)
    }
}

/// P[X >= n] for a binomial count of `of` trials that succeed with this probability.
pub fn binomial_at_least(n: u64, of: u64, p: f64) -> f64 {
    if n == 0 {
        return 1.0;
    }
    if n > of || p <= 0.0 {
        return 0.0;
    }
    if p >= 1.0 {
        return 1.0;
    }
    let (n, of) = (n as f64, of as f64);
    let term = |k: f64| {
        if k < 0.0 || k > of {
            return 0.0;
        }
        let ways = ln_gamma(of + 1.0) - ln_gamma(k + 1.0) - ln_gamma(of - k + 1.0);
        (ways + k * p.ln() + (of - k) * (1.0 - p).ln()).exp()
    };
    if n > of * p { tail(n, term, |k| k + 1.0) } else { (1.0 - tail(n - 1.0, term, |k| k - 1.0)).max(0.0) }
}

/// Sums terms that fall, from the largest on, until the next adds nothing.
fn tail(from: f64, term: impl Fn(f64) -> f64, next: impl Fn(f64) -> f64) -> f64 {
    const NOTHING: f64 = 1e-12;
    let (mut sum, mut k) = (0.0, from);
    loop {
        let add = term(k);
        sum += add;
        if add <= sum * NOTHING {
            return sum.min(1.0);
        }
        k = next(k);
    }
}

/// The conditional exact test of two Poisson rates (Przyborowski and Wilenski 1940): the chance of `now` or more of all
/// `now + before` occurrences, if each falls into either part by how much of it was looked at.
pub fn more_than_before(now: u64, seen: f64, before: u64, seen_before: f64) -> f64 {
    binomial_at_least(now, now + before, seen / (seen + seen_before))
}

/// The same for `now` or fewer.
pub fn fewer_than_before(now: u64, seen: f64, before: u64, seen_before: f64) -> f64 {
    binomial_at_least(before, now + before, seen_before / (seen + seen_before))
}

/// Benjamini and Hochberg 1995: each p-value as the smallest share of false discoveries at which it counts as one.
pub fn false_discovery(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).collect();
    order.sort_by(|a, b| p[*b].total_cmp(&p[*a]).then(b.cmp(a)));
    let mut q = vec![1.0; p.len()];
    let mut least = 1.0_f64;
    for (below, at) in order.into_iter().enumerate() {
        let rank = p.len() - below;
        least = least.min(p[at] * p.len() as f64 / rank as f64);
        q[at] = least;
    }
    q
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() <= 1e-9 * b.abs().max(1e-3)
    }

    #[test]
    fn tails_are_those_of_the_textbooks() {
        // R: lgamma(10.5), ppois(7, 3, lower = FALSE), ppois(1, 3, lower = FALSE), pbinom(7, 10, .5, lower = FALSE).
        assert!(near(ln_gamma(10.5), 13.940_625_219_403_763), "{}", ln_gamma(10.5));
        assert!(near(ln_gamma(1.0) + 1.0, 1.0));
        assert!(near(poisson_at_least(8, 3.0), 0.011_904_503_856_357_3), "{}", poisson_at_least(8, 3.0));
        assert!(near(poisson_at_least(2, 3.0), 0.800_851_726_528_544_3), "{}", poisson_at_least(2, 3.0));
        assert!(near(binomial_at_least(8, 10, 0.5), 56.0 / 1024.0));
        assert!(near(binomial_at_least(3, 10, 0.5), 968.0 / 1024.0));
        assert!(near(more_than_before(8, 1.0, 2, 1.0), 56.0 / 1024.0));
        assert!(near(fewer_than_before(2, 1.0, 8, 1.0), 56.0 / 1024.0));
    }

    #[test]
    fn ends_are_certain() {
        assert!(near(poisson_at_least(0, 3.0), 1.0) && near(poisson_at_least(1, 0.0), 0.0));
        assert!(near(binomial_at_least(0, 9, 0.1), 1.0) && near(binomial_at_least(3, 2, 0.1), 0.0));
        assert!(binomial_at_least(500_000, 1_000_000, 0.5) > 0.5);
        assert!(binomial_at_least(900_000, 1_000_000, 0.5) < 1e-200);
    }

    #[test]
    fn false_discoveries_are_those_of_the_paper() {
        // R: p.adjust(c(.01, .02, .03, .5), "BH")
        let q = false_discovery(&[0.01, 0.5, 0.02, 0.03]);
        assert!(q.iter().zip([0.04, 0.5, 0.04, 0.04]).all(|(a, b)| near(*a, b)), "{q:?}");
        assert!(false_discovery(&[]).is_empty());
    }
}
