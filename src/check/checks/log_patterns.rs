//! What the patterns matched, summed over the evidence, and the findings that are loud enough.
//!
//! Every matching entry counts; a finding is raised by those at the pattern's level or above, and by those without a
//! level. "Projection lag monitor started" counts as projection lag, and is no incident.

use std::collections::BTreeMap;

use crate::check::{
    Check, Evidence, Judgement, Meta, Outcome, Ran,
    facts::{LevelFacts, Sample},
    store_findings,
};
use crate::model::{Finding, Keys, Pattern, Window, finding, report::PatternSeen};

#[derive(Debug)]
pub(crate) struct LogPatterns;

/// Entries cited of each pattern.
const CITED: usize = 5;
/// Values listed of each key.
const KEY_VALUES: usize = 20;
/// Longest excerpt of a cited entry, in characters.
const EXCERPT: usize = 240;

impl Check for LogPatterns {
    fn meta(&self) -> Meta {
        Meta { id: "log-patterns", about: "log entries that a pattern of the packs matches" }
    }

    fn conclude(&self, evidence: &Evidence, judgement: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let entries: u64 = evidence.logs.values().map(super::super::facts::LogFacts::entries).sum();
        if entries == 0 {
            return Ran::CouldNot("no log entries were supplied".to_owned());
        }
        for pattern in judgement.patterns {
            let matched: Vec<(&str, crate::model::Level, &LevelFacts)> = evidence
                .logs
                .iter()
                .filter_map(|(path, log)| log.patterns.get(&pattern.id).map(|facts| (path.as_str(), facts)))
                .flat_map(|(path, facts)| {
                    facts.by_level.iter().map(move |(level, facts)| (path, *level, facts))
                })
                .collect();
            if matched.is_empty() {
                continue;
            }
            let loud: Vec<_> =
                matched.iter().filter(|(_, level, _)| level.raises(pattern.raises_at)).copied().collect();
            out.patterns.push(seen(pattern, &matched, &loud));
            if !loud.is_empty() {
                out.findings.push(finding(pattern, &loud));
            }
        }
        // The source chapter's order: severity, then occurrences.
        out.patterns.sort_by(|a, b| {
            b.severity.cmp(&a.severity).then(b.occurrences.cmp(&a.occurrences)).then(a.id.cmp(&b.id))
        });
        Ran::Over(format!("{entries} entries, {} patterns", judgement.patterns.len()))
    }
}

type Matched<'a> = (&'a str, crate::model::Level, &'a LevelFacts);

fn count(matched: &[Matched<'_>]) -> u64 {
    matched.iter().map(|(_, _, facts)| facts.count).sum()
}

fn window(matched: &[Matched<'_>]) -> Window {
    let mut window = Window::default();
    for (_, _, facts) in matched {
        window.join(&facts.window);
    }
    window
}

fn seen(pattern: &Pattern, matched: &[Matched<'_>], loud: &[Matched<'_>]) -> PatternSeen {
    let mut by_level = BTreeMap::new();
    for (_, level, facts) in matched {
        *by_level.entry(level.name().to_owned()).or_default() += facts.count;
    }
    let window = window(matched);
    PatternSeen {
        id: pattern.id.clone(),
        title: pattern.title.clone(),
        severity: pattern.severity,
        category: pattern.category.clone(),
        occurrences: count(matched),
        raised: count(loud),
        by_level,
        first_seen: window.from,
        last_seen: window.to,
        latest_message: latest(matched).map(|sample| sample.message.clone()).unwrap_or_default(),
        action: pattern.action.clone(),
        evidence: cited(if loud.is_empty() { matched } else { loud }),
        state: "known".to_owned(),
    }
}

fn finding(pattern: &Pattern, loud: &[Matched<'_>]) -> Finding {
    let mut sources: Vec<&str> = loud.iter().map(|(path, ..)| *path).collect();
    sources.dedup();
    let latest = latest(loud).map(|sample| sample.message.as_str()).unwrap_or_default();
    Finding {
        id: store_findings::id(&["log-patterns", &pattern.id]),
        check: "log-patterns".to_owned(),
        kind: pattern.id.clone(),
        severity: pattern.severity,
        title: pattern.title.clone(),
        detail: format!(
            "{} entries in {} {}; latest: {}",
            count(loud),
            sources.len(),
            if sources.len() == 1 { "source" } else { "sources" },
            first_line(latest)
        ),
        count: count(loud),
        window: window(loud),
        keys: keys(loud),
        evidence: cited(loud),
        incident: None,
        state: "new".to_owned(),
        cause: pattern.kind.clone(),
        action: pattern.action.clone(),
    }
}

/// The newest sample; of equals, that of the last path.
fn latest<'a>(matched: &[Matched<'a>]) -> Option<&'a Sample> {
    let samples =
        matched.iter().filter_map(|(path, _, facts)| facts.latest.as_ref().map(|sample| (sample, *path)));
    samples.max_by_key(|(sample, path)| (sample.time, *path, sample.place)).map(|(sample, _)| sample)
}

/// The earliest entries, over all sources.
fn cited(matched: &[Matched<'_>]) -> Vec<finding::Evidence> {
    let samples = matched
        .iter()
        .flat_map(|(path, _, facts)| facts.samples.items.iter().map(move |sample| (*path, sample)))
        .collect();
    places(samples, CITED)
}

/// The earliest of some entries, as a report cites them.
pub(super) fn places(mut samples: Vec<(&str, &Sample)>, count: usize) -> Vec<finding::Evidence> {
    samples.sort_by_key(|(path, sample)| (sample.time.is_none(), sample.time, *path, sample.place));
    samples.truncate(count);
    samples
        .into_iter()
        .map(|(path, sample)| finding::Evidence {
            path: path.to_owned(),
            line: sample.place.line,
            byte: sample.place.byte,
            excerpt: sample.message.chars().take(EXCERPT).collect(),
        })
        .collect()
}

fn keys(matched: &[Matched<'_>]) -> Keys {
    let mut counts: BTreeMap<&str, BTreeMap<&str, u64>> = BTreeMap::new();
    for (name, values) in matched.iter().flat_map(|(_, _, facts)| &facts.keys) {
        for (value, count) in values.values() {
            *counts.entry(name).or_default().entry(value).or_default() += count;
        }
    }
    let most_first = |values: BTreeMap<&str, u64>| {
        let mut values: Vec<(&str, u64)> = values.into_iter().collect();
        values.sort_by(|a, b| b.1.cmp(&a.1).then(a.0.cmp(b.0)));
        values.into_iter().take(KEY_VALUES).map(|(value, _)| value.to_owned()).collect()
    };
    counts.into_iter().map(|(name, values)| (name.to_owned(), most_first(values))).collect()
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(EXCERPT).collect()
}
