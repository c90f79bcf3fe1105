//! From paths to pieces of text: find the evidence, unpack it, read it a few megabytes at a time.
//!
//! ```text
//! paths --walk--> evidence --open--> unpacked bytes --Reader--> pieces that end at record borders
//! ```
//!
//! Reading is plain `read` into reused buffers: measured faster than mapping, and a log that is truncated while it
//! is read ends early instead of killing the process. Maps serve [`cite`] alone.
//!
//! What can go wrong with one file is an [`Ending`] and a note in the ledger; it never stops the others.

mod cite;
mod hash;
mod map;
mod open;
mod reader;
mod walk;

pub use cite::{Citation, cite};
pub use hash::HashKind;
pub use open::{Compression, Ending};
pub use reader::{Piece, Reader, Summary};
pub use walk::{Evidence, Found, PassedOver, STDIN, walk};
