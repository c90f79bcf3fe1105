//! What is normal here: it is told every night and is no news, as long as there is not far more of it. Nothing is hidden.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::{engine::Normal, model::Timestamp};

use super::beside;

/// The file in the state's folder.
const FILE: &str = "accepted.toml";

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Accepted {
    #[serde(default, rename = "accepted")]
    pub(super) all: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    /// finding, incident, pattern or template.
    pub(super) what: String,
    /// Its id; of a pattern's findings and incidents the pattern, as each night's have ids of their own.
    pub(super) id: String,
    /// For people; the id decides.
    pub(super) title: String,
    /// How many a night are normal.
    pub(super) count: u64,
    pub(super) reason: String,
    pub(super) owner: String,
    /// When it was accepted, by the time of the evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) at: Option<Timestamp>,
}

impl Accepted {
    pub(super) fn load(folder: &Path) -> anyhow::Result<Accepted> {
        beside::load(folder, FILE)
    }

    pub(super) fn save(&self, folder: &Path) -> anyhow::Result<()> {
        beside::save(self, folder, FILE)
    }

    /// Adds an entry; what was accepted before gets its new count and reason.
    pub(super) fn add(&mut self, entry: Entry) {
        self.all.retain(|old| (&old.what, &old.id) != (&entry.what, &entry.id));
        self.all.push(entry);
        self.all.sort_by(|a, b| (&a.what, &a.id).cmp(&(&b.what, &b.id)));
    }

    /// What is normal, for a history.
    pub(super) fn normal(&self) -> Normal {
        self.all.iter().map(|entry| ((entry.what.clone(), entry.id.clone()), entry.count)).collect()
    }
}
