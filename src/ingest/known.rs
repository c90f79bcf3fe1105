//! Whether a source that must be unpacked still begins as it did.

use super::{
    Bookmark,
    bookmark::Content,
    sources::{Sources, Step},
    walk::{Evidence, STDIN},
};

/// Which of these bookmarks stand in a source: the bytes before them are hashed once more.
pub fn still_stand(evidence: &Evidence, source: &str, bookmarks: &[&Bookmark]) -> Vec<bool> {
    let mut stand = vec![false; bookmarks.len()];
    if bookmarks.is_empty() || evidence.path == std::path::Path::new(STDIN) {
        return stand;
    }
    let Ok(mut sources) = Sources::open(evidence, None) else { return stand };
    let mut order: Vec<usize> = (0..bookmarks.len()).collect();
    order.sort_by_key(|at| bookmarks[*at].offset);
    while let Some(step) = sources.step() {
        let Step::Read(mut reader) = step else { continue };
        if reader.name() != source {
            reader.skip();
            continue;
        }
        let mut content = Content::default();
        for at in order {
            let bookmark = bookmarks[at];
            reader.pass_by(bookmark.offset - content.bytes(), &mut |bytes| content.update(bytes));
            stand[at] = content.bytes() == bookmark.offset && *content.hash().as_bytes() == bookmark.hash;
        }
        return stand;
    }
    stand
}
