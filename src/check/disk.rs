//! The events of a store in their orders, on disk: what [`super::Events`] answers from where memory is too small.
//!
//! Every order is one file of rows, written once by joining sorted runs and read from its start by each check. Files
//! have no name and go when the process does.

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
    sync::Mutex,
};

use rayon::slice::ParallelSliceMut;

use super::facts::{ABSENT, EventRow, Kinds, ROW_BYTES, Run, join};

/// Rows read at a time.
const READ_ROWS: usize = 4096;

#[derive(Debug)]
pub(super) struct Disk {
    names: Names,
    kinds: Kinds,
    rows: Rows,
    pub(super) by_id: Rows,
    pub(super) by_position: Rows,
    /// Streams that have a name.
    pub(super) streams: u64,
    /// The first thing that went wrong while reading: what came of it must not be reported.
    failed: Mutex<Option<io::Error>>,
}

impl Disk {
    /// Joins runs into the three orders. `memory`: bytes of rows that may be sorted at a time.
    ///
    /// # Errors
    ///
    /// What the operating system says of the folder or the disk.
    pub(super) fn new(runs: &[Run], kinds: Kinds, folder: &Path, memory: u64) -> io::Result<Disk> {
        let room = (memory as usize / ROW_BYTES / 2).max(READ_ROWS);
        let mut names = NamesWriter::new(folder)?;
        let mut rows = Writer::new(folder)?;
        let mut by_id = Sorter::new(folder, room, |row| row.id().0);
        let mut by_position = Sorter::new(folder, room, |row| u128::from(row.position as u64 ^ 1 << 63));
        let (mut number, mut streams) = (0, 0);
        join(runs, &mut |name, group| {
            names.add(name)?;
            streams += u64::from(!name.is_empty());
            for row in group {
                row.stream = number;
                rows.add(row)?;
                if !row.id().is_none() {
                    by_id.add(*row)?;
                }
                if row.position != ABSENT {
                    by_position.add(*row)?;
                }
            }
            number += 1;
            Ok(())
        })?;
        Ok(Disk {
            names: names.finish()?,
            kinds,
            rows: rows.finish()?,
            by_id: by_id.finish()?,
            by_position: by_position.finish()?,
            streams,
            failed: Mutex::default(),
        })
    }

    pub(super) fn kinds(&self) -> &Kinds {
        &self.kinds
    }

    pub(super) fn count(&self) -> u64 {
        self.rows.count
    }

    pub(super) fn each(&self, rows: &Rows, visit: &mut dyn FnMut(&EventRow)) {
        self.iter(rows).for_each(|row| visit(&row));
    }

    /// The rows of an order; ends early where they cannot be read, which [`Disk::failure`] then tells.
    pub(super) fn iter<'a>(&'a self, rows: &'a Rows) -> impl Iterator<Item = EventRow> + 'a {
        let (mut buffer, mut at) = (Vec::new().into_iter(), 0);
        std::iter::from_fn(move || {
            loop {
                if let Some(row) = buffer.next() {
                    return Some(row);
                }
                let read = rows.read(at, READ_ROWS).unwrap_or_else(|err| {
                    self.fail(err);
                    Vec::new()
                });
                if read.is_empty() {
                    return None;
                }
                at += read.len() as u64;
                buffer = read.into_iter();
            }
        })
    }

    pub(super) fn in_order(&self) -> &Rows {
        &self.rows
    }

    pub(super) fn name(&self, stream: u32) -> String {
        self.names.get(stream).unwrap_or_else(|err| {
            self.fail(err);
            String::new()
        })
    }

    /// How many rows of an order stand before the first that is not `before`.
    pub(super) fn partition_point(&self, rows: &Rows, before: impl Fn(&EventRow) -> bool) -> u64 {
        let (mut low, mut high) = (0, rows.count);
        while low < high {
            let middle = u64::midpoint(low, high);
            match self.row(rows, middle) {
                Some(row) if before(&row) => low = middle + 1,
                _ => high = middle,
            }
        }
        low
    }

    pub(super) fn row(&self, rows: &Rows, at: u64) -> Option<EventRow> {
        match rows.read(at, 1) {
            Ok(read) => read.first().copied(),
            Err(err) => {
                self.fail(err);
                None
            }
        }
    }

    /// What went wrong while reading, once.
    pub(super) fn failure(&self) -> Option<io::Error> {
        self.failed.lock().ok()?.take()
    }

    fn fail(&self, err: io::Error) {
        if let Ok(mut failed) = self.failed.lock() {
            failed.get_or_insert(err);
        }
    }
}

/// Rows in one order.
#[derive(Debug)]
pub(super) struct Rows {
    file: File,
    pub(super) count: u64,
}

impl Rows {
    fn read(&self, at: u64, rows: usize) -> io::Result<Vec<EventRow>> {
        let rows = rows.min(self.count.saturating_sub(at) as usize);
        let mut bytes = vec![0; rows * ROW_BYTES];
        read_at(&self.file, &mut bytes, at * ROW_BYTES as u64)?;
        let (rows, _) = bytes.as_chunks::<ROW_BYTES>();
        Ok(rows.iter().map(EventRow::from_bytes).collect())
    }
}

/// Reads without a shared position: checks read side by side.
#[cfg(unix)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, at)
}

