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
        maud::Render::render_to(visible(&cut(&self.text, self.longest)).as_str(), out);
    }
}

/// What hides or turns text is shown; line ends and tabs stay what they are.
pub(super) fn visible(text: &str) -> String {
    let plain = |c: char| c == '\n' || c == '\t' || !(c.is_control() || is_invisible(c));
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if plain(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_unicode());
        }
    }
    shown
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
    let fence = "`".repeat(backticks(&text) + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// The longest run of backticks.
fn backticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// For Markdown: as it stands where it is plain prose, or else a code span, in which nothing is a mention, a link, HTML
/// or markup. There is no other way: trackers look for mentions and references after they have undone escapes.
pub(super) fn markdown(text: &str) -> String {
    if is_prose(text) { text.to_owned() } else { code_span(text) }
}

/// For a cell of a Markdown table: no bar ends it. A backslash before a bar would undo the bar's own.
pub(super) fn markdown_cell(text: &str) -> String {
    markdown(text).replace("\\|", "\\ |").replace('|', "\\|")
}

/// For Markdown: lines in a fence that is longer than any run of backticks in them.
pub(super) fn fence(language: &str, lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| terminal(line)).collect();
    let longest = lines.iter().map(|line| backticks(line)).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{}\n{fence}\n", lines.join("\n"))
}

/// For Jira's wiki markup: whatever it might obey stands behind a backslash. A backslash itself is written as an
/// entity, for two of them are a line break.
pub(super) fn jira(text: &str) -> String {
    let text = terminal(text);
    let chars: Vec<char> = text.chars().collect();
    let mut safe = String::with_capacity(text.len());
    for (at, &c) in chars.iter().enumerate() {
        let before = at.checked_sub(1).map_or(' ', |at| chars[at]);
        let after = chars.get(at + 1).copied().unwrap_or(' ');
        match c {
            '\\' => safe.push_str("&#92;"),
            '&' => safe.push_str("&amp;"),
            // `bq. ` and `h1. ` begin a block.
            '.' if at <= 2 && after == ' ' => safe.push_str("\\."),
            ' ' | ',' | ';' | '.' | '\'' | '"' | '/' | '%' | '=' => safe.push(c),
            // A key such as ABC-1 is a link.
            '-' if before.is_ascii_alphanumeric() && after.is_ascii_lowercase() => safe.push(c),
            ':' if (before.is_ascii_digit() && after.is_ascii_digit()) || after == ' ' => safe.push(c),
            c if c.is_ascii_punctuation() => safe.extend(['\\', c]),
            c => safe.push(c),
        }
    }
    safe
}

/// For Jira's wiki markup: lines in a block whose text is not looked at. What would end it is taken apart.
pub(super) fn jira_lines(lines: &[String]) -> String {
    let mut shown = String::new();
    for line in lines {
        let mut rest = terminal(line);
        while let Some(at) = rest.to_ascii_lowercase().find("{noformat") {
            shown.push_str(&rest[..at]);
            shown.push_str("{ ");
            rest.replace_range(..=at, "");
        }
        shown.push_str(&rest);
        shown.push('\n');
    }
    format!("{{noformat}}\n{shown}{{noformat}}\n")
}

/// For Slack: as it stands where it is plain prose, or else a code span.
pub(super) fn slack(text: &str) -> String {
    if is_prose(text) { text.to_owned() } else { slack_code(text) }
}

/// For Slack: a code span. Its mentions and links begin with `<`, which is written as an entity; a backtick cannot be
/// escaped there and becomes an apostrophe.
pub(super) fn slack_code(text: &str) -> String {
    let text = slack_text(text);
    if text.trim().is_empty() { "`-`".to_owned() } else { format!("`{}`", text.trim()) }
}

/// For Slack: lines in a fence.
pub(super) fn slack_lines(lines: &[String]) -> String {
    let lines: Vec<String> = lines.iter().map(|line| slack_text(line)).collect();
    format!("```\n{}\n```\n", lines.join("\n"))
}

