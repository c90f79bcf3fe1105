//! Faults of one store: one damaged copy is one incident, however many kinds of fault it shows.

use crate::{
    correlate::{Context, Link, Tie},
    model::Finding,
};

#[derive(Debug)]
pub(crate) struct SameStore;

impl Link for SameStore {
    fn id(&self) -> &'static str {
        "same-store"
    }

    fn about(&self) -> &'static str {
        "faults of the same copy of a store"
    }

    fn tie(&self, a: &Finding, b: &Finding, _: &Context<'_>) -> Option<Tie> {
        let (store_a, store_b) = (a.keys.get("store")?, b.keys.get("store")?);
        (store_a == store_b).then(|| Tie { weight: 1.0, why: format!("both in {}", store_a.join(", ")) })
    }
}
