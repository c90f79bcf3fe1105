//! Who really blocks: from everybody's list of everybody else to the one session that waits for nobody.
//!
//! The usual query lists each waiter as a blocker of every other, for it asks who has *or wants* the same lock. The
//! blocker is the one among them that does not wait itself. Where all of them wait, the evidence beside it is asked:
//! `pg_blocking_pids`, granted locks, the server's log, and last the session that has been in a transaction longest.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Timestamp, time::SECOND};

use super::{
    Evidence,
    facts::Wait,
    moments::{Moment, is_client, waits_for_a_lock},
};

/// How far a line of the server's log may be from a snapshot to tell of the same wait, in microseconds.
const BESIDE: i64 = 120 * SECOND;

/// A session that others wait for at one moment.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Root {
    pub(super) pid: i64,
    pub(super) waiters: BTreeSet<i64>,
    pub(super) basis: Basis,
}

/// What the choice rests on, the surest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Basis {
    /// The server said so: `pg_blocking_pids`, or its log.
    Named,
    /// It has the lock that others want.
    Granted,
    /// Of those that a blocking query lists, it is one that does not wait.
    NotWaiting,
    /// It could be: nobody else has been in a transaction for longer.
    Oldest,
}

impl Basis {
    pub(super) fn name(self) -> &'static str {
        if self == Basis::Oldest { "inferred" } else { "seen" }
    }

    pub(super) fn why(self) -> &'static str {
        match self {
            Basis::Named => "the server names it as the holder",
            Basis::Granted => "it has the lock that the others wait for",
            Basis::NotWaiting => "of all that the export lists as blocking, it waits for nobody",
            Basis::Oldest => {
                "nothing names the holder: of the sessions that do not wait, it has been in a transaction longest"
            }
        }
    }
}

/// The sessions that others wait for at a moment, each with its waiters, direct or not.
pub(super) fn roots(moment: &Moment<'_>, log: &[&Wait]) -> Vec<Root> {
    let waiting = moment.waiting();
    if waiting.is_empty() {
        return Vec::new();
    }
    let mut found: BTreeMap<i64, Root> = BTreeMap::new();
    for waiter in &waiting {
        for (pid, basis) in blockers(moment, log, &waiting, *waiter) {
            let root = found.entry(pid).or_insert_with(|| Root { pid, waiters: BTreeSet::new(), basis });
            root.basis = root.basis.min(basis);
            root.waiters.insert(*waiter);
        }
    }
    if found.is_empty()
        && let Some(pid) = oldest(moment, &waiting)
    {
        found.insert(pid, Root { pid, waiters: waiting, basis: Basis::Oldest });
    }
    let mut roots: Vec<Root> = found.into_values().collect();
    roots.sort_by_key(|root| (std::cmp::Reverse(root.waiters.len()), root.pid));
    roots
}

/// Those that a session waits for in the end: who is named as its blocker and waits for nobody itself.
fn blockers(moment: &Moment<'_>, log: &[&Wait], waiting: &BTreeSet<i64>, waiter: i64) -> Vec<(i64, Basis)> {
    let mut seen = BTreeSet::from([waiter]);
    let (mut found, mut next): (BTreeMap<i64, Basis>, Vec<i64>) = (BTreeMap::new(), vec![waiter]);
    while let Some(pid) = next.pop() {
        for (blocker, basis) in directly(moment, log, pid) {
            if !waiting.contains(&blocker) {
                let known = found.entry(blocker).or_insert(basis);
                *known = (*known).min(basis);
            } else if seen.insert(blocker) {
                next.push(blocker);
            }
        }
    }
    // What the server names outweighs what a query lists.
    let surest = found.values().min().copied();
    found.into_iter().filter(|(_, basis)| Some(*basis) == surest || *basis <= Basis::Granted).collect()
}

fn directly(moment: &Moment<'_>, log: &[&Wait], pid: i64) -> Vec<(i64, Basis)> {
    let mut blockers: Vec<(i64, Basis)> = Vec::new();
    if let Some(session) = moment.sessions.get(&pid) {
        blockers.extend(session.row.blocked_by.iter().map(|pid| (*pid, Basis::Named)));
    }
    let beside = |wait: &&&Wait| {
        wait.pid == pid && wait.at.zip(moment.at).is_some_and(|(a, b)| a.since(b).abs() <= BESIDE)
    };
    for wait in log.iter().filter(beside) {
        blockers.extend(wait.holders.iter().map(|pid| (*pid, Basis::Named)));
    }
    let wanted = moment.locks.iter().filter(|lock| lock.row.pid == pid && !lock.row.granted);
    for lock in wanted {
        let holders = moment
            .locks
            .iter()
            .filter(|other| other.row.granted && other.row.target == lock.row.target && other.row.pid != pid);
        blockers.extend(holders.map(|holder| (holder.row.pid, Basis::Granted)));
    }
    let listed = moment.blocking.iter().filter(|blocking| blocking.row.blocked_pid == pid);
    blockers.extend(listed.map(|blocking| (blocking.row.blocking_pid, Basis::NotWaiting)));
    blockers.retain(|(blocker, _)| *blocker != pid && *blocker != 0);
    blockers
}

