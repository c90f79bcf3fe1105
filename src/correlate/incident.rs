//! An incident, told: its title, chain, keys, what to do and what was not looked at.

use crate::model::{
    Compared, Finding, Keys, Severity, Window,
    report::{ChainLink, ChainRole, Incident},
};

use super::{
    Context,
    cause::{self, Verdict},
    groups,
};

/// Values kept of a key.
const KEY_VALUES: usize = 20;
const NEXT_STEPS: usize = 4;
/// Kinds of findings that mean that data is lost to its readers.
const DATA_LOSS: &[&str] = &["events-never-projected", "eventcore-event-skipped"];
/// What an incident does without that was compared with nothing.
const NO_BASELINE: &str = "a baseline of quiet nights";

/// Tells a group of findings, given in order of onset, none of them empty.
pub(super) fn incident(
    group: &[&Finding],
    context: &Context<'_>,
    could_not_run: &[(String, String)],
) -> Incident {
    let Verdict { at, root_cause, steps, counter_evidence } = cause::verdict(group, context);
    let worst = worst(group);
    let hash = blake3::hash(root_cause.finding.as_bytes()).to_hex();
    let mut window = Window::default();
    for finding in group {
        window.join(&finding.window);
    }
    let link = |(place, finding): (usize, &&Finding)| {
        let step = steps.get(place).and_then(Option::as_ref);
        let role = match step {
            _ if place == at => ChainRole::Root,
            Some(_) => ChainRole::Effect,
            None => ChainRole::Symptom,
        };
        let why = match step {
            Some(step) => Some(step.rule.why.clone()),
            None if place == at => None,
            None => groups::reasons(group[at], finding, context).into_iter().next(),
        };
        ChainLink {
            finding: finding.id.clone(),
            role,
            at: finding.window.from,
            after: step.map(|step| group[step.after].id.clone()),
            why,
        }
    };
    let mut not_checked: Vec<String> = could_not_run.iter().filter(|(id, _)| says_of(id)).map(said).collect();
    if context.compared == Compared::WithNothing {
        not_checked.push(NO_BASELINE.to_owned());
    }
    Incident {
        rank: 0,
        title: title(group, group[at], worst),
        severity: if loses_data(group, &root_cause.kind) { Severity::Critical } else { worst.severity },
        score: 0,
        score_terms: Vec::new(),
        window,
        chain: group.iter().enumerate().map(link).collect(),
        findings: group.iter().map(|finding| finding.id.clone()).collect(),
        keys: keys(group),
        counter_evidence,
        not_checked,
        next_steps: next_steps(group, at),
        // Runbooks are data of the run; the engine attaches them.
        runbook: None,
        runbook_text: None,
        root_cause,
        id: format!("inc-{}", &hash[..8]),
    }
}

/// Lost or damaged data is critical, whatever the findings that tell of it are by themselves.
fn loses_data(group: &[&Finding], kind: &str) -> bool {
    kind == "event-store-corruption" || group.iter().any(|finding| DATA_LOSS.contains(&finding.kind.as_str()))
}

/// The worst finding; of equals the one with most occurrences.
fn worst<'f>(group: &[&'f Finding]) -> &'f Finding {
    let order = |a: &&&Finding, b: &&&Finding| {
        let name = |finding: &Finding| (finding.kind.clone(), finding.id.clone());
        a.severity.cmp(&b.severity).then(a.count.cmp(&b.count)).then_with(|| name(b).cmp(&name(a)))
    };
    group.iter().max_by(order).copied().expect("an incident has a finding")
}

/// What the user feels, or the root where that is as bad; for a damaged copy of a store, how much is wrong with it.
fn title(group: &[&Finding], root: &Finding, worst: &Finding) -> String {
    let faults: Vec<&&Finding> = group.iter().filter(|finding| finding.check == "integrity").collect();
    if let (Some(store), true) = (root.keys.get("store"), faults.len() > 1) {
        let count: u64 = faults.iter().map(|finding| finding.count).sum();
        return format!(
            "Damaged copy of an event store: {count} faults of {} kinds in {}",
            faults.len(),
            store.join(", ")
        );
    }
    let told = if root.severity == worst.severity { root } else { worst };
    let mut letters = told.title.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn keys(group: &[&Finding]) -> Keys {
    let mut keys = Keys::new();
    for (name, values) in group.iter().flat_map(|finding| &finding.keys) {
        let known = keys.entry(name.clone()).or_default();
        known.extend(values.iter().filter(|value| !known.contains(value)).cloned().collect::<Vec<_>>());
    }
    for values in keys.values_mut() {
        values.truncate(KEY_VALUES);
    }
    keys
}

/// What to do: about the root first, then about the worst of the rest.
fn next_steps(group: &[&Finding], root: usize) -> Vec<String> {
    let mut by_weight: Vec<(bool, &&Finding)> =
        group.iter().enumerate().map(|(at, finding)| (at != root, finding)).collect();
    by_weight.sort_by(|(a_rest, a), (b_rest, b)| {
        let order = a_rest.cmp(b_rest).then(b.severity.cmp(&a.severity)).then(b.count.cmp(&a.count));
        order.then_with(|| (&a.kind, &a.id).cmp(&(&b.kind, &b.id)))
    });
    let mut steps: Vec<String> = Vec::new();
    for (_, finding) in by_weight {
        if !finding.action.is_empty() && !steps.contains(&finding.action) {
            steps.push(finding.action.clone());
        }
    }
    steps.truncate(NEXT_STEPS);
    steps
}

/// Checks whose silence matters for an incident: those of what else was going on. A missing store says nothing of an
/// outage, and each store check says so in the ledger.
fn says_of(check: &str) -> bool {
    ["blocking", "locks", "memory", "operations", "pools", "projections", "sessions", "statements", "traces"]
        .contains(&check)
}

fn said((check, why): &(String, String)) -> String {
    format!("{check} ({why})")
}
