//! What a `PostgreSQL` server's log says of locks, deadlocks and slow statements.
//!
//! The texts are the server's own (`src/backend/storage/lmgr/proc.c`, `deadlock.c`, `tcop/postgres.c`), in English: in
//! another `lc_messages` they are not found, and the check says that it saw none.

use std::{collections::BTreeMap, hash::BuildHasher};

use serde::{Deserialize, Serialize};

use crate::{
    fold::{Distinct, FirstN, Histogram, Largest, State, merge_maps},
    model::{Batch, Entry, Place, Timestamp, Window},
};

use super::Sample;

/// Waits listed of one server; all are counted.
const WAITS: usize = 2000;
const DEADLOCKS: usize = 200;
/// Statements kept by text; those with the smallest hashes.
const STATEMENTS: usize = 500;
/// Pairs of an application and a database.
const CLIENTS: usize = 64;
/// Longest text kept of a statement.
const TEXT: usize = 600;

/// Memory: bounded by the constants above.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ServerFacts {
    pub waits: FirstN<Wait, WAITS>,
    pub acquired: u64,
    pub deadlocks: FirstN<DeadlockSeen, DEADLOCKS>,
    /// Of statements that the log times, literals masked, in microseconds.
    pub statements: BTreeMap<String, Timed>,
    /// Who connects to which database, as `application\0database`.
    clients: Distinct<CLIENTS>,
    /// Entries that a server wrote.
    pub entries: u64,
}

/// A session waits for a lock.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Wait {
    pub at: Option<Timestamp>,
    pub place: Place,
    pub pid: i64,
    pub mode: String,
    pub target: String,
    /// Microseconds, when it was told.
    pub waited: u64,
    pub holders: Vec<i64>,
    /// Those that wait, in order.
    pub queue: Vec<i64>,
    pub statement: String,
    /// Empty where the entry does not say.
    pub database: String,
    /// The line as the log has it.
    pub message: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeadlockSeen {
    pub sample: Sample,
    pub processes: Vec<i64>,
    pub statements: Vec<String>,
}

/// A statement that the log times.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Timed {
    pub durations: Histogram,
    pub slowest: Largest<Sample, 3>,
    pub window: Window,
}

impl ServerFacts {
    pub fn observe(&mut self, batch: &Batch<'_>, entry: &Entry<'_>) {
        self.entries += 1;
        let field = |name: &str| {
            let fields = batch.fields_of(entry);
            fields.iter().find(|field| field.name == name).map_or("", |field| field.value.text())
        };
        if let (client, database) = (field("application_name"), field("dbname"))
            && !client.is_empty()
            && !database.is_empty()
        {
            self.clients.add(&format!("{client}\0{database}"));
        }
        let Some(message) = entry.message.as_deref() else { return };
        if let Some(timed) = duration(message) {
            self.statement(entry, timed, field("statement"));
        } else if message.starts_with("process ") {
            self.wait(entry, message, &field);
        } else if message.starts_with("deadlock detected") {
            self.deadlocks.push_with(|| deadlock(entry, field("detail")));
        }
    }

    /// Applications, each with a database that it connects to.
    pub fn clients(&self) -> impl Iterator<Item = (&str, &str)> {
        self.clients.values().into_iter().filter_map(|(pair, _)| pair.split_once('\0'))
    }

    fn wait<'b>(&mut self, entry: &Entry<'_>, message: &str, field: &dyn Fn(&str) -> &'b str) {
        let Some((pid, mode, target, waited, waiting)) = lock_wait(message) else { return };
        if !waiting {
            self.acquired += 1;
            return;
        }
        self.waits.push_with(|| Wait {
            at: entry.time,
            place: entry.place,
            pid,
            mode: mode.to_owned(),
            target: target.to_owned(),
            waited,
            holders: numbers_after(field("detail"), "holding the lock: "),
            queue: numbers_after(field("detail"), "Wait queue: "),
            statement: shown(first_of(field("statement"), field("query"))),
            database: field("dbname").to_owned(),
            message: shown(message),
        });
    }

    fn statement(&mut self, entry: &Entry<'_>, (micros, text): (u64, &str), field: &str) {
        let text = first_of(text, field);
        if text.is_empty() {
            return;
        }
        let timed = self.statements.entry(masked(text)).or_default();
        timed.durations.add(micros);
        timed.slowest.push_with(micros, || Sample::of(entry));
        timed.window.join(&Window { from: entry.time, to: entry.time });
        self.fit();
    }

    fn fit(&mut self) {
        while self.statements.len() > STATEMENTS {
            let hash = |text: &String| foldhash::quality::FixedState::default().hash_one(text);
            let last = self.statements.keys().max_by_key(|text| (hash(text), *text)).cloned();
            let Some(last) = last else { return };
            self.statements.remove(&last);
        }
    }
}

fn first_of<'a>(text: &'a str, other: &'a str) -> &'a str {
    if text.is_empty() { other } else { text }
}

/// `duration: 12.3 ms  statement: SQL`, also `execute NAME: SQL`, `bind`, `parse`: microseconds and the statement.
fn duration(message: &str) -> Option<(u64, &str)> {
    let (millis, rest) = message.strip_prefix("duration: ")?.split_once(" ms")?;
    let micros = (millis.parse::<f64>().ok()? * 1000.0).round() as u64;
    let statement = rest.trim_start().split_once(": ").map_or("", |(_, statement)| statement);
    Some((micros, statement))
}

