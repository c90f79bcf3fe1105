//! What leads to what: root-cause kinds, symptoms, and the rules between them. Data from `patterns/causes.toml`.
//!
//! `classify` loads it; `correlate` joins findings and finds root causes by it.

use serde::{Deserialize, Deserializer, de::Error};

use super::{finding::Finding, settings};

/// All causal knowledge of a run.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Causes {
    #[serde(default, rename = "kind")]
    pub kinds: Vec<CauseKind>,
    #[serde(default, rename = "symptom")]
    pub symptoms: Vec<Symptom>,
    #[serde(default, rename = "rule")]
    pub rules: Vec<CauseRule>,
}

/// A root-cause kind.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CauseKind {
    pub id: String,
    /// How likely, from 0 to 10, it is where trouble begins.
    pub prior: i64,
    /// It mends itself: one or two log entries of it are no incident.
    #[serde(default)]
    pub passing: bool,
    /// Log entries tell of it when it ends: it may have begun this many microseconds before the first of them.
    #[serde(default, deserialize_with = "duration")]
    pub late: i64,
}

/// What is never a root cause.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Symptom {
    pub id: String,
    /// Kinds of findings.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Categories of patterns.
    #[serde(default)]
    pub categories: Vec<String>,
}

/// One thing leads to others.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CauseRule {
    /// A kind or a symptom.
    pub cause: String,
    pub effects: Vec<String>,
    /// Microseconds from the last sight of the cause to the beginning of the effect.
    #[serde(deserialize_with = "duration")]
    pub within: i64,
    /// Keys of which both have a value in common, if both have any.
    #[serde(default)]
    pub shares: Vec<String>,
    pub why: String,
}

impl Causes {
    pub fn kind(&self, id: &str) -> Option<&CauseKind> {
        self.kinds.iter().find(|kind| kind.id == id)
    }

    /// The words that a finding goes by: its root-cause kind first, then its symptoms.
    pub fn words<'c>(&'c self, finding: &'c Finding) -> Vec<&'c str> {
        let shows = |symptom: &&Symptom| {
            symptom.kinds.contains(&finding.kind)
                || (!finding.category.is_empty() && symptom.categories.contains(&finding.category))
        };
        let symptoms = self.symptoms.iter().filter(shows).map(|symptom| symptom.id.as_str());
        finding.cause.as_deref().into_iter().chain(symptoms).collect()
    }
}

/// A duration as settings are written: `5m`.
fn duration<'de, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let text = String::deserialize(from)?;
    settings::duration(&text).map_err(D::Error::custom)
}
