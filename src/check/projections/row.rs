//! The report's row of one projection, from what the sources say of it.

use std::collections::BTreeMap;

use crate::{
    check::facts::{Act, says_unstarted},
    model::{
        Counts, EventId, PositionMeans, Reads, Timestamp,
        projection::{FigureSource, Projection, ProjectionStatus, Told},
    },
};

use super::{
    Judged,
    gather::{Group, Known, Seen},
    lost, plan,
    reading::{Reading, trusted},
    stuck,
};
use crate::check::checks::checkpoints::number;

pub(super) fn judged<'a>(
    group: Option<&Group<'a>>,
    known: Known<'a>,
    reading: &Reading,
    rebuilds: Option<&plan::Rate>,
) -> Judged<'a> {
    let mut row = Projection {
        name: known.name.clone(),
        store: group.map(|group| group.events.path.clone()),
        ..Projection::default()
    };
    let mut waiting_since = None;
    match (group, known.checkpoint) {
        (Some(group), Some((table, checkpoint))) => {
            row.checkpoint_event_id.clone_from(&checkpoint.position);
            row.checkpoint_at = checkpoint.updated_at;
            source(&mut row, "checkpoint", &table.path, checkpoint.updated_at);
            waiting_since = from_store(group, &known, reading, &mut row);
        }
        _ => from_reports(group.is_some(), &known, &mut row),
    }
    let lost = lost::lost(&known, reading);
    counters(&lost, &known, &mut row);
    row.stuck_at = stuck::at(group, &known);
    row.story = story(&known);
    let stopped = known.seen.iter().rev().find_map(|seen| Some((seen, seen.state.running?)));
    if let Some((seen, false)) =
        stopped.filter(|_| row.status.is_some_and(|status| status != ProjectionStatus::Healthy))
    {
        add_why(&mut row, &format!("{} says that it is not running", seen.path));
    }
    row.rebuild = plan::rebuild(group, &known, &row, &lost, reading, rebuilds);
    row.sources.sort();
    row.left_by_rebuild = is_remnant(&known);
    if row.left_by_rebuild {
        "left by a rebuild that is over".clone_into(&mut row.why);
        row.rebuild = None;
    }
    Judged { known, lost, row, waiting_since }
}

/// Adds a reason.
fn add_why(row: &mut Projection, why: &str) {
    if !row.why.is_empty() {
        row.why.push_str("; ");
    }
    row.why.push_str(why);
}

fn source(row: &mut Projection, figure: &str, path: &str, at: Option<Timestamp>) {
    row.sources.push(FigureSource { figure: figure.to_owned(), path: path.to_owned(), at });
}

/// A rebuild may write under a name of its own, which no projector runs under and nobody goes on with when it is done.
fn is_remnant(known: &Known<'_>) -> bool {
    let did = |act: Act| known.logs.iter().any(|(_, facts)| facts.acts.contains_key(&act));
    (did(Act::RebuildDone) || did(Act::RebuildFailed)) && !did(Act::Started) && known.seen.is_empty()
}

/// Counts in the store what stands behind the checkpoint; tells since when the first of it waits.
fn from_store(
    group: &Group<'_>,
    known: &Known<'_>,
    reading: &Reading,
    row: &mut Projection,
) -> Option<Timestamp> {
    let text = row.checkpoint_event_id.clone();
    let begun = text.as_deref().is_some_and(|text| EventId::parse(text) != Some(EventId::NONE));
    let Some(text) = text.filter(|_| begun) else {
        row.checkpoint_event_id = None;
        row.status = Some(ProjectionStatus::NeverProcessed);
        "its checkpoint is empty".clone_into(&mut row.why);
        reported_figures(known, row);
        return None;
    };
    match group.rules.counts {
        Counts::EventId => by_id(group, known, reading, row),
        Counts::Position => by_position(group, known, &text, row),
        Counts::Local => {
            "its checkpoint counts in numbers of this copy alone".clone_into(&mut row.why);
            reported_figures(known, row);
            None
        }
    }
}

