//! The rendered text on its way out. A row is handed out when it is complete: half a row must not look like a row.

use memchr::{memchr, memchr3, memrchr};

/// How the rows of a table are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// A row a line, and the line `\.` after the last.
    Copy,
    /// INSERT statements, which may have line ends in them.
    Statements,
}

/// The longest row that is held back, as long as the longest line that a decoder takes (`decode::lines`).
const MAX_HELD: usize = 16 << 20;

/// The line that ends the rows of a COPY statement (`PostgreSQL` documentation, COPY, "Text Format").
const TERMINATOR: &[u8] = b"\\.";

#[derive(Default)]
pub(super) struct Page {
    bytes: Vec<u8>,
    /// Up to where it was handed out.
    taken: usize,
    /// Up to where it may be handed out.
    ready: usize,
    /// Up to where there are bytes; what lies beyond is room.
    filled: usize,
    /// What was handed out and dropped.
    dropped: u64,
    /// The table's rows were ended by what must end them.
    closed: bool,
    /// What may be handed out ends in the middle of a line, which was too long to be held back.
    mid_line: bool,
    /// The quote that is open in the statements.
    quote: Option<u8>,
}

impl Page {
    /// Where in the text the next line will be.
    pub(super) fn position(&self) -> u64 {
        self.dropped + self.ready as u64
    }

    pub(super) fn is_taken(&self) -> bool {
        self.taken == self.ready
    }

    /// Hands out.
    pub(super) fn take(&mut self, buffer: &mut [u8]) -> usize {
        let ready = self.bytes.get(self.taken..self.ready).unwrap_or_default();
        let taken = ready.len().min(buffer.len());
        if let (Some(to), Some(from)) = (buffer.get_mut(..taken), ready.get(..taken)) {
            to.copy_from_slice(from);
        }
        self.taken += taken;
        taken
    }

    /// Adds text that is whole.
    pub(super) fn text(&mut self, text: &[u8]) {
        self.compact();
        self.bytes.truncate(self.filled);
        self.bytes.extend_from_slice(text);
        self.filled = self.bytes.len();
        self.ready = self.filled;
    }

    pub(super) fn open_rows(&mut self) {
        self.closed = false;
        self.mid_line = false;
        self.quote = None;
    }

    /// Room for rows, after those of which the end is not there yet.
    pub(super) fn room(&mut self, unit: usize) -> &mut [u8] {
        self.compact();
        if self.bytes.len() < self.filled + unit {
            self.bytes.resize(self.filled + unit, 0);
        }
        self.bytes.get_mut(self.filled..self.filled + unit).unwrap_or_default()
    }

    /// Drops what was handed out.
    fn compact(&mut self) {
        if self.is_taken() && self.taken > 0 {
            self.bytes.copy_within(self.taken..self.filled, 0);
            self.dropped += self.taken as u64;
            self.filled -= self.taken;
            (self.taken, self.ready) = (0, 0);
        }
    }

    /// Takes the bytes that were read into the room.
    pub(super) fn grow(&mut self, read: usize, style: Style) {
        let before = self.filled;
        self.filled = (before + read).min(self.bytes.len());
        let fresh = self.bytes.get(before..self.filled).unwrap_or_default();
        let end = match style {
            Style::Copy => memrchr(b'\n', fresh).map(|at| before + at + 1),
            Style::Statements => {
                let previous = before.checked_sub(1).and_then(|at| self.bytes.get(at)).copied();
                statements_end(fresh, previous, &mut self.quote).map(|end| before + end)
            }
        };
        match end {
            Some(end) => self.release(end),
            None if self.filled - self.ready > MAX_HELD => self.release(self.filled),
            None => {}
        }
    }

    fn release(&mut self, end: usize) {
        let text = self.bytes.get(self.ready..end).unwrap_or_default();
        self.mid_line = !text.ends_with(b"\n");
        let lines = text.trim_ascii_end();
        // `\.` is followed by empty lines, which may come later.
        if !lines.is_empty() {
            self.closed =
                lines.strip_suffix(TERMINATOR).is_some_and(|rows| matches!(rows.last(), None | Some(b'\n')));
        }
        self.ready = end;
    }

    /// The rows ended where their data ends. False if that is not where a table's rows can end.
    pub(super) fn end_rows(&mut self, style: Style) -> bool {
        let held = self.bytes.get(self.ready..self.filled).unwrap_or_default();
        match style {
            Style::Copy if held == TERMINATOR => {
                self.text(b"\n");
                self.closed = true;
            }
            Style::Copy => self.closed &= held.is_empty(),
            Style::Statements => self.closed = held.trim_ascii().is_empty(),
        }
        self.closed
    }

