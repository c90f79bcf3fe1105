//! The folder of a file store as one text: its transactions and checkpoints, each file behind a line that frames it.
//!
//! ```text
//! \x1efile events/01a2….jsonl 517\n
//! …517 bytes…\n
//! ```
//!
//! A transaction is a file, and only all of them together are a store; what reads it wants them as one source. The
//! rest of the folder (locks, indexes, scratch files) is derived from them and not read.

use std::{
    collections::{BTreeSet, VecDeque},
    fs::{self, File},
    io::{self, Read},
    path::{Path, PathBuf},
};

use super::{
    archives::{Inside, Members},
    render::{Damage, Render},
};

/// Begins the line in front of a file: the ASCII record separator, which no text has.
const FRAME: &str = "\u{1e}file ";

/// How the first line of a transaction begins.
const RECORD: &[u8] = b"{\"record\":";

/// A file is read whole before it is framed, for its length stands in front. Transactions are a few kilobytes.
const LARGEST: u64 = 1 << 30;

/// The store, rendered.
pub(super) struct FileStore {
    files: Box<dyn Files>,
    frame: Vec<u8>,
    at: usize,
    rendered: u64,
    damage: Vec<Damage>,
}

/// The files of a store, in the order in which they are rendered.
pub(super) trait Files: Send {
    fn next(&mut self) -> Option<StoreFile>;

    /// What else is there, by name.
    fn derived(&self) -> Vec<String>;
}

/// A file of a store, below its folder.
pub(super) struct StoreFile {
    pub(super) path: String,
    pub(super) content: Result<Vec<u8>, String>,
}

impl FileStore {
    pub(super) fn new(files: Box<dyn Files>) -> FileStore {
        FileStore { files, frame: Vec::new(), at: 0, rendered: 0, damage: Vec::new() }
    }

    fn next_frame(&mut self) -> bool {
        while let Some(StoreFile { path, content }) = self.files.next() {
            // A line break in a name would end the frame.
            let path = path.replace(|c: char| c.is_control(), "?");
            match content {
                Ok(content) => {
                    self.frame = format!("{FRAME}{path} {}\n", content.len()).into_bytes();
                    self.frame.extend_from_slice(&content);
                    self.frame.push(b'\n');
                    self.at = 0;
                    return true;
                }
                Err(why) => {
                    let why = format!("{path} cannot be read: {why}");
                    self.damage.push(Damage { byte: self.rendered, why });
                }
            }
        }
        false
    }
}

impl Read for FileStore {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.frame.len() && !self.next_frame() {
            return Ok(0);
        }
        let read = (&self.frame[self.at..]).read(buffer)?;
        self.at += read;
        self.rendered += read as u64;
        Ok(read)
    }
}

impl Render for FileStore {
    fn format(&self) -> &'static str {
        "eventcore-fs"
    }

    fn about(&self) -> Vec<String> {
        let derived = self.files.derived();
        if derived.is_empty() {
            return Vec::new();
        }
        vec![format!("derived from the events and not read: {}", derived.join(", "))]
    }

    fn compression(&self) -> Option<&'static str> {
        None
    }

    fn damage(&mut self) -> Vec<Damage> {
        self.damage.clone()
    }
}

/// Whether a folder is that of a file store.
pub(super) fn is_store(folder: &Path) -> bool {
    if folder.join(".eventcore").is_dir() {
        return true;
    }
    let events = jsonl(&folder.join("events")).unwrap_or_default();
    let begins = |path: &Path| {
        let mut head = [0; RECORD.len()];
        File::open(path).is_ok_and(|mut file| file.read_exact(&mut head).is_ok()) && head == RECORD
    };
    events.iter().any(|path| is_uuid(&stem(path)) || begins(path))
}

/// The files of a store's folder.
pub(super) struct Folder {
    root: PathBuf,
    paths: VecDeque<PathBuf>,
    derived: Vec<String>,
}

impl Folder {
    /// # Errors
    ///
    /// Where the folder cannot be listed.
    pub(super) fn open(root: &Path) -> io::Result<Folder> {
        let mut derived = Vec::new();
        for entry in listed(root)? {
            let name = name(&entry);
            match name.as_str() {
                "events" | "checkpoints" => {}
                _ if entry.is_dir() => derived.push(format!("{name}/")),
                _ => derived.push(name),
            }
        }
        // A folder that cannot be listed stands for its files: opening it says why they cannot be read.
        let events = root.join("events");
        let mut paths = VecDeque::from(jsonl(&events).unwrap_or_else(|_| vec![events]));
        match listed(&root.join("checkpoints")) {
            Ok(files) => paths.extend(files.into_iter().filter(|path| has_extension(path, "json"))),
            Err(err) if err.kind() == io::ErrorKind::NotFound => {}
            Err(_) => paths.push_back(root.join("checkpoints")),
        }
        Ok(Folder { root: root.to_owned(), paths, derived })
    }
}

