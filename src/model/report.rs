//! The report: the contract that `report.json` prints field by field. Writers of other formats read it too.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    chart::{OverTime, Timeline},
    conflicts::{Conflicts, HotStream},
    database::Database,
    fault::Fault,
    finding::{Evidence, Finding, Keys, Severity, Window},
    operation::{MemoryUse, Operation, Pool},
    projection::Projection,
    record::Account,
    template::TemplateSeen,
    time::Timestamp,
    trace::Traces,
    validation::Validation,
};

/// Grows when a field changes its meaning; new fields do not count.
pub const SCHEMA_VERSION: &str = "1";

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    #[schemars(extend("const" = SCHEMA_VERSION))]
    pub schema_version: String,
    pub verdict: Verdict,
    pub window: ReportWindow,
    /// When which source spoke, and how loud.
    #[serde(default)]
    pub timeline: Timeline,
    pub incidents: Vec<Incident>,
    pub findings: Vec<Finding>,
    pub suspects: Vec<Suspect>,
    pub patterns: Vec<PatternSeen>,
    /// What entries say that no pattern names, the loudest first.
    #[serde(default)]
    pub templates: Vec<TemplateSeen>,
    #[serde(default)]
    pub unlisted_templates: UnlistedTemplates,
    pub integrity: Integrity,
    pub operations: Vec<Operation>,
    pub pools: Vec<Pool>,
    pub database: Database,
    pub projections: Vec<Projection>,
    pub memory: Vec<MemoryUse>,
    #[serde(default)]
    pub traces: Traces,
    #[serde(default)]
    pub conflicts: Conflicts,
    #[serde(default)]
    pub hot_streams: Vec<HotStream>,
    #[serde(default)]
    pub validation: Vec<Validation>,
    pub ledger: Ledger,
    pub run: Run,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Everything was read and nothing above info was found.
    #[default]
    Clean,
    Findings,
    /// Evidence was handed over that could not be read to its end.
    Incomplete,
}

impl Status {
    pub fn name(self) -> &'static str {
        match self {
            Status::Clean => "clean",
            Status::Findings => "findings",
            Status::Incomplete => "incomplete",
        }
    }
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    pub status: Status,
    /// `None` where there is no finding at all.
    pub worst_severity: Option<Severity>,
    pub incidents: usize,
    pub findings: usize,
    /// Why the run is incomplete, a line each.
    pub incomplete: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ReportWindow {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
    pub as_of: Option<Timestamp>,
    pub as_of_basis: String,
}

/// A named part of a score, so that a rank can be explained.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Term {
    pub name: String,
    /// Whole points: sums do not depend on their order.
    pub points: i64,
    pub why: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    pub rank: usize,
    pub id: String,
    pub title: String,
    pub severity: Severity,
    pub score: i64,
    pub score_terms: Vec<Term>,
    pub window: Window,
    pub root_cause: RootCause,
    pub chain: Vec<ChainLink>,
    pub findings: Vec<String>,
    pub keys: Keys,
    pub counter_evidence: Vec<String>,
    pub not_checked: Vec<String>,
    pub next_steps: Vec<String>,
    pub runbook: Option<String>,
    /// What it says, in Markdown, with the incident's names filled in: who reads a report may not have coroner.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub runbook_text: Option<String>,
}

