//! From a report to bytes.
//!
//! To add an output format: write `writers/<name>.rs` with a unit struct, `impl Writer` and its tests, then add its `mod`
//! line and its row below. Text that comes from evidence is hostile until it has passed through `safe`.

mod digest;
mod index;
mod layout;
mod safe;
mod sections;
pub mod waterfall;
mod writers {
    pub(super) mod json;
    pub(super) mod markdown;
    pub(super) mod text;
}

pub use index::{Day, index};
pub use layout::Layout;
pub use safe::printable;

use std::io;

use crate::model::report::Report;

/// Every output format, in order of id.
pub const WRITERS: &[&dyn Writer] =
    &[&writers::json::Json, &writers::markdown::Markdown, &writers::text::Text];

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
