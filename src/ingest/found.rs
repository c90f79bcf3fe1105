//! A source as it was found: its size and hash, whatever was made of its bytes.

use std::{
    collections::VecDeque,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use super::{
    hash::{HashKind, Tap},
    layers::Stream,
    trouble::Trouble,
    walk::STDIN,
};

/// Where the bytes of a source are.
pub(super) enum AsFound {
    /// They pass through here while they are read.
    Passing { tap: Tap, file: Option<Opened> },
    /// A renderer reads them in an order of its own: they are read once more, in this order.
    Files { paths: Vec<PathBuf>, hash: Option<HashKind> },
}

/// A file, and its size when it was opened.
pub(super) struct Opened {
    file: File,
    size: u64,
}

impl AsFound {
    /// Opens a file or standard input.
    pub(super) fn open(path: &Path, hash: Option<HashKind>, trouble: &Trouble) -> io::Result<(AsFound, Tap)> {
        if path == Path::new(STDIN) {
            return Ok(AsFound::passing(Box::new(io::stdin()), None, hash, trouble));
        }
        let file = File::open(path)?;
        let size = file.metadata()?.len();
        // What is appended while we read belongs to the next run.
        let bounded = file.try_clone()?.take(size);
        Ok(AsFound::passing(Box::new(bounded), Some(Opened { file, size }), hash, trouble))
    }

    /// A stream that someone else has opened.
    pub(super) fn passing(
        stream: Stream,
        file: Option<Opened>,
        hash: Option<HashKind>,
        trouble: &Trouble,
    ) -> (AsFound, Tap) {
        let tap = Tap::new(stream, hash, trouble);
        (AsFound::Passing { tap: tap.clone(), file }, tap)
    }

    /// Size of the file when it was opened; 0 where that is not known.
    pub(super) fn size(&self) -> u64 {
        match self {
            AsFound::Passing { file: Some(file), .. } => file.size,
            AsFound::Passing { .. } | AsFound::Files { .. } => 0,
        }
    }

    /// Goes on at an offset of a file, as if all before it had been read; the rest of it, without a hash. `None` where it
    /// is no file whose bytes pass through here, or cannot be read there.
    pub(super) fn go_on(&self, from: u64) -> Option<Tap> {
        let AsFound::Passing { tap, file: Some(Opened { file, size }) } = self else { return None };
        let mut file = file.try_clone().ok()?;
        file.seek(SeekFrom::Start(from)).ok()?;
        tap.go_on(Box::new(file.take(size.checked_sub(from)?)), from);
        Some(tap.clone())
    }

    /// Reads what is left, so that the hash is of all the bytes. Returns their number and their hash.
    pub(super) fn finish(self, trouble: &Trouble) -> (u64, String) {
        match self {
            AsFound::Passing { mut tap, file } => {
                tap.drain();
                if let Some(file) = file.filter(|_| trouble.is_silent()) {
                    file.changed(tap.seen(), trouble);
                }
                (tap.seen(), tap.hash())
            }
            AsFound::Files { paths, hash } => {
                let mut tap = Tap::new(Box::new(InTurn { paths: paths.into(), file: None }), hash, trouble);
                tap.drain();
                (tap.seen(), tap.hash())
            }
        }
    }
}

impl Opened {
    fn changed(&self, read: u64, trouble: &Trouble) {
        let size = self.size;
        if read < size {
            trouble
                .broken(format!("shrank while it was read: {size} bytes when opened, {read} could be read"));
            return;
        }
        let now = self.file.metadata().map_or(size, |metadata| metadata.len());
        if now > size {
            trouble.note(format!("grew while it was read: {size} bytes when opened, {now} at the end"));
        }
    }
}

/// Files one after another, each opened when it is its turn.
struct InTurn {
    paths: VecDeque<PathBuf>,
    file: Option<File>,
}

impl Read for InTurn {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(file) = &mut self.file {
                match file.read(buffer)? {
                    0 => self.file = None,
                    read => return Ok(read),
                }
            }
            let Some(path) = self.paths.pop_front() else { return Ok(0) };
            self.file = Some(File::open(path)?);
        }
    }
}
