//! Units of work over all sources: one command may be told of by two services, or by a log and its rotation.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::prelude::*;
use smallvec::SmallVec;

use crate::model::{IdKind, Timestamp, Trace, TraceOutcome, TracePart, Window};

use super::facts::{Flags, NONE, TraceFacts, TraceRow, UnitKey, folded};

/// A source that tells of units.
#[derive(Clone, Copy, Debug)]
pub struct LogOfUnits<'e> {
    pub path: &'e str,
    pub window: Window,
    pub facts: &'e TraceFacts,
}

/// One unit of work, its rows joined.
#[derive(Clone, Debug)]
pub struct Unit<'e> {
    pub key: UnitKey,
    pub kind: IdKind,
    uuid: bool,
    /// By time, then by path; mostly one, so that a month's million of them need no memory of their own.
    parts: Parts<'e>,
    /// What it is: a command type, an operation.
    pub name: Option<&'e str>,
    pub started: bool,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// In microseconds.
    pub duration: Option<i64>,
    logged: bool,
    /// `None` for one without an end.
    pub ended: Option<TraceOutcome>,
}

/// Every unit that says where it begins or ends, in order of its first entry.
pub fn units<'e>(logs: &'e [LogOfUnits<'e>]) -> Vec<Unit<'e>> {
    let mut units = every_unit(logs);
    units.retain(|unit| unit.started || unit.ended.is_some());
    units
}

/// With those that have an id and neither a beginning nor an end.
pub fn every_unit<'e>(logs: &'e [LogOfUnits<'e>]) -> Vec<Unit<'e>> {
    // A month has a million units, so all threads take part.
    let of_log = |log: &'e LogOfUnits<'e>| log.facts.rows.iter().map(move |(key, row)| (*key, log, row));
    let mut rows: Vec<Row<'e>> = logs.par_iter().flat_map_iter(of_log).collect();
    give_to_commands(&mut rows);
    // Of one log no two rows begin at the same byte.
    rows.par_sort_unstable_by(|(a, log_a, row_a), (b, log_b, row_b)| {
        let place = |log: &LogOfUnits<'e>, row: &TraceRow| (row.first, log.path, row.from);
        a.cmp(b).then_with(|| place(log_a, row_a).cmp(&place(log_b, row_b)))
    });
    // Their order is found before they are made: a unit is large, and would be moved about.
    let first =
        |rows: &[Row<'e>]| rows.iter().map(|(.., row)| row.first).min().filter(|time| *time != i64::MAX);
    let mut order: Vec<(Option<i64>, &[Row<'e>])> =
        rows.chunk_by(|a, b| a.0 == b.0).map(|rows| (first(rows), rows)).collect();
    order.par_sort_unstable_by_key(|(first, rows)| (*first, rows[0].0));
    order.into_par_iter().map(|(_, rows)| Unit::new(rows)).collect()
}

type Row<'e> = (UnitKey, &'e LogOfUnits<'e>, &'e TraceRow);
type Parts<'e> = SmallVec<[(&'e LogOfUnits<'e>, &'e TraceRow); 1]>;

/// Entries that carry a trace id alone belong to the command of that trace, where it has only one.
fn give_to_commands(rows: &mut [Row<'_>]) {
    let is_alone = |row: &TraceRow| row.alias == 0 && row.flags.kind() != IdKind::Command;
    // Of each id that is alone the command: few are, beside those that a command carries too.
    let mut commands: HashMap<u64, Command> = HashMap::new();
    for (key, ..) in rows.iter().filter(|(_, _, row)| is_alone(row)) {
        commands.insert(folded(*key), Command::None);
    }
    if commands.is_empty() {
        return;
    }
    for (key, _, row) in rows.iter().filter(|(_, _, row)| row.alias != 0) {
        if let Some(command) = commands.get_mut(&row.alias) {
            *command = match *command {
                Command::None => Command::Only(*key),
                Command::Only(only) if only == *key => Command::Only(only),
                Command::Only(_) | Command::Many => Command::Many,
            };
        }
    }
    for (key, ..) in rows.iter_mut().filter(|(_, _, row)| is_alone(row)) {
        if let Some(Command::Only(command)) = commands.get(&folded(*key)) {
            *key = *command;
        }
    }
}

/// Which commands carry an id.
#[derive(Clone, Copy)]
enum Command {
    None,
    Only(UnitKey),
    Many,
}

impl<'e> Unit<'e> {
    fn new(rows: &[Row<'e>]) -> Unit<'e> {
        let parts: Parts<'e> = rows.iter().map(|(_, log, row)| (*log, *row)).collect();
        let finest = parts.iter().map(|(_, row)| *row).min_by_key(|row| row.flags.kind());
        let any = |flag: u16| parts.iter().any(|(_, row)| row.flags.has(flag));
        let first = parts.iter().map(|(_, row)| row.first).min().filter(|time| *time != i64::MAX);
        let last = parts.iter().map(|(_, row)| row.last).max().filter(|time| *time != i64::MIN);
        let ender = ender(&parts, any(Flags::STARTED));
        let logged = ender.map(|(row, _)| row.micros).filter(|micros| *micros != NONE);
        let observed = first.zip(last).map(|(first, last)| last.saturating_sub(first));
        let ended = ender.map(|(_, failed)| match (failed, any(Flags::TIMED_OUT)) {
            (true, true) => TraceOutcome::TimedOut,
            (true, false) => TraceOutcome::Failed,
            (false, _) => TraceOutcome::Succeeded,
        });
        Unit {
            key: rows[0].0,
            kind: finest.map(|row| row.flags.kind()).unwrap_or_default(),
            uuid: finest.is_some_and(|row| row.flags.has(Flags::UUID)),
            started: any(Flags::STARTED),
            first: first.map(Timestamp),
            last: last.map(Timestamp),
            duration: logged.and_then(|micros| i64::try_from(micros).ok()).or(observed),
            logged: logged.is_some(),
            ended,
            name: parts.iter().find_map(|(log, row)| log.facts.name(row.name)),
            parts,
        }
    }

    /// Whether an entry of this source and with this key is one of it.
    pub fn holds(&self, path: &str, key: UnitKey) -> bool {
        self.key == key
            || self.parts.iter().any(|(log, row)| {
                log.path == path && log.facts.rows.get(&key).is_some_and(|other| std::ptr::eq(other, *row))
            })
    }

    /// For each source, when its first and last entry of the unit is, in microseconds.
    pub(super) fn spans(&self) -> impl Iterator<Item = (&'e str, i64, i64)> {
        let dated = self.parts.iter().filter(|(_, row)| row.first != i64::MAX && row.last != i64::MIN);
        dated.map(|(log, row)| (log.path, row.first, row.last))
    }

    pub fn services(&self) -> Vec<&'e str> {
        let mut services: Vec<&str> =
            self.parts.iter().filter_map(|(log, row)| log.facts.name(row.service)).collect();
        services.sort_unstable();
        services.dedup();
        services
    }

    /// Whose log has its last entry.
    pub(super) fn service_of_last(&self) -> Option<&'e str> {
        let (log, row) = self.parts.iter().max_by_key(|(log, row)| (row.last, log.path))?;
        log.facts.name(row.service)
    }

    /// For the report, without what only its entries tell.
    pub fn trace(&self, outcome: TraceOutcome) -> Trace {
        let most = |of: fn(&TraceRow) -> u64| self.parts.iter().map(|(_, row)| of(row)).max().unwrap_or(0);
        // What a failed command was about to write is not written.
        let wrote = outcome == TraceOutcome::Succeeded
            && self.parts.iter().any(|(_, row)| row.flags.has(Flags::WROTE));
        Trace {
            id: self.shown_id(),
            id_kind: self.kind,
            command_type: self.name.map(str::to_owned),
            services: self.services().into_iter().map(str::to_owned).collect(),
            start: self.start(),
            duration_ms: self.duration.map(|micros| micros as f64 / 1000.0),
            duration_basis: if self.logged { "logged" } else { "observed" }.to_owned(),
            outcome,
            attempts: most(|row| u64::from(row.attempts)).max(1),
            events_written: wrote.then(|| most(|row| u64::from(row.events))),
            entries: self.parts.iter().map(|(_, row)| u64::from(row.entries)).sum(),
            parts: self.parts.iter().map(|(log, row)| part(log.path, row)).collect(),
            key: self.key,
            ..Trace::default()
        }
    }

    /// One whose first entry tells how long it took has begun before that entry.
    fn start(&self) -> Option<Timestamp> {
        let before = self.last?.plus(-self.duration.filter(|_| self.logged && !self.started).unwrap_or(0));
        self.first.map(|first| if self.started { first } else { first.min(before) })
    }

    /// Until its entries are read again: a UUID can be told from its key, another text cannot.
    fn shown_id(&self) -> String {
        let [high, low] = self.key;
        if self.uuid {
            crate::model::EventId(u128::from(high) << 64 | u128::from(low)).to_string()
        } else {
            format!("#{high:016x}{low:016x}")
        }
    }
}

/// The row whose end is the unit's, and whether it failed: of those that end it the latest, else the row of its last
/// entry, if that may be an end.
fn ender<'e>(parts: &[(&'e LogOfUnits<'e>, &'e TraceRow)], started: bool) -> Option<(&'e TraceRow, bool)> {
    let ends = parts.iter().filter(|(_, row)| row.flags.has(Flags::ENDED));
    if let Some((_, row)) = ends.max_by_key(|(log, row)| (row.ended, log.path)) {
        return Some((row, row.flags.has(Flags::END_FAILED)));
    }
    let (_, row) = parts.iter().max_by_key(|(log, row)| (row.last, log.path))?;
    // What neither started nor tells how long it took is a line with an id, and no unit of work.
    let ends = row.flags.has(Flags::LAST_MAY_END) && (started || row.micros != NONE);
    ends.then(|| (*row, row.flags.has(Flags::LAST_FAILED)))
}

