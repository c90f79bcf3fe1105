//! Unpacked bytes, handed out in pieces that end where a record ends.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _},
    path::{Path, PathBuf},
};

use super::{
    Bookmark, Ending,
    bookmark::Content,
    found::AsFound,
    layers::{Shared, Stream, Unpacked},
    render::{Damage, Rendering},
    trouble::Trouble,
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
    name: String,
    found: AsFound,
    packings: Vec<&'static str>,
    body: Stream,
    /// Who makes the text, where it is made.
    rendering: Option<Rendering>,
    /// What the renderer reads from: it may have seen enough before its end.
    below: Option<Shared>,
    /// Where the bytes are, if they are text in a file that nothing packs.
    plain: Option<PathBuf>,
    /// What follows in the archive cannot be found before this was read.
    in_step: bool,
    trouble: Trouble,
    /// Read and not yet handed out, and room behind it: what was written to once need not be cleared again.
    pending: Vec<u8>,
    /// How much of it was read.
    filled: usize,
    start: u64,
    line: u64,
    ended: bool,
    /// Hashes what is handed out, where a later run may go on from here.
    content: Option<Box<Content>>,
    /// Whether bytes before where it began were passed by: then the hash of the file is that of the content.
    went_on: bool,
}

/// What is left once a source is read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Size as found.
    pub bytes: u64,
    /// Of the bytes as found. Of a file store: of the rendered text; of a dump in many files: of all of them, by name.
    pub hash: String,
    /// The packings that were peeled off, the outermost first; `none`.
    pub compression: String,
    pub ending: Ending,
    pub notes: Vec<String>,
    /// What a renderer found damaged. No break: what came behind it was read.
    pub damage: Vec<Damage>,
}

impl Reader {
    /// Of a stream that is text, or something that has no reader.
    pub(super) fn text(
        name: String,
        found: AsFound,
        unpacked: Unpacked,
        trouble: Trouble,
        path: Option<PathBuf>,
    ) -> Reader {
        let Unpacked { stream, packings, .. } = unpacked;
        let plain = path.filter(|_| packings.is_empty());
        let reader = Reader::new(name, found, stream, trouble);
        Reader { packings, plain, ..reader }
    }

    /// Of text that a renderer makes.
    pub(super) fn rendered(
        name: String,
        found: AsFound,
        text: Stream,
        rendering: Rendering,
        trouble: Trouble,
    ) -> Reader {
        let reader = Reader::new(name, found, text, trouble);
        Reader { rendering: Some(rendering), ..reader }
    }

    fn new(name: String, found: AsFound, body: Stream, trouble: Trouble) -> Reader {
        Reader {
            name,
            found,
            packings: Vec::new(),
            body,
            rendering: None,
            below: None,
            plain: None,
            in_step: false,
            trouble,
            pending: Vec::new(),
            filled: 0,
            start: 0,
            line: 1,
            ended: false,
            content: None,
            went_on: false,
        }
    }

    /// Tells what the renderer reads from.
    #[must_use]
    pub(super) fn below(self, below: Shared, packings: Vec<&'static str>) -> Reader {
        Reader { below: Some(below), packings, ..self }
    }

    /// Says that what follows depends on this being read.
    #[must_use]
    pub(super) fn in_step(self) -> Reader {
        Reader { in_step: true, ..self }
    }

