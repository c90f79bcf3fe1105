//! gzip, all members of it: what logrotate and most shippers leave behind.

use std::io::{self, ErrorKind};

use flate2::bufread::MultiGzDecoder;

use crate::ingest::{
    Packing,
    layers::{Packed, Stream},
};

pub(crate) struct Gzip;

impl Packing for Gzip {
    fn name(&self) -> &'static str {
        "gzip"
    }

    fn packs(&self, head: &[u8]) -> bool {
        head.starts_with(&[0x1f, 0x8b]) // RFC 1952, 2.3.1
    }

    fn unpack(&self, packed: Packed) -> io::Result<Stream> {
        Ok(Box::new(MultiGzDecoder::new(packed)))
    }

    /// What follows the last member and is no member: gzip(1) warns and goes on.
    fn is_trailing(&self, err: &io::Error) -> bool {
        err.kind() == ErrorKind::InvalidInput && err.to_string().contains("header")
    }
}
