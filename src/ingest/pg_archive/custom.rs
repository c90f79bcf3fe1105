//! The custom format (`pg_backup_custom.c`): after the table of contents, blocks of data, each a type, a dump id,
//! and chunks with their lengths.
//!
//! It is read forward only. Where the table of contents tells where blocks begin, a chunk that reaches over the next
//! block is known to be damaged, and reading goes on there.

use std::{
    io::{self, BufRead, Read},
    mem,
};

use super::{
    container::{Container, Fault, Found},
    source::{File, bad},
    toc::{Header, Kind, Toc},
    unpack::{Packing, Unpack},
};

/// Block types (`BLK_DATA`, `BLK_BLOBS` in `pg_backup_archiver.h`).
const ROWS: u8 = 1;
const LARGE_OBJECTS: u8 = 3;

pub(super) struct Custom {
    place: Place,
    packing: Packing,
    /// Where blocks begin, ascending, as far as the table of contents tells.
    offsets: Vec<u64>,
    /// Those offsets were right for every block so far.
    trusted: bool,
    /// The fault of the chunks was told by `read`.
    told: bool,
    /// What `next` has yet to tell.
    untold: Option<Found>,
}

/// Where reading stands.
enum Place {
    Between(Chunks),
    InRows(Unpack<Chunks>),
    InLargeObjects(Chunks),
    /// Behind the last byte that could be read.
    Nowhere(u64),
}

impl Custom {
    pub(super) fn new(file: File, header: &Header, toc: &Toc) -> Custom {
        let mut offsets: Vec<u64> = toc.entries.iter().filter_map(|entry| entry.offset).collect();
        offsets.sort_unstable();
        let at = file.at();
        let chunks = Chunks::new(file, header.int_size);
        Custom {
            // Only the end of the table of contents tells where the data begins.
            place: if toc.broken.is_some() { Place::Nowhere(at) } else { Place::Between(chunks) },
            packing: Packing::of_blocks(header.algorithm),
            offsets,
            trusted: true,
            told: false,
            untold: None,
        }
    }

    /// Reads the head of a block.
    fn open(&mut self, mut chunks: Chunks, toc: &Toc) -> Found {
        let start = chunks.file.at();
        let (block, dump_id) = match chunks.head() {
            Ok(Some(head)) => head,
            Ok(None) => {
                self.place = Place::Nowhere(start);
                return Found::End;
            }
            Err(why) => return self.resume(chunks, why),
        };
        if block != ROWS && block != LARGE_OBJECTS {
            let why = format!("a data block of the unknown type {block} at byte {start} of the archive");
            return self.resume(chunks, why);
        }
        let found = toc.with_data(dump_id).and_then(|number| Some((number, toc.entries.get(number)?)));
        // Where a block is known to begin, its dump id must be the one that begins there.
        let known = self.trusted && self.offsets.binary_search(&start).is_ok();
        let found = found.filter(|(_, entry)| !known || entry.offset == Some(start));
        self.trusted &= found.and_then(|(_, entry)| entry.offset).is_none_or(|offset| offset == start);
        chunks.begin(self.offset_after(start).filter(|_| known), block == ROWS);
        self.told = false;
        self.place = if block == ROWS {
            Unpack::new(chunks, self.packing).map_or(Place::Nowhere(start), Place::InRows)
        } else {
            Place::InLargeObjects(chunks)
        };
        match found {
            Some((_, entry)) if entry.kind == Kind::Rows && block != ROWS => self.stray(format!(
                "large objects at byte {start} of the archive, where the rows of {} should be",
                entry.name
            )),
            Some((number, _)) => Found::Block(number),
            None => self.stray(format!(
                "a data block of dump id {dump_id} at byte {start} of the archive, which the table of contents does not have there"
            )),
        }
    }

    fn offset_after(&self, at: u64) -> Option<u64> {
        let behind = self.offsets.partition_point(|offset| *offset <= at);
        self.offsets.get(behind).copied().filter(|_| self.trusted)
    }

