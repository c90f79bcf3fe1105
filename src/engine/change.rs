//! What changed since a baseline: templates and patterns that are new, rising, falling or gone, and who is suspected.

use std::collections::BTreeMap;

use crate::{
    check::facts::LogFacts,
    fold::{segments, stats},
    model::{
        Level, OverTime, Pattern, TemplateSeen, Timestamp,
        report::{PatternSeen, Suspect, UnlistedTemplates},
    },
};

use super::{
    baseline::{Baseline, Known},
    unknown::{self, Mined},
};

/// Templates listed, the loudest and most frequent; all are counted.
const LISTED: usize = 500;
/// Share of false discoveries among what is called rising or falling.
const FALSE: f64 = 0.01;
/// And how much the rate must differ: with many entries any difference is significant.
const RATIO: f64 = 2.0;
/// Occurrences of a new message that is no error; an error needs one.
const NEW: u64 = 3;
/// Occurrences that would be expected of what is called gone.
const GONE: f64 = 10.0;

/// What changed.
pub(super) struct Changed {
    pub(super) templates: Vec<TemplateSeen>,
    pub(super) unlisted: UnlistedTemplates,
    pub(super) suspects: Vec<Suspect>,
}

/// Compares with a baseline, and marks the patterns.
pub(super) fn since(
    baseline: Baseline,
    logs: &BTreeMap<String, LogFacts>,
    packs: &[Pattern],
    patterns: &mut Vec<PatternSeen>,
) -> Changed {
    let known = baseline.known();
    let none = BTreeMap::new();
    let mut mined = unknown::mine(logs, known.as_ref().map_or(&none, |known| &known.logs));
    let entries: u64 = logs.values().map(LogFacts::entries).sum();
    let mut templates: Vec<TemplateSeen> = Vec::new();
    mined.sort_by_key(|mined| std::cmp::Reverse(mined.template.level));
    if let Some(known) = &known {
        for mined in &mut mined {
            mined.before += known.templates.get(&mined.template.id).copied().unwrap_or(0);
        }
        mark_patterns(known, entries, packs, patterns);
        templates = marked(&mined, known, entries);
    } else {
        let window = Bounds::of(logs);
        templates.extend(mined.iter().map(|mined| in_itself(mined, window.as_ref())));
    }
    let suspects = known.as_ref().map_or_else(Vec::new, |known| known.suspects(logs));
    // What changed is listed before what is always there.
    let (mut listed, quiet): (Vec<_>, Vec<_>) = templates.into_iter().partition(|seen| seen.state != "known");
    listed.extend(quiet);
    let beyond = listed.split_off(listed.len().min(LISTED));
    let unlisted = UnlistedTemplates {
        templates: beyond.len() as u64,
        occurrences: beyond.iter().map(|seen| seen.occurrences).sum(),
        masked_harder: logs.values().filter(|log| log.templates.hardness > 0).count() as u64,
    };
    Changed { templates: listed, unlisted, suspects }
}

/// The bins that all logs are laid over.
struct Bounds {
    width: u32,
    from: i64,
    to: i64,
}

impl Bounds {
    fn of(logs: &BTreeMap<String, LogFacts>) -> Option<Bounds> {
        let from = logs.values().filter_map(|log| log.window.from).min()?.0;
        let to = logs.values().filter_map(|log| log.window.to).max()?.0;
        let finest =
            logs.values().flat_map(|log| log.templates.shapes()).map(|(.., facts)| facts.bins.width());
        let mut width = finest.max().unwrap_or(0);
        while (to >> width) - (from >> width) >= BINS {
            width += 1;
        }
        Some(Bounds { width, from: from >> width, to: to >> width })
    }

    fn time(&self, bin: usize) -> Timestamp {
        Timestamp((self.from + bin as i64) << self.width)
    }
}

/// Bins that the evidence is cut into.
const BINS: i64 = 256;
/// Occurrences below which no course is seen.
const COURSE: u64 = 10;

/// A burst has at least this part of the evidence before it, as one in so many.
const QUIET: usize = 10;
/// And what is new a larger one: systems start, and say so once.
const LATE: usize = 4;

