//! Unpacked bytes, handed out in pieces that end where a record ends.

use std::io;

use super::{
    hash::HashKind,
    open::{Compression, Ending, Opened},
    walk::Evidence,
};

/// A run of whole records and where it stands in the source.
#[derive(Debug)]
pub struct Piece {
    pub bytes: Vec<u8>,
    /// Offset of the first byte in the unpacked source.
    pub start: u64,
    /// Line of the first byte, from 1.
    pub line: u64,
    /// Nothing follows.
    pub last: bool,
}

/// Reads one source piece by piece.
#[expect(missing_debug_implementations, reason = "holds open files")]
pub struct Reader {
    opened: Opened,
    /// Read and not yet handed out.
    pending: Vec<u8>,
    start: u64,
    line: u64,
    ended: bool,
    error: Option<io::Error>,
}

/// What is left once a source is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub bytes: u64,
    pub hash: String,
    pub compression: &'static str,
    pub ending: Ending,
}

impl Reader {
    /// Opens one file.
    ///
    /// # Errors
    ///
    /// What the operating system says; the caller names the file.
    pub fn open(evidence: &Evidence, hash: HashKind) -> io::Result<Reader> {
        let opened = Opened::open(&evidence.path, hash)?;
        Ok(Reader { opened, pending: Vec::new(), start: 0, line: 1, ended: false, error: None })
    }

    pub fn compression(&self) -> Compression {
        self.opened.compression
    }

    /// Bytes of the file as found that were read so far.
    pub fn raw_bytes(&self) -> u64 {
        self.opened.raw_bytes()
    }

    /// The beginning, up to `size` bytes, without taking it. Says whether that is all.
    pub fn head(&mut self, size: usize) -> (&[u8], bool) {
        self.fill(size);
        (&self.pending[..size.min(self.pending.len())], self.ended && self.pending.len() <= size)
    }

    /// The next run of records: at least `want` bytes where that many are left, more where a record is longer.
    ///
    /// `cut` is shown bytes that begin with a record, and whether they are the last; it returns how many to take,
    /// or `None` to be shown more. `into` is a buffer to reuse. Returns `None` when the source is used up.
    pub fn next(
        &mut self,
        want: usize,
        mut into: Vec<u8>,
        cut: &mut dyn FnMut(&[u8], bool) -> Option<usize>,
    ) -> Option<Piece> {
        let mut have = want;
        let taken = loop {
            self.fill(have + 1);
            if self.pending.is_empty() {
                return None;
            }
            // Until the end is known the last byte is held back: what takes all that it is shown is then asked once
            // more, with `last`, and a source that ends between two records still gets its say.
            let last = self.ended;
            let shown = self.pending.len() - usize::from(!last);
            match cut(&self.pending[..shown], last) {
                Some(taken) if taken > 0 => break taken.min(shown),
                _ if last => break self.pending.len(),
                _ => have = self.pending.len() * 2,
            }
        };
        into.clear();
        into.extend_from_slice(&self.pending[taken..]);
        std::mem::swap(&mut into, &mut self.pending);
        into.truncate(taken);
        let piece = Piece {
            start: self.start,
            line: self.line,
            last: self.ended && self.pending.is_empty(),
            bytes: into,
        };
        self.start += taken as u64;
        self.line += newlines(&piece.bytes);
        Some(piece)
    }

    /// Reads the rest without looking at it, for a file that no format reads. Returns its unpacked bytes.
    pub fn drain(&mut self) -> u64 {
        let mut bytes = std::mem::take(&mut self.pending).len() as u64;
        let mut buffer = vec![0; READ];
        while !self.ended {
            bytes += self.read(&mut buffer) as u64;
        }
        bytes
    }

    /// Closes the source: the hash of all its bytes, and how it ended.
    pub fn finish(self) -> Summary {
        let unpacked = self.start + self.pending.len() as u64;
        let compression = self.opened.compression.name();
        let (hash, bytes, ending) = self.opened.finish(self.error.as_ref(), unpacked);
        Summary { bytes, hash, compression, ending }
    }

