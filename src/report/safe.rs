//! The one place where text from evidence is made harmless for its reader.

use std::{borrow::Cow, io, str};

/// For a terminal: control characters are shown, not obeyed (CWE-150), and so are those that turn text around or hide
/// it. Line ends become `\n`, so that one line of evidence is one line of report.
pub(super) fn terminal(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => safe.push_str("\\n"),
            '\t' => safe.push(' '),
            c if c.is_control() || is_invisible(c) => safe.push_str(&c.escape_unicode().to_string()),
            c => safe.push(c),
        }
    }
    safe
}

/// The same for a message of several lines: its line ends stay.
pub fn printable(text: &str) -> String {
    text.lines().map(terminal).collect::<Vec<_>>().join("\n")
}

/// For HTML: `maud` escapes it where it is spliced in; here what hides or turns text is shown, and a long text cut.
#[derive(Clone, Debug)]
pub(super) struct Shown<'t> {
    pub(super) text: Cow<'t, str>,
    /// Characters.
    pub(super) longest: usize,
}

impl maud::Render for Shown<'_> {
    fn render_to(&self, out: &mut String) {
        let visible = |c: char| c == '\n' || c == '\t' || !(c.is_control() || is_invisible(c));
        let mut shown = String::new();
        for c in cut(&self.text, self.longest).chars() {
            if visible(c) { shown.push(c) } else { shown.extend(c.escape_unicode()) }
        }
        maud::Render::render_to(shown.as_str(), out);
    }
}

/// Bidirectional overrides and zero-width characters (UAX 9; CVE-2021-42574), what breaks a line without being a
/// control character, annotations and tags.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// For Markdown, inside a line: a code span whose fence is longer than any run of backticks in it.
pub(super) fn code_span(text: &str) -> String {
    let text = terminal(text);
    if text.trim().is_empty() {
        return "` `".to_owned();
    }
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == '`' { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// For Markdown, words of ours that a report read back may hold anything in: as they are where nothing in them is
/// markup, or else a code span.
pub(super) fn plain(text: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || " ,.;:'=%+-/()_".contains(c);
    // What looks like an address becomes a link by itself.
    if text.chars().all(harmless) && !text.contains("//") && !text.contains("www.") {
        text.to_owned()
    } else {
        code_span(text)
    }
}

/// For a cell of a Markdown table: a code span that no bar ends.
pub(super) fn code_cell(text: &str) -> String {
    code_span(text).replace('|', "\\|")
}

/// The beginning of a text, at most `width` characters, with an ellipsis where it was cut.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

/// For a cell of a spreadsheet: one line, and no formula (CWE-1236). A text that a spreadsheet would take for one gets an
/// apostrophe, which says "text" to all of them; full-width signs count, for some fold them.
pub(super) fn cell(text: &str) -> String {
    let shown = cut(&terminal(text), CELL);
    let is_formula = |text: &str| {
        let first = text.trim_start().chars().next();
        first.is_some_and(|c| matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠'))
    };
    if text.starts_with(['\t', '\r']) || is_formula(&shown) { format!("'{shown}") } else { shown }
}

/// Characters of a cell: what Excel takes (32,767), with room for the apostrophe.
const CELL: usize = 32_000;

/// For XML 1.0, which has no way at all to write most control characters and non-characters.
pub(super) fn xml(text: &str) -> String {
    terminal(text).replace('\u{fffe}', "\\u{fffe}").replace('\u{ffff}', "\\u{ffff}")
}

/// For the value of a label of Prometheus' text format.
pub(super) fn label(text: &str) -> String {
    terminal(text).replace('\\', "\\\\").replace('"', "\\\"")
}

/// For a message of SARIF, where braces are placeholders and `[text](target)` is a link.
pub(super) fn sarif(text: &str) -> String {
    let text = text.replace('{', "{{").replace('}', "}}");
    if text.contains("](") { text.replace('[', "\\[").replace(']', "\\]") } else { text }
}

/// For JSON: what a terminal would obey, and what some readers take for the end of a line, is written as `\u....`.
/// Outside its strings JSON has none of these, so that the stream can be looked at without knowing where it is.
pub(super) struct Json<W>(pub(super) W);

impl<W: io::Write> io::Write for Json<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    /// The serializer writes whole characters.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        if bytes.iter().all(|byte| (b' '..b'\x7f').contains(byte) || *byte == b'\n') {
            return self.0.write_all(bytes);
        }
        let text = str::from_utf8(bytes).map_err(|err| io::Error::new(io::ErrorKind::InvalidData, err))?;
        for c in text.chars() {
            match c {
                '\n' => self.0.write_all(b"\n")?,
                '\u{2028}' | '\u{2029}' => write!(self.0, "\\u{:04x}", u32::from(c))?,
                c if c.is_control() || is_invisible(c) => write!(self.0, "\\u{:04x}", u32::from(c))?,
                c => write!(self.0, "{c}")?,
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_obeyed() {
        assert_eq!(terminal("a\x1b[31mb\r\n\tc\u{9b}"), "a\\u{1b}[31mb\\u{d}\\n c\\u{9b}");
        assert_eq!(terminal("x\u{202e}y"), "x\\u{202e}y");
        assert_eq!(code_span("a `` b"), "```a `` b```");
        assert_eq!(code_span("`x"), "`` `x ``");
        assert_eq!(plain("no pg_locks export"), "no pg_locks export");
        assert_eq!(plain("http://x"), "`http://x`");
        assert_eq!(plain("a\n<b>"), "`a\\n<b>`");
        assert_eq!(code_cell("a|b"), "`a\\|b`");
        assert_eq!(cut("abcdef", 4), "abc…");
    }

    #[test]
    fn no_cell_is_a_formula() {
        for text in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", " =1", "＝1", "－1", "\n=1"] {
            let cell = cell(text);
            assert!(cell.starts_with(['\'', '\\']), "{text:?} gives {cell:?}");
        }
        assert_eq!(cell("a=1, -2"), "a=1, -2");
        assert_eq!(cell(&"x".repeat(40_000)).chars().count(), CELL);
    }

    #[test]
    fn each_format_is_escaped_its_way() {
        assert_eq!(xml("a\0b\u{fffe}c\u{1b}"), "a\\u{0}b\\u{fffe}c\\u{1b}");
        assert_eq!(label("a\\b\"c\nd"), "a\\\\b\\\"c\\\\nd");
        assert_eq!(sarif("[x](http://a) {0} a[1]"), "\\[x\\](http://a) {{0}} a\\[1\\]");
        assert_eq!(sarif("a[1]"), "a[1]");
    }

    #[test]
    fn json_says_the_same_in_harmless_bytes() {
        let text = "a\u{7f}\u{9b}2J\u{202e}\u{2028}ä\u{1f600}\n";
        let mut out = Vec::new();
        serde_json::to_writer(Json(&mut out), text).expect("memory");
        let written = String::from_utf8(out).expect("UTF-8");
        assert_eq!(written, "\"a\\u007f\\u009b2J\\u202e\\u2028ä\u{1f600}\\n\"");
        assert_eq!(serde_json::from_str::<String>(&written).expect("JSON"), text);
    }
}
