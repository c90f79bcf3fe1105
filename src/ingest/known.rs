//! Whether a source still holds what was read of it, and whether another holds the same.

use super::{
    Bookmark, Reader,
    bookmark::Content,
    sources::{Sources, Step},
    walk::{Evidence, STDIN},
};

/// Which of these bookmarks stand in a source: the bytes before them are hashed once more.
pub fn still_stand(evidence: &Evidence, source: &str, bookmarks: &[&Bookmark]) -> Vec<bool> {
    let ends: Vec<u64> = bookmarks.iter().map(|bookmark| bookmark.offset).collect();
    let hashes = text_hashes(evidence, source, &ends);
    bookmarks.iter().zip(hashes).map(|(bookmark, hash)| hash == Some(bookmark.hash)).collect()
}

/// The hashes of all bytes of a source, unpacked, up to each of these places; `None` where it ends before.
pub fn text_hashes(evidence: &Evidence, source: &str, ends: &[u64]) -> Vec<Option<[u8; 32]>> {
    let mut hashes = vec![None; ends.len()];
    let Some(mut reader) = open(evidence, source, ends) else { return hashes };
    let mut order: Vec<usize> = (0..ends.len()).collect();
    order.sort_by_key(|at| ends[*at]);
    let mut content = Content::default();
    for at in order {
        reader.pass_by(ends[at] - content.bytes(), &mut |bytes| content.update(bytes));
        if content.bytes() == ends[at] {
            hashes[at] = Some(*content.hash().as_bytes());
        }
    }
    hashes
}

fn open(evidence: &Evidence, source: &str, ends: &[u64]) -> Option<Reader> {
    if ends.is_empty() || evidence.path == std::path::Path::new(STDIN) {
        return None;
    }
    let mut sources = Sources::open(evidence, None).ok()?;
    while let Some(step) = sources.step() {
        match step {
            Step::Read(reader) if reader.name() == source => return Some(reader),
            Step::Read(reader) => reader.skip(),
            Step::Listed(_) => {}
        }
    }
    None
}
