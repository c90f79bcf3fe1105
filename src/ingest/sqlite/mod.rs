//! A `SQLite` database as the plain SQL that `pg_dump` would have written of it, so that one decoder reads both.
//!
//! Evidence is never changed: the file is opened as immutable, what its write-ahead log holds is applied to a copy in
//! memory, and a database that is damaged is read around the damage. A thread owns the connection, for rusqlite's
//! rows borrow it; what it renders comes through a bounded channel.

use std::{
    io::{self, Read},
    path::Path,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use rusqlite::InterruptHandle;

use self::{open::Opened, text::Out};

mod encrypted;
mod header;
mod open;
mod render;
mod scan;
mod schema;
mod seen;
mod text;
mod wal;

pub(super) use encrypted::looks_encrypted;

/// Something that is wrong with the database, at a place in the rendered text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Damage {
    /// Offset in the rendered text.
    pub byte: u64,
    /// A sentence for the report.
    pub why: String,
}

/// An open database, read as text.
pub(super) struct Sqlite {
    notes: Vec<String>,
    damage: Found,
    /// `None` once the text has ended.
    full: Option<Receiver<Vec<u8>>>,
    empty: SyncSender<Vec<u8>>,
    buffer: Vec<u8>,
    at: usize,
    stop: Arc<AtomicBool>,
    interrupt: InterruptHandle,
    thread: Option<JoinHandle<()>>,
}

/// Damage found so far, shared with the thread that finds it.
type Found = Arc<Mutex<Vec<Damage>>>;

/// Buffers on their way: one being read, one waiting, so that neither side waits for long.
const BUFFERS: usize = 2;

/// How often a statement that runs is told to end once nobody reads any more.
const INTERRUPT_EVERY: Duration = Duration::from_millis(1);

impl Sqlite {
    /// A file on disk, with what its write-ahead log has committed.
    pub(super) fn file(path: &Path) -> io::Result<Sqlite> {
        Sqlite::start(Opened::file(path)?)
    }

    /// A database that came out of an archive: held in memory.
    pub(super) fn image(bytes: Vec<u8>) -> io::Result<Sqlite> {
        Sqlite::start(Opened::image(bytes)?)
    }

    /// What a reader should know that is no damage.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What is wrong with it: complete once it has been read to its end.
    pub(super) fn damage(&self) -> Vec<Damage> {
        self.damage.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn start(mut opened: Opened) -> io::Result<Sqlite> {
        let schema = schema::read(&opened.connection);
        let mut notes = std::mem::take(&mut opened.notes);
        notes.extend_from_slice(&schema.notes);
        let (full_in, full) = sync_channel(BUFFERS);
        let (empty, empty_out) = sync_channel(BUFFERS);
        let (stop, damage) = (Arc::new(AtomicBool::new(false)), Found::default());
        let interrupt = opened.connection.get_interrupt_handle();
        let out = Out::new(full_in, empty_out, Arc::clone(&stop));
        let found = Arc::clone(&damage);
        let thread = thread::Builder::new()
            .name("sqlite".into())
            .spawn(move || render::render(&opened, &schema, out, &found))?;
        Ok(Sqlite {
            notes,
            damage,
            full: Some(full),
            empty,
            buffer: Vec::new(),
            at: 0,
            stop,
            interrupt,
            thread: Some(thread),
        })
    }

    /// The next filled buffer; `false` at the end of the text.
    fn next_buffer(&mut self) -> io::Result<bool> {
        let Some(full) = &self.full else { return Ok(false) };
        let Ok(next) = full.recv() else {
            self.full = None;
            return match self.thread.take().map(JoinHandle::join) {
                Some(Err(_)) => Err(io::Error::other("reading the SQLite database ended before its end")),
                _ => Ok(false),
            };
        };
        // The thread may have ended already; then nobody wants the buffer.
        let _ = self.empty.try_send(std::mem::replace(&mut self.buffer, next));
        self.at = 0;
        Ok(true)
    }
}

impl Read for Sqlite {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if into.is_empty() {
            return Ok(0);
        }
        while self.at >= self.buffer.len() {
            if !self.next_buffer()? {
                return Ok(0);
            }
        }
        let rest = self.buffer.get(self.at..).unwrap_or_default();
        let taken = rest.len().min(into.len());
        into[..taken].copy_from_slice(&rest[..taken]);
        self.at += taken;
        Ok(taken)
    }
}

impl Drop for Sqlite {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        self.full = None;
        let Some(thread) = self.thread.take() else { return };
        // An interrupt ends only statements that run when it comes, so it is repeated.
        while !thread.is_finished() {
            self.interrupt.interrupt();
            thread::sleep(INTERRUPT_EVERY);
        }
        // Nobody reads any more, so nobody wants to hear of a panic.
        let _ = thread.join();
    }
}

#[cfg(test)]
mod tests;
