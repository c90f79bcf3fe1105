//! The header and the table of contents of an archive, as `ReadHead` and `ReadToc` of
//! `src/bin/pg_dump/pg_backup_archiver.c` read them, for the minor versions that backups are found in.

use std::{
    collections::BTreeMap,
    io::{self, Read},
};

use super::source::{Source, bad};

/// The archive's first bytes, `PGDMP` (`WriteHead`).
const MAGIC: &[u8] = b"PGDMP";

/// Minor versions with a layout that is known: `PostgreSQL` 8.0 wrote 1.10, 17 and 18 write 1.16 (`K_VERS_1_10` to
/// `K_VERS_1_16` in `pg_backup_archiver.h`).
const KNOWN: std::ops::RangeInclusive<u8> = 10..=16;
/// Since when a TOC entry has a section (`K_VERS_1_11`).
const SECTION: u8 = 11;
/// Since when names in definitions are qualified (`K_VERS_1_13`).
const QUALIFIED: u8 = 13;
/// Since when a TOC entry has a table access method (`K_VERS_1_14`).
const TABLE_AM: u8 = 14;
/// Since when the header names a compression algorithm (`K_VERS_1_15`).
const ALGORITHM: u8 = 15;
/// Since when a TOC entry has the relation's kind (`K_VERS_1_16`).
const RELATION_KIND: u8 = 16;

/// The longest definition that is believed; a view of a thousand columns stays far below.
const MAX_SQL: usize = 64 << 20;
/// The longest name that is believed; the tag of a function holds all its arguments.
const MAX_NAME: usize = 1 << 20;
/// What is kept of a table of contents at most, lest a few packed bytes fill the memory.
const MAX_KEPT: usize = 256 << 20;

/// How the header says that data is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    None,
    Gzip,
    Lz4,
    Zstd,
}

impl Algorithm {
    pub(super) fn name(self) -> &'static str {
        match self {
            Algorithm::None => "none",
            Algorithm::Gzip => "gzip",
            Algorithm::Lz4 => "lz4",
            Algorithm::Zstd => "zstd",
        }
    }
}

/// What holds the table of contents and the data (`ArchiveFormat`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    Custom,
    Directory,
    Tar,
}

impl Format {
    pub(super) fn name(self) -> &'static str {
        match self {
            Format::Custom => "pg-dump-custom",
            Format::Directory => "pg-dump-directory",
            Format::Tar => "pg-dump-tar",
        }
    }

    /// The header of a folder's `toc.dat` says tar, for both are written alike (`pg_backup_directory.c`).
    fn has_mark(self, mark: u8) -> bool {
        match self {
            Format::Custom => mark == 1,
            Format::Directory => mark == 3 || mark == 5,
            Format::Tar => mark == 3,
        }
    }
}

pub(super) struct Header {
    pub(super) format: Format,
    pub(super) minor: u8,
    pub(super) int_size: usize,
    offset_size: usize,
    pub(super) algorithm: Algorithm,
    /// Version of the server that was dumped.
    pub(super) server: String,
    /// Version of the `pg_dump` that wrote the archive.
    pub(super) dumper: String,
}

impl Header {
    pub(super) fn read<R: Read>(source: &mut Source<R>, format: Format) -> io::Result<Header> {
        let mut head = [0; 11];
        source
            .read_exact(&mut head)
            .map_err(|err| bad(format!("the header of the archive is cut: {err}")))?;
        let [magic @ .., major, minor, _, int_size, offset_size, mark] = head;
        if magic != *MAGIC {
            return Err(bad("not an archive of pg_dump: it does not begin with PGDMP"));
        }
        if major != 1 || !KNOWN.contains(&minor) {
            return Err(bad(format!(
                "an archive of version {major}.{minor}; the versions that can be read are 1.{} to 1.{}",
                KNOWN.start(),
                KNOWN.end()
            )));
        }
        if !(1..=8).contains(&int_size) || !(1..=8).contains(&offset_size) || !format.has_mark(mark) {
            return Err(bad(format!(
                "the header of the archive is damaged: integers of {int_size} bytes, offsets of {offset_size}, format {mark}"
            )));
        }
        let sizes = (usize::from(int_size), usize::from(offset_size));
        Header::rest(source, format, minor, sizes).map_err(|err| {
            bad(format!("the header of the archive is damaged near byte {}: {err}", source.at()))
        })
    }

