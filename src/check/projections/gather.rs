//! What the evidence says of each projection, source by source: the row of its checkpoint, what health reports and
//! metrics saw, what logs tell.

use std::{cmp::Reverse, collections::BTreeMap, sync::Arc};

use crate::{
    check::{
        Evidence, StoreView,
        facts::{CheckpointRow, ProjectorFacts},
    },
    model::{Counts, EventId, Observed, Place, TableRole, TableRules, Timestamp, snapshot::ProjectionState},
};

use super::Lags;

/// A store, in its newest copy, and the tables that hold checkpoints of its events.
#[derive(Debug)]
pub(super) struct Group<'a> {
    pub(super) events: &'a StoreView,
    pub(super) rules: Arc<TableRules>,
    tables: Vec<&'a StoreView>,
}

/// What one source saw of a projection at one time.
#[derive(Debug)]
pub(super) struct Seen<'a> {
    pub(super) path: &'a str,
    pub(super) place: Place,
    pub(super) at: Option<Timestamp>,
    pub(super) state: ProjectionState,
}

/// All that is known of one projection.
#[derive(Debug)]
pub(super) struct Known<'a> {
    pub(super) name: String,
    pub(super) lags: Lags,
    pub(super) group: Option<usize>,
    pub(super) checkpoint: Option<(&'a StoreView, &'a CheckpointRow)>,
    /// In order of time.
    pub(super) seen: Vec<Seen<'a>>,
    pub(super) logs: Vec<(&'a str, &'a ProjectorFacts)>,
}

impl Group<'_> {
    /// Whether checkpoints are ids of events that reports can name.
    pub(super) fn counts_ids(&self) -> bool {
        self.rules.counts == Counts::EventId
    }
}

impl Known<'_> {
    /// The id that the checkpoint points at.
    pub(super) fn checkpoint_id(&self) -> Option<EventId> {
        id_of(self.checkpoint?.1)
    }
}

fn id_of(row: &CheckpointRow) -> Option<EventId> {
    EventId::parse(row.position.as_deref()?).filter(|id| !id.is_none())
}

/// The stores that checkpoints belong to.
pub(super) fn groups(evidence: &Evidence) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for table in evidence.stores.iter().filter(|store| store.has(TableRole::Checkpoints)) {
        let Some(events) = evidence.events_near(table) else { continue };
        match groups.iter_mut().find(|group| std::ptr::eq(group.events, events)) {
            Some(group) => group.tables.push(table),
            None => groups.push(Group {
                events,
                rules: table.facts.rules(TableRole::Checkpoints),
                tables: vec![table],
            }),
        }
    }
    groups
}

/// Every projection that a source names, in order of name.
pub(super) fn known<'a>(evidence: &'a Evidence, groups: &[Group<'a>]) -> Vec<Known<'a>> {
    let mut known: BTreeMap<(String, Option<usize>), Known<'a>> = BTreeMap::new();
    for (at, group) in groups.iter().enumerate() {
        for (name, checkpoint) in checkpoints(group) {
            let key = (name.to_owned(), Some(at));
            entry(&mut known, key).checkpoint = Some(checkpoint);
        }
    }
    // What has no store of its own belongs to the only one there is.
    let only = (groups.len() == 1).then_some(0);
    let mut of = |name: &str, take: &mut dyn FnMut(&mut Known<'a>)| {
        let with_table: Vec<_> = known.keys().filter(|(known, _)| known == name).cloned().collect();
        let key = match &with_table[..] {
            [one] => one.clone(),
            [] => (name.to_owned(), only),
            _ => (name.to_owned(), None),
        };
        take(entry(&mut known, key));
    };
    for (path, log) in &evidence.logs {
        for (name, facts) in log.projectors.by_name.iter() {
            of(name, &mut |known| {
                known.logs.push((path, facts));
                known.seen.extend(reported(path, facts));
            });
        }
    }
    for (path, snapshot) in &evidence.snapshots {
        for observation in &snapshot.observations {
            let at = observation.at.or(snapshot.taken_at);
            if let Some(state) = state(&observation.state) {
                of(&state.name.clone(), &mut |known| {
                    known.seen.push(Seen { path, place: observation.place, at, state: state.clone() });
                });
            }
        }
    }
    let mut known: Vec<Known<'a>> = known.into_values().collect();
    for known in &mut known {
        known.seen.sort_by_key(|seen| (seen.at, seen.path));
    }
    known
}

fn entry<'k, 'a>(
    known: &'k mut BTreeMap<(String, Option<usize>), Known<'a>>,
    key: (String, Option<usize>),
) -> &'k mut Known<'a> {
    let (name, group) = key.clone();
    let new =
        || Known { name, lags: Lags::default(), group, checkpoint: None, seen: Vec::new(), logs: Vec::new() };
    known.entry(key).or_insert_with(new)
}

/// The row of each projection: of the newest copy itself, or else the last that was written and points at an event.
fn checkpoints<'a>(group: &Group<'a>) -> BTreeMap<&'a str, (&'a StoreView, &'a CheckpointRow)> {
    let rank = |(table, row): &(&'a StoreView, &'a CheckpointRow)| {
        let held = match (group.rules.counts, id_of(row)) {
            (Counts::EventId, Some(id)) => group.events.events.find(id).is_some(),
            _ => row.position.is_some(),
        };
        let own = table.path == group.events.path;
        (own, held, row.updated_at, table.has(TableRole::Events), Reverse((&table.path, row.byte)))
    };
    let mut best: BTreeMap<&str, (&StoreView, &CheckpointRow)> = BTreeMap::new();
    for table in &group.tables {
        for row in table.facts.checkpoints.iter().filter(|row| !row.name.is_empty()) {
            let candidate = (*table, row);
            let known = best.entry(&row.name).or_insert(candidate);
            if rank(&candidate) > rank(known) {
                *known = candidate;
            }
        }
    }
    best
}

/// What a log last said of a projection's lag.
fn reported<'a>(path: &'a str, facts: &ProjectorFacts) -> Option<Seen<'a>> {
    let latest = facts.latest.as_ref()?;
    let state = ProjectionState {
        status: latest.status.clone(),
        lag_ms: latest.lag_ms,
        events_behind: latest.events_behind,
        ..ProjectionState::default()
    };
    Some(Seen { path, place: latest.place, at: latest.at, state })
}

/// What an observation says of a projection, if it is one of a projection.
fn state(observed: &Observed) -> Option<ProjectionState> {
    let metric = match observed {
        Observed::Projection(state) => return Some(state.clone()),
        Observed::Metric(metric) => metric,
        _ => return None,
    };
    let count =
        Some(metric.value.round()).filter(|value| (0.0..9e15).contains(value)).map(|value| value as u64);
    let mut state = ProjectionState {
        name: metric.part.clone()?,
        service: metric.service.clone(),
        ..ProjectionState::default()
    };
    match metric.means.as_str() {
        "projection-lag" if metric.value.is_finite() => {
            state.lag_ms = Some((metric.value * 1e3).round() as i64);
        }
        "projection-events-behind" => state.events_behind = count,
        "projection-events-processed" => state.events_processed = count,
        _ => return None,
    }
    Some(state)
}
