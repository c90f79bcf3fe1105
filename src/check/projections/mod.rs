//! Projections: how far each has read, what waits behind it, what it never saw, and how to bring it back.
//!
//! Sources are many and disagree: a checkpoint table tells the truth of the moment at which it was dumped, a health
//! report and a metric of theirs, a log what it was worth an entry. The dump wins where it knows a projection; what only
//! others know has a row all the same. Every figure names its source.

mod gather;
mod lost;
mod plan;
mod reading;
mod row;
mod stories;
mod stuck;

use std::collections::BTreeMap;

use crate::model::{
    EventId, Fault, FaultKind, Reads, Settings, Severity, Timestamp,
    projection::{Projection, ProjectionStatus},
};

use super::{Evidence, Judgement, Outcome};
use gather::{Group, Known};
use lost::Lost;
use reading::{Reading, TwoClocks, Watched};

/// How far behind, in microseconds, a projection is one to look at, and in trouble.
#[derive(Clone, Copy, Debug, Default)]
struct Lags {
    warning: i64,
    critical: i64,
}

impl Lags {
    fn of(settings: &Settings) -> Lags {
        Lags { warning: settings.lag_warning, critical: settings.lag_critical }
    }

    fn status(self, lag_ms: i64) -> ProjectionStatus {
        match lag_ms.saturating_mul(1000) {
            lag if lag > self.critical => ProjectionStatus::Critical,
            lag if lag > self.warning => ProjectionStatus::Warning,
            _ => ProjectionStatus::Healthy,
        }
    }

    fn is_healthy(self, lag_ms: i64) -> bool {
        self.status(lag_ms) == ProjectionStatus::Healthy
    }
}

/// One projection, judged.
#[derive(Debug)]
struct Judged<'a> {
    known: Known<'a>,
    lost: Lost,
    row: Projection,
    /// When the first event that it has not read was written.
    waiting_since: Option<Timestamp>,
}

/// What there is to say of all projections; `None` where no source names one.
pub(super) fn judge(evidence: &Evidence, judgement: &Judgement<'_>, out: &mut Outcome) -> Option<String> {
    let groups = gather::groups(evidence);
    let known = gather::known(evidence, &groups);
    if known.is_empty() {
        return None;
    }
    let (mut dated, mut all) = (0, 0);
    let mut by_group: BTreeMap<Option<usize>, Vec<Known<'_>>> = BTreeMap::new();
    for mut known in known {
        known.lags = Lags::of(judgement.settings);
        all += 1;
        dated += usize::from(known.checkpoint.is_some());
        by_group.entry(known.group).or_default().push(known);
    }
    let mut rows = Vec::new();
    for (at, known) in by_group {
        let group = at.map(|at| &groups[at]);
        let judged = of_group(group, known, judgement, out);
        stories::tell(group, &judged, judgement, out);
        rows.extend(judged.into_iter().map(|judged| judged.row));
    }
    rows.sort_by(|a, b| (&a.name, &a.store).cmp(&(&b.name, &b.store)));
    out.projections.extend(rows);
    Some(format!("{all} projections, {dated} with a checkpoint"))
}

fn of_group<'a>(
    group: Option<&Group<'a>>,
    known: Vec<Known<'a>>,
    judgement: &Judgement<'_>,
    out: &mut Outcome,
) -> Vec<Judged<'a>> {
    let watched: Vec<Watched> = known.iter().map(watched).collect();
    let reading = match group.filter(|group| group.counts_ids()) {
        Some(group) => {
            let by_type = group.rules.reads == Reads::EventType;
            Reading::new(group.events, by_type, &watched, judgement.as_of)
        }
        None => Reading::default(),
    };
    if let Some(group) = group {
        skip_risk(group, &known, &reading, out);
    }
    let rebuilds = plan::rebuild_rate(known.iter());
    known.into_iter().map(|known| row::judged(group, known, &reading, rebuilds.as_ref())).collect()
}

/// Every position that a source says a projection stood at.
fn watched(known: &Known<'_>) -> Watched {
    let mut watched = Watched::default();
    if let (Some(id), Some((_, row))) = (known.checkpoint_id(), known.checkpoint) {
        watched.marks.push((id, row.updated_at));
    }
    for seen in &known.seen {
        if let Some(id) = seen.state.position.as_deref().and_then(EventId::parse) {
            watched.marks.push((id, seen.state.checkpoint_at));
        }
    }
    watched
}

/// States events that came in behind a projection that reads in order of ids. Where the ids show two clocks it goes on
/// happening, and the events are lost to the projection; else it is an observation.
fn skip_risk(group: &Group<'_>, known: &[Known<'_>], reading: &Reading, out: &mut Outcome) {
    let store = group.events;
    for (known, landed) in known.iter().zip(&reading.landed) {
        let Some(first) = landed.events.items.first() else { continue };
        let since = landed.window.from.map_or("-".to_owned(), |time| time.to_string());
        let detail = format!(
            "{} never reads {} events: they were written since {since} when its checkpoint had passed their ids{}",
            known.name,
            landed.events.seen,
            reading.clocks.map_or(String::new(), |clocks| format!(" ({})", told(clocks)))
        );
        let severity = if reading.clocks.is_some() { Severity::Warning } else { Severity::Info };
        let fault = store.fault_at(FaultKind::ProjectionSkipRisk, first, detail);
        out.fault(store, Fault { severity, projection: Some(known.name.clone()), ..fault });
    }
    if let Some(clocks) =
        reading.clocks.filter(|_| reading.landed.iter().all(|landed| landed.events.seen == 0))
    {
        let detail = format!(
            "{}: a projection that reads in order of ids can skip what the slower one writes",
            told(clocks)
        );
        out.fault(store, store.fault(FaultKind::ProjectionSkipRisk, 0, detail));
    }
}

fn told(clocks: TwoClocks) -> String {
    format!(
        "the ids were made by clocks {:.1} s apart, {} events by the second",
        clocks.apart_ms as f64 / 1e3,
        clocks.events
    )
}
