//! The fingerprints of evidence, taken once more: what `coroner verify` compares with those that a report names.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{self, Read},
    path::Path,
};

use super::{
    HashKind,
    hash::Hasher,
    sources::{Sources, Step},
    walk::Evidence,
};

/// The hash of every source of a piece of evidence, by name; empty where it could not be read to its end.
///
/// # Errors
///
/// What the operating system says.
pub fn hashes(evidence: &Evidence, kind: HashKind) -> io::Result<BTreeMap<String, String>> {
    let mut sources = Sources::open(evidence, Some(kind))?;
    let mut hashes = BTreeMap::new();
    while let Some(step) = sources.step() {
        let (name, summary) = match step {
            Step::Read(mut reader) => {
                reader.drain();
                (reader.name().to_owned(), reader.finish())
            }
            Step::Listed(listed) => (listed.name, listed.summary),
        };
        hashes.insert(name, summary.hash);
    }
    Ok(hashes)
}

/// The hash of a file's first bytes; `None` where it holds fewer. A log that grew still begins with what was read.
///
/// # Errors
///
/// What the operating system says.
pub fn hash_of_beginning(path: &Path, bytes: u64, kind: HashKind) -> io::Result<Option<String>> {
    let mut hasher = Hasher::new(kind);
    let mut beginning = File::open(path)?.take(bytes);
    let mut buffer = vec![0; 1 << 20];
    let mut seen = 0;
    loop {
        match beginning.read(&mut buffer)? {
            0 => break,
            read => {
                seen += read as u64;
                hasher.update(&buffer[..read]);
            }
        }
    }
    Ok((seen == bytes).then(|| hasher.finish()))
}
