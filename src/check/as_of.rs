//! When "now" is for this evidence.

use std::collections::BTreeMap;

use crate::model::{AsOf, Settings, Timestamp};

use super::facts::SourceFacts;

/// The as-of time and what it rests on: the setting, or the newest time that can be trusted of any source.
pub fn as_of(settings: &Settings, sources: &BTreeMap<String, SourceFacts>) -> (Option<Timestamp>, String) {
    if let AsOf::At(time) = settings.as_of {
        return (Some(time), "given with --as-of".to_owned());
    }
    let logs = sources.iter().map(|(path, facts)| (path, facts.log.days.newest_trusted()));
    let stores = sources.iter().flat_map(|(path, facts)| {
        facts.stores.values().map(move |store| {
            let events = store.days.newest_trusted().max(store.confirmed.map(|time| time.0));
            let updated = store.checkpoints.iter().filter_map(|row| row.updated_at).map(|time| time.0).max();
            // A checkpoint table alone is dated by itself; beside events, they say when the store was alive.
            (path, events.or(updated))
        })
    });
    let newest = logs
        .chain(stores)
        .filter_map(|(path, time)| time.map(|time| (time, path)))
        .max_by_key(|(time, path)| (*time, std::cmp::Reverse(*path)));
    match newest {
        Some((time, path)) => {
            (Some(Timestamp(time)), format!("the newest trustworthy time in the evidence: {path}"))
        }
        None => (None, "the evidence has no time; checks against the clock could not run".to_owned()),
    }
}
