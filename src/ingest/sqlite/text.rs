//! Values and names as COPY's text format writes them, and the buffers that carry them.

use std::{
    io::Write as _,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender},
    },
};

use rusqlite::types::ValueRef;

/// Text on its way to the reader.
pub(super) struct Out {
    buffer: Vec<u8>,
    sent: u64,
    full: SyncSender<Vec<u8>>,
    empty: Receiver<Vec<u8>>,
    stop: Arc<AtomicBool>,
}

/// Bytes handed over at a time: large enough that the channel costs nothing, small enough for the second-level cache.
const BUFFER: usize = 256 << 10;

impl Out {
    pub(super) fn new(full: SyncSender<Vec<u8>>, empty: Receiver<Vec<u8>>, stop: Arc<AtomicBool>) -> Out {
        Out { buffer: Vec::with_capacity(BUFFER), sent: 0, full, empty, stop }
    }

    /// Offset of the byte that comes next.
    pub(super) fn byte(&self) -> u64 {
        self.sent + self.buffer.len() as u64
    }

    /// Whether nobody reads any more.
    pub(super) fn stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    pub(super) fn put(&mut self, text: &str) {
        self.buffer.extend_from_slice(text.as_bytes());
    }

    /// Writes a cell. `textual`: the column is declared to hold text, so bytes that are text are shown as text.
    pub(super) fn cell(&mut self, value: ValueRef<'_>, textual: bool) {
        cell(&mut self.buffer, value, textual);
    }

    /// Between two cells.
    pub(super) fn tab(&mut self) {
        self.buffer.push(b'\t');
    }

    /// Ends a row, and hands the buffer over if it is full.
    pub(super) fn end_row(&mut self) {
        self.buffer.push(b'\n');
        // A row more may just fit in what is left, so the buffer goes before it must grow.
        if self.buffer.len() >= BUFFER - BUFFER / 16 {
            self.flush();
        }
    }

    pub(super) fn flush(&mut self) {
        self.sent += self.buffer.len() as u64;
        let mut next = self.empty.try_recv().unwrap_or_else(|_| Vec::with_capacity(BUFFER));
        next.clear();
        if self.full.send(std::mem::replace(&mut self.buffer, next)).is_err() {
            self.stop.store(true, Ordering::Relaxed);
        }
    }
}

fn cell(out: &mut Vec<u8>, value: ValueRef<'_>, textual: bool) {
    match value {
        ValueRef::Null => out.extend_from_slice(b"\\N"),
        ValueRef::Integer(number) => write_display(out, format_args!("{number}")),
        ValueRef::Real(number) => real(out, number),
        ValueRef::Text(bytes) => escaped(out, bytes),
        ValueRef::Blob(bytes) if textual && is_text(bytes) => escaped(out, bytes),
        ValueRef::Blob(bytes) => bytea(out, bytes),
    }
}

fn write_display(out: &mut Vec<u8>, arguments: std::fmt::Arguments<'_>) {
    out.write_fmt(arguments).expect("a vector takes all bytes");
}

/// The shortest digits that read back as the same number. `PostgreSQL` spells infinity out, and `SQLite` keeps no NaN.
fn real(out: &mut Vec<u8>, number: f64) {
    if number.is_infinite() {
        out.extend_from_slice(if number > 0.0 { b"Infinity" } else { b"-Infinity" });
    } else {
        write_display(out, format_args!("{number:?}"));
    }
}

fn escaped(out: &mut Vec<u8>, bytes: &[u8]) {
    // The fold looks at every byte without a branch, which the compiler turns into vector code; most cells end here.
    if bytes.iter().fold(0, |any, byte| any | u8::from(*byte == b'\\') | u8::from(*byte <= b'\r')) == 0 {
        out.extend_from_slice(bytes);
        return;
    }
    let mut rest = bytes;
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\\' | b'\t' | b'\n' | b'\r')) {
        let (plain, behind) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((byte, behind)) = behind.split_first() else { break };
        out.extend_from_slice(match byte {
            b'\t' => b"\\t",
            b'\n' => b"\\n",
            b'\r' => b"\\r",
            _ => b"\\\\",
        });
        rest = behind;
    }
    out.extend_from_slice(rest);
}

/// Whether the bytes of a blob are text. `SQLite`'s own binary JSON is often valid UTF-8, but has control characters.
fn is_text(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok()
        && !bytes.iter().any(|byte| *byte < b' ' && !matches!(byte, b'\t' | b'\n' | b'\r'))
}

/// `PostgreSQL` documentation, "Binary Data Types", hex format; COPY doubles the backslash.
fn bytea(out: &mut Vec<u8>, bytes: &[u8]) {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    out.extend_from_slice(b"\\\\x");
    out.extend(
        bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]),
    );
}

/// A name as `pg_dump` writes it: quoted unless it is plain.
pub(super) fn name(name: &str) -> String {
    let plain = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
        && !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty();
    if plain { name.to_owned() } else { quoted(name) }
}

/// A name in double quotes, which `SQLite` and `PostgreSQL` read alike.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(value: ValueRef<'_>, textual: bool) -> String {
        let mut out = Vec::new();
        cell(&mut out, value, textual);
        String::from_utf8(out).expect("text")
    }

    #[test]
    fn writes_cells_as_copy_does() {
        for (value, textual, expected) in [
            (ValueRef::Null, true, "\\N"),
            (ValueRef::Integer(i64::MIN), false, "-9223372036854775808"),
            (ValueRef::Real(1.0), false, "1.0"),
            (ValueRef::Real(0.1 + 0.2), false, "0.30000000000000004"),
            (ValueRef::Real(1e300), false, "1e300"),
            (ValueRef::Real(f64::NEG_INFINITY), false, "-Infinity"),
            (ValueRef::Text(b""), false, ""),
            (ValueRef::Text(b"\\N"), false, "\\\\N"),
            (ValueRef::Text(b"\\."), false, "\\\\."),
            (ValueRef::Text(b"a\tb\nc\rd\\\x08"), false, "a\\tb\\nc\\rd\\\\\x08"),
            (ValueRef::Blob(b"{}"), true, "{}"),
            (ValueRef::Blob(b"{}"), false, "\\\\x7b7d"),
            (ValueRef::Blob(b"\xff\x00"), true, "\\\\xff00"),
            (ValueRef::Blob(b"\x6c\x17a\x131"), true, "\\\\x6c17611331"),
            (ValueRef::Blob(b""), false, "\\\\x"),
        ] {
            assert_eq!(shown(value, textual), expected, "{value:?}");
        }
    }

    #[test]
    fn quotes_names_that_are_not_plain() {
        let names = ["stream_id", "Stream", "a,b", "a(b)", "a\"b", "1a", "", "a b"].map(name);
        assert_eq!(
            names,
            ["stream_id", "\"Stream\"", "\"a,b\"", "\"a(b)\"", "\"a\"\"b\"", "\"1a\"", "\"\"", "\"a b\""]
        );
    }
}
