//! The first hundred bytes of a database file (<https://sqlite.org/fileformat2.html#the_database_header>).

use std::io;

/// What the header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) page_size: u64,
    /// Pages of the database, unless the last writer was too old to count them.
    pub(super) pages: Option<u64>,
    /// Whether changes go to a write-ahead log first.
    pub(super) wal: bool,
}

/// Bytes of the header.
pub(super) const HEADER: usize = 100;

/// Where the header says how the file is to be written and read: 1 is a rollback journal, 2 a write-ahead log.
pub(super) const VERSIONS: std::ops::Range<usize> = 18..20;

/// The value of a version byte for a rollback journal.
pub(super) const ROLLBACK: u8 = 1;

/// The value of a version byte for a write-ahead log.
pub(super) const WRITE_AHEAD: u8 = 2;

const MAGIC: &[u8] = b"SQLite format 3\0";

impl Header {
    pub(super) fn read(head: &[u8]) -> io::Result<Header> {
        if !head.starts_with(MAGIC) {
            return Err(not_a_database("it does not begin as one"));
        }
        if head.len() < HEADER {
            return Err(not_a_database("it ends inside its header"));
        }
        let page_size = match be16(head, 16) {
            1 => 65_536, // It has no place in two bytes.
            size => u64::from(size),
        };
        if !page_size.is_power_of_two() || page_size < 512 {
            return Err(not_a_database(&format!("its header says pages of {page_size} bytes")));
        }
        let pages = u64::from(be32(head, 28));
        // The count holds only if the writer that counted was the last writer.
        let counted = pages > 0 && be32(head, 24) == be32(head, 92);
        let wal = head.get(VERSIONS.end - 1) == Some(&WRITE_AHEAD);
        Ok(Header { page_size, pages: counted.then_some(pages), wal })
    }

    /// Says so if the header counts more pages than there are bytes for.
    pub(super) fn torn(&self, size: u64) -> Option<String> {
        let page_size = self.page_size;
        match self.pages {
            Some(pages) if pages * page_size > size => Some(format!(
                "the database is torn: its header counts {pages} pages of {page_size} bytes, {} bytes in all, \
                 and there are {size} bytes",
                pages * page_size
            )),
            None if !size.is_multiple_of(page_size) => Some(format!(
                "the database is torn: {size} bytes are no whole number of its pages of {page_size} bytes"
            )),
            _ => None,
        }
    }
}

pub(super) fn not_a_database(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("not a SQLite database: {why}"))
}

/// A big-endian number; 0 where there are no bytes for it.
pub(super) fn be32(bytes: &[u8], at: usize) -> u32 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u32::from_be_bytes(*bytes))
}

fn be16(bytes: &[u8], at: usize) -> u16 {
    bytes.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |bytes| u16::from_be_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_page_size_and_count() {
        let mut head = [0; HEADER];
        head[..16].copy_from_slice(MAGIC);
        assert!(Header::read(&head).is_err(), "pages of no bytes");
        assert!(Header::read(&head[..99]).is_err());
        assert!(Header::read(b"PGDMP").is_err());
        head[17] = 1;
        head[31] = 3;
        let header = Header::read(&head).expect("a header");
        assert_eq!(header, Header { page_size: 65_536, pages: Some(3), wal: false });
        assert!(header.torn(3 * 65_536).is_none());
        assert!(header.torn(3 * 65_536 - 1).expect("torn").contains("196608 bytes in all"));
        head[92] = 1;
        let header = Header::read(&head).expect("a header");
        assert_eq!(header.pages, None, "counted by another writer");
        assert!(header.torn(65_537).is_some() && header.torn(65_536).is_none());
    }
}
