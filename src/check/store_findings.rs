//! One finding for each kind of fault of each store: faults are many, a reader wants one line.

use std::collections::{BTreeMap, btree_map::Entry};

use crate::{
    fold::FirstN,
    model::{Fault, FaultKind, Finding, Keys, OverTime, Severity, Window, finding},
};

use super::{Outcome, facts::StoreKey, outcome::LISTED, view::Evidence};

/// The faults of one kind and store.
type Listed = FirstN<Fault, LISTED>;

/// Values listed of a key.
const KEY_VALUES: usize = 20;

pub(super) fn add(evidence: &Evidence, out: &mut Outcome) {
    // What copies of one store share is one finding: by their group, the kind, and the faults themselves.
    let mut shared: BTreeMap<(usize, FaultKind, String), usize> = BTreeMap::new();
    let mut findings: Vec<Finding> = Vec::new();
    for ((path, key, kind), listed) in &out.faults {
        if is_told(*kind, listed, out) {
            continue;
        }
        let at = evidence.stores.iter().position(|store| store.path == *path && store.key == *key);
        let group = at.and_then(|at| evidence.copies.iter().position(|group| group.contains(&at)));
        if let Some(group) = group {
            match shared.entry((group, *kind, fingerprint(listed))) {
                Entry::Occupied(known) => {
                    also_in(&mut findings[*known.get()], path);
                    continue;
                }
                Entry::Vacant(new) => {
                    new.insert(findings.len());
                }
            }
        }
        let events = at.map_or(0, |at| evidence.stores[at].events.count());
        findings.push(finding(path, key, *kind, listed, events));
    }
    out.findings.extend(findings);
}

/// Whether a story of the projections says it already: one projection has one story.
fn is_told(kind: FaultKind, listed: &Listed, out: &Outcome) -> bool {
    let of = |fault: &Fault, kind: Option<&str>| {
        let Some(name) = fault.projection.as_ref() else { return false };
        let left = out.projections.iter().any(|row| row.left_by_rebuild && row.name == *name);
        let mut stories = out.findings.iter().filter(|finding| finding.check == "projections");
        left || stories.any(|story| {
            kind.is_none_or(|kind| story.kind == kind)
                && story.keys.get("projection").is_some_and(|names| names.contains(name))
        })
    };
    match kind {
        FaultKind::CheckpointStalled => listed.items.iter().all(|fault| of(fault, None)),
        FaultKind::ProjectionSkipRisk => {
            listed.items.iter().all(|fault| of(fault, Some("events-never-projected")))
        }
        _ => false,
    }
}

/// What a list of faults says, apart from where.
fn fingerprint(listed: &Listed) -> String {
    let mut lines: Vec<String> = listed
        .items
        .iter()
        .map(|fault| {
            let Fault { stream_id, event_id, expected_version, actual_version, missing, projection, .. } = fault;
            format!("{stream_id:?} {event_id:?} {expected_version:?} {actual_version:?} {missing:?} {projection:?}")
        })
        .collect();
    lines.sort();
    lines.push(listed.seen.to_string());
    blake3::hash(lines.join("\n").as_bytes()).to_hex().to_string()
}

fn also_in(finding: &mut Finding, path: &str) {
    let stores = finding.keys.entry("store".to_owned()).or_default();
    if !stores.iter().any(|known| known == path) && stores.len() < KEY_VALUES {
        stores.push(path.to_owned());
        finding.title = format!(
            "{}{}",
            finding.title.split(", and the same in ").next().unwrap_or_default(),
            match stores.len() - 1 {
                1 => ", and the same in 1 copy of it".to_owned(),
                more => format!(", and the same in {more} copies of it"),
            }
        );
    }
}

fn finding(path: &str, key: &StoreKey, kind: FaultKind, listed: &Listed, events: u64) -> Finding {
    let severity = listed.items.iter().map(|fault| fault.severity).max().unwrap_or_default();
    let mut keys = Keys::new();
    keys.insert("store".to_owned(), vec![path.to_owned()]);
    let mut streams: Vec<String> = listed.items.iter().filter_map(|fault| fault.stream_id.clone()).collect();
    streams.sort();
    streams.dedup();
    streams.truncate(KEY_VALUES);
    if !streams.is_empty() {
        keys.insert("stream".to_owned(), streams);
    }
    let place = |fault: &Fault| finding::Evidence {
        path: fault.file.as_ref().map_or_else(|| fault.path.clone(), |file| format!("{}/{file}", fault.path)),
        line: fault.line,
        byte: fault.byte,
        excerpt: String::new(),
    };
    Finding {
        id: id(&[path, &key.schema, &key.profile, kind.name()]),
        check: "integrity".to_owned(),
        kind: kind.name().to_owned(),
        category: String::new(),
        scattered: false,
        severity,
        title: format!("{} ({} in {path})", kind.means(), listed.seen),
        detail: listed.items.first().map(|fault| fault.detail.clone()).unwrap_or_default(),
        count: listed.seen,
        // An event's time says nothing of when its copy was damaged.
        window: Window::default(),
        keys,
        evidence: listed.items.iter().take(3).map(place).collect(),
        over_time: OverTime::default(),
        incident: None,
        state: "new".to_owned(),
        cause: (severity >= Severity::Error).then(|| "event-store-corruption".to_owned()),
        action: action(severity, events),
    }
}

fn action(severity: Severity, events: u64) -> String {
    match severity {
        Severity::Info => String::new(),
        Severity::Warning => "Compare with the store itself before acting on it".to_owned(),
        Severity::Error | Severity::Critical => format!(
            "Do not restore from this copy of {events} events before the faults are explained; compare with the store and the backup before it"
        ),
    }
}

/// A finding's stable name: what it is about, hashed.
pub(super) fn id(parts: &[&str]) -> String {
    let hash = blake3::hash(parts.join("\0").as_bytes()).to_hex();
    format!("fnd-{}", &hash[..10])
}