/// The kinds of cause that the design names, sorted; the last resort, `unclassified`, is none of them.
pub const CAUSE_KINDS: &[&str] = &[
    "change",
    "clock-skew",
    "connection-limit",
    "connection-pool-exhaustion",
    "deadlock",
    "dependency-failure",
    "event-store-corruption",
    "hot-stream",
    "lock-contention",
    "long-running-transaction",
    "memory-pressure",
    "poison-event",
    "process-crash",
    "projection-stall",
    "slow-query",
    "storage-full",
    "validation-regression",
];

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RootCause {
    pub kind: String,
    pub finding: String,
    pub verdict: CauseVerdict,
    pub why: String,
    pub terms: Vec<Term>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CauseVerdict {
    Confirmed,
    Likely,
    Insufficient,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ChainLink {
    pub finding: String,
    pub role: ChainRole,
    pub at: Option<Timestamp>,
    /// The finding that it follows from, by a causal rule.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<String>,
    /// The rule's reason, or what else ties it to the root.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ChainRole {
    Root,
    Effect,
    Symptom,
}

impl ChainRole {
    pub fn name(self) -> &'static str {
        match self {
            ChainRole::Root => "root",
            ChainRole::Effect => "effect",
            ChainRole::Symptom => "symptom",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Suspect {
    pub service: String,
    pub score: i64,
    pub terms: Vec<Term>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PatternSeen {
    pub id: String,
    pub title: String,
    pub severity: Severity,
    pub category: String,
    pub occurrences: u64,
    /// Of the occurrences, those loud enough to raise a finding.
    pub raised: u64,
    pub by_level: std::collections::BTreeMap<String, u64>,
    pub first_seen: Option<Timestamp>,
    pub last_seen: Option<Timestamp>,
    pub latest_message: String,
    pub action: String,
    pub evidence: Vec<Evidence>,
    #[serde(skip_serializing_if = "OverTime::is_empty", default)]
    pub over_time: OverTime,
    /// new, rising, falling, gone or known, against a baseline.
    #[serde(default)]
    pub state: String,
}

/// Templates that are counted and not listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct UnlistedTemplates {
    pub templates: u64,
    pub occurrences: u64,
    /// Sources with so many kinds of messages that more than their values had to be masked.
    pub masked_harder: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Integrity {
    pub stores: Vec<Store>,
    pub faults: Vec<Fault>,
    /// What was counted but is not listed, by store and kind: samples are bounded, counts are not.
    pub unlisted: Vec<Unlisted>,
    /// What kept a store from being read, apart from what is wrong with its events.
    pub scan_errors: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Unlisted {
    pub path: String,
    pub kind: String,
    pub count: u64,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Store {
    pub path: String,
    pub profile: String,
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub schema: String,
    pub streams: u64,
    pub events: u64,
    /// Of copies of one store, the one whose events are counted: the newest.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub copy_of: Option<String>,
    pub checkpoints: u64,
    pub first_version: Option<i64>,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    /// Warning and above, with those that are not listed.
    pub faults: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Ledger {
    pub evidence: Vec<EvidenceRow>,
    pub checks: Vec<CheckRow>,
}

/// What became of one piece of evidence.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvidenceRow {
    pub path: String,
    /// log, store, snapshot, document, other.
    pub kind: String,
    /// Id of the format that read it, or what it was recognised as; `unknown` otherwise.
    pub format: String,
    pub compression: String,
    /// As found.
    pub bytes: u64,
    pub records: u64,
    pub rejected: u64,
    pub skipped: u64,
    /// Unpacked bytes, by what became of them.
    pub read: ReadBytes,
    pub first: Option<Timestamp>,
    pub last: Option<Timestamp>,
    pub zone_basis: String,
    /// How far its clock is ahead of another's, as ids that both logged show.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub clock_offset_ms: Option<f64>,
    /// Of the bytes as found; empty where they could not be read to the end.
    pub hash: String,
    pub notes: Vec<String>,
    /// The first few places that could not be read.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub problems: Vec<String>,
}

/// `bytes = decoded + rejected + skipped`, always.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadBytes {
    pub bytes: u64,
    pub decoded: u64,
    pub rejected: u64,
    pub skipped: u64,
}

impl From<Account> for ReadBytes {
    fn from(account: Account) -> ReadBytes {
        ReadBytes {
            bytes: account.bytes(),
            decoded: account.bytes_decoded,
            rejected: account.bytes_rejected,
            skipped: account.bytes_skipped,
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckRow {
    pub id: String,
    pub status: CheckStatus,
    /// Why it could not run.
    pub why: Option<String>,
    /// How much it looked at, in its own unit.
    pub observed: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CheckStatus {
    Ran,
    CouldNotRun,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Run {
    pub tool: String,
    pub version: String,
    pub arguments: Vec<String>,
    pub settings: std::collections::BTreeMap<String, String>,
    pub pattern_packs: Vec<PackUsed>,
    /// Where values were replaced by pseudonyms.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub redaction: Option<Redaction>,
    /// With `--state`: what this run knew before it began.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub state: Option<StateUsed>,
}

/// What a run had from the runs before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StateUsed {
    /// Runs, this one included.
    pub runs: u64,
    /// Sources that were there with nothing new in them, that went on, that are new, and that are no longer there.
    pub unchanged: u64,
    pub continued: u64,
    pub new: u64,
    pub gone: u64,
    /// Hours that were reported before and have got more since.
    pub revised: Vec<Timestamp>,
    /// Logs that were there in an earlier run, and of which nothing is there now.
    pub missing: Vec<String>,
    /// Findings and incidents that are known and that this report leaves out.
    #[serde(default)]
    pub left_out: u64,
    /// What everything in the report, and what went away, is against the runs before.
    pub standing: Vec<Standing>,
    pub notes: Vec<String>,
}

/// What something is against the runs before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Standing {
    /// finding, incident, pattern or template.
    pub what: String,
    pub id: String,
    pub state: NewsState,
    pub title: String,
    pub first_seen: Option<Timestamp>,
    /// Nights that saw it.
    pub nights: u64,
}

/// What changed since the run before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum NewsState {
    New,
    Recurring,
    Worse,
    Persisting,
    Improved,
    Resolved,
}

impl NewsState {
    pub fn name(self) -> &'static str {
        match self {
            NewsState::New => "new",
            NewsState::Recurring => "recurring",
            NewsState::Worse => "worse",
            NewsState::Persisting => "persisting",
            NewsState::Improved => "improved",
            NewsState::Resolved => "resolved",
        }
    }

    /// Whether someone should look.
    pub fn is_news(self) -> bool {
        matches!(self, NewsState::New | NewsState::Recurring | NewsState::Worse)
    }
}

/// What redaction did, by category of value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Redaction {
    /// Distinct values.
    pub values: std::collections::BTreeMap<String, u64>,
    /// Places where one was replaced.
    pub replaced: std::collections::BTreeMap<String, u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PackUsed {
    pub name: String,
    pub patterns: usize,
    pub hash: String,
}
