//! LZ4 frames, one after another, and the legacy frame that old kernels and tools write.

use std::io::{self, BufRead, Read};

use lz4_flex::frame::FrameDecoder;

use crate::ingest::{
    Packing,
    layers::{Packed, Stream},
};

pub(crate) struct Lz4;

/// The LZ4 frame format 1.6.4, "Magic Number".
const FRAME: [u8; 4] = [0x04, 0x22, 0x4d, 0x18];
/// The same, "Legacy frame".
const LEGACY: [u8; 4] = [0x02, 0x21, 0x4c, 0x18];

impl Packing for Lz4 {
    fn name(&self) -> &'static str {
        "lz4"
    }

    fn packs(&self, head: &[u8]) -> bool {
        head.starts_with(&FRAME) || head.starts_with(&LEGACY)
    }

    fn unpack(&self, mut packed: Packed) -> io::Result<Stream> {
        let legacy = packed.fill_buf()?.starts_with(&LEGACY);
        Ok(Box::new(Frames { decoder: FrameDecoder::new(Input { packed, ended: false }), legacy }))
    }
}

/// The decoder stops after each frame, and takes the end of its input for the end of a frame; so whether there is
/// more, and whether the end was one, is decided here.
struct Frames {
    decoder: FrameDecoder<Input>,
    /// A legacy frame has no mark at its end.
    legacy: bool,
}

struct Input {
    packed: Packed,
    /// More was asked for than there was.
    ended: bool,
}

impl Read for Frames {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.decoder.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let input = self.decoder.get_mut();
            if input.ended {
                return if self.legacy { Ok(0) } else { Err(io::ErrorKind::UnexpectedEof.into()) };
            }
            if input.packed.fill_buf()?.is_empty() {
                return Ok(0);
            }
        }
    }
}

impl Read for Input {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.packed.read(buffer)?;
        self.ended |= read == 0 && !buffer.is_empty();
        Ok(read)
    }
}
