//! Entries for tests, a line each: `12 warn operation=Transfer duration=1200ms: what it says ! its error`.

use crate::model::{Entry, Known, Level, Means, Meant, Place, Timestamp, Turn, Unit, Values, level::LEVELS};

use super::Seen;

/// Hands out the entry that a line describes: seconds since 1970 or `-`, level, values by what they mean, message.
/// A value is a duration where its unit stands behind it, and a count or a text otherwise.
pub(in crate::check) fn with_entry(line: &str, visit: impl FnOnce(&Seen<'_>)) {
    let (head, said) = line.split_once(": ").unwrap_or((line, ""));
    let (message, error) = said.split_once(" ! ").unwrap_or((said, ""));
    let mut words = head.split(' ');
    let seconds: Option<i64> = words.next().and_then(|word| word.parse().ok());
    let level = words.next().and_then(|word| LEVELS.into_iter().find(|level| level.name() == word));
    let mut values = Values::default();
    for (name, text) in words.filter_map(|word| word.split_once('=')) {
        let means: Means = serde_json::from_value(name.into()).expect("a meaning");
        let timed = matches!(means, Means::Duration | Means::Delay | Means::Waited | Means::Lag);
        let unit = if timed { Unit::Duration } else { Unit::Count };
        values.add(Known { meant: Meant { means, unit, rank: 0 }, name, text });
    }
    let entry = Entry {
        place: Place { byte: seconds.unwrap_or_default().unsigned_abs() * 100, line: 0 },
        time: seconds.map(|seconds| Timestamp(seconds * 1_000_000)),
        level: level.unwrap_or(Level::Info),
        message: (!message.is_empty()).then(|| message.into()),
        error: (!error.is_empty()).then(|| error.into()),
        fields: 0..0,
    };
    visit(&Seen {
        entry: &entry,
        values: &values,
        hits: Vec::new(),
        tells: None,
        timed_out: message.contains("timed out"),
        turn: Turn::Inside,
        written: None,
        shape: None,
    });
}
