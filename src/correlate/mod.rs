//! From findings to incidents: what belongs together, and what of it came first and led to the rest.
//!
//! ```text
//! findings -> ties (LINKS: why, how strong) -> groups -> chain (rules) -> root cause (terms) -> incident
//! ```
//!
//! To add a reason to link two findings: write `links/<name>.rs` with a unit struct and `impl Link`, then add its `mod`
//! line and its row below. What leads to what is data: `patterns/causes.toml`.
//!
//! Findings that name a kind of cause make the groups; symptoms are shared by all kinds of trouble, so each joins the
//! one group it is tied to best and never ties two groups together.

mod cause;
mod chain;
mod groups;
mod incident;
mod kinship;
mod links {
    pub(super) mod causal_rule;
    pub(super) mod near_in_time;
    pub(super) mod same_kind;
    pub(super) mod same_store;
    pub(super) mod shared_keys;
}

use crate::model::{Causes, Finding, Settings, Severity, report::Incident};

use kinship::Rarity;

/// Every reason to link, in order of id.
pub const LINKS: &[&dyn Link] = &[
    &links::causal_rule::CausalRule,
    &links::near_in_time::NearInTime,
    &links::same_kind::SameKind,
    &links::same_store::SameStore,
    &links::shared_keys::SharedKeys,
];

/// One reason for two findings to belong to one incident.
pub trait Link: Sync {
    fn id(&self) -> &'static str;

    fn about(&self) -> &'static str;

    /// Why the two belong together, if they do. `a` began first, or neither is dated.
    fn tie(&self, a: &Finding, b: &Finding, context: &Context<'_>) -> Option<Tie>;
}

/// A reason, and how strong it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Tie {
    /// As a probability, from 0 to 1: independent reasons join as one minus the product of what each leaves open.
    pub weight: f64,
    pub why: String,
}

/// What links may look at beside the two findings.
#[derive(Debug)]
pub struct Context<'a> {
    pub settings: &'a Settings,
    pub causes: &'a Causes,
    /// How common each value of a key is among the findings.
    pub rarity: Rarity,
}

/// What correlating knows beside the findings.
#[derive(Clone, Copy, Debug)]
pub struct Knowledge<'a> {
    pub settings: &'a Settings,
    pub causes: &'a Causes,
    /// Checks that could not run, each with what it lacked.
    pub could_not_run: &'a [(String, String)],
}

/// Joins findings into incidents, each finding in one at most; sets [`Finding::incident`].
pub fn correlate(findings: &mut [Finding], knowledge: &Knowledge<'_>) -> Vec<Incident> {
    let mut members: Vec<usize> = (0..findings.len()).filter(|at| can_belong(&findings[*at])).collect();
    // Undated ones come last; of equals, the worse first.
    members.sort_by(|a, b| kinship::order(&findings[*a], &findings[*b]));
    let context = Context {
        settings: knowledge.settings,
        causes: knowledge.causes,
        rarity: Rarity::of(members.iter().map(|at| &findings[*at])),
    };
    let sorted: Vec<&Finding> = members.iter().map(|at| &findings[*at]).collect();
    let groups = groups::groups(&sorted, &context);
    let incidents: Vec<(Incident, Vec<usize>)> = groups
        .into_iter()
        .map(|group| {
            let of_group: Vec<&Finding> = group.iter().map(|at| sorted[*at]).collect();
            let incident = incident::incident(&of_group, &context, knowledge.could_not_run);
            (incident, group.iter().map(|at| members[*at]).collect())
        })
        .collect();
    for (incident, members) in &incidents {
        for member in members {
            findings[*member].incident = Some(incident.id.clone());
        }
    }
    incidents.into_iter().map(|(incident, _)| incident).collect()
}

/// What is heard all the time is part of nothing. A change is no trouble by itself, and may be where trouble began.
fn can_belong(finding: &Finding) -> bool {
    let is_change = finding.cause.as_deref() == Some("change");
    !finding.scattered && (finding.severity >= Severity::Warning || is_change)
}
