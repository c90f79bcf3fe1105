//! The event at which a projection fails again and again, where logs tell of one.

use crate::{
    check::facts::Act,
    model::{EventId, projection::Stuck},
};

use super::gather::{Group, Known};

/// Failures at one event before it is more than a bad moment.
const FAILURES: u64 = 3;

/// The event that stops a projection: it failed there often, or its rebuild ended there, and it did not get past.
pub(super) fn at(group: Option<&Group<'_>>, known: &Known<'_>) -> Option<Stuck> {
    let rebuild_failed = known.logs.iter().any(|(_, facts)| facts.acts.contains_key(&Act::RebuildFailed));
    let least = if rebuild_failed { 1 } else { FAILURES };
    // Many events that fail are a sick system and no poison.
    if known.logs.iter().any(|(_, facts)| facts.positions.beyond) {
        return None;
    }
    let mut by_position: std::collections::BTreeMap<&str, Stuck> = std::collections::BTreeMap::new();
    for (_, facts) in &known.logs {
        for (position, at) in facts.positions.iter() {
            let stuck = by_position.entry(position).or_default();
            // Skipped is past.
            stuck.failures = if at.skips > 0 { 0 } else { stuck.failures + at.failures };
            stuck.since = [stuck.since, at.window.from].into_iter().flatten().min();
            if at.window.to >= stuck.last {
                stuck.last = at.window.to;
                stuck.error = at.latest.as_ref().map(|sample| sample.message.clone()).unwrap_or_default();
            }
        }
    }
    let stuck = by_position
        .into_iter()
        .filter(|(position, stuck)| stuck.failures >= least && !is_past(known, position))
        .max_by_key(|(_, stuck)| (stuck.failures, stuck.last));
    stuck.map(|(position, stuck)| {
        let row = EventId::parse(position).and_then(|id| group?.events.events.find(id));
        let stream_id = group.zip(row).map(|(group, row)| group.events.events.name(&row).into_owned());
        Stuck { event_id: position.to_owned(), stream_id, ..stuck }
    })
}

/// Whether the checkpoint stands at the event or behind it.
fn is_past(known: &Known<'_>, position: &str) -> bool {
    let latest = || known.seen.iter().rev().find_map(|seen| seen.state.position.as_deref());
    let checkpoint = known.checkpoint.and_then(|(_, row)| row.position.as_deref()).or_else(latest);
    let Some(checkpoint) = checkpoint else { return false };
    match (EventId::parse(checkpoint), EventId::parse(position)) {
        (Some(checkpoint), Some(position)) => checkpoint >= position,
        _ => {
            checkpoint.parse::<i64>().ok().zip(position.parse().ok()).is_some_and(|(at, failed)| at >= failed)
        }
    }
}
