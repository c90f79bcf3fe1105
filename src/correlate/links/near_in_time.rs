//! Findings whose times overlap, or are close: what breaks together often belongs together.

use crate::{
    correlate::{Context, Link, Tie, kinship},
    model::{Finding, time::SECOND},
};

#[derive(Debug)]
pub(crate) struct NearInTime;

/// What an overlap alone says: not enough to join two kinds of trouble, enough with any shared key.
const OVERLAP: f64 = 0.45;

impl Link for NearInTime {
    fn id(&self) -> &'static str {
        "near-in-time"
    }

    fn about(&self) -> &'static str {
        "findings whose windows overlap or lie within the incident gap"
    }

    fn tie(&self, a: &Finding, b: &Finding, context: &Context<'_>) -> Option<Tie> {
        let apart = kinship::between(a, b)?;
        let gap = context.settings.incident_gap;
        if apart > gap || kinship::are_apart(a, b, context) {
            return None;
        }
        // Falls to a third over the gap (research note A6).
        let weight = OVERLAP * (-(apart as f64) / gap.max(1) as f64).exp();
        let why =
            if apart == 0 { "at the same time".to_owned() } else { format!("{} s apart", apart / SECOND) };
        Some(Tie { weight, why })
    }
}
