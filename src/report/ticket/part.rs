//! What a ticket is made of. Each part tells its own words from what the evidence says, so that a dialect cannot forget
//! to make the latter harmless.

use crate::report::{safe, sections::Column};

/// A piece of a line.
#[derive(Clone, Debug)]
pub(in crate::report) enum Span {
    /// Our own words: letters, digits, blanks and plain punctuation.
    Own(String),
    Strong(String),
    /// Our own, to be typed as it stands.
    Code(String),
    /// What evidence, or a file that others wrote, says.
    Said(String),
}

pub(in crate::report) type Line = Vec<Span>;

/// A block that is shown whole or not at all.
#[derive(Clone, Debug)]
pub(in crate::report) enum Part {
    /// With the name that links point to; empty where none does.
    Heading {
        level: usize,
        anchor: String,
        line: Line,
    },
    Text(Line),
    Bullets(Vec<Line>),
    Steps(Vec<Line>),
    /// Lines of evidence, as they stand.
    Lines(Vec<String>),
    Command(String),
    Table(Table),
    /// Closed at first, where a tracker can do that.
    Folded {
        summary: String,
        parts: Vec<Part>,
    },
}

#[derive(Clone, Debug)]
pub(in crate::report) struct Table {
    pub(in crate::report) columns: &'static [Column],
    pub(in crate::report) rows: Vec<Vec<Span>>,
}

/// One tracker's markup.
pub(in crate::report) trait Dialect: Sync {
    /// Of its writer.
    fn id(&self) -> &'static str;

    /// A part, with its last line end.
    fn part(&self, part: &Part) -> String;
}

/// A line for each, behind its mark.
pub(in crate::report) fn list(
    lines: &[Line],
    mark: impl Fn(usize) -> String,
    inline: impl Fn(&[Span]) -> String,
) -> String {
    let mut shown = String::new();
    for (at, line) in lines.iter().enumerate() {
        shown.push_str(&format!("{} {}\n", mark(at + 1), inline(line)));
    }
    shown
}

/// Parts with a blank line between them.
pub(super) fn block(dialect: &dyn Dialect, parts: &[Part]) -> String {
    let shown: Vec<String> = parts.iter().map(|part| dialect.part(part)).collect();
    shown.join("\n")
}

pub(super) fn own(text: impl Into<String>) -> Span {
    Span::Own(text.into())
}

/// What evidence says, at most `width` characters of it.
pub(super) fn said(text: &str, width: usize) -> Span {
    Span::Said(safe::cut(text, width))
}

pub(super) fn heading(level: usize, title: &str) -> Part {
    Part::Heading { level, anchor: String::new(), line: vec![own(title)] }
}
