//! The plain data that crosses stage borders. No I/O, no threads, no policy.
//!
//! A type moves here only when two stages name it. Times are [`Timestamp`]s (UTC), places are
//! [`Place`]s (byte and line of the unpacked text), and everything a report prints is in [`report`].

pub mod event;
pub mod fault;
pub mod finding;
pub mod level;
pub mod pattern;
pub mod place;
pub mod profile;
pub mod record;
pub mod report;
pub mod settings;
pub mod time;

pub use event::{
    Checkpoint, EventId, Mark, RowFault, Sequence, StoredEvent, StreamClaim, TableRows, Transaction,
};
pub use fault::{Fault, FaultKind, Missing};
pub use finding::{Evidence, Finding, Keys, Severity, Window};
pub use level::Level;
pub use pattern::{Condition, PackFile, PackMeta, Pattern, Sample};
pub use place::Place;
pub use profile::{
    Absence, Columns, Counts, FieldNames, Filter, HeadsKept, IdShape, Meaning, PayloadShape, PositionMeans,
    Positions, Repeat, Role, StoreProfile, StoreSample, Table, TableRole, TableRules,
};
pub use record::{Account, Batch, Entry, Field, Problem, Value};
pub use settings::{AsOf, Settings};
pub use time::{Timestamp, Zone};
