//! The whole reader, against databases that `SQLite` wrote, and what was then done to them.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::OsStr,
    fs::{self, File},
    os::unix::ffi::OsStrExt,
    time::{Instant, SystemTime},
};

use rusqlite::Connection;
use tempfile::TempDir;

use super::*;

/// What was read of a database.
struct Shown {
    text: Vec<u8>,
    damage: Vec<String>,
    notes: Vec<String>,
}

/// The text is long, and told by its length.
impl std::fmt::Debug for Shown {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} bytes, damage {:#?}, notes {:#?}", self.text.len(), self.damage, self.notes)
    }
}

impl Shown {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.text).into_owned()
    }

    fn is_complete(&self) -> bool {
        self.text.ends_with(b"-- PostgreSQL database dump complete\n--\n")
    }

    fn says(&self, what: &str) -> bool {
        self.damage.iter().chain(&self.notes).any(|line| line.contains(what))
    }

    /// One cell of each of a table's rows.
    fn cells(&self, table: &str, at: usize) -> Vec<String> {
        let text = self.text();
        let rows = text.lines().skip_while(|line| !line.starts_with(&format!("COPY main.{table} "))).skip(1);
        rows.take_while(|line| *line != "\\.")
            .map(|line| line.split('\t').nth(at).unwrap_or_default().into())
            .collect()
    }
}

fn read(mut sqlite: Sqlite) -> Shown {
    let mut text = Vec::new();
    sqlite.read_to_end(&mut text).expect("read");
    let damage = sqlite.damage();
    assert!(damage.iter().all(|damage| damage.byte <= text.len() as u64), "{damage:?}");
    let damage = damage.into_iter().map(|damage| damage.why).collect();
    Shown { text, damage, notes: sqlite.notes().to_vec() }
}

type Listing = BTreeMap<std::path::PathBuf, (Vec<u8>, SystemTime)>;

fn listing(folder: &Path) -> Listing {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    let stamp = |path: &Path| path.metadata().and_then(|metadata| metadata.modified()).expect("a file");
    entries.map(|path| (path.clone(), (fs::read(&path).expect("a file"), stamp(&path)))).collect()
}

/// Reads a file, and proves that nothing was changed by that.
fn show(path: &Path) -> Shown {
    let folder = path.parent().expect("a folder");
    let before = (listing(folder), folder.metadata().and_then(|folder| folder.modified()).expect("a folder"));
    let shown = read(Sqlite::file(path).expect("a database"));
    let after = (listing(folder), folder.metadata().and_then(|folder| folder.modified()).expect("a folder"));
    assert!(before == after, "reading {} changed its folder", path.display());
    shown
}

/// What `SQLite` itself makes of the files: a copy, opened to be written, its log checkpointed by `SQLite`.
fn truth(path: &Path) -> Vec<u8> {
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("copy.db");
    fs::copy(path, &copy).expect("copied");
    let wal = path.with_file_name(format!("{}-wal", path.file_name().expect("a name").to_string_lossy()));
    if wal.exists() {
        fs::copy(wal, folder.path().join("copy.db-wal")).expect("copied");
    }
    let connection = database(&copy, "");
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "DELETE", |row| row.get(0)).expect("a mode");
    assert_eq!(mode, "delete");
    connection.close().expect("closed");
    let shown = show(&copy);
    assert!(shown.is_complete() && shown.damage.is_empty(), "{shown:?}");
    shown.text
}

fn database(path: &Path, sql: &str) -> Connection {
    let connection = Connection::open(path).expect("opened");
    connection.pragma_update(None, "synchronous", "OFF").expect("a setting");
    connection.execute_batch(sql).expect("good SQL");
    connection
}

