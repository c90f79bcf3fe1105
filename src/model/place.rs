//! Where something stands. The byte is the truth; a line is how people find it.

use serde::{Deserialize, Serialize};

/// A place in one source, counted in its unpacked bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Offset of the record's first byte, from 0.
    pub byte: u64,
    /// Line of that byte, from 1. 0 where only the byte is known, until it is cited.
    pub line: u64,
}

impl Place {
    /// A place whose line is looked up when it is cited.
    pub fn at_byte(byte: u64) -> Place {
        Place { byte, line: 0 }
    }
}
