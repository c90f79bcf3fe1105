//! Commands and requests from their first entry to their last: how many, which took longest, which failed, and which
//! began and never ended.
//!
//! One that has no end is a finding only where its service's log goes on after it, long enough for the slowest, and
//! where units of its kind do say when they end. A log that ends, or a rotation that was not collected, proves nothing.

use std::{cmp::Reverse, collections::HashMap};

use crate::check::{
    Check, Evidence, Judgement, LogOfUnits, Meta, Outcome, Ran, Unit, findings, units, units::Coverage,
};
use crate::model::{Finding, Keys, Severity, TraceOutcome, Window, time::SECOND};

#[derive(Debug)]
pub(crate) struct Traces;

/// Units told of one by one, of each list.
const LISTED: usize = 10;
/// How long the log must at least go on after a unit's last entry, in microseconds.
const GRACE: i64 = 30 * SECOND;
/// Values listed of a key.
const KEY_VALUES: usize = 20;

impl Check for Traces {
    fn meta(&self) -> Meta {
        Meta { id: "traces", about: "commands and requests: how long they took, and which never ended" }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let logs: Vec<LogOfUnits<'_>> = evidence
            .logs
            .iter()
            .filter(|(_, log)| !log.traces.rows.is_empty())
            .map(|(path, log)| LogOfUnits { path, window: log.window, facts: &log.traces })
            .collect();
        if logs.is_empty() {
            return Ran::CouldNot(
                "no log entry carries a trace, command, request or correlation id".to_owned(),
            );
        }
        let all = units(&logs);
        if all.is_empty() {
            return Ran::CouldNot(
                "log entries carry ids, but none says where its work begins or ends".to_owned(),
            );
        }
        let open = open(&all, &Coverage::new(&logs));
        tell(&all, &open, out);
        if let Some(finding) = finding(&open) {
            out.findings.push(finding);
        }
        Ran::Over(format!("{} units of work in {} logs", all.len(), logs.len()))
    }
}

/// What has no end.
struct Open<'u, 'e> {
    unfinished: Vec<&'u Unit<'e>>,
    /// Cut off by the end of their log, or of a kind that does not say when it ends.
    running: u64,
}

fn open<'u, 'e>(all: &'u [Unit<'e>], coverage: &Coverage<'e>) -> Open<'u, 'e> {
    let longest = all.iter().filter(|unit| unit.ended.is_some()).filter_map(|unit| unit.duration).max();
    let grace = GRACE.max(longest.unwrap_or(0).saturating_mul(2));
    let mut of_kind: HashMap<Option<&str>, (u64, u64)> = HashMap::new();
    for unit in all.iter().filter(|unit| unit.started) {
        let (started, ended) = of_kind.entry(unit.name).or_default();
        *started += 1;
        *ended += u64::from(unit.ended.is_some());
    }
    let says_when_it_ends =
        |unit: &Unit<'_>| of_kind.get(&unit.name).is_some_and(|(started, ended)| ended * 2 >= *started);
    let goes_on = |unit: &Unit<'_>| {
        let service = unit.service_of_last();
        // Both soon after and at last: between them a rotation may be missing.
        unit.last.is_some_and(|last| {
            [SECOND, grace].into_iter().all(|after| coverage.goes_on_at(service, last.plus(after)))
        })
    };
    let mut open = Open { unfinished: Vec::new(), running: 0 };
    for unit in all.iter().filter(|unit| unit.ended.is_none()) {
        if says_when_it_ends(unit) && goes_on(unit) {
            open.unfinished.push(unit);
        } else {
            open.running += 1;
        }
    }
    open
}

