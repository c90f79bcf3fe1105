//! Who blocked whom: the sessions that others waited for and that waited for nobody, from snapshots over time and from
//! the server's log.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{
    Check, Evidence, Judgement, Meta, Outcome, Ran,
    blocking::{self, Basis, Root},
    facts::Wait,
    findings,
    moments::{self, Moment, one_line},
};
use crate::model::{
    Finding, Severity, Timestamp, Window,
    database::{Blocker, Who},
    finding,
    time::SECOND,
};

#[derive(Debug)]
pub(crate) struct Blocks;

/// Waiting sessions listed, and places cited, of a blocker.
const LISTED: usize = 50;
const CITED: usize = 5;
/// A lock that holds up this many sessions at once, or for this long in microseconds, is an error: pools are no
/// larger, and commands time out sooner.
const MANY: u64 = 5;
const LONG: i64 = 30 * SECOND;

impl Check for Blocks {
    fn meta(&self) -> Meta {
        Meta {
            id: "blocking",
            about: "sessions that others waited for: the real holder, not everybody in the queue",
        }
    }

    fn conclude(&self, evidence: &Evidence, judgement: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let moments = moments::moments(evidence);
        let log = blocking::logged(evidence);
        let servers: u64 = evidence.logs.values().map(|log| log.server.entries).sum();
        if moments.is_empty() && servers == 0 {
            return Ran::CouldNot(
                "no pg_locks, pg_stat_activity or blocking-queries export, and no server log".to_owned(),
            );
        }
        let mut blockers: BTreeMap<i64, Holder<'_>> = BTreeMap::new();
        for moment in &moments {
            for root in blocking::roots(moment, &log) {
                blockers.entry(root.pid).or_default().seen(moment, &root);
            }
        }
        // A holder that waits itself is no root; the log tells of its own wait as well.
        let waiters: BTreeSet<i64> = log.iter().map(|wait| wait.pid).collect();
        for wait in &log {
            for pid in wait.holders.iter().filter(|pid| !waiters.contains(*pid)) {
                blockers.entry(*pid).or_default().told(wait);
            }
        }
        let paths = paths_of(evidence);
        let mut rows: Vec<Blocker> =
            blockers.into_iter().map(|(pid, holder)| holder.row(pid, &paths)).collect();
        rows.sort_by(|a, b| {
            b.waiters.cmp(&a.waiters).then(a.window.from.cmp(&b.window.from)).then(a.who.pid.cmp(&b.who.pid))
        });
        out.findings.extend(rows.iter().filter_map(|row| finding(row, lock_wait_over(judgement))));
        let found = rows.len();
        out.database.blocking = rows;
        Ran::Over(format!(
            "{} moments of snapshots, {servers} server log entries: {found} blockers",
            moments.len()
        ))
    }
}

/// Microseconds.
fn lock_wait_over(judgement: &Judgement<'_>) -> i64 {
    judgement.settings.lock_wait_over
}

/// The source that each wait of a server's log stands in, by its place and message.
fn paths_of(evidence: &Evidence) -> BTreeMap<(u64, &str), &str> {
    let waits = evidence
        .logs
        .iter()
        .flat_map(|(path, log)| log.server.waits.items.iter().map(move |wait| (path, wait)));
    waits.map(|(path, wait)| ((wait.place.byte, wait.message.as_str()), path.as_str())).collect()
}

/// All that is known of one holder.
#[derive(Default)]
struct Holder<'a> {
    row: Blocker,
    waiters: BTreeSet<i64>,
    basis: Option<Basis>,
    logged: Vec<&'a Wait>,
}

impl<'a> Holder<'a> {
    /// A snapshot shows it.
    fn seen(&mut self, moment: &Moment<'_>, root: &Root) {
        let row = &mut self.row;
        if let Some(session) = moment.sessions.get(&root.pid) {
            let of = session.row;
            row.who = Who {
                pid: of.pid,
                user: of.user.clone(),
                application: of.application.clone(),
                database: of.database.clone(),
            };
            (row.state, row.statement) = (of.state.clone(), one_line(&of.query, 400));
            row.xact_start = of.xact_start.or(row.xact_start);
            if row.evidence.len() < CITED {
                row.evidence.push(session.cited(&format!("pid {} {} {}", of.pid, of.application, of.query)));
            }
        } else if let Some(blocking) = moment.blocking.iter().find(|seen| seen.row.blocking_pid == root.pid) {
            row.who.user.clone_from(&blocking.row.blocking_user);
            row.statement = one_line(&blocking.row.blocking_statement, 400);
        }
        if let Some(blocking) = moment.blocking.iter().find(|seen| seen.row.blocking_pid == root.pid)
            && row.evidence.len() < CITED
        {
            let of = blocking.row;
            let text =
                format!("pid {} waits for pid {}: {}", of.blocked_pid, of.blocking_pid, of.blocked_statement);
            row.evidence.push(blocking.cited(&text));
        }
        row.waiters = row.waiters.max(root.waiters.len() as u64);
        self.waiters.extend(&root.waiters);
        self.basis = Some(self.basis.map_or(root.basis, |basis| basis.min(root.basis)));
        let Some(at) = moment.at else { return };
        row.window.add(at);
        for since in root.waiters.iter().filter_map(|pid| moment.waiting_since(*pid)) {
            row.longest_wait_ms = row.longest_wait_ms.max(at.since(since) / 1000);
            row.window.add(since.min(at));
        }
    }

