//! A page of a terminal: so many columns, and nothing on it that a terminal obeys but our own styles.
//!
//! Every text passes through [`Page::line`], which escapes it and ends the line in time. Writers say what stands where;
//! none of them can write a line that is too wide or a byte that came from evidence unescaped.

use std::io::{self, Write};

use anstyle::Style;
use unicode_width::UnicodeWidthChar;

use super::{safe, sections::Column};

pub(super) const BOLD: Style = Style::new().bold();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const PLAIN: Style = Style::new();

/// A run of text in one style.
pub(super) struct Span<'t>(pub(super) Style, pub(super) &'t str);

pub(super) struct Page<'o> {
    out: &'o mut dyn Write,
    pub(super) columns: usize,
}

/// Columns between the columns of a table.
const GAP: usize = 2;
const ELLIPSIS: &str = "…";
/// Fewest columns of a text that has to make room.
const NARROW: usize = 10;

impl<'o> Page<'o> {
    pub(super) fn new(out: &'o mut dyn Write, columns: usize) -> Page<'o> {
        Page { out, columns }
    }

    /// One line: escaped, and cut where the page ends.
    pub(super) fn line(&mut self, spans: &[Span<'_>]) -> io::Result<()> {
        let texts: Vec<String> = spans.iter().map(|Span(_, text)| safe::terminal(text)).collect();
        let total: usize = texts.iter().map(|text| cells(text)).sum();
        // Where not all fits, one column is for the mark that says so.
        let mut left = if total <= self.columns { self.columns } else { self.columns - 1 };
        for (Span(style, _), text) in spans.iter().zip(&texts) {
            let fits = cells(text) <= left;
            let shown = if fits { text.clone() } else { beginning(text, left) + ELLIPSIS };
            left -= cells(text).min(left);
            if *style == PLAIN || shown.is_empty() {
                write!(self.out, "{shown}")?;
            } else {
                write!(self.out, "{style}{shown}{style:#}")?;
            }
            if !fits {
                break;
            }
        }
        writeln!(self.out)
    }

    /// What is copied from the page is whole, however wide: a command that is broken or cut runs as another.
    pub(super) fn copied(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{DIM}{}{DIM:#}", safe::terminal(text))
    }

    pub(super) fn blank(&mut self) -> io::Result<()> {
        writeln!(self.out)
    }

    pub(super) fn title(&mut self, text: &str) -> io::Result<()> {
        self.blank()?;
        self.line(&[Span(BOLD, text)])
    }

    /// A name in the margin and a text beside it, cut to one line.
    pub(super) fn labelled(&mut self, margin: Margin<'_>, text: &str) -> io::Result<()> {
        self.line(&[Span(DIM, &margin.text()), Span(PLAIN, text)])
    }

    /// A name in the margin and a text that must be read whole, over as many lines as it takes.
    pub(super) fn paragraph(&mut self, margin: Margin<'_>, text: &str) -> io::Result<()> {
        let mut margin = margin;
        for line in wrap(&safe::terminal(text), self.columns - margin.columns()) {
            self.line(&[Span(DIM, &margin.text()), Span(PLAIN, &line)])?;
            margin.name = "";
        }
        Ok(())
    }

    /// Parts that stand apart, as many on a line as fit.
    pub(super) fn flow(&mut self, margin: Margin<'_>, style: Style, parts: &[String]) -> io::Result<()> {
        let room = self.columns - margin.columns();
        let mut lines: Vec<String> = Vec::new();
        for part in parts.iter().map(|part| safe::terminal(part)).filter(|part| !part.is_empty()) {
            match lines.last_mut() {
                Some(line) if cells(line) + 3 + cells(&part) <= room => {
                    line.push_str("   ");
                    line.push_str(&part);
                }
                _ => lines.extend(wrap(&part, room)),
            }
        }
        for (number, line) in lines.iter().enumerate() {
            let margin = if number == 0 { margin } else { Margin { name: "", ..margin } };
            self.line(&[Span(style, &margin.text()), Span(PLAIN, line)])?;
        }
        Ok(())
    }

    /// A table in its own width where that fits. Where it does not, texts are cut, the widest first, and never a
    /// number; where that is not enough, the last columns are left out and named.
    pub(super) fn table(&mut self, columns: &[Column], rows: &[Vec<String>]) -> io::Result<()> {
        let rows: Vec<Vec<String>> =
            rows.iter().map(|row| row.iter().map(|cell| safe::terminal(cell)).collect()).collect();
        let (widths, left_out) = widths(columns, &rows, self.columns);
        let shown = &columns[..widths.len()];
        let header: Vec<String> = shown.iter().map(|column| column.name().to_owned()).collect();
        self.line(&[Span(BOLD, &row_text(shown, &widths, &header))])?;
        for row in &rows {
            self.line(&[Span(PLAIN, &row_text(shown, &widths, row))])?;
        }
        if !left_out.is_empty() {
            self.line(&[Span(DIM, &format!("  no room here for: {}", left_out.join(", ")))])?;
        }
        Ok(())
    }
}

/// What stands left of a text.
#[derive(Clone, Copy)]
pub(super) struct Margin<'t> {
    pub(super) indent: usize,
    pub(super) name: &'t str,
    /// Columns of the name.
    pub(super) width: usize,
}

impl Margin<'_> {
    fn columns(self) -> usize {
        if self.width == 0 { self.indent } else { self.indent + self.width + 1 }
    }

    fn text(self) -> String {
        let blanks = " ".repeat(self.indent);
        if self.width == 0 { blanks } else { format!("{blanks}{:<width$} ", self.name, width = self.width) }
    }
}

/// Widths of the columns that fit, and the names of those that do not.
fn widths<'c>(columns: &'c [Column], rows: &[Vec<String>], room: usize) -> (Vec<usize>, Vec<&'c str>) {
    let widest = |at: usize, column: &Column| {
        let cells_of = rows.iter().filter_map(|row| row.get(at)).map(|cell| cells(cell));
        cells_of.max().unwrap_or_default().max(cells(column.name()))
    };
    let own: Vec<usize> = columns.iter().enumerate().map(|(at, column)| widest(at, column)).collect();
    let is_text = |at: usize| matches!(columns[at], Column::Text(_) | Column::Path(_));
    let least = |at: usize| if is_text(at) { own[at].min(NARROW) } else { own[at] };
    let needed = |count: usize, of: &dyn Fn(usize) -> usize| {
        (0..count).map(of).sum::<usize>() + GAP * count.saturating_sub(1)
    };
    let mut count = columns.len();
    while count > 1 && needed(count, &least) > room {
        count -= 1;
    }
    let mut widths = own[..count].to_vec();
    while needed(count, &|at| widths[at]) > room {
        let texts = (0..count).filter(|at| is_text(*at) && widths[*at] > least(*at));
        let Some(widest) = texts.max_by_key(|at| widths[*at]) else { break };
        widths[widest] -= 1;
    }
    (widths, columns[count..].iter().map(|column| column.name()).collect())
}