    /// Drops the row that is not complete.
    pub(super) fn drop_half(&mut self) {
        self.filled = self.ready;
    }

    /// Ends rows that were not ended, so that something can follow.
    pub(super) fn close_rows(&mut self, style: Style) {
        if self.mid_line {
            self.text(b"\n");
        }
        if style == Style::Copy && !self.closed {
            self.text(&[TERMINATOR, b"\n\n\n"].concat());
        }
    }
}

/// Behind the last statement that ends in the text, or behind the last empty line after it. `pg_dump` doubles the
/// quotes inside quotes, so that each quote opens or closes; `quote` is the open one.
fn statements_end(text: &[u8], previous: Option<u8>, quote: &mut Option<u8>) -> Option<usize> {
    let (mut at, mut end) = (0, None);
    while let Some(rest) = text.get(at..) {
        if let Some(open) = *quote {
            let Some(found) = memchr(open, rest) else { break };
            *quote = None;
            at += found + 1;
            continue;
        }
        let Some(found) = memchr3(b'\'', b'"', b'\n', rest) else { break };
        at += found;
        match text.get(at) {
            Some(b'\n') => {
                let before = at.checked_sub(1).map_or(previous, |before| text.get(before).copied());
                if matches!(before, None | Some(b';' | b'\n')) {
                    end = Some(at + 1);
                }
            }
            mark => *quote = mark.copied(),
        }
        at += 1;
    }
    end
}

#[cfg(test)]
mod tests {
    use super::{MAX_HELD, Page, Style};

    fn taken(page: &mut Page) -> Vec<u8> {
        let mut buffer = vec![0; MAX_HELD + 1024];
        let taken = page.take(&mut buffer);
        buffer.truncate(taken);
        buffer
    }

    fn feed(page: &mut Page, text: &[u8], style: Style) {
        page.room(text.len()).copy_from_slice(text);
        page.grow(text.len(), style);
    }

    #[test]
    fn hands_out_whole_rows() {
        let mut page = Page::default();
        page.open_rows();
        feed(&mut page, b"1\ta\n2\tb", Style::Copy);
        assert_eq!((taken(&mut page), page.position()), (b"1\ta\n".to_vec(), 4));
        feed(&mut page, b"c\n\\.", Style::Copy);
        assert_eq!(taken(&mut page), b"2\tbc\n");
        assert!(page.end_rows(Style::Copy), "the terminator needs no line end");
        assert_eq!((taken(&mut page), page.position()), (b"\\.\n".to_vec(), 12));
    }

    #[test]
    fn ends_rows_once() {
        for (rows, ended, shown) in [
            (&b"1\n\\.\n\n\n"[..], true, &b"1\n\\.\n\n\n"[..]),
            (b"\\.\n", true, b"\\.\n"),
            (b"1\n", false, b"1\n\\.\n\n\n"),
            (b"1\n2", false, b"1\n\\.\n\n\n"),
            (b"1\tx\\.\n", false, b"1\tx\\.\n\\.\n\n\n"),
        ] {
            let mut page = Page::default();
            page.open_rows();
            feed(&mut page, rows, Style::Copy);
            assert_eq!(page.end_rows(Style::Copy), ended, "{rows:?}");
            page.drop_half();
            page.close_rows(Style::Copy);
            assert_eq!(taken(&mut page), shown);
        }
    }

    #[test]
    fn does_not_hold_a_row_for_ever() {
        let mut page = Page::default();
        page.open_rows();
        feed(&mut page, &vec![b'x'; MAX_HELD + 1], Style::Copy);
        assert_eq!(taken(&mut page).len(), MAX_HELD + 1);
        page.close_rows(Style::Copy);
        assert_eq!(taken(&mut page), b"\n\\.\n\n\n");
    }

    #[test]
    fn counts_quotes_over_pieces() {
        let text = b"INSERT INTO t VALUES ('a;\n''\"', \"it's\");\nINSERT INTO t VALUES (E'\\\\');\n\n\n";
        for piece in 1..text.len() {
            let (mut page, mut shown) = (Page::default(), Vec::new());
            page.open_rows();
            for piece in text.chunks(piece) {
                feed(&mut page, piece, Style::Statements);
                let part = taken(&mut page);
                assert!(
                    [&b""[..], b"\n", b"\n\n"].contains(&&part[..]) || part.trim_ascii_end().ends_with(b");")
                );
                shown.extend(part);
            }
            assert!(page.end_rows(Style::Statements));
            assert_eq!(shown, text);
        }
    }
}
