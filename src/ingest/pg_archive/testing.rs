//! Archives made in memory, as `WriteHead`, `WriteToc` and the formats' writers lay them out. For tests.

use std::{
    collections::BTreeMap,
    io::{self, Cursor, Read, Write},
};

use super::{
    PgArchive,
    toc::{Algorithm, Format},
};

pub(super) const CREATE: &str = "CREATE TABLE public.events (\n    id integer,\n    data text\n);\n";
pub(super) const COPY: &str = "COPY public.events (id, data) FROM stdin;\n";
pub(super) const ROWS: &str = "1\tone\n2\ttwo\\nlines\n3\tthree\n\\.\n\n\n";
pub(super) const CREATE_MORE: &str = "CREATE TABLE public.more (\n    name text\n);\n";
pub(super) const COPY_MORE: &str = "COPY public.more (name) FROM stdin;\n";
pub(super) const MORE: &str = "a row\nanother row\n\\.\n\n\n";
pub(super) const SETVAL: &str = "SELECT pg_catalog.setval('public.s', 3, true);\n";

/// How to write an archive.
#[derive(Clone, Copy, Debug)]
pub(super) struct Writer {
    pub(super) format: Format,
    pub(super) minor: u8,
    pub(super) algorithm: Algorithm,
    pub(super) int_size: usize,
    /// Length of the chunks of the custom format.
    pub(super) chunk: usize,
    /// The file could be sought, so its table of contents has offsets.
    pub(super) offsets: bool,
    /// Rows of the first table are INSERT statements.
    pub(super) inserts: Option<&'static str>,
}

impl Writer {
    pub(super) fn new(format: Format, minor: u8, algorithm: Algorithm) -> Writer {
        Writer { format, minor, algorithm, int_size: 4, chunk: 7, offsets: true, inserts: None }
    }

    /// All that a `pg_dump` can have written.
    pub(super) fn all() -> Vec<Writer> {
        let mut all = Vec::new();
        for format in [Format::Custom, Format::Directory, Format::Tar] {
            for minor in 10..=16 {
                for algorithm in [Algorithm::None, Algorithm::Gzip, Algorithm::Lz4, Algorithm::Zstd] {
                    let old = minor < 15 && matches!(algorithm, Algorithm::Lz4 | Algorithm::Zstd);
                    if !old {
                        all.push(Writer::new(format, minor, algorithm));
                    }
                }
            }
        }
        all
    }

