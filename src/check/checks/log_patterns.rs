//! What the patterns matched, summed over the evidence, and the findings that are loud enough.
//!
//! Every matching entry counts; a finding is raised by those at the pattern's level or above, and by those without a
//! level. "Projection lag monitor started" counts as projection lag, and is no incident.

use std::collections::{BTreeMap, BTreeSet};

use crate::check::{
    Check, Evidence, Judgement, Meta, Outcome, Ran, charts,
    facts::{LevelFacts, Sample, Slice},
    findings,
    spells::{Spell, spells},
    store_findings, systems,
};
use crate::model::{Finding, Keys, Level, OverTime, Pattern, Window, report::PatternSeen};

#[derive(Debug)]
pub(crate) struct LogPatterns;

/// Entries cited of each pattern.
const CITED: usize = 5;
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
        let gap = judgement.settings.incident_gap;
        let mut written = Window::default();
        evidence.logs.values().for_each(|log| written.join(&log.window));
        for pattern in judgement.patterns {
            let matched: Vec<Matched<'_>> = evidence
                .logs
                .iter()
                .filter_map(|(path, log)| log.patterns.get(&pattern.id).map(|facts| (path.as_str(), facts)))
                .flat_map(|(path, facts)| {
                    facts.parts().map(move |(level, database, facts)| Matched {
                        path,
                        level,
                        database,
                        facts,
                    })
                })
                .collect();
            if matched.is_empty() {
                continue;
            }
            let loud: Vec<_> =
                matched.iter().filter(|it| it.level.raises(pattern.raises_at)).copied().collect();
            out.patterns.push(seen(pattern, &matched, &loud));
            out.findings.extend(of_pattern(pattern, &loud, evidence, &written, gap));
        }
        // The source chapter's order: severity, then occurrences.
        out.patterns.sort_by(|a, b| {
            b.severity.cmp(&a.severity).then(b.occurrences.cmp(&a.occurrences)).then(a.id.cmp(&b.id))
        });
        Ran::Over(format!("{entries} entries, {} patterns", judgement.patterns.len()))
    }
}

/// What a pattern matched in one source, at one level, of one database.
#[derive(Clone, Copy)]
struct Matched<'a> {
    path: &'a str,
    level: Level,
    database: Option<&'a str>,
    facts: &'a LevelFacts,
}

fn count(matched: &[Matched<'_>]) -> u64 {
    matched.iter().map(|it| it.facts.count).sum()
}

fn window(matched: &[Matched<'_>]) -> Window {
    let mut window = Window::default();
    for it in matched {
        window.join(&it.facts.window);
    }
    window
}

fn seen(pattern: &Pattern, matched: &[Matched<'_>], loud: &[Matched<'_>]) -> PatternSeen {
    let mut by_level = BTreeMap::new();
    for it in matched {
        *by_level.entry(it.level.name().to_owned()).or_default() += it.facts.count;
    }
    let window = window(matched);
    let cited = if loud.is_empty() { matched } else { loud };
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
        latest_message: latest(matched).map(|(_, sample)| sample.message.clone()).unwrap_or_default(),
        action: pattern.action.clone(),
        evidence: findings::places(samples(cited, |slice| slice.earliest.iter().collect()), CITED),
        over_time: over_time(matched, &window),
        state: "known".to_owned(),
    }
}

fn over_time(matched: &[Matched<'_>], window: &Window) -> OverTime {
    let ticks = matched.iter().flat_map(|it| it.facts.ticks.iter());
    charts::over_time(ticks.filter_map(|tick| Some((tick.window.from?, tick.count))), window)
}

/// Entries that were kept, with their sources.
fn samples<'a>(
    matched: &[Matched<'a>],
    kept: impl Fn(&'a Slice) -> Vec<&'a Sample>,
) -> Vec<(&'a str, &'a Sample)> {
    let of = |it: &Matched<'a>| {
        let path = it.path;
        it.facts.every_slice().flat_map(&kept).map(move |sample| (path, sample)).collect::<Vec<_>>()
    };
    matched.iter().flat_map(of).collect()
}

/// The newest sample; of equals, that of the last path.
fn latest<'a>(matched: &[Matched<'a>]) -> Option<(&'a str, &'a Sample)> {
    let newest = samples(matched, |slice| slice.latest.iter().collect()).into_iter();
    newest.max_by_key(|(path, sample)| (sample.time, *path, sample.place))
}

