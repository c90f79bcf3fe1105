//! Faults of one store: one damaged copy is one incident, however many kinds of fault it shows.

use crate::{
    correlate::Link,
    model::{Finding, Settings},
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

    fn why(&self, a: &Finding, b: &Finding, _: &Settings) -> Option<String> {
        let (store_a, store_b) = (a.keys.get("store")?, b.keys.get("store")?);
        (store_a == store_b).then(|| format!("both in {}", store_a.join(", ")))
    }
}
