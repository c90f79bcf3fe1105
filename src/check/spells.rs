//! When a pattern was heard: spells of entries with quiet before and after, bursts in a steady hum, and the hum itself.
//!
//! One outage in the morning and another at night are two findings, not one that lasts all day; what is heard all day
//! long is no part of either.

use std::collections::BTreeMap;

use crate::{
    fold::segments::{self, Segment, segments},
    model::{Keys, OverTime, Timestamp, Window, time::SECOND},
};

use super::{
    charts,
    facts::{LevelFacts, Sample, Slice, Tick},
};

/// More spells than this are no episodes but a hum.
const MANY: usize = 4;
/// One spell that takes half of the evidence, and this many times the gap between spells, is a hum too.
const STEADY: i64 = 12;
/// Bins that the evidence is cut into for finding bursts. The search is quadratic: 256 take less than a millisecond.
const BINS: i64 = 256;
/// Bursts told apart, the largest.
const BURSTS: usize = 8;
/// A stray date does not stretch the time that is looked at for longer than this.
const LONGEST: i64 = 40 * 86_400 * SECOND;
/// Values listed of each key.
const KEY_VALUES: usize = 20;

/// Entries of a pattern that belong together in time.
#[derive(Debug, Default)]
pub(super) struct Spell<'a> {
    pub(super) count: u64,
    pub(super) window: Window,
    /// With the source of each, the earliest first.
    pub(super) earliest: Vec<(&'a str, &'a Sample)>,
    pub(super) latest: Option<(&'a str, &'a Sample)>,
    pub(super) sources: Vec<&'a str>,
    pub(super) keys: Keys,
    pub(super) over_time: OverTime,
    /// Spread over the evidence: it has no beginning that could be a cause or an effect.
    pub(super) scattered: bool,
}

/// A stretch of time, in microseconds, both ends included.
type Stretch = (i64, i64);

/// The spells of a pattern's entries, by source, in order of time. `evidence` is when logs were written at all; spells
/// are at least `gap` microseconds apart.
pub(super) fn spells<'a>(
    matched: &[(&'a str, &'a LevelFacts)],
    evidence: &Window,
    gap: i64,
) -> Vec<Spell<'a>> {
    let mut ticks: Vec<&Tick> = matched.iter().flat_map(|(_, facts)| facts.ticks.iter()).collect();
    ticks.sort_by_key(|tick| (tick.window.from, tick.window.to));
    let runs = apart(ticks.iter().filter_map(|tick| stretch(&tick.window)), gap);
    let (told, hum) = match runs {
        runs if is_hum(&runs, evidence, gap) => (bursts(&ticks, evidence, gap), true),
        runs => (runs, false),
    };
    let mut spells: Vec<Spell<'a>> = told.iter().map(|stretch| spell(matched, &ticks, *stretch)).collect();
    let total: u64 = matched.iter().map(|(_, facts)| facts.count).sum();
    let rest = total - spells.iter().map(|spell| spell.count).sum::<u64>();
    if rest > 0 && hum {
        spells.push(all_but(matched, &told, rest));
    } else if rest > 0 {
        // Entries without a time belong to what is known best.
        match spells.iter_mut().max_by_key(|spell| spell.count) {
            Some(largest) => largest.count += rest,
            None => spells.push(Spell { scattered: false, ..all_but(matched, &[], rest) }),
        }
    }
    spells
}

fn stretch(window: &Window) -> Option<Stretch> {
    Some((window.from?.0, window.to?.0))
}

/// Joins stretches, in order of time, that are no more than a gap apart.
fn apart(stretches: impl Iterator<Item = Stretch>, gap: i64) -> Vec<Stretch> {
    let mut joined: Vec<Stretch> = Vec::new();
    for (from, to) in stretches {
        match joined.last_mut() {
            Some(last) if from - last.1 <= gap => last.1 = last.1.max(to),
            _ => joined.push((from, to)),
        }
    }
    joined
}

fn is_hum(runs: &[Stretch], evidence: &Window, gap: i64) -> bool {
    let span = stretch(evidence).map_or(0, |(from, to)| to - from);
    let steady = |(from, to): &Stretch| (to - from) * 2 >= span && to - from >= gap * STEADY;
    runs.len() > MANY || runs.iter().any(steady)
}