    fn rest<R: Read>(
        source: &mut Source<R>,
        format: Format,
        minor: u8,
        (int_size, offset_size): (usize, usize),
    ) -> io::Result<Header> {
        let algorithm = algorithm(source, minor, int_size)?;
        // When it was written: second, minute, hour, day, month, year, daylight saving.
        for _ in 0..7 {
            source.int(int_size)?;
        }
        source.skip_text(int_size)?;
        let mut version =
            || Ok::<_, io::Error>(version_of(&source.text(int_size, MAX_NAME)?.unwrap_or_default()));
        let (server, dumper) = (version()?, version()?);
        Ok(Header { format, minor, int_size, offset_size, algorithm, server, dumper })
    }
}

fn algorithm<R: Read>(source: &mut Source<R>, minor: u8, int_size: usize) -> io::Result<Algorithm> {
    if minor < ALGORITHM {
        // A level; zlib was the only algorithm.
        return Ok(if source.int(int_size)? == 0 { Algorithm::None } else { Algorithm::Gzip });
    }
    // `pg_compress_algorithm` in src/include/common/compression.h.
    match source.byte()? {
        0 => Ok(Algorithm::None),
        1 => Ok(Algorithm::Gzip),
        2 => Ok(Algorithm::Lz4),
        3 => Ok(Algorithm::Zstd),
        other => Err(bad(format!("compression algorithm {other} is not known"))),
    }
}

/// `15.18` of `15.18 (Debian 15.18-0+deb12u1)`.
fn version_of(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.split_ascii_whitespace().next().unwrap_or_default().chars().filter(|c| !c.is_control()).collect()
}

/// What a TOC entry is to a checker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `CREATE TABLE`: which columns a table has.
    Table,
    /// `TABLE DATA`.
    Rows,
    /// `SEQUENCE SET`: where a sequence stood.
    Sequence,
    /// Large objects and whatever else has data.
    Other,
}

/// A TOC entry, as far as it is rendered.
pub(super) struct Entry {
    pub(super) dump_id: i64,
    pub(super) kind: Kind,
    /// Schema and name.
    pub(super) name: String,
    pub(super) schema: Vec<u8>,
    pub(super) definition: Vec<u8>,
    /// The COPY statement, empty where rows are INSERT statements.
    pub(super) copy: Vec<u8>,
    /// Whether data belongs to it.
    pub(super) has_data: bool,
    /// Custom format: where its data begins, if that was known when the table of contents was written.
    pub(super) offset: Option<u64>,
    /// Directory and tar format: the file with its data.
    pub(super) file: String,
}

#[derive(Default)]
pub(super) struct Toc {
    pub(super) entries: Vec<Entry>,
    by_id: BTreeMap<i64, usize>,
    by_file: BTreeMap<String, usize>,
    /// Where and why reading it broke off.
    pub(super) broken: Option<String>,
    /// Definitions do not name their schema.
    pub(super) unqualified: bool,
}

impl Toc {
    /// Reads as many entries as are whole. An error if there is none.
    pub(super) fn read<R: Read>(source: &mut Source<R>, header: &Header) -> io::Result<Toc> {
        let start = source.at();
        let mut toc = Toc { unqualified: header.minor < QUALIFIED, ..Toc::default() };
        let unreadable =
            |err| bad(format!("the table of contents cannot be read: damaged near byte {start}: {err}"));
        let entries = source.int(header.int_size).map_err(unreadable)?;
        if entries < 0 {
            return Err(unreadable(bad(format!("it should have {entries} entries"))));
        }
        let (mut kept, mut names) = (0, 0);
        for number in 1..=entries {
            match entry(source, header) {
                Ok(Some(entry)) if kept < MAX_KEPT => {
                    kept += entry.definition.len() + entry.copy.len() + entry.name.len() + size_of::<Entry>();
                    toc.add(entry);
                }
                Ok(None) => names += 1,
                other => {
                    let err = other.err().unwrap_or_else(|| bad("it is too large"));
                    let why = format!(
                        "the table of contents is damaged near byte {}, in entry {number} of {entries}: {err}",
                        source.at()
                    );
                    if toc.entries.len() + names == 0 {
                        return Err(bad(why));
                    }
                    toc.broken = Some(why);
                    break;
                }
            }
        }
        Ok(toc)
    }