impl Files for Folder {
    fn next(&mut self) -> Option<StoreFile> {
        let path = self.paths.pop_front()?;
        let content = File::open(&path).and_then(whole).map_err(|err| err.to_string());
        let below = path.strip_prefix(&self.root).unwrap_or(&path);
        let path = below.to_string_lossy().replace('\\', "/");
        Some(StoreFile { path, content })
    }

    fn derived(&self) -> Vec<String> {
        self.derived.clone()
    }
}

/// The members of an archive that belong to one store, for as long as they follow one another.
pub(super) struct Inner {
    members: Members,
    root: String,
    first: Option<StoreFile>,
    derived: BTreeSet<String>,
    over: bool,
}

/// The folder of the store that a member belongs to, if it shows that it is of one: a transaction by its first line,
/// a checkpoint by holding an event's id and nothing else.
pub(super) fn root_of<'p>(path: &'p str, head: &[u8]) -> Option<&'p str> {
    let (root, part, _) = split(path)?;
    let shows = match part {
        Part::Event => head.starts_with(RECORD),
        Part::Checkpoint => std::str::from_utf8(head).is_ok_and(|text| is_uuid(text.trim())),
    };
    shows.then_some(root)
}

/// Whether a member may belong to a store: then its beginning tells.
pub(super) fn may_be_of_store(path: &str) -> bool {
    split(path).is_some()
}

impl Inner {
    pub(super) fn new(members: Members, root: &str, path: &str, bytes: impl Read) -> Inner {
        let mut inner =
            Inner { members, root: root.to_owned(), first: None, derived: BTreeSet::new(), over: false };
        inner.first = Some(StoreFile { path: inner.below(path), content: content(bytes) });
        inner
    }

    fn below(&self, path: &str) -> String {
        path.strip_prefix(&self.root).unwrap_or(path).trim_start_matches('/').to_owned()
    }

    fn holds(&self, path: &str) -> bool {
        self.root.is_empty()
            || path.strip_prefix(&self.root).is_some_and(|below| below.is_empty() || below.starts_with('/'))
    }
}

impl Files for Inner {
    fn next(&mut self) -> Option<StoreFile> {
        if self.first.is_some() {
            return self.first.take();
        }
        while !self.over {
            let Some(member) = self.members.next() else { break };
            if !self.holds(&member.path) {
                self.members.hold(member);
                break;
            }
            let path = self.below(&member.path);
            let of_store = split(&member.path).is_some_and(|(root, ..)| root == self.root);
            match member.inside {
                Inside::File { bytes, .. } if of_store => {
                    return Some(StoreFile { path, content: content(bytes) });
                }
                Inside::Passed { why, missed: true } if of_store => {
                    return Some(StoreFile { path, content: Err(why) });
                }
                _ => {
                    let top = path.split('/').next().unwrap_or_default();
                    if !["", "events", "checkpoints"].contains(&top) {
                        let folder = if path.contains('/') || matches!(member.inside, Inside::Folder) {
                            "/"
                        } else {
                            ""
                        };
                        self.derived.insert(format!("{top}{folder}"));
                    }
                }
            }
        }
        self.over = true;
        None
    }

    fn derived(&self) -> Vec<String> {
        self.derived.iter().cloned().collect()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Event,
    Checkpoint,
}

/// A member's path as the folder of a store, which part of it the file is in, and the file's name.
fn split(path: &str) -> Option<(&str, Part, &str)> {
    let (folder, name) = path.rsplit_once('/')?;
    let (root, part) = folder.rsplit_once('/').unwrap_or(("", folder));
    match (part, name.rsplit_once('.')?.1) {
        ("events", "jsonl") => Some((root, Part::Event, name)),
        ("checkpoints", "json") => Some((root, Part::Checkpoint, name)),
        _ => None,
    }
}

/// A file of a store, up to a size that no transaction has.
fn whole(bytes: impl Read) -> io::Result<Vec<u8>> {
    let mut content = Vec::new();
    bytes.take(LARGEST + 1).read_to_end(&mut content)?;
    if content.len() as u64 > LARGEST {
        return Err(io::Error::other(format!("more than {LARGEST} bytes")));
    }
    Ok(content)
}

fn content(bytes: impl Read) -> Result<Vec<u8>, String> {
    whole(bytes).map_err(|err| err.to_string())
}

fn jsonl(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = listed(folder)?;
    paths.retain(|path| has_extension(path, "jsonl"));
    Ok(paths)
}

/// The entries of a folder, by name.
fn listed(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<_>>()?;
    paths.sort();
    Ok(paths)
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

fn has_extension(path: &Path, wanted: &str) -> bool {
    path.extension().is_some_and(|extension| extension == wanted)
}

/// Thirty-two digits in five groups (RFC 9562, section 4).
fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
