//! Streams that commands fight over: conflicts, retries, commands given up, time lost in waiting.
//!
//! A few conflicts, spread over streams, are how optimistic concurrency works. A stream is hot where it collects a good
//! part of all conflicts, and so many of them that commands are given up or that they come every minute.

use std::collections::BTreeMap;

use crate::check::{
    Check, Evidence, Judgement, Meta, Outcome, Ran,
    facts::{ConflictFacts, LineFacts, LineKind, Sample, StreamLines},
    findings,
};
use crate::model::{Conflicts, Finding, HotStream, Keys, Severity, Tells, Window, time::SECOND};

#[derive(Debug)]
pub(crate) struct HotStreams;

/// Streams listed.
const LISTED: usize = 50;
/// Of one stream.
const COMMANDS: usize = 10;
const CITED: usize = 3;
/// Share of all conflicts that a hot stream has at least.
const SHARE: f64 = 0.25;
/// Conflicts that a stream has at least, where commands were given up; and where all were resolved.
const WITH_LOSS: u64 = 10;
const RESOLVED: u64 = 100;
/// Conflicts an hour of its window, where all were resolved.
const PER_HOUR: f64 = 60.0;

impl Check for HotStreams {
    fn meta(&self) -> Meta {
        Meta { id: "hot-streams", about: "streams that collect conflicts and retries" }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let entries: u64 = evidence.logs.values().map(crate::check::facts::LogFacts::entries).sum();
        if entries == 0 {
            return Ran::CouldNot("no log entries were supplied".to_owned());
        }
        // A database repeats the conflicts that its clients report.
        let of_clients = |server: bool| {
            let logs = evidence.logs.iter().filter(move |(_, log)| log.twin.is_empty() != server);
            logs.filter(|(_, log)| !log.conflicts.lines.is_empty())
        };
        let server = of_clients(false).next().is_none();
        let mut told = Told::default();
        for (path, log) in of_clients(server) {
            told.add(path, &log.conflicts);
        }
        out.conflicts = told.total.clone();
        out.conflicts.streams =
            told.streams.values().filter(|stream| stream.row.conflicts > 0).count() as u64;
        let rows = told.rows();
        for row in &rows {
            out.findings.extend(finding(row, &out.conflicts));
        }
        out.hot_streams = rows.into_iter().take(LISTED).collect();
        let lines: u64 = of_clients(server).map(|(_, log)| lines(&log.conflicts)).sum();
        Ran::Over(format!("{entries} entries, {lines} of them about conflicts"))
    }
}

fn lines(facts: &ConflictFacts) -> u64 {
    facts.lines.values().map(|line| line.count).sum()
}

/// What the logs tell, each thing once.
#[derive(Default)]
struct Told<'e> {
    total: Conflicts,
    streams: BTreeMap<&'e str, OneStream<'e>>,
}

#[derive(Default)]
struct OneStream<'e> {
    row: HotStream,
    window: Window,
    commands: BTreeMap<&'e str, u64>,
    samples: Vec<(&'e str, &'e Sample)>,
}

