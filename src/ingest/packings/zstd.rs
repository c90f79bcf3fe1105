//! Zstandard, all frames of it, those that a decoder should skip included.

use std::io;

use crate::ingest::{
    Packing,
    layers::{Packed, Stream},
};

pub(crate) struct Zstd;

impl Packing for Zstd {
    fn name(&self) -> &'static str {
        "zstd"
    }

    fn packs(&self, head: &[u8]) -> bool {
        match head {
            [0x28, 0xb5, 0x2f, 0xfd, ..] => true,        // RFC 8878, 3.1.1
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => true, // RFC 8878, 3.1.2: a frame to skip
            _ => false,
        }
    }

    fn unpack(&self, packed: Packed) -> io::Result<Stream> {
        Ok(Box::new(zstd::stream::read::Decoder::with_buffer(packed)?))
    }
}