/// A finding for each spell of each system. The largest has the pattern's own name, the same from night to night;
/// another one is told apart by its system and by when it began.
fn of_pattern(
    pattern: &Pattern,
    loud: &[Matched<'_>],
    evidence: &Evidence,
    written: &Window,
    gap: i64,
) -> Vec<Finding> {
    let mut by_system: BTreeMap<Option<&str>, Vec<(&str, &LevelFacts)>> = BTreeMap::new();
    for it in loud {
        let system = it.database.and_then(|name| evidence.systems.named(name));
        let system = system.or_else(|| systems::of_log(evidence, it.path));
        by_system.entry(system).or_default().push((it.path, it.facts));
    }
    let spells: Vec<(Option<&str>, Spell<'_>)> = by_system
        .iter()
        .flat_map(|(system, matched)| spells(matched, written, gap).into_iter().map(|spell| (*system, spell)))
        .collect();
    let order = |spell: &Spell<'_>| (!spell.scattered, spell.count, std::cmp::Reverse(spell.window.from));
    let largest = (0..spells.len()).max_by_key(|at| order(&spells[*at].1));
    let one = |(at, (system, spell)): (usize, &(Option<&str>, Spell<'_>))| {
        let began = spell.window.from.map(|from| from.to_string()).unwrap_or_default();
        let when = if spell.scattered { "scattered" } else { &began };
        let mut about = vec!["log-patterns", &pattern.id];
        if Some(at) != largest {
            about.extend(system.iter().chain([&when]));
        }
        let mut finding = finding(pattern, store_findings::id(&about), spell);
        name_service(evidence, &spell.sources, &mut finding.keys);
        finding
    };
    spells.iter().enumerate().map(one).collect()
}

/// Entries that do not say whose they are belong to the service that wrote their log.
fn name_service(evidence: &Evidence, sources: &[&str], keys: &mut Keys) {
    if ["service", "dbname"].iter().any(|key| keys.contains_key(*key)) {
        return;
    }
    let services: BTreeSet<&str> =
        sources.iter().filter_map(|path| evidence.logs.get(*path)?.service()).collect();
    if !services.is_empty() {
        keys.insert("service".to_owned(), services.into_iter().map(str::to_owned).collect());
    }
}

fn finding(pattern: &Pattern, id: String, spell: &Spell<'_>) -> Finding {
    let Spell { count, window, sources, latest, .. } = spell;
    let spread = if spell.scattered { ", spread over the evidence" } else { "" };
    Finding {
        id,
        check: "log-patterns".to_owned(),
        kind: pattern.id.clone(),
        category: pattern.category.clone(),
        severity: pattern.severity,
        title: pattern.title.clone(),
        detail: format!(
            "{count} {} in {} {}{spread}; latest: {}",
            if *count == 1 { "entry" } else { "entries" },
            sources.len(),
            if sources.len() == 1 { "source" } else { "sources" },
            first_line(latest.map(|(_, sample)| sample.message.as_str()).unwrap_or_default())
        ),
        count: *count,
        window: *window,
        keys: spell.keys.clone(),
        evidence: findings::places(spell.earliest.clone(), CITED),
        over_time: spell.over_time.clone(),
        incident: None,
        state: "new".to_owned(),
        scattered: spell.scattered,
        cause: pattern.kind.clone(),
        action: pattern.action.clone(),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().chars().take(EXCERPT).collect()
}
