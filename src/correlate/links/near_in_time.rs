//! Findings of logs whose times overlap, or are close: what breaks together often belongs together.

use crate::{
    correlate::Link,
    model::{Finding, Settings},
};

#[derive(Debug)]
pub(crate) struct NearInTime;

impl Link for NearInTime {
    fn id(&self) -> &'static str {
        "near-in-time"
    }

    fn about(&self) -> &'static str {
        "log findings whose windows overlap or lie within the incident gap"
    }

    fn why(&self, a: &Finding, b: &Finding, settings: &Settings) -> Option<String> {
        // A fault of a store is dated by its event, which says nothing of when the store was damaged.
        if a.check == "integrity" || b.check == "integrity" {
            return None;
        }
        let (from_a, to_a) = (a.window.from?, a.window.to?);
        let (from_b, to_b) = (b.window.from?, b.window.to?);
        let apart = from_a.since(to_b).max(from_b.since(to_a));
        match apart {
            ..=0 => Some("at the same time".to_owned()),
            apart if apart <= settings.incident_gap => Some(format!("{} s apart", apart / 1_000_000)),
            _ => None,
        }
    }
}
