//! Scores of many scenarios, and the bounds that they have to hold.

use super::{generate::Variant, score::Score};

/// Root cause first: share of clean scenarios, and of those of each other variant.
const ROOT_CLEAN: f64 = 0.95;
const ROOT_OTHER: f64 = 0.85;
/// B-cubed F1 of each variant.
pub(crate) const F1: f64 = 0.95;
/// Stages of the chain that are shown, of each variant.
const CHAIN: f64 = 0.9;

/// Sums of the scores of some scenarios.
#[derive(Debug, Default)]
pub(crate) struct Sum {
    pub(crate) scenarios: usize,
    root: f64,
    f1: f64,
    chain: (usize, usize),
    /// Incidents of reports beyond those that happened.
    pub(crate) extra: usize,
}

impl Sum {
    pub(crate) fn add(&mut self, score: &Score) {
        self.scenarios += 1;
        self.root += score.root;
        self.f1 += score.f1;
        self.chain.0 += score.chain.0;
        self.chain.1 += score.chain.1;
        self.extra += score.extra;
    }

    pub(crate) fn root(&self) -> f64 {
        self.root / self.scenarios.max(1) as f64
    }

    pub(crate) fn f1(&self) -> f64 {
        self.f1 / self.scenarios.max(1) as f64
    }

    pub(crate) fn chain(&self) -> f64 {
        self.chain.0 as f64 / self.chain.1.max(1) as f64
    }

    pub(crate) fn holds(&self, variant: Variant) -> bool {
        let root = if variant == Variant::Clean { ROOT_CLEAN } else { ROOT_OTHER };
        self.root() >= root && self.f1() >= F1 && self.chain() >= CHAIN
    }
}
