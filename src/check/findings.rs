//! What the findings of all checks have in common.

use super::{facts::Sample, store_findings};
use crate::model::{Finding, OverTime, finding};

/// Longest excerpt of a cited entry, in characters.
const EXCERPT: usize = 240;

/// A finding of a check without what it says; `about` makes its id stable from night to night.
pub(super) fn finding(check: &str, kind: &str, about: &[&str]) -> Finding {
    let mut parts = vec![check, kind];
    parts.extend(about);
    Finding {
        id: store_findings::id(&parts),
        check: check.to_owned(),
        kind: kind.to_owned(),
        category: String::new(),
        scattered: false,
        state: "new".to_owned(),
        severity: crate::model::Severity::Info,
        title: String::new(),
        detail: String::new(),
        count: 1,
        window: finding::Window::default(),
        keys: finding::Keys::default(),
        evidence: Vec::new(),
        over_time: OverTime::default(),
        incident: None,
        cause: None,
        action: String::new(),
    }
}

/// The earliest of some entries, each with its source, as a report cites them.
pub fn places(mut samples: Vec<(&str, &Sample)>, count: usize) -> Vec<finding::Evidence> {
    samples.sort_by_key(|(path, sample)| (sample.time.is_none(), sample.time, *path, sample.place));
    samples.truncate(count);
    samples.into_iter().map(|(path, sample)| cited(path, sample)).collect()
}

/// A pointer to an entry.
pub(super) fn cited(path: &str, sample: &Sample) -> finding::Evidence {
    finding::Evidence {
        path: path.to_owned(),
        line: sample.place.line,
        byte: sample.place.byte,
        excerpt: sample.message.chars().take(EXCERPT).collect(),
    }
}
