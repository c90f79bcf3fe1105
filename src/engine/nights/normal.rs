//! What was accepted as normal is told every night and is no news, as long as there is not far more of it.

use std::collections::BTreeMap;

use super::history::{History, Past};
use crate::model::{Timestamp, report::NewsState};

/// Times as many a night as was accepted, beyond which it is no longer what was accepted.
const TIMES: u64 = 2;

/// What was accepted, by what it is and what its like has in common: so many a night.
pub type Normal = BTreeMap<(String, String), u64>;

/// What runs have reported of one thing and its like, for who decides whether it is normal.
#[derive(Clone, Debug)]
pub struct Reported<'h> {
    pub what: &'h str,
    /// What all of it has in common: an id, or the pattern whose spells they are.
    pub id: &'h str,
    /// Every id and kind.
    names: Vec<&'h str>,
    pub title: &'h str,
    /// What the last night added that saw more of it.
    pub count: u64,
    /// The newest time of the evidence when a run last saw it.
    pub seen_at: Option<Timestamp>,
    /// Whether the last run's report has it.
    pub is_of_last_run: bool,
}

impl Reported<'_> {
    /// Whether a name is its id or its kind.
    pub fn is(&self, name: &str) -> bool {
        self.id == name || self.names.contains(&name)
    }
}

impl History {
    /// Everything that is known, what is alike together.
    pub fn reported(&self) -> Vec<Reported<'_>> {
        let mut all: BTreeMap<(&str, &str), Reported<'_>> = BTreeMap::new();
        for ((what, id), past) in &self.known {
            let key = (what.as_str(), past.alike.as_str());
            let one = all.entry(key).or_insert_with(|| Reported {
                what,
                id: &past.alike,
                names: Vec::new(),
                title: &past.title,
                count: 0,
                seen_at: None,
                is_of_last_run: false,
            });
            one.names.extend([id.as_str(), past.kind.as_str()]);
            one.seen_at = one.seen_at.max(past.seen_at);
            if past.reported == self.runs {
                one.count = past.nightly;
            }
            one.is_of_last_run |= past.reported == self.runs;
        }
        all.into_values().collect()
    }
}

/// Takes what was accepted out of the news. What there is far more of is worse.
pub(super) fn accept(told: &mut [((String, String), Past)], normal: &Normal) {
    for (key, past) in told {
        let accepted = normal.get(&(key.0.clone(), past.alike.clone()));
        let more = accepted.map(|count| past.nightly > TIMES * (*count).max(1));
        past.state = match (past.state, more) {
            (NewsState::Resolved, _) | (_, None) => past.state,
            (_, Some(true)) => NewsState::Worse,
            (state, Some(false)) if state.is_news() => NewsState::Persisting,
            (state, Some(false)) => state,
        };
    }
}
