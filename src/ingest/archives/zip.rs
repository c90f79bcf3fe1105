//! zip, by the directory at its end: stored, deflate, bzip2, zstd and xz; encrypted members are named.

use std::{
    fs::File,
    io::{self, Read},
    sync::Arc,
    vec::IntoIter,
};

use flate2::{Crc, bufread::DeflateDecoder};
use rawzip::{CompressionMethod, FileReader, RECOMMENDED_BUFFER_SIZE, RangeReader, ZipArchive, ZipLocator};

use crate::ingest::{
    Packing,
    archives::{Archive, Inside, Member},
    layers::{Layer, Packed, Stream},
    packings,
    trouble::Trouble,
};

/// A zip on disk.
pub(in crate::ingest) struct Zip {
    archive: ZipArchive<Arc<FileReader>>,
    entries: IntoIter<Entry>,
}

/// What the directory says of a member.
struct Entry {
    path: String,
    kind: Kind,
    encrypted: bool,
    method: CompressionMethod,
    found: rawzip::ZipArchiveEntryWayfinder,
    size: u64,
    crc: u32,
}

enum Kind {
    File,
    Folder,
    Link,
}

/// Whether a file begins like a zip: with a member, or, where there is none, with the end of the directory (APPNOTE
/// 6.3.10, 4.3.7 and 4.3.16).
pub(in crate::ingest) fn begins(head: &[u8]) -> bool {
    head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06")
}

impl Zip {
    /// Reads the directory.
    pub(in crate::ingest) fn open(file: File) -> io::Result<Zip> {
        let end = file.metadata()?.len();
        let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
        let archive = ZipLocator::new()
            .locate_in_reader(Arc::new(FileReader::from(file)), &mut buffer, end)
            .map_err(|(_, err)| io::Error::new(io::ErrorKind::InvalidData, err.to_string()))?;
        let mut entries = Vec::new();
        let mut directory = archive.entries(&mut buffer);
        while let Some(entry) = directory.next_entry().map_err(|err| io::Error::other(err.to_string()))? {
            entries.push(Entry {
                path: String::from_utf8_lossy(entry.file_path().as_bytes()).replace('\\', "/"),
                kind: match () {
                    () if entry.is_dir() => Kind::Folder,
                    () if entry.mode().is_symlink() => Kind::Link,
                    () => Kind::File,
                },
                encrypted: entry.flags().is_encrypted(),
                method: entry.compression_method(),
                found: entry.wayfinder(),
                size: entry.uncompressed_size_hint(),
                crc: entry.crc32(),
            });
        }
        Ok(Zip { archive, entries: entries.into_iter() })
    }

    fn inside(&self, entry: &Entry) -> Inside {
        let passed = |why: String, missed| Inside::Passed { why, missed };
        match entry.kind {
            Kind::Folder => return Inside::Folder,
            Kind::Link => return passed("a link: read where it leads, if that is here".to_owned(), false),
            Kind::File => {}
        }
        if entry.encrypted {
            return passed("encrypted: unpack it with its password".to_owned(), true);
        }
        let Some(packing) = packing(entry.method) else {
            return passed(format!("packed by method {}, which is not read: unpack it", entry.method), true);
        };
        let range = match self.archive.get_entry(entry.found) {
            Ok(found) => found.compressed_data_range(),
            Err(err) => return passed(format!("not where the zip's directory says it is: {err}"), true),
        };
        let trouble = Trouble::default();
        let packed: Stream = Box::new(RangeReader::new(Arc::clone(self.archive.get_ref()), range.0..range.1));
        let bytes: Stream = match packing {
            None => packed,
            Some(packing) => Box::new(Layer::open(packing, &[], packed, &trouble)),
        };
        let checked = Checked {
            bytes,
            crc: Crc::new(),
            seen: 0,
            entry_crc: entry.crc,
            size: entry.size,
            trouble: trouble.clone(),
        };
        Inside::File { bytes: Box::new(checked), size: entry.size, trouble }
    }
}

impl Archive for Zip {
    fn format(&self) -> &'static str {
        "zip"
    }

    fn next(&mut self) -> Option<Member> {
        let entry = self.entries.next()?;
        let inside = self.inside(&entry);
        Some(Member { path: entry.path, inside })
    }
}

/// What unpacks a method; `Some(None)` for what is not packed, `None` for what nothing here unpacks.
#[expect(clippy::option_option, reason = "known and stored, known and packed, unknown")]
fn packing(method: CompressionMethod) -> Option<Option<&'static dyn Packing>> {
    match method {
        CompressionMethod::STORE => Some(None),
        CompressionMethod::DEFLATE => Some(Some(&Deflate)),
        CompressionMethod::BZIP2 => Some(Some(&packings::bzip2::Bzip2)),
        CompressionMethod::ZSTD => Some(Some(&packings::zstd::Zstd)),
        CompressionMethod::XZ => Some(Some(&packings::xz::Xz)),
        _ => None,
    }
}

/// The stream inside gzip, which a zip holds bare: nothing to tell it by, so it is in no table.
struct Deflate;

impl Packing for Deflate {
    fn name(&self) -> &'static str {
        "deflate"
    }

    fn packs(&self, _: &[u8]) -> bool {
        false
    }

    fn unpack(&self, packed: Packed) -> io::Result<Stream> {
        Ok(Box::new(DeflateDecoder::new(packed)))
    }
}

/// Holds a member against what the directory says of it.
struct Checked {
    bytes: Stream,
    crc: Crc,
    seen: u64,
    entry_crc: u32,
    size: u64,
    trouble: Trouble,
}

impl Read for Checked {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.bytes.read(buffer)?;
        self.crc.update(&buffer[..read]);
        self.seen += read as u64;
        if read == 0 && !buffer.is_empty() && (self.seen != self.size || self.crc.sum() != self.entry_crc) {
            let Checked { seen, size, .. } = self;
            let why = if seen == size {
                "its checksum is another".to_owned()
            } else {
                format!("it has {seen} bytes of {size}")
            };
            self.trouble.broken(format!("not what the zip's directory says, {why}: damaged"));
            return Err(io::ErrorKind::InvalidData.into());
        }
        Ok(read)
    }
}
