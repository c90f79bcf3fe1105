//! Which services and databases make one system, as servers' logs and session exports tell.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Observed, Systems};

use super::{
    Evidence,
    facts::{LogFacts, SnapshotFacts},
};

/// Who connects to a database is of its system, and so is a projection that only one system's logs name. What several
/// have in common (a tool that connects everywhere, a name that all use) belongs to none of them.
pub(super) fn systems(
    logs: &BTreeMap<String, LogFacts>,
    snapshots: &BTreeMap<String, SnapshotFacts>,
) -> Systems {
    let mut databases: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (client, database) in logs.values().flat_map(|log| log.server.clients()) {
        databases.entry(client).or_default().insert(database);
    }
    for observation in snapshots.values().flat_map(|snapshot| &snapshot.observations) {
        if let Observed::Session(session) = &observation.state
            && !session.application.is_empty()
            && !session.database.is_empty()
        {
            databases.entry(&session.application).or_default().insert(&session.database);
        }
    }
    let mut links: Vec<(&str, &str)> = of_one(&databases).collect();
    let systems = Systems::join(links.iter().copied());
    let mut projections: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for log in logs.values() {
        let Some(system) = log.service().and_then(|service| systems.named(service)) else { continue };
        for (projection, _) in log.projectors.by_name.iter() {
            projections.entry(projection).or_default().insert(system);
        }
    }
    links.extend(of_one(&projections));
    Systems::join(links)
}

fn of_one<'n>(names: &BTreeMap<&'n str, BTreeSet<&'n str>>) -> impl Iterator<Item = (&'n str, &'n str)> {
    let single = names.iter().filter(|(_, of)| of.len() == 1);
    single.flat_map(|(name, of)| of.iter().map(|of| (*name, *of)))
}

/// The system of the one service that wrote a log.
pub(super) fn of_log<'e>(evidence: &'e Evidence, path: &str) -> Option<&'e str> {
    let service = evidence.logs.get(path)?.service()?;
    evidence.systems.named(service)
}
