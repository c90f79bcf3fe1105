//! The one helper that every store check's tests go through.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use crate::{
    fold::State,
    model::{
        AsOf, Checkpoint, Columns, EventId, Level, Observation, Observed, Place, Sequence, Settings,
        StoredEvent, StreamClaim, Table, TableRole, TableRows, TableRules, Timestamp, Transaction,
        projection::Projection, snapshot::ProjectionState, time::SECOND,
    },
};

use super::{
    Check, Judgement, Outcome, Ran, Room,
    facts::{SourceFacts, StoreKey, testing::with_entry},
    view::Evidence,
};

/// Seconds since 1970 of the as-of time that examples are judged at: 2026-11-23T16:00:00Z.
pub(super) const AS_OF: i64 = 1_795_449_600;

/// Runs `check` over stores and compares what it states.
///
/// Each line of `rows` is a row, by its first character:
///
/// - `stream version id seconds [position] [:type]`: an event. The id a number or `-`, seconds before the as-of time or
///   `-`, version `-` for a row that its profile leaves out;
/// - `@name position [seconds]`: a checkpoint, the position `#n` for event id n;
/// - `%stream version`: a row of the stream table;
/// - `!name stream version`: a snapshot, the name `-` for none;
/// - `~name last`: a sequence;
/// - `*id parents replica streams`: a transaction, lists joined with commas, `-` for none;
/// - `_id`: an event of a table without streams;
/// - `^id`: a cause;
/// - `?name service position processed seconds`: what a health report says of a projection, the position `-` and the
///   count 0 for one that has not begun;
/// - `>name seconds message [| position]`: a log entry about a projection;
/// - `=path`: what follows is of another store of the same kind.
///
/// The rows are then cut in two at every place and joined, and moved to disk whole and in two runs: each must state the
/// same.
#[track_caller]
pub(super) fn check(check: &dyn Check, rows: &str, expected: &[&str]) {
    check_with(check, &TableRules::default(), rows, expected);
}

/// The same for a store whose events keep other rules.
#[track_caller]
pub(super) fn check_with(check: &dyn Check, rules: &TableRules, rows: &str, expected: &[&str]) {
    let lines: Vec<&str> = rows.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let state = |cut: usize, spill: bool| {
        let mut sources = facts(rules, &lines[..cut], spill);
        for (path, next) in facts(rules, &lines[cut..], spill) {
            // The rest of a store that was cut has no line that names it.
            let last = if path == FIRST { last_path(&lines[..cut]) } else { path };
            sources.entry(last).or_default().merge(next);
        }
        conclude(check, sources)
    };
    let whole = state(lines.len(), false);
    assert_eq!(whole, expected);
    assert_eq!(state(lines.len(), true), whole, "from disk");
    for cut in 1..lines.len() {
        assert_eq!(state(cut, false), whole, "cut after row {cut}");
        assert_eq!(state(cut, true), whole, "from two runs cut after row {cut}");
    }
}

/// The store of the lines before the first `=`.
const FIRST: &str = "dump";

fn last_path(lines: &[&str]) -> String {
    lines.iter().rev().find_map(|line| line.strip_prefix('=')).unwrap_or(FIRST).to_owned()
}

fn facts(rules: &TableRules, lines: &[&str], spill: bool) -> BTreeMap<String, SourceFacts> {
    let mut sources: BTreeMap<String, SourceFacts> = BTreeMap::new();
    let mut path = FIRST.to_owned();
    for line in lines {
        if let Some(next) = line.strip_prefix('=') {
            path = next.to_owned();
            continue;
        }
        let source = sources.entry(path.clone()).or_default();
        if let Some(words) = line.strip_prefix('?') {
            source.snapshot.observations.push(health(words));
            continue;
        }
        if let Some(words) = line.strip_prefix('>') {
            log_entry(words, source);
            continue;
        }
        if let Some(sequence) = line.strip_prefix('~') {
            let (name, last) = sequence.split_once(' ').expect("a name and a number");
            let last = last.parse().expect("a number");
            source.sequences.push(Sequence { byte: 0, name: name.to_owned(), last });
            continue;
        }
        let facts = source.stores.entry(StoreKey::default()).or_default();
        facts.observe(&row(rules, line));
    }
    if spill {
        for facts in sources.values_mut().flat_map(|source| source.stores.values_mut()) {
            facts.events.spill(&room().folder).expect("a disk");
        }
    }
    sources
}

