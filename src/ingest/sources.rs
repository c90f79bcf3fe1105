//! The sources that one piece of evidence holds, one after another: a file is one, an archive has many, a folder that
//! is a backup as a whole is one again.
//!
//! What a stream is, is told by its beginning once its packings are off. A member of an archive is looked at in the
//! same way as a file, so an archive inside an archive needs no rule of its own.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{
    Ending, HashKind,
    archives::{
        Inside, Member, Members,
        tar::{self, Tar},
        zip::{self, Zip},
    },
    found::AsFound,
    fs_store::{self, FileStore},
    hash::Tap,
    layers::{Shared, Stream, Unpacked, peek, unpack},
    pg_archive::PgArchive,
    reader::{Reader, Summary, named},
    render::{Render, Rendering},
    sqlite::{self, Sqlite},
    trouble::Trouble,
    walk::{Evidence, STDIN, Shape, is_beside_a_database, is_hidden},
};

/// What comes next.
#[expect(missing_debug_implementations, reason = "holds open files")]
pub enum Step {
    /// A source to read: to its end, or the rest of the evidence is out of step.
    Read(Reader),
    /// Something that the ledger lists and nobody reads: an archive, once its members were read; a hidden member.
    Listed(Listed),
}

/// A row of the ledger without a source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    pub name: String,
    pub kind: &'static str,
    pub format: &'static str,
    pub summary: Summary,
}

/// Goes through the sources of one piece of evidence.
#[expect(missing_debug_implementations, reason = "holds open files")]
pub struct Sources {
    hash: Option<HashKind>,
    first: Option<Step>,
    entrance: Option<Entrance>,
    /// Archives that are open, each inside the one before it.
    open: Vec<Nest>,
    /// Names that were given, so that no two sources share one.
    names: BTreeSet<String>,
    tap: Option<Tap>,
}

/// A stream that nobody has looked at yet.
struct Entrance {
    name: String,
    found: AsFound,
    stream: Stream,
    trouble: Trouble,
    /// Set for a member.
    size: Option<u64>,
    /// Set for a file on disk, which can be read in another order.
    path: Option<PathBuf>,
}

/// An archive that is open.
struct Nest {
    name: String,
    members: Members,
    found: AsFound,
    packings: Vec<&'static str>,
    trouble: Trouble,
    /// Hidden things that were listed; what is below them is not.
    hidden: BTreeSet<String>,
}

/// Archives inside one another: a backup of backups has two or three, an archive of itself no end.
const DEEPEST: usize = 6;

/// The largest `SQLite` database that is read into memory, where it is not a file on disk.
const IMAGE: u64 = 2 << 30;

/// How an archive of `pg_dump` in its custom format begins, and the table of contents of the other two.
pub(super) const PG_DUMP: &[u8] = b"PGDMP";

/// The `SQLite` file format, 1.3.
pub(super) const SQLITE: &[u8] = b"SQLite format 3\0";

impl Sources {
    /// Opens a piece of evidence. Without a hash it is read no further than its readers are.
    ///
    /// # Errors
    ///
    /// What the operating system says; the caller names the evidence.
    pub fn open(evidence: &Evidence, hash: Option<HashKind>) -> io::Result<Sources> {
        let mut sources = Sources {
            hash,
            first: None,
            entrance: None,
            open: Vec::new(),
            names: BTreeSet::new(),
            tap: None,
        };
        let (name, path) = (evidence.name.clone(), &evidence.path);
        match evidence.shape {
            Shape::File => {
                let trouble = Trouble::default();
                let (found, tap) = AsFound::open(path, hash, &trouble)?;
                sources.tap = Some(tap.clone());
                let path = (path != Path::new(STDIN)).then(|| path.clone());
                let stream = Box::new(tap);
                sources.entrance = Some(Entrance { name, found, stream, trouble, size: None, path });
            }
            Shape::PgDirectory => sources.first = Some(pg_directory(name, path, hash)?),
            Shape::FileStore => {
                let files = fs_store::Folder::open(path)?;
                sources.first = Some(Step::Read(file_store(name, Box::new(files), hash)));
            }
        }
        Ok(sources)
    }