    /// Leaves a block that nothing can be made of.
    fn stray(&mut self, why: String) -> Found {
        if let Err(fault) = self.leave() {
            self.untold = Some(Found::Torn(fault.why));
        }
        Found::Stray(why)
    }

    /// Goes on with the next block of which the offset is known.
    fn resume(&mut self, mut chunks: Chunks, why: String) -> Found {
        let at = chunks.file.at();
        let skipped = self.offset_after(at.saturating_sub(1)).map(|offset| chunks.file.skip(offset - at));
        if let Some(Ok(())) = skipped {
            chunks.fault = None;
            self.place = Place::Between(chunks);
            return Found::Stray(why);
        }
        self.place = Place::Nowhere(chunks.file.at());
        Found::Torn(why)
    }
}

impl Container for Custom {
    fn next(&mut self, toc: &Toc) -> Found {
        if let Some(untold) = self.untold.take() {
            return untold;
        }
        match mem::replace(&mut self.place, Place::Nowhere(0)) {
            Place::Between(chunks) => self.open(chunks, toc),
            inside => {
                self.place = inside;
                Found::End
            }
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        let Place::InRows(unpack) = &mut self.place else { return Ok(0) };
        let err = match unpack.read(buffer) {
            Ok(read) => return Ok(read),
            Err(err) => err,
        };
        let chunks = unpack.input();
        if let Some(why) = &chunks.fault {
            self.told = true;
            return Err(Fault::structure(why));
        }
        let (packing, at) = (self.packing.name(), chunks.file.at());
        Err(Fault {
            why: format!("the {packing} data is damaged near byte {at} of the archive: {err}"),
            structure: false,
        })
    }

    fn leave(&mut self) -> Result<(), Fault> {
        let (mut chunks, rows) = match mem::replace(&mut self.place, Place::Nowhere(0)) {
            Place::InRows(unpack) => (unpack.into_input(), true),
            Place::InLargeObjects(chunks) => (chunks, false),
            other => {
                self.place = other;
                return Ok(());
            }
        };
        let skipped = if rows { chunks.skip_rest() } else { chunks.skip_large_objects() };
        let Err(why) = skipped else {
            self.place = Place::Between(chunks);
            return Ok(());
        };
        match self.resume(chunks, why) {
            Found::Torn(why) => Err(Fault::structure(why)),
            found => {
                self.untold = Some(found).filter(|_| !self.told);
                Ok(())
            }
        }
    }

    fn place(&self) -> String {
        let at = match &self.place {
            Place::Between(chunks) | Place::InLargeObjects(chunks) => chunks.file.at(),
            Place::InRows(unpack) => unpack.input().file.at(),
            Place::Nowhere(at) => *at,
        };
        format!("byte {at} of the archive")
    }
}

/// The data of a block, without the lengths between.
struct Chunks {
    file: File,
    int_size: usize,
    /// Of the chunk that is being read.
    left: u64,
    ended: bool,
    /// Where the next block begins.
    limit: Option<u64>,
    /// The chunks are all that comes before the limit.
    alone: bool,
    fault: Option<String>,
}

impl Chunks {
    fn new(file: File, int_size: usize) -> Chunks {
        Chunks { file, int_size, left: 0, ended: true, limit: None, alone: false, fault: None }
    }

    /// Type and dump id of a block, `None` where the archive ends.
    fn head(&mut self) -> Result<Option<(u8, i64)>, String> {
        let head = match self.file.byte_or_end() {
            Ok(None) => return Ok(None),
            Ok(Some(block)) => self.file.int(self.int_size).map(|dump_id| (block, dump_id)),
            Err(err) => Err(err),
        };
        head.map(Some).map_err(|err| format!("{}, in the head of a data block", self.unreadable(&err)))
    }

    fn begin(&mut self, limit: Option<u64>, alone: bool) {
        (self.left, self.ended, self.limit, self.alone, self.fault) = (0, false, limit, alone, None);
    }

