//! From incidents to their order: named terms, whole points, all printed.

use crate::model::{
    Finding, Severity,
    report::{Incident, Term},
};

/// Scores the incidents and puts them in order: score, then onset, then id. Sets rank, score and terms.
///
/// Terms after research note A7: severity up to 35, magnitude up to 20, persistence up to 10.
pub fn rank(mut incidents: Vec<Incident>, findings: &[Finding]) -> Vec<Incident> {
    for incident in &mut incidents {
        incident.score_terms = terms(incident, findings);
        incident.score = incident.score_terms.iter().map(|term| term.points).sum();
    }
    incidents.sort_by(|a, b| {
        let onset = |incident: &Incident| (incident.window.from.is_none(), incident.window.from);
        b.score.cmp(&a.score).then(onset(a).cmp(&onset(b))).then(a.id.cmp(&b.id))
    });
    for (at, incident) in incidents.iter_mut().enumerate() {
        incident.rank = at + 1;
    }
    incidents
}

fn terms(incident: &Incident, findings: &[Finding]) -> Vec<Term> {
    let severity = match incident.severity {
        Severity::Critical => 35,
        Severity::Error => 26,
        Severity::Warning => 17,
        Severity::Info => 3,
    };
    let count: u64 = findings
        .iter()
        .filter(|finding| incident.findings.contains(&finding.id))
        .map(|finding| finding.count)
        .sum();
    // 20 points at a hundred thousand: min(1, log10(1 + n) / 5).
    let magnitude = (((1 + count) as f64).log10() / 5.0).min(1.0) * 20.0;
    let lasted =
        incident.window.from.zip(incident.window.to).map_or(0, |(from, to)| to.since(from) / 1_000_000);
    let persistence = lasted.min(3600) * 10 / 3600;
    let term = |name: &str, points, why| Term { name: name.to_owned(), points, why };
    vec![
        term("severity", severity, incident.severity.name().to_owned()),
        term("magnitude", magnitude as i64, format!("{count} occurrences")),
        term("persistence", persistence, format!("{lasted} s from first to last")),
    ]
}