const KINDS: &str = "
    CREATE TABLE events (id INTEGER PRIMARY KEY, name TEXT, data JSON, raw BLOB, amount REAL,
        double INTEGER GENERATED ALWAYS AS (id * 2));
    INSERT INTO events VALUES (3, 'c' || char(9) || 'x', '{}', x'00ff', 0.1), (-1, NULL, x'7b7d', NULL, 9e99),
        (2, CAST(x'ff41' AS TEXT), x'80', x'', -1.0);
    CREATE TABLE \"Odd, (names)\" (\"a,b\" TEXT, \"c\"\"d\", rowid, \"select\");
    INSERT INTO \"Odd, (names)\" VALUES ('\\N', 1, 5, '\\.'), ('x', 'y', 4, NULL);
    CREATE TABLE keyed (a TEXT, b INTEGER, c TEXT, PRIMARY KEY (b, a)) WITHOUT ROWID;
    CREATE INDEX covering ON keyed (c, b, a);
    INSERT INTO keyed VALUES ('b', 2, 'k'), ('a', 2, 'l'), ('z', 1, 'm');
    CREATE TABLE hidden (rowid, _rowid_, oid);
    INSERT INTO hidden VALUES (1, 2, 3), (1, 2, 3);
    CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT);
    CREATE VIEW seen AS SELECT * FROM keyed;
    CREATE VIRTUAL TABLE search USING fts5(words);
";

#[test]
fn renders_every_kind_of_table_and_value() {
    let folder = tempfile::tempdir().expect("a folder");
    for encoding in ["UTF-8", "UTF-16le"] {
        let path = folder.path().join(format!("{encoding}.db"));
        database(&path, &format!("PRAGMA encoding = '{encoding}'; {KINDS}")).close().expect("closed");
        let shown = show(&path);
        let expected = concat!(
            "--\n-- PostgreSQL database dump\n--\n\n",
            "COPY main.\"Odd, (names)\" (\"a,b\", \"c\"\"d\", rowid, select) FROM stdin;\n",
            "\\\\N\t1\t5\t\\\\.\nx\ty\t4\t\\N\n\\.\n\n",
            "COPY main.counted (id) FROM stdin;\n\\.\n\n",
            "COPY main.events (id, name, data, raw, amount, double) FROM stdin;\n",
            "-1\t\\N\t{}\t\\N\t9e99\t-2\n2\tNAME\t\\\\x80\t\\\\x\t-1.0\t4\n3\tc\\tx\t{}\t\\\\x00ff\t0.1\t6\n\\.\n\n",
            "COPY main.hidden (rowid, _rowid_, oid) FROM stdin;\n1\t2\t3\n1\t2\t3\n\\.\n\n",
            "COPY main.keyed (a, b, c) FROM stdin;\nz\t1\tm\na\t2\tl\nb\t2\tk\n\\.\n\n",
            "--\n-- PostgreSQL database dump complete\n--\n",
        );
        let text = shown.text();
        let name =
            text.split("2\t").nth(1).and_then(|rest| rest.split('\t').next()).unwrap_or_default().len();
        assert!(name > 0, "{text}");
        if encoding == "UTF-8" {
            let bytes = expected.replace("NAME", "\u{1}").into_bytes();
            let bytes: Vec<u8> = bytes
                .iter()
                .flat_map(|byte| if *byte == 1 { vec![0xff, b'A'] } else { vec![*byte] })
                .collect();
            assert!(shown.text == bytes, "{text}");
        }
        assert!(shown.damage.is_empty(), "{shown:?}");
        assert!(shown.says("table search is virtual") && shown.says("search_content belongs to a virtual"));
        assert_eq!(read(Sqlite::image(fs::read(&path).expect("read")).expect("a database")).text, shown.text);
    }
}