/// Where there is clearly more than usual.
fn bursts(ticks: &[&Tick], evidence: &Window, gap: i64) -> Vec<Stretch> {
    let Some((first, last)) = stretch(evidence) else { return Vec::new() };
    let first = first.max(last - LONGEST);
    let width = ((last - first) / BINS).max(SECOND);
    let mut counts = vec![0u64; ((last - first) / width + 1) as usize];
    let bin = |tick: &Tick| tick.window.from.map_or(-1, |from| (from.0 - first).div_euclid(width));
    for tick in ticks {
        if let Some(count) = usize::try_from(bin(tick)).ok().and_then(|bin| counts.get_mut(bin)) {
            *count += tick.count;
        }
    }
    let within = |segment: &Segment| {
        let (from, to) = (segment.from as i64, segment.to as i64);
        let mut window = Window::default();
        ticks
            .iter()
            .filter(|tick| (from..to).contains(&bin(tick)))
            .for_each(|tick| window.join(&tick.window));
        stretch(&window)
    };
    let mut found: Vec<(u64, Stretch)> = segments::bursts(&segments(&counts))
        .iter()
        .filter_map(|burst| Some((burst.segment.sum, within(&burst.segment)?)))
        .collect();
    found.sort_by_key(|(sum, stretch)| (std::cmp::Reverse(*sum), *stretch));
    found.truncate(BURSTS);
    found.sort_by_key(|(_, stretch)| *stretch);
    apart(found.into_iter().map(|(_, stretch)| stretch), gap)
}

/// What was heard in a stretch of time.
fn spell<'a>(matched: &[(&'a str, &'a LevelFacts)], ticks: &[&Tick], (from, to): Stretch) -> Spell<'a> {
    let within = |window: &Window| stretch(window).is_some_and(|(first, last)| from <= last && first <= to);
    let count = ticks.iter().filter(|tick| within(&tick.window)).map(|tick| tick.count).sum();
    let window = Window { from: Some(Timestamp(from)), to: Some(Timestamp(to)) };
    let over_time = drawn(ticks.iter().copied().filter(|tick| within(&tick.window)), &window);
    told(matched, &within, Spell { count, window, over_time, ..Spell::default() })
}

/// The hum: all that is in none of the bursts.
fn all_but<'a>(matched: &[(&'a str, &'a LevelFacts)], bursts: &[Stretch], count: u64) -> Spell<'a> {
    let mut window = Window::default();
    for (_, facts) in matched {
        window.join(&facts.window);
    }
    let outside = |slice: &Window| {
        stretch(slice)
            .is_none_or(|(first, last)| !bursts.iter().any(|(from, to)| *from <= first && last <= *to))
    };
    let ticks = matched.iter().flat_map(|(_, facts)| facts.ticks.iter());
    let over_time = drawn(ticks.filter(|tick| outside(&tick.window)), &window);
    told(matched, &outside, Spell { count, window, over_time, scattered: true, ..Spell::default() })
}

fn drawn<'a>(ticks: impl Iterator<Item = &'a Tick>, window: &Window) -> OverTime {
    charts::over_time(ticks.filter_map(|tick| Some((tick.window.from?, tick.count))), window)
}

/// Fills in entries, sources and keys from the slices that belong to a spell.
fn told<'a>(
    matched: &[(&'a str, &'a LevelFacts)],
    belongs: &dyn Fn(&Window) -> bool,
    mut spell: Spell<'a>,
) -> Spell<'a> {
    let mut counts: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for (path, facts) in matched {
        let mut here = false;
        for slice in facts.every_slice().filter(|slice| slice.latest.is_some() && belongs(&slice.window)) {
            here = true;
            let kept: Vec<&Sample> = slice.earliest.iter().filter(|sample| inside(&spell, sample)).collect();
            spell.earliest.extend(kept.into_iter().map(|sample| (*path, sample)));
            let latest = slice.latest.as_ref().filter(|sample| inside(&spell, sample)).map(|it| (*path, it));
            spell.latest = [spell.latest, latest].into_iter().flatten().max_by_key(newest);
            count_keys(slice, &mut counts);
        }
        spell.sources.extend(here.then_some(*path));
    }
    spell.sources.dedup();
    spell.latest = spell.latest.or_else(|| spell.earliest.iter().copied().max_by_key(newest));
    spell.keys = counts.into_iter().map(|(name, values)| (name.to_owned(), most_first(values))).collect();
    spell
}

