//! Findings that name the same kind of cause at the same time: one trouble, told by several voices.

use crate::{
    correlate::{Context, Link, Tie, kinship},
    model::Finding,
};

#[derive(Debug)]
pub(crate) struct SameKind;

/// Enough to join two findings whose times overlap; half a gap apart it takes more.
const WEIGHT: f64 = 0.6;

impl Link for SameKind {
    fn id(&self) -> &'static str {
        "same-kind"
    }

    fn about(&self) -> &'static str {
        "findings that name the same kind of cause at the same time"
    }

    fn tie(&self, a: &Finding, b: &Finding, context: &Context<'_>) -> Option<Tie> {
        let kind = a.cause.as_ref().filter(|kind| b.cause.as_ref() == Some(kind))?;
        let apart = kinship::between(a, b)?;
        let gap = context.settings.incident_gap;
        if apart > gap || kinship::are_apart(a, b, context) {
            return None;
        }
        let weight = WEIGHT * (-(apart as f64) / gap.max(1) as f64).exp();
        Some(Tie { weight, why: format!("both name {kind}") })
    }
}
