//! Tells a source that earlier runs have seen from a new one.

use std::cmp::Reverse;

use crate::ingest::{self, BLOCK, Bookmark, Evidence, HashKind, Reader, STDIN, Shape};

use super::{Before, Index, Kept, Memory, Recalled};
use crate::engine::{SourcePart, copies::Opening};

impl Index {
    pub(super) fn of(kept: &[Kept]) -> Index {
        let mut index = Index::default();
        for (at, source) in kept.iter().enumerate() {
            match source.reading.opening {
                Some(opening) if opening.is_whole && opening.length > 0 => {
                    let alike = index.short.entry(opening.start()).or_default();
                    alike.push((opening.length, opening.hash, at));
                }
                Some(Opening { is_whole: false, hash, .. }) => {
                    index.heads.entry(hash).or_default().push(at);
                }
                Some(_) | None => {}
            }
            if let Some(within) = &source.within {
                index.sizes.entry(within.size).or_default().push(at);
            }
        }
        index
    }
}

impl Memory {
    /// The sources of a file whose bytes are all known, under the names that they have now.
    pub(in crate::engine) fn unchanged(
        &self,
        kind: HashKind,
        evidence: &Evidence,
    ) -> Option<Vec<(String, SourcePart)>> {
        if evidence.shape != Shape::File || evidence.path == std::path::Path::new(STDIN) {
            return None;
        }
        let alike = self.index.sizes.get(&evidence.size())?;
        let hash = ingest::hash_file(&evidence.path, kind).ok()?;
        let same = |at: &&usize| self.kept[**at].within.as_ref().is_some_and(|within| within.hash == hash);
        // Of two copies, that which has the name, or else the first.
        let named = |at: &usize| self.kept[*at].within.as_ref().map(|within| within.name.as_str());
        let first = alike
            .iter()
            .filter(same)
            .min_by_key(|at| (named(at) != Some(evidence.name.as_str()), named(at)))
            .and_then(named)?;
        let here: Vec<usize> =
            alike.iter().filter(same).filter(|at| named(at) == Some(first)).copied().collect();
        if here.iter().any(|at| self.kept[*at].made_by != self.made_by) {
            return None;
        }
        let part = |at: usize| {
            let source = &self.kept[at];
            let below = source.name.strip_prefix(first).unwrap_or_default();
            let recalled = Recalled { before: Before::Unchanged(at), ..Recalled::default() };
            let part = SourcePart { reading: source.reading.clone(), recalled, ..SourcePart::default() };
            (format!("{}{below}", evidence.name), part)
        };
        Some(here.into_iter().map(part).collect())
    }

    /// What is known of a log that begins like this.
    pub(in crate::engine) fn recall(
        &self,
        head: &[u8],
        opening: Opening,
        reader: &Reader,
        evidence: &Evidence,
    ) -> Recalled {
        let mut recalled = Recalled { covers: self.shorter(head, opening), ..Recalled::default() };
        let alike = self.index.heads.get(&opening.hash).filter(|_| !opening.is_whole);
        let has_bookmark = |at: &usize| self.kept[*at].bookmark().is_some();
        let alike: Vec<usize> = alike.into_iter().flatten().copied().filter(has_bookmark).collect();
        let mut standing = Vec::new();
        for (at, stands) in alike.iter().zip(self.standing(&alike, reader, evidence)) {
            if stands {
                standing.push(*at);
            } else if self.kept[*at].name == reader.name() {
                recalled.replaces.push(*at);
                recalled.notes.push(format!(
                    "shortened or rewritten: read before to byte {}, and now from its beginning",
                    self.kept[*at].offset()
                ));
            }
        }
        let own = |at: &usize| self.kept[*at].made_by == self.made_by;
        let best =
            standing.iter().copied().filter(own).max_by_key(|at| {
                (self.kept[*at].offset(), self.kept[*at].name == reader.name(), Reverse(*at))
            });
        recalled.before = best.map_or(Before::Nothing, Before::Continued);
        recalled.covers.splice(0..0, standing);
        recalled
    }

    /// Where reading goes on.
    pub(in crate::engine) fn bookmark(&self, before: Before) -> Option<&Bookmark> {
        match before {
            Before::Continued(at) => self.kept[at].bookmark(),
            Before::Nothing | Before::Unchanged(_) => None,
        }
    }

    /// Short logs that are the beginning of this one, the longest first.
    fn shorter(&self, head: &[u8], opening: Opening) -> Vec<usize> {
        let starts = opening.starts().map(Some).chain([None]);
        let alike = starts.filter_map(|start| self.index.short.get(&start)).flatten();
        let is_beginning = |length: u64, hash: &[u8; 32]| {
            let beginning = usize::try_from(length).ok().and_then(|length| head.get(..length));
            beginning.is_some_and(|beginning| blake3::hash(beginning).as_bytes() == hash)
        };
        let mut found: Vec<(Reverse<u64>, usize)> = alike
            .filter(|(length, hash, _)| is_beginning(*length, hash))
            .map(|(length, _, at)| (Reverse(*length), *at))
            .collect();
        found.sort_unstable();
        found.into_iter().map(|(_, at)| at).collect()
    }

    /// Which of these logs this one goes on from.
    fn standing(&self, alike: &[usize], reader: &Reader, evidence: &Evidence) -> Vec<bool> {
        let bookmarks: Vec<&Bookmark> = alike.iter().filter_map(|at| self.kept[*at].bookmark()).collect();
        if bookmarks.is_empty() || reader.range(0, 0).is_none() {
            return ingest::still_stand(evidence, reader.name(), &bookmarks);
        }
        let stands = |bookmark: &&Bookmark| {
            let from = bookmark.offset.saturating_sub(BLOCK);
            let block = reader.range(from, (bookmark.offset - from) as usize);
            // A log of one endless entry was read to nowhere yet.
            if bookmark.offset == 0 {
                return true;
            }
            bookmark.offset <= reader.size() && matches!(block, Some(Ok(block)) if bookmark.follows(&block))
        };
        bookmarks.iter().map(stands).collect()
    }
}

impl Kept {
    /// Where reading goes on. A log so short that all of it tells its format is read again: as it grows, it may turn out
    /// to be of another.
    pub(super) fn bookmark(&self) -> Option<&Bookmark> {
        self.bookmark.as_ref().filter(|_| self.reading.opening.is_some_and(|opening| !opening.is_whole))
    }

    /// Bytes that were read of it and need not be read again.
    pub(super) fn offset(&self) -> u64 {
        self.bookmark().map_or(0, |bookmark| bookmark.offset)
    }
}