    /// The next source, once the one before it is finished.
    pub fn step(&mut self) -> Option<Step> {
        if let Some(first) = self.first.take() {
            return Some(first);
        }
        loop {
            if let Some(entrance) = self.entrance.take() {
                if let Some(step) = self.enter(entrance) {
                    return Some(step);
                }
                continue;
            }
            let nest = self.open.last()?;
            match nest.members.next() {
                Some(member) => {
                    if let Some(step) = self.member(member) {
                        return Some(step);
                    }
                }
                None => return self.open.pop().map(Nest::finish),
            }
        }
    }

    /// Bytes of the evidence as found that were read so far.
    pub fn raw_bytes(&self) -> u64 {
        self.tap.as_ref().map_or(0, Tap::seen)
    }

    /// Tells what a stream is. `None` for an archive: its members come next.
    fn enter(&mut self, mut entrance: Entrance) -> Option<Step> {
        let stream = std::mem::replace(&mut entrance.stream, Box::new(io::empty()));
        let unpacked = unpack(stream, &entrance.trouble);
        let head = &unpacked.head[..];
        let on_disk = entrance.path.clone().filter(|_| unpacked.packings.is_empty());
        if head.starts_with(SQLITE) {
            return Some(database(entrance, unpacked, on_disk));
        }
        if head.starts_with(PG_DUMP) {
            let step = rendered(entrance, unpacked, "pg-dump-custom", |stream| {
                Ok(Box::new(PgArchive::custom(stream)?))
            });
            return Some(step);
        }
        if let (true, Some(path)) = (zip::begins(head), on_disk) {
            return self.zip(entrance, &path);
        }
        if let Some((first, inside)) = tar::first(head) {
            if first == "toc.dat" && inside.starts_with(PG_DUMP) {
                let step = rendered(entrance, unpacked, "pg-dump-tar", |stream| {
                    Ok(Box::new(PgArchive::tar(stream)?))
                });
                return Some(step);
            }
            let archive = Tar::new(unpacked.stream, &entrance.trouble);
            return self.nest(entrance, Members::new(Box::new(archive)), unpacked.packings);
        }
        let size = entrance.size.unwrap_or_else(|| entrance.found.size());
        let named_a_database =
            [".db", ".sqlite", ".sqlite3"].iter().any(|ending| entrance.name.ends_with(ending));
        if named_a_database && unpacked.packings.is_empty() && sqlite::looks_encrypted(head, size) {
            entrance.trouble.broken(
                "an encrypted SQLite database? Every byte is as frequent as any other; decrypt it, or export its events table".to_owned(),
            );
            return Some(entrance.listed("store", "sqlite-encrypted", &[]));
        }
        let Entrance { name, found, trouble, path, .. } = entrance;
        Some(Step::Read(Reader::text(name, found, unpacked, trouble, path)))
    }

    fn nest(&mut self, entrance: Entrance, members: Members, packings: Vec<&'static str>) -> Option<Step> {
        let Entrance { name, found, trouble, .. } = entrance;
        let nest = Nest { name, members, found, packings, trouble, hidden: BTreeSet::new() };
        if self.open.len() == DEEPEST {
            nest.trouble.broken(format!("an archive inside {DEEPEST} others is not read: unpack it first"));
            return Some(nest.finish());
        }
        self.open.push(nest);
        None
    }

    fn zip(&mut self, entrance: Entrance, path: &Path) -> Option<Step> {
        match File::open(path).and_then(Zip::open) {
            Ok(archive) => self.nest(entrance, Members::new(Box::new(archive)), Vec::new()),
            Err(err) => {
                entrance.trouble.broken(format!(
                    "the directory at the end of the zip cannot be read, so it may be cut off: {err}"
                ));
                Some(entrance.listed("archive", "zip", &[]))
            }
        }
    }

    /// A member: `None` where there is nothing to say of it, or where it is an archive itself.
    fn member(&mut self, member: Member) -> Option<Step> {
        let Member { path, inside } = member;
        if let Inside::Folder = inside {
            return None;
        }
        if let Some(hidden) = hidden(&path) {
            let nest = self.open.last_mut()?;
            let first = nest.hidden.insert(hidden.to_owned());
            let name = self.name(hidden);
            let why = "hidden; unpack the archive and name it to have it read".to_owned();
            return first.then(|| passed(name, why, false));
        }
        match inside {
            Inside::Folder => None,
            Inside::Passed { why, missed } => Some(passed(self.name(&path), why, missed)),
            Inside::File { bytes, size, trouble } => self.file(&path, bytes, size, trouble),
        }
    }

