//! One finding for each kind of fault of each store: faults are many, a reader wants one line.

use crate::model::{Finding, Keys, Severity, Window, finding};

use super::{Outcome, view::Evidence};

/// Values listed of a key.
const KEY_VALUES: usize = 20;

pub(super) fn add(evidence: &Evidence, out: &mut Outcome) {
    let mut findings = Vec::new();
    for ((path, key, kind), listed) in &out.faults {
        let severity = listed.items.iter().map(|fault| fault.severity).max().unwrap_or_default();
        let store = evidence.stores.iter().find(|store| store.path == *path && store.key == *key);
        let events = store.map_or(0, |store| store.events.count());
        let mut keys = Keys::new();
        keys.insert("store".to_owned(), vec![path.clone()]);
        let mut streams: Vec<String> =
            listed.items.iter().filter_map(|fault| fault.stream_id.clone()).collect();
        streams.sort();
        streams.dedup();
        streams.truncate(KEY_VALUES);
        if !streams.is_empty() {
            keys.insert("stream".to_owned(), streams);
        }
        let first = listed.items.first();
        findings.push(Finding {
            id: id(&[path, &key.schema, &key.profile, kind.name()]),
            check: "integrity".to_owned(),
            kind: kind.name().to_owned(),
            severity,
            title: format!("{} ({} in {path})", kind.means(), listed.seen),
            detail: first.map(|fault| fault.detail.clone()).unwrap_or_default(),
            count: listed.seen,
            // An event's time says nothing of when its copy was damaged.
            window: Window::default(),
            keys,
            evidence: listed
                .items
                .iter()
                .take(3)
                .map(|fault| finding::Evidence {
                    path: fault.path.clone(),
                    line: fault.line,
                    byte: fault.byte,
                    excerpt: String::new(),
                })
                .collect(),
            incident: None,
            state: "new".to_owned(),
            cause: (severity >= Severity::Error).then(|| "event-store-corruption".to_owned()),
            action: action(severity, events),
        });
    }
    out.findings.extend(findings);
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
