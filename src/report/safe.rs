//! The one place where text from evidence is made harmless for its reader.

use std::borrow::Cow;

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

/// Bidirectional overrides and zero-width characters (UAX 9; CVE-2021-42574).
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_obeyed() {
        assert_eq!(terminal("a\x1b[31mb\r\n\tc\u{9b}"), "a\\u{1b}[31mb\\u{d}\\n c\\u{9b}");
        assert_eq!(terminal("x\u{202e}y"), "x\\u{202e}y");
        assert_eq!(code_span("a `` b"), "```a `` b```");
        assert_eq!(code_span("`x"), "`` `x ``");
        assert_eq!(code_cell("a|b"), "`a\\|b`");
        assert_eq!(cut("abcdef", 4), "abc…");
    }
}