/// The rows that one line stands for.
fn row(rules: &TableRules, line: &str) -> TableRows<'static> {
    let words: Vec<String> = line.split_whitespace().map(str::to_owned).collect();
    let first = words[0].trim_start_matches(['@', '%', '!', '*', '_', '^']).to_owned();
    let role = match line.as_bytes()[0] {
        b'@' => TableRole::Checkpoints,
        b'%' => TableRole::Streams,
        b'!' => TableRole::Snapshots,
        b'_' => TableRole::Bodies,
        _ => TableRole::Events,
    };
    let rules = Arc::new(TableRules { role, ..rules.clone() });
    let columns = Columns::default();
    let (profile, schema) = ("p".to_owned(), String::new());
    let mut rows = TableRows::new(Arc::new(Table { profile, schema, columns, rules }));
    let claim = |name: &str, stream: &str, version: &str| StreamClaim {
        byte: 0,
        name: name.replace('-', ""),
        stream: stream.to_owned(),
        version: version.parse().expect("a version"),
        archived: false,
    };
    match line.as_bytes()[0] {
        b'@' => rows.checkpoints.push(Checkpoint {
            byte: 0,
            name: first.into(),
            position: position(&words[1]).map(Cow::Owned),
            updated_at: words.get(2).and_then(|ago| time(ago)),
        }),
        b'%' => rows.claims.push(claim("", &first, &words[1])),
        b'!' => rows.claims.push(claim(&first, &words[1], &words[2])),
        b'*' => rows.transactions.push(transaction(&first, &words)),
        b'^' => rows.events.push(StoredEvent { cause: Some(id(&first)), ..StoredEvent::default() }),
        b'_' => rows.events.push(StoredEvent { id: id(&first), ..StoredEvent::default() }),
        _ => rows.events.push(StoredEvent {
            stream: if first == "''" { "" } else { &first }.to_owned().into(),
            version: words[1].parse().ok(),
            id: id(&words[2]),
            time: time(&words[3]),
            position: words.get(4).and_then(|position| position.parse().ok()),
            kind: words.last().and_then(|word| word.strip_prefix(':')).unwrap_or_default().to_owned().into(),
            ..StoredEvent::default()
        }),
    }
    rows
}

/// `#n` is the id of event n, `-` none.
fn position(word: &str) -> Option<String> {
    match word.strip_prefix('#') {
        Some(number) => Some(id(number).to_string()),
        None => (word != "-").then(|| word.to_owned()),
    }
}

fn health(words: &str) -> Observation {
    let words: Vec<&str> = words.split_whitespace().collect();
    let (position, processed) = (position(words[2]), words[3].parse().expect("a count"));
    let status = if position.is_none() { "NeverProcessed" } else { "Healthy" };
    let state = ProjectionState {
        name: words[0].to_owned(),
        service: Some(words[1].to_owned()),
        status: Some(status.to_owned()),
        lag_ms: Some(0),
        events_processed: Some(processed),
        position,
        checkpoint_at: time(words[4]),
        ..ProjectionState::default()
    };
    Observation { place: Place::default(), at: time(words[4]), state: Observed::Projection(state) }
}

/// `NAME SECONDS MESSAGE | POSITION`, seconds before the as-of time.
fn log_entry(words: &str, source: &mut SourceFacts) {
    let (head, at) = words.split_once(" | ").unwrap_or((words, "-"));
    let mut parts = head.splitn(3, ' ');
    let mut part = || parts.next().expect("a name, seconds and a message");
    let (name, ago, message) = (part(), part(), part());
    let seconds = time(ago).map_or("-".to_owned(), |time| (time.0 / SECOND).to_string());
    let at = position(at).map_or(String::new(), |at| format!(" position={at}"));
    let line = format!("{seconds} error projection={name}{at}: {message}");
    with_entry(&line, |seen| source.log.projectors.observe(seen));
    source.log.by_level.entry(Level::Error).and_modify(|count| *count += 1).or_insert(1);
}

