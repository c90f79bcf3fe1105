//! What evidence is compared with: another night's report, or evidence of a time when all was well.

use std::collections::BTreeMap;

use crate::{
    check::facts::LogFacts,
    model::{
        Compared,
        report::{Report, Suspect},
    },
};

use super::{Partial, conclude};

/// What to compare with.
#[derive(Debug, Default)]
pub enum Baseline {
    #[default]
    None,
    /// What another run wrote.
    Report(Box<Report>),
    /// Evidence, scanned as any other.
    Evidence(Partial),
}

impl Baseline {
    pub(super) fn compared(&self) -> Compared {
        match self {
            Baseline::None => Compared::WithNothing,
            Baseline::Report(_) | Baseline::Evidence(_) => Compared::WithBaseline,
        }
    }
}

/// How often each pattern and template was seen, and in how many entries.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) patterns: BTreeMap<String, u64>,
    /// By id; for evidence they are counted beside the present ones.
    pub(super) templates: BTreeMap<String, u64>,
    pub(super) entries: u64,
    pub(super) logs: BTreeMap<String, LogFacts>,
    /// Templates of a report, for those that are gone.
    pub(super) listed: Vec<crate::model::TemplateSeen>,
}

impl Baseline {
    /// `None` where there is nothing to compare with.
    pub(super) fn known(self) -> Option<Known> {
        let mut known = Known::default();
        match self {
            Baseline::None => return None,
            Baseline::Report(report) => {
                known.patterns =
                    report.patterns.iter().map(|seen| (seen.id.clone(), seen.occurrences)).collect();
                known.templates =
                    report.templates.iter().map(|seen| (seen.id.clone(), seen.occurrences)).collect();
                let logs = report.ledger.evidence.iter().filter(|row| row.kind == "log");
                known.entries = logs.map(|row| row.records).sum();
                known.listed = report.templates;
            }
            Baseline::Evidence(partial) => {
                known.logs = conclude::logs(partial);
                for (id, facts) in known.logs.values().flat_map(|log| &log.patterns) {
                    let count: u64 = facts.parts().map(|(_, _, facts)| facts.count).sum();
                    *known.patterns.entry(id.clone()).or_default() += count;
                }
                known.entries = known.logs.values().map(LogFacts::entries).sum();
            }
        }
        (known.entries > 0).then_some(known)
    }
}

impl Known {
    /// Services by how likely the trouble began there; a report keeps no traces to compare with.
    pub(super) fn suspects(&self, now: &BTreeMap<String, LogFacts>) -> Vec<Suspect> {
        crate::check::suspects(now, &self.logs)
    }
}
