//! Which files there are: paths, folders, globs and `-`, each file once and in one order.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use globset::GlobBuilder;
use walkdir::WalkDir;

use super::{
    fs_store,
    sources::{PG_DUMP, SQLITE},
};

/// The path that means standard input.
pub const STDIN: &str = "-";

/// One file to read, or a folder that is a backup as a whole, under the name that the report gives it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    /// As shown: the argument, or the argument's folder and what lies below it, with `/`.
    pub name: String,
    pub path: PathBuf,
    pub shape: Shape,
}

/// What a piece of evidence is on disk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shape {
    #[default]
    File,
    /// A folder that `pg_dump -Fd` wrote.
    PgDirectory,
    /// The folder of a file store.
    FileStore,
}

impl Evidence {
    fn new(name: String, path: &Path, shape: Shape) -> Evidence {
        Evidence { name, path: path.to_owned(), shape }
    }

    /// One file of a folder, as evidence of its own.
    #[must_use]
    pub fn file(&self, name: String, below: &str) -> Evidence {
        Evidence::new(name, &self.path.join(below), Shape::File)
    }

    /// Bytes on disk, as far as can be told before it is read.
    pub fn size(&self) -> u64 {
        match self.shape {
            Shape::File => fs::metadata(&self.path).map_or(0, |metadata| metadata.len()),
            Shape::PgDirectory | Shape::FileStore => 0,
        }
    }
}

/// What the arguments came to.
#[derive(Debug, Default)]
pub struct Found {
    /// Sorted by name: the order of the arguments does not matter.
    pub evidence: Vec<Evidence>,
    /// What is there and is not read.
    pub passed_over: Vec<PassedOver>,
}

/// Something that is not read, with the reason.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PassedOver {
    pub evidence: Evidence,
    pub why: String,
    /// Whether it was asked for or could not be opened, so that the report is incomplete without it.
    pub missed: bool,
}

/// Resolves the arguments.
///
/// A folder is walked to any depth; links inside it are followed for files and not for folders. Hidden entries are
/// passed over unless they are named. A file given twice, or reached by two arguments, is read once.
///
/// # Errors
///
/// An argument that names nothing: a typo must not look like clean evidence.
pub fn walk(arguments: &[String]) -> io::Result<Found> {
    let mut walk = Walk::default();
    for argument in arguments {
        walk.argument(argument)?;
    }
    let mut found = Found { evidence: walk.evidence.into_values().collect(), passed_over: walk.passed_over };
    found.evidence.sort();
    tell_apart(&mut found.evidence);
    found.passed_over.sort();
    found.passed_over.dedup();
    Ok(found)
}

/// Gives each file a name of its own: two that cannot be shown apart (bytes that are no text) get a number.
fn tell_apart(evidence: &mut [Evidence]) {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    for evidence in evidence {
        let times = seen.entry(evidence.name.clone()).or_default();
        *times += 1;
        if *times > 1 {
            evidence.name = format!("{} ({times})", evidence.name);
        }
    }
}

#[derive(Default)]
struct Walk {
    /// By canonical path, so that two names of one file meet; the smaller name stays.
    evidence: BTreeMap<PathBuf, Evidence>,
    passed_over: Vec<PassedOver>,
}

impl Walk {
    fn pass_over(&mut self, path: &Path, why: String, missed: bool) {
        let evidence = Evidence::new(shown(path), path, Shape::File);
        self.passed_over.push(PassedOver { evidence, why, missed });
    }