/// Of the clients that do not wait, the one whose transaction is oldest.
fn oldest(moment: &Moment<'_>, waiting: &BTreeSet<i64>) -> Option<i64> {
    let sessions = moment.sessions.values().map(|seen| seen.row);
    let could = sessions.filter(|session| {
        is_client(session) && !waits_for_a_lock(session) && !waiting.contains(&session.pid)
    });
    // A transaction that began after the first of them waited cannot be what they wait for.
    let first: Option<Timestamp> = waiting.iter().filter_map(|pid| moment.waiting_since(*pid)).min();
    could
        .filter_map(|session| Some((session.xact_start?, session.pid)))
        .filter(|(start, _)| first.is_none_or(|first| *start <= first))
        .min()
        .map(|(_, pid)| pid)
}

/// Lock waits that the server's log tells of.
pub(super) fn logged(evidence: &Evidence) -> Vec<&Wait> {
    evidence.logs.values().flat_map(|log| &log.server.waits.items).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        check::moments::Seen,
        model::{
            Place,
            snapshot::{Blocking, Lock, Session},
        },
    };

    /// A moment from lines: `session PID wait|run TRANSACTION-START`, `lists WAITER BLOCKER`, `lock PID TARGET yes|no`,
    /// `named WAITER BLOCKER`; times are seconds.
    fn roots_of(lines: &[&str]) -> Vec<String> {
        let at = |seconds: &str| seconds.parse().ok().map(|seconds: i64| Timestamp(seconds * SECOND));
        let number = |word: Option<&&str>| word.and_then(|word| word.parse::<i64>().ok()).unwrap_or_default();
        let (mut sessions, mut listed, mut locks) = (Vec::new(), Vec::new(), Vec::new());
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let (pid, other) = (number(words.get(1)), number(words.get(2)));
            match words[0] {
                "session" => sessions.push(Session {
                    pid,
                    wait_event_type: if words[2] == "wait" { "Lock".to_owned() } else { String::new() },
                    xact_start: words.get(3).and_then(|word| at(word)),
                    query_start: words.get(3).and_then(|word| at(word)),
                    ..Session::default()
                }),
                "named" => sessions.push(Session { pid, blocked_by: vec![other], ..Session::default() }),
                "lists" => {
                    listed.push(Blocking { blocked_pid: pid, blocking_pid: other, ..Blocking::default() });
                }
                _ => locks.push(Lock {
                    pid,
                    target: words[2].to_owned(),
                    granted: words[3] == "yes",
                    ..Lock::default()
                }),
            }
        }
        let mut moment = Moment { at: at("100"), ..Moment::default() };
        let place = Place::default();
        moment.sessions = sessions.iter().map(|row| (row.pid, Seen { path: "", place, row })).collect();
        moment.blocking = listed.iter().map(|row| Seen { path: "", place, row }).collect();
        moment.locks = locks.iter().map(|row| Seen { path: "", place, row }).collect();
        roots(&moment, &[])
            .into_iter()
            .map(|root| format!("{} {:?} {:?}", root.pid, root.waiters, root.basis))
            .collect()
    }

    #[test]
    fn the_one_that_waits_for_nobody_blocks() {
        for (lines, expected) in [
            // The usual query: everybody in the queue is listed as a blocker of everybody else.
            (
                &["lists 1 2", "lists 1 9", "lists 2 1", "lists 2 9", "session 9 run 5"][..],
                &["9 {1, 2} NotWaiting"][..],
            ),
            // A migration waits behind a reader, and others behind it: the reader is the root of all.
            (&["named 5 4", "named 6 5", "session 4 run 1"], &["4 {5, 6} Named"]),
            // Granted locks, where the export has them.
            (&["lock 1 t no", "lock 2 t no", "lock 3 t yes", "lock 4 u yes"], &["3 {1, 2} Granted"]),
            // What the server names outweighs what a query lists.
            (&["named 1 7", "lists 1 8", "session 7 run 1", "session 8 run 2"], &["7 {1} Named"]),
            // Nothing names it: the oldest transaction that began before the wait.
            (
                &["session 1 wait 50", "session 2 run 60", "session 3 run 40", "session 4 run 45"],
                &["3 {1} Oldest"],
            ),
            (&["session 1 wait 50", "session 2 run 60"], &[]),
            // Two tables, two holders.
            (
                &["lock 1 t no", "lock 3 t yes", "lock 2 u no", "lock 4 u yes"],
                &["3 {1} Granted", "4 {2} Granted"],
            ),
            // A circle has no root: a deadlock that the server will break.
            (&["named 1 2", "named 2 1"], &[]),
            (&["session 1 run 5"], &[]),
        ] {
            assert_eq!(roots_of(lines), expected, "{lines:?}");
        }
    }
}
