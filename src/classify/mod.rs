//! From records to tags: which patterns an entry matches.
//!
//! Patterns are data: to add one, write it into a file of `patterns/` with samples that must and must not match; it
//! needs no Rust. `coroner patterns test` runs every sample, `coroner patterns lint` reads the packs for traps.
//!
//! ```text
//! packs (TOML) --load--> patterns --compile--> Matcher --session--> hits per entry
//! ```

mod causes;
mod lint;
mod literals;
mod matcher;
mod packs;
mod runbooks;
mod samples;
pub mod templates;

pub use causes::CausesError;
pub use lint::{Lint, lint};
pub use matcher::{Hit, Matcher, MatcherError, Session};
pub use packs::{Pack, PackError, Packs};
pub use runbooks::{RunbookError, Runbooks};
pub use samples::{SampleFailure, test_samples};