fn slack_text(text: &str) -> String {
    let text = terminal(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('`', "'")
}

/// Whether a text is words, numbers and such punctuation between them as no tracker gives a meaning: no markup, no
/// mention, no reference (`GH-1`, `!7`, a commit), no address that becomes a link, no emoji, no beginning of a list.
fn is_prose(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    let plain = |(at, &c): (usize, &char)| {
        let before = at.checked_sub(1).map_or(' ', |at| chars[at]);
        let after = chars.get(at + 1).copied().unwrap_or(' ');
        match c {
            ' ' => before != ' ',
            '.' => {
                before.is_ascii_alphanumeric()
                    && (after == ' ' || (before.is_ascii_digit() && after.is_ascii_digit()))
            }
            ',' => before.is_ascii_alphanumeric() || ")%".contains(before),
            ':' | ';' => before.is_ascii_alphanumeric() && after == ' ',
            '%' => before == ' ' && !after.is_ascii_alphanumeric(),
            '-' => before.is_ascii_lowercase() && after.is_ascii_lowercase(),
            '(' => before == ' ' && after.is_ascii_alphanumeric(),
            ')' => before.is_ascii_alphanumeric(),
            '/' => before.is_ascii_alphanumeric() && after.is_ascii_alphanumeric(),
            c => c.is_ascii_alphanumeric(),
        }
    };
    let starts = chars.first().is_some_and(char::is_ascii_alphabetic);
    let number = chars.iter().all(|c| c.is_ascii_digit() || *c == ',') && !chars.is_empty();
    (starts || number)
        && chars.iter().enumerate().all(plain)
        && !text.ends_with(' ')
        && !text.split(is_joint).any(is_commit)
}

fn is_joint(c: char) -> bool {
    !c.is_ascii_alphanumeric()
}

/// Seven hex digits or more name a commit, and `www` a host.
fn is_commit(word: &str) -> bool {
    word == "www" || (word.len() >= 7 && word.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

/// Whether a text is a plain word of ours: lower-case letters, digits, `-` and `_`.
pub(super) fn is_id(text: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    !text.is_empty() && text.len() <= 64 && text.bytes().all(plain) && !text.starts_with('-')
}

/// A word for a shell, quoted where it must be; none where it has characters that a terminal or a tracker would
/// not show as they are.
pub(super) fn shell_word(text: &str) -> Option<String> {
    if terminal(text) != text || text.is_empty() || text.contains(['`', '{']) {
        return None;
    }
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_./:=,+@%-".contains(&byte);
    if text.bytes().all(plain) {
        Some(text.to_owned())
    } else {
        Some(format!("'{}'", text.replace('\'', "'\\''")))
    }
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
    if !text.contains("](") {
        return text;
    }
    // A backslash first: one before a bracket would undo the bracket's own.
    text.replace('\\', "\\\\").replace('[', "\\[").replace(']', "\\]")
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
        assert_eq!(markdown_cell("a|b"), "`a\\|b`");
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

    #[test]
    fn prose_is_plain_and_all_else_is_code() {
        for plain in [
            "No free connection in the sqlx pool",
            "lock-contention",
            "bank-app-a (pid 23592, bank) sat in a transaction for 1.5 s, 80 % in use: slow",
            "1,204",
        ] {
            assert_eq!(markdown(plain), plain);
            assert_eq!(slack(plain), plain);
        }
        for other in [
            "GH-12",
            "see ABC-1",
            "a %1 b",
            "www.evil.example",
            "evil.example",
            "1. a",
            "- a",
            "-",
            "a  b",
            "a ",
            "@a",
            "at a5c3785e",
            "a:tada:",
            "a_b",
            "a*b",
            "(y)",
            "/close",
            "a\u{202e}b",
            "a\nb",
            "a#1",
            "a!1",
            "",
        ] {
            assert!(markdown(other).starts_with('`'), "{other}");
            assert!(slack(other).starts_with('`'), "{other}");
        }
    }

    #[test]
    fn each_tracker_is_told_in_its_own_way() {
        for (text, escaped) in [
            ("a{code}b", "a\\{code\\}b"),
            ("C:\\new; x", "C\\:&#92;new; x"),
            ("[~admin] ABC-1 a-b", "\\[\\~admin\\] ABC\\-1 a-b"),
            ("h1. x", "h1\\. x"),
            ("&#123;", "&amp;\\#123;"),
        ] {
            assert_eq!(jira(text), escaped);
        }
        let lines = ["a{NoFormat}{noformat:x}b".to_owned()];
        assert_eq!(jira_lines(&lines), "{noformat}\na{ NoFormat}{ noformat:x}b\n{noformat}\n");
        assert_eq!(slack("<!channel> `a` &"), "`&lt;!channel&gt; 'a' &amp;`");
        assert_eq!(slack_lines(&["```<".to_owned()]), "```\n'''&lt;\n```\n");
        assert_eq!(fence("text", &["a ```` b".to_owned()]), "`````text\na ```` b\n`````\n");
        assert_eq!(markdown_cell("a\\|b"), "`a\\ \\|b`");
    }

    #[test]
    fn a_command_is_what_a_shell_reads_back() {
        for (text, word) in [
            ("logs/a.log", Some("logs/a.log")),
            ("it's", Some("'it'\\''s'")),
            ("$(reboot)", Some("'$(reboot)'")),
            ("a\u{1b}b", None),
            ("`a`", None),
            ("", None),
        ] {
            assert_eq!(shell_word(text).as_deref(), word);
        }
    }
}