impl<'e> Told<'e> {
    fn add(&mut self, path: &'e str, facts: &'e ConflictFacts) {
        let best = |tells| told_best(facts, tells);
        let (mut conflict, retry) = (best(Tells::Conflict), best(Tells::Retry));
        let mut spent = best(Tells::RetriesExhausted);
        if conflict.is_some_and(|(kind, _)| kind.at_end) {
            // Nobody but the command that failed of it tells: it was given up.
            spent = spent.or(conflict.take());
            conflict = None;
        }
        let count = |line: Option<(&LineKind, &LineFacts)>| line.map_or(0, |(_, line)| line.count);
        // A command that is refused for the last time has no retry behind it.
        let implied = count(retry) + count(spent);
        self.total.total += count(conflict).max(implied);
        self.total.retries += count(retry);
        self.total.exhausted += count(spent);
        self.total.backoff_ms += retry.map_or(0.0, |(_, line)| millis(line.waited));
        // Where the store itself names the stream, the lists of those who retry say nothing of who fought over what.
        let named = conflict.is_some();
        let mut each = |line: Option<(&LineKind, &'e LineFacts)>,
                        add: &dyn Fn(&mut HotStream, &StreamLines)| {
            for (stream, lines) in line.map(|(_, line)| line.streams.sorted()).unwrap_or_default() {
                self.streams.entry(stream).or_default().add(path, lines, add);
            }
        };
        each(conflict, &|row, lines| row.conflicts += lines.count);
        each(retry, &|row, lines| {
            row.retries += lines.count;
            row.backoff_ms += millis(lines.waited);
            row.conflicts += if named { 0 } else { lines.count };
        });
        each(spent, &|row, lines| {
            row.exhausted += lines.count;
            row.conflicts += if named { 0 } else { lines.count };
        });
    }

    /// The most fought over first.
    fn rows(&self) -> Vec<HotStream> {
        let mut rows: Vec<HotStream> = self.streams.iter().map(|(name, stream)| stream.row(name)).collect();
        rows.retain(|row| row.conflicts > 0);
        rows.sort_by(|a, b| {
            (b.conflicts, b.exhausted, b.retries)
                .cmp(&(a.conflicts, a.exhausted, a.retries))
                .then_with(|| a.stream_id.cmp(&b.stream_id))
        });
        rows
    }
}

/// Of the lines that tell the same thing, the kind that told it most often; what a command says at its end is an echo,
/// taken only where nothing else tells of it.
fn told_best(facts: &ConflictFacts, tells: Tells) -> Option<(&LineKind, &LineFacts)> {
    let of_kind = facts.lines.iter().filter(|(kind, _)| kind.tells == tells);
    of_kind.max_by(|(a_kind, a), (b_kind, b)| {
        (!a_kind.at_end, a.count, b_kind).cmp(&(!b_kind.at_end, b.count, a_kind))
    })
}

impl<'e> OneStream<'e> {
    fn add(&mut self, path: &'e str, lines: &'e StreamLines, add: &dyn Fn(&mut HotStream, &StreamLines)) {
        add(&mut self.row, lines);
        self.window.join(&lines.window);
        for (command, count) in lines.commands.values() {
            *self.commands.entry(command).or_default() += count;
        }
        self.samples.extend(lines.samples.items.iter().map(|sample| (path, sample)));
    }

    fn row(&self, name: &str) -> HotStream {
        let mut commands: Vec<(&str, u64)> =
            self.commands.iter().map(|(name, count)| (*name, *count)).collect();
        commands.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        HotStream {
            stream_id: name.to_owned(),
            commands: commands.into_iter().take(COMMANDS).map(|(name, _)| name.to_owned()).collect(),
            first: self.window.from,
            last: self.window.to,
            evidence: findings::places(self.samples.clone(), CITED),
            ..self.row.clone()
        }
    }
}

fn finding(row: &HotStream, all: &Conflicts) -> Option<Finding> {
    let share = row.conflicts as f64 / all.total.max(1) as f64;
    let span = row.first.zip(row.last).map_or(0, |(first, last)| last.since(first)).max(60 * SECOND);
    let per_hour = row.conflicts as f64 * 3600.0 * SECOND as f64 / span as f64;
    let loses = row.exhausted > 0 && row.conflicts >= WITH_LOSS;
    let often = row.conflicts >= RESOLVED && per_hour >= PER_HOUR;
    if share < SHARE || !(loses || often) {
        return None;
    }
    let lost = match row.exhausted {
        0 => "every one was resolved by a retry".to_owned(),
        1 => "1 command was given up".to_owned(),
        more => format!("{more} commands were given up"),
    };
    let mut keys = Keys::from([("stream".to_owned(), vec![row.stream_id.clone()])]);
    if !row.commands.is_empty() {
        keys.insert("operation".to_owned(), row.commands.clone());
    }
    Some(Finding {
        severity: Severity::Warning,
        title: format!("Commands fight over stream {}: {} of {} conflicts", row.stream_id, row.conflicts, all.total),
        detail: format!(
            "{} conflicts, {} retries, {:.0} ms spent waiting before them; {lost}",
            row.conflicts, row.retries, row.backoff_ms
        ),
        count: row.conflicts,
        window: Window { from: row.first, to: row.last },
        keys,
        evidence: row.evidence.clone(),
        cause: Some("hot-stream".to_owned()),
        action: "Find what writes this stream so often (the commands are named); send its commands one after another, \
                 or split the stream"
            .to_owned(),
        ..findings::finding("hot-streams", "hot-stream", &[&row.stream_id])
    })
}

fn millis(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        check::facts::{LogFacts, Seen},
        model::{AsOf, Entry, Known, Level, Means, Meant, Place, Settings, Timestamp, Turn, Unit, Values},
    };