    pub(super) fn rows(&self) -> &'static str {
        self.inserts.unwrap_or(ROWS)
    }

    /// What the archive is rendered as.
    pub(super) fn rendered(&self) -> String {
        let path = if self.minor < 13 { "SET search_path = \"public\", pg_catalog;\n\n" } else { "" };
        let copy = if self.inserts.is_some() { "" } else { COPY };
        format!(
            "--\n-- PostgreSQL database dump\n--\n\n{path}{CREATE}\n{CREATE_MORE}\n{path}{copy}{}{path}{COPY_MORE}{MORE}{SETVAL}\n--\n-- PostgreSQL database dump complete\n--\n",
            self.rows()
        )
    }

    /// The files of a directory.
    pub(super) fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let ending = match self.algorithm {
            Algorithm::None => "",
            Algorithm::Gzip => ".gz",
            Algorithm::Lz4 => ".lz4",
            Algorithm::Zstd => ".zst",
        };
        [
            ("toc.dat".to_owned(), self.toc(&[0; 3])),
            (format!("11.dat{ending}"), self.pack(self.rows())),
            (format!("12.dat{ending}"), self.pack(MORE)),
            ("blobs.toc".to_owned(), b"16384 blob_16384.dat\n".to_vec()),
        ]
        .into()
    }

    /// The archive, if it is one file.
    pub(super) fn file(&self) -> Vec<u8> {
        if self.format == Format::Custom { self.custom() } else { self.tar() }
    }

    fn custom(&self) -> Vec<u8> {
        let rows = [self.block(1, 11, &self.pack(self.rows())), self.block(1, 12, &self.pack(MORE))];
        let mut objects = vec![3];
        objects.extend(self.int(13));
        objects.extend(self.int(16384));
        objects.extend(self.chunks(&self.pack("a large object")));
        objects.extend(self.int(0));
        let start = self.toc(&[0; 3]).len() as u64;
        let [first, second] = &rows;
        let more = start + first.len() as u64;
        let toc = self.toc(&[start, more, more + second.len() as u64]);
        [toc, rows.concat(), objects].concat()
    }

    fn tar(&self) -> Vec<u8> {
        let mut files = self.files();
        let toc = files.remove("toc.dat").unwrap_or_default();
        let mut tar = member("toc.dat", &toc);
        for (name, bytes) in files {
            tar.extend(member(&name, &bytes));
        }
        tar.extend(member("restore.sql", b"--\n"));
        tar.extend([0; 1024]);
        tar
    }

    fn block(&self, kind: u8, dump_id: i64, data: &[u8]) -> Vec<u8> {
        [vec![kind], self.int(dump_id), self.chunks(data)].concat()
    }

    fn chunks(&self, data: &[u8]) -> Vec<u8> {
        let mut chunks = Vec::new();
        for chunk in data.chunks(self.chunk) {
            chunks.extend(self.int(chunk.len() as i64));
            chunks.extend(chunk);
        }
        chunks.extend(self.int(0));
        chunks
    }

    pub(super) fn int(&self, int: i64) -> Vec<u8> {
        let mut bytes = vec![u8::from(int < 0)];
        bytes.extend(int.unsigned_abs().to_le_bytes().iter().take(self.int_size));
        bytes
    }

    fn text(&self, text: &str) -> Vec<u8> {
        [self.int(text.len() as i64), text.as_bytes().to_vec()].concat()
    }

    fn toc(&self, offsets: &[u64; 3]) -> Vec<u8> {
        let [first, second, third] = *offsets;
        let copy = if self.inserts.is_some() { "" } else { COPY };
        [
            self.header(),
            self.int(7),
            self.entry(1, "events", "TABLE", CREATE, "", None),
            self.entry(2, "more", "TABLE", CREATE_MORE, "", None),
            self.entry(3, "events_id", "INDEX", "CREATE INDEX events_id ON public.events (id);\n", "", None),
            self.entry(11, "events", "TABLE DATA", "", copy, Some(first)),
            self.entry(12, "more", "TABLE DATA", "", COPY_MORE, Some(second)),
            self.entry(13, "BLOBS", "BLOBS", "", "", Some(third)),
            self.entry(14, "s", "SEQUENCE SET", SETVAL, "", None),
        ]
        .concat()
    }

    fn header(&self) -> Vec<u8> {
        let mark = if self.format == Format::Custom { 1 } else { 3 };
        let mut bytes = [b"PGDMP", &[1, self.minor, 0, self.int_size as u8, 8, mark][..]].concat();
        if self.minor >= 15 {
            bytes.push(self.algorithm as u8);
        } else {
            bytes.extend(self.int(if self.algorithm == Algorithm::None { 0 } else { -1 }));
        }
        for part in [0, 0, 8, 20, 10, 126, 0] {
            bytes.extend(self.int(part));
        }
        for text in ["bank", "15.18 (Debian 15.18-0+deb12u1)", "15.18 (Debian 15.18-0+deb12u1)"] {
            bytes.extend(self.text(text));
        }
        bytes
    }

    fn entry(&self, id: i64, tag: &str, kind: &str, sql: &str, copy: &str, data: Option<u64>) -> Vec<u8> {
        let texts = |texts: &[&str]| texts.iter().flat_map(|text| self.text(text)).collect::<Vec<u8>>();
        let mut bytes =
            [self.int(id), self.int(i64::from(data.is_some())), texts(&["0", "0", tag, kind])].concat();
        if self.minor >= 11 {
            bytes.extend(self.int(2));
        }
        bytes.extend(texts(&[sql, "", copy, "public", ""]));
        if self.minor >= 14 {
            bytes.extend(self.text("heap"));
        }
        if self.minor >= 16 {
            bytes.extend(self.int(i64::from(b'r')));
        }
        bytes.extend(texts(&["postgres", "false", "1", "2"]));
        bytes.extend(self.int(-1));
        bytes.extend(self.place_of_data(id, kind, data));
        bytes
    }

    fn place_of_data(&self, id: i64, kind: &str, data: Option<u64>) -> Vec<u8> {
        match data {
            None if self.format == Format::Custom => [3, 0, 0, 0, 0, 0, 0, 0, 0].to_vec(),
            Some(offset) if self.format == Format::Custom && self.offsets => {
                [&[2][..], &offset.to_le_bytes()].concat()
            }
            Some(_) if self.format == Format::Custom => [1, 0, 0, 0, 0, 0, 0, 0, 0].to_vec(),
            None => self.text(""),
            Some(_) if kind == "BLOBS" => self.text("blobs.toc"),
            Some(_) => self.text(&format!("{id}.dat")),
        }
    }

    fn pack(&self, text: &str) -> Vec<u8> {
        let packed = match self.algorithm {
            Algorithm::None => Ok(text.as_bytes().to_vec()),
            Algorithm::Gzip if self.format == Format::Custom => {
                let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
                zlib.write_all(text.as_bytes()).and_then(|()| zlib.finish())
            }
            Algorithm::Gzip => {
                let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
                gzip.write_all(text.as_bytes()).and_then(|()| gzip.finish())
            }
            Algorithm::Lz4 => {
                let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
                lz4.write_all(text.as_bytes()).and_then(|()| lz4.finish().map_err(io::Error::other))
            }
            Algorithm::Zstd => zstd::encode_all(text.as_bytes(), 3),
        };
        packed.expect("packed in memory")
    }
}

