//! What can be wrong with an event store, in the words of the report's contract.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{finding::Severity, time::Timestamp};

macro_rules! fault_kinds {
    ($($variant:ident $name:literal $severity:ident $means:literal)*) => {
        /// Every kind of fault that a check can state, with its default severity.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(rename_all = "kebab-case")]
        pub enum FaultKind { $($variant),* }

        pub const FAULT_KINDS: &[FaultKind] = &[$(FaultKind::$variant),*];

        impl FaultKind {
            pub fn name(self) -> &'static str {
                match self { $(FaultKind::$variant => $name),* }
            }

            /// Data that is gone or forked is critical; a record that breaks a rule is an error; what may be
            /// harmless is a warning; what only explains is info.
            pub fn severity(self) -> Severity {
                match self { $(FaultKind::$variant => Severity::$severity),* }
            }

            /// One clause, for a report's reader.
            pub fn means(self) -> &'static str {
                match self { $(FaultKind::$variant => $means),* }
            }
        }
    };
}

fault_kinds! {
    AncientTimestamp "ancient-timestamp" Error "events dated more than ten years before the as-of time"
    BadBase "bad-base" Error "events numbered below the store's first version"
    ChangedEvent "changed-event" Critical "events whose content differs from an older copy of the store"
    CheckpointBeyondHead "checkpoint-beyond-head" Error "a checkpoint points past the newest event: its projection skips what is written next"
    CheckpointMissingEvent "checkpoint-missing-event" Error "a checkpoint points at an event that the store does not hold"
    CheckpointStalled "checkpoint-stalled" Warning "a projection that stopped while others went on"
    CheckpointUnreadable "checkpoint-unreadable" Error "a checkpoint's position cannot be read"
    DuplicateEvent "duplicate-event" Error "an event id occurs more than once"
    DuplicateVersion "duplicate-version" Critical "two events claim the same version of a stream"
    EmptyStreamId "empty-stream-id" Error "events without a stream id"
    FilteredExport "filtered-export" Error "so many streams have holes that only a part of the store seems to be here"
    FutureTimestamp "future-timestamp" Error "events dated more than five minutes after the as-of time"
    HashMismatch "hash-mismatch" Critical "content that is not what its writer hashed"
    HeadTruncated "head-truncated" Critical "streams whose first events are missing"
    IdTimeMismatch "id-time-mismatch" Warning "event ids whose time is far from the event's own"
    InvalidEventId "invalid-event-id" Error "event ids that are not of the store's form"
    InvalidMetadata "invalid-metadata" Error "metadata that is not valid JSON"
    InvalidPayload "invalid-payload" Critical "payloads that are not valid JSON"
    InvalidUtf8 "invalid-utf8" Error "records with bytes that are not UTF-8"
    InvalidVersion "invalid-version" Error "stream versions that are not numbers"
    LossyPayload "lossy-payload" Info "payloads that readers may understand differently"
    LostEvent "lost-event" Critical "events of an older copy of the store that the newer lacks"
    MalformedRecord "malformed-record" Error "records that could not be read"
    MissingParent "missing-parent" Critical "transactions whose parents are not there"
    MissingTransaction "missing-transaction" Critical "events of transactions that are not there"
    NilEventId "nil-event-id" Error "events whose id is all zeroes"
    OrderInversion "order-inversion" Info "event ids that run against the versions of their stream (writers' clocks differ)"
    OrphanCause "orphan-cause" Info "causation ids that point at no event"
    OrphanSnapshot "orphan-snapshot" Warning "snapshots of streams that have no events"
    PositionGap "position-gap" Info "positions that no event has"
    ProjectionSkipRisk "projection-skip-risk" Info "events that landed behind a projection that reads in order of ids"
    RepeatedPosition "repeated-position" Error "two events claim the same position in the store"
    SequenceBehind "sequence-behind" Error "a sequence stands behind the positions it gave out: the next append fails"
    SnapshotAhead "snapshot-ahead" Error "snapshots of versions that their streams do not have"
    SnapshotInsideGap "snapshot-inside-gap" Error "snapshots whose stream lacks the events after them"
    StreamMismatch "stream-mismatch" Error "the stream table and the events disagree"
    TailGap "tail-gap" Info "a sequence gave out positions that no event has, after the newest"
    TimestampRegression "timestamp-regression" Warning "streams whose time runs backwards by more than clocks differ"
    TornDump "torn-dump" Critical "the dump ends before its end"
    TornTail "torn-tail" Critical "the last record is cut off"
    VersionGap "version-gap" Critical "streams with missing versions"
}

