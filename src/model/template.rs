//! Message templates: what entries say that no pattern names.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{chart::OverTime, finding::Evidence, time::Timestamp};

/// Stands for a masked part inside a shape: no logger writes it, and one byte is quick to look for.
pub const MARK: char = '\u{1}';
/// How a masked part is shown.
pub const SHOWN: &str = "<*>";

/// A template as a report lists it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TemplateSeen {
    /// Of its text and level: the same every night.
    pub id: String,
    /// With `<*>` for what varies.
    pub template: String,
    pub level: String,
    pub occurrences: u64,
    pub first_seen: Option<Timestamp>,
    pub last_seen: Option<Timestamp>,
    /// Messages as they were.
    pub evidence: Vec<Evidence>,
    #[serde(skip_serializing_if = "OverTime::is_empty", default)]
    pub over_time: OverTime,
    /// new, rising, falling, gone or known.
    pub state: String,
    /// Why it is that, with the figures.
    #[serde(default)]
    pub why: String,
    /// When it began to come more often than usual.
    #[serde(default)]
    pub onset: Option<Timestamp>,
}