    fn file(&mut self, path: &str, mut bytes: Stream, size: u64, trouble: Trouble) -> Option<Step> {
        if fs_store::may_be_of_store(path) {
            let head;
            (head, bytes) = peek(bytes);
            if let Some(root) = fs_store::root_of(path, &head) {
                let members = self.open.last()?.members.clone();
                let files = fs_store::Inner::new(members, root, path, bytes);
                let name = self.name(if root.is_empty() { "." } else { root });
                return Some(Step::Read(file_store(name, Box::new(files), self.hash).in_step()));
            }
        }
        let beside = is_beside_a_database(path).filter(|base| self.names.contains(&self.full(base)));
        if let Some(base) = beside {
            let base = base.rsplit('/').next().unwrap_or(base);
            // A log of writes that is not empty holds what the database file lacks.
            let lost = path.ends_with("-wal") && size > 0;
            let unread =
                if lost { ", whose last writes are in it and were not read: unpack the two" } else { "" };
            let why = format!("belongs to {base}{unread}");
            return Some(passed(self.name(path), why, lost));
        }
        let (found, tap) = AsFound::passing(bytes, None, self.hash, &trouble);
        let name = self.name(path);
        let stream = Box::new(tap);
        self.entrance = Some(Entrance { name, found, stream, trouble, size: Some(size), path: None });
        None
    }

    fn full(&self, path: &str) -> String {
        let archive = self.open.last().map_or("", |nest| nest.name.as_str());
        format!("{archive}/{path}")
    }

    /// The name of a member, with a number where another member has it.
    fn name(&mut self, path: &str) -> String {
        let full = self.full(path);
        let mut name = full.clone();
        let mut times = 1;
        while !self.names.insert(name.clone()) {
            times += 1;
            name = format!("{full} ({times})");
        }
        name
    }
}

impl Entrance {
    /// Names what is not read.
    fn listed(self, kind: &'static str, format: &'static str, packings: &[&'static str]) -> Step {
        let Entrance { name, found, trouble, .. } = self;
        let (bytes, hash) = found.finish(&trouble);
        let summary = Summary {
            bytes,
            hash,
            compression: named(packings),
            ending: trouble.ending(),
            ..Summary::default()
        };
        Step::Listed(Listed { name, kind, format, summary })
    }
}

impl Nest {
    /// Its row in the ledger, once its members were read.
    fn finish(self) -> Step {
        let Nest { name, members, found, packings, trouble, .. } = self;
        let (bytes, hash) = found.finish(&trouble);
        let (format, notes) = (members.format(), vec![members.counted()]);
        let ending = trouble.ending();
        let summary =
            Summary { bytes, hash, compression: named(&packings), ending, notes, damage: Vec::new() };
        Step::Listed(Listed { name, kind: "archive", format, summary })
    }
}

/// The first part of a path that is hidden, and what leads to it.
fn hidden(path: &str) -> Option<&str> {
    let mut end = 0;
    for part in path.split('/') {
        end += part.len();
        if is_hidden(part) {
            return Some(&path[..end]);
        }
        end += 1;
    }
    None
}

/// A member that is not read.
fn passed(name: String, why: String, missed: bool) -> Step {
    let ending = if missed { Ending::Broken(why) } else { Ending::Noted(why) };
    let summary = Summary { compression: named(&[]), ending, ..Summary::default() };
    Step::Listed(Listed { name, kind: "other", format: "unread", summary })
}

/// A database on disk is read where it is; any other has to be held in memory.
fn database(entrance: Entrance, unpacked: Unpacked, on_disk: Option<PathBuf>) -> Step {
    if let Some(path) = on_disk {
        return rendered(entrance, unpacked, "sqlite", |_| Ok(Box::new(Sqlite::file(&path)?)));
    }
    let Unpacked { head, stream, packings } = unpacked;
    let mut image = Vec::new();
    // What fails here has been said by the layer that met it; what came before is a database that is cut off.
    let _ = stream.take(IMAGE + 1).read_to_end(&mut image);
    if image.len() as u64 > IMAGE {
        let why = "a SQLite database of more than 2 GiB is read from disk alone: unpack it".to_owned();
        entrance.trouble.broken(why);
        return entrance.listed("store", "sqlite", &packings);
    }
    let unpacked = Unpacked { head, stream: Box::new(io::empty()), packings };
    rendered(entrance, unpacked, "sqlite", |_| Ok(Box::new(Sqlite::image(image)?)))
}

/// A stream that a renderer reads, or why it does not.
fn rendered(
    entrance: Entrance,
    unpacked: Unpacked,
    format: &'static str,
    render: impl FnOnce(Stream) -> io::Result<Box<dyn Render>>,
) -> Step {
    let Unpacked { stream, packings, .. } = unpacked;
    let below = Shared::new(stream);
    match render(Box::new(below.clone())) {
        Ok(render) => {
            let Entrance { name, found, trouble, .. } = entrance;
            let rendering = Rendering::new(render);
            let text = Box::new(rendering.clone());
            Step::Read(Reader::rendered(name, found, text, rendering, trouble).below(below, packings))
        }
        Err(err) => {
            entrance.trouble.broken(err.to_string());
            entrance.listed("store", format, &packings)
        }
    }
}

/// A dump in the directory format: its table of contents and a data file for each table.
fn pg_directory(name: String, folder: &Path, hash: Option<HashKind>) -> io::Result<Step> {
    let trouble = Trouble::default();
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.is_file())
        .collect();
    paths.sort();
    let found = AsFound::Files { paths, hash };
    let below = folder.to_owned();
    let open =
        Box::new(move |name: &str| -> io::Result<Stream> { Ok(Box::new(File::open(below.join(name))?)) });
    let toc = Box::new(File::open(folder.join("toc.dat"))?);
    let entrance = Entrance { name, found, stream: Box::new(io::empty()), trouble, size: None, path: None };
    let unpacked = Unpacked { head: Vec::new(), stream: Box::new(io::empty()), packings: Vec::new() };
    Ok(rendered(entrance, unpacked, "pg-dump-directory", |_| Ok(Box::new(PgArchive::directory(toc, open)?))))
}