#[test]
fn any_path_is_read_and_a_read_only_folder_stays_as_it_is() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let plain = folder.path().join("plain.db");
    database(&plain, "PRAGMA journal_mode = WAL; CREATE TABLE a (b); INSERT INTO a VALUES (1);")
        .close()
        .expect("closed");
    let bytes = fs::read(&plain).expect("read");
    let expected = show(&plain).text;
    let long = "l".repeat(200);
    let names: [&[u8]; 4] = [b"a b%41?mode=rw&vfs=x#f.db", b"line\nbreak.db", b"\xff\xfe.db", b"deep"];
    for name in names {
        let path = match name {
            b"deep" => {
                let deep = folder.path().join(&long).join(&long).join(&long);
                fs::create_dir_all(&deep).expect("folders");
                deep.join("too long for SQLite.db")
            }
            name => folder.path().join(OsStr::from_bytes(name)),
        };
        fs::write(&path, &bytes).expect("written");
        let before = fs::metadata(&path).and_then(|file| file.modified()).expect("a time");
        let shown = read(Sqlite::file(&path).expect("a database"));
        assert!(shown.text == expected && shown.damage.is_empty(), "{shown:?}");
        assert_eq!(fs::metadata(&path).and_then(|file| file.modified()).expect("a time"), before);
        assert_eq!(fs::read(&path).expect("read"), bytes);
    }
    let closed = tempfile::tempdir().expect("a folder");
    let path = closed.path().join("closed.db");
    fs::write(&path, &bytes).expect("written");
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o555)).expect("permissions");
    assert_eq!(show(&path).text, expected);
    fs::set_permissions(closed.path(), fs::Permissions::from_mode(0o755)).expect("permissions");
}

#[test]
fn what_is_no_database_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("x");
    for bytes in [&b""[..], b"SQLite format 3", b"-- PostgreSQL database dump", &[7; 4096]] {
        fs::write(&path, bytes).expect("written");
        for refused in [Sqlite::file(&path).err(), Sqlite::image(bytes.to_vec()).err()] {
            let err = refused.expect("an error");
            assert_eq!(err.kind(), io::ErrorKind::InvalidData);
            assert!(err.to_string().contains("not a SQLite database"), "{err}");
        }
    }
    assert!(Sqlite::file(folder.path()).is_err());
    assert!(
        Sqlite::file(&folder.path().join("none")).is_err_and(|err| err.kind() == io::ErrorKind::NotFound)
    );
}

#[test]
fn a_hot_journal_is_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.db");
    database(&path, "CREATE TABLE a (b); INSERT INTO a VALUES (1);").close().expect("closed");
    let journal = folder.path().join("a.db-journal");
    for (bytes, hot) in [(vec![0; 512], false), (vec![], false), (JOURNAL.to_vec(), true)] {
        fs::write(&journal, bytes).expect("written");
        let shown = show(&path);
        assert_eq!(shown.says("a transaction was being written"), hot, "{shown:?}");
        assert!(shown.is_complete());
    }
}

const JOURNAL: &[u8] = &[0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7, 0, 0, 0, 1];

/// The compiler proves it.
const fn is_send<T: Send>() {}
const _: () = is_send::<Sqlite>();

#[test]
fn dropping_it_early_ends_the_thread() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.db");
    let many =
        "CREATE TABLE a (b); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30000)
        INSERT INTO a SELECT hex(randomblob(50)) FROM n;";
    database(&path, many).close().expect("closed");
    for want in [0, 1, 300_000, 3_200_000] {
        let mut sqlite = Sqlite::file(&path).expect("a database");
        sqlite.by_ref().take(want).read_to_end(&mut Vec::new()).expect("read");
        let from = Instant::now();
        drop(sqlite);
        assert!(from.elapsed() < Duration::from_secs(1));
    }
}

/// Pages of 512 bytes, so that small databases have many.
const SMALL_PAGES: &str = "PRAGMA page_size = 512; PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0;
    CREATE TABLE a (id INTEGER PRIMARY KEY, b TEXT);";

