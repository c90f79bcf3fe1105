//! From records to findings: what needs two records or more.
//!
//! ```text
//! records --observe--> facts (mergeable, no thresholds) --then--> facts of all --conclude--> findings and faults
//! ```
//!
//! Facts are folded once and every check reads them ([`facts`]); a check is judgement only, so a threshold can change
//! without reading the evidence again. To add a check: write `checks/<name>.rs` with a unit struct, `impl Check` and
//! its tests, then add its `mod` line and its row below. A check that lacks its evidence says so instead of passing.

mod checks {
    pub(super) mod blocking;
    pub(super) mod bodies;
    pub(super) mod causation;
    pub(super) mod checkpoint_stalls;
    pub(super) mod checkpoints;
    pub(super) mod copies;
    pub(super) mod duplicate_event;
    pub(super) mod duplicate_version;
    pub(super) mod event_ids;
    pub(super) mod event_times;
    pub(super) mod filtered_export;
    pub(super) mod hot_streams;
    pub(super) mod id_time;
    pub(super) mod locks;
    pub(super) mod log_patterns;
    pub(super) mod memory;
    pub(super) mod operations;
    pub(super) mod order;
    pub(super) mod payloads;
    pub(super) mod pools;
    pub(super) mod positions;
    pub(super) mod projections;
    pub(super) mod readable_records;
    pub(super) mod relations;
    pub(super) mod sequences;
    pub(super) mod sessions;
    pub(super) mod snapshots;
    pub(super) mod statements;
    pub(super) mod stream_ids;
    pub(super) mod stream_table;
    pub(super) mod stream_times;
    pub(super) mod traces;
    pub(super) mod transactions;
    pub(super) mod validation;
    pub(super) mod version_gaps;
}
mod as_of;
mod blocking;
mod charts;
mod clocks;
mod dag;
mod disk;
mod events;
pub mod facts;
mod findings;
mod gauges;
mod lineage;
mod moments;
mod outcome;
mod projections;
mod spells;
mod store_findings;
mod story;
mod suspects;
mod systems;
#[cfg(test)]
mod testing;
mod twins;
mod units;
mod view;

pub use as_of::as_of;
pub use charts::over_time;
pub use clocks::{ClockOffset, clock_offsets};
pub use dag::Dag;
pub use events::{Events, Room};
pub use findings::places;
pub use outcome::Outcome;
pub use story::tell;
pub use suspects::suspects;
pub use twins::{Twin, twins};
pub use units::{LogOfUnits, Unit, every_unit, units};
pub use view::{Evidence, StoreView, shown_id};

use std::io;

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::model::{
    Pattern, Settings, Timestamp,
    report::{CheckRow, CheckStatus},
};

/// Every check, in order of id.
pub const CHECKS: &[&dyn Check] = &[
    &checks::blocking::Blocks,
    &checks::bodies::Bodies,
    &checks::causation::Causation,
    &checks::checkpoint_stalls::CheckpointStalls,
    &checks::checkpoints::Checkpoints,
    &checks::copies::Copies,
    &checks::duplicate_event::DuplicateEvent,
    &checks::duplicate_version::DuplicateVersion,
    &checks::event_ids::EventIds,
    &checks::event_times::EventTimes,
    &checks::filtered_export::FilteredExport,
    &checks::hot_streams::HotStreams,
    &checks::id_time::IdTime,
    &checks::locks::Locks,
    &checks::log_patterns::LogPatterns,
    &checks::memory::Memory,
    &checks::operations::Operations,
    &checks::order::Order,
    &checks::payloads::Payloads,
    &checks::pools::Pools,
    &checks::positions::Positions,
    &checks::projections::Projections,
    &checks::readable_records::ReadableRecords,
    &checks::relations::Relations,
    &checks::sequences::Sequences,
    &checks::sessions::Sessions,
    &checks::snapshots::Snapshots,
    &checks::statements::Statements,
    &checks::stream_ids::StreamIds,
    &checks::stream_table::StreamTable,
    &checks::stream_times::StreamTimes,
    &checks::traces::Traces,
    &checks::transactions::Transactions,
    &checks::validation::Validations,
    &checks::version_gaps::VersionGaps,
];

/// What a reader needs to know before running a check.
#[derive(Clone, Copy, Debug)]
pub struct Meta {
    /// Stable, kebab-case, never reused.
    pub id: &'static str,
    /// One line for lists.
    pub about: &'static str,
}

/// One question asked of the facts.
pub trait Check: Sync {
    fn meta(&self) -> Meta;

    /// Judges, once all evidence is in.
    fn conclude(&self, evidence: &Evidence, context: &Judgement<'_>, out: &mut Outcome) -> Ran;
}

/// What judging may look at beside the facts.
#[derive(Clone, Copy, Debug)]
pub struct Judgement<'a> {
    pub settings: &'a Settings,
    pub patterns: &'a [Pattern],
    /// `None` where the evidence has no time at all.
    pub as_of: Option<Timestamp>,
}

/// Whether a check could run, and over what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ran {
    Over(String),
    CouldNot(String),
}

/// Runs every check, side by side; what they state stands in order of id.
///
/// # Errors
///
/// What the disk says, where an index did not fit into memory: then nothing can be stated.
pub fn conclude(evidence: &Evidence, judgement: &Judgement<'_>) -> io::Result<(Outcome, Vec<CheckRow>)> {
    let ran: Vec<(Outcome, CheckRow)> =
        CHECKS.par_iter().map(|check| run(*check, evidence, judgement)).collect();
    if let Some(err) = evidence.stores.iter().find_map(|store| store.events.failure()) {
        return Err(err);
    }
    let (mut out, mut rows) = (Outcome::default(), Vec::new());
    for (outcome, row) in ran {
        out.join(outcome);
        rows.push(row);
    }
    out.sort_faults();
    out.name_files(evidence);
    store_findings::add(evidence, &mut out);
    Ok((out, rows))
}

fn run(check: &dyn Check, evidence: &Evidence, judgement: &Judgement<'_>) -> (Outcome, CheckRow) {
    let mut out = Outcome::default();
    let id = check.meta().id.to_owned();
    let row = match check.conclude(evidence, judgement, &mut out) {
        Ran::Over(observed) => CheckRow { id, status: CheckStatus::Ran, why: None, observed },
        Ran::CouldNot(why) => {
            CheckRow { id, status: CheckStatus::CouldNotRun, why: Some(why), observed: String::new() }
        }
    };
    (out, row)
}
