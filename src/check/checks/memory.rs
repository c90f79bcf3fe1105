//! Memory of processes over time: how much, how fast it grows, when it would meet its limit.
//!
//! Growth is the median of the slopes between samples (Theil 1950, Sen 1968): a collector's saw teeth do not bend it.
//! It is a warning only where a limit is known and near, or met: a cache that fills is no leak.

use crate::check::{
    Check, Evidence, Judgement, Meta, Outcome, Ran, charts,
    facts::Gauge,
    findings,
    gauges::{self, Gauges},
};
use crate::fold::{Point, Series};
use crate::model::{Finding, MemoryUse, Severity, Timestamp, Window, time::SECOND};

#[derive(Debug)]
pub(crate) struct Memory;

/// The root-cause kind of patterns that see a death for lack of memory.
const PRESSURE: &str = "memory-pressure";
/// Samples that slopes are taken between at most; their pairs are half its square.
const SLOPES: usize = 200;
/// Fewest samples, and shortest time in microseconds, that growth is told from.
const FEWEST: usize = 5;
const SHORTEST: i64 = 60 * SECOND;
/// A process that would meet its limit within this at its rate is warned of: the next night's run comes too late.
const SOON: f64 = 24.0;
const HOUR: f64 = 3600.0 * SECOND as f64;

impl Check for Memory {
    fn meta(&self) -> Meta {
        Meta { id: "memory", about: "memory of processes over time, its growth and its limit" }
    }

    fn conclude(&self, evidence: &Evidence, judgement: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let mut samples = 0;
        for (service, gauges) in gauges::by_service(evidence) {
            let Some(series) = gauges.get(Gauge::Memory) else { continue };
            let mut row = row(&service, &gauges, series);
            row.deaths = deaths(evidence, judgement, &service);
            samples += row.samples;
            out.findings.extend(finding(&row, high(judgement)));
            out.memory.push(row);
        }
        if out.memory.is_empty() {
            return Ran::CouldNot("no entry and no metric says how much memory a process has".to_owned());
        }
        Ran::Over(format!("{samples} samples of {} processes", out.memory.len()))
    }
}

fn high(judgement: &Judgement<'_>) -> f64 {
    judgement.settings.memory_high
}

fn row(service: &str, gauges: &Gauges, series: &Series) -> MemoryUse {
    let points: Vec<&Point> = series.points().collect();
    let (peak, peak_at) = series.peak().unwrap_or_default();
    let limit =
        gauges.get(Gauge::MemoryLimit).and_then(|limits| limits.points().next_back()).map(|limit| limit.last);
    let last = points.last().map_or(0.0, |point| point.last);
    let growth = growth(&points);
    let left = limit.zip(growth).filter(|(_, rate)| *rate > 0.0);
    let to_limit = left.map(|(limit, rate)| (limit - last).max(0.0) / rate * 3_600_000.0);
    MemoryUse {
        service: service.to_owned(),
        first_bytes: points.first().map_or(0, |point| point.min as u64),
        last_bytes: last as u64,
        peak_bytes: peak as u64,
        peak_at: Some(Timestamp(peak_at)),
        limit_bytes: limit.map(|limit| limit as u64),
        growth_per_hour: growth,
        to_limit_ms: to_limit.map(|millis| millis as i64),
        samples: series.count(),
        over_time: charts::samples(series),
        window: Window {
            from: points.first().map(|point| Timestamp(point.from)),
            to: points.last().map(|point| Timestamp(point.to)),
        },
        deaths: 0,
        sources: gauges.sources.iter().map(|source| (*source).to_owned()).collect(),
    }
}

/// Bytes an hour.
fn growth(points: &[&Point]) -> Option<f64> {
    let (first, last) = (points.first()?, points.last()?);
    if points.len() < FEWEST || last.to - first.from < SHORTEST {
        return None;
    }
    let step = points.len().div_ceil(SLOPES);
    let chosen: Vec<&&Point> = points.iter().step_by(step).collect();
    let mut slopes: Vec<f64> = Vec::with_capacity(chosen.len() * chosen.len() / 2);
    for (at, a) in chosen.iter().enumerate() {
        for b in chosen[at + 1..].iter().filter(|b| b.to > a.to) {
            slopes.push((b.last - a.last) / (b.to - a.to) as f64 * HOUR);
        }
    }
    let middle = slopes.len() / 2;
    (!slopes.is_empty()).then(|| *slopes.select_nth_unstable_by(middle, f64::total_cmp).1)
}

/// Entries of a service that tell of a death for lack of memory.
fn deaths(evidence: &Evidence, judgement: &Judgement<'_>, service: &str) -> u64 {
    let kinds = judgement.patterns.iter().filter(|pattern| pattern.kind.as_deref() == Some(PRESSURE));
    let mut deaths = 0;
    for pattern in kinds {
        for facts in evidence.logs.values().filter_map(|log| log.patterns.get(&pattern.id)) {
            let loud = facts.parts().filter(|(level, ..)| level.raises(pattern.raises_at));
            for (_, _, facts) in loud {
                deaths += facts.key("service").get(service).copied().unwrap_or_default();
            }
        }
    }
    deaths
}

fn finding(row: &MemoryUse, high: f64) -> Option<Finding> {
    let limit = row.limit_bytes.filter(|limit| *limit > 0)?;
    let share = row.peak_bytes as f64 / limit as f64;
    let soon = row.to_limit_ms.is_some_and(|millis| (millis as f64) < SOON * 3_600_000.0);
    let grows = row.growth_per_hour.is_some_and(|rate| rate > limit as f64 / 100.0);
    if share <= high && !(soon && grows && share > high / 2.0) {
        return None;
    }
    let ahead = row
        .to_limit_ms
        .filter(|_| grows)
        .map_or(String::new(), |millis| format!(", at its limit in {} min at that rate", millis / 60_000));
    Some(Finding {
        severity: Severity::Warning,
        title: format!("{} uses {:.0} % of its memory limit", row.service, share * 100.0),
        detail: format!(
            "peak {} of {}, {} an hour{ahead}",
            shown(row.peak_bytes as f64),
            shown(limit as f64),
            row.growth_per_hour.map_or("growth unknown".to_owned(), |rate| format!("{} more", shown(rate))),
        ),
        count: row.samples,
        window: row.window,
        keys: [("service".to_owned(), vec![row.service.clone()])].into(),
        cause: Some(PRESSURE.to_owned()),
        action: "Take a heap profile before the next restart; until then raise the limit or restart before it is met.".to_owned(),
        ..findings::finding("memory", "memory-near-limit", &[&row.service])
    })
}

fn shown(bytes: f64) -> String {
    format!("{:.1} MiB", bytes / f64::from(1 << 20))
}
