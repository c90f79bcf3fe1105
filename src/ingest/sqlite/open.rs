//! Opens a database without changing anything beside it.
//!
//! `SQLite` itself would recover a write-ahead log or roll a journal back, and make files to do so. An immutable
//! database it only reads; so a log that matters is applied here, to a copy in memory, and a journal is reported.

use std::{
    fs::{self, File, Metadata},
    io::{self, BufReader, Cursor, Read, Seek},
    path::{Path, PathBuf},
    time::SystemTime,
};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::{
    header::{HEADER, Header, ROLLBACK, VERSIONS, WRITE_AHEAD, not_a_database},
    wal::Wal,
};

/// A database that is open, and what is known of it before a row is read.
pub(super) struct Opened {
    pub(super) connection: Connection,
    pub(super) notes: Vec<String>,
    pub(super) damage: Vec<String>,
    /// Bytes of the database: bounds how many rows it can have.
    pub(super) bytes: u64,
    watched: Vec<(PathBuf, Option<Stamp>)>,
}

/// Databases up to here are held in memory where they must be. `SQLite` allocates less than 2 GiB at once
/// (`SQLITE_MAX_ALLOCATION_SIZE`, 2147483391), so this is 2 GiB less its largest page.
const MOST_HELD: u64 = (2 << 30) - (64 << 10);

/// `SQLite` never uses the page that holds this byte, for it locks it (file format, 1.6).
const LOCK_BYTE: u64 = 1 << 30;

/// How a rollback journal begins that is to be rolled back (file format, 3).
const JOURNAL_MAGIC: &[u8] = &[0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

impl Opened {
    /// A file on disk.
    pub(super) fn file(path: &Path) -> io::Result<Opened> {
        let mut file = File::open(path)?;
        let stamp = file.metadata()?;
        if !stamp.is_file() {
            return Err(not_a_database("it is no file"));
        }
        let mut head = Vec::with_capacity(HEADER);
        (&mut file).take(HEADER as u64).read_to_end(&mut head)?;
        let mut plan = Plan::new(Header::read(&head)?, stamp.len());
        plan.watched.push((path.to_owned(), stamp_of(&stamp)));
        plan.journal(path);
        let wal = plan.wal(path, &mut file)?;
        let connection = match wal {
            Some(wal) => plan.with_wal(file, wal)?,
            None => plan.without_wal(path, file)?,
        };
        plan.finish(connection)
    }

    /// A database in memory.
    pub(super) fn image(mut bytes: Vec<u8>) -> io::Result<Opened> {
        let header = Header::read(&bytes)?;
        let size = bytes.len() as u64;
        if size > MOST_HELD {
            let why =
                format!("a database of {size} bytes is too large to be held in memory: unpack it to a file");
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, why));
        }
        let mut plan = Plan::new(header, size);
        if header.wal {
            plan.notes
                .push("the database uses a write-ahead log: what was only in its -wal is not here".into());
        }
        plan.damage.extend(header.torn(size));
        without_log(&mut bytes);
        let connection = held(Cursor::new(bytes), plan.whole_pages())?;
        plan.finish(connection)
    }

    /// What happened to the files while they were read.
    pub(super) fn changed(&self) -> Option<String> {
        let now = |path: &Path| fs::metadata(path).ok().as_ref().and_then(stamp_of);
        let (path, _) = self.watched.iter().find(|(path, stamp)| now(path) != *stamp)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Some(format!(
            "{name} changed while the database was read, so rows may be missing or not belong together"
        ))
    }
}

/// Size and time of the last change.
type Stamp = (u64, Option<SystemTime>);

fn stamp_of(metadata: &Metadata) -> Option<Stamp> {
    (metadata.len() > 0).then(|| (metadata.len(), metadata.modified().ok()))
}

/// What opening found so far.
struct Plan {
    header: Header,
    size: u64,
    notes: Vec<String>,
    damage: Vec<String>,
    watched: Vec<(PathBuf, Option<Stamp>)>,
}

impl Plan {
    fn new(header: Header, size: u64) -> Plan {
        Plan { header, size, notes: Vec::new(), damage: Vec::new(), watched: Vec::new() }
    }