/// A database with a log of some commits, copied while it is open; `SQLite` would checkpoint it otherwise.
fn with_log(folder: &TempDir, after: &str) -> (std::path::PathBuf, Vec<u8>) {
    let live = folder.path().join("live");
    fs::create_dir_all(&live).expect("a folder");
    let connection = database(&live.join("a.db"), SMALL_PAGES);
    connection.pragma_update(None, "wal_checkpoint", "TRUNCATE").ok();
    for n in 0..12 {
        let sql = format!(
            "BEGIN; INSERT INTO a (b) SELECT '{n}-' || hex(randomblob(60)) FROM (VALUES (1), (2), (3), (4));
             UPDATE a SET b = b || '!' WHERE id % 5 = {n} % 5; DELETE FROM a WHERE id = {n} * 3; COMMIT;"
        );
        connection.execute_batch(&sql).expect("good SQL");
    }
    connection.execute_batch(after).expect("good SQL");
    let path = folder.path().join("a.db");
    fs::copy(live.join("a.db"), &path).expect("copied");
    let wal = fs::read(live.join("a.db-wal")).expect("a log");
    drop(connection);
    fs::remove_dir_all(live).expect("removed");
    (path, wal)
}

#[test]
fn a_log_cut_anywhere_reads_as_sqlite_reads_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, wal) = with_log(&folder, "VACUUM; INSERT INTO a (b) VALUES ('last');");
    let log = folder.path().join("a.db-wal");
    let frame = 512 + 24;
    assert!(wal.len() > 40 * frame, "{}", wal.len());
    let frames = (wal.len() - 32) / frame;
    let ends =
        (0..=frames).flat_map(|n| [0, 11, 24, 300].map(|more| 32 + n * frame + more)).chain([0, 5, 31]);
    let mut texts = BTreeSet::new();
    for end in ends.filter(|end| *end <= wal.len()) {
        fs::write(&log, &wal[..end]).expect("written");
        let shown = show(&path);
        assert!(shown.text == truth(&path), "cut at {end}: {shown:?}");
        assert!(shown.damage.is_empty(), "cut at {end}: {shown:?}");
        texts.insert(shown.text);
    }
    assert!(texts.len() >= 13, "every commit shows: {}", texts.len());
}

#[test]
fn frames_that_were_not_committed_are_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let spill = "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN;
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 200)
        INSERT INTO a (b) SELECT 'never' || hex(randomblob(100)) FROM n;";
    let (path, wal) = with_log(&folder, spill);
    fs::write(folder.path().join("a.db-wal"), wal).expect("written");
    let shown = show(&path);
    assert!(shown.says("were never committed and left out"), "{shown:?}");
    assert!(shown.text == truth(&path) && !shown.text().contains("never") && shown.damage.is_empty());
}

#[test]
fn a_damaged_frame_is_damage_if_commits_follow() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, wal) = with_log(&folder, "");
    let log = folder.path().join("a.db-wal");
    for at in [3, 20, 28, 32 + 5 * 536 + 100, 32 + 5 * 536 + 10, 32 + 5 * 536 + 18, 32 + 6 * 536 + 2] {
        let mut bytes = wal.clone();
        bytes[at] ^= 0xff;
        fs::write(&log, bytes).expect("written");
        let shown = show(&path);
        assert!(shown.text == truth(&path), "byte {at}: {shown:?}");
        assert!(!shown.damage.is_empty(), "byte {at}: {shown:?}");
    }
    let mut last = wal.clone();
    *last.last_mut().expect("bytes") ^= 1;
    fs::write(&log, last).expect("written");
    let shown = show(&path);
    assert!(shown.text == truth(&path) && shown.says("1 commits seem to follow"), "{shown:?}");
    fs::write(&log, vec![0; 4096]).expect("written");
    let shown = show(&path);
    assert!(shown.says("all zeros") && shown.damage.is_empty(), "{shown:?}");
}

#[test]
fn a_log_that_was_checkpointed_changes_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, wal) = with_log(&folder, "PRAGMA wal_checkpoint(FULL);");
    fs::write(folder.path().join("a.db-wal"), &wal).expect("written");
    let shown = show(&path);
    assert!(shown.says("are in the database already") && shown.damage.is_empty(), "{shown:?}");
    assert!(shown.text == truth(&path));
    // The log begins anew: its old frames lie behind the new ones.
    let anew = "PRAGMA wal_checkpoint(RESTART); INSERT INTO a (b) VALUES ('anew');";
    let (path, wal) = with_log(&folder, anew);
    fs::write(folder.path().join("a.db-wal"), &wal).expect("written");
    let shown = show(&path);
    assert!(shown.says("has other salts: the") && shown.damage.is_empty(), "{shown:?}");
    assert!(shown.text == truth(&path) && shown.text().contains("anew"));
    let beside = tempfile::tempdir().expect("a folder");
    let link = beside.path().join("link.db");
    std::os::unix::fs::symlink(&path, &link).expect("a link");
    assert_eq!(show(&link).text, shown.text, "a link leads to the log too");
}

