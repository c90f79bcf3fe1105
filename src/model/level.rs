//! How loud a log entry is, in one scale for every logger.

use serde::{Deserialize, Serialize};

/// Ordered by loudness. `Unknown` is the quietest so that comparing with it never raises anything by itself.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    #[default]
    Unknown,
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

pub const LEVELS: [Level; 7] =
    [Level::Unknown, Level::Trace, Level::Debug, Level::Info, Level::Warn, Level::Error, Level::Fatal];

impl Level {
    pub fn name(self) -> &'static str {
        match self {
            Level::Unknown => "unknown",
            Level::Trace => "trace",
            Level::Debug => "debug",
            Level::Info => "info",
            Level::Warn => "warn",
            Level::Error => "error",
            Level::Fatal => "fatal",
        }
    }

    /// Whether an entry of this level speaks up where `least` is asked for. An entry that says no level does:
    /// what a dying process prints has none.
    pub fn raises(self, least: Level) -> bool {
        self == Level::Unknown || self >= least
    }
}
