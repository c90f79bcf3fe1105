//! When which source spoke, on one axis: what a report draws as lanes.

use std::collections::BTreeMap;

use crate::{
    check::{Evidence, facts::LogFacts},
    fold::{Bins, State},
    model::{Lane, Timeline, Timestamp, Window, report::ReportWindow},
};

use super::silence;

/// Steps of the axis at most: each is wide enough to be seen.
const STEPS: i64 = 160;
/// Lanes at most: more than a page holds are not compared by eye.
const LANES: usize = 40;

/// Lanes for logs, with rotations of one log in one lane, and for stores and snapshots by when they speak of.
pub(super) fn timeline(evidence: &Evidence, window: &ReportWindow) -> Timeline {
    let (Some(from), Some(to)) = (window.from, window.to) else { return Timeline::default() };
    let logs = by_series(&evidence.logs);
    let axis = Axis::over(from, to, logs.values().map(|log| log.ticks.width()).max().unwrap_or_default());
    let mut lanes: Vec<Lane> = logs.into_values().map(|log| log.lane(&axis)).collect();
    lanes.extend(evidence.stores.iter().map(|store| lane(&store.path, "store", store.facts.window)));
    lanes.extend(snapshots(evidence, from, to));
    let unlisted_lanes = shorten(&mut lanes);
    Timeline {
        from: Some(axis.time(0)),
        step_ms: axis.step() as f64 / 1e3,
        steps: axis.steps(),
        lanes,
        unlisted_lanes,
    }
}

fn lane(source: &str, kind: &str, window: Window) -> Lane {
    Lane { source: source.to_owned(), kind: kind.to_owned(), window, ..Lane::default() }
}

/// Those of one name in one lane.
fn snapshots(evidence: &Evidence, from: Timestamp, to: Timestamp) -> Vec<Lane> {
    let mut taken: BTreeMap<(&str, String), Vec<(&str, Timestamp)>> = BTreeMap::new();
    for (path, snapshot) in &evidence.snapshots {
        if let Some(at) = snapshot.taken_at.filter(|at| from <= *at && *at <= to) {
            taken.entry(silence::series(path)).or_default().push((path, at));
        }
    }
    let lanes = taken.into_values().map(|taken| {
        let paths: Vec<&str> = taken.iter().map(|(path, _)| *path).collect();
        let mut moments: Vec<Timestamp> = taken.into_iter().map(|(_, at)| at).collect();
        moments.sort();
        let window = Window { from: moments.first().copied(), to: moments.last().copied() };
        Lane { moments, ..lane(&named(&paths), "snapshot", window) }
    });
    lanes.collect()
}

/// One name for the files of a lane.
fn named(paths: &[&str]) -> String {
    match paths {
        [] => String::new(),
        [path] => (*path).to_owned(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

/// Drops the quietest lanes, and says how many.
fn shorten(lanes: &mut Vec<Lane>) -> u64 {
    let unlisted = lanes.len().saturating_sub(LANES);
    if unlisted > 0 {
        let sum = |counts: &[u64]| counts.iter().sum::<u64>();
        lanes.sort_by_key(|lane| std::cmp::Reverse((sum(&lane.loud), sum(&lane.entries))));
        lanes.truncate(LANES);
    }
    let rank = |lane: &Lane| ["log", "store", "snapshot"].iter().position(|kind| *kind == lane.kind);
    lanes.sort_by(|a, b| rank(a).cmp(&rank(b)).then(a.source.cmp(&b.source)));
    unlisted as u64
}

/// Steps of a power of two of microseconds: as bins are, so that bins of every source fall into them whole.
struct Axis {
    width: u32,
    from: i64,
    to: i64,
}

impl Axis {
    fn over(from: Timestamp, to: Timestamp, finest: u32) -> Axis {
        let mut width = finest;
        while (to.0 >> width) - (from.0 >> width) >= STEPS {
            width += 1;
        }
        Axis { width, from: from.0 >> width, to: to.0 >> width }
    }

    fn step(&self) -> i64 {
        1 << self.width
    }

    fn steps(&self) -> usize {
        (self.to - self.from + 1) as usize
    }

    fn time(&self, step: usize) -> Timestamp {
        Timestamp((self.from + step as i64) << self.width)
    }
}

/// The files of one log.
#[derive(Default)]
struct Log<'e> {
    paths: Vec<&'e str>,
    ticks: Bins,
    loud: Bins,
    window: Window,
}

fn by_series(logs: &BTreeMap<String, LogFacts>) -> BTreeMap<(&str, String), Log<'_>> {
    let mut joined: BTreeMap<(&str, String), Log<'_>> = BTreeMap::new();
    for (path, facts) in logs.iter().filter(|(_, facts)| facts.entries() > 0) {
        let log = joined.entry(silence::series(path)).or_default();
        log.paths.push(path);
        log.ticks.merge(facts.ticks.clone());
        log.loud.merge(facts.loud.clone());
        log.window.join(&facts.window);
    }
    joined
}

impl Log<'_> {
    fn lane(&self, axis: &Axis) -> Lane {
        let entries = self.ticks.counts(axis.width, axis.from, axis.to);
        Lane {
            gaps: gaps(&entries, axis),
            loud: self.loud.counts(axis.width, axis.from, axis.to),
            entries,
            ..lane(&named(&self.paths), "log", self.window)
        }
    }
}

/// Runs of empty steps that are no pauses, by the source's own rate.
fn gaps(entries: &[u64], axis: &Axis) -> Vec<Window> {
    let (Some(first), Some(last)) =
        (entries.iter().position(|count| *count > 0), entries.iter().rposition(|count| *count > 0))
    else {
        return Vec::new();
    };
    let heard: u64 = entries.iter().sum();
    let steps = entries[first..=last].iter().filter(|count| **count > 0).count() as i64;
    let numbered: Vec<(usize, u64)> = entries.iter().copied().enumerate().skip(first).collect();
    numbered
        .chunk_by(|(_, a), (_, b)| (*a == 0) == (*b == 0))
        .filter(|run| run[0].1 == 0)
        .filter(|run| silence::is_long(heard, steps * axis.step(), run.len() as i64 * axis.step()))
        .map(|run| Window { from: Some(axis.time(run[0].0)), to: Some(axis.time(run[run.len() - 1].0 + 1)) })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_is_told_from_a_pause() {
        let axis = Axis::over(Timestamp(0), Timestamp(100 << 26), 26);
        assert_eq!((axis.width, axis.steps()), (26, 101));
        let mut entries = vec![10; 101];
        entries[0] = 0;
        entries[7] = 0;
        entries[40..44].fill(0);
        let hole = Window { from: Some(axis.time(40)), to: Some(axis.time(44)) };
        assert_eq!(gaps(&entries, &axis), [hole]);
        assert!(gaps(&[0; 101], &axis).is_empty());
    }

    #[test]
    fn the_axis_is_short_enough_to_draw() {
        for hours in [1, 24, 24 * 400] {
            let axis = Axis::over(Timestamp(5), Timestamp(hours * 3_600_000_000), 20);
            assert!((STEPS as usize / 2..=STEPS as usize).contains(&axis.steps()), "{}", axis.steps());
        }
    }
}