    /// As the ledger names the source.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What the text was made of, as the ledger calls it: a renderer knows better than who reads its text.
    pub fn rendered_from(&self) -> Option<&'static str> {
        self.rendering.as_ref().map(|rendering| rendering.lock().format())
    }

    /// The file, if its bytes are what this reads.
    pub(super) fn plain(&self) -> Option<&Path> {
        self.plain.as_deref()
    }

    /// Bytes from anywhere in it, as many as are there; `None` where it is no plain file and must be read in order.
    pub fn range(&self, from: u64, len: usize) -> Option<io::Result<Vec<u8>>> {
        let path = self.plain()?;
        Some(File::open(path).and_then(|mut file| {
            let mut bytes = Vec::new();
            file.seek(io::SeekFrom::Start(from))?;
            file.take(len as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        }))
    }

    /// Hashes what is handed out from now on, so that there can be a bookmark.
    pub fn watch(&mut self) {
        self.content = Some(Box::default());
    }

    /// Goes on behind a bookmark: at once in a plain file, where `seek` allows it; else by passing by what is before it.
    /// Nothing may have been handed out.
    pub fn go_on(&mut self, bookmark: &Bookmark, seek: bool) {
        let resume = bookmark.resume();
        let file = if seek && self.plain.is_some() { self.found.go_on(resume) } else { None };
        if let Some(tap) = file {
            self.body = Box::new(tap);
            (self.filled, self.ended, self.went_on) = (0, false, true);
        } else {
            self.pass_by(resume, &mut |_| {});
        }
        let mut content = Content::before(bookmark);
        self.pass_by(bookmark.offset - resume, &mut |bytes| content.update(bytes));
        self.content = Some(Box::new(content));
        (self.start, self.line) = (bookmark.offset, bookmark.line);
    }

    /// Where the next piece begins; `None` where nobody watches.
    pub fn bookmark(&self) -> Option<Bookmark> {
        self.content.as_ref().map(|content| content.bookmark(self.line))
    }

    /// Unpacked bytes up to where the next piece begins.
    pub fn handed_out(&self) -> u64 {
        self.start
    }

    /// The file's size when it was opened; 0 where it is none.
    pub fn size(&self) -> u64 {
        self.plain.as_ref().map_or(0, |_| self.found.size())
    }

    /// Takes bytes that are not handed out.
    pub(super) fn pass_by(&mut self, count: u64, visit: &mut dyn FnMut(&[u8])) {
        let mut left = count;
        while left > 0 {
            self.fill(left.min(READ as u64) as usize);
            let now = self.filled.min(usize::try_from(left).unwrap_or(usize::MAX));
            if now == 0 {
                return;
            }
            visit(&self.pending[..now]);
            self.pending.copy_within(now..self.filled, 0);
            self.filled -= now;
            left -= now as u64;
        }
    }

    /// Passes the source by.
    pub fn skip(mut self) {
        if self.in_step {
            self.drain();
        }
    }

    /// The beginning, up to `size` bytes, without taking it. Says whether that is all.
    pub fn head(&mut self, size: usize) -> (&[u8], bool) {
        self.fill(size);
        (&self.pending[..size.min(self.filled)], self.ended && self.filled <= size)
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
            if self.filled == 0 {
                return None;
            }
            // Until the end is known the last byte is held back: what takes all that it is shown is then asked once
            // more, with `last`, and a source that ends between two records still gets its say.
            let last = self.ended;
            let shown = self.filled - usize::from(!last);
            match cut(&self.pending[..shown], last) {
                Some(taken) if taken > 0 => break taken.min(shown),
                _ if last => break self.filled,
                _ => have = self.filled * 2,
            }
        };
        let left = self.filled - taken;
        if into.len() < left {
            into.resize(left, 0);
        }
        into[..left].copy_from_slice(&self.pending[taken..self.filled]);
        std::mem::swap(&mut into, &mut self.pending);
        self.filled = left;
        into.truncate(taken);
        let piece =
            Piece { start: self.start, line: self.line, last: self.ended && self.filled == 0, bytes: into };
        self.start += taken as u64;
        self.line += newlines(&piece.bytes);
        if let Some(content) = &mut self.content {
            content.update(&piece.bytes);
        }
        Some(piece)
    }

    /// Reads the rest without looking at it, for a file that no format reads. Returns its unpacked bytes.
    pub fn drain(&mut self) -> u64 {
        let mut bytes = std::mem::take(&mut self.filled) as u64;
        let mut buffer = vec![0; READ];
        while !self.ended {
            bytes += self.read(&mut buffer) as u64;
        }
        bytes
    }

    /// Closes the source: the hash of all its bytes, and how it ended.
    pub fn finish(self) -> Summary {
        let Reader { found, mut packings, body, rendering, below, trouble, content, went_on, .. } = self;
        drop(body);
        if let Some(mut below) = below {
            // A packing checks itself at its end, which a renderer need not reach. What fails is said where it fails.
            let _ = io::copy(&mut below, &mut io::sink());
        }
        let (bytes, mut hash) = found.finish(&trouble);
        if let Some(content) = content.filter(|_| went_on) {
            hash = format!("blake3:{}", content.hash().to_hex());
        }
        let mut summary = Summary { bytes, hash, ..Summary::default() };
        if let Some(rendering) = rendering {
            let mut render = rendering.lock();
            packings.extend(render.compression());
            summary.notes = render.about();
            summary.damage = render.damage();
        }
        summary.compression = named(&packings);
        summary.ending = trouble.ending();
        summary
    }

    /// Reads until `size` bytes are pending, or the source has ended.
    fn fill(&mut self, size: usize) {
        if self.filled >= size || self.ended {
            return;
        }
        let mut pending = std::mem::take(&mut self.pending);
        // Room beyond what is wanted, so that no read is made smaller by the size of a piece.
        if pending.len() < size + READ {
            pending.resize(size + READ, 0);
        }
        while self.filled < size && !self.ended {
            self.filled += self.read(&mut pending[self.filled..]);
        }
        self.pending = pending;
    }

    pub(super) fn read(&mut self, buffer: &mut [u8]) -> usize {
        loop {
            match self.body.read(buffer) {
                Ok(read) => {
                    self.ended = read == 0;
                    return read;
                }
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(err) => {
                    // Whoever met it has said more; this is for what nobody has met.
                    self.trouble.broken(format!("cannot be read any further: {err}"));
                    self.ended = true;
                    return 0;
                }
            }
        }
    }
}

