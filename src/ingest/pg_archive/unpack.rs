//! Unpacking a table's rows. Truncation is told from an end, and what was unpacked before a fault is handed out.

use std::io::{self, BufRead, Read};

use flate2::{Decompress, FlushDecompress, Status};

use super::{source::bad, toc::Algorithm};

/// Bytes that zstd unpacks at a time. It drops what it unpacked in the call that meets damage, so the unit is small.
const ZSTD_UNIT: usize = 16 << 10;

/// How data is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    /// A zlib stream: what the custom format calls gzip.
    Zlib,
    /// A gzip file: what the directory format calls gzip.
    Gzip,
    Lz4,
    Zstd,
}

impl Packing {
    /// Of the data blocks of a custom archive.
    pub(super) fn of_blocks(algorithm: Algorithm) -> Packing {
        match algorithm {
            Algorithm::None => Packing::None,
            Algorithm::Gzip => Packing::Zlib,
            Algorithm::Lz4 => Packing::Lz4,
            Algorithm::Zstd => Packing::Zstd,
        }
    }

    /// The endings that `pg_dump` gives a data file (`InitDiscoverCompressFileHandle` in `compress_io.c`).
    pub(super) const OF_FILES: [(&str, Packing); 4] =
        [("", Packing::None), (".gz", Packing::Gzip), (".lz4", Packing::Lz4), (".zst", Packing::Zstd)];

    pub(super) fn name(self) -> &'static str {
        match self {
            Packing::None => "plain",
            Packing::Zlib | Packing::Gzip => "gzip",
            Packing::Lz4 => "lz4",
            Packing::Zstd => "zstd",
        }
    }
}

/// A reader of unpacked bytes that gives its input back.
pub(super) enum Unpack<R: BufRead> {
    Plain(R),
    Inflate(Inflate<R>),
    Lz4(Lz4<R>),
    Zstd(Box<zstd::stream::read::Decoder<'static, R>>),
}

impl<R: BufRead> Unpack<R> {
    pub(super) fn new(mut input: R, packing: Packing) -> io::Result<Unpack<R>> {
        // A table without rows may have been given to no compressor at all.
        let empty = input.fill_buf().is_ok_and(<[u8]>::is_empty);
        Ok(match packing {
            _ if empty => Unpack::Plain(input),
            Packing::None => Unpack::Plain(input),
            Packing::Zlib | Packing::Gzip => Unpack::Inflate(Inflate::new(input, packing)),
            Packing::Lz4 => Unpack::Lz4(Lz4::new(input)),
            Packing::Zstd => Unpack::Zstd(Box::new(zstd::stream::read::Decoder::with_buffer(input)?)),
        })
    }

    pub(super) fn input(&self) -> &R {
        match self {
            Unpack::Plain(input) => input,
            Unpack::Inflate(inflate) => &inflate.input,
            Unpack::Lz4(lz4) => &lz4.decoder.get_ref().reader,
            Unpack::Zstd(zstd) => zstd.get_ref(),
        }
    }

    pub(super) fn into_input(self) -> R {
        match self {
            Unpack::Plain(input) => input,
            Unpack::Inflate(inflate) => inflate.input,
            Unpack::Lz4(lz4) => lz4.decoder.into_inner().reader,
            Unpack::Zstd(zstd) => zstd.into_inner(),
        }
    }
}

impl<R: BufRead> Read for Unpack<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Unpack::Plain(input) => input.read(buffer),
            Unpack::Inflate(inflate) => inflate.read(buffer),
            Unpack::Lz4(lz4) => lz4.read(buffer),
            Unpack::Zstd(zstd) => {
                let unit = ZSTD_UNIT.min(buffer.len());
                zstd.read(buffer.get_mut(..unit).unwrap_or_default())
            }
        }
    }
}

/// A zlib stream, or the members of a gzip file. What was unpacked before a fault is handed out, the fault at the
/// next call.
pub(super) struct Inflate<R> {
    input: R,
    packing: Packing,
    state: Decompress,
    /// The end of the stream or member was seen.
    ended: bool,
    fault: Option<io::Error>,
}

/// The window of zlib, as `pg_dump` and gzip use it (RFC 1951, 2: 32 KiB).
const WINDOW_BITS: u8 = 15;

impl<R: BufRead> Inflate<R> {
    fn new(input: R, packing: Packing) -> Inflate<R> {
        Inflate { input, packing, state: fresh(packing), ended: false, fault: None }
    }

    /// Unpacks once; how much came out is known even if it ended in a fault.
    fn step(&mut self, buffer: &mut [u8]) -> (usize, io::Result<()>) {
        let input = match self.input.fill_buf() {
            Ok(input) => input,
            Err(err) => return (0, Err(err)),
        };
        if input.is_empty() && !self.ended {
            return (0, Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends before its end")));
        }
        let (taken, given) = (self.state.total_in(), self.state.total_out());
        let status = self.state.decompress(input, buffer, FlushDecompress::None);
        let given = (self.state.total_out() - given) as usize;
        self.input.consume((self.state.total_in() - taken) as usize);
        match status {
            Ok(status) => self.ended = status == Status::StreamEnd,
            Err(_) => return (given, Err(bad("its bytes or its checksum are wrong"))),
        }
        (given, Ok(()))
    }

    /// Whether nothing follows the end; a gzip file may go on with a further member.
    fn is_over(&mut self) -> io::Result<bool> {
        if self.input.fill_buf()?.is_empty() {
            return Ok(true);
        }
        if self.packing == Packing::Zlib {
            return Err(bad("bytes follow its end"));
        }
        self.state = fresh(self.packing);
        self.ended = false;
        Ok(false)
    }
}

fn fresh(packing: Packing) -> Decompress {
    if packing == Packing::Gzip { Decompress::new_gzip(WINDOW_BITS) } else { Decompress::new(true) }
}

impl<R: BufRead> Read for Inflate<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let Some(fault) = self.fault.take() {
            return Err(fault);
        }
        loop {
            if self.ended && self.is_over()? {
                return Ok(0);
            }
            match self.step(buffer) {
                (0, Ok(())) => {}
                (given, Ok(())) => return Ok(given),
                (0, Err(err)) => return Err(err),
                (given, Err(err)) => {
                    self.fault = Some(err);
                    return Ok(given);
                }
            }
        }
    }
}

/// An LZ4 frame, of which `pg_dump` writes one a table. `lz4_flex` takes a file that ends between two blocks for a
/// whole one, hence the look at its input.
pub(super) struct Lz4<R: BufRead> {
    decoder: lz4_flex::frame::FrameDecoder<Watched<R>>,
    over: bool,
}

impl<R: BufRead> Lz4<R> {
    fn new(input: R) -> Lz4<R> {
        let input = Watched { reader: input, ended: false };
        Lz4 { decoder: lz4_flex::frame::FrameDecoder::new(input), over: false }
    }
}

impl<R: BufRead> Read for Lz4<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.over {
            return Ok(0);
        }
        let read = self.decoder.read(buffer)?;
        if read > 0 || buffer.is_empty() {
            return Ok(read);
        }
        if self.decoder.get_ref().ended {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it ends before its end"));
        }
        if !self.decoder.get_mut().reader.fill_buf()?.is_empty() {
            return Err(bad("bytes follow its end"));
        }
        self.over = true;
        Ok(0)
    }
}

/// Remembers that its end was met.
pub(super) struct Watched<R> {
    reader: R,
    ended: bool,
}

impl<R: Read> Read for Watched<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.reader.read(buffer)?;
        self.ended |= read == 0 && !buffer.is_empty();
        Ok(read)
    }
}