impl FaultKind {
    /// The check that looks for it first of all; some see it from another side as well.
    pub fn check(self) -> &'static str {
        use FaultKind as K;
        match self {
            K::AncientTimestamp | K::FutureTimestamp => "event-times",
            K::BadBase | K::HeadTruncated | K::VersionGap => "version-gaps",
            K::ChangedEvent | K::LostEvent => "copies",
            K::CheckpointBeyondHead | K::CheckpointMissingEvent | K::CheckpointUnreadable => "checkpoints",
            K::CheckpointStalled => "checkpoint-stalls",
            K::DuplicateEvent => "duplicate-event",
            K::DuplicateVersion => "duplicate-version",
            K::EmptyStreamId => "stream-ids",
            K::FilteredExport => "filtered-export",
            K::HashMismatch | K::MissingParent | K::MissingTransaction => "transactions",
            K::IdTimeMismatch => "id-time",
            K::InvalidEventId | K::NilEventId => "event-ids",
            K::InvalidMetadata | K::InvalidPayload | K::LossyPayload => "payloads",
            K::InvalidUtf8 | K::InvalidVersion | K::MalformedRecord | K::TornDump | K::TornTail => {
                "readable-records"
            }
            K::OrderInversion => "order",
            K::OrphanCause => "causation",
            K::OrphanSnapshot | K::SnapshotAhead | K::SnapshotInsideGap => "snapshots",
            K::PositionGap | K::RepeatedPosition => "positions",
            K::ProjectionSkipRisk => "projections",
            K::SequenceBehind | K::TailGap => "sequences",
            K::StreamMismatch => "stream-table",
            K::TimestampRegression => "stream-times",
        }
    }
}

/// The versions a hole swallows, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Missing {
    pub from: i64,
    pub to: i64,
}

/// One fault of one store: one hole, one record, one stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Fault {
    pub kind: FaultKind,
    pub severity: Severity,
    pub stream_id: Option<String>,
    pub event_id: Option<String>,
    pub expected_version: Option<i64>,
    pub actual_version: Option<i64>,
    pub missing: Option<Missing>,
    /// The last version that its stream has, so that holes can be drawn to scale.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub last_version: Option<i64>,
    /// The event on the other side: before the hole, or the first holder of a version or id.
    pub other_event_id: Option<String>,
    /// The projection whose checkpoint is meant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub projection: Option<String>,
    /// When the event says it was written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub at: Option<Timestamp>,
    pub detail: String,
    pub path: String,
    /// Where the store is a folder: the file in it, which line and byte count in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub file: Option<String>,
    pub line: u64,
    pub byte: u64,
}

impl Fault {
    /// A fault of `kind` with its default severity and nothing else known.
    pub fn new(kind: FaultKind, detail: impl Into<String>) -> Fault {
        Fault {
            kind,
            severity: kind.severity(),
            stream_id: None,
            event_id: None,
            expected_version: None,
            actual_version: None,
            missing: None,
            last_version: None,
            other_event_id: None,
            projection: None,
            at: None,
            detail: detail.into(),
            path: String::new(),
            file: None,
            line: 0,
            byte: 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_contracts_and_sorted() {
        assert!(FAULT_KINDS.is_sorted_by(|a, b| a.name() < b.name()));
        for kind in FAULT_KINDS {
            assert_eq!(serde_json::to_string(kind).expect("a name"), format!("\"{}\"", kind.name()));
        }
    }
}