/// The packings as the ledger shows them.
pub(super) fn named(packings: &[&'static str]) -> String {
    if packings.is_empty() { "none".to_owned() } else { packings.join("+") }
}

/// Least number of bytes asked of the operating system at once. What of them is behind a piece is copied in front of the
/// next one.
const READ: usize = 64 << 10;

fn newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::ingest::{
        Evidence, HashKind, Shape, Sources, Step,
        testing::{PACKERS, Packer, gzip},
    };

    fn evidence(dir: &tempfile::TempDir, bytes: &[u8]) -> Evidence {
        let path: PathBuf = dir.path().join("file");
        fs::write(&path, bytes).expect("written");
        Evidence { name: "file".to_owned(), path, shape: Shape::File }
    }

    fn read_all(evidence: &Evidence, want: usize) -> (Vec<u8>, Vec<u64>, Summary) {
        let mut sources = Sources::open(evidence, Some(HashKind::Blake3)).expect("opened");
        let Some(Step::Read(mut reader)) = sources.step() else { panic!("no source") };
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

    fn assert_read(packed: &[u8], text: &[u8], name: &str) {
        let dir = tempfile::tempdir().expect("a folder");
        for want in [1, 100, 100_000] {
            let (all, lines, summary) = read_all(&evidence(&dir, packed), want);
            assert!(all == text, "{name} {want}: {} of {} bytes, {summary:?}", all.len(), text.len());
            assert_eq!((summary.compression.as_str(), summary.bytes), (name, packed.len() as u64));
            assert_eq!(summary.ending, Ending::Whole, "{name}");
            assert_eq!(summary.hash, format!("blake3:{}", blake3::hash(packed).to_hex()));
            assert_eq!(lines[0], 1);
        }
    }

    fn lines(count: usize) -> Vec<u8> {
        (0..count).flat_map(|n| format!("line {n} of {}\n", n * 7919 % 1000).into_bytes()).collect()
    }

    #[test]
    fn hands_out_every_byte_once_whatever_the_packing() {
        let text = lines(2000);
        assert_read(&text, &text, "none");
        for (name, pack) in PACKERS {
            assert_read(&pack(&text), &text, name);
            let joined = [pack(&text[..5000]), pack(&text[5000..])].concat();
            assert_read(&joined, &text, name);
        }
    }

    #[test]
    fn peels_every_packing_off_every_other() {
        let text = lines(2000);
        for (inner, pack) in PACKERS {
            for (outer, pack_again) in PACKERS {
                assert_read(&pack_again(&pack(&text)), &text, &format!("{outer}+{inner}"));
            }
        }
        let six = (0..6).fold(text.clone(), |packed, _| gzip(&packed));
        assert_read(&six, &text, &["gzip"; 6].join("+"));
        let dir = tempfile::tempdir().expect("a folder");
        let (_, _, summary) = read_all(&evidence(&dir, &gzip(&six)), 100);
        assert!(
            matches!(&summary.ending, Ending::Broken(why) if why.contains("more than 6 times")),
            "{summary:?}"
        );
    }

    #[test]
    fn skips_the_frames_that_zstd_says_to_skip() {
        let text = lines(100);
        let skipped = [0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3];
        assert_read(&[&skipped, &PACKERS[4].1(&text)[..], &skipped].concat(), &text, "zstd");
    }

    /// What is saved, and what is said, must not depend on the size of the pieces.
    fn assert_damage(packed: &[u8], name: &str, says: &str) -> Vec<u8> {
        let dir = tempfile::tempdir().expect("a folder");
        let (all, _, summary) = read_all(&evidence(&dir, packed), 100_000);
        assert!(
            matches!(&summary.ending, Ending::Broken(why) if why.contains(says) && why.contains("near byte ")),
            "{name}: {says}? {summary:?}"
        );
        assert_eq!(summary.hash, format!("blake3:{}", blake3::hash(packed).to_hex()), "{name}");
        let (again, _, same) = read_all(&evidence(&dir, packed), 77);
        assert!(again == all && same == summary, "{name}: {summary:?}, in small pieces {same:?}");
        all
    }

    #[test]
    fn keeps_what_comes_before_damage_and_says_where() {
        let text: Vec<u8> = lines(400_000);
        for (name, pack) in PACKERS {
            let packed = pack(&text);
            for cut in [packed.len() / 2, packed.len() - 3] {
                let read = assert_damage(&packed[..cut], name, "ends before its end");
                assert!(text.starts_with(&read), "{name}, cut at {cut}");
                assert!(read.len() > text.len() / 4, "{name}, cut at {cut}: {} bytes", read.len());
            }
            let mut flipped = packed.clone();
            flipped[packed.len() / 2] ^= 0x10;
            flipped[packed.len() / 2 + 1] ^= 0x55;
            let read = assert_damage(&flipped, name, "damaged");
            let same = read.iter().zip(&text).take_while(|(a, b)| a == b).count();
            assert!(same > text.len() / 4, "{name}, flipped: {same} bytes");
            let read = assert_damage(
                &gzip(&packed[..packed.len() / 2]),
                name,
                &format!("{name} data inside the gzip"),
            );
            assert!(read.len() > text.len() / 4, "{name} inside gzip: {} bytes", read.len());
        }
    }

    #[test]
    fn leaves_out_what_follows_the_last_member() {
        let dir = tempfile::tempdir().expect("a folder");
        let text = lines(1000);
        let warns = |(name, _): &&(&str, Packer)| ["gzip", "bzip2"].contains(name);
        for (name, pack) in PACKERS.iter().filter(warns) {
            let trailing = [&pack(&text)[..], b"garbage after the end"].concat();
            let (all, _, summary) = read_all(&evidence(&dir, &trailing), 1000);
            assert!(all == text && matches!(summary.ending, Ending::Noted(_)), "{name}: {summary:?}");
        }
        let mut wrong = gzip(&text);
        let crc = wrong.len() - 6;
        wrong[crc] ^= 1;
        assert_damage(&wrong, "gzip", "damaged");
    }
}