/// A file store, rendered; its hash is of the rendered text.
fn file_store(name: String, files: Box<dyn fs_store::Files>, hash: Option<HashKind>) -> Reader {
    let rendering = Rendering::new(Box::new(FileStore::new(files)));
    let trouble = Trouble::default();
    let (found, tap) = AsFound::passing(Box::new(rendering.clone()), None, hash, &trouble);
    Reader::rendered(name, found, Box::new(tap), rendering, trouble)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::ingest::testing::{PACKERS, gzip, tar as tarred, zip as zipped};

    /// What a step came to: name, format and text of a source or kind of a row, and what is said of it.
    #[derive(Debug, PartialEq)]
    struct Seen {
        name: String,
        what: String,
        said: String,
        summary: Summary,
    }

    fn go_through(evidence: &Evidence, want: usize) -> Vec<Seen> {
        let mut sources = Sources::open(evidence, Some(HashKind::Blake3)).expect("opened");
        let mut seen = Vec::new();
        while let Some(step) = sources.step() {
            let (name, what, summary) = match step {
                Step::Read(mut reader) => {
                    let mut text = Vec::new();
                    let mut cut = |bytes: &[u8], last: bool| {
                        (bytes.len() >= want || last).then(|| bytes.len().min(want))
                    };
                    while let Some(piece) = reader.next(want, Vec::new(), &mut cut) {
                        text.extend(piece.bytes);
                    }
                    let text = String::from_utf8_lossy(&text).into_owned();
                    (reader.name().to_owned(), text, reader.finish())
                }
                Step::Listed(Listed { name, kind, format, summary }) => {
                    (name, format!("{kind} {format}"), summary)
                }
            };
            let said = match &summary.ending {
                Ending::Whole => summary.notes.join("; "),
                Ending::Noted(note) => format!("noted: {note}"),
                Ending::Broken(why) => format!("broken: {why}"),
            };
            seen.push(Seen { name, what, said, summary });
        }
        seen
    }

    fn steps(bytes: &[u8]) -> Vec<Seen> {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("file");
        fs::write(&path, bytes).expect("written");
        let evidence = Evidence { name: "a".to_owned(), path, shape: Shape::File };
        let seen = go_through(&evidence, 100_000);
        assert_eq!(go_through(&evidence, 7), seen, "the size of a piece shows");
        seen
    }

    fn short(seen: &[Seen]) -> Vec<(&str, &str, &str)> {
        seen.iter().map(|seen| (&seen.name[..], &seen.what[..], &seen.said[..])).collect()
    }

    const FILES: &[(&str, &[u8])] = &[("logs/x.log", b"one\n"), ("dump.csv", b"a,b\n1,2\n")];

    #[test]
    fn reads_the_members_of_an_archive_like_files() {
        for (format, bytes) in [("tar", tarred(FILES)), ("zip", zipped(FILES))] {
            let seen = steps(&bytes);
            let expected = [
                ("a/logs/x.log", "one\n", ""),
                ("a/dump.csv", "a,b\n1,2\n", ""),
                ("a", &format!("archive {format}"), "2 members"),
            ];
            assert_eq!(short(&seen), expected);
            let hashes = [&b"one\n"[..], b"a,b\n1,2\n", &bytes]
                .map(|b| format!("blake3:{}", blake3::hash(b).to_hex()));
            assert_eq!(seen.iter().map(|seen| &seen.summary.hash[..]).collect::<Vec<_>>(), hashes);
            assert_eq!(seen[2].summary.bytes, bytes.len() as u64);
        }
    }

    #[test]
    fn reads_archives_and_packings_inside_one_another() {
        let text = "a line\n".repeat(20_000).into_bytes();
        for (name, pack) in PACKERS {
            let packed = pack(&text);
            let inner = pack(&tarred(&[("x.log.p", &packed), ("y.log", b"y\n")]));
            let outer =
                pack(&tarred(&[("first.log", b"f\n"), ("inner.tar.p", &inner), ("last.log", b"l\n")]));
            let seen = steps(&outer);
            let names: Vec<&str> = seen.iter().map(|seen| &seen.name[..]).collect();
            let expected = [
                "a/first.log",
                "a/inner.tar.p/x.log.p",
                "a/inner.tar.p/y.log",
                "a/inner.tar.p",
                "a/last.log",
                "a",
            ];
            assert_eq!(names, expected, "{name}");
            assert!(seen[1].what.as_bytes() == text, "{name}");
            let packings: Vec<&str> = seen.iter().map(|seen| &seen.summary.compression[..]).collect();
            assert_eq!(packings, ["none", name, "none", name, "none", name]);
            let hash = |bytes: &[u8]| format!("blake3:{}", blake3::hash(bytes).to_hex());
            assert_eq!(seen[1].summary.hash, hash(&packed));
            assert_eq!(seen[3].summary.hash, hash(&inner));
            assert_eq!(seen[5].summary.hash, hash(&outer));
        }
        let in_zip = steps(&zipped(&[("b.tar.gz", &gzip(&tarred(FILES)))]));
        assert_eq!(in_zip[0].name, "a/b.tar.gz/logs/x.log");
        let deep = (0..7).fold(tarred(FILES), |tar, _| tarred(&[("t", &tar)]));
        let seen = steps(&deep);
        assert!(seen[0].said.contains("inside 6 others"), "{:?}", short(&seen));
    }

    #[test]
    fn names_what_it_passes_over_and_tells_equal_names_apart() {
        let mut builder = ::tar::Builder::new(Vec::new());
        let mut add = |kind: ::tar::EntryType, path: &str, content: &[u8]| {
            let mut header = ::tar::Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, path, content).expect("memory");
        };
        let long = format!("{}/long.log", "part/".repeat(60));
        add(::tar::EntryType::Directory, "dir/", b"");
        add(::tar::EntryType::Regular, &long, b"long\n");
        add(::tar::EntryType::Regular, "./dir/x", b"1\n");
        add(::tar::EntryType::Regular, "dir/x", b"2\n");
        add(::tar::EntryType::Regular, "dir/.git/config", b"hidden");
        add(::tar::EntryType::Regular, "dir/.git/head", b"hidden");
        add(::tar::EntryType::GNUSparse, "holes", b"");
        add(::tar::EntryType::Fifo, "pipe", b"");
        let seen = steps(&builder.into_inner().expect("memory"));
        let long = format!("a/{}", tidied(&long));
        assert_eq!(
            short(&seen),
            [
                (&long[..], "long\n", ""),
                ("a/dir/x", "1\n", ""),
                ("a/dir/x (2)", "2\n", ""),
                (
                    "a/dir/.git",
                    "other unread",
                    "noted: hidden; unpack the archive and name it to have it read"
                ),
                (
                    "a/holes",
                    "other unread",
                    "broken: a sparse file, which is not read inside an archive: unpack it"
                ),
                ("a/pipe", "other unread", "noted: a device or a pipe, no file"),
                ("a", "archive tar", "7 members, 1 folder"),
            ]
        );
    }

    fn tidied(path: &str) -> String {
        path.split('/').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
    }

    #[test]
    fn reads_the_paths_of_pax() {
        let mut builder = ::tar::Builder::new(Vec::new());
        let path = format!("{}.log", "ä".repeat(200));
        builder.append_pax_extensions([("path", path.as_bytes()), ("mtime", &b"1.5"[..])]).expect("memory");
        let mut header = ::tar::Header::new_ustar();
        header.set_size(2);
        builder.append_data(&mut header, "short", &b"p\n"[..]).expect("memory");
        let seen = steps(&builder.into_inner().expect("memory"));
        assert_eq!(short(&seen)[0], (&format!("a/{path}")[..], "p\n", ""));
    }

    #[test]
    fn keeps_what_comes_before_the_cut_of_a_tar() {
        let text = "a line\n".repeat(1000).into_bytes();
        let tar = tarred(&[("1.log", &text), ("2.log", &text), ("3.log", &text)]);
        // Header, 7000 bytes in 14 blocks, header, 3000 bytes.
        let cut = 512 + 14 * 512 + 512 + 3000;
        let seen = steps(&tar[..cut]);
        assert!(seen[0].what.as_bytes() == text && seen[1].what.len() == 3000, "{seen:?}");
        assert_eq!(seen[1].said, "broken: its archive ends inside it: 3000 of 7000 bytes are there");
        assert_eq!(
            short(&seen)[2],
            ("a", "archive tar", &format!("broken: the tar ends at byte {cut}, inside a member")[..])
        );
        let between = steps(&tar[..512 + 14 * 512]);
        assert!(between[1].said.contains("ends at byte 7680, without the empty blocks"), "{between:?}");
        let mut flipped = tar.clone();
        flipped[512 + 14 * 512 + 10] ^= 0xff;
        let seen = steps(&flipped);
        assert_eq!(seen.len(), 2);
        assert!(seen[1].said.contains("damaged at byte 7680"), "{seen:?}");
        let packed = gzip(&tar);
        let seen = steps(&packed[..packed.len() - 5]);
        assert!(seen[3].said.starts_with("broken: the gzip data ends before its end"), "{seen:?}");
    }

    #[test]
    fn names_what_a_zip_hides_and_what_is_damaged_in_it() {
        let zip = zipped(FILES);
        let at = |magic: &[u8], nth: usize| {
            let mut found = memchr::memmem::find_iter(&zip, magic);
            found.nth(nth).expect("there")
        };
        let (local, central) = (at(b"PK\x03\x04", 0), at(b"PK\x01\x02", 0));
        let mut encrypted = zip.clone();
        encrypted[local + 6] |= 1;
        encrypted[central + 8] |= 1;
        assert_eq!(steps(&encrypted)[0].said, "broken: encrypted: unpack it with its password");
        let mut unknown = zip.clone();
        unknown[central + 10] = 98;
        assert!(steps(&unknown)[0].said.contains("98 (PPMD), which is not read"), "{:?}", steps(&unknown));
        let mut crc = zip.clone();
        crc[central + 16] ^= 1;
        assert!(steps(&crc)[0].said.contains("its checksum is another"), "{:?}", steps(&crc));
        let cut = steps(&zip[..zip.len() - 30]);
        assert!(cut[0].what == "archive zip" && cut[0].said.contains("may be cut off"), "{cut:?}");
        // A zip inside something else is left to whoever names what is no text.
        assert_eq!(steps(&gzip(&zip))[0].name, "a");
    }

    #[test]
    fn joins_the_files_of_a_store_wherever_they_are() {
        const ID: &str = "01a20909-dd33-7125-80f1-dcbddf0901e5";
        let event = b"{\"record\":\"header\"}\n";
        let files: &[(&str, &[u8])] = &[
            ("bank/checkpoints/6f.json", ID.as_bytes()),
            ("bank/events/1.jsonl", event),
            ("bank/index/streams/x", b""),
            ("bank/events/2.jsonl", event),
            ("bank/.lock", b""),
        ];
        let frame = |path: &str, content: &[u8]| {
            format!("\x1efile {path} {}\n{}\n", content.len(), String::from_utf8_lossy(content))
        };
        let checkpoint = frame("checkpoints/6f.json", ID.as_bytes());
        let events = frame("events/1.jsonl", event) + &frame("events/2.jsonl", event);
        for bytes in [tarred(files), zipped(files), gzip(&tarred(files))] {
            let with_more = steps(&bytes);
            let said = "derived from the events and not read: .lock, index/";
            assert_eq!(short(&with_more)[0], ("a/bank", &(checkpoint.clone() + &events)[..], said));
            assert_eq!(with_more.len(), 2);
        }
        let dir = tempfile::tempdir().expect("a folder");
        for (path, content) in files {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, content).expect("written");
        }
        let found = crate::ingest::walk(&[dir.path().to_string_lossy().into_owned()]).expect("there");
        assert_eq!(found.evidence.len(), 1, "{found:?}");
        let seen = go_through(&found.evidence[0], 10);
        assert_eq!(seen[0].what, events + &checkpoint);
        assert_eq!(seen[0].said, "derived from the events and not read: .lock, index/");
        assert_eq!(
            seen[0].summary.hash,
            format!("blake3:{}", blake3::hash(seen[0].what.as_bytes()).to_hex())
        );
    }

    #[test]
    fn cites_members_in_one_pass() {
        let log = (1..5000).fold(String::new(), |text, n| text + &format!("row {n}\n"));
        let tar = tarred(&[("1.log", log.as_bytes()), ("2.log.gz", &gzip(log.as_bytes()))]);
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("file");
        fs::write(&path, gzip(&tar)).expect("written");
        let evidence = Evidence { name: "a".to_owned(), path, shape: Shape::File };
        let at = log.find("row 4000\n").expect("there") as u64;
        let wanted = ["a/1.log", "a/2.log.gz"].map(|name| (name.to_owned(), BTreeSet::from([0, at])));
        let cited = crate::ingest::cite(&evidence, &wanted.into_iter().collect());
        for name in ["a/1.log", "a/2.log.gz"] {
            assert_eq!((cited[name][&0].line, cited[name][&at].line), (1, 4000));
            assert_eq!(cited[name][&at].excerpt, b"row 4000");
        }
    }

    #[test]
    fn reads_databases_wherever_they_are() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("bank.sqlite");
        let connection = rusqlite::Connection::open(&path).expect("a database");
        connection.execute_batch("create table t (a text); insert into t values ('told');").expect("made");
        drop(connection);
        let image = fs::read(&path).expect("written");
        let rows = |seen: &Seen| (seen.name.clone(), seen.what.contains("told"), seen.summary.bytes);
        let size = image.len() as u64;
        assert_eq!(rows(&steps(&image)[0]), ("a".to_owned(), true, size));
        let tar = tarred(&[("bank.sqlite", &image), ("bank.sqlite-wal", b"x"), ("x.log", b"x\n")]);
        let seen = steps(&gzip(&tar));
        assert_eq!(rows(&seen[0]), ("a/bank.sqlite".to_owned(), true, size));
        let said =
            "broken: belongs to bank.sqlite, whose last writes are in it and were not read: unpack the two";
        assert_eq!(short(&seen)[1], ("a/bank.sqlite-wal", "other unread", said));
        assert_eq!(seen[2].what, "x\n");
        // Every byte as frequent as any other, under the name of a database.
        let noise: Vec<u8> =
            (0_u32..).flat_map(|n| *blake3::hash(&n.to_le_bytes()).as_bytes()).take(1 << 14).collect();
        let seen = steps(&tarred(&[("a.db", &noise), ("a.log", &noise)]));
        assert!(seen[0].said.starts_with("broken: an encrypted SQLite database?"), "{:?}", seen[0].said);
        assert_eq!(seen[1].said, "");
    }
}
