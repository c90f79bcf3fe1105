//! How far the clocks of two sources are apart, as units of work that both tell of show.
//!
//! Where one service calls another, the other's part lies inside the caller's: `a.first <= b.first` and
//! `b.last <= a.last` in true time. So each shared unit bounds the offset of `b` from both sides, as a request and its
//! answer bound it in NTP (RFC 5905, section 8), and the bounds of many units close in on it. Where they exclude each
//! other, one does not call the other, and nothing is said.

use std::collections::{BTreeMap, BTreeSet};

use super::{facts::LogFacts, units::LogOfUnits};

/// How far the clock of a source is ahead of another's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClockOffset {
    /// Whose clock it is compared with: the one that shares most units of work with all others.
    pub against: String,
    /// Microseconds; negative where it is behind.
    pub ahead: i64,
    /// How far the truth may be from that, in microseconds.
    pub within: i64,
    /// Units of work that both tell of.
    pub shared: usize,
}

/// Fewer shared units say nothing.
const SHARED: usize = 5;
/// The share of units at either end that may be wrong: a retry, an entry that was lost.
const TRIMMED: usize = 20;
/// Bounds may exclude each other by as much as two entries of one moment differ, in microseconds.
const JITTER: i64 = 5_000;

/// Begin and end of a unit as one clock tells them.
type Part = (i64, i64);

/// The offsets of all sources that share units with another clock, by path. Rotations of a service have one clock.
pub fn clock_offsets<'e>(
    logs: impl IntoIterator<Item = (&'e str, &'e LogFacts)>,
) -> BTreeMap<String, ClockOffset> {
    let logs: BTreeMap<&str, &LogFacts> = logs.into_iter().collect();
    let clock_of: BTreeMap<&str, &str> =
        logs.iter().map(|(path, log)| (*path, log.service().unwrap_or(path))).collect();
    if clock_of.values().collect::<BTreeSet<_>>().len() < 2 {
        return BTreeMap::new();
    }
    let Shared { bounds, calls } = shared(&logs, &clock_of);
    let mut shares: BTreeMap<&str, usize> = BTreeMap::new();
    for ((a, b), bounds) in &bounds {
        *shares.entry(a).or_default() += bounds.len();
        *shares.entry(b).or_default() += bounds.len();
    }
    // Of two that share all their units, the caller is asked for the time.
    let mut clocks: Vec<(usize, usize, &str)> = shares
        .iter()
        .map(|(name, count)| (*count, calls.get(name).copied().unwrap_or_default(), *name))
        .collect();
    clocks.sort_by(|a, b| (b.0, b.1, a.2).cmp(&(a.0, a.1, b.2)));
    let Some((.., reference)) = clocks.first() else { return BTreeMap::new() };
    let mut offsets = BTreeMap::new();
    for (path, clock) in &clock_of {
        let (pair, sign) =
            if clock < reference { ((*clock, *reference), -1) } else { ((*reference, *clock), 1) };
        let Some((ahead, within)) = bounds.get(&pair).and_then(|bounds| closest(bounds)) else { continue };
        let offset = ClockOffset {
            against: (*reference).to_owned(),
            ahead: sign * ahead,
            within,
            shared: bounds[&pair].len(),
        };
        offsets.insert((*path).to_owned(), offset);
    }
    offsets
}

/// What units of work that several clocks tell of add up to.
#[derive(Default)]
struct Shared<'e> {
    /// For each pair of clocks, in order of name: between what the second is ahead of the first, by each unit.
    bounds: BTreeMap<(&'e str, &'e str), Vec<(i64, i64)>>,
    /// How often the part of a clock took longer than another's: it called.
    calls: BTreeMap<&'e str, usize>,
}

fn shared<'e>(logs: &BTreeMap<&'e str, &'e LogFacts>, clock_of: &BTreeMap<&str, &'e str>) -> Shared<'e> {
    let logs: Vec<LogOfUnits<'e>> =
        logs.iter().map(|(path, log)| LogOfUnits { path, window: log.window, facts: &log.traces }).collect();
    let mut shared = Shared::default();
    for unit in super::every_unit(&logs) {
        let mut parts: BTreeMap<&str, Part> = BTreeMap::new();
        for (path, first, last) in unit.spans() {
            let Some(clock) = clock_of.get(path) else { continue };
            let known = parts.entry(clock).or_insert((first, last));
            *known = (known.0.min(first), known.1.max(last));
        }
        let parts: Vec<(&str, Part)> = parts.into_iter().collect();
        for (at, (a, of_a)) in parts.iter().enumerate() {
            for (b, of_b) in &parts[at + 1..] {
                let (begins, ends) = (of_b.0 - of_a.0, of_b.1 - of_a.1);
                shared.bounds.entry((a, b)).or_default().push((begins.min(ends), begins.max(ends)));
                *shared.calls.entry(if ends <= begins { a } else { b }).or_default() += 1;
            }
        }
    }
    shared
}

/// Where all bounds meet: the middle, and half of what is left open.
fn closest(bounds: &[(i64, i64)]) -> Option<(i64, i64)> {
    if bounds.len() < SHARED {
        return None;
    }
    let mut lows: Vec<i64> = bounds.iter().map(|(low, _)| *low).collect();
    let mut highs: Vec<i64> = bounds.iter().map(|(_, high)| *high).collect();
    lows.sort_unstable();
    highs.sort_unstable();
    let trimmed = bounds.len() / TRIMMED;
    let (low, high) = (lows[lows.len() - 1 - trimmed], highs[trimmed]);
    (low - high <= JITTER).then(|| (i64::midpoint(low, high), (high - low).abs() / 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::facts::testing::with_entry;

    /// Logs from lines of `PATH SECONDS.MILLIS TRACE`.
    fn logs(lines: &[String]) -> BTreeMap<String, LogFacts> {
        let mut logs: BTreeMap<String, LogFacts> = BTreeMap::new();
        for line in lines {
            let (path, entry) = line.split_once(' ').expect("a path");
            with_entry(entry, |seen| logs.entry(path.to_owned()).or_default().traces.observe(seen));
        }
        logs
    }

    fn told(ahead: i64, calls: bool) -> Option<(i64, bool)> {
        let mut lines = Vec::new();
        for unit in 0..40 {
            let begin = 100 + unit * 10;
            for (path, at) in [("a", begin), ("a", begin + 5)] {
                lines.push(format!("{path} {at} info trace=t{unit}: x"));
            }
            // Called within, or told of later by a queue.
            let inside = if calls { begin + 1 + unit % 3 } else { begin + 6 + unit * unit % 50 };
            for at in [inside, inside + 1] {
                lines.push(format!("b {} info trace=t{unit}: x", at + ahead));
            }
        }
        let logs = logs(&lines);
        let offsets = clock_offsets(logs.iter().map(|(path, log)| (path.as_str(), log)));
        offsets.get("b").map(|offset| (offset.ahead / 1_000_000, offset.within <= 2_000_000))
    }

    #[test]
    fn a_called_service_bounds_its_clock() {
        for ahead in [-30, -2, 0, 2, 3600] {
            let (told, sure) = told(ahead, true).expect("an offset");
            assert!((told - ahead).abs() <= 1 && sure, "{ahead}: {told}");
        }
    }

    #[test]
    fn a_queue_says_nothing_of_clocks() {
        assert_eq!(told(0, false), None);
    }
}
