//! Findings of the same stream, projection, session or service: the rarer what they share, the more it says.

use crate::{
    correlate::{Context, Link, Tie, kinship},
    model::Finding,
};

#[derive(Debug)]
pub(crate) struct SharedKeys;

/// What sharing a value of each dimension says at most (research note A6; events and sessions are as sure as ids).
const WEIGHTS: &[(&str, f64)] = &[
    ("command", 0.3),
    ("database", 0.3),
    ("event", 0.9),
    ("node", 0.3),
    ("pid", 0.8),
    ("pod", 0.6),
    ("projection", 0.5),
    ("service", 0.4),
    ("stream", 0.7),
    ("table", 0.5),
];

impl Link for SharedKeys {
    fn id(&self) -> &'static str {
        "shared-keys"
    }

    fn about(&self) -> &'static str {
        "findings of the same stream, projection, session or service"
    }

    fn tie(&self, a: &Finding, b: &Finding, context: &Context<'_>) -> Option<Tie> {
        // The same stream may be in trouble in the morning and again at night.
        let apart = kinship::between(a, b).unwrap_or_default();
        if apart > context.settings.incident_gap || kinship::are_apart(a, b, context) {
            return None;
        }
        let (mut open, mut whys) = (1.0, Vec::new());
        for shared in kinship::shared(a, b, &context.rarity) {
            let Some((_, weight)) = WEIGHTS.iter().find(|(name, _)| *name == shared.dimension) else {
                continue;
            };
            open *= 1.0 - weight * shared.overlap;
            whys.push(match &shared.values[..] {
                [one] => format!("both of {} {one}", shared.dimension),
                [first, more @ ..] => {
                    format!("{} {} and {} more in common", shared.dimension, first, more.len())
                }
                [] => continue,
            });
        }
        (!whys.is_empty()).then(|| Tie { weight: 1.0 - open, why: whys.join(", ") })
    }
}
