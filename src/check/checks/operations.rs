//! How long operations took and how they ended: totals, percentiles, slow calls.
//!
//! A service's commands are told by the values of their entries; what a value means is data (`patterns/fields.toml`).
//! An operation that is slow by nature (its median is over the threshold) is named, and no warning.

use std::collections::BTreeMap;

use crate::check::{
    Check, Evidence, Judgement, Meta, Outcome, Ran, charts,
    facts::{CallFacts, Ended, OperationKey, Sample},
    findings,
};
use crate::fold::{Histogram, State};
use crate::model::{Finding, Operation, OutcomeRow, Severity, Window, time::SECOND};

#[derive(Debug)]
pub(crate) struct Operations;

/// Slowest calls cited of an operation.
const CITED: usize = 5;

impl Check for Operations {
    fn meta(&self) -> Meta {
        Meta {
            id: "operations",
            about: "how long operations took, how they ended, and which calls were slow",
        }
    }

    fn conclude(&self, evidence: &Evidence, judgement: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let mut joined: BTreeMap<&OperationKey, Joined<'_>> = BTreeMap::new();
        for (path, log) in &evidence.logs {
            for (key, calls) in &log.operations.calls {
                joined.entry(key).or_default().add(path, calls);
            }
        }
        if joined.is_empty() {
            return Ran::CouldNot("no entry has a duration".to_owned());
        }
        let slow_over = slow_over(judgement);
        let rows: Vec<(Operation, Joined<'_>)> =
            joined.into_iter().map(|(key, joined)| (joined.row(key, slow_over), joined)).collect();
        // A command may be timed by several layers; the one that timed most calls speaks for it.
        let mut widest: BTreeMap<&str, usize> = BTreeMap::new();
        for (at, (row, _)) in rows.iter().enumerate() {
            let known = widest.entry(&row.name).or_insert(at);
            if row.total > rows[*known].0.total {
                *known = at;
            }
        }
        let calls: u64 = rows.iter().map(|(row, _)| row.total).sum();
        let told = widest.into_values().filter_map(|at| finding(&rows[at].0, &rows[at].1, slow_over));
        out.findings.extend(told);
        out.operations.extend(rows.into_iter().map(|(row, _)| row));
        Ran::Over(format!("{calls} timed calls of {} operations", out.operations.len()))
    }
}

/// Microseconds.
fn slow_over(judgement: &Judgement<'_>) -> u64 {
    judgement.settings.slow_over.unsigned_abs()
}

/// One operation over all sources.
#[derive(Default)]
struct Joined<'a> {
    calls: CallFacts,
    /// By duration, the largest first.
    slowest: Vec<(u64, &'a str, &'a Sample)>,
}

impl<'a> Joined<'a> {
    fn add(&mut self, path: &'a str, calls: &'a CallFacts) {
        self.calls.merge(calls.clone());
        for outcome in calls.by_outcome.values() {
            self.slowest.extend(outcome.slowest.items.iter().map(|(micros, sample)| (*micros, path, sample)));
        }
        self.slowest.sort_by_key(|(micros, path, sample)| (std::cmp::Reverse(*micros), *path, sample.place));
        self.slowest.truncate(CITED);
    }

    fn all(&self) -> Histogram {
        let mut all = Histogram::default();
        for outcome in self.calls.by_outcome.values() {
            all.merge(outcome.durations.clone());
        }
        all
    }

    fn row(&self, key: &OperationKey, slow_over: u64) -> Operation {
        let all = self.all();
        let succeeded = self.calls.by_outcome.get(&Ended::Succeeded).map_or(0, |facts| facts.durations.count);
        let (samples, sum) = self.calls.memory;
        let slow = self.slowest.iter().filter(|(micros, ..)| *micros > slow_over);
        Operation {
            name: key.name.clone(),
            source: key.source.clone(),
            total: all.count,
            succeeded,
            success_rate: (all.count > 0).then(|| succeeded as f64 / all.count as f64),
            avg_ms: all.mean().map(|mean| mean / 1e3),
            min_ms: all.min.map(millis),
            max_ms: all.max().map(millis),
            p50_ms: all.quantile(0.50).map(millis),
            p95_ms: all.quantile(0.95).map(millis),
            p99_ms: all.quantile(0.99).map(millis),
            slow: all.over(slow_over),
            avg_memory_delta_bytes: (samples > 0).then(|| sum as f64 / samples as f64),
            by_outcome: self
                .calls
                .by_outcome
                .iter()
                .map(|(ended, facts)| outcome_row(*ended, &facts.durations))
                .collect(),
            distribution: charts::distribution(&all),
            window: self.calls.window,
            evidence: slow.map(|(_, path, sample)| findings::cited(path, sample)).collect(),
        }
    }
}

fn outcome_row(ended: Ended, durations: &Histogram) -> OutcomeRow {
    let quantile = |share| durations.quantile(share).map_or(0.0, millis);
    OutcomeRow {
        outcome: ended.name().to_owned(),
        total: durations.count,
        avg_ms: durations.mean().unwrap_or_default() / 1e3,
        min_ms: durations.min.map_or(0.0, millis),
        max_ms: durations.max().map_or(0.0, millis),
        p50_ms: quantile(0.50),
        p95_ms: quantile(0.95),
        p99_ms: quantile(0.99),
    }
}

fn millis(micros: u64) -> f64 {
    micros as f64 / 1e3
}

/// Slow calls of an operation that is usually fast.
fn finding(row: &Operation, joined: &Joined<'_>, slow_over: u64) -> Option<Finding> {
    if row.slow == 0 {
        return None;
    }
    let by_nature = row.p50_ms.is_some_and(|median| median * 1e3 > slow_over as f64);
    let times: Vec<_> = joined.slowest.iter().filter(|(micros, ..)| *micros > slow_over).collect();
    let mut window = Window::default();
    times.iter().filter_map(|(_, _, sample)| sample.time).for_each(|time| window.add(time));
    let seconds = slow_over as f64 / SECOND as f64;
    Some(Finding {
        severity: if by_nature { Severity::Info } else { Severity::Warning },
        title: format!("Slow calls of {}", row.name),
        detail: format!(
            "{} of {} calls took more than {seconds} s ({}): median {} ms, 95 % within {} ms, longest {} ms",
            row.slow,
            row.total,
            row.source,
            shown(row.p50_ms),
            shown(row.p95_ms),
            shown(row.max_ms)
        ),
        count: row.slow,
        window,
        evidence: row.evidence.clone(),
        keys: [("command".to_owned(), vec![row.name.clone()])].into(),
        ..findings::finding("operations", "slow-calls", &[&row.source, &row.name])
    })
}

fn shown(millis: Option<f64>) -> String {
    millis.map_or("-".to_owned(), |millis| format!("{millis:.0}"))
}
