//! tar, as a forward stream: ustar, GNU's long names and the paths and sizes of PAX.
//!
//! Sparse files would need their holes filled in; they are named, not guessed.

use std::{
    io::{self, Read},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::ingest::{
    archives::{Archive, Inside, Member},
    layers::Stream,
    trouble::Trouble,
};

/// POSIX.1-2017, pax, "ustar Interchange Format": everything is in blocks of this size.
pub(in crate::ingest) const BLOCK: usize = 512;

/// Names, and the records of PAX, are kept in memory: longer than this is damage or malice.
const LONGEST: u64 = 1 << 20;

/// A tar, open at a member.
pub(in crate::ingest) struct Tar {
    state: Arc<Mutex<State>>,
    trouble: Trouble,
}

struct State {
    stream: Stream,
    /// Offset in the archive.
    at: u64,
    /// Unread bytes of the member, and those that fill its last block.
    left: u64,
    padding: u64,
    /// Counts members, so that whoever still holds an old one reads nothing of a new one.
    member: u64,
    ended: bool,
}

/// Whether a stream begins with the header of a member: its checksum is right.
pub(in crate::ingest) fn begins(head: &[u8]) -> bool {
    head.get(..BLOCK).is_some_and(|block| Header(block).is_sound())
}

/// The name of the first member, and the beginning of what it holds.
pub(in crate::ingest) fn first(head: &[u8]) -> Option<(String, &[u8])> {
    begins(head).then(|| (Header(&head[..BLOCK]).name(), &head[BLOCK..]))
}

impl Tar {
    pub(in crate::ingest) fn new(stream: Stream, trouble: &Trouble) -> Tar {
        let state = State { stream, at: 0, left: 0, padding: 0, member: 0, ended: false };
        Tar { state: Arc::new(Mutex::new(state)), trouble: trouble.clone() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next header, past what is left of the member before it. `None` at the end, or where no more can be read.
    fn header(&self) -> Option<Vec<u8>> {
        let mut state = self.lock();
        let rest = state.left.saturating_add(state.padding);
        (state.left, state.padding) = (0, 0);
        state.member += 1;
        let start = state.at;
        if state.skip(rest) < rest {
            let at = state.at;
            self.trouble.broken(format!(
                "the tar ends at byte {at}, inside a member that has {} bytes more",
                rest - (at - start)
            ));
            return None;
        }
        let (at, block) = (state.at, state.block(BLOCK as u64)?);
        if block.len() < BLOCK {
            let found = block.len();
            self.trouble.broken(format!(
                "the tar ends at byte {}, without the empty blocks that end one: more may have followed",
                at + found as u64
            ));
            return None;
        }
        if block.iter().all(|byte| *byte == 0) {
            drop(state);
            self.end();
            return None;
        }
        if !Header(&block).is_sound() {
            self.trouble.broken(format!(
                "the tar is damaged at byte {at}: no header of a member; nothing behind it was read"
            ));
            return None;
        }
        Some(block)
    }

    /// Behind the last member there is nothing but empty blocks; what compressed the tar checks itself at its end.
    fn end(&self) {
        let mut state = self.lock();
        let at = state.at;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let read = state.read(&mut buffer);
            if read == 0 {
                break;
            }
            if buffer[..read].iter().any(|byte| *byte != 0) {
                self.trouble.note(format!("bytes behind the end of the tar, at byte {at}, were left out"));
            }
        }
        state.ended = true;
    }

    /// The bytes of a member that describes another one.
    fn described(&self, header: &Header<'_>) -> Option<Vec<u8>> {
        let mut state = self.lock();
        let (at, size) = (state.at, header.size());
        if size > LONGEST {
            self.trouble.broken(format!("the tar is damaged at byte {at}: a name of {size} bytes"));
            return None;
        }
        let bytes = state.block(size)?;
        let padding = padding(size);
        if (bytes.len() as u64) < size || state.skip(padding) < padding {
            let at = state.at;
            self.trouble.broken(format!("the tar ends at byte {at}, inside a member's name"));
            return None;
        }
        Some(bytes)
    }

    /// The member that a header and the descriptions before it stand for.
    fn member(&self, header: &Header<'_>, told: Told) -> Member {
        let path = told.path.unwrap_or_else(|| header.name());
        let kind = header.kind();
        if kind == b'S' {
            self.skip_sparse_map(header);
        }
        let has_data = !matches!(kind, b'1'..=b'6') || kind == b'1' && told.size.is_some();
        let size = if has_data { told.size.unwrap_or_else(|| header.size()) } else { 0 };
        let mut state = self.lock();
        (state.left, state.padding) = (size, padding(size));
        let link = || told.link.clone().unwrap_or_else(|| header.link());
        let passed = |why: String, missed| Inside::Passed { why, missed };
        let inside = match kind {
            b'S' => passed("a sparse file, which is not read inside an archive: unpack it".to_owned(), true),
            _ if told.sparse => {
                passed("a sparse file, which is not read inside an archive: unpack it".to_owned(), true)
            }
            b'0' | b'7' | 0 if path.ends_with('/') => Inside::Folder,
            b'0' | b'7' | 0 => {
                let trouble = Trouble::default();
                let bytes = Box::new(Inner {
                    state: Arc::clone(&self.state),
                    member: state.member,
                    size,
                    trouble: trouble.clone(),
                    whole: self.trouble.clone(),
                });
                Inside::File { bytes, size, trouble }
            }
            b'1' | b'2' => {
                passed(format!("a link to {}: read where it leads, if that is here", link()), false)
            }
            b'3' | b'4' | b'6' => passed("a device or a pipe, no file".to_owned(), false),
            b'5' | b'D' => Inside::Folder,
            b'M' => passed("the rest of a file that another volume of the tar begins".to_owned(), true),
            b'V' => passed("the label of the tar".to_owned(), false),
            other => passed(
                format!("a member of kind `{}`, which is not read", char::from(other).escape_default()),
                true,
            ),
        };
        Member { path, inside }
    }

    /// The map of a sparse file goes on in blocks of its own (GNU tar, "Old GNU Format": `isextended`).
    fn skip_sparse_map(&self, header: &Header<'_>) {
        let mut more = header.0[482] != 0;
        while more {
            let block = self.lock().block(BLOCK as u64).unwrap_or_default();
            more = block.get(504).is_some_and(|byte| *byte != 0);
        }
    }
}

impl Archive for Tar {
    fn format(&self) -> &'static str {
        "tar"
    }

    fn next(&mut self) -> Option<Member> {
        if self.lock().ended {
            return None;
        }
        let mut told = Told::default();
        let member = loop {
            let Some(block) = self.header() else { break None };
            let header = Header(&block);
            let describes = match header.kind() {
                b'L' => self.described(&header).map(|name| told.path = Some(text(&name))),
                b'K' => self.described(&header).map(|name| told.link = Some(text(&name))),
                b'x' | b'X' => self.described(&header).map(|records| told.read(&records)),
                // Of the archive as a whole; no path and no size can be of all members.
                b'g' => self.described(&header).map(|_| ()),
                _ => break Some(self.member(&header, told)),
            };
            if describes.is_none() {
                break None;
            }
        };
        self.lock().ended |= member.is_none();
        member
    }
}

impl State {
    /// Reads, and counts what was read. What fails has been said by the layer that met it.
    fn read(&mut self, buffer: &mut [u8]) -> usize {
        loop {
            match self.stream.read(buffer) {
                Ok(read) => {
                    self.at += read as u64;
                    return read;
                }
                Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return 0,
            }
        }
    }

    /// Up to so many bytes; fewer at the end.
    fn block(&mut self, size: u64) -> Option<Vec<u8>> {
        let mut block = vec![0; usize::try_from(size).ok()?];
        let mut have = 0;
        while have < block.len() {
            match self.read(&mut block[have..]) {
                0 => break,
                read => have += read,
            }
        }
        block.truncate(have);
        Some(block)
    }

    /// Passes bytes by; returns how many there were.
    fn skip(&mut self, size: u64) -> u64 {
        let mut buffer = vec![0; size.min(64 << 10) as usize];
        let mut left = size;
        while left > 0 {
            let want = left.min(buffer.len() as u64) as usize;
            match self.read(&mut buffer[..want]) {
                0 => break,
                read => left -= read as u64,
            }
        }
        size - left
    }
}

/// A member's bytes.
struct Inner {
    state: Arc<Mutex<State>>,
    member: u64,
    size: u64,
    trouble: Trouble,
    /// Of the tar.
    whole: Trouble,
}

impl Read for Inner {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.member != self.member || state.left == 0 || buffer.is_empty() {
            return Ok(0);
        }
        let want = state.left.min(buffer.len() as u64) as usize;
        let read = state.read(&mut buffer[..want]);
        if read == 0 {
            let (at, size) = (state.at, self.size);
            self.whole.broken(format!("the tar ends at byte {at}, inside a member"));
            self.trouble.broken(format!(
                "its archive ends inside it: {} of {size} bytes are there",
                size - state.left
            ));
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        state.left -= read as u64;
        Ok(read)
    }
}

/// What stands before a header and overrides it.
#[derive(Default)]
struct Told {
    path: Option<String>,
    link: Option<String>,
    size: Option<u64>,
    sparse: bool,
}

impl Told {
    /// Records of PAX: `LENGTH KEY=VALUE\n`, the length being of all of that.
    fn read(&mut self, mut records: &[u8]) {
        while let Some(blank) = records.iter().position(|byte| *byte == b' ') {
            let length: usize = text(&records[..blank]).parse().unwrap_or(0);
            let Some(record) = records.get(blank + 1..length) else { return };
            records = &records[length..];
            let record = record.strip_suffix(b"\n").unwrap_or(record);
            let Some(equals) = record.iter().position(|byte| *byte == b'=') else { continue };
            let value = text(&record[equals + 1..]);
            match &record[..equals] {
                b"path" if !self.sparse => self.path = Some(value),
                b"linkpath" => self.link = Some(value),
                b"size" => self.size = value.parse().ok(),
                b"GNU.sparse.name" => (self.path, self.sparse) = (Some(value), true),
                key if key.starts_with(b"GNU.sparse.") => self.sparse = true,
                _ => (),
            }
        }
    }
}

/// One block that stands for a member. Offsets are of POSIX.1-2017, pax, "ustar Header Block".
struct Header<'b>(&'b [u8]);

