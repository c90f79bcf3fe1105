//! What a report is worth, held against the truth.
//!
//! - **Root**: of the first `n` incidents of a report, where `n` happened, the share that names a root-cause kind that is
//!   right, each right kind once. With one incident that is: rank 1 is right, or it is not.
//! - **B-cubed F1** over the lines that somebody has to tell of (WARN and above, and what patterns raise below that), and
//!   over the harmless warnings beside them, each of which is a truth of its own. A line's cluster is the incident of the finding that it is evidence for: one of the kinds that the line tells, whose
//!   window holds its time, and which is not about one stream that the line does not name; of several the one that shares
//!   most names with it, then the narrowest. A line that no incident holds is a cluster of its own. Precision of a line: the share of its cluster that is of its true incident;
//!   recall: the share of its true incident that is in its cluster; F1 of the means of both.
//! - **Chain**: of the stages that left a telling line, the share that the report's incident shows in its chain. The
//!   report's incident is the one that holds most of the true one's lines.

use std::collections::BTreeMap;

use coroner::model::{
    Finding,
    report::{Incident, Report},
};

use super::{
    data::{Data, Role},
    generate::{Line, Scenario, Truth},
};

#[derive(Debug, Default)]
pub(crate) struct Score {
    pub(crate) root: f64,
    pub(crate) f1: f64,
    /// Stages shown, and stages that should be.
    pub(crate) chain: (usize, usize),
    /// Incidents of the report beyond those that happened.
    pub(crate) extra: usize,
    /// Rank, kind and title of what came first.
    pub(crate) came_first: Vec<String>,
    /// Kinds of finding of stages that no chain shows.
    pub(crate) not_shown: Vec<String>,
}

/// Times of findings are rounded by some formats.
const ROUNDING: i64 = 1_000;

pub(crate) fn score(data: &Data, scenario: &Scenario<'_>, report: &Report) -> Score {
    let happened = scenario.incidents.len();
    let findings = by_kind(report);
    let mut cells: BTreeMap<(usize, &str), u64> = BTreeMap::new();
    let mut alone: BTreeMap<usize, u64> = BTreeMap::new();
    for (number, (line, truth)) in told(scenario).enumerate() {
        // A harmless line is a truth of its own, beyond those of the incidents.
        let of = truth.stage.map_or(happened + number, |(incident, _)| incident);
        match incident_of(line, truth, &findings) {
            Some(incident) => *cells.entry((of, incident)).or_default() += 1,
            None => *alone.entry(of).or_default() += 1,
        }
    }
    let mut score = Score {
        root: root(scenario, report),
        f1: b_cubed(&cells, &alone),
        extra: report.incidents.len().saturating_sub(happened),
        ..Score::default()
    };
    for number in 0..happened {
        let holds = cells.iter().filter(|((truth, _), _)| *truth == number).max_by_key(|(_, lines)| **lines);
        let incident =
            holds.and_then(|((_, id), _)| report.incidents.iter().find(|incident| incident.id == *id));
        chain(data, scenario, number, (incident, report), &mut score);
    }
    let shown = report.incidents.iter().take(happened.max(1));
    score.came_first =
        shown.map(|incident| format!("{}: {}", incident.root_cause.kind, incident.title)).collect();
    score
}

/// Lines that somebody has to tell of.
pub(crate) fn told<'a>(scenario: &'a Scenario<'_>) -> impl Iterator<Item = (&'a Line, &'a Truth)> {
    let lines = scenario.lines.iter().filter_map(|line| line.truth.as_ref().map(|truth| (line, truth)));
    lines.filter(|(_, truth)| !truth.tells.is_empty())
}

fn by_kind(report: &Report) -> BTreeMap<&str, Vec<&Finding>> {
    let mut findings: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in report.findings.iter().filter(|finding| finding.incident.is_some()) {
        findings.entry(&finding.kind).or_default().push(finding);
    }
    findings
}