    fn argument(&mut self, argument: &str) -> io::Result<()> {
        if argument == STDIN {
            self.add(Evidence::new(STDIN.to_owned(), Path::new(STDIN), Shape::File));
            return Ok(());
        }
        let path = Path::new(argument);
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => self.folder(path),
            Ok(metadata) => self.file(path, &metadata, true),
            Err(_) if is_glob(argument) => return self.glob(argument),
            Err(err) => return Err(io::Error::new(err.kind(), format!("{argument}: {err}"))),
        }
        Ok(())
    }

    fn folder(&mut self, root: &Path) {
        let mut entries = WalkDir::new(root).sort_by_file_name().into_iter();
        while let Some(entry) = entries.next() {
            let entry = match entry {
                Ok(entry) => entry,
                Err(err) => {
                    self.pass_over(err.path().unwrap_or(root), format!("cannot be opened: {err}"), true);
                    continue;
                }
            };
            if entry.depth() > 0 && is_hidden(&entry.file_name().to_string_lossy()) {
                self.pass_over(entry.path(), "hidden; name it to have it read".to_owned(), false);
                if entry.file_type().is_dir() {
                    entries.skip_current_dir();
                }
            } else if !entry.file_type().is_dir() {
                self.found(entry.path());
            } else if let Some(shape) = shape(entry.path()) {
                self.add(Evidence::new(shown(entry.path()), entry.path(), shape));
                entries.skip_current_dir();
            }
        }
    }

    /// Something that a folder or a glob holds.
    fn found(&mut self, path: &Path) {
        match fs::metadata(path) {
            Ok(metadata) if metadata.is_dir() => {
                self.pass_over(path, "a link to a folder; name it to have it read".to_owned(), false);
            }
            Ok(metadata) => self.file(path, &metadata, false),
            Err(err) => self.pass_over(path, format!("cannot be opened: {err}"), false),
        }
    }

    fn glob(&mut self, pattern: &str) -> io::Result<()> {
        let bad =
            |err: globset::Error| io::Error::new(io::ErrorKind::InvalidInput, format!("{pattern}: {err}"));
        let matcher = GlobBuilder::new(pattern)
            .literal_separator(true)
            .empty_alternates(true)
            .build()
            .map_err(bad)?
            .compile_matcher();
        let root = glob_root(pattern);
        let mut any = false;
        for entry in WalkDir::new(&root).sort_by_file_name().into_iter().flatten() {
            let path = entry.path().strip_prefix("./").unwrap_or(entry.path());
            if matcher.is_match(path) && entry.depth() > 0 {
                any = true;
                if entry.file_type().is_dir() { self.folder(path) } else { self.found(path) }
            }
        }
        if any {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::NotFound, format!("{pattern}: no file matches this pattern")))
    }

    fn file(&mut self, path: &Path, metadata: &fs::Metadata, named: bool) {
        let beside = is_beside_a_database(&path.to_string_lossy()).map(PathBuf::from);
        if let Some(base) = beside.filter(|base| !named && begins_with(base, SQLITE)) {
            let base = base.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.pass_over(path, format!("belongs to {base}"), false);
        } else if metadata.is_file() {
            self.add(Evidence::new(shown(path), path, Shape::File));
        } else {
            let why = "not a regular file (a pipe, socket or device); pass `-` and pipe it in".to_owned();
            self.pass_over(path, why, named);
        }
    }

    fn add(&mut self, evidence: Evidence) {
        let canonical = fs::canonicalize(&evidence.path).unwrap_or_else(|_| evidence.path.clone());
        let known = self.evidence.entry(canonical).or_insert_with(|| evidence.clone());
        if evidence.name < known.name {
            *known = evidence;
        }
    }
}

/// Whether a folder is a backup as a whole, whose files say little alone.
fn shape(folder: &Path) -> Option<Shape> {
    if begins_with(&folder.join("toc.dat"), PG_DUMP) {
        return Some(Shape::PgDirectory);
    }
    fs_store::is_store(folder).then_some(Shape::FileStore)
}

fn begins_with(path: &Path, magic: &[u8]) -> bool {
    let mut head = vec![0; magic.len()];
    path.is_file()
        && File::open(path).is_ok_and(|mut file| file.read_exact(&mut head).is_ok())
        && head == magic
}

/// Whether a file or folder wants to be passed over, by its name alone.
pub(super) fn is_hidden(name: &str) -> bool {
    name.starts_with('.') && name != "." && name != ".."
}

/// The database that a file belongs to, if it is named like one of those that `SQLite` keeps beside it (its manual,
/// "Temporary Files").
pub(super) fn is_beside_a_database(path: &str) -> Option<&str> {
    ["-wal", "-shm", "-journal"].iter().find_map(|ending| path.strip_suffix(ending))
}

/// The path as the report names it: `/` between parts, no `./` in front.
fn shown(path: &Path) -> String {
    let text = path.to_string_lossy();
    let text = if cfg!(windows) { text.replace('\\', "/") } else { text.into_owned() };
    text.strip_prefix("./").map_or(text.clone(), str::to_owned)
}

