//! What the findings of all checks have in common.

use super::{facts::Sample, store_findings};
use crate::model::{Finding, finding};

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
        incident: None,
        cause: None,
        action: String::new(),
    }
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
