//! The judgements a user may change. Read when concluding, never when folding.

use serde::{Deserialize, Serialize};

use super::time::{SECOND, Timestamp};

/// Thresholds, with the source chapter's values as defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// When "now" is for this evidence.
    pub as_of: AsOf,
    /// An event dated later than this after the as-of time is a fault (chapter: 5 minutes), in microseconds.
    pub future_after: i64,
    /// An event dated earlier than this before the as-of time is a fault (chapter: 10 years of 365 days), in microseconds.
    pub ancient_before: i64,
    /// A stream whose time runs back by more than this is a fault, in microseconds. 10 s: clocks and lock waits of the
    /// healthy systems measured stay below 2.1 s, and a writer that waited longer meets a version conflict.
    pub regression_over: i64,
    /// An event id's time further than this from the event's own is a fault; below it, lock waits and clocks explain it.
    pub id_time_apart: i64,
    /// A checkpoint that others have left this far behind has stopped, in microseconds (chapter: a lag of 5 minutes is a
    /// warning).
    pub stalled_after: i64,
    /// Findings of one incident are at most this far apart in time, in microseconds (research note A6: tau = 5 min).
    pub incident_gap: i64,
}

/// Where the as-of time comes from. Default: [`AsOf::Newest`]; `--as-of` overrides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AsOf {
    /// The newest trustworthy time in the evidence.
    Newest,
    At(Timestamp),
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            as_of: AsOf::Newest,
            future_after: 5 * 60 * SECOND,
            ancient_before: 10 * 365 * 86_400 * SECOND,
            regression_over: 10 * SECOND,
            id_time_apart: 5 * 60 * SECOND,
            stalled_after: 5 * 60 * SECOND,
            incident_gap: 5 * 60 * SECOND,
        }
    }
}
