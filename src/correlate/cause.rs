//! Which finding of an incident came first, and what kind of cause it names. Every point is printed.

use crate::model::{
    Finding,
    report::{CauseVerdict, ChainLink, ChainRole, RootCause, Term},
};

/// The kind where no finding names one.
pub(super) const UNCLASSIFIED: &str = "unclassified";

/// The kinds that are conditions of a system rather than what they lead to (research note A7, "Kind prior"), with
/// their points of 10.
const KINDS: &[(&str, i64)] = &[
    ("change", 10),
    ("clock-skew", 10),
    ("connection-limit", 8),
    ("connection-pool-exhaustion", 6),
    ("deadlock", 7),
    ("dependency-failure", 8),
    ("event-store-corruption", 10),
    ("hot-stream", 5),
    ("lock-contention", 8),
    ("long-running-transaction", 10),
    ("memory-pressure", 9),
    ("poison-event", 9),
    ("process-crash", 7),
    ("projection-stall", 3),
    ("slow-query", 5),
    ("storage-full", 10),
    ("validation-regression", 5),
];

/// Points for having begun first; each step later loses a fifth.
const FIRST: i64 = 20;
/// A lead this large over the next kind makes a cause likely.
const MARGIN: i64 = 5;

/// Weighs the findings of an incident, given in order of onset.
pub(super) fn root_cause(group: &[&Finding]) -> (RootCause, Vec<ChainLink>) {
    let mut weighed: Vec<(i64, usize, Vec<Term>)> =
        group.iter().enumerate().map(|(at, finding)| weigh(at, finding)).collect();
    weighed.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    let (points, at, terms) = weighed.first().cloned().unwrap_or_default();
    let root = group.get(at).copied();
    let kind = root.and_then(|root| root.cause.clone()).unwrap_or_else(|| UNCLASSIFIED.to_owned());
    let rival = weighed
        .iter()
        .find(|(_, other, _)| group[*other].cause.as_ref() != Some(&kind))
        .map(|(points, ..)| *points);
    let clear = rival.is_none_or(|rival| points - rival >= MARGIN);
    let verdict =
        if kind == UNCLASSIFIED || !clear { CauseVerdict::Insufficient } else { CauseVerdict::Likely };
    let undated = group.iter().all(|finding| finding.window.from.is_none());
    let why = match (root, verdict) {
        (Some(_), CauseVerdict::Likely) if undated && group.len() > 1 => {
            format!("all {} findings name this kind", group.len())
        }
        (Some(root), CauseVerdict::Insufficient) => {
            format!("{} comes first, but nothing sets it apart from what follows", root.title)
        }
        (Some(root), _) if group.len() > 1 => format!("{} comes first and names this kind", root.title),
        (Some(root), _) => format!("{} names this kind, and nothing else was found with it", root.title),
        (None, _) => String::new(),
    };
    let chain = group
        .iter()
        .enumerate()
        .map(|(index, finding)| ChainLink {
            finding: finding.id.clone(),
            role: match index {
                index if index == at => ChainRole::Root,
                _ if finding.cause.is_some() => ChainRole::Effect,
                _ => ChainRole::Symptom,
            },
            at: finding.window.from,
        })
        .collect();
    let finding = root.map(|root| root.id.clone()).unwrap_or_default();
    (RootCause { kind, finding, verdict, why, terms }, chain)
}

fn weigh(at: usize, finding: &Finding) -> (i64, usize, Vec<Term>) {
    let mut terms = Vec::new();
    let first = if finding.window.from.is_some() { (FIRST - FIRST / 5 * at as i64).max(0) } else { 0 };
    terms.push(Term {
        name: "precedence".to_owned(),
        points: first,
        why: format!("number {} of the incident to begin", at + 1),
    });
    let prior = finding.cause.as_ref().and_then(|cause| KINDS.iter().find(|(kind, _)| kind == cause));
    if let Some((kind, points)) = prior {
        terms.push(Term {
            name: "kind".to_owned(),
            points: *points,
            why: format!("{kind} is a kind of cause"),
        });
    }
    let severity = finding.severity as i64 * 2;
    terms.push(Term {
        name: "severity".to_owned(),
        points: severity,
        why: finding.severity.name().to_owned(),
    });
    (terms.iter().map(|term| term.points).sum(), at, terms)
}
