//! Sessions that ran or sat for long: queries over the threshold, and transactions that waited for their client.
//!
//! A session that sits in a transaction holds its connection, its locks and the oldest row version that vacuum may
//! remove. While a pool is full it is part of the reason, however short the threshold would let it go.

use std::collections::BTreeMap;

use crate::check::{
    Check, Evidence, Judgement, Meta, Outcome, Ran,
    facts::Gauge,
    findings, gauges,
    moments::{self, Moment, is_client, one_line, waits_for_a_lock},
};
use crate::fold::Series;
use crate::model::{
    Finding, HighUse, Severity, Timestamp, Window,
    database::{IdleTransaction, LongQuery, Who},
    snapshot::Session,
    time::SECOND,
};

use super::{
    blocking::{keys, shown},
    pools,
};

#[derive(Debug)]
pub(crate) struct Sessions;

/// Places cited of a session.
const CITED: usize = 3;
/// A transaction that sat for this long in microseconds while a pool was full is told even below the threshold: a
/// command needs milliseconds.
const WHILE_FULL: i64 = 10 * SECOND;

impl Check for Sessions {
    fn meta(&self) -> Meta {
        Meta { id: "sessions", about: "queries that ran long and transactions that sat without work" }
    }

    fn conclude(&self, evidence: &Evidence, judgement: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let moments = moments::moments(evidence);
        let with_sessions: Vec<&Moment<'_>> =
            moments.iter().filter(|moment| moment.exports.contains("sessions")).collect();
        if with_sessions.is_empty() {
            return Ran::CouldNot("no pg_stat_activity export".to_owned());
        }
        let full = full(evidence, judgement);
        let (mut queries, mut idle): (BTreeMap<Key, LongQuery>, BTreeMap<Key, IdleTransaction>) =
            Default::default();
        let mut sessions = 0;
        for moment in &with_sessions {
            for seen in moment.sessions.values().filter(|seen| is_client(seen.row)) {
                sessions += 1;
                let Some(at) = moment.at else { continue };
                let cited = seen.cited(&format!(
                    "pid {} {} {}: {}",
                    seen.row.pid, seen.row.application, seen.row.state, seen.row.query
                ));
                if seen.row.state.starts_with("idle in transaction") {
                    let row = idle.entry(key(seen.row, seen.row.xact_start)).or_default();
                    sat(row, seen.row, at);
                    if row.evidence.len() < CITED {
                        row.evidence.push(cited);
                    }
                } else if seen.row.state != "idle" && ran(seen.row, at) >= long_query(judgement) {
                    let row = queries.entry(key(seen.row, seen.row.query_start)).or_default();
                    runs(row, seen.row, at);
                    if row.evidence.len() < CITED {
                        row.evidence.push(cited);
                    }
                }
            }
        }
        out.findings.extend(queries.values().map(long_finding));
        let told = idle.values().filter_map(|row| idle_finding(row, idle_over(judgement), &full));
        out.findings.extend(told);
        out.database.long_queries = queries.into_values().collect();
        out.database.idle_in_transaction = idle.into_values().collect();
        Ran::Over(format!("{sessions} client sessions in {} exports", with_sessions.len()))
    }
}

/// Process numbers are used again: a session is told by its number and when its work began.
type Key = (i64, Option<Timestamp>);

fn key(session: &Session, began: Option<Timestamp>) -> Key {
    (session.pid, began)
}

/// Microseconds.
fn long_query(judgement: &Judgement<'_>) -> i64 {
    judgement.settings.long_query
}

fn idle_over(judgement: &Judgement<'_>) -> i64 {
    judgement.settings.idle_in_transaction
}

fn ran(session: &Session, at: Timestamp) -> i64 {
    session.query_start.map_or(0, |start| at.since(start))
}

fn who(session: &Session) -> Who {
    Who {
        pid: session.pid,
        user: session.user.clone(),
        application: session.application.clone(),
        database: session.database.clone(),
    }
}

fn runs(row: &mut LongQuery, session: &Session, at: Timestamp) {
    row.who = who(session);
    row.state.clone_from(&session.state);
    if waits_for_a_lock(session) {
        row.state.push_str(", waits for a lock");
    }
    (row.query, row.started) = (one_line(&session.query, 400), session.query_start);
    row.running_ms = row.running_ms.max(ran(session, at) / 1000);
    row.seen.add(at);
}

fn sat(row: &mut IdleTransaction, session: &Session, at: Timestamp) {
    row.who = who(session);
    (row.query, row.xact_start) = (one_line(&session.query, 400), session.xact_start);
    let since = |start: Option<Timestamp>| start.map_or(0, |start| at.since(start) / 1000);
    row.idle_ms = row.idle_ms.max(since(session.state_change));
    row.open_ms = row.open_ms.max(since(session.xact_start));
    row.seen.add(at);
}

/// When any pool was over the threshold.
fn full(evidence: &Evidence, judgement: &Judgement<'_>) -> Vec<HighUse> {
    let services = gauges::by_service(evidence);
    let series = services.values().filter_map(|gauges| gauges.get(Gauge::PoolUse));
    series.flat_map(|series: &Series| pools::stretches(series, pools::high(judgement))).collect()
}

fn long_finding(row: &LongQuery) -> Finding {
    Finding {
        severity: Severity::Warning,
        title: format!("{} ran a query for {} s", shown(&row.who), row.running_ms / 1000),
        detail: format!("{}: {}", row.state, row.query),
        window: Window { from: row.started.or(row.seen.from), to: row.seen.to },
        keys: keys(&row.who),
        evidence: row.evidence.clone(),
        cause: Some("slow-query".to_owned()),
        action: format!("See with EXPLAIN what it does; SELECT pg_cancel_backend({}) ends it.", row.who.pid),
        ..findings::finding("sessions", "long-query", &[&row.who.pid.to_string(), &row.query])
    }
}

fn idle_finding(row: &IdleTransaction, over: i64, full: &[HighUse]) -> Option<Finding> {
    let from = row.xact_start.or(row.seen.from)?;
    let to = row.seen.to?;
    let beside = full.iter().any(|stretch| stretch.from <= to && from <= stretch.to);
    let long = row.idle_ms * 1000 >= over;
    let held = beside && row.open_ms * 1000 >= WHILE_FULL;
    if !long && !held {
        return None;
    }
    let meanwhile = if beside { "; meanwhile a connection pool was full" } else { "" };
    Some(Finding {
        severity: if held { Severity::Error } else { Severity::Warning },
        title: format!("{} sat in a transaction for {} s or more", shown(&row.who), row.open_ms / 1000),
        detail: format!(
            "idle for {} s when last seen{meanwhile}; last statement: {}",
            row.idle_ms / 1000,
            row.query
        ),
        window: Window { from: Some(from), to: Some(to) },
        keys: keys(&row.who),
        evidence: row.evidence.clone(),
        cause: Some("long-running-transaction".to_owned()),
        action: format!(
            "Find the code that leaves the transaction open and commit before it waits for anything; SELECT pg_terminate_backend({}) ends this one.",
            row.who.pid
        ),
        ..findings::finding(
            "sessions",
            "idle-in-transaction",
            &[&row.who.pid.to_string(), &row.who.application],
        )
    })
}
