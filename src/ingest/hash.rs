//! The fingerprint of the evidence as found, taken while it is read.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sha2::Digest;

use super::trouble::Trouble;

/// Which hash the ledger shows. Default BLAKE3; `--hash sha256` where a ticket asks for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HashKind {
    #[default]
    Blake3,
    Sha256,
}

impl HashKind {
    /// What a hash of this kind begins with.
    pub fn prefix(self) -> &'static str {
        match self {
            HashKind::Blake3 => "blake3:",
            HashKind::Sha256 => "sha256:",
        }
    }
}

/// Of a file's bytes, as the ledger shows it.
///
/// # Errors
///
/// What the operating system says of the file.
pub fn hash_file(path: &Path, kind: HashKind) -> io::Result<String> {
    let (mut file, mut hasher) = (File::open(path)?, Hasher::new(kind));
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok(hasher.finish()),
            Ok(read) => hasher.update(&buffer[..read]),
            Err(err) if err.kind() == io::ErrorKind::Interrupted => {}
            Err(err) => return Err(err),
        }
    }
}

/// A hash under way.
#[expect(clippy::large_enum_variant, reason = "one per open file")]
pub(super) enum Hasher {
    Blake3(blake3::Hasher),
    Sha256(sha2::Sha256),
}

impl Hasher {
    pub(super) fn new(kind: HashKind) -> Hasher {
        match kind {
            HashKind::Blake3 => Hasher::Blake3(blake3::Hasher::new()),
            HashKind::Sha256 => Hasher::Sha256(sha2::Sha256::new()),
        }
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Blake3(hasher) => {
                hasher.update(bytes);
            }
            Hasher::Sha256(hasher) => hasher.update(bytes),
        }
    }

    pub(super) fn finish(&self) -> String {
        match self {
            Hasher::Blake3(hasher) => format!("{}{}", HashKind::Blake3.prefix(), hasher.finalize().to_hex()),
            Hasher::Sha256(hasher) => {
                let digest = hasher.clone().finalize();
                digest
                    .iter()
                    .fold(HashKind::Sha256.prefix().to_owned(), |text, byte| format!("{text}{byte:02x}"))
            }
        }
    }
}

/// Bytes as found, hashed and counted while others read them.
///
/// Shared: what unpacks the bytes holds one end, and whoever accounts for them the other, so that the rest of a file
/// can be hashed once its reader has seen enough.
#[derive(Clone)]
pub(super) struct Tap(Arc<Mutex<Tapped>>);

struct Tapped {
    inner: Box<dyn Read + Send>,
    /// None where nobody will ask: lines that are looked up once more.
    hasher: Option<Hasher>,
    bytes: u64,
    /// A stream that failed once fails from then on.
    failed: Option<io::ErrorKind>,
    trouble: Trouble,
}

impl Tap {
    pub(super) fn new(inner: Box<dyn Read + Send>, hash: Option<HashKind>, trouble: &Trouble) -> Tap {
        let hasher = hash.map(Hasher::new);
        let trouble = trouble.clone();
        Tap(Arc::new(Mutex::new(Tapped { inner, hasher, bytes: 0, failed: None, trouble })))
    }

    pub(super) fn seen(&self) -> u64 {
        self.lock().bytes
    }

    /// Reads on from another stream, as if what is before it had been read. It is hashed elsewhere.
    pub(super) fn go_on(&self, inner: Box<dyn Read + Send>, before: u64) {
        let mut tapped = self.lock();
        (tapped.inner, tapped.bytes, tapped.hasher) = (inner, before, None);
    }

    /// Reads what nobody else will. Without a hash to finish there is nothing to read for.
    pub(super) fn drain(&mut self) {
        if self.lock().hasher.is_some() {
            // What fails is said where it fails.
            let _ = io::copy(self, &mut io::sink());
        }
    }

    /// Of all that was read; empty where it could not all be read.
    pub(super) fn hash(&self) -> String {
        let tapped = self.lock();
        match &tapped.hasher {
            Some(hasher) if tapped.failed.is_none() => hasher.finish(),
            _ => String::new(),
        }
    }

    /// A reader that panicked leaves the count behind, which is all that is asked of it.
    fn lock(&self) -> MutexGuard<'_, Tapped> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Tap {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut tapped = self.lock();
        if let Some(kind) = tapped.failed {
            return Err(kind.into());
        }
        match tapped.inner.read(buffer) {
            Ok(read) => {
                tapped.bytes += read as u64;
                if let Some(hasher) = &mut tapped.hasher {
                    hasher.update(&buffer[..read]);
                }
                Ok(read)
            }
            Err(err) if err.kind() == io::ErrorKind::Interrupted => Err(err),
            Err(err) => {
                tapped.failed = Some(err.kind());
                tapped.trouble.broken(format!("cannot be read after byte {}: {err}", tapped.bytes));
                Err(err)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_the_published_digests() {
        for (kind, expected) in [
            (HashKind::Blake3, "blake3:6437b3ac38465133ffb63b75273a8db548c558465d79db03fd359c6cd5bd9d85"),
            (HashKind::Sha256, "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        ] {
            let mut tap = Tap::new(Box::new(&b"abc"[..]), Some(kind), &Trouble::default());
            tap.drain();
            assert_eq!((tap.hash(), tap.seen()), (expected.to_owned(), 3));
        }
    }
}
