//! How to bring a projection back, from where, and how long that takes.

use crate::{
    check::facts::Act,
    model::projection::{Projection, ProjectionStatus, Rebuild},
};

use super::{
    gather::{Group, Known},
    lost::Lost,
    reading::Reading,
};

/// What to do about a projection; `None` where there is nothing to do.
pub(super) fn rebuild(
    group: Option<&Group<'_>>,
    known: &Known<'_>,
    row: &Projection,
    lost: &Lost,
    reading: &Reading,
    rebuilds: Option<&Rate>,
) -> Option<Rebuild> {
    let plan = |strategy: &str, from: Option<String>, events: Option<u64>, why: String| Rebuild {
        strategy: strategy.to_owned(),
        from,
        events,
        estimate_ms: None,
        estimate_basis: String::new(),
        why,
    };
    let checkpoint = row.checkpoint_event_id.clone();
    let mut made = if let Some(stuck) = &row.stuck_at {
        let why = "its checkpoint is sound: deploy a handler that can apply this event, or skip it on purpose, and let it go on";
        plan("from-checkpoint", Some(stuck.event_id.clone()), row.events_behind, why.to_owned())
    } else if lost.proven {
        let slot = known.checkpoint_id().and_then(|id| reading.slot(id));
        let first = slot.and_then(|slot| Some((slot, slot.late_first?)));
        let events = first.map(|(slot, (_, before))| slot.total - before).or(slot.map(|slot| slot.total));
        let from = first.map(|(_, (id, _))| id.to_string());
        let why = "what it never saw stands before its checkpoint: going on from there does not bring it back. Set the clocks first, or it is lost again";
        plan(if from.is_some() { "from-event" } else { "full" }, from, events, why.to_owned())
    } else if known.checkpoint_id().is_some()
        && checkpoint.is_some()
        && row.status.is_none()
        && dangles(group, known)
    {
        let why = "its checkpoint points at no event of the store, so nothing tells what it has read";
        plan("full", None, None, why.to_owned())
    } else {
        match row.status? {
            ProjectionStatus::Healthy => return None,
            ProjectionStatus::NeverProcessed => {
                let why = "it has read nothing yet: start it, and it begins with the first event";
                plan("full", None, row.events_behind, why.to_owned())
            }
            ProjectionStatus::Warning | ProjectionStatus::Critical => {
                let why = "its checkpoint is sound: start it again, and it goes on from there";
                plan("from-checkpoint", checkpoint, row.events_behind, why.to_owned())
            }
        }
    };
    if let Some((events, rate)) = made.events.zip(rebuilds.cloned().or_else(|| counted_rate(known))) {
        made.estimate_ms = Some((events as f64 / rate.per_second * 1e3) as i64);
        made.estimate_basis = format!("{:.1} events a second, {}", rate.per_second, rate.basis);
    }
    Some(made)
}

fn dangles(group: Option<&Group<'_>>, known: &Known<'_>) -> bool {
    let (Some(group), Some(id)) = (group.filter(|group| group.counts_ids()), known.checkpoint_id()) else {
        return false;
    };
    !group.events.is_torn() && group.events.events.find(id).is_none()
}

/// How fast a projection was seen to go.
#[derive(Clone, Debug)]
pub(super) struct Rate {
    pub(super) per_second: f64,
    pub(super) basis: String,
}

impl Rate {
    fn of(events: u64, micros: i64, basis: impl FnOnce() -> String) -> Option<Rate> {
        let per_second = events as f64 * 1e6 / micros as f64;
        (events > 0 && micros > 0).then(|| Rate { per_second, basis: basis() })
    }

    fn faster(a: Option<Rate>, b: Option<Rate>) -> Option<Rate> {
        match (a, b) {
            (Some(a), Some(b)) => Some(if b.per_second > a.per_second { b } else { a }),
            (a, b) => a.or(b),
        }
    }
}

/// How fast rebuilds went that logs tell of: what a rebuild of another projection of the store can hope for.
pub(super) fn rebuild_rate<'k, 'a: 'k>(known: impl Iterator<Item = &'k Known<'a>>) -> Option<Rate> {
    let rates = known.map(|known| {
        let starts =
            known.logs.iter().filter_map(|(_, facts)| facts.acts.get(&Act::RebuildStarted)?.window.from);
        let started = starts.max();
        let ends = known.logs.iter().flat_map(|(_, facts)| {
            [Act::RebuildDone, Act::RebuildFailed].into_iter().filter_map(|act| facts.acts.get(&act))
        });
        let rates = ends.map(|end| {
            let (events, took) = end.events?;
            let micros = match (took, started, end.window.from) {
                (Some(ms), ..) => ms.saturating_mul(1000),
                (None, Some(from), Some(to)) => to.since(from),
                _ => return None,
            };
            Rate::of(events, micros, || format!("the rebuild {} was seen to do", known.name))
        });
        rates.fold(None, Rate::faster)
    });
    rates.fold(None, Rate::faster)
}

/// The fastest between two counts of one instance: a projection that keeps up is no faster than events come.
fn counted_rate(known: &Known<'_>) -> Option<Rate> {
    let mut counted: Vec<_> = known
        .seen
        .iter()
        .filter_map(|seen| Some((seen.state.service.as_deref(), seen.at?, seen.state.events_processed?)))
        .collect();
    counted.sort();
    let rates = counted.windows(2).filter(|pair| pair[0].0 == pair[1].0).map(|pair| {
        let events = pair[1].2.saturating_sub(pair[0].2);
        Rate::of(events, pair[1].1.since(pair[0].1), || {
            "its counter while events came in; a replay can be faster".to_owned()
        })
    });
    rates.fold(None, Rate::faster)
}