fn tell(all: &[Unit<'_>], open: &Open<'_, '_>, out: &mut Outcome) {
    let of = |outcome| move |unit: &&Unit<'_>| unit.ended == Some(outcome);
    let count = |outcome| all.iter().filter(of(outcome)).count() as u64;
    let timed_out = count(TraceOutcome::TimedOut);
    let complete: Vec<(&Unit<'_>, TraceOutcome)> =
        all.iter().filter_map(|unit| Some((unit, unit.ended?))).collect();
    let failures = complete.iter().filter(|(_, outcome)| outcome.is_failure()).take(LISTED);
    let traces = &mut out.traces;
    traces.failures = failures.map(|(unit, outcome)| unit.trace(*outcome)).collect();
    traces.total = all.len() as u64;
    traces.complete = complete.len() as u64;
    traces.failed = count(TraceOutcome::Failed) + timed_out;
    traces.timed_out = timed_out;
    traces.unfinished_total = open.unfinished.len() as u64;
    traces.running_at_end = open.running;
    traces.slowest = slowest(complete).iter().map(|(unit, outcome)| unit.trace(*outcome)).collect();
    let unfinished = open.unfinished.iter().take(LISTED);
    traces.unfinished = unfinished.map(|unit| unit.trace(TraceOutcome::Unfinished)).collect();
}

/// Units stand in order of time: of two that took as long the earlier one comes first.
fn slowest<'u, 'e>(mut complete: Vec<(&'u Unit<'e>, TraceOutcome)>) -> Vec<(&'u Unit<'e>, TraceOutcome)> {
    complete.retain(|(unit, _)| unit.duration.is_some());
    let order = |(unit, _): &(&Unit<'_>, TraceOutcome)| (Reverse(unit.duration), unit.first, unit.key);
    if complete.len() > LISTED {
        complete.select_nth_unstable_by_key(LISTED, order);
        complete.truncate(LISTED);
    }
    complete.sort_by_key(order);
    complete
}

fn finding(open: &Open<'_, '_>) -> Option<Finding> {
    if open.unfinished.is_empty() {
        return None;
    }
    let count = open.unfinished.len() as u64;
    let mut window = Window::default();
    let mut keys = Keys::new();
    for unit in &open.unfinished {
        [unit.first, unit.last].into_iter().flatten().for_each(|time| window.add(time));
        for (key, value) in unit
            .name
            .map(|name| ("operation", name))
            .into_iter()
            .chain(unit.services().into_iter().map(|service| ("service", service)))
        {
            let values = keys.entry(key.to_owned()).or_default();
            if values.len() < KEY_VALUES && !values.iter().any(|known| known == value) {
                values.push(value.to_owned());
            }
        }
    }
    let services = keys.get("service").map(|names| names.join("\0")).unwrap_or_default();
    let what = if count == 1 { "unit of work" } else { "units of work" };
    Some(Finding {
        severity: Severity::Warning,
        title: format!("{count} {what} began and never ended, while the log went on"),
        detail: "started, and no entry says how it ended: the process died with it, or it still waits"
            .to_owned(),
        count,
        window,
        keys,
        action:
            "Look for a crash or a restart at that time; ask the store whether their events were written \
                 before sending them again"
                .to_owned(),
        ..findings::finding("traces", "unfinished-traces", &[&services])
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::{
        check::facts::{LogFacts, Seen},
        model::{
            AsOf, Entry, Known, Level, Means, Meant, Place, Settings, Timestamp, Turn, Unit as WrittenIn,
            Values,
        },
    };

    /// Each line `log second ids words`: ids as `c=1,t=2`, of a command, a trace, a request; words as `start`, `end`,
    /// `fail`, or `in`.
    fn conclude(lines: &[&str]) -> (Outcome, Ran) {
        let mut logs: BTreeMap<String, LogFacts> = BTreeMap::new();
        for (byte, line) in lines.iter().enumerate() {
            let words: Vec<&str> = line.split(' ').collect();
            let mut values = Values::default();
            for (name, text) in words[2].split(',').filter_map(|id| id.split_once('=')) {
                let means = match name {
                    "c" => Means::Command,
                    "t" => Means::Trace,
                    "s" => Means::Service,
                    _ => Means::Request,
                };
                values.add(Known { meant: Meant { means, unit: WrittenIn::Text, rank: 0 }, name, text });
            }
            let second: i64 = words[1].parse().expect("a number");
            let entry = Entry {
                place: Place::at_byte(byte as u64),
                time: Some(Timestamp(second * SECOND)),
                level: if words[3] == "fail" { Level::Error } else { Level::Info },
                message: None,
                error: None,
                fields: 0..0,
            };
            let turn = match words[3] {
                "start" => Turn::Start,
                "end" | "fail" => Turn::End,
                _ => Turn::Inside,
            };
            let (hits, tells, written, shape) = (Vec::new(), None, None, None);
            let timed_out = false;
            let seen = Seen { entry: &entry, values: &values, hits, tells, timed_out, turn, written, shape };
            logs.entry(words[0].to_owned()).or_default().observe(seen);
        }
        let settings = Settings { as_of: AsOf::Newest, ..Settings::default() };
        let judgement = Judgement { settings: &settings, patterns: &[], as_of: None };
        let mut out = Outcome::default();
        let ran = Traces.conclude(&Evidence { logs, ..Evidence::default() }, &judgement, &mut out);
        (out, ran)
    }

    /// total, complete, failed, unfinished, running, findings
    #[track_caller]
    fn check(lines: &[&str], expected: [u64; 6]) {
        let (out, _) = conclude(lines);
        let traces = &out.traces;
        let counts =
            [traces.total, traces.complete, traces.failed, traces.unfinished_total, traces.running_at_end];
        assert_eq!(
            (counts, out.findings.len() as u64),
            (expected[..5].try_into().expect("five"), expected[5])
        );
    }

    #[test]
    fn one_that_died_is_told_from_one_that_its_log_cut_off() {
        let done = ["a 1 c=9 start", "a 2 c=9 end"];
        let with = |more: &[&'static str]| [&done[..], more].concat();
        check(
            &with(&["a 3 c=1 start", "a 4 c=1 in", "a 100 c=2 start", "a 101 c=2 end"]),
            [3, 2, 0, 1, 0, 1],
        );
        check(&with(&["a 3 c=1 start", "a 20 c=2 start", "a 21 c=2 fail"]), [3, 2, 1, 0, 1, 0]);
        // The rotation that would hold its end was not collected.
        check(&with(&["a 3 c=1 start", "a.1 500 c=2 start", "a.1 900 c=2 end"]), [3, 2, 0, 0, 1, 0]);
        // Another service goes on; this one's log is over.
        check(&with(&["a 3 c=1,s=x start", "b 4 c=3,s=y start", "b 900 c=3,s=y end"]), [3, 2, 0, 0, 1, 0]);
        // Nothing of this kind ever says that it ended.
        check(&["a 1 r=1 start", "a 2 r=2 start", "a 3 r=3 end", "a 100 r=4 start"], [4, 1, 0, 0, 3, 0]);
    }

    #[test]
    fn ids_of_several_kinds_and_files_are_one_unit() {
        check(&["a 1 c=1,t=7 start", "a 2 c=1 in", "b 3 c=1,t=7 end"], [1, 1, 0, 0, 0, 0]);
        check(
            &["gateway 1 t=7 start", "a 2 c=1,t=7 start", "a 3 c=1 end", "gateway 4 t=7 end"],
            [1, 1, 0, 0, 0, 0],
        );
        // A trace of two commands is a unit beside them.
        check(
            &["gateway 1 t=7 start", "a 2 c=1,t=7 end", "a 3 c=2,t=7 end", "gateway 4 t=7 end"],
            [3, 3, 0, 0, 0, 0],
        );
    }

    #[test]
    fn says_what_it_lacks() {
        assert_eq!(
            conclude(&["a 1 - in"]).1,
            Ran::CouldNot("no log entry carries a trace, command, request or correlation id".to_owned())
        );
        assert_eq!(
            conclude(&["a 1 c=1 in"]).1,
            Ran::CouldNot("log entries carry ids, but none says where its work begins or ends".to_owned())
        );
    }
}