fn incident_of<'r>(
    line: &Line,
    truth: &Truth,
    findings: &BTreeMap<&str, Vec<&'r Finding>>,
) -> Option<&'r str> {
    let width = |finding: &Finding| match (finding.window.from, finding.window.to) {
        (Some(from), Some(to)) => to.0 - from.0,
        _ => i64::MAX,
    };
    let has = |finding: &Finding, (key, value): &(&str, String)| {
        finding.keys.get(*key).is_some_and(|values| values.contains(value))
    };
    let shared = |finding: &Finding| truth.names.iter().filter(|name| has(finding, name)).count();
    let other_stream = |finding: &Finding| {
        let one = finding.keys.get("stream").is_some_and(|streams| streams.len() == 1);
        one && truth.names.iter().any(|name| name.0 == "stream") && {
            !truth.names.iter().any(|name| name.0 == "stream" && has(finding, name))
        }
    };
    let of_kind = |kind: &String| {
        let candidates = findings.get(kind.as_str()).into_iter().flatten();
        let candidates = candidates.filter(|finding| holds(finding, line.at) && !other_stream(finding));
        candidates.max_by_key(|finding| (shared(finding), std::cmp::Reverse(width(finding)))).copied()
    };
    truth.tells.iter().find_map(of_kind)?.incident.as_deref()
}

fn holds(finding: &Finding, at: i64) -> bool {
    match (finding.window.from, finding.window.to) {
        (Some(from), Some(to)) => (from.0 - ROUNDING..=to.0 + ROUNDING).contains(&at),
        _ => true,
    }
}

fn root(scenario: &Scenario<'_>, report: &Report) -> f64 {
    let happened = scenario.incidents.len();
    let mut open: Vec<usize> = (0..happened).collect();
    for incident in report.incidents.iter().take(happened) {
        let kind = &incident.root_cause.kind;
        if let Some(at) =
            open.iter().position(|number| scenario.incidents[*number].chain.accept.contains(kind))
        {
            open.remove(at);
        }
    }
    (happened - open.len()) as f64 / happened.max(1) as f64
}

/// `cells`: lines by true incident and the report's; `alone`: lines that no incident holds.
pub(crate) fn b_cubed(cells: &BTreeMap<(usize, &str), u64>, alone: &BTreeMap<usize, u64>) -> f64 {
    let (mut of_truth, mut of_cluster) = (alone.clone(), BTreeMap::<&str, u64>::new());
    for ((truth, cluster), lines) in cells {
        *of_truth.entry(*truth).or_default() += lines;
        *of_cluster.entry(cluster).or_default() += lines;
    }
    let all: u64 = of_truth.values().sum();
    if all == 0 {
        return 1.0;
    }
    let (mut precision, mut recall) = (0.0, 0.0);
    for ((truth, cluster), lines) in cells {
        let lines = *lines as f64;
        precision += lines * lines / of_cluster[cluster] as f64;
        recall += lines * lines / of_truth[truth] as f64;
    }
    for (truth, lines) in alone {
        precision += *lines as f64;
        recall += *lines as f64 / of_truth[truth] as f64;
    }
    2.0 * precision * recall / (precision + recall) / all as f64
}

fn chain(
    data: &Data,
    scenario: &Scenario<'_>,
    number: usize,
    (incident, report): (Option<&Incident>, &Report),
    score: &mut Score,
) {
    let shown: Vec<&str> = incident
        .into_iter()
        .flat_map(|incident| &incident.chain)
        .filter_map(|link| report.findings.iter().find(|finding| finding.id == link.finding))
        .map(|finding| finding.kind.as_str())
        .collect();
    let happened = scenario.incidents[number].chain;
    for (index, stage) in happened.stage.iter().enumerate() {
        let tells = data.tells(happened, stage);
        let left = scenario.lines.iter().filter_map(|line| line.truth.as_ref());
        let mut left = left.filter(|truth| truth.stage == Some((number, index)));
        if tells.is_empty() || matches!(stage.role, Role::Before | Role::Aftermath) || left.next().is_none() {
            continue;
        }
        score.chain.1 += 1;
        if tells.iter().any(|kind| shown.contains(kind)) {
            score.chain.0 += 1;
        } else {
            score.not_shown.push(format!("{} ({})", stage.name, tells[0]));
        }
    }
}