fn member(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[124..135].copy_from_slice(format!("{:011o}", bytes.len()).as_bytes());
    header[148..156].fill(b' ');
    let sum: u64 = header.iter().map(|byte| u64::from(*byte)).sum();
    header[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
    let mut member = [header, bytes.to_vec()].concat();
    member.resize(member.len().next_multiple_of(512), 0);
    member
}

/// What an archive was rendered as, and what was damaged.
pub(super) type Outcome = (String, Vec<String>);

/// Reads an archive that is one file.
pub(super) fn read_file(format: Format, bytes: &[u8]) -> io::Result<Outcome> {
    let input = Box::new(Cursor::new(bytes.to_vec()));
    read_all(if format == Format::Custom { PgArchive::custom(input)? } else { PgArchive::tar(input)? })
}

/// Reads an archive that is a folder.
pub(super) fn read_files(files: &BTreeMap<String, Vec<u8>>) -> io::Result<Outcome> {
    let files = files.clone();
    let toc = Box::new(Cursor::new(files.get("toc.dat").cloned().unwrap_or_default()));
    read_all(PgArchive::directory(
        toc,
        Box::new(move |name| match files.get(name) {
            Some(bytes) => Ok(Box::new(Cursor::new(bytes.clone())) as Box<dyn Read + Send>),
            None => Err(io::ErrorKind::NotFound.into()),
        }),
    )?)
}

fn read_all(mut archive: PgArchive) -> io::Result<Outcome> {
    let mut rendered = Vec::new();
    archive.read_to_end(&mut rendered)?;
    let mut places: Vec<u64> = archive.damage().iter().map(|damage| damage.byte).collect();
    assert!(places.is_sorted() && places.pop().is_none_or(|last| last <= rendered.len() as u64));
    let damage = archive.damage().iter().map(|damage| damage.why.clone()).collect();
    Ok((String::from_utf8_lossy(&rendered).into_owned(), damage))
}
