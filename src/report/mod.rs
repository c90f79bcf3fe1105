//! From a report to bytes.
//!
//! To add an output format: write `writers/<name>.rs` with a unit struct, `impl Writer` and its tests, then add its `mod`
//! line and its row below. Text that comes from evidence is hostile until it has passed through `safe`.

mod digest;
mod html;
mod incident;
pub mod inventory;
mod layout;
mod page;
mod safe;
mod schema;
mod sections;
mod ticket;
pub mod waterfall;
mod writers {
    pub(super) mod csv;
    pub(super) mod html;
    pub(super) mod jira;
    pub(super) mod json;
    pub(super) mod jsonl;
    pub(super) mod junit;
    pub(super) mod markdown;
    pub(super) mod prometheus;
    pub(super) mod sarif;
    pub(super) mod slack;
    pub(super) mod text;
}

pub use html::days::{Day, index};
pub use layout::{Layout, Ranks, parts};
pub use safe::printable;
pub use schema::schema;
pub use ticket::{Ticket, Tracker};

use std::io;

use crate::model::report::Report;

/// Every output format, in order of id.
pub const WRITERS: &[&dyn Writer] = &[
    &writers::csv::Csv,
    &writers::html::Html,
    &writers::jira::Jira,
    &writers::json::Json,
    &writers::jsonl::Jsonl,
    &writers::junit::Junit,
    &writers::markdown::Markdown,
    &writers::prometheus::Prometheus,
    &writers::sarif::Sarif,
    &writers::slack::Slack,
    &writers::text::Text,
];

/// One output format.
pub trait Writer: Sync {
    /// Kebab-case: in `FORMAT:PATH`.
    fn id(&self) -> &'static str;

    fn about(&self) -> &'static str;

    /// File name extensions that mean this format.
    fn extensions(&self) -> &'static [&'static str];

    /// Writes the report. The text format writes terminal styles, which the caller strips where no terminal reads.
    fn write(&self, report: &Report, layout: &Layout, out: &mut dyn io::Write) -> io::Result<()>;
}