    /// Reads until `size` bytes are pending, or the source has ended.
    fn fill(&mut self, size: usize) {
        if self.pending.len() >= size || self.ended {
            return;
        }
        let mut pending = std::mem::take(&mut self.pending);
        let mut have = pending.len();
        // Room beyond what is wanted, so that no read is made smaller by the size of a piece.
        pending.resize(size + READ, 0);
        while have < size && !self.ended {
            have += self.read(&mut pending[have..]);
        }
        pending.truncate(have);
        self.pending = pending;
    }

    fn read(&mut self, buffer: &mut [u8]) -> usize {
        match self.opened.read(buffer) {
            Ok(read) => {
                self.ended = read == 0;
                read
            }
            Err(err) => {
                self.error = Some(err);
                self.ended = true;
                0
            }
        }
    }
}

/// Least number of bytes asked of the operating system at once.
const READ: usize = 256 << 10;

fn newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write, path::PathBuf};

    use super::*;

    fn evidence(dir: &tempfile::TempDir, bytes: &[u8]) -> Evidence {
        let path: PathBuf = dir.path().join("file");
        fs::write(&path, bytes).expect("written");
        Evidence { name: "file".to_owned(), path }
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).expect("memory");
        encoder.finish().expect("memory")
    }

    fn read_all(evidence: &Evidence, want: usize) -> (Vec<u8>, Vec<u64>, Summary) {
        let mut reader = Reader::open(evidence, HashKind::Blake3).expect("opened");
        let mut cut = |bytes: &[u8], last: bool| match bytes.iter().skip(want - 1).position(|b| *b == b'\n') {
            Some(at) => Some(want + at),
            None => last.then_some(bytes.len()),
        };
        let (mut all, mut lines) = (Vec::new(), Vec::new());
        while let Some(piece) = reader.next(want, Vec::new(), &mut cut) {
            assert_eq!(piece.start, all.len() as u64);
            lines.push(piece.line);
            all.extend(piece.bytes);
        }
        (all, lines, reader.finish())
    }

    #[test]
    fn hands_out_every_byte_once_whatever_the_packing() {
        let dir = tempfile::tempdir().expect("a folder");
        let text: Vec<u8> = (0..2000).flat_map(|n| format!("line {n}\n").into_bytes()).collect();
        let two_members = [gzip(&text[..5000]), gzip(&text[5000..])].concat();
        let zstd = zstd::encode_all(&text[..], 1).expect("memory");
        for (packed, name) in [(text.clone(), "none"), (two_members, "gzip"), (zstd, "zstd")] {
            for want in [1, 100, 100_000] {
                let (all, lines, summary) = read_all(&evidence(&dir, &packed), want);
                assert!(all == text, "{name} {want}");
                assert_eq!((summary.compression, summary.bytes), (name, packed.len() as u64));
                assert_eq!(summary.ending, Ending::Whole);
                assert_eq!(summary.hash, format!("blake3:{}", blake3::hash(&packed).to_hex()));
                assert_eq!(lines[0], 1);
            }
        }
    }

    #[test]
    fn keeps_what_comes_before_damage_and_says_where() {
        let dir = tempfile::tempdir().expect("a folder");
        let text = "line\n".repeat(100_000).into_bytes();
        let (gz, zst) = (gzip(&text), zstd::encode_all(&text[..], 1).expect("memory"));
        for packed in [&gz[..gz.len() - 9], &zst[..zst.len() - 3]] {
            let (_, _, summary) = read_all(&evidence(&dir, packed), 1000);
            assert!(
                matches!(&summary.ending, Ending::Broken(why) if why.contains("ends before its end")),
                "{summary:?}"
            );
        }
        let trailing = [&gz[..], b"garbage after the end"].concat();
        let (all, _, summary) = read_all(&evidence(&dir, &trailing), 1000);
        assert!(all == text && matches!(summary.ending, Ending::Noted(_)), "{summary:?}");
        let mut wrong = gz.clone();
        let crc = wrong.len() - 6;
        wrong[crc] ^= 1;
        let (_, _, summary) = read_all(&evidence(&dir, &wrong), 1000);
        assert!(matches!(&summary.ending, Ending::Broken(why) if why.contains("damaged")), "{summary:?}");
    }
}
