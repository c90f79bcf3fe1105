//! How a report is laid out: what was decided once for all writers. Each takes what concerns it.

/// Columns of a text where nobody says how many there are: what a ticket and a small terminal show without wrapping.
pub(super) const COLUMNS: usize = 110;

#[derive(Clone, Debug)]
pub struct Layout {
    /// Columns of the text report.
    pub columns: usize,
    /// How large a page may be.
    pub max_bytes: Option<usize>,
}

impl Default for Layout {
    fn default() -> Layout {
        Layout { columns: COLUMNS, max_bytes: None }
    }
}
