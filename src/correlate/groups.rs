//! Which findings make an incident.

use std::collections::BTreeMap;

use crate::model::{Causes, Finding, Severity};

use super::{Context, LINKS, kinship};

/// Joined reasons from this weight on make one group of two findings that name causes (research note A6).
const JOINS: f64 = 0.5;
/// A symptom belongs to the group that it is tied to best, if at least this much: time alone is enough.
const ATTACHES: f64 = 0.15;
/// Log entries that a passing kind of trouble takes to be an incident.
const PASSING: u64 = 3;

/// Groups of findings, given in order of onset; each is a list of places in order. What is no incident is left out.
pub(super) fn groups(findings: &[&Finding], context: &Context<'_>) -> Vec<Vec<usize>> {
    let names_cause = |at: &usize| findings[*at].cause.is_some();
    let causes: Vec<usize> = (0..findings.len()).filter(names_cause).collect();
    let mut sets = Sets::new(findings.len());
    for (place, a) in causes.iter().enumerate() {
        for b in &causes[place + 1..] {
            if weight(findings[*a], findings[*b], context) >= JOINS {
                sets.join(*a, *b);
            }
        }
    }
    let symptoms: Vec<usize> = (0..findings.len()).filter(|at| !names_cause(at)).collect();
    let mut groups = sets.groups(&causes);
    let alone = attach(findings, &symptoms, &mut groups, context);
    // Symptoms of nothing known make their own groups.
    let mut sets = Sets::new(findings.len());
    for (place, a) in alone.iter().enumerate() {
        for b in &alone[place + 1..] {
            if weight(findings[*a], findings[*b], context) >= ATTACHES {
                sets.join(*a, *b);
            }
        }
    }
    groups.extend(sets.groups(&alone));
    for group in &mut groups {
        group.sort_unstable();
    }
    groups.sort();
    groups.retain(|group| is_incident(group.iter().map(|at| findings[*at]), context.causes));
    groups
}

/// Adds each symptom to the group that it is tied to best; returns those that none takes.
fn attach(
    findings: &[&Finding],
    symptoms: &[usize],
    groups: &mut [Vec<usize>],
    context: &Context<'_>,
) -> Vec<usize> {
    let mut alone = Vec::new();
    let mut placed: Vec<(usize, usize)> = Vec::new();
    for symptom in symptoms {
        let tie = |group: &Vec<usize>| {
            group
                .iter()
                .map(|at| {
                    let (a, b) = (at.min(symptom), at.max(symptom));
                    weight(findings[*a], findings[*b], context)
                })
                .fold(0.0, f64::max)
        };
        let best = groups
            .iter()
            .map(tie)
            .enumerate()
            .fold((0, 0.0), |best, (at, weight)| if weight > best.1 { (at, weight) } else { best });
        if best.1 >= ATTACHES {
            placed.push((best.0, *symptom));
        } else {
            alone.push(*symptom);
        }
    }
    for (group, symptom) in placed {
        groups[group].push(symptom);
    }
    alone
}

/// All reasons together: one minus the product of what each leaves open.
fn weight(a: &Finding, b: &Finding, context: &Context<'_>) -> f64 {
    let ties = LINKS.iter().filter_map(|link| link.tie(a, b, context));
    1.0 - ties.map(|tie| 1.0 - tie.weight).product::<f64>()
}

/// Whether a group is worth an incident: something that names a cause and does not mend itself, or is bad and more than
/// an entry or two.
fn is_incident<'f>(group: impl Iterator<Item = &'f Finding>, causes: &Causes) -> bool {
    let mut entries = BTreeMap::new();
    for finding in group {
        let kind = finding.cause.as_deref().and_then(|kind| causes.kind(kind));
        let told_by_logs = finding.check == "log-patterns";
        *entries.entry(finding.kind.as_str()).or_insert(0) += finding.count;
        let enough = match (finding.severity, kind) {
            (Severity::Critical, _) => true,
            (Severity::Info, _) => false,
            (_, Some(kind)) => !told_by_logs || !kind.passing || finding.count >= PASSING,
            (Severity::Error, None) => !told_by_logs || finding.count >= PASSING,
            (Severity::Warning, None) => false,
        };
        if enough {
            return true;
        }
    }
    // Several kinds of small trouble at one time are more than each by itself.
    entries.len() >= PASSING as usize && entries.values().sum::<u64>() >= 2 * PASSING
}

/// Union-find over places; the smallest place names a set, so that the order of joining does not matter.
struct Sets(Vec<usize>);

impl Sets {
    fn new(len: usize) -> Sets {
        Sets((0..len).collect())
    }

    fn of(&self, mut at: usize) -> usize {
        while self.0[at] != at {
            at = self.0[at];
        }
        at
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.of(a), self.of(b));
        self.0[a.max(b)] = a.min(b);
    }

    /// The sets that these places are in, in order of the first of each.
    fn groups(&self, places: &[usize]) -> Vec<Vec<usize>> {
        let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        for at in places {
            groups.entry(self.of(*at)).or_default().push(*at);
        }
        groups.into_values().collect()
    }
}

/// Why two findings are in one incident, the strongest reason first.
pub(super) fn reasons(a: &Finding, b: &Finding, context: &Context<'_>) -> Vec<String> {
    let (a, b) = if kinship::order(a, b).is_le() { (a, b) } else { (b, a) };
    let mut ties: Vec<super::Tie> = LINKS.iter().filter_map(|link| link.tie(a, b, context)).collect();
    ties.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    ties.into_iter().map(|tie| tie.why).collect()
}