fn is_glob(argument: &str) -> bool {
    argument.contains(['*', '?', '[', '{'])
}

/// The longest folder of the pattern that is named in full.
fn glob_root(pattern: &str) -> PathBuf {
    let fixed: Vec<&str> = pattern.split('/').take_while(|part| !is_glob(part)).collect();
    match fixed.join("/") {
        root if root.is_empty() && pattern.starts_with('/') => PathBuf::from("/"),
        root if root.is_empty() => PathBuf::from("."),
        root => PathBuf::from(root),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> tempfile::TempDir {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir_all(dir.path().join("logs/.git")).expect("made");
        for file in ["logs/b.log", "logs/a.log", "logs/.hidden", "logs/.git/x", "dump.sql"] {
            fs::write(dir.path().join(file), "x").expect("written");
        }
        dir
    }

    fn names(found: &Found, root: &Path) -> Vec<String> {
        let root = format!("{}/", shown(root));
        found.evidence.iter().map(|evidence| evidence.name.replace(&root, "")).collect()
    }

    #[test]
    fn finds_each_file_once_in_one_order() {
        let dir = tree();
        let at = |path: &str| dir.path().join(path).to_string_lossy().into_owned();
        for arguments in [
            vec![at("")],
            vec![at("logs"), at("dump.sql")],
            vec![at("dump.sql"), at("logs/*.log"), at("logs/a.log")],
            vec![at("**/*.{log,sql}")],
        ] {
            let found = walk(&arguments).expect("all there");
            assert_eq!(names(&found, dir.path()), ["dump.sql", "logs/a.log", "logs/b.log"], "{arguments:?}");
        }
    }

    #[test]
    fn says_what_it_passes_over_and_what_is_not_there() {
        let dir = tree();
        let found = walk(&[dir.path().to_string_lossy().into_owned()]).expect("there");
        let passed: Vec<&str> =
            found.passed_over.iter().map(|passed| passed.evidence.name.as_str()).collect();
        assert_eq!(passed.len(), 2, "{passed:?}");
        let hidden = dir.path().join("logs/.hidden").to_string_lossy().into_owned();
        assert_eq!(walk(&[hidden]).expect("named").evidence.len(), 1);
        for gone in ["no/such.log", "no/*.log"] {
            let err = walk(&[gone.to_owned()]).expect_err("not there");
            assert!(err.to_string().starts_with(gone), "{err}");
        }
    }

    #[test]
    fn takes_a_backup_in_many_files_for_one_and_leaves_out_what_belongs_to_another() {
        let dir = tempfile::tempdir().expect("a folder");
        let id = "01a20909-dd33-7125-80f1-dcbddf0901e5";
        for (path, content) in [
            ("dump/toc.dat", &b"PGDMP\x01"[..]),
            ("dump/3041.dat.gz", b"x"),
            ("store/events/1.jsonl", b"{\"record\":\"header\"}"),
            ("store/checkpoints/1.json", b"x"),
            (&format!("empty/events/{id}.jsonl"), b""),
            ("logs/events/a.jsonl", b"{\"level\":\"info\"}"),
            ("bank.sqlite", SQLITE),
            ("bank.sqlite-wal", b"x"),
            ("other-wal", b"x"),
        ] {
            let path = dir.path().join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, content).expect("written");
        }
        fs::create_dir_all(dir.path().join("marked/.eventcore")).expect("made");
        let found = walk(&[dir.path().to_string_lossy().into_owned()]).expect("there");
        let shapes: Vec<Shape> = found.evidence.iter().map(|evidence| evidence.shape).collect();
        assert_eq!(
            names(&found, dir.path()),
            ["bank.sqlite", "dump", "empty", "logs/events/a.jsonl", "marked", "other-wal", "store"]
        );
        let (file, store) = (Shape::File, Shape::FileStore);
        assert_eq!(shapes, [file, Shape::PgDirectory, store, file, store, file, store]);
        let [passed] = &found.passed_over[..] else { panic!("{:?}", found.passed_over) };
        assert_eq!((&passed.why[..], passed.missed), ("belongs to bank.sqlite", false));
    }
}