    fn add(&mut self, entry: Entry) {
        if entry.has_data {
            self.by_id.insert(entry.dump_id, self.entries.len());
            if !entry.file.is_empty() {
                self.by_file.insert(entry.file.clone(), self.entries.len());
            }
        }
        self.entries.push(entry);
    }

    /// The entry whose data has a dump id.
    pub(super) fn with_data(&self, dump_id: i64) -> Option<usize> {
        self.by_id.get(&dump_id).copied()
    }

    /// The entry whose data is in a file.
    pub(super) fn with_file(&self, file: &str) -> Option<usize> {
        self.by_file.get(file).copied()
    }
}

/// Reads an entry; `None` if nothing of it is rendered and no data belongs to it.
fn entry<R: Read>(source: &mut Source<R>, header: &Header) -> io::Result<Option<Entry>> {
    let size = header.int_size;
    let dump_id = source.int(size)?;
    let had_dumper = source.int(size)? != 0;
    // The catalog's oid and the object's.
    source.skip_text(size)?;
    source.skip_text(size)?;
    let tag = source.text(size, MAX_NAME)?.unwrap_or_default();
    let kind = kind_of(&source.text(size, MAX_NAME)?.unwrap_or_default());
    if header.minor >= SECTION {
        source.int(size)?;
    }
    let definition = kept_text(source, size, matches!(kind, Kind::Table | Kind::Sequence))?;
    // How to drop it.
    source.skip_text(size)?;
    let copy = kept_text(source, size, kind == Kind::Rows)?;
    let schema = source.text(size, MAX_NAME)?.unwrap_or_default();
    skip_storage(source, header)?;
    let (has_offset, offset, file) = place_of_data(source, header)?;
    let has_data = had_dumper && has_offset;
    let name = name_of(&schema, &tag);
    let entry = Entry { dump_id, kind, name, schema, definition, copy, has_data, offset, file };
    Ok((kind != Kind::Other || has_data).then_some(entry))
}

fn kind_of(description: &[u8]) -> Kind {
    match description {
        b"TABLE" | b"FOREIGN TABLE" => Kind::Table,
        b"TABLE DATA" => Kind::Rows,
        b"SEQUENCE SET" => Kind::Sequence,
        _ => Kind::Other,
    }
}

fn kept_text<R: Read>(source: &mut Source<R>, int_size: usize, kept: bool) -> io::Result<Vec<u8>> {
    if kept {
        return Ok(source.text(int_size, MAX_SQL)?.unwrap_or_default());
    }
    source.skip_text(int_size)?;
    Ok(Vec::new())
}

/// Tablespace, access method, kind of relation, owner, whether it has oids, and what it depends on.
fn skip_storage<R: Read>(source: &mut Source<R>, header: &Header) -> io::Result<()> {
    let size = header.int_size;
    source.skip_text(size)?;
    if header.minor >= TABLE_AM {
        source.skip_text(size)?;
    }
    if header.minor >= RELATION_KIND {
        source.int(size)?;
    }
    source.skip_text(size)?;
    source.skip_text(size)?;
    while source.skip_text(size)? {}
    Ok(())
}

/// What the format adds to an entry (`ReadExtraToc`): whether data was written, its offset, its file.
fn place_of_data<R: Read>(
    source: &mut Source<R>,
    header: &Header,
) -> io::Result<(bool, Option<u64>, String)> {
    if header.format != Format::Custom {
        let file = source.text(header.int_size, MAX_NAME)?.unwrap_or_default();
        return Ok((!file.is_empty(), None, String::from_utf8_lossy(&file).into_owned()));
    }
    let flag = source.byte()?;
    let mut offset = [0; 8];
    source.read_exact(offset.get_mut(..header.offset_size).unwrap_or_default())?;
    // `K_OFFSET_POS_NOT_SET`, `K_OFFSET_POS_SET` and `K_OFFSET_NO_DATA` of `pg_backup_archiver.h`.
    match flag {
        1 => Ok((true, None, String::new())),
        2 => Ok((true, Some(u64::from_le_bytes(offset)), String::new())),
        3 => Ok((false, None, String::new())),
        other => Err(bad(format!("the flag {other} of an offset is not known"))),
    }
}

fn name_of(schema: &[u8], tag: &[u8]) -> String {
    let plain = |text: &[u8]| -> String {
        String::from_utf8_lossy(text).chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
    };
    if schema.is_empty() { plain(tag) } else { format!("{}.{}", plain(schema), plain(tag)) }
}
