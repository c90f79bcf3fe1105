//! One file, opened and unpacked. Compression is told by magic bytes, never by name.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
};

use flate2::bufread::MultiGzDecoder;

use super::{
    hash::{HashKind, Hashing},
    walk::STDIN,
};

/// How the bytes are packed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    #[default]
    None,
    Gzip,
    Zstd,
}

impl Compression {
    pub fn name(self) -> &'static str {
        match self {
            Compression::None => "none",
            Compression::Gzip => "gzip",
            Compression::Zstd => "zstd",
        }
    }

    fn of(head: &[u8]) -> Compression {
        match head {
            [0x1f, 0x8b, ..] => Compression::Gzip,             // RFC 1952, 2.3.1
            [0x28, 0xb5, 0x2f, 0xfd, ..] => Compression::Zstd, // RFC 8878, 3.1.1
            [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Compression::Zstd, // RFC 8878, 3.1.2: a skippable frame
            _ => Compression::None,
        }
    }
}

/// How reading a file ended.
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

type Raw = BufReader<Hashing<Box<dyn Read + Send>>>;

/// Buffer between the file and a decompressor: a few pages, so that small files stay cheap.
const RAW_BUFFER: usize = 128 << 10;

/// Bytes unpacked at a time. A decompressor that meets damage drops what it unpacked in the same call, so the unit is
/// small, and fixed: how much is saved must not depend on how much was asked for.
const UNPACK: usize = 16 << 10;

/// An open file, read through its decompressor.
pub(super) struct Opened {
    stage: Stage,
    pub(super) compression: Compression,
    /// Size when opened, where there is one.
    size: Option<u64>,
    path: Option<File>,
}

#[expect(clippy::large_enum_variant, reason = "one per open file")]
enum Stage {
    Plain(Raw),
    Gzip(Box<MultiGzDecoder<Raw>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, Raw>>),
}

impl Opened {
    pub(super) fn open(path: &Path, hash: HashKind) -> io::Result<Opened> {
        if path == Path::new(STDIN) {
            return Opened::from_reader(Box::new(io::stdin()), None, None, hash);
        }
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        // What is appended while we read belongs to the next run.
        let bounded = file.try_clone()?.take(size);
        Opened::from_reader(Box::new(bounded), Some(size), Some(file), hash)
    }

    fn from_reader(
        reader: Box<dyn Read + Send>,
        size: Option<u64>,
        path: Option<File>,
        hash: HashKind,
    ) -> io::Result<Opened> {
        let mut raw = BufReader::with_capacity(RAW_BUFFER, Hashing::new(reader, hash));
        let compression = Compression::of(raw.fill_buf()?);
        let stage = match compression {
            Compression::None => Stage::Plain(raw),
            Compression::Gzip => Stage::Gzip(Box::new(MultiGzDecoder::new(raw))),
            Compression::Zstd => Stage::Zstd(Box::new(zstd::stream::read::Decoder::with_buffer(raw)?)),
        };
        Ok(Opened { stage, compression, size, path })
    }

    /// Reads unpacked bytes.
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let unit = UNPACK.min(buffer.len());
        loop {
            let read = match &mut self.stage {
                Stage::Plain(raw) => raw.read(buffer),
                Stage::Gzip(gzip) => gzip.read(&mut buffer[..unit]),
                Stage::Zstd(zstd) => zstd.read(&mut buffer[..unit]),
            };
            match read {
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// Size of the file as found, once read.
    pub(super) fn raw_bytes(&self) -> u64 {
        self.raw().get_ref().bytes
    }

    /// Reads what is left of the file, so that its hash is of all its bytes. Returns hash, size, and what the
    /// file system says now.
    pub(super) fn finish(mut self, error: Option<&io::Error>, unpacked: u64) -> (String, u64, Ending) {
        let ending = error.map_or(Ending::Whole, |err| self.ending(err, unpacked));
        let raw = self.raw_mut();
        let mut sink = io::sink();
        if let Err(err) = io::copy(raw, &mut sink) {
            let why = format!("cannot be read after byte {}: {err}", raw.get_ref().bytes);
            return (String::new(), raw.get_ref().bytes, Ending::Broken(why));
        }
        let (hash, bytes) = (raw.get_ref().hash(), raw.get_ref().bytes);
        (hash, bytes, if ending == Ending::Whole { self.changed(bytes) } else { ending })
    }

    fn ending(&self, err: &io::Error, unpacked: u64) -> Ending {
        let packed = self.compression.name();
        let at = self.raw_bytes();
        match (self.compression, err.kind()) {
            // What follows the last member and is no member: gzip(1) warns and goes on.
            (Compression::Gzip, io::ErrorKind::InvalidInput)
                if unpacked > 0 && err.to_string().contains("header") =>
            {
                Ending::Noted(format!(
                    "bytes after the last gzip member, near byte {at}, are not gzip and were left out"
                ))
            }
            (Compression::None, _) => Ending::Broken(format!("cannot be read after byte {at}: {err}")),
            (_, io::ErrorKind::UnexpectedEof) => Ending::Broken(format!(
                "the {packed} data ends before its end, near byte {at}; {unpacked} unpacked bytes before it were read"
            )),
            _ => Ending::Broken(format!(
                "the {packed} data is damaged near byte {at}: {err}; {unpacked} unpacked bytes before it were read"
            )),
        }
    }

    fn changed(&self, read: u64) -> Ending {
        let now = self.path.as_ref().and_then(|file| file.metadata().ok()).map(|metadata| metadata.len());
        match (self.size, now) {
            (Some(size), _) if read < size => Ending::Broken(format!(
                "shrank while it was read: {size} bytes when opened, {read} could be read"
            )),
            (Some(size), Some(now)) if now > size => {
                Ending::Noted(format!("grew while it was read: {size} bytes when opened, {now} at the end"))
            }
            _ => Ending::Whole,
        }
    }

    fn raw(&self) -> &Raw {
        match &self.stage {
            Stage::Plain(raw) => raw,
            Stage::Gzip(gzip) => gzip.get_ref(),
            Stage::Zstd(zstd) => zstd.get_ref(),
        }
    }

    fn raw_mut(&mut self) -> &mut Raw {
        match &mut self.stage {
            Stage::Plain(raw) => raw,
            Stage::Gzip(gzip) => gzip.get_mut(),
            Stage::Zstd(zstd) => zstd.get_mut(),
        }
    }
}