impl Header<'_> {
    /// Whether the checksum is right: the sum of all bytes, its own field counted as blanks. Old tars added up signed
    /// bytes.
    fn is_sound(&self) -> bool {
        let told = octal(&self.0[148..156]);
        let bytes = || {
            self.0.iter().enumerate().map(|(at, byte)| if (148..156).contains(&at) { b' ' } else { *byte })
        };
        let unsigned: u64 = bytes().map(u64::from).sum();
        let signed: i64 = bytes().map(|byte| i64::from(byte.cast_signed())).sum();
        told.is_some_and(|told| told == unsigned || told as i64 == signed)
    }

    fn name(&self) -> String {
        let name = text(&self.0[..100]);
        // GNU's magic ends in blanks, and it keeps times where POSIX keeps the first part of the path.
        let prefix = if &self.0[257..263] == b"ustar\0" { text(&self.0[345..500]) } else { String::new() };
        if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
    }

    fn link(&self) -> String {
        text(&self.0[157..257])
    }

    fn kind(&self) -> u8 {
        self.0[156]
    }

    /// Octal, or, with the first bit set, as a number in 95 bits (GNU tar, for files of 8 GiB and more).
    fn size(&self) -> u64 {
        let field = &self.0[124..136];
        if field[0] & 0x80 != 0 {
            return field[4..].iter().fold(0, |number: u64, byte| number << 8 | u64::from(*byte));
        }
        octal(field).unwrap_or(0)
    }
}

fn padding(size: u64) -> u64 {
    size.wrapping_neg() % BLOCK as u64
}

fn octal(field: &[u8]) -> Option<u64> {
    let digits = text(field);
    let digits = digits.trim_matches([' ', '\0']);
    u64::from_str_radix(digits, 8).ok()
}

/// Up to the first zero.
fn text(field: &[u8]) -> String {
    let field = field.split(|byte| *byte == 0).next().unwrap_or_default();
    String::from_utf8_lossy(field).into_owned()
}
