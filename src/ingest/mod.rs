//! From paths to pieces of text: find the evidence, unpack it, read it a few megabytes at a time.
//!
//! ```text
//! paths --walk--> evidence --Sources--> unpacked or rendered text --Reader--> pieces that end at record borders
//! ```
//!
//! A piece of evidence is mostly one source. An archive has one for each member, and they are read in its order; a
//! folder that is a backup as a whole is one source again.
//!
//! Reading is plain `read` into reused buffers: measured faster than mapping, and a log that is truncated while it
//! is read ends early instead of killing the process. Maps serve [`cite`] alone.
//!
//! What can go wrong with one file is an [`Ending`] and a note in the ledger; it never stops the others.
//!
//! To add a packing: write `packings/<name>.rs` with a unit struct and `impl Packing`, then add its `mod` line and its
//! row below.

mod archives;
mod bookmark;
mod cite;
mod found;
mod fs_store;
mod hash;
mod known;
mod layers;
mod map;
mod packings {
    pub(super) mod bzip2;
    pub(super) mod gzip;
    pub(super) mod lz4;
    pub(super) mod xz;
    pub(super) mod zstd;
}
mod pg_archive;
mod reader;
mod rehash;
mod render;
mod sources;
mod sqlite;
#[cfg(test)]
mod testing;
mod trouble;
mod walk;

use std::io;

pub use bookmark::{BLOCK, Bookmark};
pub use cite::{Citation, Cited, Wanted, cite, cite_records};
pub use hash::{HashKind, hash_file};
pub use known::{still_stand, text_hashes};
pub use reader::{Piece, Reader, Summary};
pub use rehash::{hash_of_beginning, hashes};
pub use render::Damage;
pub use sources::{Listed, Sources, Step};
pub use walk::{Evidence, Found, PassedOver, STDIN, Shape, walk};

use layers::{Packed, Stream};

/// Every packing, by name.
const PACKINGS: &[&dyn Packing] = &[
    &packings::bzip2::Bzip2,
    &packings::gzip::Gzip,
    &packings::lz4::Lz4,
    &packings::xz::Xz,
    &packings::zstd::Zstd,
];

/// A way in which bytes are packed. Told by magic bytes, never by name.
trait Packing: Sync {
    /// As the ledger shows it.
    fn name(&self) -> &'static str;

    /// Whether bytes that begin like this are packed this way.
    fn packs(&self, head: &[u8]) -> bool;

    /// Reads everything that the packed bytes hold: all members, frames or streams of it.
    fn unpack(&self, packed: Packed) -> io::Result<Stream>;

    /// Whether an error only says that something else follows the last member, where the packing's own tool warns and
    /// goes on.
    fn is_trailing(&self, _: &io::Error) -> bool {
        false
    }
}

/// How reading a source ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// All that was there when it was opened.
    #[default]
    Whole,
    /// Whole, with something worth a note.
    Noted(String),
    /// Broken off: what came before is analysed, and the report is incomplete.
    Broken(String),
}
