//! Lines: the shared half of every format whose records are runs of lines.

use super::{Context, Cutter};

/// Longest record that is read as one. A longer one is cut here, for memory must not grow with a file without
/// newlines.
pub(super) const MAX_RECORD: usize = 16 << 20;

/// Ends pieces before a line that begins a record.
pub(super) struct LineCutter {
    begins: fn(&[u8]) -> bool,
    context: Context,
}

impl LineCutter {
    /// `begins` is shown a line, without its newline, and says whether a record begins with it. It may look at that
    /// line only.
    pub(super) fn new(begins: fn(&[u8]) -> bool) -> LineCutter {
        LineCutter { begins, context: Context::None }
    }

    /// The same, with a context for every piece.
    pub(super) fn within(self, context: Context) -> LineCutter {
        LineCutter { context, ..self }
    }
}

impl Cutter for LineCutter {
    fn cut(&mut self, bytes: &[u8], want: usize, last: bool) -> Option<(usize, Context)> {
        let starts = |at: usize| {
            let line = &bytes[at..];
            // The line may not have ended in what we see; its beginning decides in all formats.
            (self.begins)(line.split(|byte| *byte == b'\n').next().unwrap_or(line))
        };
        let mut from = want.min(bytes.len()).max(1) - 1;
        while let Some(newline) = find(bytes, from, b'\n') {
            let start = newline + 1;
            // A line of which we see too little is judged when more is there.
            if start >= bytes.len()
                || (!last && bytes.len() - start < LINE_HEAD && find(bytes, start, b'\n').is_none())
            {
                break;
            }
            if starts(start) {
                return Some((start, self.context.clone()));
            }
            from = start;
        }
        if last {
            return Some((bytes.len(), self.context.clone()));
        }
        if bytes.len() < MAX_RECORD {
            return None;
        }
        // No record begins in sight. End before the record that goes on and on, or in it at a fixed length from its
        // beginning: both places depend on the text alone.
        let before = (1..want.min(bytes.len())).rev().find(|at| bytes[at - 1] == b'\n' && starts(*at));
        Some((before.unwrap_or(MAX_RECORD), self.context.clone()))
    }
}

/// Hands out a source as one piece: for snapshots, which are small, and whose rows mean nothing without what stands
/// above them.
pub(super) struct WholeCutter;

/// Where a snapshot is cut all the same, for memory must not grow with a file.
const WHOLE: usize = 64 << 20;

impl Cutter for WholeCutter {
    fn cut(&mut self, bytes: &[u8], _: usize, last: bool) -> Option<(usize, Context)> {
        if bytes.len() >= WHOLE {
            return Some((WHOLE, Context::None));
        }
        last.then_some((bytes.len(), Context::None))
    }
}

/// How much of a line's beginning a format may need to see to tell whether a record begins there.
const LINE_HEAD: usize = 4096;

/// Each line of a text: its offset, and its bytes without the line's end.
pub(super) fn lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    whole_lines(text).map(|(start, line)| (start, trim_end(line)))
}

/// Each line of a text: its offset, and its bytes with the line's end. Twice as fast as splitting a `str`.
pub(super) fn whole_lines(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at;
        let rest = text.as_bytes().get(start..).filter(|rest| !rest.is_empty())?;
        at = memchr::memchr(b'\n', rest).map_or(text.len(), |newline| start + newline + 1);
        Some((start, &text[start..at]))
    })
}

/// A line without its newline and carriage return.
pub(super) fn trim_end(line: &str) -> &str {
    let line = line.strip_suffix('\n').unwrap_or(line);
    line.strip_suffix('\r').unwrap_or(line)
}

/// The first `byte` at or after `from`.
pub(super) fn find(bytes: &[u8], from: usize, byte: u8) -> Option<usize> {
    memchr::memchr(byte, bytes.get(from..)?).map(|at| from + at)
}

/// Groups the lines of a chunk into records: each begins with a line of which `begins` holds, and the lines up to the
/// next such line belong to it. Lines before the first are a record of their own. Yields offset, line (from 0) and
/// text, line end included.
pub(super) fn records(text: &str, begins: impl Fn(&str) -> bool) -> impl Iterator<Item = (usize, u64, &str)> {
    let mut lines = whole_lines(text).zip(0_u64..).peekable();
    std::iter::from_fn(move || {
        let ((start, first), number) = lines.next()?;
        let mut end = start + first.len();
        while let Some(((at, line), _)) = lines.next_if(|((_, line), _)| !begins(trim_end(line))) {
            end = at + line.len();
        }
        Some((start, number, &text[start..end]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn starts(line: &[u8]) -> bool {
        line.starts_with(b"#")
    }

    #[test]
    fn cuts_before_a_record_whatever_is_wanted() {
        let text = b"#a\nx\ny\n#b\n#c\nz";
        for want in 1..text.len() {
            let (cut, _) = LineCutter::new(starts).cut(text, want, true).expect("last");
            assert!(cut >= want && [7, 10, text.len()].contains(&cut), "{want}: {cut}");
        }
        assert!(LineCutter::new(starts).cut(b"#a\nx", 1, false).is_none(), "more may come");
    }

    #[test]
    fn an_endless_record_is_cut_at_the_same_places_for_any_piece_size() {
        let mut text = b"#a\n#b ".to_vec();
        text.resize(40 << 20, b'x');
        text.extend(b"\n#c\n");
        let cuts = |want: usize| {
            let (mut cuts, mut at) = (Vec::new(), 0);
            while at < text.len() {
                at += LineCutter::new(starts).cut(&text[at..], want, true).map_or(0, |(cut, _)| cut);
                cuts.push(at);
            }
            cuts
        };
        // Shown all of it, nothing needs forcing; shown 16 MiB at a time, the places are fixed.
        assert!(cuts(1).contains(&((40 << 20) + 1)));
        for want in [1, 2, 1000] {
            let window = &text[3..3 + MAX_RECORD];
            let (cut, _) = LineCutter::new(starts).cut(window, want, false).expect("forced");
            assert_eq!(cut, MAX_RECORD);
        }
        assert_eq!(LineCutter::new(starts).cut(&text[..MAX_RECORD], 1 << 20, false).expect("forced").0, 3);
    }

    #[test]
    fn groups_lines_into_records() {
        let found: Vec<_> = records("x\n#a\r\n b\n#c", |line| line.starts_with('#')).collect();
        assert_eq!(found, [(0, 0, "x\n"), (2, 1, "#a\r\n b\n"), (9, 3, "#c")]);
    }
}
