//! From incidents to their order: named terms, whole points, all printed.

use std::collections::BTreeMap;

use crate::model::{
    Compared, Finding, Severity,
    report::{Incident, Term},
};

/// How much there is of what an incident may touch, by key: services, commands, projections, streams.
pub type Extent = BTreeMap<String, u64>;

/// The terms of a score, 100 points in all (research note A7).
const SEVERITY: f64 = 35.0;
const BLAST: f64 = 25.0;
const MAGNITUDE: f64 = 20.0;
const NOVELTY: f64 = 10.0;
const PERSISTENCE: f64 = 10.0;
/// Seconds that an incident lasts for all points of persistence.
const LONG: i64 = 3600;
/// A list of key values this long may be cut: then it counts as all that there are.
const CUT: usize = 20;
/// Scores the incidents and puts them in order: score, then severity, then onset, then id. Sets rank, score and terms.
pub fn rank(
    mut incidents: Vec<Incident>,
    findings: &[Finding],
    extent: &Extent,
    compared: Compared,
) -> Vec<Incident> {
    for incident in &mut incidents {
        let members: Vec<&Finding> =
            findings.iter().filter(|finding| incident.findings.contains(&finding.id)).collect();
        incident.score_terms = vec![
            severity(incident),
            blast(incident, extent),
            magnitude(&members),
            novelty(&members, compared),
            persistence(incident),
        ];
        incident.score = incident.score_terms.iter().map(|term| term.points).sum();
    }
    incidents.sort_by(|a, b| {
        let onset = |incident: &Incident| (incident.window.from.is_none(), incident.window.from);
        let (score, severity) = (b.score.cmp(&a.score), b.severity.cmp(&a.severity));
        score.then(severity).then(onset(a).cmp(&onset(b))).then(a.id.cmp(&b.id))
    });
    for (at, incident) in incidents.iter_mut().enumerate() {
        incident.rank = at + 1;
    }
    incidents
}

fn term(name: &str, of: f64, share: f64, why: String) -> Term {
    Term { name: name.to_owned(), points: (of * share.clamp(0.0, 1.0)).round() as i64, why }
}

fn severity(incident: &Incident) -> Term {
    let share = match incident.severity {
        Severity::Critical => 1.0,
        Severity::Error => 0.75,
        Severity::Warning => 0.5,
        Severity::Info => 0.1,
    };
    term("severity", SEVERITY, share, incident.severity.name().to_owned())
}

/// The widest reach among what is known: `ln(1 + touched) / ln(1 + all)`.
fn blast(incident: &Incident, extent: &Extent) -> Term {
    let mut widest: Option<(f64, String)> = None;
    for (key, all) in extent.iter().filter(|(_, all)| **all > 1) {
        let Some(values) = incident.keys.get(key) else { continue };
        let touched = if values.len() >= CUT { *all } else { (values.len() as u64).min(*all) };
        let share = (1.0 + touched as f64).ln() / (1.0 + *all as f64).ln();
        if widest.as_ref().is_none_or(|(known, _)| share > *known) {
            widest = Some((share, format!("{touched} of {all} {}", plural(key))));
        }
    }
    match widest {
        Some((share, why)) => term("blast", BLAST, share, why),
        None => term("blast", BLAST, 0.0, "how much else there is, is not known".to_owned()),
    }
}

fn plural(key: &str) -> String {
    format!("{key}s")
}

/// All points at a hundred thousand: `min(1, log10(1 + n) / 5)`.
fn magnitude(members: &[&Finding]) -> Term {
    let count: u64 = members.iter().map(|finding| finding.count).sum();
    let share = ((1.0 + count as f64).log10() / 5.0).min(1.0);
    term("magnitude", MAGNITUDE, share, format!("{count} occurrences"))
}

