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

use crate::model::{Causes, Compared, Finding, Settings, Severity, Systems, report::Incident};

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
    pub systems: &'a Systems,
    pub compared: Compared,
    /// How common each value of a key is among the findings.
    pub rarity: Rarity,
}

/// What correlating knows beside the findings.
#[derive(Clone, Copy, Debug)]
pub struct Knowledge<'a> {
    pub settings: &'a Settings,
    pub causes: &'a Causes,
    pub systems: &'a Systems,
    pub compared: Compared,
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
        systems: knowledge.systems,
        compared: knowledge.compared,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{
        OverTime, Timestamp, Window,
        report::{CauseVerdict, ChainRole},
        time::SECOND,
    };

    /// `KIND CAUSE SEVERITY COUNT FROM TO [name=value ...]`; `-` is none, times are seconds, a kind that begins with `~`
    /// is scattered, and `KIND/CATEGORY` is a pattern's, without a category a check's.
    fn finding(line: &str) -> Finding {
        let words: Vec<&str> = line.split_whitespace().collect();
        let kind = words[0].trim_start_matches('~');
        let (kind, category) = kind.split_once('/').unwrap_or((kind, ""));
        let time = |word: &str| word.parse().ok().map(|seconds: i64| Timestamp(seconds * SECOND));
        let mut keys = crate::model::Keys::new();
        for (name, value) in words[6..].iter().filter_map(|word| word.split_once('=')) {
            keys.entry(name.to_owned()).or_default().push(value.to_owned());
        }
        Finding {
            id: line.to_owned(),
            check: if category.is_empty() { "blocking" } else { "log-patterns" }.to_owned(),
            kind: kind.to_owned(),
            category: category.to_owned(),
            severity: serde_json::from_value(words[2].into()).expect("a severity"),
            title: kind.to_owned(),
            detail: String::new(),
            count: words[3].parse().expect("a count"),
            window: Window { from: time(words[4]), to: time(words[5]) },
            keys,
            evidence: Vec::new(),
            over_time: OverTime::default(),
            incident: None,
            state: "new".to_owned(),
            scattered: words[0].starts_with('~'),
            cause: (words[1] != "-").then(|| words[1].to_owned()),
            action: String::new(),
        }
    }

    /// Each incident as `kind verdict: root > effect, ... | symptom, ...`.
    fn incidents(lines: &[&str], systems: &Systems) -> Vec<String> {
        let causes: Causes =
            toml::from_str(include_str!("../../patterns/causes.toml")).expect("the built-in rules");
        let knowledge = Knowledge {
            settings: &Settings::default(),
            causes: &causes,
            systems,
            compared: Compared::WithNothing,
            could_not_run: &[],
        };
        let mut findings: Vec<Finding> = lines.iter().map(|line| finding(line)).collect();
        let mut reversed: Vec<Finding> = findings.iter().rev().cloned().collect();
        let told = correlate(&mut findings, &knowledge);
        assert_eq!(correlate(&mut reversed, &knowledge), told, "the order of findings does not matter");
        let show = |incident: &Incident| {
            let of = |role: ChainRole| {
                let links = incident.chain.iter().filter(|link| link.role == role);
                let kinds = links.map(|link| link.finding.split([' ', '/']).next().unwrap_or_default());
                kinds.collect::<Vec<_>>().join(", ")
            };
            let verdict = match incident.root_cause.verdict {
                CauseVerdict::Confirmed => "confirmed",
                CauseVerdict::Likely => "likely",
                CauseVerdict::Insufficient => "insufficient",
            };
            let (root, effects, rest) = (of(ChainRole::Root), of(ChainRole::Effect), of(ChainRole::Symptom));
            format!("{} {verdict}: {root} > {effects} | {rest}", incident.root_cause.kind)
        };
        told.iter().map(show).collect()
    }

    #[test]
    fn a_lock_is_the_cause_of_what_waits_behind_it() {
        let found = incidents(
            &[
                "blocked-sessions lock-contention error 9 100 160 database=bank",
                "pools-sqlx-timeout/connection-pool connection-pool-exhaustion critical 50 103 160 service=a",
                "command_timeout/timeout - error 20 106 150 service=a",
                "projection_lag/projection - warning 9 130 170 projection=p",
                "~os-broken-pipe/network - warning 9 0 900 service=a",
            ],
            &Systems::default(),
        );
        assert_eq!(
            found,
            [
                "lock-contention confirmed: blocked-sessions > pools-sqlx-timeout, command_timeout, projection_lag | "
            ]
        );
    }

    #[test]
    fn what_is_logged_at_its_end_may_have_begun_before_its_effects() {
        let found = incidents(
            &[
                "pools-sqlx-timeout/connection-pool connection-pool-exhaustion critical 50 103 160 service=a",
                "postgresql-long-transaction/locking long-running-transaction error 4 150 160 dbname=bank",
            ],
            &Systems::default(),
        );
        assert_eq!(
            found,
            ["long-running-transaction likely: postgresql-long-transaction > pools-sqlx-timeout | "]
        );
    }

    #[test]
    fn trouble_of_two_systems_is_two_incidents() {
        let lines = [
            "postgresql-deadlock/locking deadlock error 9 100 200 dbname=bank",
            "command_timeout/timeout - error 20 106 150 service=bank-a",
            "postgresql-disk-full/storage storage-full critical 9 120 200 dbname=shop",
            "eventcore-store-operation-failed/event-store - error 20 126 150 service=shop-a",
        ];
        let systems = Systems::join([("bank-a", "bank"), ("shop-a", "shop")]);
        assert_eq!(
            incidents(&lines, &systems),
            [
                "deadlock likely: postgresql-deadlock > command_timeout | ",
                "storage-full likely: postgresql-disk-full > eventcore-store-operation-failed | ",
            ]
        );
    }

    #[test]
    fn hours_apart_are_two_incidents_and_small_change_is_none() {
        for (lines, expected) in [
            (
                &[
                    "pools-sqlx-timeout/connection-pool connection-pool-exhaustion critical 5 100 110 service=a",
                    "connection_pool_exhaustion/connection-pool connection-pool-exhaustion critical 5 7300 7310 service=a",
                ][..],
                &[
                    "connection-pool-exhaustion likely: pools-sqlx-timeout >  | ",
                    "connection-pool-exhaustion likely: connection_pool_exhaustion >  | ",
                ][..],
            ),
            // One conflict that a retry resolved, one slow call, one lost connection: what a healthy day has.
            (
                &[
                    "concurrency_conflict/concurrency - warning 1 100 100 service=a",
                    "slow-calls - warning 1 5000 5000",
                    "os-connection-reset/network - warning 1 9000 9000 service=a",
                    "postgresql-deadlock/locking deadlock error 1 20000 20000 dbname=bank",
                ],
                &[],
            ),
            (
                &[
                    "~pools-sqlx-timeout/connection-pool connection-pool-exhaustion critical 5 100 90000 service=a",
                ],
                &[],
            ),
        ] {
            assert_eq!(incidents(lines, &Systems::default()), expected);
        }
    }
}
