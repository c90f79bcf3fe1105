//! The fingerprint of the evidence as found, taken while it is read.

use std::io::{self, Read};

use sha2::Digest;

/// Which hash the ledger shows. Default BLAKE3; `--hash sha256` where a ticket asks for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HashKind {
    #[default]
    Blake3,
    Sha256,
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

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Hasher::Blake3(hasher) => {
                hasher.update(bytes);
            }
            Hasher::Sha256(hasher) => hasher.update(bytes),
        }
    }

    fn finish(&self) -> String {
        match self {
            Hasher::Blake3(hasher) => format!("blake3:{}", hasher.finalize().to_hex()),
            Hasher::Sha256(hasher) => {
                let digest = hasher.clone().finalize();
                digest.iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"))
            }
        }
    }
}

/// Hashes and counts what passes through it.
pub(super) struct Hashing<R> {
    inner: R,
    hasher: Hasher,
    pub(super) bytes: u64,
}

impl<R: Read> Hashing<R> {
    pub(super) fn new(inner: R, kind: HashKind) -> Hashing<R> {
        Hashing { inner, hasher: Hasher::new(kind), bytes: 0 }
    }

    pub(super) fn hash(&self) -> String {
        self.hasher.finish()
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..read]);
        self.bytes += read as u64;
        Ok(read)
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
            let mut reader = Hashing::new(&b"abc"[..], kind);
            io::copy(&mut reader, &mut io::sink()).expect("memory");
            assert_eq!((reader.hash(), reader.bytes), (expected.to_owned(), 3));
        }
    }
}
