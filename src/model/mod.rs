//! The plain data that crosses stage borders. No I/O, no threads, no policy.
//!
//! A type moves here only when two stages name it. Times are [`Timestamp`]s (UTC), places are
//! [`Place`]s (byte and line of the unpacked text), and everything a report prints is in [`report`].

pub mod causes;
pub mod chart;
pub mod conflicts;
pub mod database;
pub mod event;
pub mod fault;
pub mod finding;
pub mod level;
pub mod operation;
pub mod pattern;
pub mod place;
pub mod profile;
pub mod projection;
pub mod record;
pub mod report;
pub mod runbook;
pub mod settings;
pub mod snapshot;
pub mod streams;
pub mod systems;
pub mod template;
pub mod time;
pub mod trace;
pub mod validation;
pub mod values;

pub use causes::{CauseKind, CauseRule, Causes, Symptom};
pub use chart::{Bucket, Lane, OverTime, Timeline};
pub use conflicts::{Conflicts, HotStream};
pub use database::Database;
pub use event::{
    Checkpoint, EventId, Mark, RowFault, Sequence, StoredEvent, StreamClaim, TableRows, Transaction,
};
pub use fault::{FAULT_KINDS, Fault, FaultKind, Missing};
pub use finding::{Compared, Evidence, Finding, Keys, SEVERITIES, Severity, Window};
pub use level::Level;
pub use operation::{HighUse, MemoryUse, Operation, OutcomeRow, Pool, Waits};
pub use pattern::{Condition, PackFile, PackMeta, Pattern, Sample, Tells};
pub use place::Place;
pub use profile::{
    Absence, Columns, Counts, FieldNames, Filter, HeadsKept, IdShape, KnownName, Meaning, PayloadShape,
    PositionMeans, Positions, Reads, Repeat, Role, StoreProfile, StoreSample, Table, TableRole, TableRules,
    TraceWords,
};
pub use record::{Account, Batch, Entry, Field, NameNumber, Problem, Value};
pub use runbook::Runbook;
pub use settings::{AsOf, SETTINGS, Setting, SettingError, SettingValue, Settings};
pub use snapshot::{Observation, Observed};
pub use streams::stream_list;
pub use systems::Systems;
pub use template::{MARK, SHOWN, TemplateSeen};
pub use time::{Timestamp, Zone};
pub use trace::{ID_KINDS, IdKind, Phase, Trace, TraceEntry, TraceOutcome, TracePart, Traces, Turn};
pub use validation::Validation;
pub use values::{Known, Means, Meant, Unit, Values};
