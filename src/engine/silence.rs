//! Sources that stop while others go on.

use std::collections::BTreeMap;

use crate::{check::facts::LogFacts, model::Timestamp};

/// Entries that a source would have written had it gone on as before: with as many expected, none at all has a chance of
/// less than one in a billion (Poisson, `exp(-21)`).
const EXPECTED: f64 = 21.0;
/// Shorter silences are pauses, in microseconds.
const PAUSE: i64 = 60_000_000;
/// A silence is compared with what was heard for longer than it lasts.
const HEARD: i64 = 2;

/// What the ledger should say of sources that fell silent. One that another file of its name goes on from was rotated.
pub(super) fn silences(logs: &BTreeMap<String, LogFacts>) -> Vec<(String, String)> {
    let last = logs.values().filter_map(|log| log.window.to).max();
    let goes_on = |path: &str, to: Timestamp| {
        logs.iter().any(|(other, log)| {
            other != path && series(other) == series(path) && log.window.to.is_some_and(|later| later > to)
        })
    };
    let silent = |(path, log): (&String, &LogFacts)| {
        let (from, to, last) = (log.window.from?, log.window.to?, last?);
        let (heard, silence) = (to.since(from), last.since(to));
        if silence < PAUSE || heard < HEARD * silence || goes_on(path, to) {
            return None;
        }
        let expected = log.entries() as f64 / heard as f64 * silence as f64;
        let note = format!(
            "silent since {}, while others go on for {} s: {expected:.0} entries would be expected",
            to.clock(),
            silence / 1_000_000
        );
        (expected >= EXPECTED).then(|| (path.clone(), note))
    };
    logs.iter().filter_map(silent).collect()
}

/// The name that rotated files of one log share: the folder, and the file's name up to its first dot without numbers.
pub(super) fn series(path: &str) -> (&str, String) {
    let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
    let stem = file.split('.').next().unwrap_or_default();
    (folder, stem.chars().filter(|c| !c.is_ascii_digit()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Level;

    #[test]
    fn a_source_that_stops_is_told_from_one_that_was_rotated() {
        let log = |from: i64, to: i64, entries: u64| {
            let mut log = LogFacts::default();
            log.window.add(Timestamp(from * 1_000_000));
            log.window.add(Timestamp(to * 1_000_000));
            log.by_level.insert(Level::Info, entries);
            log
        };
        let logs = BTreeMap::from([
            ("a.log".to_owned(), log(0, 600, 600)),
            ("b.log".to_owned(), log(0, 400, 400)),
            ("c-1.log.gz".to_owned(), log(0, 400, 400)),
            ("c-2.log".to_owned(), log(401, 600, 200)),
            ("few.log".to_owned(), log(0, 400, 20)),
            ("pause.log".to_owned(), log(0, 590, 600)),
        ]);
        let note = "silent since 00:06:40, while others go on for 200 s: 200 entries would be expected";
        assert_eq!(silences(&logs), [("b.log".to_owned(), note.to_owned())]);
    }
}