fn by_id(group: &Group<'_>, known: &Known<'_>, reading: &Reading, row: &mut Projection) -> Option<Timestamp> {
    let found = known.checkpoint_id().and_then(|id| Some((id, reading.rows.get(&id)?, reading.slot(id)?)));
    let Some((id, event, slot)) = found else {
        let why = if known.checkpoint_id().is_some() {
            "its checkpoint points at an event that the store does not hold: how far it has read is unknown"
        } else {
            "its checkpoint cannot be read"
        };
        why.clone_into(&mut row.why);
        return None;
    };
    row.checkpoint_event_at = trusted(event);
    if group.rules.reads == Reads::Some {
        "it reads a part of the events that the store does not name".clone_into(&mut row.why);
        reported_figures(known, row);
        return None;
    }
    let by_type = group.rules.reads == Reads::EventType;
    let kinds = group.events.events.kinds();
    row.reads = kinds.name(event.kind()).filter(|_| by_type).map(str::to_owned);
    let behind = slot.total - slot.upto(id);
    row.events_behind = (!by_type || kinds.are_all()).then_some(behind);
    let lag = slot.newest.zip(trusted(event)).map(|(newest, at)| newest.since(at).max(0) / 1000);
    set_lag(known, row, if behind == 0 { Some(0) } else { lag });
    let since = slot.waiting_since(id);
    wait(row, behind, since);
    source(row, "lag_ms", &group.events.path, slot.newest);
    disputed(known, slot.newest, row);
    since
}

fn by_position(group: &Group<'_>, known: &Known<'_>, text: &str, row: &mut Projection) -> Option<Timestamp> {
    let events = &group.events.events;
    let why = match number(text) {
        None => "its checkpoint cannot be read",
        Some(_) if group.rules.reads != Reads::All => {
            "it reads a part of the events that the store does not name"
        }
        Some(_) if events.positions() == 0 => "its checkpoint counts in positions, and no event has one",
        Some(position) => {
            let next = group.rules.means == PositionMeans::NextToRead;
            return behind_position(group, known, position.saturating_sub(i64::from(next)), row);
        }
    };
    why.clone_into(&mut row.why);
    None
}

/// Counts what stands behind the last position that was read.
fn behind_position(
    group: &Group<'_>,
    known: &Known<'_>,
    last: i64,
    row: &mut Projection,
) -> Option<Timestamp> {
    let events = &group.events.events;
    let behind = events.after_position(last);
    let (read, next) = events.around_position(last);
    row.events_behind = Some(behind);
    row.checkpoint_event_at = read.and_then(|row| trusted(&row));
    let newest = group.events.facts.days.newest_trusted().map(Timestamp);
    let lag = newest.zip(row.checkpoint_event_at).map(|(newest, at)| newest.since(at).max(0) / 1000);
    set_lag(known, row, if behind == 0 { Some(0) } else { lag });
    let since = next.and_then(|row| trusted(&row));
    wait(row, behind, since);
    source(row, "lag_ms", &group.events.path, newest);
    since
}

/// Says what waits.
fn wait(row: &mut Projection, behind: u64, since: Option<Timestamp>) {
    if behind > 0 {
        let kind = row.reads.as_deref().map_or(String::new(), |kind| format!(" of type {kind}"));
        let since = since.map_or(String::new(), |since| format!(", the first since {since}"));
        add_why(row, &format!("{behind} events{kind} stand behind its checkpoint{since}"));
    }
}

fn set_lag(known: &Known<'_>, row: &mut Projection, lag: Option<i64>) {
    row.lag_ms = lag;
    row.status = lag.map(|lag| known.lags.status(lag));
    if lag.is_none() {
        "neither its checkpoint's event nor the newest one has a time".clone_into(&mut row.why);
    }
}

/// A projection that no checkpoint table names: what was reported of it last.
fn from_reports(has_table: bool, known: &Known<'_>, row: &mut Projection) {
    let told = |seen: &&Seen<'_>| seen.state.status.is_some() || seen.state.lag_ms.is_some();
    let latest = known.seen.iter().rev().find(told);
    let unstarted = latest.and_then(|seen| seen.state.status.as_deref()).is_some_and(says_unstarted);
    reported_figures(known, row);
    let nothing =
        if has_table { "no checkpoint table has a row of it" } else { "no checkpoint table was supplied" };
    row.status = if unstarted {
        Some(ProjectionStatus::NeverProcessed)
    } else {
        row.lag_ms.map(|lag| known.lags.status(lag))
    };
    row.why = match latest {
        Some(seen) => format!("{nothing}; {} tells of it", seen.path),
        None => nothing.to_owned(),
    };
}

