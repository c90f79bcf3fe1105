//! What the three formats have in common: a table of contents, and the data of one entry after the other.

use super::toc::Toc;

/// Something is wrong with the archive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) why: String,
    /// The archive is not whole: it ends too early, or where its parts begin is not known any more. A fault that is
    /// not of the structure spoils one table's rows.
    pub(super) structure: bool,
}

impl Fault {
    pub(super) fn structure(why: impl Into<String>) -> Fault {
        Fault { why: why.into(), structure: true }
    }
}

/// What comes next in an archive.
pub(super) enum Found {
    /// The data of an entry.
    Block(usize),
    /// The data of an entry is known not to come.
    Missing(usize, String),
    /// Something that belongs to no entry; what follows it can be read.
    Stray(String),
    /// Nothing more can be read.
    Torn(String),
    End,
}

pub(super) trait Container: Send {
    /// Goes to the next data.
    fn next(&mut self, toc: &Toc) -> Found;

    /// Reads data of the entry that `next` found, unpacked; 0 at its end.
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Fault>;

    /// Leaves the data, wherever in it reading stopped. An error if nothing behind it can be read.
    fn leave(&mut self) -> Result<(), Fault>;

    /// Where in which file reading stands, for a sentence.
    fn place(&self) -> String;
}
