//! Commands that were refused, as the report tells of them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{finding::Evidence, time::Timestamp};

/// Refusals of one command for one reason.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Validation {
    /// `field`, `business-rule`, `state-precondition`, `reference`, `validation`; or `rejected`, where the command
    /// failed with a text that nothing marks and no pattern knows as another trouble.
    pub kind: String,
    /// The field or the rule; else the text, numbers and ids masked with `#`.
    pub rule: String,
    pub command_type: Option<String>,
    pub count: u64,
    /// Some of the values or texts.
    pub values: Vec<String>,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    pub evidence: Vec<Evidence>,
}