    /// Each line `times kind streams`: a `conflict` of the store, a `retry` or its `echo`, `spent`, or `failed` with the
    /// conflict's text.
    fn conclude(lines: &[&str]) -> Outcome {
        let mut log = LogFacts::default();
        let mut second = 0;
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            for _ in 0..words[0].parse::<u32>().expect("a number") {
                second += 1;
                log.observe(seen(&words, second, &mut Values::default(), &entry(second)));
            }
        }
        let settings = Settings { as_of: AsOf::Newest, ..Settings::default() };
        let judgement = Judgement { settings: &settings, patterns: &[], as_of: None };
        let logs = BTreeMap::from([("a".to_owned(), log)]);
        let mut out = Outcome::default();
        HotStreams.conclude(&Evidence { logs, ..Evidence::default() }, &judgement, &mut out);
        out
    }

    fn entry(second: i64) -> Entry<'static> {
        Entry {
            place: Place::at_byte(second as u64),
            time: Some(Timestamp(second * SECOND)),
            level: Level::Warn,
            message: None,
            error: None,
            fields: 0..0,
        }
    }

    fn seen<'b>(words: &[&'b str], _: i64, values: &'b mut Values<'b>, entry: &'b Entry<'b>) -> Seen<'b> {
        let mut add = |means, unit, text| {
            values.add(Known { meant: Meant { means, unit, rank: 0 }, name: "", text });
        };
        add(Means::Streams, Unit::Text, words[2]);
        let (tells, pattern) = match words[1] {
            "conflict" | "failed" => (Tells::Conflict, "conflict"),
            "spent" => (Tells::RetriesExhausted, "spent"),
            other => (Tells::Retry, other),
        };
        match words[1] {
            "failed" => add(Means::Duration, Unit::Ms, "5"),
            "retry" | "echo" => add(Means::Delay, Unit::Ms, "10"),
            _ => {}
        }
        let hits = vec![(pattern, Vec::new())];
        Seen {
            entry,
            values,
            hits,
            tells: Some((tells, 0)),
            timed_out: false,
            turn: Turn::Inside,
            written: None,
            shape: None,
        }
    }

    /// total, retries, exhausted, backoff in ms; each stream; findings.
    #[track_caller]
    fn check(lines: &[&str], total: (u64, u64, u64, f64), streams: &[&str], findings: usize) {
        let out = conclude(lines);
        let Conflicts { total: all, retries, exhausted, backoff_ms, .. } = out.conflicts;
        assert_eq!((all, retries, exhausted, backoff_ms), total);
        let shown: Vec<String> = out
            .hot_streams
            .iter()
            .map(|row| format!("{} {} {} {}", row.stream_id, row.conflicts, row.retries, row.exhausted))
            .collect();
        assert_eq!(shown, streams);
        assert_eq!(out.findings.len(), findings);
    }

    #[test]
    fn one_conflict_that_three_lines_tell_of_is_one() {
        let told = ["3 conflict a", "2 retry a,b", "2 echo a,b", "1 spent a,b", "1 failed a"];
        check(&told, (3, 2, 1, 20.0), &["a 3 2 1"], 0);
        // Without the store's line, those who retry tell of it.
        check(&["4 echo a", "1 failed a"], (5, 4, 1, 40.0), &["a 5 4 1"], 0);
        check(&["2 failed a"], (2, 0, 2, 0.0), &["a 2 0 2"], 0);
    }

    #[test]
    fn a_stream_is_hot_where_it_loses_commands_or_never_rests() {
        check(&["12 conflict a", "1 spent a"], (12, 0, 1, 0.0), &["a 12 0 1"], 1);
        check(&["120 conflict a", "100 conflict b"], (220, 0, 0, 0.0), &["a 120 0 0", "b 100 0 0"], 2);
        // Spread, resolved, few: how optimistic concurrency works.
        check(&["12 conflict a"], (12, 0, 0, 0.0), &["a 12 0 0"], 0);
        let spread: Vec<String> = (0..10).map(|n| format!("12 conflict s{n}")).collect();
        let spread: Vec<&str> = spread.iter().map(String::as_str).chain(["1 spent s1"]).collect();
        assert!(conclude(&spread).findings.is_empty());
    }
}