/// Without a baseline: a message against its own quiet part.
fn in_itself(mined: &Mined<'_>, bounds: Option<&Bounds>) -> TemplateSeen {
    let mut seen = unknown::seen(mined);
    let Some(bounds) = bounds.filter(|_| mined.now >= COURSE) else { return seen };
    let mut counts = vec![0_u64; (bounds.to - bounds.from + 1) as usize];
    for (_, facts) in &mined.parts {
        for (sum, count) in counts.iter_mut().zip(facts.bins.counts(bounds.width, bounds.from, bounds.to)) {
            *sum += count;
        }
    }
    let segments = segments::segments(&counts);
    // What begins with the evidence has no quiet part before it to be compared with.
    let after_quiet = |burst: &&segments::Burst| burst.segment.from * QUIET >= counts.len();
    if let Some(burst) = segments::bursts(&segments).iter().find(after_quiet) {
        let begins = bounds.time(burst.segment.from);
        seen.onset = Some(seen.first_seen.map_or(begins, |first| begins.max(first)));
        let came = segments
            .iter()
            .take_while(|segment| segment.to <= burst.segment.from)
            .any(|segment| segment.sum > 0);
        let late = burst.segment.from * LATE >= counts.len();
        seen.state = if late && !came { "new" } else { "rising" }.to_owned();
        let bin = (1_u64 << bounds.width) as f64 / 1e6;
        seen.why = format!(
            "{} times in {:.0} s, {:.1} would be usual in this evidence",
            burst.segment.sum,
            bin * (burst.segment.to - burst.segment.from) as f64,
            burst.usual * (burst.segment.to - burst.segment.from) as f64
        );
        return seen;
    }
    // The last seconds of a log are no trend, and what a system says when it starts was never usual.
    let lasts = |last: &segments::Segment| {
        (last.to - last.from) * QUIET >= counts.len() && last.from * LATE >= counts.len()
    };
    if let Some((last, before)) = segments.split_last().filter(|(last, _)| lasts(last)) {
        let expected = segments::usual(before) * (last.to - last.from) as f64;
        if last.sum == 0 && expected >= GONE {
            seen.state = "gone".to_owned();
            seen.why =
                format!("not once since {}, {expected:.0} would be usual", bounds.time(last.from).clock());
        } else if last.sum as f64 * RATIO <= expected && expected >= GONE {
            seen.state = "falling".to_owned();
            seen.why = format!(
                "{} times since {}, {expected:.0} would be usual",
                last.sum,
                bounds.time(last.from).clock()
            );
        }
    }
    seen
}

/// One message's counts.
struct Counts {
    now: u64,
    before: u64,
    /// Whether one occurrence is news.
    loud: bool,
}

/// The states of messages, with the figures that say so.
fn states(counts: &[Counts], entries: u64, known: u64) -> Vec<(&'static str, String)> {
    let (seen, known) = (entries as f64, known as f64);
    let p: Vec<f64> = counts
        .iter()
        .map(|Counts { now, before, .. }| {
            let more = stats::more_than_before(*now, seen, *before, known);
            let fewer = stats::fewer_than_before(*now, seen, *before, known);
            (2.0 * more.min(fewer)).min(1.0)
        })
        .collect();
    let q = stats::false_discovery(&p);
    counts.iter().zip(q).map(|(counts, q)| state(counts, q, seen, known)).collect()
}

fn state(counts: &Counts, q: f64, seen: f64, known: f64) -> (&'static str, String) {
    let Counts { now, before, loud } = *counts;
    let expected = before as f64 * seen / known;
    let ratio = now as f64 / expected;
    let figures = || format!("{now} times where {expected:.1} would be expected of the baseline (q {q:.1e})");
    if before == 0 && now > 0 {
        return if loud || now >= NEW {
            ("new", format!("{now} times, never in the {known} entries of the baseline"))
        } else {
            ("known", String::new())
        };
    }
    if now == 0 {
        return if expected >= GONE { ("gone", figures()) } else { ("known", String::new()) };
    }
    match () {
        () if q <= FALSE && ratio >= RATIO => ("rising", figures()),
        () if q <= FALSE && ratio <= 1.0 / RATIO => ("falling", figures()),
        () => ("known", String::new()),
    }
}

