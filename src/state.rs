//! What is kept from run to run, as a file: named parts, each with its checksum, replaced whole or not at all.
//!
//! ```text
//! magic, version, number of records, hash of these | kind, length, hash, (unpacked length, packed bytes) | kind, ...
//! ```
//!
//! Nothing here knows what the records hold. Any flipped bit and any lost byte is told: the head is hashed, each record's
//! hash covers its place, kind and length as well, and nothing may follow the last one.

mod lock;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

pub use lock::{Lock, Locked};

/// One part of what is kept. A copy costs nothing, and what did not change is written again as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub kind: u8,
    packed: Arc<[u8]>,
}

/// A folder that holds a state.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

/// Why a state cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Unread {
    #[error("damaged: {0}")]
    Damaged(String),
    #[error("of version {0}, which this coroner does not know")]
    Version(u32),
    #[error("cannot be read: {0}")]
    Io(#[from] io::Error),
}

/// How the file begins; the second line makes a transfer as text visible at once.
const MAGIC: [u8; 16] = *b"coroner-state\r\n\0";
/// Grows when the layout of the file changes.
const VERSION: u32 = 2;
/// Magic, version, number of records, hash.
const HEAD: usize = 16 + 4 + 8 + 32;
/// Kind, length, hash.
const RECORD: usize = 1 + 8 + 32;
/// Level of zstd: above it a state gets no smaller that anyone would notice.
const LEVEL: i32 = 3;
/// The largest record; more is damage, whatever its hash says.
const LARGEST: u64 = 8 << 30;

/// The file that counts.
const FILE: &str = "coroner.state";
/// How files begin that are not yet the state, and never will be where their run was killed.
const UNFINISHED: &str = ".state-";

impl Record {
    /// Packs bytes.
    ///
    /// # Errors
    ///
    /// What zstd says of its memory.
    pub fn pack(kind: u8, bytes: &[u8]) -> io::Result<Record> {
        let mut packed = (bytes.len() as u64).to_le_bytes().to_vec();
        packed.extend(zstd::bulk::compress(bytes, LEVEL)?);
        Ok(Record { kind, packed: packed.into() })
    }

    /// The bytes that were packed.
    ///
    /// # Errors
    ///
    /// Damage that no checksum tells: whoever wrote the record was broken.
    pub fn unpack(&self) -> Result<Vec<u8>, Unread> {
        let damaged = |why: &dyn std::fmt::Display| {
            Unread::Damaged(format!("a record of kind {} cannot be unpacked: {why}", self.kind))
        };
        let Some((length, packed)) = self.packed.split_first_chunk::<8>() else {
            return Err(damaged(&"it has no length"));
        };
        let length = u64::from_le_bytes(*length).min(LARGEST);
        let length = usize::try_from(length).map_err(|err| damaged(&err))?;
        zstd::bulk::decompress(packed, length).map_err(|err| damaged(&err))
    }
}

impl Folder {
    /// Makes the folder where it is not there.
    ///
    /// # Errors
    ///
    /// What the operating system says of it.
    pub fn open(path: &Path) -> io::Result<Folder> {
        fs::create_dir_all(path)?;
        Ok(Folder { path: path.to_owned() })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file that holds the state.
    pub fn file(&self) -> PathBuf {
        self.path.join(FILE)
    }

    /// All records, in their order; `None` where nothing was kept yet.
    ///
    /// # Errors
    ///
    /// Damage, another version, or what the operating system says.
    pub fn read(&self) -> Result<Option<Vec<Record>>, Unread> {
        let bytes = match fs::read(self.file()) {
            Ok(bytes) => bytes,
            Err(err) if err.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(err) => return Err(err.into()),
        };
        decode(&bytes).map(Some)
    }

    /// Replaces the state. A run that is killed leaves the old one, or the new one.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn write(&self, records: &[Record]) -> io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(UNFINISHED).tempfile_in(&self.path)?;
        encode(records, &mut io::BufWriter::new(&mut file))?;
        file.as_file().sync_all()?;
        file.persist(self.file())?;
        self.sync()
    }

    /// Moves a state that cannot be read out of the way, and returns where it is now.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn set_aside(&self) -> io::Result<PathBuf> {
        let free = (1..).map(|number| self.path.join(format!("state.damaged-{number}")));
        let Some(aside) = free.into_iter().find(|path| !path.exists()) else {
            unreachable!("numbers do not end")
        };
        fs::rename(self.file(), &aside)?;
        self.sync()?;
        Ok(aside)
    }

    /// Removes what runs that were killed have left behind. Only for who holds the lock.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn sweep(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
                fs::remove_file(entry.path())?;
            }
        }
        Ok(())
    }

    /// Forgets everything.
    ///
    /// # Errors
    ///
    /// What the operating system says.
    pub fn reset(&self) -> io::Result<()> {
        match fs::remove_file(self.file()) {
            Err(err) if err.kind() != io::ErrorKind::NotFound => Err(err),
            _ => self.sync(),
        }
    }

    /// A name is safe on disk once its folder is.
    fn sync(&self) -> io::Result<()> {
        if cfg!(unix) { File::open(&self.path)?.sync_all() } else { Ok(()) }
    }
}

