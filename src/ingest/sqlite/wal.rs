//! The write-ahead log beside a database: which of its frames are committed, without `SQLite`, which would change the
//! log to find out (<https://sqlite.org/fileformat2.html#the_write_ahead_log>).

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::Path,
};

use super::header::be32;

/// What a log holds, and what is to be said about it.
pub(super) struct Wal {
    file: File,
    name: String,
    pub(super) page_size: u64,
    /// The last committed content of each page: where it is in the log.
    pub(super) pages: BTreeMap<u32, u64>,
    /// Pages of the database as of the last commit.
    pub(super) database_pages: u32,
    /// Frames up to the last commit.
    pub(super) committed: u64,
    /// Valid frames.
    valid: u64,
    pub(super) notes: Vec<String>,
    pub(super) damage: Vec<String>,
}

/// Bytes of the log's header.
const HEADER: usize = 32;

/// Bytes before each page.
const FRAME_HEADER: usize = 24;

/// The log's magic; with the lowest bit set its checksums are over big-endian words.
const MAGIC: u32 = 0x377f_0682;

impl Wal {
    /// Reads the log at `path`. `None`: there is none, or it is empty.
    pub(super) fn read(path: &Path) -> io::Result<Option<Wal>> {
        let file = match File::open(path) {
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?,
        };
        let size = file.metadata()?.len();
        if size == 0 {
            return Ok(None);
        }
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut wal = Wal {
            file: file.try_clone()?,
            name,
            page_size: 0,
            pages: BTreeMap::new(),
            database_pages: 0,
            committed: 0,
            valid: 0,
            notes: Vec::new(),
            damage: Vec::new(),
        };
        // What is appended while we read belongs to the next run.
        wal.scan(&mut BufReader::with_capacity(1 << 20, file.take(size)))?;
        Ok(Some(wal))
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The committed content of a page, if the log has it.
    pub(super) fn page(&mut self, page: u32, into: &mut [u8]) -> io::Result<bool> {
        let Some(at) = self.pages.get(&page) else { return Ok(false) };
        self.file.seek(SeekFrom::Start(*at))?;
        self.file.read_exact(into)?;
        Ok(true)
    }

    /// What was taken from the log.
    pub(super) fn summary(&self) -> String {
        let (pages, name, last) = (self.pages.len(), &self.name, self.committed);
        let frames = self.valid;
        format!("with {pages} pages of {name}, up to its last commit (frame {last} of {frames})")
    }

    fn scan(&mut self, from: &mut impl Read) -> io::Result<()> {
        let mut header = [0; HEADER];
        if read_whole(from, &mut header)? < HEADER {
            self.notes.push(format!("{} ends inside its header and holds nothing", self.name));
            return Ok(());
        }
        self.page_size = u64::from(be32(&header, 8));
        let magic = be32(&header, 0);
        if magic & !1 != MAGIC
            || !self.page_size.is_power_of_two()
            || !(512..=65_536).contains(&self.page_size)
        {
            return self.unreadable(from, &header);
        }
        let mut sum = Checksum { big: magic & 1 == 1, ..Checksum::default() };
        sum.add(&header[..24]);
        let intact = sum.is(&header[24..]);
        let mut frames = Frames { salts: salts(&header, 16), sum, pending: Vec::new(), at: HEADER as u64 };
        let mut frame = vec![0; FRAME_HEADER + self.page_size as usize];
        let stopped =
            if intact { self.valid_frames(from, &mut frames, &mut frame)? } else { Some("header".into()) };
        self.uncommitted(&frames);
        match stopped {
            Some(why) => self.behind(from, &frames, &mut frame, intact, &why),
            None => Ok(()),
        }
    }

    /// A log whose header says nothing: that is no loss only if there is nothing in it.
    fn unreadable(&mut self, from: &mut impl Read, header: &[u8]) -> io::Result<()> {
        let mut zero = header.iter().all(|byte| *byte == 0);
        let mut buffer = vec![0; 1 << 16];
        loop {
            let read = read_whole(from, &mut buffer)?;
            if read == 0 {
                break;
            }
            zero &= buffer.iter().take(read).all(|byte| *byte == 0);
        }
        let name = &self.name;
        if zero {
            self.notes.push(format!("{name} is all zeros and holds nothing"));
        } else {
            self.damage.push(format!(
                "{name} is no write-ahead log that can be read: its header is damaged; what was committed there is missing"
            ));
        }
        Ok(())
    }

    /// Reads frames while they are valid. Returns what stopped it before the end of the log.
    fn valid_frames(
        &mut self,
        from: &mut impl Read,
        frames: &mut Frames,
        frame: &mut [u8],
    ) -> io::Result<Option<String>> {
        loop {
            let read = read_whole(from, frame)?;
            if read < frame.len() {
                if read > 0 {
                    self.notes.push(format!("{} ends inside frame {}", self.name, self.valid + 1));
                }
                return Ok(None);
            }
            if salts(frame, 8) != frames.salts {
                return Ok(Some(self.stopped_by(frames.at, "other salts")));
            }
            let mut sum = frames.sum;
            sum.add(&frame[..8]);
            sum.add(&frame[FRAME_HEADER..]);
            if be32(frame, 0) == 0 || !sum.is(&frame[16..FRAME_HEADER]) {
                return Ok(Some(self.stopped_by(frames.at, "a bad checksum")));
            }
            frames.sum = sum;
            self.take(frames, frame);
        }
    }

    fn stopped_by(&self, at: u64, why: &str) -> String {
        format!("frame {} of {}, at byte {at}, has {why}", self.valid + 1, self.name)
    }

    fn take(&mut self, frames: &mut Frames, frame: &[u8]) {
        self.valid += 1;
        frames.pending.push((be32(frame, 0), frames.at + FRAME_HEADER as u64));
        frames.at += frame.len() as u64;
        let commit = be32(frame, 4);
        if commit > 0 {
            self.pages.extend(frames.pending.drain(..));
            self.database_pages = commit;
            self.committed = self.valid;
        }
    }

    fn uncommitted(&mut self, frames: &Frames) {
        let left = frames.pending.len();
        // Pages behind the database's end were cut off by a later commit.
        let end = self.database_pages;
        self.pages.retain(|page, _| *page <= end);
        if left > 0 {
            let name = &self.name;
            self.notes.push(format!(
                "{left} frames of {name} behind its last commit were never committed and left out"
            ));
        }
    }

    /// Looks whether commits lie behind the place where reading stopped: then they are lost.
    fn behind(
        &mut self,
        from: &mut impl Read,
        frames: &Frames,
        frame: &mut [u8],
        intact: bool,
        why: &str,
    ) -> io::Result<()> {
        let mut current = frames.salts;
        // With a good header the frame that stopped the reading is still in the buffer.
        let mut here = intact || read_whole(from, frame)? == frame.len();
        if !intact && here {
            // A damaged header may be damaged in its salts.
            current = salts(frame, 8);
        }
        let (mut commits, mut left) = (0_u64, 0_u64);
        while here {
            left += 1;
            commits += u64::from(salts(frame, 8) == current && be32(frame, 0) > 0 && be32(frame, 4) > 0);
            here = read_whole(from, frame)? == frame.len();
        }
        let name = &self.name;
        let why =
            if intact { why.to_owned() } else { format!("the checksum of the header of {name} is wrong") };
        if commits > 0 {
            self.damage.push(format!(
                "{why}, and {commits} commits seem to follow: they could not be used, nor could the {left} frames from there on"
            ));
        } else if left > 0 {
            self.notes.push(format!(
                "{why}: the {left} frames from there on were not committed since the log began anew, and left out"
            ));
        }
        Ok(())
    }
}

/// Where reading the frames is.
struct Frames {
    salts: [u8; 8],
    sum: Checksum,
    /// Frames since the last commit.
    pending: Vec<(u32, u64)>,
    at: u64,
}

fn salts(bytes: &[u8], at: usize) -> [u8; 8] {
    bytes.get(at..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default()
}

/// The log's running checksum.
#[derive(Clone, Copy, Default)]
struct Checksum {
    big: bool,
    first: u32,
    second: u32,
}

impl Checksum {
    fn add(&mut self, bytes: &[u8]) {
        let (words, _) = bytes.as_chunks::<4>();
        let (pairs, _) = words.as_chunks::<2>();
        for [one, two] in pairs {
            self.first = self.first.wrapping_add(self.word(*one)).wrapping_add(self.second);
            self.second = self.second.wrapping_add(self.word(*two)).wrapping_add(self.first);
        }
    }

    fn word(self, bytes: [u8; 4]) -> u32 {
        if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    /// Whether this is the sum written there.
    fn is(self, written: &[u8]) -> bool {
        self.first == be32(written, 0) && self.second == be32(written, 4)
    }
}

/// Fills the buffer as far as there are bytes.
fn read_whole(from: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match from.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
    Ok(filled)
}