fn transaction(first: &str, words: &[String]) -> Transaction {
    let list = |word: &String| -> Vec<String> {
        if word == "-" { Vec::new() } else { word.split(',').map(str::to_owned).collect() }
    };
    Transaction {
        file: format!("events/{first}.jsonl"),
        id: EventId(first.parse().expect("a number")),
        parents: list(&words[1]).iter().map(|parent| EventId(parent.parse().expect("a number"))).collect(),
        replica: EventId(words[2].parse().expect("a number")),
        bases: list(&words[3]).into_iter().map(|stream| (stream, 0)).collect(),
        ..Transaction::default()
    }
}

fn time(ago: &str) -> Option<Timestamp> {
    ago.parse::<i64>().ok().map(|ago| Timestamp((AS_OF - ago) * SECOND))
}

/// A UUID of version 7 whose time is `n` seconds after 2026-11-23T15:00:00Z; `-` is no id.
fn id(number: &str) -> EventId {
    let Ok(number) = number.parse::<u128>() else { return EventId::NONE };
    let ms = (AS_OF as u128 - 3600 + number) * 1000;
    EventId(ms << 80 | 7 << 76 | 0b10 << 62 | number)
}

/// Room for a few rows at a time in what goes to disk.
fn room() -> Room {
    Room { memory: 0, folder: std::env::temp_dir() }
}

fn conclude(check: &dyn Check, sources: BTreeMap<String, SourceFacts>) -> Vec<String> {
    let evidence = Evidence::new(sources, &room()).expect("a disk");
    let settings = Settings { as_of: AsOf::At(Timestamp(AS_OF * SECOND)), ..Settings::default() };
    let judgement = Judgement { settings: &settings, patterns: &[], as_of: Some(Timestamp(AS_OF * SECOND)) };
    let mut out = Outcome::default();
    let ran = check.conclude(&evidence, &judgement, &mut out);
    let mut shown = Vec::new();
    if let Ran::CouldNot(why) = ran {
        shown.push(format!("could not run: {why}"));
    }
    shown.extend(out.projections.iter().map(shown_projection));
    let stories = out.findings.iter().filter(|finding| finding.check == "projections");
    shown.extend(stories.map(|story| format!("{} {}: {}", story.severity.name(), story.kind, story.title)));
    for fault in out.faults.values().flat_map(|listed| &listed.items) {
        let mut line = format!("{} {}", fault.severity.name(), fault.kind.name());
        if fault.path != FIRST {
            line.push_str(&format!(" in {}", fault.path));
        }
        if let Some(stream) = &fault.stream_id {
            line.push_str(&format!(
                " {stream}@{}",
                fault.actual_version.map_or("-".to_owned(), |version| version.to_string())
            ));
        }
        if let Some(missing) = fault.missing {
            line.push_str(&format!(" missing {}..{}", missing.from, missing.to));
        }
        line.push_str(&format!(" ({})", fault.detail));
        shown.push(line);
    }
    shown
}

/// `name: status, lag, behind, never seen, what to do from where`.
fn shown_projection(row: &Projection) -> String {
    let number = |number: Option<u64>| number.map_or("-".to_owned(), |number| number.to_string());
    let plan = row.rebuild.as_ref().map_or("-".to_owned(), |plan| {
        let from = plan.from.as_deref().map_or("the first", |from| &from[from.len().saturating_sub(4)..]);
        format!("{} {from} ({})", plan.strategy, number(plan.events))
    });
    format!(
        "{}: {}, lag {} s, {} behind, {} never seen, {plan}",
        row.name,
        row.status.map_or("-", |status| status.name()),
        row.lag_ms.map_or("-".to_owned(), |lag| (lag / 1000).to_string()),
        number(row.events_behind),
        number(row.events_never_projected),
    )
}