fn encode(records: &[Record], out: &mut impl io::Write) -> io::Result<()> {
    let mut head = MAGIC.to_vec();
    head.extend_from_slice(&VERSION.to_le_bytes());
    head.extend_from_slice(&(records.len() as u64).to_le_bytes());
    out.write_all(&head)?;
    out.write_all(blake3::hash(&head).as_bytes())?;
    for (at, Record { kind, packed }) in records.iter().enumerate() {
        out.write_all(&[*kind])?;
        out.write_all(&(packed.len() as u64).to_le_bytes())?;
        out.write_all(record_hash(at, *kind, packed).as_bytes())?;
        out.write_all(packed)?;
    }
    out.flush()
}

fn record_hash(at: usize, kind: u8, packed: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&(at as u64).to_le_bytes());
    hasher.update(&[kind]);
    hasher.update(&(packed.len() as u64).to_le_bytes());
    hasher.update(packed);
    hasher.finalize()
}

fn decode(bytes: &[u8]) -> Result<Vec<Record>, Unread> {
    let damaged = |why: &str| Unread::Damaged(why.to_owned());
    let head = bytes.get(..HEAD).ok_or_else(|| damaged("it ends within its head"))?;
    if head[..16] != MAGIC {
        return Err(damaged("it does not begin like a state of coroner"));
    }
    if blake3::hash(&head[..HEAD - 32]).as_bytes()[..] != head[HEAD - 32..] {
        return Err(damaged("its head does not match its checksum"));
    }
    let version = number(&head[16..20]) as u32;
    if version != VERSION {
        return Err(Unread::Version(version));
    }
    let count = number(&head[20..28]);
    let (mut records, mut rest) = (Vec::new(), &bytes[HEAD..]);
    for at in 0..count as usize {
        let Some((head, behind)) = rest.split_at_checked(RECORD) else {
            return Err(Unread::Damaged(format!("it ends before record {at} of {count}")));
        };
        let (kind, length) = (head[0], number(&head[1..9]));
        let Some((packed, next)) = behind.split_at_checked(usize::try_from(length).unwrap_or(usize::MAX))
        else {
            return Err(Unread::Damaged(format!("it ends within record {at} of {count}")));
        };
        if record_hash(at, kind, packed).as_bytes()[..] != head[9..] {
            return Err(Unread::Damaged(format!("record {at} of {count} does not match its checksum")));
        }
        records.push(Record { kind, packed: packed.into() });
        rest = next;
    }
    if rest.is_empty() { Ok(records) } else { Err(damaged("something follows its last record")) }
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn small() -> Vec<Record> {
        [(1, &b"first"[..]), (2, b""), (2, &[7; 300])]
            .map(|(kind, bytes)| Record::pack(kind, bytes).expect("memory"))
            .to_vec()
    }

    fn encoded() -> Vec<u8> {
        let mut bytes = Vec::new();
        encode(&small(), &mut bytes).expect("memory");
        bytes
    }

    #[test]
    fn comes_back_as_it_was() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(&dir.path().join("below/it")).expect("made");
        assert!(folder.read().expect("no state is no error").is_none());
        for records in [small(), Vec::new(), small()] {
            folder.write(&records).expect("written");
            let again = folder.read().expect("sound").expect("a state");
            assert_eq!(again, records);
            let unpacked: Vec<_> = again.iter().map(|record| record.unpack().expect("sound")).collect();
            assert!(unpacked.is_empty() || unpacked == [b"first".to_vec(), Vec::new(), vec![7; 300]]);
        }
        folder.reset().expect("removed");
        assert!(folder.read().expect("no state is no error").is_none());
        assert_eq!(fs::read_dir(folder.path()).expect("there").count(), 0, "nothing is left behind");
    }

    #[test]
    fn every_flipped_bit_and_every_lost_byte_is_told() {
        let sound = encoded();
        assert!(decode(&sound).is_ok());
        for at in 0..sound.len() {
            assert!(decode(&sound[..at]).is_err(), "cut at {at}");
            for bit in 0..8 {
                let mut flipped = sound.clone();
                flipped[at] ^= 1 << bit;
                assert!(matches!(decode(&flipped), Err(Unread::Damaged(_))), "byte {at}, bit {bit}");
            }
        }
        assert!(decode(&[&sound[..], b"x"].concat()).is_err());
    }

    #[test]
    fn another_version_is_named() {
        let mut newer = encoded();
        newer[16] = 9;
        let hash = blake3::hash(&newer[..HEAD - 32]);
        newer[HEAD - 32..HEAD].copy_from_slice(hash.as_bytes());
        assert!(matches!(decode(&newer), Err(Unread::Version(9))));
    }

    #[test]
    fn what_cannot_be_read_is_set_aside_and_not_lost() {
        let dir = tempfile::tempdir().expect("a folder");
        let folder = Folder::open(dir.path()).expect("there");
        for number in 1..3 {
            fs::write(folder.file(), "no state").expect("written");
            assert!(matches!(folder.read(), Err(Unread::Damaged(_))));
            let aside = folder.set_aside().expect("moved");
            assert_eq!(aside, dir.path().join(format!("state.damaged-{number}")));
            assert_eq!(fs::read(aside).expect("kept"), b"no state");
        }
        assert!(folder.read().expect("gone").is_none());
    }
}
