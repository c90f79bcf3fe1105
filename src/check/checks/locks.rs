//! Lock waits and deadlocks, by what was waited for.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{
    Check, Evidence, Judgement, Meta, Outcome, Ran, findings,
    moments::{self, one_line},
};
use crate::model::{
    Finding, Severity, Window,
    database::{Deadlock, LockWait},
};

#[derive(Debug)]
pub(crate) struct Locks;

impl Check for Locks {
    fn meta(&self) -> Meta {
        Meta { id: "locks", about: "locks that were waited for, and deadlocks" }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let servers: u64 = evidence.logs.values().map(|log| log.server.entries).sum();
        let moments = moments::moments(evidence);
        let exports = moments.iter().filter(|moment| moment.exports.contains("locks")).count();
        if servers == 0 && exports == 0 {
            return Ran::CouldNot("no pg_locks export and no server log".to_owned());
        }
        let mut waits = logged(evidence);
        waits.extend(exported(&moments));
        waits.sort_by(|a, b| {
            b.sessions.cmp(&a.sessions).then(b.longest_ms.cmp(&a.longest_ms)).then(a.target.cmp(&b.target))
        });
        let deadlocks = deadlocks(evidence);
        out.findings.extend(deadlock_finding(&deadlocks));
        let observed = format!(
            "{servers} server log entries, {exports} exports: {} waits, {} deadlocks",
            waits.len(),
            deadlocks.len()
        );
        (out.database.locks, out.database.deadlocks) = (waits, deadlocks);
        Ran::Over(observed)
    }
}

/// A lock wait with the sessions that it was seen of.
type Waits = BTreeMap<(String, String), (LockWait, BTreeSet<i64>)>;

fn rows(waits: Waits) -> Vec<LockWait> {
    waits.into_values().map(|(row, sessions)| LockWait { sessions: sessions.len() as u64, ..row }).collect()
}

fn logged(evidence: &Evidence) -> Vec<LockWait> {
    let mut waits = Waits::new();
    for wait in evidence.logs.values().flat_map(|log| &log.server.waits.items) {
        let (row, sessions) = waits.entry((wait.mode.clone(), wait.target.clone())).or_default();
        sessions.insert(wait.pid);
        (row.mode, row.target) = (wait.mode.clone(), wait.target.clone());
        "server log".clone_into(&mut row.source);
        row.longest_ms = row.longest_ms.max(wait.waited as i64 / 1000);
        row.holders.extend(
            wait.holders.iter().filter(|pid| !row.holders.contains(pid)).copied().collect::<Vec<_>>(),
        );
        if row.statement.is_empty() {
            row.statement.clone_from(&wait.statement);
        }
        row.window.join(&Window { from: wait.at.map(|at| at.plus(-(wait.waited as i64))), to: wait.at });
    }
    rows(waits)
}

fn exported(moments: &[moments::Moment<'_>]) -> Vec<LockWait> {
    let mut waits = Waits::new();
    for moment in moments {
        for lock in moment.locks.iter().filter(|lock| !lock.row.granted) {
            let (row, sessions) = waits.entry((lock.row.mode.clone(), lock.row.target.clone())).or_default();
            sessions.insert(lock.row.pid);
            (row.mode, row.target) = (lock.row.mode.clone(), lock.row.target.clone());
            "pg_locks".clone_into(&mut row.source);
            if let Some((at, since)) = moment.at.zip(lock.row.wait_start) {
                row.longest_ms = row.longest_ms.max(at.since(since) / 1000);
            }
            if let Some(session) = moment.sessions.get(&lock.row.pid).filter(|_| row.statement.is_empty()) {
                row.statement = one_line(&session.row.query, 400);
            }
            row.window.join(&Window { from: lock.row.wait_start.or(moment.at), to: moment.at });
        }
    }
    rows(waits)
}

fn deadlocks(evidence: &Evidence) -> Vec<Deadlock> {
    let found = evidence
        .logs
        .iter()
        .flat_map(|(path, log)| log.server.deadlocks.items.iter().map(move |seen| (path, seen)));
    let mut rows: Vec<Deadlock> = found
        .map(|(path, seen)| Deadlock {
            at: seen.sample.time,
            processes: seen.processes.clone(),
            statements: seen.statements.clone(),
            evidence: vec![findings::cited(path, &seen.sample)],
        })
        .collect();
    rows.sort_by_key(|row| (row.at.is_none(), row.at));
    rows
}

/// The pattern that sees deadlocks raises its finding; this one adds who and what.
fn deadlock_finding(deadlocks: &[Deadlock]) -> Option<Finding> {
    let first = deadlocks.first()?;
    let mut window = Window::default();
    deadlocks.iter().filter_map(|deadlock| deadlock.at).for_each(|at| window.add(at));
    let pids: Vec<String> = first.processes.iter().map(i64::to_string).collect();
    Some(Finding {
        severity: Severity::Info,
        title: format!("Statements of {} deadlocks", deadlocks.len()),
        detail: first.statements.join(" | "),
        count: deadlocks.len() as u64,
        window,
        keys: [("pid".to_owned(), pids)].into(),
        evidence: deadlocks.iter().take(5).flat_map(|deadlock| deadlock.evidence.clone()).collect(),
        cause: Some("deadlock".to_owned()),
        ..findings::finding("locks", "deadlock-statements", &[])
    })
}
