//! The one place where text from evidence is made harmless for its reader.

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
}