/// The log with its checksums reckoned anew, over words of the given order.
fn summed(wal: &[u8], big: bool) -> Vec<u8> {
    let mut wal = wal.to_vec();
    wal[3] = if big { 0x83 } else { 0x82 };
    let (mut one, mut two) = (0_u32, 0_u32);
    let mut add = |bytes: &[u8]| {
        for pair in bytes.chunks_exact(8) {
            let word = |at: usize| {
                let bytes = pair[at..at + 4].try_into().expect("four bytes");
                if big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
            };
            one = one.wrapping_add(word(0)).wrapping_add(two);
            two = two.wrapping_add(word(4)).wrapping_add(one);
        }
        [one.to_be_bytes(), two.to_be_bytes()].concat()
    };
    let (header, frames) = wal.split_at_mut(32);
    let sum = add(&header[..24]);
    header[24..].copy_from_slice(&sum);
    for frame in frames.chunks_exact_mut(536) {
        add(&frame[..8]);
        let sum = add(&frame[24..]);
        frame[16..24].copy_from_slice(&sum);
    }
    wal
}

#[test]
fn checksums_of_either_order_are_read_and_a_large_database_is_not_held() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, wal) = with_log(&folder, "");
    let log = folder.path().join("a.db-wal");
    fs::write(&log, &wal).expect("written");
    let text = show(&path).text;
    for big in [true, false] {
        fs::write(&log, summed(&wal, big)).expect("written");
        let shown = show(&path);
        assert!(shown.text == text && shown.text == truth(&path) && shown.damage.is_empty(), "{shown:?}");
    }
    let mut large = wal.clone();
    let last = large.len() - 536;
    large[last + 4..last + 8].copy_from_slice(&6_000_000_u32.to_be_bytes());
    fs::write(&log, summed(&large, false)).expect("written");
    assert!(show(&path).says("were not taken into account"));
    large[last + 4..last + 8].copy_from_slice(&400_u32.to_be_bytes());
    fs::write(&log, summed(&large, false)).expect("written");
    let shown = show(&path);
    assert!(shown.says("are neither in its"), "{shown:?}");
}

/// A small database of two tables with rows on many pages, an index, and an overflowing row in each ten. Names hold
/// their number twice, so that no flipped byte makes one of another.
fn mixed(path: &Path) -> Vec<u8> {
    let sql = "PRAGMA page_size = 512; CREATE TABLE events (id INTEGER PRIMARY KEY, b TEXT NOT NULL, c TEXT NOT NULL);
        CREATE TABLE keyed (k TEXT PRIMARY KEY, v TEXT) WITHOUT ROWID; CREATE INDEX i ON events (b);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150)
        INSERT INTO events SELECT i, 'row ' || i || ' ' || i, substr(hex(zeroblob(400)), 1, CASE WHEN i % 10 = 0 THEN 700 ELSE 40 END) FROM n;
        INSERT INTO keyed SELECT 'key ' || (id + 1000) || ' ' || id, c FROM events;";
    database(path, sql).close().expect("closed");
    fs::read(path).expect("read")
}