fn part(path: &str, row: &TraceRow) -> TracePart {
    TracePart { path: path.to_owned(), from: row.from, to: row.to, line: u64::from(row.line) }
}

/// When the logs of each service go on, to tell what was given up from what their end cut off.
#[derive(Debug, Default)]
pub(super) struct Coverage<'e> {
    by_service: BTreeMap<Option<&'e str>, Vec<Window>>,
}

impl<'e> Coverage<'e> {
    pub(super) fn new(logs: &[LogOfUnits<'e>]) -> Coverage<'e> {
        let mut by_service: BTreeMap<Option<&'e str>, Vec<Window>> = BTreeMap::new();
        for log in logs {
            let services: BTreeSet<u32> = log.facts.rows.values().map(|row| row.service).collect();
            for service in services.into_iter().map(|service| log.facts.name(service)) {
                by_service.entry(service).or_default().push(log.window);
            }
        }
        Coverage { by_service }
    }

    /// Whether a log of the service has entries both before and after this time.
    pub(super) fn goes_on_at(&self, service: Option<&str>, time: Timestamp) -> bool {
        let covers = |window: &Window| {
            window.from.is_some_and(|from| from <= time) && window.to.is_some_and(|to| time <= to)
        };
        self.by_service.get(&service).is_some_and(|windows| windows.iter().any(covers))
    }
}