fn row_text(columns: &[Column], widths: &[usize], row: &[String]) -> String {
    let cell = |(at, column): (usize, &Column)| {
        let text = row.get(at).map_or("", String::as_str);
        match column {
            Column::Text(_) => padded(&cut(text, widths[at]), widths[at]),
            Column::Path(_) => padded(&ending(text, widths[at]), widths[at]),
            Column::Number(_) => format!("{}{text}", " ".repeat(widths[at].saturating_sub(cells(text)))),
        }
    };
    let shown: Vec<String> = columns.iter().enumerate().map(cell).collect();
    shown.join(&" ".repeat(GAP)).trim_end().to_owned()
}

/// Columns that a text takes, as terminals count them; emoji that are asked for by a selector take one more.
pub(super) fn cells(text: &str) -> usize {
    text.chars().map(cells_of).sum()
}

fn cells_of(c: char) -> usize {
    c.width().unwrap_or_default() + usize::from(c == '\u{fe0f}')
}

/// The beginning of a text, at most so many columns, with an ellipsis where it was cut.
pub(super) fn cut(text: &str, columns: usize) -> String {
    if cells(text) <= columns {
        text.to_owned()
    } else {
        beginning(text, columns.saturating_sub(1)) + ELLIPSIS
    }
}

/// The same of a text from evidence, which may grow where it is escaped.
pub(super) fn fitted(text: &str, columns: usize) -> String {
    cut(&safe::terminal(text), columns)
}