/// Takes lag and events behind from the last source that reported them.
fn reported_figures(known: &Known<'_>, row: &mut Projection) {
    if let Some((seen, lag)) = known.seen.iter().rev().find_map(|seen| Some((seen, seen.state.lag_ms?))) {
        row.lag_ms = Some(lag);
        source(row, "lag_ms", seen.path, seen.at);
    }
    if let Some((seen, behind)) =
        known.seen.iter().rev().find_map(|seen| Some((seen, seen.state.events_behind?)))
    {
        row.events_behind = Some(behind);
        source(row, "events_behind", seen.path, seen.at);
    }
}

/// What the projectors counted themselves, and what that contradicts.
fn counters(lost: &lost::Lost, known: &Known<'_>, row: &mut Projection) {
    (row.events_processed, row.events_skipped) = (lost.processed, lost.skipped);
    row.events_never_projected = lost.never;
    if let Some((path, at)) = &lost.counted {
        source(row, "events_processed", path, *at);
    }
    if let Some(why) = &lost.why_not {
        add_why(row, why);
    }
    let latest = known.seen.iter().rev().find(|seen| seen.state.lag_ms.is_some());
    if let (true, Some(never), Some(seen)) = (lost.proven, lost.never, latest)
        && let Some(lag) = seen.state.lag_ms.filter(|lag| known.lags.is_healthy(*lag))
    {
        row.contradictions.push(format!(
            "{} reports a lag of {:.1} s, though {never} of {} events before its checkpoint were never applied",
            seen.path,
            lag as f64 / 1e3,
            lost.before
        ));
    }
}

/// A report made when all events were there that says nothing waits.
fn disputed(known: &Known<'_>, newest: Option<Timestamp>, row: &mut Projection) {
    let Some(latest) = known.seen.iter().rev().find(|seen| seen.state.lag_ms.is_some()) else { return };
    let lag = latest.state.lag_ms.unwrap_or(0);
    let (counted, reported) = (row.lag_ms.map(|lag| known.lags.status(lag)), known.lags.status(lag));
    if latest.at.is_some() && latest.at >= newest && counted.is_some_and(|counted| counted > reported) {
        row.contradictions.push(format!(
            "{} reports a lag of {:.1} s, though {} events stand behind its checkpoint",
            latest.path,
            lag as f64 / 1e3,
            row.events_behind.unwrap_or(0)
        ));
    }
}

/// What logs tell, in order of time.
fn story(known: &Known<'_>) -> Vec<Told> {
    let mut by_act: BTreeMap<&str, Told> = BTreeMap::new();
    for (path, facts) in &known.logs {
        for (act, facts) in &facts.acts {
            let Some(what) = words(*act) else { continue };
            let (at, to) = (facts.window.from, facts.window.to);
            let new = || Told { at, to, what: what.to_owned(), count: 0, path: (*path).to_owned() };
            let told = by_act.entry(what).or_insert_with(new);
            told.count += facts.count;
            told.to = told.to.max(to);
            if at.is_some() && (told.at.is_none() || at < told.at) {
                (told.at, told.path) = (at, (*path).to_owned());
            }
        }
    }
    let mut story: Vec<Told> = by_act.into_values().collect();
    story.sort_by(|a, b| (a.at, &a.what).cmp(&(b.at, &b.what)));
    story
}

fn words(act: Act) -> Option<&'static str> {
    match act {
        // Every instance starts, and all but one stand by.
        Act::Started | Act::StoodBy => None,
        Act::Stopped => Some("stopped with an error"),
        Act::Paused => Some("paused"),
        Act::Failed => Some("failed to apply an event"),
        Act::Skipped => Some("skipped an event"),
        Act::CheckpointNotSaved => Some("could not save its checkpoint"),
        Act::RebuildStarted => Some("rebuild started"),
        Act::RebuildProgressed => Some("rebuild went on"),
        Act::RebuildDone => Some("rebuild completed"),
        Act::RebuildFailed => Some("rebuild failed"),
    }
}