/// Reads the bytes as a file and asserts what holds for any damage. Returns whether rows are missing.
fn damaged(path: &Path, bytes: &[u8], what: &str) -> (bool, Option<Shown>) {
    fs::write(path, bytes).expect("written");
    let shown = match Sqlite::file(path) {
        Ok(sqlite) => read(sqlite),
        Err(err) => {
            assert!(err.to_string().contains("not a SQLite database"), "{what}: {err}");
            return (true, None);
        }
    };
    let (events, keyed) = (shown.cells("events", 1), shown.cells("keyed", 0));
    for firsts in [&events, &keyed] {
        let once: BTreeSet<&String> = firsts.iter().collect();
        assert_eq!(once.len(), firsts.len(), "{what}: a row came twice: {shown:?}");
    }
    let lost = events.len() < 150 || keyed.len() < 150;
    assert!(
        !lost || !shown.damage.is_empty(),
        "{what}: rows are missing and nothing says so: {}",
        shown.text()
    );
    (lost, Some(shown))
}

#[test]
fn a_database_cut_anywhere_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.db");
    let bytes = mixed(&path);
    let whole = show(&path);
    assert!(whole.damage.is_empty() && whole.is_complete() && whole.cells("events", 1).len() == 150);
    let text = whole.text();
    let rows: BTreeSet<&str> = text.lines().collect();
    for size in (0..bytes.len()).rev().step_by(171) {
        let (_, shown) = damaged(&path, &bytes[..size], &format!("cut at {size}"));
        let Some(shown) = shown else { continue };
        assert!(shown.says("torn"), "cut at {size}: {shown:?}");
        let cut = shown.text();
        let invented: Vec<&str> = cut.lines().filter(|line| !rows.contains(line)).collect();
        assert!(invented.is_empty(), "cut at {size}: {invented:?}");
        let image = read(Sqlite::image(bytes[..size].to_vec()).expect("a database"));
        assert!(image.text == shown.text && image.damage == shown.damage, "cut at {size}: {image:?}");
    }
}

#[test]
fn flipped_bytes_never_lose_rows_in_silence() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.db");
    let bytes = mixed(&path);
    // Prime steps, so that all parts of pages are met.
    for (flip, step) in [(0xff_u8, 37), (1, 41), (0x80, 43)] {
        for at in (16..bytes.len()).step_by(step) {
            let mut flipped = bytes.clone();
            flipped[at] ^= flip;
            damaged(&path, &flipped, &format!("byte {at} flipped by {flip}"));
        }
    }
}

#[test]
fn rows_behind_damaged_pages_are_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.db");
    let bytes = mixed(&path);
    let pages = bytes.len() / 512;
    let mut read_around = 0;
    for (first, count) in (1..pages).flat_map(|page| [(page, 1), (page, 3)]) {
        for filler in [0, 0xff] {
            let mut holed = bytes.clone();
            let end = bytes.len().min((first + count) * 512);
            holed[first * 512..end].fill(filler);
            let (lost, shown) = damaged(&path, &holed, &format!("{count} pages from {first} of {filler}"));
            let rows =
                shown.map_or(0, |shown| shown.cells("events", 1).len() + shown.cells("keyed", 0).len());
            read_around += usize::from(lost && rows > 240);
        }
    }
    assert!(read_around > pages, "most holes cost a few rows: {read_around} of {pages} pages");
    // Half a page of zeros has rows that are nothing but zeros: none of them is shown.
    let mut holed = bytes.clone();
    for page in 2..pages {
        holed[page * 512 + 256..(page + 1) * 512].fill(0);
    }
    let (lost, shown) = damaged(&path, &holed, "half pages");
    let shown = shown.expect("a database");
    assert!(lost && !shown.text().contains("\\N"), "{shown:?}");
}

#[test]
fn a_file_that_changes_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.db");
    mixed(&path);
    let mut sqlite = Sqlite::file(&path).expect("a database");
    // A log that appears is what a running application makes; a small text may be rendered before it comes.
    let opened = Opened::file(&path).expect("a database");
    assert!(opened.changed().is_none());
    File::create(folder.path().join("a.db-wal"))
        .and_then(|mut log| io::Write::write_all(&mut log, b"x"))
        .expect("written");
    assert!(opened.changed().is_some_and(|why| why.starts_with("a.db-wal changed")));
    sqlite.read_to_end(&mut Vec::new()).expect("read");
}