/// Templates with their states, those that are gone among them.
fn marked(mined: &[Mined<'_>], known: &Known, entries: u64) -> Vec<TemplateSeen> {
    let mut counts: Vec<Counts> = mined
        .iter()
        .map(|mined| Counts {
            now: mined.now,
            before: mined.before,
            loud: mined.template.level >= Level::Error,
        })
        .collect();
    // What a report listed and nobody said now.
    let absent = || {
        let is_here = |seen: &&TemplateSeen| mined.iter().any(|mined| mined.template.id == seen.id);
        known.listed.iter().filter(move |seen| !is_here(seen))
    };
    counts.extend(absent().map(|seen| Counts { now: 0, before: seen.occurrences, loud: false }));
    let gone = absent().map(|seen| TemplateSeen { occurrences: 0, onset: None, ..seen.clone() });
    let all = mined.iter().map(unknown::seen).chain(gone);
    let states = states(&counts, entries, known.entries);
    let marked =
        all.zip(states).map(|(seen, (state, why))| TemplateSeen { state: state.to_owned(), why, ..seen });
    marked.filter(|seen| seen.occurrences > 0 || seen.state == "gone").collect()
}

/// Marks patterns, and adds those that are gone.
fn mark_patterns(known: &Known, entries: u64, packs: &[Pattern], patterns: &mut Vec<PatternSeen>) {
    let absent = packs.iter().filter(|pattern| {
        known.patterns.contains_key(&pattern.id) && !patterns.iter().any(|seen| seen.id == pattern.id)
    });
    let absent: Vec<PatternSeen> = absent.map(not_seen).collect();
    patterns.extend(absent);
    let counts: Vec<Counts> = patterns
        .iter()
        .map(|seen| Counts {
            now: seen.occurrences,
            before: known.patterns.get(&seen.id).copied().unwrap_or(0),
            loud: seen.raised > 0,
        })
        .collect();
    for (seen, (state, _)) in patterns.iter_mut().zip(states(&counts, entries, known.entries)) {
        state.clone_into(&mut seen.state);
    }
    patterns.retain(|seen| seen.occurrences > 0 || seen.state == "gone");
}

fn not_seen(pattern: &Pattern) -> PatternSeen {
    PatternSeen {
        id: pattern.id.clone(),
        title: pattern.title.clone(),
        severity: pattern.severity,
        category: pattern.category.clone(),
        occurrences: 0,
        raised: 0,
        by_level: BTreeMap::new(),
        first_seen: None,
        last_seen: None,
        latest_message: String::new(),
        action: pattern.action.clone(),
        evidence: Vec::new(),
        over_time: OverTime::default(),
        state: "known".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Entry, Place};

    /// Whether a message comes in a second.
    type Comes<'a> = &'a dyn Fn(i64) -> bool;

    #[test]
    fn a_message_is_compared_with_its_own_quiet_part() {
        let steady = |at: i64| at % 2 == 0;
        let courses: [(Comes<'_>, u64, &str); 5] = [
            (&steady, 1, "known"),
            (&|at| steady(at) || (100..110).contains(&at), 9, "rising"),
            (&|at| (150..160).contains(&at), 2, "new"),
            (&|at| at < 120, 1, "gone"),
            (&|at| at < 10, 9, "known"),
        ];
        for (comes, times, expected) in courses {
            let mut log = LogFacts::default();
            for at in 0..200 {
                let time = Timestamp(at << 20);
                log.window.add(time);
                let times = if steady(at) && at >= 10 { 1 } else { times };
                for _ in 0..if comes(at) { times } else { 0 } {
                    let entry = Entry {
                        place: Place::default(),
                        time: Some(time),
                        level: Level::Info,
                        message: Some("it came".into()),
                        error: None,
                        fields: 0..0,
                    };
                    log.templates.observe(&entry, "it came");
                }
            }
            let logs = BTreeMap::from([("a.log".to_owned(), log)]);
            let changed = since(Baseline::None, &logs, &[], &mut Vec::new());
            let seen = &changed.templates[0];
            assert_eq!(seen.state, expected, "{seen:?}");
            assert_eq!(seen.onset.is_some(), matches!(expected, "rising" | "new"), "{seen:?}");
        }
    }

    #[test]
    fn counts_are_judged_by_how_much_was_read() {
        let of = |now, before, loud| Counts { now, before, loud };
        let counts = [
            of(1, 0, true),
            of(2, 0, false),
            of(3, 0, false),
            of(100, 100, false),
            of(300, 100, false),
            of(15, 100, false),
            of(0, 100, false),
            of(0, 5, false),
            of(3, 1, false),
        ];
        let states: Vec<&str> = states(&counts, 10_000, 10_000).into_iter().map(|(state, _)| state).collect();
        let expected = ["new", "known", "new", "known", "rising", "falling", "gone", "known", "known"];
        assert_eq!(states, expected);
    }
}
