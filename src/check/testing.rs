//! The one helper that every store check's tests go through.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    fold::State,
    model::{
        AsOf, Checkpoint, Columns, EventId, Settings, StoredEvent, Table, TableRole, TableRows, TableRules,
        Timestamp, time::SECOND,
    },
};

use super::{
    Check, Judgement, Outcome, Ran, Room,
    facts::{SourceFacts, StoreFacts, StoreKey},
    view::Evidence,
};

/// Seconds since 1970 of the as-of time that examples are judged at: 2026-11-23T16:00:00Z.
pub(super) const AS_OF: i64 = 1_795_449_600;

/// Runs `check` over a store and compares what it states.
///
/// Each line of `rows` is `stream version id seconds`: the id a number or `-`, seconds before the as-of time or `-`.
/// A line that begins with `@` is a checkpoint: `@name position`, the position `#n` for event id n.
///
/// The rows are then cut in two at every place and joined, and put in reverse order: each must state the same.
#[track_caller]
pub(super) fn check(check: &dyn Check, rows: &str, expected: &[&str]) {
    let lines: Vec<&str> = rows.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let whole = conclude(check, facts(&lines));
    assert_eq!(whole, expected);
    let mut spilled = facts(&lines);
    spilled.events.spill(&room().folder).expect("a disk");
    assert_eq!(conclude(check, spilled), whole, "from disk");
    for cut in 1..lines.len() {
        let mut joined = facts(&lines[..cut]);
        joined.merge(facts(&lines[cut..]));
        // Places differ after a cut; everything else may not.
        assert_eq!(conclude(check, joined), whole, "cut after row {cut}");
        let (mut first, mut rest) = (facts(&lines[..cut]), facts(&lines[cut..]));
        first.events.spill(&room().folder).expect("a disk");
        rest.events.spill(&room().folder).expect("a disk");
        first.merge(rest);
        assert_eq!(conclude(check, first), whole, "from two runs cut after row {cut}");
    }
}

fn facts(lines: &[&str]) -> StoreFacts {
    let mut facts = StoreFacts::default();
    let table = |role| {
        let rules = Arc::new(TableRules { role, ..TableRules::default() });
        Arc::new(Table { profile: "p".to_owned(), schema: String::new(), columns: Columns::default(), rules })
    };
    for line in lines {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let Some(name) = words[0].strip_prefix('@') {
            let mut rows = TableRows::new(table(TableRole::Checkpoints));
            let position = match words[1].strip_prefix('#') {
                Some(number) => Some(id(number).to_string()),
                None => (words[1] != "-").then(|| words[1].to_owned()),
            };
            rows.checkpoints.push(Checkpoint {
                byte: 0,
                name: name.into(),
                position: position.map(Into::into),
                updated_at: None,
            });
            facts.observe(&rows);
            continue;
        }
        let mut rows = TableRows::new(table(TableRole::Events));
        let time = words[3].parse::<i64>().ok().map(|ago| Timestamp((AS_OF - ago) * SECOND));
        let stream = if words[0] == "''" { "" } else { words[0] };
        let version = words[1].parse().ok();
        let id = id(words[2]);
        rows.events.push(StoredEvent { stream: stream.into(), version, id, time, ..StoredEvent::default() });
        facts.observe(&rows);
    }
    facts
}

/// A UUID of version 7 whose time is `n` seconds after 2026-11-23T15:00:00Z; `-` is no id.
fn id(number: &str) -> EventId {
    let Ok(number) = number.parse::<u128>() else { return EventId::NONE };
    let ms = (AS_OF as u128 - 3600 + number) * 1000;
    EventId(ms << 80 | 7 << 76 | 0b10 << 62 | number)
}

/// Room for two rows at a time in what goes to disk.
fn room() -> Room {
    Room { memory: 0, folder: std::env::temp_dir() }
}

fn conclude(check: &dyn Check, facts: StoreFacts) -> Vec<String> {
    let mut source = SourceFacts::default();
    source.stores.insert(StoreKey::default(), facts);
    let evidence = Evidence::new(BTreeMap::from([("dump".to_owned(), source)]), &room()).expect("in memory");
    let settings = Settings { as_of: AsOf::At(Timestamp(AS_OF * SECOND)), ..Settings::default() };
    let judgement = Judgement { settings: &settings, patterns: &[], as_of: Some(Timestamp(AS_OF * SECOND)) };
    let mut out = Outcome::default();
    let ran = check.conclude(&evidence, &judgement, &mut out);
    let mut shown = Vec::new();
    if let Ran::CouldNot(why) = ran {
        shown.push(format!("could not run: {why}"));
    }
    for fault in out.faults.values().flat_map(|listed| &listed.items) {
        let mut line = format!("{} {}", fault.severity.name(), fault.kind.name());
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
