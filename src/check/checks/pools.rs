//! Connection pools: how full they were, when, and who held the connections.
//!
//! In use is what is checked out, not what is open: a pool that keeps idle connections is not full. One sample over
//! the threshold between others below it is how pools work; two in a row are not.

use std::collections::BTreeMap;

use crate::check::{
    Check, Evidence, Judgement, Meta, Outcome, Ran, charts,
    facts::{Gauge, LogFacts},
    findings,
    gauges::{self, Gauges},
};
use crate::fold::{Histogram, Point, Series, State};
use crate::model::{Finding, HighUse, Observed, Pool, Severity, Timestamp, Waits, Window};

#[derive(Debug)]
pub(crate) struct Pools;

/// The root-cause kind of the design that patterns of a full pool name.
const EXHAUSTION: &str = "connection-pool-exhaustion";
/// Stretches of high use listed of a pool.
const LISTED: usize = 20;
/// Fewer samples than this are no series: each counts by itself.
const FEW: u64 = 4;
/// A session that held a connection may have been seen this long before or after the pool was full, in microseconds:
/// snapshots of a bad minute are taken by hand.
const BESIDE: i64 = 60 * 1_000_000;

impl Check for Pools {
    fn meta(&self) -> Meta {
        Meta { id: "pools", about: "how full connection pools were, and when" }
    }

    fn conclude(&self, evidence: &Evidence, judgement: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let exhausted = exhausted(evidence, judgement);
        let mut samples = 0;
        for (service, gauges) in gauges::by_service(evidence) {
            let Some(series) = gauges.get(Gauge::PoolUse) else { continue };
            let pool = pool(&service, &gauges, series, evidence, high(judgement), &exhausted);
            samples += pool.samples;
            out.findings.extend(finding(&pool, high(judgement)));
            out.pools.push(pool);
        }
        if out.pools.is_empty() {
            return Ran::CouldNot("no entry and no metric says how full a pool is".to_owned());
        }
        Ran::Over(format!("{samples} samples of {} pools", out.pools.len()))
    }
}

pub(super) fn high(judgement: &Judgement<'_>) -> f64 {
    judgement.settings.pool_high
}

/// Entries that say that a pool had no connection left, by service. One failure is told by several layers, each with
/// a pattern of its own: the one that was heard most often counts.
fn exhausted(evidence: &Evidence, judgement: &Judgement<'_>) -> BTreeMap<String, (u64, Window)> {
    let mut by_service: BTreeMap<String, (u64, Window)> = BTreeMap::new();
    let kinds = judgement.patterns.iter().filter(|pattern| pattern.kind.as_deref() == Some(EXHAUSTION));
    for pattern in kinds {
        for (service, (count, window)) in told_by(evidence, &pattern.id) {
            let known = by_service.entry(service).or_default();
            known.0 = known.0.max(count);
            known.1.join(&window);
        }
    }
    by_service
}

fn told_by(evidence: &Evidence, pattern: &str) -> BTreeMap<String, (u64, Window)> {
    let mut by_service: BTreeMap<String, (u64, Window)> = BTreeMap::new();
    for facts in evidence.logs.values().filter_map(|log: &LogFacts| log.patterns.get(pattern)) {
        for (_, _, level) in facts.parts() {
            for (service, count) in level.key("service") {
                let known = by_service.entry(service.to_owned()).or_default();
                known.0 += count;
                known.1.join(&level.window);
            }
        }
    }
    by_service
}

fn pool(
    service: &str,
    gauges: &Gauges,
    series: &Series,
    evidence: &Evidence,
    high: f64,
    exhausted: &BTreeMap<String, (u64, Window)>,
) -> Pool {
    let (peak, peak_at) = series.peak().unwrap_or_default();
    let stretches = stretches(series, high);
    let (count, window) = exhausted.get(service).copied().unwrap_or_default();
    let max = gauges.get(Gauge::PoolMax).and_then(Series::peak);
    Pool {
        service: service.to_owned(),
        max: max.map(|(max, _)| max as u64),
        peak,
        peak_at: Some(Timestamp(peak_at)),
        last: series.points().next_back().map_or(0.0, |point| point.last),
        samples: series.count(),
        over_time: charts::samples(series),
        holders: holders(evidence, &stretches),
        high: stretches.into_iter().take(LISTED).collect(),
        exhausted: count,
        exhausted_window: window,
        waits: waits(evidence, service),
        sources: gauges.sources.iter().map(|source| (*source).to_owned()).collect(),
    }
}

