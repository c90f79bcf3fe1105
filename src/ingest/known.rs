//! Whether a source still holds what was read of it, and whether another holds the same.

use super::{
    BLOCK, Bookmark, Reader,
    bookmark::Content,
    sources::{Sources, Step},
    walk::{Evidence, STDIN},
};

/// Which of these bookmarks stand in a source: the bytes before them are hashed once more.
pub fn still_stand(evidence: &Evidence, source: &str, bookmarks: &[&Bookmark]) -> Vec<bool> {
    let ends: Vec<u64> = bookmarks.iter().map(|bookmark| bookmark.offset).collect();
    let hashes = open(evidence, source, &ends).map(|reader| at_each(reader, &ends, Content::hash));
    let hashes = hashes.unwrap_or_else(|| vec![None; ends.len()]);
    bookmarks
        .iter()
        .zip(hashes)
        .map(|(bookmark, hash)| hash.is_some_and(|hash| *hash.as_bytes() == bookmark.hash))
        .collect()
}

/// The hashes of the [`BLOCK`] before each of these places in a source, or of all bytes where there are fewer; `None`
/// where it ends before. A plain file is read only there.
pub fn blocks_before(evidence: &Evidence, source: &str, ends: &[u64]) -> Vec<Option<[u8; 32]>> {
    let Some(reader) = open(evidence, source, ends) else { return vec![None; ends.len()] };
    let is_far = ends.iter().any(|end| *end > 2 * BLOCK);
    if !is_far || reader.range(0, 0).is_none() {
        return at_each(reader, ends, Content::block_hash);
    }
    let block = |end: &u64| {
        let from = end.saturating_sub(BLOCK);
        let bytes = reader.range(from, (end - from) as usize)?.ok()?;
        (bytes.len() as u64 == end - from).then(|| *blake3::hash(&bytes).as_bytes())
    };
    ends.iter().map(block).collect()
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

/// What is known at each of these places, in whatever order they come.
fn at_each<T: Clone>(mut reader: Reader, ends: &[u64], know: impl Fn(&Content) -> T) -> Vec<Option<T>> {
    let mut known = vec![None; ends.len()];
    let mut order: Vec<usize> = (0..ends.len()).collect();
    order.sort_by_key(|at| ends[*at]);
    let mut content = Content::default();
    for at in order {
        reader.pass_by(ends[at] - content.bytes(), &mut |bytes| content.update(bytes));
        if content.bytes() == ends[at] {
            known[at] = Some(know(&content));
        }
    }
    known
}
