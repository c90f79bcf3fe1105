//! How a report is laid out: what was decided once for all writers. Each takes what concerns it.

use super::{Ticket, sections::SECTIONS};

/// Columns of a text where nobody says how many there are: what a ticket and a small terminal show without wrapping.
pub(super) const COLUMNS: usize = 110;

#[derive(Clone, Debug)]
pub struct Layout {
    /// Columns of the text report.
    pub columns: usize,
    /// Bytes of a page at most. Default: what tickets take.
    pub max_bytes: Option<usize>,
    /// The tracker whose limit the report in its format keeps.
    pub ticket: Option<Ticket>,
    /// Ids of the parts that a report for people shows; empty for all.
    pub sections: Vec<String>,
    /// Incidents shown, the rest are counted. Default: all.
    pub top: usize,
    pub ranks: Ranks,
}

/// Whether the text says why incidents stand in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ranks {
    #[default]
    Shown,
    Explained,
}

impl Default for Layout {
    fn default() -> Layout {
        Layout {
            columns: COLUMNS,
            max_bytes: None,
            ticket: None,
            sections: Vec::new(),
            top: usize::MAX,
            ranks: Ranks::Shown,
        }
    }
}

impl Layout {
    pub(super) fn shows(&self, part: &str) -> bool {
        self.sections.is_empty() || self.sections.iter().any(|wanted| wanted == part)
    }
}

/// The ids of all parts of a report for people, in their order.
pub fn parts() -> Vec<&'static str> {
    let tables = SECTIONS.iter().map(|(id, _)| *id);
    ["incidents", "also", "patterns", "stores"].into_iter().chain(tables).chain(["evidence"]).collect()
}
