//! What two findings have in common, or rule out: keys, times, and how much a shared value says.

use std::collections::BTreeMap;

use crate::model::{Finding, Timestamp};

use super::Context;

/// Names of keys that mean the same, and whether different values mean different trouble: two services may suffer
/// from one cause only if something else ties them.
const DIMENSIONS: &[(&str, &[&str], bool)] = &[
    ("command", &["command", "operation"], false),
    ("database", &["database", "dbname"], true),
    ("event", &["event"], false),
    ("node", &["node", "host"], true),
    ("pid", &["pid", "blocking_pid"], false),
    ("pod", &["pod", "container"], false),
    ("projection", &["projection", "projector", "subscription"], false),
    ("service", &["service", "application"], false),
    ("store", &["store"], true),
    ("stream", &["stream"], false),
    ("table", &["table", "relation"], false),
];

/// A list this long may be cut, so that what it lacks says nothing.
const CUT: usize = 20;

/// The order of findings in a chain: by when they began, the worse first, then by kind: an id depends on where
/// the evidence lies. Undated ones come last.
pub(super) fn order(a: &Finding, b: &Finding) -> std::cmp::Ordering {
    let onset = |finding: &Finding| (finding.window.from.is_none(), finding.window.from);
    let name = |finding: &Finding| (finding.kind.clone(), finding.id.clone());
    onset(a).cmp(&onset(b)).then(b.severity.cmp(&a.severity)).then_with(|| name(a).cmp(&name(b)))
}

/// How many of the findings touch each value.
#[derive(Debug, Default)]
pub struct Rarity {
    findings: usize,
    touched: BTreeMap<(&'static str, String), usize>,
}

impl Rarity {
    pub(super) fn of<'f>(findings: impl Iterator<Item = &'f Finding>) -> Rarity {
        let mut rarity = Rarity::default();
        for finding in findings {
            rarity.findings += 1;
            for (dimension, names, _) in DIMENSIONS {
                let mut values: Vec<&String> = values(finding, names).collect();
                values.sort();
                values.dedup();
                for value in values {
                    *rarity.touched.entry((dimension, value.clone())).or_default() += 1;
                }
            }
        }
        rarity
    }

    /// From 1 for a value that only two findings touch towards 0 for one that all of many touch.
    fn weight(&self, dimension: &'static str, value: &str) -> f64 {
        let touched = self.touched.get(&(dimension, value.to_owned())).copied().unwrap_or_default();
        let others = self.findings.saturating_sub(2).max(1);
        1.0 - touched.saturating_sub(2) as f64 / others as f64 / 2.0
    }
}

/// Values that two findings share in one dimension.
#[derive(Debug)]
pub(super) struct Shared<'f> {
    pub(super) dimension: &'static str,
    pub(super) values: Vec<&'f str>,
    /// The share of the shorter list that is in the other, weighed by how rare its rarest shared value is.
    pub(super) overlap: f64,
}

pub(super) fn shared<'f>(a: &'f Finding, b: &Finding, rarity: &Rarity) -> Vec<Shared<'f>> {
    let mut shared = Vec::new();
    for (dimension, names, _) in DIMENSIONS {
        let (mine, theirs): (Vec<&String>, Vec<&String>) =
            (values(a, names).collect(), values(b, names).collect());
        let both: Vec<&str> =
            mine.iter().filter(|value| theirs.contains(value)).map(|value| value.as_str()).collect();
        let shorter = mine.len().min(theirs.len());
        if both.is_empty() || shorter == 0 {
            continue;
        }
        let rarest = both.iter().map(|value| rarity.weight(dimension, value)).fold(0.0, f64::max);
        let overlap = (both.len() as f64 / shorter as f64).min(1.0) * rarest;
        shared.push(Shared { dimension, values: both, overlap });
    }
    shared
}

/// Whether two findings share a value of one of these dimensions; `None` where one of them names none.
pub(super) fn share_one_of(a: &Finding, b: &Finding, dimensions: &[String]) -> Option<bool> {
    let mut known = None;
    let asked = DIMENSIONS.iter().filter(|(name, ..)| dimensions.iter().any(|it| it == name));
    for (_, names, _) in asked {
        let (mut mine, theirs) = (values(a, names).peekable(), values(b, names).collect::<Vec<_>>());
        if mine.peek().is_none() || theirs.is_empty() {
            continue;
        }
        known = Some(known.unwrap_or(false) || mine.any(|value| theirs.contains(&value)));
    }
    known
}

/// Whether the two speak of different systems, or, where systems are not known, of different services or databases,
/// and share nothing that would join them.
pub(super) fn are_apart(a: &Finding, b: &Finding, context: &Context<'_>) -> bool {
    let (mine, theirs) = (context.systems.of(a), context.systems.of(b));
    if !mine.is_empty() && !theirs.is_empty() {
        return mine.is_disjoint(&theirs);
    }
    let mut apart = false;
    for (dimension, names, tells_apart) in DIMENSIONS {
        let (mine, theirs): (Vec<&String>, Vec<&String>) =
            (values(a, names).collect(), values(b, names).collect());
        if mine.is_empty() || theirs.is_empty() {
            continue;
        }
        if mine.iter().any(|value| theirs.contains(value)) {
            return false;
        }
        let services = *dimension == "service" && is_service(a) && is_service(b);
        apart |= (*tells_apart || services) && mine.len() < CUT && theirs.len() < CUT;
    }
    apart
}

/// A database's sessions name themselves; only who wrote an entry is a service.
fn is_service(finding: &Finding) -> bool {
    finding.keys.contains_key("service")
}

fn values<'f>(finding: &'f Finding, names: &[&str]) -> impl Iterator<Item = &'f String> {
    names.iter().filter_map(|name| finding.keys.get(*name)).flatten()
}

/// Microseconds between two findings; 0 where they overlap. `None` where one has no time.
pub(super) fn between(a: &Finding, b: &Finding) -> Option<i64> {
    let (from_a, to_a) = ends(a)?;
    let (from_b, to_b) = ends(b)?;
    Some(from_a.since(to_b).max(from_b.since(to_a)).max(0))
}

fn ends(finding: &Finding) -> Option<(Timestamp, Timestamp)> {
    Some((finding.window.from?, finding.window.to?))
}