/// Against a baseline: how much of it was not there before.
fn novelty(members: &[&Finding], compared: Compared) -> Term {
    if compared == Compared::WithNothing {
        return term("novelty", NOVELTY, 0.0, "no baseline to compare with".to_owned());
    }
    let compared: Vec<&&Finding> = members.iter().filter(|finding| finding.state != "unknown").collect();
    let new = compared.iter().filter(|finding| finding.state == "new").count();
    let share = new as f64 / compared.len().max(1) as f64;
    term(
        "novelty",
        NOVELTY,
        share,
        format!("{new} of {} findings that were compared are new", compared.len()),
    )
}

fn persistence(incident: &Incident) -> Term {
    match incident.window.from.zip(incident.window.to) {
        Some((from, to)) => {
            let lasted = to.since(from) / 1_000_000;
            let share = lasted.min(LONG) as f64 / LONG as f64;
            term("persistence", PERSISTENCE, share, format!("{lasted} s from first to last"))
        }
        None => term("persistence", PERSISTENCE, 0.0, "not dated".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        Keys, OverTime, Timestamp, Window,
        report::{CauseVerdict, RootCause},
    };

    fn finding(id: &str, severity: Severity, cause: &str, count: u64) -> Finding {
        Finding {
            id: id.to_owned(),
            check: "log-patterns".to_owned(),
            kind: "k".to_owned(),
            category: String::new(),
            severity,
            title: id.to_owned(),
            detail: String::new(),
            count,
            window: Window::default(),
            keys: Keys::default(),
            evidence: Vec::new(),
            over_time: OverTime::default(),
            incident: None,
            state: "new".to_owned(),
            scattered: false,
            cause: Some(cause.to_owned()),
            action: String::new(),
        }
    }

    fn incident(of: &Finding, seconds: i64, services: &[&str]) -> Incident {
        Incident {
            rank: 0,
            id: of.id.clone(),
            title: of.title.clone(),
            severity: of.severity,
            score: 0,
            score_terms: Vec::new(),
            window: Window { from: Some(Timestamp(0)), to: Some(Timestamp(seconds * 1_000_000)) },
            root_cause: RootCause {
                kind: "deadlock".to_owned(),
                finding: of.id.clone(),
                verdict: CauseVerdict::Likely,
                why: String::new(),
                terms: Vec::new(),
            },
            chain: Vec::new(),
            findings: vec![of.id.clone()],
            keys: [("service".to_owned(), services.iter().map(|name| (*name).to_owned()).collect())].into(),
            counter_evidence: Vec::new(),
            not_checked: Vec::new(),
            next_steps: Vec::new(),
            runbook: None,
            runbook_text: None,
        }
    }

    #[test]
    fn terms_are_named_and_add_up() {
        let extent: Extent = [("service".to_owned(), 3)].into();
        for (severity, cause, count, seconds, services, points) in [
            (Severity::Critical, "deadlock", 99_999, 3600, &["a", "b", "c"][..], [35, 25, 20, 0, 10]),
            (Severity::Warning, "deadlock", 9, 360, &["a"], [18, 13, 4, 0, 1]),
            (Severity::Error, "deadlock", 9, 0, &[], [26, 0, 4, 0, 0]),
        ] {
            let finding = finding("f", severity, cause, count);
            let ranked =
                rank(vec![incident(&finding, seconds, services)], &[finding], &extent, Compared::WithNothing);
            let got: Vec<i64> = ranked[0].score_terms.iter().map(|term| term.points).collect();
            assert_eq!(got, points, "{:?}", ranked[0].score_terms);
            assert_eq!(ranked[0].score, points.iter().sum::<i64>());
        }
    }

    #[test]
    fn the_worse_comes_first_and_equals_by_onset_then_id() {
        let findings = [
            finding("b", Severity::Warning, "deadlock", 1),
            finding("a", Severity::Warning, "deadlock", 1),
            finding("c", Severity::Critical, "deadlock", 1),
        ];
        let incidents = findings.iter().map(|finding| incident(finding, 0, &[])).collect();
        let order: Vec<String> = rank(incidents, &findings, &Extent::new(), Compared::WithNothing)
            .into_iter()
            .map(|incident| format!("{} {}", incident.rank, incident.id))
            .collect();
        assert_eq!(order, ["1 c", "2 a", "3 b"]);
    }
}