/// `process 1 still waiting for MODE on OBJECT after 1000.1 ms`: whether it waits still, or acquired it.
fn lock_wait(message: &str) -> Option<(i64, &str, &str, u64, bool)> {
    let (pid, rest) = message.strip_prefix("process ")?.split_once(' ')?;
    let waiting = rest.strip_prefix("still waiting for ");
    let acquired = rest.strip_prefix("acquired ");
    let (mode, rest) = waiting.or(acquired)?.split_once(" on ")?;
    let (target, millis) = rest.rsplit_once(" after ")?;
    let millis: f64 = millis.strip_suffix(" ms")?.parse().ok()?;
    Some((pid.parse().ok()?, mode, target, (millis * 1000.0).round() as u64, waiting.is_some()))
}

/// `Process holding the lock: 1, 2. Wait queue: 3.`: the numbers behind a word.
fn numbers_after(text: &str, word: &str) -> Vec<i64> {
    let Some((_, rest)) = text.split_once(word) else { return Vec::new() };
    let list = rest.split('.').next().unwrap_or_default();
    list.split(',').filter_map(|number| number.trim().parse().ok()).collect()
}

/// Detail lines: `Process 1 waits for MODE on OBJECT; blocked by process 2.`, and `Process 1: SQL`.
fn deadlock(entry: &Entry<'_>, detail: &str) -> DeadlockSeen {
    let (mut processes, mut statements) = (Vec::new(), Vec::new());
    for line in detail.lines() {
        let Some(rest) = line.trim().strip_prefix("Process ") else { continue };
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let Ok(pid) = rest[..digits].parse::<i64>() else { continue };
        if !processes.contains(&pid) {
            processes.push(pid);
        }
        statements.push(shown(line.trim()));
    }
    DeadlockSeen { sample: Sample::of(entry), processes, statements }
}

/// On one line, and no longer than is read.
fn shown(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(TEXT).collect()
}

/// A statement with its literals as `?`: quoted texts and numbers that are no part of a name.
fn masked(text: &str) -> String {
    let text = shown(text);
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        let in_a_name = out.ends_with(|c: char| c.is_alphanumeric() || matches!(c, '_' | '$'));
        if letter == '\'' {
            // A doubled quote goes on with the same text.
            while letters.next().is_some_and(|next| next != '\'' || letters.next_if_eq(&'\'').is_some()) {}
            out.push('?');
        } else if letter.is_ascii_digit() && !in_a_name {
            while letters.next_if(|next| next.is_ascii_digit() || *next == '.').is_some() {}
            out.push('?');
        } else {
            out.push(letter);
        }
    }
    out
}

impl State for ServerFacts {
    fn merge(&mut self, next: Self) {
        let ServerFacts { waits, acquired, deadlocks, statements, clients, entries } = next;
        self.waits.merge(waits);
        self.acquired += acquired;
        self.deadlocks.merge(deadlocks);
        merge_maps(&mut self.statements, statements);
        self.clients.merge(clients);
        self.entries += entries;
        self.fit();
    }
}

impl State for Timed {
    fn merge(&mut self, next: Self) {
        let Timed { durations, slowest, window } = next;
        self.durations.merge(durations);
        self.slowest.merge(slowest);
        self.window.join(&window);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fold::laws,
        model::{Field, Level, Value},
    };

    const ENTRIES: [(&str, &str); 6] = [
        (
            "process 6094 still waiting for AccessShareLock on relation 16425 of database 16385 after 1000.116 ms",
            "Process holding the lock: 6514. Wait queue: 6094, 6266.",
        ),
        ("process 6094 acquired AccessShareLock on relation 16425 of database 16385 after 2000.5 ms", ""),
        (
            "deadlock detected",
            "Process 1 waits for ShareLock on transaction 772; blocked by process 2.\nProcess 2 waits for ShareLock on transaction 771; blocked by process 1.\nProcess 1: UPDATE a SET x = 1\nProcess 2: UPDATE b SET x = 2",
        ),
        ("duration: 70001.25 ms  statement: SELECT pg_sleep(70), 'it''s', a1 FROM t2 WHERE id = $1", ""),
        ("duration: 12 ms  execute sqlx_s_1: SELECT pg_sleep(1.5), '', a1 FROM t2 WHERE id = $1", ""),
        ("process accounting started", ""),
    ];

    fn observe(facts: &mut ServerFacts, (message, detail): &(&str, &str)) {
        let mut batch = Batch::default();
        batch.fields.push(Field::new("detail".into(), Value::Text((*detail).into())));
        let entry = Entry {
            place: Place::default(),
            time: Some(Timestamp(5)),
            level: Level::Info,
            message: Some((*message).into()),
            error: None,
            fields: 0..1,
        };
        facts.observe(&batch, &entry);
    }

    #[test]
    fn joins_like_one_run() {
        laws::hold::<ServerFacts, _>(&ENTRIES, observe);
    }

    #[test]
    fn reads_what_servers_write() {
        let mut facts = ServerFacts::default();
        for entry in &ENTRIES {
            observe(&mut facts, entry);
        }
        let wait = &facts.waits.items[0];
        assert_eq!((wait.pid, wait.waited, &*wait.mode), (6094, 1_000_116, "AccessShareLock"));
        assert_eq!(
            (&*wait.target, &*wait.holders, &*wait.queue),
            ("relation 16425 of database 16385", &[6514][..], &[6094, 6266][..])
        );
        assert_eq!((facts.waits.seen, facts.acquired, facts.entries), (1, 1, 6));
        assert_eq!(facts.deadlocks.items[0].processes, [1, 2]);
        assert_eq!(facts.deadlocks.items[0].statements.len(), 4);
        let shown: Vec<(&str, u64)> =
            facts.statements.iter().map(|(text, timed)| (text.as_str(), timed.durations.count)).collect();
        assert_eq!(shown, [("SELECT pg_sleep(?), ?, a1 FROM t2 WHERE id = $1", 2)]);
    }
}
