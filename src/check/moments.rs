//! Snapshots of a database by the moment they were taken: sessions, locks and blocking queries are exported one after
//! another and belong together.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    Observation, Observed, Place, Timestamp,
    finding::Evidence as Cited,
    snapshot::{Blocking, Lock, Session},
    time::SECOND,
};

use super::Evidence;

/// Exports that were taken within this belong to one moment, in microseconds: a script takes seconds for its queries,
/// and seldom runs more often.
const TOGETHER: i64 = 5 * SECOND;

/// What was seen of a database at one time.
#[derive(Debug, Default)]
pub(super) struct Moment<'a> {
    pub(super) at: Option<Timestamp>,
    pub(super) sessions: BTreeMap<i64, Seen<'a, Session>>,
    pub(super) locks: Vec<Seen<'a, Lock>>,
    pub(super) blocking: Vec<Seen<'a, Blocking>>,
    /// Which exports there were, empty or not.
    pub(super) exports: BTreeSet<&'static str>,
}

/// A row of an export and where it stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct Seen<'a, T> {
    pub(super) path: &'a str,
    pub(super) place: Place,
    pub(super) row: &'a T,
}

impl<T> Seen<'_, T> {
    pub(super) fn cited(&self, excerpt: &str) -> Cited {
        Cited {
            path: self.path.to_owned(),
            line: self.place.line,
            byte: self.place.byte,
            excerpt: one_line(excerpt, 240),
        }
    }
}

impl Moment<'_> {
    /// Sessions that wait for a lock, by whatever says so.
    pub(super) fn waiting(&self) -> BTreeSet<i64> {
        let by_state = self.sessions.values().filter(|seen| waits_for_a_lock(seen.row));
        let by_lock = self.locks.iter().filter(|lock| !lock.row.granted);
        let by_query = self.blocking.iter().map(|blocking| blocking.row.blocked_pid);
        by_state.map(|seen| seen.row.pid).chain(by_lock.map(|lock| lock.row.pid)).chain(by_query).collect()
    }

    /// Since when a session has waited: its lock's start, or else its query's.
    pub(super) fn waiting_since(&self, pid: i64) -> Option<Timestamp> {
        let lock = self.locks.iter().find(|lock| lock.row.pid == pid && !lock.row.granted);
        let query = || self.sessions.get(&pid).and_then(|seen| seen.row.query_start);
        lock.and_then(|lock| lock.row.wait_start).or_else(query)
    }
}

pub(super) fn waits_for_a_lock(session: &Session) -> bool {
    session.wait_event_type.eq_ignore_ascii_case("lock") || !session.blocked_by.is_empty()
}

/// Whether a session is a client's: the server's own processes hold no locks that a client could wait for long.
pub(super) fn is_client(session: &Session) -> bool {
    matches!(session.backend_type.as_str(), "" | "client backend")
}

/// A text on one line, cut.
pub(super) fn one_line(text: &str, longest: usize) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(longest).collect()
}

/// The moments, oldest first; what has no time is one of its own, at the end.
pub(super) fn moments(evidence: &Evidence) -> Vec<Moment<'_>> {
    let mut rows: Vec<(Option<Timestamp>, &str, &Observation)> = Vec::new();
    for (path, snapshot) in &evidence.snapshots {
        let dated = |observation: &Observation| observation.at.or(snapshot.taken_at);
        rows.extend(
            snapshot
                .observations
                .iter()
                .filter(|row| is_of_a_database(row))
                .map(|row| (dated(row), path.as_str(), row)),
        );
    }
    rows.sort_by_key(|(at, path, row)| (at.is_none(), *at, *path, row.place));
    let together = |a: &(Option<Timestamp>, &str, &Observation),
                    b: &(Option<Timestamp>, &str, &Observation)| {
        match (a.0, b.0) {
            (Some(a), Some(b)) => b.since(a) <= TOGETHER,
            (None, None) => true,
            _ => false,
        }
    };
    rows.chunk_by(together).map(moment).collect()
}

fn is_of_a_database(observation: &Observation) -> bool {
    matches!(observation.state, Observed::Session(_) | Observed::Lock(_) | Observed::Blocking(_))
}

fn moment<'a>(rows: &[(Option<Timestamp>, &'a str, &'a Observation)]) -> Moment<'a> {
    let mut moment = Moment { at: rows.last().and_then(|(at, ..)| *at), ..Moment::default() };
    for (_, path, observation) in rows {
        let place = observation.place;
        match &observation.state {
            Observed::Session(row) => {
                moment.exports.insert("sessions");
                moment.sessions.insert(row.pid, Seen { path, place, row });
            }
            Observed::Lock(row) => {
                moment.exports.insert("locks");
                moment.locks.push(Seen { path, place, row });
            }
            Observed::Blocking(row) => {
                moment.exports.insert("blocking");
                moment.blocking.push(Seen { path, place, row });
            }
            _ => {}
        }
    }
    moment
}
