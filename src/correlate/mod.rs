//! From findings to incidents: what belongs together, and which of it came first.
//!
//! To add a reason to link two findings: write `links/<name>.rs` with a unit struct and `impl Link`, then add its `mod`
//! line and its row below. Every link says why, and the report prints it.
//!
//! This version links by time and by store alone and names a root cause only where one finding names one; it never
//! calls a cause confirmed on that ground.

mod cause;
mod links {
    pub(super) mod near_in_time;
    pub(super) mod same_store;
}

use std::collections::BTreeMap;

use crate::model::{Finding, Keys, Settings, Severity, Window, report::Incident};

/// Every reason to link, in order of id.
pub const LINKS: &[&dyn Link] = &[&links::near_in_time::NearInTime, &links::same_store::SameStore];

/// One reason for two findings to belong to one incident.
pub trait Link: Sync {
    fn id(&self) -> &'static str;

    fn about(&self) -> &'static str;

    /// Why the two belong together, if they do. Order does not matter.
    fn why(&self, a: &Finding, b: &Finding, settings: &Settings) -> Option<String>;
}

/// Joins findings of warning or above into incidents, each finding in one; sets [`Finding::incident`].
pub fn correlate(findings: &mut [Finding], settings: &Settings) -> Vec<Incident> {
    let members: Vec<usize> =
        (0..findings.len()).filter(|at| findings[*at].severity >= Severity::Warning).collect();
    let mut groups = Groups::new(findings.len());
    for (at, a) in members.iter().enumerate() {
        for b in &members[at + 1..] {
            if LINKS.iter().any(|link| link.why(&findings[*a], &findings[*b], settings).is_some()) {
                groups.join(*a, *b);
            }
        }
    }
    let mut by_group: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for member in members {
        by_group.entry(groups.of(member)).or_default().push(member);
    }
    by_group.into_values().map(|members| incident(findings, &members)).collect()
}

fn incident(findings: &mut [Finding], members: &[usize]) -> Incident {
    let mut group: Vec<&Finding> = members.iter().map(|member| &findings[*member]).collect();
    group.sort_by(|a, b| onset(a).cmp(&onset(b)).then(b.severity.cmp(&a.severity)).then(a.id.cmp(&b.id)));
    let (root_cause, chain) = cause::root_cause(&group);
    let mut window = Window::default();
    let mut keys = Keys::new();
    for finding in &group {
        window.join(&finding.window);
        for (name, values) in &finding.keys {
            let known = keys.entry(name.clone()).or_default();
            known.extend(values.iter().filter(|value| !known.contains(value)).cloned().collect::<Vec<_>>());
        }
    }
    for values in keys.values_mut() {
        values.truncate(KEY_VALUES);
    }
    let worst = group
        .iter()
        .max_by(|a, b| a.severity.cmp(&b.severity).then(a.count.cmp(&b.count)).then(b.id.cmp(&a.id)));
    let severity = worst.map_or(Severity::Info, |finding| finding.severity);
    let hash = blake3::hash(root_cause.finding.as_bytes()).to_hex();
    let id = format!("inc-{}", &hash[..8]);
    let mut next_steps: Vec<String> = Vec::new();
    let mut by_weight = group.clone();
    by_weight.sort_by(|a, b| {
        (a.id != root_cause.finding)
            .cmp(&(b.id != root_cause.finding))
            .then(b.severity.cmp(&a.severity))
            .then(b.count.cmp(&a.count))
            .then(a.id.cmp(&b.id))
    });
    for finding in by_weight {
        if !finding.action.is_empty() && !next_steps.contains(&finding.action) {
            next_steps.push(finding.action.clone());
        }
    }
    next_steps.truncate(NEXT_STEPS);
    let incident = Incident {
        rank: 0,
        title: title(&group, worst.copied()),
        severity,
        score: 0,
        score_terms: Vec::new(),
        window,
        chain,
        findings: group.iter().map(|finding| finding.id.clone()).collect(),
        keys,
        counter_evidence: Vec::new(),
        not_checked: NOT_CHECKED.iter().map(|text| (*text).to_owned()).collect(),
        next_steps,
        // Runbooks are data of the run; the engine attaches them.
        runbook: None,
        root_cause,
        id: id.clone(),
    };
    for member in members {
        findings[*member].incident = Some(id.clone());
    }
    incident
}

/// The worst finding's words; for a damaged copy of a store, how much is wrong with it.
fn title(group: &[&Finding], worst: Option<&Finding>) -> String {
    let store = group.iter().find_map(|finding| finding.keys.get("store")).map(|paths| paths.join(", "));
    match (store, worst) {
        (Some(store), _) if group.len() > 1 => {
            let faults: u64 = group.iter().map(|finding| finding.count).sum();
            format!("Damaged copy of an event store: {faults} faults of {} kinds in {store}", group.len())
        }
        (_, Some(worst)) => {
            let mut letters = worst.title.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        }
        (_, None) => String::new(),
    }
}

/// Values kept of a key.
const KEY_VALUES: usize = 20;
const NEXT_STEPS: usize = 4;
/// What an incident of this version does not rest on.
const NOT_CHECKED: [&str; 2] = ["causal rules between findings", "a baseline of quiet nights"];

/// When a finding began; undated ones come last.
fn onset(finding: &Finding) -> (bool, Option<crate::model::Timestamp>) {
    (finding.window.from.is_none(), finding.window.from)
}

/// Union-find over indexes; the smallest index names a group, so that order of joining does not matter.
struct Groups(Vec<usize>);

impl Groups {
    fn new(len: usize) -> Groups {
        Groups((0..len).collect())
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
}
