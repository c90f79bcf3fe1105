//! xz, all streams of it and the padding between them.

use std::io;

use lzma_rust2::XzReader;

use crate::ingest::{
    Packing,
    layers::{Packed, Stream},
};

pub(crate) struct Xz;

/// Memory that a file may ask for, in KiB: `xz -9` asks for 65 MiB, the format allows 4 GiB.
const MEMORY: u32 = 1 << 20;

impl Packing for Xz {
    fn name(&self) -> &'static str {
        "xz"
    }

    fn packs(&self, head: &[u8]) -> bool {
        head.starts_with(b"\xfd7zXZ\0") // The .xz file format 1.2, 2.1.1.1
    }

    fn unpack(&self, packed: Packed) -> io::Result<Stream> {
        Ok(Box::new(XzReader::new_mem_limit(packed, true, MEMORY)))
    }
}
