//! Peels packings off a stream until text, an archive or something else unpacked appears.

use std::{
    io::{self, BufReader, Cursor, Read},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{PACKINGS, Packing, trouble::Trouble};

/// Bytes that someone reads and someone else may have packed.
pub(super) type Stream = Box<dyn Read + Send>;

/// What a packing reads from.
pub(super) type Packed = BufReader<Counted>;

/// A stream without its packings.
pub(super) struct Unpacked {
    /// Its beginning, to tell what it is: [`HEAD`] bytes where that many are there.
    pub(super) head: Vec<u8>,
    /// All of it, the head included.
    pub(super) stream: Stream,
    /// Names of what was peeled off, the outermost first.
    pub(super) packings: Vec<&'static str>,
}

/// As much as tells an encrypted database from text; a tar shows its first member in less.
const HEAD: usize = 4096;

/// Bytes read to see the head: as many as cost no more than few do.
const PEEK: usize = 64 << 10;

/// Packings around one another. People make two (a rotated log inside a compressed backup); a file that unpacks to
/// itself, of which there are some, must come to an end.
const DEEPEST: usize = 6;

/// Bytes unpacked at a time. A decompressor that meets damage drops what it unpacked in the same call, so the unit is
/// small, and fixed: how much is saved must not depend on how much was asked for.
const UNPACK: usize = 16 << 10;

/// Buffer between the packed bytes and a decompressor: a few pages, so that small files stay cheap.
const PACKED_BUFFER: usize = 128 << 10;

/// Peels off every packing that the bytes show.
pub(super) fn unpack(stream: Stream, trouble: &Trouble) -> Unpacked {
    let mut packings = Vec::new();
    let (mut head, mut stream) = peek(stream);
    while let Some(packing) = PACKINGS.iter().find(|packing| packing.packs(&head)) {
        if packings.len() == DEEPEST {
            trouble
                .broken(format!("packed more than {DEEPEST} times, one inside the other: unpack it first"));
            break;
        }
        let layer = Layer::open(*packing, &packings, stream, trouble);
        packings.push(packing.name());
        // A whole unit is unpacked even where a few bytes are asked for.
        (head, stream) = peek(Box::new(BufReader::with_capacity(UNPACK, layer)));
    }
    Unpacked { head, stream, packings }
}

/// The beginning of a stream, and the stream as it was. What fails will fail again for whoever reads on.
pub(super) fn peek(mut stream: Stream) -> (Vec<u8>, Stream) {
    let (mut seen, mut have) = (vec![0; PEEK], 0);
    while have < HEAD {
        match stream.read(&mut seen[have..]) {
            Ok(0) => break,
            Ok(read) => have += read,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => break,
        }
    }
    seen.truncate(have);
    let head = seen[..have.min(HEAD)].to_vec();
    (head, Box::new(Cursor::new(seen).chain(stream)))
}

/// One decompressor, and what to say when it fails.
pub(super) struct Layer {
    packing: &'static dyn Packing,
    /// What this packing lies in, for people.
    inside: String,
    unpacked: Stream,
    consumed: Arc<AtomicU64>,
    produced: u64,
    state: State,
    trouble: Trouble,
}

#[derive(Clone, Copy)]
enum State {
    Open,
    Ended,
    Failed(io::ErrorKind),
}

impl Layer {
    pub(super) fn open(
        packing: &'static dyn Packing,
        outer: &[&'static str],
        stream: Stream,
        trouble: &Trouble,
    ) -> Layer {
        let consumed = Arc::new(AtomicU64::new(0));
        let counted = Counted { inner: stream, bytes: Arc::clone(&consumed) };
        let mut layer = Layer {
            packing,
            inside: outer
                .iter()
                .rev()
                .fold(String::new(), |inside, name| inside + " inside the " + name + " data"),
            unpacked: Box::new(io::empty()),
            consumed,
            produced: 0,
            state: State::Open,
            trouble: trouble.clone(),
        };
        match packing.unpack(BufReader::with_capacity(PACKED_BUFFER, counted)) {
            Ok(unpacked) => layer.unpacked = unpacked,
            Err(err) => layer.failed(&err),
        }
        layer
    }

    fn failed(&mut self, err: &io::Error) {
        let name = self.packing.name();
        let (at, read, inside) = (self.consumed.load(Ordering::Relaxed), self.produced, &self.inside);
        self.state = State::Failed(err.kind());
        if self.trouble.is_broken() {
            return;
        }
        if read > 0 && self.packing.is_trailing(err) {
            let note = format!(
                "bytes after the last {name} member{inside}, near byte {at}, are not {name} and were left out"
            );
            self.trouble.note(note);
            self.state = State::Ended;
            return;
        }
        self.trouble.broken(match err.kind() {
            io::ErrorKind::UnexpectedEof => format!(
                "the {name} data{inside} ends before its end, near byte {at}; {read} unpacked bytes before it were read"
            ),
            _ => format!(
                "the {name} data{inside} is damaged near byte {at}: {err}; {read} unpacked bytes before it were read"
            ),
        });
    }
}

impl Read for Layer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let unit = UNPACK.min(buffer.len());
        loop {
            match self.state {
                State::Open => {}
                State::Ended => return Ok(0),
                State::Failed(kind) => return Err(kind.into()),
            }
            match self.unpacked.read(&mut buffer[..unit]) {
                Ok(read) => {
                    self.produced += read as u64;
                    return Ok(read);
                }
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(err) => self.failed(&err),
            }
        }
    }
}

/// Counts the packed bytes that were taken.
pub(super) struct Counted {
    inner: Stream,
    bytes: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.bytes.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

/// A stream that is read at one place and finished at another.
#[derive(Clone)]
pub(super) struct Shared(Arc<Mutex<Stream>>);

impl Shared {
    pub(super) fn new(stream: Stream) -> Shared {
        Shared(Arc::new(Mutex::new(stream)))
    }
}

impl Read for Shared {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).read(buffer)
    }
}
