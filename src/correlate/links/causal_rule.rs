//! One leads to the other, by a rule of `patterns/causes.toml`.

use crate::{
    correlate::{Context, Link, Tie, chain},
    model::Finding,
};

#[derive(Debug)]
pub(crate) struct CausalRule;

/// Research note A6: the weight of an edge of the causal rules.
const WEIGHT: f64 = 0.9;

impl Link for CausalRule {
    fn id(&self) -> &'static str {
        "causal-rule"
    }

    fn about(&self) -> &'static str {
        "one finding leads to the other by a causal rule"
    }

    fn tie(&self, a: &Finding, b: &Finding, context: &Context<'_>) -> Option<Tie> {
        let rule = chain::rule(a, b, context).or_else(|| chain::rule(b, a, context))?;
        Some(Tie { weight: WEIGHT, why: format!("{} can lead to it: {}", rule.cause, rule.why) })
    }
}