#[cfg(windows)]
fn read_at(file: &File, bytes: &mut [u8], at: u64) -> io::Result<()> {
    let mut read = 0;
    while read < bytes.len() {
        match std::os::windows::fs::FileExt::seek_read(file, &mut bytes[read..], at + read as u64)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            more => read += more,
        }
    }
    Ok(())
}

struct Writer {
    out: BufWriter<File>,
    count: u64,
}

impl Writer {
    fn new(folder: &Path) -> io::Result<Writer> {
        Ok(Writer { out: BufWriter::with_capacity(1 << 20, tempfile::tempfile_in(folder)?), count: 0 })
    }

    fn add(&mut self, row: &EventRow) -> io::Result<()> {
        self.count += 1;
        self.out.write_all(&row.to_bytes())
    }

    fn finish(self) -> io::Result<Rows> {
        let file = self.out.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Rows { file, count: self.count })
    }
}

/// Sorts more rows than memory holds: sorted runs, joined at the end.
struct Sorter<'a, K> {
    folder: &'a Path,
    room: usize,
    key: K,
    rows: Vec<EventRow>,
    runs: Vec<Rows>,
}

impl<'a, K: Fn(&EventRow) -> u128 + Sync> Sorter<'a, K> {
    fn new(folder: &'a Path, room: usize, key: K) -> Sorter<'a, K> {
        Sorter { folder, room, key, rows: Vec::new(), runs: Vec::new() }
    }

    fn add(&mut self, row: EventRow) -> io::Result<()> {
        self.rows.push(row);
        if self.rows.len() >= self.room { self.write() } else { Ok(()) }
    }

    fn write(&mut self) -> io::Result<()> {
        let key = &self.key;
        self.rows.par_sort_unstable_by_key(|row| (key(row), row.byte()));
        let mut out = Writer::new(self.folder)?;
        for row in self.rows.drain(..) {
            out.add(&row)?;
        }
        self.runs.push(out.finish()?);
        Ok(())
    }

    fn finish(mut self) -> io::Result<Rows> {
        self.write()?;
        if self.runs.len() == 1 {
            return self.runs.pop().ok_or_else(|| io::ErrorKind::NotFound.into());
        }
        let mut out = Writer::new(self.folder)?;
        let mut readers: Vec<RunReader<'_>> = self.runs.iter().map(RunReader::new).collect();
        let mut heads = std::collections::BinaryHeap::new();
        let smallest = |row: &EventRow, run| std::cmp::Reverse(((self.key)(row), row.byte(), run));
        for (run, reader) in readers.iter_mut().enumerate() {
            heads.extend(reader.peek()?.map(|row| smallest(&row, run)));
        }
        while let Some(std::cmp::Reverse((.., run))) = heads.pop() {
            let Some(row) = readers[run].next()? else { continue };
            out.add(&row)?;
            heads.extend(readers[run].peek()?.map(|row| smallest(&row, run)));
        }
        out.finish()
    }
}

struct RunReader<'a> {
    rows: &'a Rows,
    at: u64,
    buffer: std::iter::Peekable<std::vec::IntoIter<EventRow>>,
}

impl<'a> RunReader<'a> {
    fn new(rows: &'a Rows) -> RunReader<'a> {
        RunReader { rows, at: 0, buffer: Vec::new().into_iter().peekable() }
    }

    fn peek(&mut self) -> io::Result<Option<EventRow>> {
        if self.buffer.peek().is_none() {
            let read = self.rows.read(self.at, READ_ROWS)?;
            self.at += read.len() as u64;
            self.buffer = read.into_iter().peekable();
        }
        Ok(self.buffer.peek().copied())
    }

    fn next(&mut self) -> io::Result<Option<EventRow>> {
        let row = self.peek()?;
        self.buffer.next();
        Ok(row)
    }
}

/// Names by number: their text, and where each ends.
#[derive(Debug)]
struct Names {
    text: File,
    ends: File,
}

impl Names {
    fn get(&self, number: u32) -> io::Result<String> {
        let end = |number: u64| {
            let mut eight = [0; 8];
            read_at(&self.ends, &mut eight, number * 8).map(|()| u64::from_le_bytes(eight))
        };
        let from = if number == 0 { 0 } else { end(u64::from(number) - 1)? };
        let mut name = vec![0; (end(u64::from(number))? - from) as usize];
        read_at(&self.text, &mut name, from)?;
        Ok(String::from_utf8_lossy(&name).into_owned())
    }
}

struct NamesWriter {
    text: BufWriter<File>,
    ends: BufWriter<File>,
    end: u64,
}

impl NamesWriter {
    fn new(folder: &Path) -> io::Result<NamesWriter> {
        let file = || tempfile::tempfile_in(folder).map(BufWriter::new);
        Ok(NamesWriter { text: file()?, ends: file()?, end: 0 })
    }

    fn add(&mut self, name: &str) -> io::Result<()> {
        self.end += name.len() as u64;
        self.text.write_all(name.as_bytes())?;
        self.ends.write_all(&self.end.to_le_bytes())
    }

    fn finish(self) -> io::Result<Names> {
        let file = |out: BufWriter<File>| out.into_inner().map_err(io::IntoInnerError::into_error);
        Ok(Names { text: file(self.text)?, ends: file(self.ends)? })
    }
}
