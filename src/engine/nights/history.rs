//! What each night found, so that the next can tell what is new, what got worse and what went away.
//!
//! Everything that a report names has an id that is the same every night. What logs tell of happened at a time: it goes
//! on where this run saw more of it, and is over where the evidence went on without it. What stores and snapshots tell
//! of is a condition: it goes on as long as it is found.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::normal::{Normal, accept};
use crate::{
    decode::Kind,
    model::{
        Finding, OverTime, Severity, Timestamp, Window,
        report::{Incident, NewsState, Report, Standing, Status},
    },
};

/// Times as many as in the night before, or as few, that are no chance.
const TIMES: u64 = 2;
/// Runs after which what never came back is forgotten.
const FORGOTTEN: u64 = 400;

/// All that was ever found, by what it is and its id.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    pub(super) known: BTreeMap<(String, String), Past>,
    /// The newest time that was reported on.
    to: Option<Timestamp>,
    pub(super) runs: u64,
}

/// What was known of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Past {
    pub(super) title: String,
    severity: Severity,
    count: u64,
    to: Option<Timestamp>,
    /// What the last night that saw more of it added.
    added: u64,
    pub(super) state: NewsState,
    first_seen: Option<Timestamp>,
    nights: u64,
    last_run: u64,
    #[serde(default)]
    pub(super) kind: String,
    /// What it has in common with its like: another spell of the same pattern is nothing else to accept.
    #[serde(default)]
    pub(super) alike: String,
    /// What the last night added that saw more of it and its like.
    #[serde(default)]
    pub(super) nightly: u64,
    /// The newest time of the evidence when it was not over.
    #[serde(default)]
    pub(super) seen_at: Option<Timestamp>,
    /// The run whose report had it last.
    #[serde(default)]
    pub(super) reported: u64,
}

/// What one report says of one thing.
struct Now<'r> {
    what: &'static str,
    id: &'r str,
    kind: &'r str,
    alike: &'r str,
    title: &'r str,
    severity: Severity,
    count: u64,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    lasts: Lasts,
}

/// Whether something is over when no more of it is seen.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Lasts {
    Happened,
    Condition,
}

impl History {
    /// Gives everything in a report its state. A run that read nothing new says what the last one said.
    pub fn tell(&mut self, report: &mut Report, normal: &Normal) {
        let Some(mut used) = report.run.state.take() else { return };
        let previous = std::mem::replace(&mut self.runs, used.runs);
        for name in &used.missing {
            report.findings.push(missing(name));
        }
        if !used.missing.is_empty() {
            count(report);
        }
        let read_more = used.new + used.continued > 0;
        let went_on = report.window.to > self.to;
        let newest = report.window.to.max(self.to);
        let (all, mut told) = (every(report), Vec::new());
        let nightly = self.nightly(&all, previous);
        let spells = self.spells();
        for now in all {
            let key = (now.what.to_owned(), now.id.to_owned());
            let past = self.known.remove(&key);
            let past = match past {
                Some(past) if !read_more => past,
                None => came_back(
                    spells.get(&(now.what.to_owned(), now.alike.to_owned())),
                    judged(None, &now, went_on, self.runs),
                ),
                past => judged(past, &now, went_on, self.runs),
            };
            let night = nightly.get(&(now.what, now.alike)).filter(|_| read_more);
            let past = Past { nightly: night.copied().unwrap_or(past.nightly), ..past };
            told.push((key, past.at(newest, self.runs)));
        }
        accept(&mut told, normal);
        let mut seen = BTreeSet::new();
        for (key, past) in told {
            // Of what is always said, the news alone are worth a line.
            let is_always_said = ["pattern", "template"].contains(&key.0.as_str());
            if !is_always_said || past.state != NewsState::Persisting {
                used.standing.push(past.standing(&key));
            }
            seen.insert(key.clone());
            self.known.insert(key, past);
        }
        for (key, past) in self.known.iter_mut().filter(|(key, _)| read_more && !seen.contains(*key)) {
            if past.state != NewsState::Resolved {
                past.state = NewsState::Resolved;
                used.standing.push(past.standing(key));
            }
        }
        self.known.retain(|_, past| past.last_run + FORGOTTEN > self.runs);
        self.to = newest;
        used.standing.sort();
        for finding in &mut report.findings {
            let known = self.known.get(&("finding".to_owned(), finding.id.clone()));
            known.map_or("new", |past| past.state.name()).clone_into(&mut finding.state);
        }
        report.run.state = Some(used);
    }