    /// A page that is there in part would read as if its rows were empty.
    fn whole_pages(&self) -> u64 {
        self.size - self.size % self.header.page_size
    }

    fn journal(&mut self, path: &Path) {
        let path = beside(path, "-journal");
        let mut magic = Vec::new();
        let read =
            File::open(&path).and_then(|file| file.take(JOURNAL_MAGIC.len() as u64).read_to_end(&mut magic));
        if read.is_ok() && magic == JOURNAL_MAGIC {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.damage.push(format!(
                "a transaction was being written, for {name} is a rollback journal that was not rolled back: \
                 the file may be inconsistent"
            ));
        }
    }

    /// The log, if it has something that the file does not have.
    fn wal(&mut self, path: &Path, file: &mut File) -> io::Result<Option<Wal>> {
        let path = beside(path, "-wal");
        self.watched.push((path.clone(), fs::metadata(&path).ok().as_ref().and_then(stamp_of)));
        let Some(mut wal) = Wal::read(&path)? else { return Ok(None) };
        self.notes.append(&mut wal.notes);
        self.damage.append(&mut wal.damage);
        if wal.committed == 0 {
            return Ok(None);
        }
        let (name, frames) = (wal.name().to_owned(), wal.committed);
        let bytes = u64::from(wal.database_pages) * wal.page_size;
        if wal.page_size != self.header.page_size {
            self.damage.push(format!(
                "{name} has pages of {} bytes and the database of {}: its {frames} committed frames were not used",
                wal.page_size, self.header.page_size
            ));
        } else if bytes == self.size && in_file(&mut wal, file)? {
            self.notes.push(format!("the {frames} committed frames of {name} are in the database already"));
        } else if bytes > MOST_HELD {
            self.damage.push(format!(
                "{frames} committed frames of {name} were not taken into account, for the database of {bytes} bytes \
                 is too large to be held in memory: checkpoint a copy of both and verify that"
            ));
        } else {
            self.notes.push(wal.summary());
            return Ok(Some(wal));
        }
        Ok(None)
    }

    fn with_wal(&mut self, mut file: File, wal: Wal) -> io::Result<Connection> {
        let page_size = self.header.page_size;
        let (pages, present) = (u64::from(wal.database_pages), self.size / page_size);
        let lock = LOCK_BYTE / page_size + 1;
        let missing = (present + 1..=pages)
            .filter(|page| !wal.pages.contains_key(&(*page as u32)) && *page != lock)
            .count();
        if missing > 0 {
            self.damage.push(format!(
                "the database is torn: {missing} of its {pages} pages are neither in its {} bytes nor in {}",
                self.size,
                wal.name()
            ));
        }
        file.rewind()?;
        self.size = pages * page_size;
        let whole = BufReader::with_capacity(1 << 20, file.take(present * page_size));
        held(Overlay::new(whole, wal), self.size)
    }

    fn without_wal(&mut self, path: &Path, mut file: File) -> io::Result<Connection> {
        let torn = self.header.torn(self.size);
        let inside = torn.is_some() && self.size != self.whole_pages();
        self.damage.extend(torn);
        if !inside && let Ok(connection) = immutable(path) {
            return Ok(connection);
        }
        // Torn inside a page, or a path too long for SQLite.
        if self.size > MOST_HELD {
            return immutable(path).map_err(io::Error::other);
        }
        file.rewind()?;
        let mut bytes = Vec::with_capacity(self.size as usize);
        file.take(self.size).read_to_end(&mut bytes)?;
        self.size = bytes.len() as u64;
        without_log(&mut bytes);
        held(Cursor::new(bytes), self.whole_pages())
    }

    /// Makes `SQLite` read the schema, strictly first, to hear what is wrong with it.
    fn finish(mut self, connection: Connection) -> io::Result<Opened> {
        for (name, value) in CAREFUL {
            connection.pragma_update(None, name, value).map_err(io::Error::other)?;
        }
        let read = connection.query_row("SELECT count(*) FROM sqlite_master", [], |_| Ok(()));
        if let Err(err) = read {
            if err.sqlite_error_code() == Some(ErrorCode::NotADatabase) {
                return Err(not_a_database(&err.to_string()));
            }
            // That it is torn was said already, and is what SQLite stumbles over.
            if self.damage.is_empty() {
                self.damage.push(format!("SQLite says, as it reads the schema: {err}"));
            }
            // Then SQLite reads what can be read of it.
            connection.pragma_update(None, "writable_schema", "ON").map_err(io::Error::other)?;
        }
        let Plan { notes, damage, size, watched, .. } = self;
        Ok(Opened { connection, notes, damage, bytes: size, watched })
    }
}

