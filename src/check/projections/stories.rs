//! One finding for each thing that is wrong with projections, however many entries, snapshots and copies tell of it.

use std::collections::BTreeMap;

use crate::{
    check::{Judgement, Outcome, facts::Act, findings},
    model::{Finding, Keys, Severity, Window, finding, projection::ProjectionStatus},
};

use super::{Group, Judged, Known};

pub(super) fn tell(
    group: Option<&Group<'_>>,
    judged: &[Judged<'_>],
    judgement: &Judgement<'_>,
    out: &mut Outcome,
) {
    let store = group.map_or("", |group| group.events.path.as_str());
    out.findings.extend(stuck(store, judged));
    out.findings.extend(never_projected(store, judged));
    out.findings.extend(judged.iter().filter_map(|judged| lagging(store, judged, judgement)));
}

fn keys(of: &[(&str, Vec<String>)]) -> Keys {
    let filled = of.iter().filter(|(_, values)| !values.is_empty());
    filled.map(|(name, values)| ((*name).to_owned(), values.clone())).collect()
}

fn base(kind: &str, parts: &[&str]) -> Finding {
    Finding { severity: Severity::Warning, ..findings::finding("projections", kind, parts) }
}

/// An event that stops projections: one story, whatever they did about it.
fn stuck(store: &str, judged: &[Judged<'_>]) -> Vec<Finding> {
    let mut by_event: BTreeMap<&str, Vec<&Judged<'_>>> = BTreeMap::new();
    for judged in judged {
        if let Some(stuck) = &judged.row.stuck_at {
            by_event.entry(&stuck.event_id).or_default().push(judged);
        }
    }
    by_event.into_iter().map(|(event, stuck)| poison(store, event, &stuck)).collect()
}

fn poison(store: &str, event: &str, stuck: &[&Judged<'_>]) -> Finding {
    let at = || stuck.iter().filter_map(|judged| judged.row.stuck_at.as_ref());
    let names: Vec<String> = stuck.iter().map(|judged| judged.row.name.clone()).collect();
    let streams: Vec<String> = at().find_map(|at| at.stream_id.clone()).into_iter().collect();
    let failures = at().map(|at| at.failures).sum();
    let mut window = Window::default();
    at().flat_map(|at| [at.since, at.last]).flatten().for_each(|time| window.add(time));
    let behind: Vec<String> = stuck
        .iter()
        .filter_map(|judged| {
            Some(format!("{} events wait behind {}", judged.row.events_behind?, judged.row.name))
        })
        .collect();
    let error = at().next().map(|at| at.error.clone()).unwrap_or_default();
    Finding {
        severity: Severity::Error,
        title: format!("{} cannot get past event {event}", names.join(", ")),
        detail: format!("{error}; {}", behind.join(", ")),
        count: failures,
        window,
        keys: keys(&[("projection", names), ("stream", streams), ("event", vec![event.to_owned()])]),
        evidence: stuck.iter().flat_map(|judged| cited(judged, event)).take(5).collect(),
        cause: Some("poison-event".to_owned()),
        action: format!(
            "Look at event {event}: deploy a handler that can apply it, or skip it on purpose; then the projection goes on from its checkpoint"
        ),
        ..base("projector-stuck", &[store, event])
    }
}

/// The entries that tell of failures at an event.
fn cited(judged: &Judged<'_>, event: &str) -> Vec<finding::Evidence> {
    let of = |path: &str, sample: &crate::check::facts::Sample| finding::Evidence {
        path: path.to_owned(),
        line: sample.place.line,
        byte: sample.place.byte,
        excerpt: sample.message.chars().take(240).collect(),
    };
    let logs = judged.known.logs.iter();
    let samples = logs.filter_map(|(path, facts)| Some((*path, facts.positions.get(event)?.first.as_ref()?)));
    let mut samples: Vec<_> = samples.collect();
    samples.sort_by_key(|(path, sample)| (sample.order(), *path));
    samples.into_iter().take(2).map(|(path, sample)| of(path, sample)).collect()
}

/// Events that read models lack, though nothing lags: one cause, however many projections.
fn never_projected(store: &str, judged: &[Judged<'_>]) -> Option<Finding> {
    let mut lost: Vec<(&Judged<'_>, u64)> = judged
        .iter()
        .filter(|judged| judged.lost.proven)
        .filter_map(|judged| Some((judged, judged.lost.never?)))
        .collect();
    lost.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.row.name.cmp(&b.0.row.name)));
    let (most, count) = lost.first().copied()?;
    let others = match lost.len() - 1 {
        0 => String::new(),
        1 => ", and 1 more projection lacks some".to_owned(),
        more => format!(", and {more} more projections lack some"),
    };
    let lag = most.row.lag_ms.filter(|lag| most.known.lags.is_healthy(*lag));
    let though = lag.map_or(String::new(), |lag| format!(", though its lag reads {} s", lag / 1000));
    let lines = lost.iter().map(|(judged, never)| {
        format!(
            "{} never applied {never} of {} events before its checkpoint",
            judged.row.name, judged.lost.before
        )
    });
    let clocks = most.lost.clocks.map_or(String::new(), |clocks| format!("; {}", super::told(clocks)));
    let since = most.lost.since.map_or(String::new(), |since| format!(", since {since}"));
    let sources = lost.iter().filter_map(|(judged, _)| judged.lost.counted.as_ref());
    let mut evidence: Vec<finding::Evidence> = sources
        .map(|(path, _)| finding::Evidence { path: path.clone(), line: 1, ..finding::Evidence::default() })
        .collect();
    evidence.sort();
    evidence.dedup();
    Some(Finding {
        severity: Severity::Error,
        title: format!("{} never saw {count} of {} events{though}{others}", most.row.name, most.lost.before),
        detail: format!("{}{clocks}{since}", lines.collect::<Vec<_>>().join("; ")),
        count,
        keys: keys(&[("projection", lost.iter().map(|(judged, _)| judged.row.name.clone()).collect())]),
        evidence,
        cause: Some("clock-skew".to_owned()),
        action: "Set the clocks of all writers (NTP), then rebuild the projections from the first event that they lack"
            .to_owned(),
        ..base("events-never-projected", &[store])
    })
}

/// A projection that is behind, and for which nothing else explains it.
fn lagging(store: &str, judged: &Judged<'_>, judgement: &Judgement<'_>) -> Option<Finding> {
    let row = &judged.row;
    if row.left_by_rebuild || row.stuck_at.is_some() {
        return None;
    }
    let severity = match row.status? {
        ProjectionStatus::Healthy => return None,
        ProjectionStatus::Critical => Severity::Error,
        ProjectionStatus::Warning | ProjectionStatus::NeverProcessed => Severity::Warning,
    };
    // The newest event may have come a moment ago, long after the one before: then nobody waited.
    let waited = |since| judgement.as_of.is_none_or(|as_of| as_of.since(since) > judged.known.lags.warning);
    if judged.waiting_since.is_some_and(|since| !waited(since)) {
        return None;
    }
    let never = row.status == Some(ProjectionStatus::NeverProcessed);
    // A store without events, or one that has just begun, leaves nothing to process.
    if never && row.lag_ms.is_none_or(|lag| judged.known.lags.is_healthy(lag)) {
        return None;
    }
    let behind = row.events_behind.map_or(String::new(), |behind| format!(": {behind} events wait"));
    let paused =
        judged.known.logs.iter().filter_map(|(_, facts)| facts.acts.get(&Act::Paused)?.window.to).max();
    let paused_text = paused.map_or(String::new(), |at| format!("; it was paused at {at}"));
    let title = if never {
        format!("{} has never processed an event{behind}", row.name)
    } else {
        let minutes = row.lag_ms.unwrap_or(0) / 60_000;
        format!("{} is {minutes} min behind{behind}{paused_text}", row.name)
    };
    let mut window = Window::default();
    for time in [judged.waiting_since, row.checkpoint_at, paused].into_iter().flatten() {
        window.add(time);
    }
    let plan = row.rebuild.as_ref();
    Some(Finding {
        severity,
        title,
        detail: row.why.clone(),
        window,
        keys: keys(&[("projection", vec![row.name.clone()])]),
        evidence: told_by(&judged.known),
        cause: Some("projection-stall".to_owned()),
        action: plan.map_or(String::new(), |plan| format!("{}: {}", row.name, plan.why)),
        ..base(if never { "projection-never-processed" } else { "projection-lag" }, &[store, &row.name])
    })
}

/// The checkpoint's row, and what logs and reports said last.
fn told_by(known: &Known<'_>) -> Vec<finding::Evidence> {
    let checkpoint = known.checkpoint.map(|(table, row)| finding::Evidence {
        path: table.path.clone(),
        byte: row.byte,
        ..finding::Evidence::default()
    });
    let seen = known.seen.iter().rev().take(2).map(|seen| finding::Evidence {
        path: seen.path.to_owned(),
        line: seen.place.line,
        byte: seen.place.byte,
        excerpt: String::new(),
    });
    checkpoint.into_iter().chain(seen).collect()
}