/// Runs of samples over the threshold.
pub(super) fn stretches(series: &Series, high: f64) -> Vec<HighUse> {
    let points: Vec<&Point> = series.points().collect();
    let runs = points.chunk_by(|a, b| (a.max > high) == (b.max > high)).filter(|run| run[0].max > high);
    runs.map(|run| HighUse {
        from: Timestamp(run[0].from),
        to: Timestamp(run[run.len() - 1].to),
        peak: run.iter().map(|point| point.max).fold(0.0, f64::max),
        samples: run.iter().map(|point| point.count).sum(),
    })
    .collect()
}

/// Sessions that sat in a transaction while a pool was full, as the snapshots of that time saw them.
fn holders(evidence: &Evidence, stretches: &[HighUse]) -> Vec<String> {
    let mut holders: BTreeMap<i64, String> = BTreeMap::new();
    for snapshot in evidence.snapshots.values() {
        let Some(at) = snapshot.taken_at else { continue };
        let beside =
            stretches.iter().any(|stretch| stretch.from.plus(-BESIDE) <= at && at <= stretch.to.plus(BESIDE));
        let sessions = snapshot.observations.iter().filter_map(|observation| match &observation.state {
            Observed::Session(session) => Some(session),
            _ => None,
        });
        for session in sessions.filter(|session| beside && session.state.starts_with("idle in transaction")) {
            let since = session.xact_start.map_or(String::new(), |start| format!(" since {}", start.clock()));
            let query = session.query.split_whitespace().collect::<Vec<_>>().join(" ");
            let query: String = query.chars().take(100).collect();
            holders.entry(session.pid).or_insert_with(|| {
                format!("pid {} {} ({}){since}: {query}", session.pid, session.application, session.user)
            });
        }
    }
    holders.into_values().take(LISTED).collect()
}

fn waits(evidence: &Evidence, service: &str) -> Option<Waits> {
    let mut waits = Histogram::default();
    for log in evidence.logs.values() {
        if let Some(gauges) = log.gauges.services.get(service) {
            waits.merge(gauges.waits.clone());
        }
    }
    Some(Waits {
        total: waits.count,
        p95_ms: waits.quantile(0.95)? as f64 / 1e3,
        max_ms: waits.max()? as f64 / 1e3,
    })
    .filter(|waits| waits.total > 0)
}

/// A pool that was nearly full for longer than a moment.
fn finding(pool: &Pool, high: f64) -> Option<Finding> {
    let lasting = |stretch: &&HighUse| stretch.samples > 1 || pool.samples < FEW;
    let lasting: Vec<&HighUse> = pool.high.iter().filter(lasting).collect();
    let (first, last) = (lasting.first()?, lasting.last()?);
    let peak = lasting.iter().map(|stretch| stretch.peak).fold(0.0, f64::max);
    let max = pool.max.map_or(String::new(), |max| format!(" of {max} connections"));
    let held = match pool.holders.as_slice() {
        [] => String::new(),
        holders => format!("; in a transaction without work: {}", holders.join("; ")),
    };
    Some(Finding {
        severity: Severity::Warning,
        title: format!("Connection pool of {} over {:.0} % in use", pool.service, high * 100.0),
        detail: format!(
            "up to {:.0} %{max}, {} samples over the threshold in {} stretches, from {} to {}{held}",
            peak * 100.0,
            lasting.iter().map(|stretch| stretch.samples).sum::<u64>(),
            lasting.len(),
            first.from.clock(),
            last.to.clock(),
        ),
        count: lasting.iter().map(|stretch| stretch.samples).sum(),
        window: Window { from: Some(first.from), to: Some(last.to) },
        keys: [("service".to_owned(), vec![pool.service.clone()])].into(),
        cause: Some(EXHAUSTION.to_owned()),
        action: "See who holds the connections (sessions in a transaction, projectors, reports), and whether all pools together fit max_connections.".to_owned(),
        ..findings::finding("pools", "pool-utilisation", &[&pool.service])
    })
}