fn beginning(text: &str, columns: usize) -> String {
    let mut taken = 0;
    let fits = |c: &char| {
        taken += cells_of(*c);
        taken <= columns
    };
    text.chars().take_while(fits).collect()
}

/// The end of a text, at most so many columns, with an ellipsis where it was cut.
fn ending(text: &str, columns: usize) -> String {
    if cells(text) <= columns {
        return text.to_owned();
    }
    let backwards: String = text.chars().rev().collect();
    let end: String = beginning(&backwards, columns.saturating_sub(1)).chars().rev().collect();
    format!("{ELLIPSIS}{end}")
}

/// A text with blanks behind it, up to so many columns.
pub(super) fn padded(text: &str, columns: usize) -> String {
    format!("{text}{}", " ".repeat(columns.saturating_sub(cells(text))))
}

/// Lines of at most so many columns, broken at blanks; a longer word is broken where the line ends.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    let mut taken = 0;
    for word in text.split(' ') {
        let wide = cells(word);
        if taken > 0 && taken + 1 + wide > columns {
            lines.push(String::new());
            taken = 0;
        }
        if taken > 0 {
            push(&mut lines, " ");
            taken += 1;
        }
        for c in word.chars() {
            if taken + cells_of(c) > columns && taken > 0 {
                lines.push(String::new());
                taken = 0;
            }
            push(&mut lines, c.encode_utf8(&mut [0; 4]));
            taken += cells_of(c);
        }
    }
    lines
}

fn push(lines: &mut [String], text: &str) {
    if let Some(line) = lines.last_mut() {
        line.push_str(text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(columns: usize, write: impl FnOnce(&mut Page<'_>) -> io::Result<()>) -> String {
        let mut out = Vec::new();
        write(&mut Page::new(&mut out, columns)).expect("memory");
        String::from_utf8(anstream::adapter::strip_bytes(&out).into_vec()).expect("text")
    }

    #[test]
    fn lines_end_where_the_page_does() {
        let line = |texts: &[&str]| {
            page(10, |page| page.line(&texts.iter().map(|text| Span(BOLD, text)).collect::<Vec<_>>()))
        };
        assert_eq!(line(&["0123456789"]), "0123456789\n");
        assert_eq!(line(&["0123456789a"]), "012345678…\n");
        assert_eq!(line(&["012345678", "ab"]), "012345678…\n");
        assert_eq!(line(&["0123456789", "ab"]), "012345678…\n");
        assert_eq!(line(&["日本語日本語"]), "日本語日…\n");
        assert_eq!(line(&["e\u{301}a\u{1b}[2J"]), "e\u{301}a\\u{1b}[…\n");
    }

    #[test]
    fn paragraphs_break_at_blanks_and_long_words_anywhere() {
        assert_eq!(wrap("aa bb cccccc d", 5), ["aa bb", "ccccc", "c d"]);
        assert_eq!(wrap("日本語日", 5), ["日本", "語日"]);
        assert_eq!(wrap("", 5), [""]);
        let margin = Margin { indent: 1, name: "n", width: 2 };
        assert_eq!(page(10, |page| page.paragraph(margin, "aaa bbb ccc")), " n  aaa\n    bbb\n    ccc\n");
    }

    #[test]
    fn tables_cut_texts_then_leave_out_columns_and_never_cut_a_number() {
        let columns =
            [Column::Text("name"), Column::Number("count"), Column::Text("said"), Column::Number("last")];
        let rows = vec![vec!["a".repeat(20), "1,234,567".to_owned(), "b".repeat(30), "9".to_owned()]];
        let at = |columns_of_page| page(columns_of_page, |page| page.table(&columns, &rows));
        assert_eq!(
            at(80).lines().last(),
            Some(format!("{}  1,234,567  {}     9", "a".repeat(20), "b".repeat(30)).as_str())
        );
        assert_eq!(at(46).lines().last(), Some("aaaaaaaaaaaaa…  1,234,567  bbbbbbbbbbbb…     9"));
        let narrow = at(30);
        assert!(
            narrow.contains("1,234,567") && narrow.ends_with("no room here for: said, last\n"),
            "{narrow}"
        );
        for width in [30, 40, 46, 60] {
            assert!(at(width).lines().all(|line| cells(line) <= width), "{width}");
        }
    }
}
