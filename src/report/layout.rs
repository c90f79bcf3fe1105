//! How a report is laid out: what was decided once for all writers. Each takes what concerns it.

use super::Ticket;

/// Columns of a text where nobody says how many there are: what a ticket and a small terminal show without wrapping.
pub(super) const COLUMNS: usize = 110;

#[derive(Clone, Debug)]
pub struct Layout {
    /// Columns of the text report.
    pub columns: usize,
    /// The tracker whose limit the report in its format keeps.
    pub ticket: Option<Ticket>,
}

impl Default for Layout {
    fn default() -> Layout {
        Layout { columns: COLUMNS, ticket: None }
    }
}