    /// Since when, and for how many nights, what is alike was known.
    fn spells(&self) -> BTreeMap<(String, String), (Option<Timestamp>, u64)> {
        let mut spells = BTreeMap::new();
        for ((what, _), past) in self.known.iter().filter(|((_, id), past)| past.alike != *id) {
            let (first, nights) =
                spells.entry((what.clone(), past.alike.clone())).or_insert((past.first_seen, past.nights));
            *first = first.iter().chain(&past.first_seen).min().copied();
            *nights = past.nights.max(*nights);
        }
        spells
    }

    /// How many of each a night added, what is alike together: a spell that got another id adds nothing.
    fn nightly<'r>(&self, all: &[Now<'r>], previous: u64) -> BTreeMap<(&'static str, &'r str), u64> {
        let mut before: BTreeMap<(&str, &str), (u64, u64)> = BTreeMap::new();
        for ((what, _), past) in self.known.iter().filter(|(_, past)| past.reported == previous) {
            let (count, night) = before.entry((what, &past.alike)).or_default();
            (*count, *night) = (*count + past.count, past.nightly.max(*night));
        }
        let mut counts: BTreeMap<(&'static str, &'r str), (u64, Lasts)> = BTreeMap::new();
        for now in all {
            let (count, lasts) = counts.entry((now.what, now.alike)).or_insert((0, now.lasts));
            (*count, *lasts) = (*count + now.count, now.lasts);
        }
        let night = |(key, (count, lasts)): ((&'static str, &'r str), (u64, Lasts))| match before.get(&key) {
            Some((old, _)) if lasts == Lasts::Happened && count > *old => (key, count - old),
            Some((_, night)) if lasts == Lasts::Happened => (key, *night),
            _ => (key, count),
        };
        counts.into_iter().map(night).collect()
    }

    /// The newest time that was reported on.
    pub fn newest(&self) -> Option<Timestamp> {
        self.to
    }

    /// What two reports differ in: counts are of each alone.
    pub fn difference(old: &Report, new: &Report) -> Vec<Standing> {
        let key = |now: &Now<'_>| (now.what.to_owned(), now.id.to_owned());
        let mut before: BTreeMap<(String, String), Past> =
            every(old).iter().map(|now| (key(now), judged(None, now, true, 1))).collect();
        let mut standing = Vec::new();
        for now in every(new) {
            let key = key(&now);
            let now = Now { lasts: Lasts::Condition, ..now };
            standing.push(judged(before.remove(&key), &now, true, 2).standing(&key));
        }
        standing.extend(before.into_iter().map(|(key, past)| {
            let past = Past { state: NewsState::Resolved, ..past };
            past.standing(&key)
        }));
        standing
    }
}

/// A log that was there in an earlier run, and of which no file is there now.
fn missing(name: &str) -> Finding {
    let title = format!("{name} was there before, and no file of it is there now");
    let detail = "What was read of it still counts; what it wrote since is not in this report".to_owned();
    let action =
        "Find out whether it is still written and collected; `coroner state prune` forgets it in time";
    let finding = noted("missing-source", name, Severity::Warning, title, detail);
    Finding { action: action.to_owned(), ..finding }
}

/// A finding about the runs themselves.
pub fn noted(kind: &str, about: &str, severity: Severity, title: String, detail: String) -> Finding {
    let hash = blake3::hash(format!("state\0{kind}\0{about}").as_bytes()).to_hex();
    Finding {
        id: format!("fnd-{}", &hash[..10]),
        check: "state".to_owned(),
        kind: kind.to_owned(),
        category: String::new(),
        severity,
        title,
        detail,
        count: 1,
        window: Window::default(),
        keys: BTreeMap::new(),
        evidence: Vec::new(),
        over_time: OverTime::default(),
        incident: None,
        state: NewsState::New.name().to_owned(),
        scattered: false,
        cause: None,
        action: String::new(),
    }
}

/// Puts findings in order, and the verdict right.
fn count(report: &mut Report) {
    report
        .findings
        .sort_by(|a, b| b.severity.cmp(&a.severity).then(b.count.cmp(&a.count)).then(a.id.cmp(&b.id)));
    let verdict = &mut report.verdict;
    verdict.findings = report.findings.len();
    verdict.worst_severity = report.findings.iter().map(|finding| finding.severity).max();
    if verdict.status == Status::Clean {
        verdict.status = Status::Findings;
    }
}