    /// The server's log tells of it.
    fn told(&mut self, wait: &'a Wait) {
        let row = &mut self.row;
        self.basis = Some(Basis::Named);
        self.waiters.insert(wait.pid);
        self.waiters.extend(&wait.queue);
        row.waiters = row.waiters.max(wait.queue.len().max(1) as u64);
        row.longest_wait_ms = row.longest_wait_ms.max(wait.waited as i64 / 1000);
        if row.lock.is_empty() {
            row.lock = format!("{} on {}", wait.mode, wait.target);
        }
        if row.who.database.is_empty() {
            row.who.database.clone_from(&wait.database);
        }
        if let Some(at) = wait.at {
            row.window.add(at);
            row.window.add(at.plus(-(wait.waited as i64)));
        }
        self.logged.push(wait);
    }

    fn row(self, pid: i64, paths: &BTreeMap<(u64, &str), &str>) -> Blocker {
        let Holder { mut row, waiters, basis, logged } = self;
        row.who.pid = pid;
        row.waiter_pids = waiters.into_iter().take(LISTED).collect();
        let basis = basis.unwrap_or(Basis::Oldest);
        (row.basis, row.why) = (basis.name().to_owned(), basis.why().to_owned());
        for wait in logged.into_iter().take(2) {
            let path = paths.get(&(wait.place.byte, wait.message.as_str())).copied().unwrap_or_default();
            row.evidence.push(finding::Evidence {
                path: path.to_owned(),
                line: wait.place.line,
                byte: wait.place.byte,
                excerpt: wait.message.clone(),
            });
        }
        row
    }
}

fn finding(row: &Blocker, over: i64) -> Option<Finding> {
    // Locks are waited for all day; a wait that nobody would notice is none to report.
    if row.longest_wait_ms * 1000 < over {
        return None;
    }
    let grave = row.waiters >= MANY || row.longest_wait_ms * 1000 >= LONG;
    let who = shown(&row.who);
    let held = match (row.xact_start, row.statement.as_str()) {
        (Some(start), "") => format!("in a transaction since {}", start.clock()),
        (Some(start), statement) => format!("in a transaction since {}: {statement}", start.clock()),
        (None, statement) => statement.to_owned(),
    };
    let lock = if row.lock.is_empty() { String::new() } else { format!("; they wait for {}", row.lock) };
    let began = row.xact_start.filter(|start| row.window.from.is_none_or(|from| *start <= from));
    Some(Finding {
        severity: if grave { Severity::Error } else { Severity::Warning },
        title: format!("{who} held a lock that up to {} sessions waited for", row.waiters),
        detail: format!(
            "longest wait seen {:.1} s; {} ({}){lock}; {held}",
            row.longest_wait_ms as f64 / 1000.0,
            row.basis,
            row.why
        ),
        count: row.waiters,
        window: from(row.window, began),
        keys: keys(&row.who),
        evidence: row.evidence.clone(),
        cause: Some("lock-contention".to_owned()),
        action: format!(
            "See what pid {} is doing and whether it may be ended: SELECT pg_terminate_backend({}) ends it and rolls its transaction back.",
            row.who.pid, row.who.pid
        ),
        ..findings::finding("blocking", "blocked-sessions", &[&row.who.pid.to_string(), &row.who.application])
    })
}

/// The lock was taken after the transaction began, and before anyone waited.
fn from(mut window: Window, began: Option<Timestamp>) -> Window {
    if let Some(began) = began {
        window.add(began);
    }
    window
}

pub(super) fn shown(who: &Who) -> String {
    match (who.application.as_str(), who.user.as_str()) {
        ("", "") => format!("pid {}", who.pid),
        ("", user) => format!("pid {} ({user})", who.pid),
        (application, "") => format!("{application} (pid {})", who.pid),
        (application, user) => format!("{application} (pid {}, {user})", who.pid),
    }
}

pub(super) fn keys(who: &Who) -> finding::Keys {
    let named = [
        ("pid", who.pid.to_string()),
        ("user", who.user.clone()),
        ("application", who.application.clone()),
        ("database", who.database.clone()),
    ];
    named
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), vec![value]))
        .collect()
}
