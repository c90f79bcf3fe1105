//! From a report to one that may be shared: every secret, address and chosen field replaced by a stable pseudonym.
//!
//! It works on the whole report before any writer sees it, so that no writer can forget, and looks at every finished
//! output again before anybody else can. Rules are data: `patterns/redact.toml`.
//!
//! ```text
//! report --find--> values --name--> pseudonyms --replace--> report --writers--> output --guard--> shared, or exit 6
//! ```
//!
//! A value that one text shows in the open is replaced in every text, also encoded or cut off, so the rule that knows it
//! need not know every place.

mod forms;
mod guard;
mod known;
mod names;
mod proofs;
mod redactor;
mod rules;
mod samples;
mod stem;

pub use guard::{Guard, Leak};
pub use names::{KEY_BYTES, Key, PrivateMap};
pub use redactor::Redactor;
pub use rules::{Category, Rules, RulesError};
pub use samples::{SampleFailure, test_samples};