/// Settings for files of which nothing is trusted (<https://sqlite.org/security.html>). Without the check of cell
/// sizes a damaged page may show rows that never were.
const CAREFUL: [(&str, &str); 3] =
    [("cell_size_check", "ON"), ("trusted_schema", "OFF"), ("temp_store", "MEMORY")];

/// The file with this ending: beside the file that a link leads to, as `SQLite` looks for it, else beside the link.
fn beside(path: &Path, ending: &str) -> PathBuf {
    let with = |path: &Path| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let target = fs::canonicalize(path).map(|target| with(&target));
    target.ok().filter(|target| target.exists()).unwrap_or_else(|| with(path))
}

/// Whether the database has all that the log has committed.
fn in_file(wal: &mut Wal, file: &mut File) -> io::Result<bool> {
    let page_size = wal.page_size;
    let (mut ours, mut theirs) = (vec![0; page_size as usize], vec![0; page_size as usize]);
    let pages: Vec<u32> = wal.pages.keys().copied().collect();
    for page in pages {
        wal.page(page, &mut theirs)?;
        file.seek(io::SeekFrom::Start((u64::from(page) - 1) * page_size))?;
        match file.read_exact(&mut ours) {
            Ok(()) if ours == theirs => {}
            Ok(()) => return Ok(false),
            Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => return Ok(false),
            Err(err) => return Err(err),
        }
    }
    Ok(true)
}

fn immutable(path: &Path) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Connection::open_with_flags(uri(path), flags)
}

/// `file:` with every byte encoded that may mean something (<https://sqlite.org/uri.html>).
fn uri(path: &Path) -> String {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut uri = String::from("file://");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'_' | b'.' => {
                uri.push(char::from(*byte));
            }
            _ => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri + "?immutable=1&mode=ro"
}

/// A database in memory cannot have a log, so its header must not ask for one.
fn without_log(bytes: &mut [u8]) {
    for version in bytes.get_mut(VERSIONS).unwrap_or_default() {
        if *version == WRITE_AHEAD {
            *version = ROLLBACK;
        }
    }
}

/// A copy in memory. Of less than a page nothing can be read: an empty database.
fn held(from: impl Read, size: u64) -> io::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_in_memory_with_flags(flags).map_err(io::Error::other)?;
    if size > 0 {
        connection
            .deserialize_read_exact(rusqlite::MAIN_DB, from, size as usize, true)
            .map_err(io::Error::other)?;
    }
    Ok(connection)
}

/// The pages of a database, with those of the log in their place; a page that is in neither is zeros.
struct Overlay<R> {
    file: R,
    wal: Wal,
    /// The page in the buffer, from 1.
    number: u32,
    page: Vec<u8>,
    at: usize,
}

impl<R: Read> Overlay<R> {
    fn new(file: R, wal: Wal) -> Overlay<R> {
        let page = vec![0; wal.page_size as usize];
        Overlay { file, wal, number: 0, at: page.len(), page }
    }

    fn next(&mut self) -> io::Result<()> {
        self.number += 1;
        self.at = 0;
        self.page.fill(0);
        // The file is read on even where the log has the page, so that it is read in order.
        match self.file.read_exact(&mut self.page) {
            Err(err) if err.kind() == io::ErrorKind::UnexpectedEof => {}
            other => other?,
        }
        self.wal.page(self.number, &mut self.page)?;
        if self.number == 1 {
            without_log(&mut self.page);
        }
        Ok(())
    }
}

impl<R: Read> Read for Overlay<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.at >= self.page.len() {
            if self.number >= self.wal.database_pages {
                return Ok(0);
            }
            self.next()?;
        }
        let rest = self.page.get(self.at..).unwrap_or_default();
        let taken = rest.len().min(into.len());
        into[..taken].copy_from_slice(&rest[..taken]);
        self.at += taken;
        Ok(taken)
    }
}
