//! The lines that a report cites, read again by their byte offset.
//!
//! Folding keeps eight bytes a place; the line number and the text are fetched here for the few places that are
//! printed. A settled plain file is mapped, for random access pays; anything else is streamed once more.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
};

use super::{
    map::map_settled,
    reader::Reader,
    sources::{Sources, Step},
    walk::{Evidence, STDIN},
};

/// A cited place: its line, and the beginning of that line from the cited byte on.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Citation {
    /// From 1.
    pub line: u64,
    pub excerpt: Vec<u8>,
}

/// How much of a place is wanted.
#[derive(Clone, Copy)]
enum Extent {
    /// The beginning of its line: enough to recognise a row, short enough for a ticket.
    Line,
    /// Enough to find what an entry says, in whichever field or later line that is.
    Record,
}

impl Extent {
    fn bytes(self) -> usize {
        match self {
            Extent::Line => 240,
            Extent::Record => 16 << 10,
        }
    }

    fn of(self, bytes: &[u8]) -> Vec<u8> {
        let text = match self {
            Extent::Line => {
                let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
                line.strip_suffix(b"\r").unwrap_or(line)
            }
            Extent::Record => bytes,
        };
        text[..text.len().min(self.bytes())].to_vec()
    }
}

/// Byte offsets of unpacked sources, by the name of the source.
pub type Wanted = BTreeMap<String, BTreeSet<u64>>;

/// What was found there; offsets that cannot be read any more are left out.
pub type Cited = BTreeMap<String, BTreeMap<u64, Citation>>;

/// Looks up lines of the sources that one piece of evidence holds, in one pass over it.
pub fn cite(evidence: &Evidence, wanted: &Wanted) -> Cited {
    look_up(evidence, wanted, Extent::Line)
}

/// The same with what follows the line, so that an entry's text can be found in it.
pub fn cite_records(evidence: &Evidence, wanted: &Wanted) -> Cited {
    look_up(evidence, wanted, Extent::Record)
}

fn look_up(evidence: &Evidence, wanted: &Wanted, extent: Extent) -> Cited {
    let mut cited = Cited::new();
    if wanted.is_empty() || evidence.path == Path::new(STDIN) {
        return cited;
    }
    let Ok(mut sources) = Sources::open(evidence, None) else { return cited };
    while cited.len() < wanted.len() {
        match sources.step() {
            Some(Step::Read(reader)) => match wanted.get(reader.name()) {
                Some(offsets) => {
                    let name = reader.name().to_owned();
                    cited.insert(name, cite_source(reader, offsets, extent));
                }
                None => reader.skip(),
            },
            Some(Step::Listed(_)) => {}
            None => break,
        }
    }
    cited
}

fn cite_source(mut reader: Reader, offsets: &BTreeSet<u64>, extent: Extent) -> BTreeMap<u64, Citation> {
    let sorted: Vec<u64> = offsets.iter().copied().collect();
    let mut cited = BTreeMap::new();
    match reader.plain().map(map_settled) {
        Some(Ok(Some(map))) => cite_slice(&map, &sorted, extent, &mut cited),
        _ => {
            cite_stream(|buffer| reader.read(buffer), &sorted, extent, &mut cited);
            reader.skip();
        }
    }
    cited
}

fn cite_slice(bytes: &[u8], sorted: &[u64], extent: Extent, cited: &mut BTreeMap<u64, Citation>) {
    let (mut line, mut at) = (1, 0);
    for offset in sorted {
        let Some(rest) = bytes.get(*offset as usize..) else { break };
        line += newlines(&bytes[at..*offset as usize]);
        at = *offset as usize;
        cited.insert(*offset, Citation { line, excerpt: extent.of(rest) });
    }
}

/// Reads on until the last offset has its excerpt, holding one buffer and the overlap that an excerpt needs.
fn cite_stream(
    mut read: impl FnMut(&mut [u8]) -> usize,
    sorted: &[u64],
    extent: Extent,
    cited: &mut BTreeMap<u64, Citation>,
) {
    let mut window: Vec<u8> = Vec::new();
    let mut buffer = vec![0; 1 << 20];
    let (mut start, mut line, mut next) = (0_u64, 1, 0);
    let mut ended = false;
    while next < sorted.len() {
        while window.len() < buffer.len() && !ended {
            match read(&mut buffer) {
                0 => ended = true,
                read => window.extend_from_slice(&buffer[..read]),
            }
        }
        // All but the last excerpt's length can be cited now; the rest with the next bytes.
        let usable = if ended { window.len() } else { window.len() - extent.bytes() };
        let mut at = 0;
        // The end of the source is a place too: that is where a torn dump is torn.
        let limit = start + usable as u64 + u64::from(ended);
        while let Some(offset) = sorted.get(next).filter(|offset| **offset < limit) {
            let here = (offset - start) as usize;
            line += newlines(&window[at..here]);
            at = here;
            cited.insert(*offset, Citation { line, excerpt: extent.of(&window[here..]) });
            next += 1;
        }
        line += newlines(&window[at..usable]);
        start += usable as u64;
        window.drain(..usable);
        if ended {
            return;
        }
    }
}

fn newlines(bytes: &[u8]) -> u64 {
    memchr::memchr_iter(b'\n', bytes).count() as u64
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{self, File},
        time::{Duration, SystemTime},
    };

    use super::*;
    use crate::ingest::Shape;

    #[test]
    fn finds_the_same_lines_mapped_read_and_unpacked() {
        let dir = tempfile::tempdir().expect("a folder");
        let text = (1..300_000).fold(String::new(), |text, n| text + &format!("row {n}\n"));
        let offsets: Vec<u64> = [1, 2, 150_000, 299_999]
            .map(|n| text.find(&format!("row {n}\n")).expect("there") as u64)
            .to_vec();
        let fresh = dir.path().join("fresh");
        fs::write(&fresh, &text).expect("written");
        let settled = dir.path().join("settled");
        fs::write(&settled, &text).expect("written");
        let hours_ago = SystemTime::now() - Duration::from_secs(3 * 3600);
        File::options()
            .append(true)
            .open(&settled)
            .and_then(|file| file.set_modified(hours_ago))
            .expect("dated");
        assert!(map_settled(&settled).expect("opened").is_some(), "the mapped way is the one tested");
        assert!(map_settled(&fresh).expect("opened").is_none());
        let packed = dir.path().join("packed");
        fs::write(&packed, zstd::encode_all(text.as_bytes(), 1).expect("memory")).expect("written");
        for path in [fresh, settled, packed] {
            let evidence = Evidence { name: "a".to_owned(), path, shape: Shape::File };
            let cite = |offsets: &[u64]| {
                let wanted = Wanted::from([("a".to_owned(), offsets.iter().copied().collect())]);
                super::cite(&evidence, &wanted).remove("a").unwrap_or_default()
            };
            let cited = cite(&offsets);
            let end = text.len() as u64;
            assert_eq!(cite(&[end])[&end].line, 300_000, "the end of {evidence:?}");
            let lines: Vec<u64> = cited.values().map(|citation| citation.line).collect();
            assert_eq!(lines, [1, 2, 150_000, 299_999], "{evidence:?}");
            assert_eq!(cited[&offsets[3]].excerpt, b"row 299999");
            assert!(cite(&[text.len() as u64 + 9]).is_empty(), "past the end");
        }
    }
}