/// A slice at the edge of a spell may hold entries of what lies beside it.
fn inside(spell: &Spell<'_>, sample: &Sample) -> bool {
    let Spell { window, scattered, .. } = spell;
    *scattered || sample.time.is_none() || (window.from <= sample.time && sample.time <= window.to)
}

/// The newest sample; of equals, that of the last path.
fn newest<'a>((path, sample): &(&'a str, &'a Sample)) -> (Option<Timestamp>, &'a str, crate::model::Place) {
    (sample.time, path, sample.place)
}

fn count_keys<'a>(slice: &'a Slice, counts: &mut BTreeMap<&'a str, BTreeMap<&'a str, u64>>) {
    for (name, values) in &slice.keys {
        for (value, count) in values.values() {
            *counts.entry(name).or_default().entry(value).or_default() += count;
        }
    }
}

fn most_first(values: BTreeMap<&str, u64>) -> Vec<String> {
    let mut values: Vec<(&str, u64)> = values.into_iter().collect();
    values.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
    values.into_iter().take(KEY_VALUES).map(|(value, _)| value.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use super::*;
    use crate::{
        check::facts::{LogFacts, Seen},
        model::{Entry, Level, Place, Turn, Values},
    };

    const GAP: i64 = 300 * SECOND;

    /// Entries at these seconds, each with its second's hundred as a key, in evidence of `span` seconds.
    fn told(span: i64, seconds: &[i64]) -> Vec<String> {
        let mut facts = LogFacts::default();
        for (at, second) in seconds.iter().enumerate() {
            let entry = Entry {
                place: Place::at_byte(at as u64),
                time: (*second >= 0).then(|| Timestamp(second * SECOND)),
                level: Level::Error,
                message: Some("m".into()),
                error: None,
                fields: 0..0,
            };
            let values = Values::default();
            let key = ("stream".to_owned(), Cow::Owned((second / 1000).to_string()));
            facts.observe(Seen {
                entry: &entry,
                values: &values,
                hits: vec![("p", vec![key])],
                tells: None,
                timed_out: false,
                turn: Turn::Inside,
                written: None,
                shape: None,
            });
        }
        let evidence = Window { from: Some(Timestamp(0)), to: Some(Timestamp(span * SECOND)) };
        let matched: Vec<_> = facts.patterns["p"].parts().map(|(_, _, facts)| ("a.log", facts)).collect();
        let second = |time: Option<Timestamp>| time.map_or(-1, |time| time.0 / SECOND);
        spells(&matched, &evidence, GAP)
            .iter()
            .map(|spell| {
                let hum = if spell.scattered { "hum " } else { "" };
                let (from, to) = (second(spell.window.from), second(spell.window.to));
                format!("{hum}{from}-{to} {} {}", spell.count, spell.keys["stream"].join(","))
            })
            .collect()
    }

    #[test]
    fn spells_are_told_apart_by_the_quiet_between_them() {
        assert_eq!(told(9_000, &[100, 200, 350]), ["100-350 3 0"]);
        assert_eq!(told(9_000, &[100, 200, 1_000, 1_001]), ["100-200 2 0", "1000-1001 2 1"]);
        assert_eq!(told(9_000, &[-1, 100, 200, 8_000]), ["100-200 3 0", "8000-8000 1 8"]);
        assert_eq!(told(9_000, &[-1, -2]), ["-1--1 2 0"]);
    }

    #[test]
    fn a_burst_stands_out_of_a_hum() {
        let hum: Vec<i64> = (0..86_400).step_by(1_200).collect();
        assert_eq!(told(86_400, &hum).len(), 1);
        assert!(told(86_400, &hum)[0].starts_with("hum 0-85200 72 "));
        let mut burst = hum.clone();
        burst.extend((0..300).map(|at| 50_000 + at));
        let spells = told(86_400, &burst);
        assert_eq!(spells.len(), 2, "{spells:?}");
        // The hum's next entry falls into the same bin.
        assert!(spells[0].starts_with("50000-50400 301 50"), "{spells:?}");
        assert!(spells[1].starts_with("hum 0-85200 71 "), "{spells:?}");
    }

    #[test]
    fn what_lasts_as_long_as_short_evidence_is_no_hum() {
        let seconds: Vec<i64> = (0..600).step_by(10).collect();
        assert_eq!(told(600, &seconds), ["0-590 60 0"]);
    }
}
