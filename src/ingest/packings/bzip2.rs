//! bzip2, all streams of it: pbzip2 writes many.

use std::io;

use bzip2::bufread::MultiBzDecoder;

use crate::ingest::{
    Packing,
    layers::{Packed, Stream},
};

pub(crate) struct Bzip2;

impl Packing for Bzip2 {
    fn name(&self) -> &'static str {
        "bzip2"
    }

    /// `BZh`, the block size as a digit, then the first block's mark or, of nothing, the end's. Both are digits of pi
    /// and of its root; three letters alone would be too little to tell it from text.
    fn packs(&self, head: &[u8]) -> bool {
        match head {
            [b'B', b'Z', b'h', b'1'..=b'9', mark @ ..] => {
                mark.starts_with(&[0x31, 0x41, 0x59, 0x26, 0x53, 0x59])
                    || mark.starts_with(&[0x17, 0x72, 0x45, 0x38, 0x50, 0x90])
            }
            _ => false,
        }
    }

    fn unpack(&self, packed: Packed) -> io::Result<Stream> {
        Ok(Box::new(MultiBzDecoder::new(packed)))
    }

    /// What follows the last stream and is no stream: bzip2(1) warns and goes on.
    fn is_trailing(&self, err: &io::Error) -> bool {
        err.to_string().contains("bz2 header missing")
    }
}
