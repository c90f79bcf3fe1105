//! The only module that knows the order of the stages.
//!
//! ```text
//! source 0 -> piece -> decode -> classify -> observe -> facts \
//! source 0 -> piece -> decode -> classify -> observe -> facts  > then, in order -> conclude -> report
//! source 1 -> piece -> decode -> classify -> observe -> facts /
//! ```
//!
//! Reading is sequential per source and runs ahead by one wave of pieces; decoding and folding run on every thread.
//! Records never leave the thread that decoded them; only facts do. Facts of pieces are joined in the order of the
//! pieces, facts of sources by name: the report does not depend on threads, piece size or the order of arguments.

mod again;
mod baseline;
mod change;
mod clocks;
mod conclude;
mod copies;
mod find;
mod hours;
mod lane;
mod nights;
mod scan;
mod silence;
mod stories;
mod survey;
mod templates;
mod timeline;
mod unknown;
mod verify;

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use serde::{Deserialize, Serialize};

use crate::{
    check::{self, facts::SourceFacts},
    classify::{Matcher, Packs},
    decode::Lexicon,
    fold::State,
    ingest::{Damage, Evidence, HashKind},
    model::{Compared, Settings},
};

pub use crate::check::Room;
pub use baseline::Baseline;
pub use clocks::Clocks;
pub use conclude::{conclude, conclude_against};
pub use find::{Told, find};
pub use nights::{History, KnownSource, Memory, Normal, Reported, Unreadable, noted};
pub use scan::{scan, scan_new};
pub use survey::{Beginning, FieldSeen, survey};
pub use templates::{Templates, templates};
pub use verify::{Checked, Fingerprints, Standing, Whereabouts, verify};

use copies::{Copied, Opening};
use hours::Hours;
use nights::Recalled;

/// Everything decided before the first byte is read.
#[derive(Debug)]
pub struct Plan {
    pub settings: Settings,
    pub packs: Packs,
    pub matcher: Matcher,
    pub lexicon: Arc<Lexicon>,
    /// Whether the evidence will be held against a baseline: then the order of messages in each trace counts too.
    pub compared: Compared,
    /// Clocks that were wrong.
    pub clocks: Clocks,
    /// Which records are looked at. Default: all; `integrity` looks at stores alone.
    pub scope: Scope,
    pub threads: usize,
    /// Bytes that a piece holds at least.
    pub piece_bytes: usize,
    pub hash: HashKind,
    /// How much of the events' index may be in memory.
    pub room: Room,
    /// As the report repeats them.
    pub arguments: Vec<String>,
}

impl Plan {
    /// What a run without any option does, on one thread and with all memory.
    pub fn plain(packs: Packs, matcher: Matcher, lexicon: Arc<Lexicon>) -> Plan {
        Plan {
            settings: Settings::default(),
            packs,
            matcher,
            lexicon,
            compared: Compared::WithNothing,
            clocks: Clocks::default(),
            scope: Scope::default(),
            threads: 1,
            piece_bytes: PIECE_BYTES,
            hash: HashKind::Blake3,
            room: Room { memory: u64::MAX, folder: std::env::temp_dir() },
            arguments: Vec::new(),
        }
    }
}

/// What a run is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Scope {
    #[default]
    Everything,
    /// Event stores alone: logs are named in the ledger and left out.
    Stores,
}

/// Bytes of a piece, unless the plan says otherwise. Measured: from 512 KiB to 4 MiB the rate is the same; smaller
/// pieces keep memory low.
pub const PIECE_BYTES: usize = 1 << 20;

/// How far a run is; read by whoever shows progress, and set to stop it.
#[derive(Debug, Default)]
pub struct Progress {
    /// Bytes of evidence, as found, that will be read.
    pub total: AtomicU64,
    pub read: AtomicU64,
    /// Set by a signal: the run ends at the next wave.
    pub stop: AtomicBool,
}

/// Why a run ended without a report.
#[derive(Debug, thiserror::Error)]
pub enum Stopped {
    /// From outside.
    #[error("interrupted")]
    Interrupted,
    #[error("{}: sorted runs cannot be kept there: {why}; free space, or choose another --tmp-dir", folder.display())]
    Disk { folder: std::path::PathBuf, why: std::io::Error },
}

/// Every check with what it is about, in order of id.
pub fn checks() -> impl Iterator<Item = (&'static str, &'static str)> {
    check::CHECKS.iter().map(|check| (check.meta().id, check.meta().about))
}

impl Progress {
    fn stopped(&self) -> Result<(), Stopped> {
        if self.stop.load(Ordering::Relaxed) { Err(Stopped::Interrupted) } else { Ok(()) }
    }
}

/// What some of the evidence adds up to. Keyed by the name of its source, so that parts read by other threads, other
/// nights or other machines join.
#[derive(Debug, Default)]
pub struct Partial {
    pub(super) sources: BTreeMap<String, SourcePart>,
}

/// One source: its facts, and what reading it came to.
#[derive(Debug, Default)]
pub(super) struct SourcePart {
    pub(super) evidence: Option<Evidence>,
    pub(super) facts: SourceFacts,
    pub(super) reading: Reading,
    /// What is kept for later runs, hour by hour, where there are any.
    hours: Hours,
    /// Of the last record, which may grow until a later run.
    tail: SourceFacts,
    /// What earlier runs know of it.
    recalled: Recalled,
}

impl SourcePart {
    /// All its facts, wherever they are kept.
    fn every(&mut self) -> impl Iterator<Item = &mut SourceFacts> {
        self.hours.each_mut().chain([&mut self.facts, &mut self.tail])
    }
}

/// How a source was read.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Reading {
    pub(super) kind: String,
    pub(super) format: String,
    /// Set for a server's log: the rank of its form.
    pub(super) server_rank: Option<u8>,
    pub(super) compression: String,
    pub(super) bytes: u64,
    pub(super) hash: String,
    /// Bytes once unpacked.
    pub(super) unpacked: u64,
    /// Of a log.
    pub(super) opening: Option<Opening>,
    pub(super) copied: Copied,
    pub(super) notes: Vec<String>,
    /// Until all pieces are joined.
    #[serde(skip)]
    pub(super) damage: Vec<Damage>,
    /// Why the report is incomplete because of this source.
    pub(super) incomplete: Option<String>,
}

impl Partial {
    /// Moves indexes to disk while they take more memory than there is room, the largest first.
    pub(super) fn make_room(&mut self, room: &Room) -> Result<(), Stopped> {
        let facts = self.sources.values_mut().flat_map(SourcePart::every);
        let stores = facts.flat_map(|facts| facts.stores.values_mut());
        let mut indexes: Vec<_> = stores.map(|store| &mut store.events).collect();
        let mut total: u64 = indexes.iter().map(|index| index.memory()).sum();
        indexes.sort_by_key(|index| std::cmp::Reverse(index.memory()));
        for index in indexes {
            if total <= room.memory {
                break;
            }
            total -= index.memory();
            index.spill(&room.folder).map_err(|why| Stopped::Disk { folder: room.folder.clone(), why })?;
        }
        Ok(())
    }

    /// Joins what comes after `self`: other sources, or the rest of the same ones.
    #[must_use]
    pub fn then(mut self, next: Partial) -> Partial {
        for (name, part) in next.sources {
            match self.sources.get_mut(&name) {
                Some(mine) => mine.facts.merge(part.facts),
                None => {
                    self.sources.insert(name, part);
                }
            }
        }
        self
    }
}