    /// Goes to the next byte of data. False where the chunks end.
    fn advance(&mut self) -> io::Result<bool> {
        if let Some(fault) = &self.fault {
            return Err(bad(fault));
        }
        while self.left == 0 && !self.ended {
            let at = self.file.at();
            match self.file.int(self.int_size) {
                Ok(length) if !self.can_be(length) => {
                    return self.fail(format!(
                        "a chunk of {length} bytes at byte {at} of the archive, which cannot be"
                    ));
                }
                Ok(length) => (self.left, self.ended) = (length as u64, length == 0),
                Err(err) => {
                    let why = format!("{}, in a data block", self.unreadable(&err));
                    return self.fail(why);
                }
            }
        }
        Ok(!self.ended)
    }

    /// Whether a chunk can have this length here: what comes before the next block is known to the byte.
    fn can_be(&self, length: i64) -> bool {
        let Ok(length) = u64::try_from(length) else { return false };
        let end = self.file.at().saturating_add(length);
        let int = self.int_size as u64 + 1;
        match self.limit {
            None => true,
            Some(limit) if length == 0 => end == limit || !self.alone,
            Some(limit) => end.saturating_add(int) <= limit,
        }
    }

    fn fail<T>(&mut self, why: String) -> io::Result<T> {
        self.fault = Some(why.clone());
        Err(bad(why))
    }

    fn unreadable(&self, err: &io::Error) -> String {
        let at = self.file.at();
        match err.kind() {
            io::ErrorKind::UnexpectedEof => format!("the archive ends at byte {at}"),
            _ => format!("the archive cannot be read after byte {at}: {err}"),
        }
    }

    fn skip_rest(&mut self) -> Result<(), String> {
        while self.advance().map_err(|err| err.to_string())? {
            let left = mem::take(&mut self.left);
            if let Err(err) = self.file.skip(left) {
                return Err(format!("{}, in a data block", self.unreadable(&err)));
            }
        }
        Ok(())
    }

    /// Large objects: oid and chunks of each, then the oid 0.
    fn skip_large_objects(&mut self) -> Result<(), String> {
        loop {
            match self.file.int(self.int_size) {
                Ok(0) => return Ok(()),
                Ok(_) => self.ended = false,
                Err(err) => return Err(format!("{}, in the large objects", self.unreadable(&err))),
            }
            self.skip_rest()?;
        }
    }
}

impl BufRead for Chunks {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if !self.advance()? {
            return Ok(&[]);
        }
        let filled = self
            .file
            .fill_buf()
            .and_then(|bytes| if bytes.is_empty() { Err(super::source::ended()) } else { Ok(()) });
        if let Err(err) = filled {
            let why = format!("{}, in a data block", self.unreadable(&err));
            return self.fail(why);
        }
        let left = usize::try_from(self.left).unwrap_or(usize::MAX);
        let bytes = self.file.fill_buf()?;
        Ok(bytes.get(..left.min(bytes.len())).unwrap_or_default())
    }

    fn consume(&mut self, bytes: usize) {
        self.file.consume(bytes);
        self.left = self.left.saturating_sub(bytes as u64);
    }
}

impl Read for Chunks {
    /// Fills the buffer, for a chunk may be as short as a row.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut filled = 0;
        while let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) {
            let bytes = match self.fill_buf() {
                Ok(bytes) => bytes,
                Err(err) if filled == 0 => return Err(err),
                // The fault is kept, and met again.
                Err(_) => break,
            };
            let copied = bytes.len().min(room.len());
            if let (0, _) | (_, None) = (copied, copy(bytes, room, copied)) {
                break;
            }
            self.consume(copied);
            filled += copied;
        }
        Ok(filled)
    }
}

fn copy(from: &[u8], to: &mut [u8], bytes: usize) -> Option<()> {
    to.get_mut(..bytes)?.copy_from_slice(from.get(..bytes)?);
    Some(())
}
