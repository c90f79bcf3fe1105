//! What is known and need not be read again every morning: rules beside the state, each with a reason, an owner and an
//! end. What a rule hides stays counted in the report, and a rule that has ended says so.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use serde::{Deserialize, Serialize};

use crate::{
    engine,
    model::{
        Finding, Severity, Timestamp,
        report::{Report, Status},
    },
};

use super::beside;

/// The file in the state's folder.
const FILE: &str = "suppressed.toml";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rules {
    #[serde(default, rename = "rule")]
    pub(super) rules: Vec<Rule>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rule {
    /// The id of a finding, or its kind: for a pattern, the pattern's id.
    pub(super) what: String,
    pub(super) reason: String,
    pub(super) owner: String,
    /// When it ends, by the time of the evidence.
    pub(super) until: Timestamp,
    /// What the finding's keys must have.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) keys: BTreeMap<String, String>,
}

impl Rules {
    pub(super) fn load(folder: &Path) -> anyhow::Result<Rules> {
        beside::load(folder, FILE)
    }

    pub(super) fn save(&self, folder: &Path) -> anyhow::Result<()> {
        beside::save(self, folder, FILE)
    }

    /// Takes out what is suppressed, and puts in its place how much that is, rule by rule.
    pub(super) fn apply(&self, report: &mut Report) {
        let now = report.window.as_of;
        let (ended, standing): (Vec<&Rule>, Vec<&Rule>) =
            self.rules.iter().partition(|rule| now.is_some_and(|now| rule.until <= now));
        let mut notes: Vec<Finding> = ended.into_iter().map(ended_note).collect();
        let mut hidden: BTreeSet<String> = BTreeSet::new();
        for rule in standing {
            let matches = |finding: &&Finding| !hidden.contains(&finding.id) && rule.matches(finding);
            let found: Vec<&Finding> = report.findings.iter().filter(matches).collect();
            if found.is_empty() {
                continue;
            }
            notes.push(hidden_note(rule, &found));
            let ids: Vec<String> = found.iter().map(|finding| finding.id.clone()).collect();
            hidden.extend(ids);
        }
        if notes.is_empty() {
            return;
        }
        report.findings.retain(|finding| !hidden.contains(&finding.id));
        // An incident is about its root: without that it is a few findings.
        report.incidents.retain(|incident| !hidden.contains(&incident.root_cause.finding));
        report.findings.extend(notes);
        recount(report);
    }
}

impl Rule {
    fn matches(&self, finding: &Finding) -> bool {
        let has = |(name, value): (&String, &String)| {
            finding.keys.get(name).is_some_and(|values| values.contains(value))
        };
        (self.what == finding.id || self.what == finding.kind) && self.keys.iter().all(has)
    }
}

fn hidden_note(rule: &Rule, found: &[&Finding]) -> Finding {
    let count = found.iter().map(|finding| finding.count).sum();
    let title = format!("{} findings of {} are suppressed until {}", found.len(), rule.what, rule.until);
    let detail = format!("{} ({})", rule.reason, rule.owner);
    let note = engine::noted("suppressed", &rule.what, Severity::Info, title, detail);
    Finding { count, ..note }
}

fn ended_note(rule: &Rule) -> Finding {
    let title = format!("the suppression of {} has ended on {}", rule.what, rule.until);
    let detail = format!("{} ({}); put it right, or add it again", rule.reason, rule.owner);
    engine::noted("suppression-ended", &rule.what, Severity::Info, title, detail)
}

/// Puts right what depends on which findings and incidents are there: ranks, chains and the verdict.
pub(super) fn recount(report: &mut Report) {
    let findings: BTreeSet<String> = report.findings.iter().map(|finding| finding.id.clone()).collect();
    let incidents: BTreeSet<String> = report.incidents.iter().map(|incident| incident.id.clone()).collect();
    for (rank, incident) in (1..).zip(&mut report.incidents) {
        incident.rank = rank;
        incident.findings.retain(|id| findings.contains(id));
        incident.chain.retain(|link| findings.contains(&link.finding));
    }
    for finding in &mut report.findings {
        finding.incident = finding.incident.take().filter(|id| incidents.contains(id));
    }
    let verdict = &mut report.verdict;
    (verdict.findings, verdict.incidents) = (findings.len(), incidents.len());
    verdict.worst_severity = report.findings.iter().map(|finding| finding.severity).max();
    if verdict.status == Status::Findings && verdict.worst_severity <= Some(Severity::Info) {
        verdict.status = Status::Clean;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let finding = |kind: &str, database: &str| {
            let note = engine::noted(kind, database, Severity::Error, kind.to_owned(), String::new());
            let keys = BTreeMap::from([("dbname".to_owned(), vec![database.to_owned()])]);
            Finding { keys, count: 7, ..note }
        };
        let mut report = Report::default();
        report.window.as_of = Some(Timestamp(1_000_000));
        report.findings =
            vec![finding("deadlock", "bank"), finding("deadlock", "test"), finding("disk", "test")];
        report.verdict.status = Status::Findings;
        report
    }

    fn rule(what: &str, database: Option<&str>, until: i64) -> Rule {
        Rule {
            what: what.to_owned(),
            reason: "known".to_owned(),
            owner: "ops".to_owned(),
            until: Timestamp(until),
            keys: database.map(|name| ("dbname".to_owned(), name.to_owned())).into_iter().collect(),
        }
    }

    #[test]
    fn what_is_hidden_is_counted() {
        let id = report().findings[2].id.clone();
        for (rules, kinds, count) in [
            (vec![rule("deadlock", Some("test"), 2_000_000)], vec!["deadlock", "disk", "suppressed"], 7),
            (vec![rule("deadlock", None, 2_000_000)], vec!["disk", "suppressed"], 14),
            (vec![rule(&id, None, 2_000_000)], vec!["deadlock", "deadlock", "suppressed"], 7),
            (
                vec![rule("disk", None, 1_000_000)],
                vec!["deadlock", "deadlock", "disk", "suppression-ended"],
                1,
            ),
            (vec![rule("else", None, 2_000_000)], vec!["deadlock", "deadlock", "disk"], 7),
        ] {
            let mut report = report();
            Rules { rules }.apply(&mut report);
            let got: Vec<&str> = report.findings.iter().map(|finding| finding.kind.as_str()).collect();
            assert_eq!(got, kinds);
            assert_eq!(report.findings.last().map(|last| last.count), Some(count), "{kinds:?}");
        }
        let mut all = report();
        Rules { rules: vec![rule("deadlock", None, 2_000_000), rule("disk", None, 2_000_000)] }
            .apply(&mut all);
        assert_eq!((all.verdict.status, all.verdict.findings), (Status::Clean, 2));
    }

    #[test]
    fn rules_come_back_as_they_were() {
        let dir = tempfile::tempdir().expect("a folder");
        assert_eq!(Rules::load(dir.path()).expect("none yet"), Rules::default());
        let rules = Rules { rules: vec![rule("a", Some("b"), 5), rule("c", None, 6)] };
        rules.save(dir.path()).expect("written");
        assert_eq!(Rules::load(dir.path()).expect("read"), rules);
    }
}