impl Past {
    /// As a run reports it whose evidence ends at this time.
    fn at(self, newest: Option<Timestamp>, run: u64) -> Past {
        let seen_at = if self.state == NewsState::Resolved { self.seen_at } else { newest };
        Past { seen_at, reported: run, ..self }
    }

    fn standing(&self, (what, id): &(String, String)) -> Standing {
        Standing {
            what: what.clone(),
            id: id.clone(),
            state: self.state,
            title: self.title.clone(),
            first_seen: self.first_seen,
            nights: self.nights,
        }
    }
}

/// What something is against what was known of it.
fn judged(past: Option<Past>, now: &Now<'_>, went_on: bool, run: u64) -> Past {
    let fresh = Past {
        title: now.title.to_owned(),
        severity: now.severity,
        count: now.count,
        to: now.to,
        added: now.count,
        state: NewsState::New,
        first_seen: now.from,
        nights: 1,
        last_run: run,
        kind: now.kind.to_owned(),
        alike: now.alike.to_owned(),
        nightly: now.count,
        seen_at: None,
        reported: run,
    };
    let Some(past) = past else { return fresh };
    let more = now.lasts == Lasts::Condition || now.count > past.count || now.to > past.to;
    let known = Past {
        first_seen: past.first_seen.or(now.from),
        nights: past.nights,
        seen_at: past.seen_at,
        ..fresh
    };
    if !more {
        let state = if went_on { NewsState::Resolved } else { past.state };
        return Past { state, added: past.added, last_run: past.last_run, ..known };
    }
    let (added, before) = match now.lasts {
        Lasts::Happened => (now.count.saturating_sub(past.count), past.added),
        Lasts::Condition => (now.count, past.count),
    };
    let state = match () {
        () if past.state == NewsState::Resolved => NewsState::Recurring,
        () if now.severity > past.severity || added > TIMES * before => NewsState::Worse,
        () if now.severity < past.severity || added * TIMES < before => NewsState::Improved,
        () => NewsState::Persisting,
    };
    Past { state, added, nights: past.nights + 1, ..known }
}

/// Another spell of what was known is back, and not new.
fn came_back(spells: Option<&(Option<Timestamp>, u64)>, fresh: Past) -> Past {
    match spells {
        Some((first, nights)) => Past {
            state: NewsState::Recurring,
            first_seen: first.or(fresh.first_seen),
            nights: nights + 1,
            ..fresh
        },
        None => fresh,
    }
}

/// Everything that a report names, with its figures.
fn every(report: &Report) -> Vec<Now<'_>> {
    let logs: BTreeSet<&str> = report
        .ledger
        .evidence
        .iter()
        .filter(|row| row.kind == Kind::Log.name())
        .map(|row| row.path.as_str())
        .collect();
    let lasts = |finding: &Finding| {
        let in_logs = finding.evidence.iter().any(|place| logs.contains(place.path.as_str()));
        if in_logs { Lasts::Happened } else { Lasts::Condition }
    };
    let mut all: Vec<Now<'_>> = Vec::new();
    for finding in &report.findings {
        all.push(Now {
            what: "finding",
            id: &finding.id,
            kind: &finding.kind,
            alike: alike(finding).unwrap_or(&finding.id),
            title: &finding.title,
            severity: finding.severity,
            count: finding.count,
            from: finding.window.from,
            to: finding.window.to,
            lasts: lasts(finding),
        });
    }
    all.extend(report.incidents.iter().map(|incident| of_incident(incident, report, &lasts)));
    for seen in &report.patterns {
        all.push(Now {
            what: "pattern",
            id: &seen.id,
            kind: &seen.id,
            alike: &seen.id,
            title: &seen.title,
            severity: seen.severity,
            count: seen.occurrences,
            from: seen.first_seen,
            to: seen.last_seen,
            lasts: Lasts::Happened,
        });
    }
    for seen in &report.templates {
        all.push(Now {
            what: "template",
            id: &seen.id,
            kind: &seen.id,
            alike: &seen.id,
            title: &seen.template,
            severity: Severity::Info,
            count: seen.occurrences,
            from: seen.first_seen,
            to: seen.last_seen,
            lasts: Lasts::Happened,
        });
    }
    all
}

