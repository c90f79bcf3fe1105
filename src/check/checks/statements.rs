//! What statements cost: by `pg_stat_statements`, and by those that the server's log times.

use std::collections::BTreeMap;

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran, findings, moments::one_line};
use crate::model::{
    Finding, Observed, Severity, Timestamp, Window, database::StatementCost, finding, snapshot::Statement,
};

#[derive(Debug)]
pub(crate) struct Statements;

/// Statements listed.
const LISTED: usize = 50;
/// A statement is slow by nature only if it was called this often: a migration's step is called once.
const OFTEN: u64 = 10;
/// And it matters only with this share of all time.
const SHARE: f64 = 0.05;

impl Check for Statements {
    fn meta(&self) -> Meta {
        Meta { id: "statements", about: "what statements cost, by pg_stat_statements and the server's log" }
    }

    fn conclude(&self, evidence: &Evidence, judgement: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let exports = exports(evidence);
        let logged: usize = evidence.logs.values().map(|log| log.server.statements.len()).sum();
        if exports.is_empty() && logged == 0 {
            return Ran::CouldNot(
                "no pg_stat_statements export, and no server log that times statements".to_owned(),
            );
        }
        let mut rows = by_export(&exports);
        out.findings.extend(rows.iter().filter_map(|row| finding(row, slow_over(judgement), &exports)));
        rows.extend(by_log(evidence));
        rows.sort_by(|a, b| {
            b.total_ms.total_cmp(&a.total_ms).then(a.query.cmp(&b.query)).then(a.source.cmp(&b.source))
        });
        let all = rows.len();
        rows.truncate(LISTED);
        out.database.statements = rows;
        Ran::Over(format!("{all} statements of {} exports and {logged} timed by the log", exports.len()))
    }
}

/// Milliseconds.
fn slow_over(judgement: &Judgement<'_>) -> f64 {
    judgement.settings.slow_over as f64 / 1e3
}

/// One export: when, where, and each statement's row.
struct Export<'a> {
    at: Option<Timestamp>,
    path: &'a str,
    rows: BTreeMap<&'a str, (&'a Statement, crate::model::Place)>,
}

fn exports(evidence: &Evidence) -> Vec<Export<'_>> {
    let mut exports: Vec<Export<'_>> = Vec::new();
    for (path, snapshot) in &evidence.snapshots {
        let statements = snapshot.observations.iter().filter_map(|observation| match &observation.state {
            Observed::Statement(row) => Some((row.query.as_str(), (row, observation.place))),
            _ => None,
        });
        let rows: BTreeMap<_, _> = statements.collect();
        if !rows.is_empty() {
            exports.push(Export { at: snapshot.taken_at, path, rows });
        }
    }
    exports.sort_by_key(|export| (export.at.is_none(), export.at, export.path));
    exports
}

/// The last export, less the first where there are several: what was spent in between. Counters that fell were reset,
/// and count from there.
fn by_export(exports: &[Export<'_>]) -> Vec<StatementCost> {
    let Some(last) = exports.last() else { return Vec::new() };
    let first = exports.first().filter(|first| first.path != last.path);
    let spent = |row: &Statement| {
        let before = first.and_then(|first| first.rows.get(row.query.as_str()));
        before
            .filter(|(before, _)| before.calls <= row.calls && before.total_ms <= row.total_ms)
            .map_or((row.calls, row.total_ms), |(before, _)| {
                (row.calls - before.calls, row.total_ms - before.total_ms)
            })
    };
    let all: f64 = last.rows.values().map(|(row, _)| spent(row).1).sum();
    let costs = last.rows.values().map(|(row, _)| {
        let (calls, total_ms) = spent(row);
        StatementCost {
            query: one_line(&row.query, 400),
            calls,
            total_ms,
            mean_ms: if calls > 0 { total_ms / calls as f64 } else { 0.0 },
            max_ms: row.max_ms,
            share: if all > 0.0 { total_ms / all } else { 0.0 },
            source: "pg_stat_statements".to_owned(),
        }
    });
    costs.filter(|row| row.calls > 0).collect()
}

fn by_log(evidence: &Evidence) -> impl Iterator<Item = StatementCost> {
    let timed = evidence.logs.values().flat_map(|log| &log.server.statements);
    timed.map(|(query, timed)| {
        let total_ms = timed.durations.sum as f64 / 1000.0;
        StatementCost {
            query: query.clone(),
            calls: timed.durations.count,
            total_ms,
            mean_ms: timed.durations.mean().unwrap_or_default() / 1000.0,
            max_ms: timed.durations.max().map(|micros| micros as f64 / 1000.0),
            share: 0.0,
            source: "server log (slow ones alone)".to_owned(),
        }
    })
}

fn finding(row: &StatementCost, slow_ms: f64, exports: &[Export<'_>]) -> Option<Finding> {
    if row.mean_ms <= slow_ms || row.calls < OFTEN || row.share < SHARE || waits_by_design(&row.query) {
        return None;
    }
    let last = exports.last()?;
    let place = last.rows.values().find(|(statement, _)| one_line(&statement.query, 400) == row.query);
    Some(Finding {
        severity: Severity::Warning,
        title: format!("A statement takes {:.1} s on average", row.mean_ms / 1000.0),
        detail: format!("{} calls, {:.0} % of all statement time: {}", row.calls, row.share * 100.0, row.query),
        count: row.calls,
        window: Window { from: exports.first().and_then(|first| first.at), to: last.at },
        evidence: place
            .map(|(_, place)| finding::Evidence {
                path: last.path.to_owned(),
                line: place.line,
                byte: place.byte,
                excerpt: one_line(&row.query, 240),
            })
            .into_iter()
            .collect(),
        cause: Some("slow-query".to_owned()),
        action: "Run it with EXPLAIN (ANALYZE, BUFFERS): look for sequential scans of large tables and for lock waits around it.".to_owned(),
        ..findings::finding("statements", "slow-statement", &[&row.query])
    })
}

/// Statements that sleep, listen or copy take the time that they were asked to take.
fn waits_by_design(query: &str) -> bool {
    let lower = query.to_lowercase();
    ["pg_sleep", "start_replication", "copy ", "vacuum", "analyze ", "create index", "reindex", "listen "]
        .iter()
        .any(|word| lower.contains(word))
}