/// The spells of a pattern come and go, each with an id of its own; what they tell of is the pattern.
fn alike(finding: &Finding) -> Option<&str> {
    (finding.check == "log-patterns").then_some(finding.kind.as_str())
}

/// An incident goes on as long as one of its findings does.
fn of_incident<'r>(incident: &'r Incident, report: &'r Report, lasts: &dyn Fn(&Finding) -> Lasts) -> Now<'r> {
    let own: Vec<&Finding> =
        report.findings.iter().filter(|finding| incident.findings.contains(&finding.id)).collect();
    let root = report.findings.iter().find(|finding| finding.id == incident.root_cause.finding);
    let is_condition = own.iter().any(|finding| lasts(finding) == Lasts::Condition);
    Now {
        what: "incident",
        id: &incident.id,
        kind: &incident.root_cause.kind,
        alike: root.and_then(|root| alike(root)).unwrap_or(&incident.id),
        title: &incident.title,
        severity: incident.severity,
        count: own.iter().map(|finding| finding.count).sum(),
        from: incident.window.from,
        to: own.iter().filter_map(|finding| finding.window.to).max().or(incident.window.to),
        lasts: if is_condition { Lasts::Condition } else { Lasts::Happened },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::report::{EvidenceRow, PatternSeen, StateUsed};

    fn night(run: u64, hour: i64, new: u64, count: u64) -> Report {
        let mut report = Report::default();
        report.window.to = Some(Timestamp(hour * 3_600_000_000));
        report.run.state = Some(StateUsed { runs: run, new, ..StateUsed::default() });
        report.ledger.evidence.push(EvidenceRow { path: "a.log".to_owned(), ..EvidenceRow::default() });
        if count > 0 {
            report.patterns.push(PatternSeen {
                id: "p".to_owned(),
                title: "it".to_owned(),
                severity: Severity::Warning,
                category: String::new(),
                occurrences: count,
                raised: 0,
                by_level: BTreeMap::new(),
                first_seen: Some(Timestamp(1)),
                last_seen: None,
                latest_message: String::new(),
                action: String::new(),
                evidence: Vec::new(),
                over_time: OverTime::default(),
                state: String::new(),
            });
        }
        report
    }

    /// Each night another burst of the same pattern, with an id of its own.
    #[test]
    fn another_spell_of_a_pattern_is_back_and_not_new() {
        let mut history = History::default();
        for (run, state) in [(1, NewsState::New), (2, NewsState::Recurring), (3, NewsState::Recurring)] {
            let mut report = night(run, run as i64, 1, 0);
            let spell = noted("p", &run.to_string(), Severity::Error, "it".to_owned(), String::new());
            let window = Window { from: Some(Timestamp(run as i64)), to: Some(Timestamp(run as i64)) };
            report.findings.push(Finding { check: "log-patterns".to_owned(), window, ..spell });
            history.tell(&mut report, &Normal::new());
            assert_eq!(report.findings[0].state, state.name(), "night {run}");
            let standing = report.run.state.expect("a state").standing;
            let now = standing.iter().find(|standing| standing.state == state).expect("what is found");
            assert_eq!((now.nights, now.first_seen), (run, Some(Timestamp(1))), "night {run}");
        }
    }

    #[test]
    fn tells_what_each_night_brought() {
        use NewsState::{Improved, New, Recurring, Resolved, Worse};
        let mut history = History::default();
        // How often it was seen in all that is kept, whether something new was read, and what it comes to.
        let nights = [
            (0, 1, None),
            (10, 1, Some((New, 1))),
            (22, 1, None),
            (22, 0, None),
            (80, 1, Some((Worse, 3))),
            (90, 1, Some((Improved, 4))),
            (90, 1, Some((Resolved, 4))),
            (95, 1, Some((Recurring, 5))),
            (0, 1, Some((Resolved, 5))),
            (0, 1, None),
        ];
        for (at, (count, new, expected)) in nights.into_iter().enumerate() {
            let run = at as u64 + 1;
            let mut report = night(run, at as i64, new, count);
            history.tell(&mut report, &Normal::new());
            let standing = report.run.state.expect("a state").standing;
            let got = standing.first().map(|standing| (standing.state, standing.nights));
            assert_eq!(got, expected, "night {run}");
            assert!(standing.iter().all(|standing| standing.first_seen == Some(Timestamp(1))), "night {run}");
        }
    }
}
