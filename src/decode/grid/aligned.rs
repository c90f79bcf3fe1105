//! psql's output for people: aligned tables under a ruler, and expanded records; several of them in one file.
//!
//! A cell with line ends is shown on several lines, each with `+` (`.` where psql wrapped it) at the cell's right margin.

use std::{borrow::Cow, rc::Rc};

use super::{Part, Row, What, is_footer, is_name, lines};

/// A line of the text, with its place.
type Line<'t> = (usize, &'t str);

/// How a line of an aligned table splits: the columns of characters at which its bars stand.
struct Ruler {
    bars: Vec<usize>,
}

/// The column names of each table in the text.
pub(super) fn names(text: &str) -> Vec<Rc<[String]>> {
    let lines: Vec<Line<'_>> = lines::whole_lines(text).collect();
    let mut tables: Vec<Rc<[String]>> = Vec::new();
    for at in 0..lines.len() {
        if let Some((names, _)) = header(&lines, at) {
            tables.push(names);
        } else if record(lines[at].1) && lines.get(at + 1).is_some_and(|(_, line)| line.contains('|')) {
            tables.push(expanded(&lines, at + 1).0.names);
        }
    }
    tables
}

pub(super) fn parts<'t>(text: &'t str, wanted: &dyn Fn(&[String]) -> bool) -> Vec<Part<'t>> {
    let lines: Vec<Line<'t>> = lines::whole_lines(text).collect();
    let (mut parts, mut at) = (Vec::new(), 0);
    let mut table: Option<(Rc<[String]>, Ruler)> = None;
    while at < lines.len() {
        let (count, what) = if let Some(found) = header(&lines, at) {
            table = Some(found).filter(|(names, _)| wanted(names));
            (2, What::Skip)
        } else if record(lines[at].1) {
            let (row, count) = expanded(&lines, at + 1);
            (1 + count, if wanted(&row.names) { What::Row(row) } else { What::Skip })
        } else if let Some((names, ruler)) = table.as_ref().filter(|_| lines[at].1.contains('|')) {
            row(&lines, at, names, ruler)
        } else {
            // A table ends with its footer, or with anything that is no row.
            table = None;
            (1, What::Skip)
        };
        let end = lines.get(at + count).map_or(text.len(), |(start, _)| *start);
        parts.push(Part { range: lines[at].0..end, what });
        at += count;
    }
    parts
}

/// The header that begins here: names between bars, and a ruler below with a cross under each bar.
fn header(lines: &[Line<'_>], at: usize) -> Option<(Rc<[String]>, Ruler)> {
    let names = lines::trim_end(lines[at].1);
    let ruler = lines::trim_end(lines.get(at + 1)?.1).trim_end();
    if ruler.len() < 3 || !ruler.bytes().all(|byte| matches!(byte, b'-' | b'+')) || !names.contains('|') {
        return None;
    }
    let bars: Vec<usize> = (0..ruler.len()).filter(|at| ruler.as_bytes()[*at] == b'+').collect();
    let names: Rc<[String]> = names.split('|').map(|name| name.trim().to_ascii_lowercase()).collect();
    (names.len() == bars.len() + 1 && names.iter().all(|name| is_name(name)))
        .then_some((names, Ruler { bars: [bars, vec![ruler.len()]].concat() }))
}

/// The row that begins here, over as many lines as its cells take.
fn row<'t>(lines: &[Line<'t>], at: usize, names: &Rc<[String]>, ruler: &Ruler) -> (usize, What<'t>) {
    let mut cells: Vec<Option<Cow<'t, str>>> = vec![None; names.len()];
    let mut open = vec![true; names.len()];
    let mut count = 0;
    while let Some((_, line)) = lines.get(at + count) {
        let Some(fields) = ruler.split(lines::trim_end(line)) else {
            // The width of what the terminal shows is not the number of characters everywhere.
            return (count.max(1), What::Broken("its columns do not stand under their names".to_owned()));
        };
        count += 1;
        for (column, (text, goes_on)) in fields.into_iter().enumerate() {
            if open[column] {
                match &mut cells[column] {
                    Some(cell) => cell.to_mut().push_str(&format!("\n{text}")),
                    cell if text.trim().is_empty() && !goes_on => *cell = None,
                    cell => *cell = Some(Cow::Borrowed(if goes_on { text } else { text.trim_start() })),
                }
            }
            open[column] = goes_on;
        }
        if !open.contains(&true) {
            break;
        }
    }
    (count, What::Row(Row { names: Rc::clone(names), cells }))
}

impl Ruler {
    /// The cells of a line: each text, and whether it goes on in the next line.
    fn split<'t>(&self, line: &'t str) -> Option<Vec<(&'t str, bool)>> {
        let place = |at: usize| line.char_indices().nth(at).map_or(line.len(), |(byte, _)| byte);
        let mut fields = Vec::with_capacity(self.bars.len());
        let mut start = 0;
        for (column, bar) in self.bars.iter().enumerate() {
            let is_last = column + 1 == self.bars.len();
            let end = if is_last { line.len() } else { place(*bar) };
            if start > end || (!is_last && !line[end..].starts_with(['|', ':'])) {
                return None;
            }
            fields
                .push(cell(&line[start..end], bar - if column == 0 { 0 } else { self.bars[column - 1] + 1 }));
            start = (end + 1).min(line.len());
        }
        Some(fields)
    }
}

/// The text between two bars, without its margins, and whether the right one says that it goes on. `width` counts the
/// characters that the ruler gives it, margins and all.
fn cell(field: &str, width: usize) -> (&str, bool) {
    let margin = field.char_indices().nth(width.saturating_sub(1));
    let goes_on =
        margin.is_some_and(|(at, sign)| matches!(sign, '+' | '.') && field[at + 1..].trim().is_empty());
    let end = match margin {
        Some((at, _)) if goes_on => at,
        _ => field.len(),
    };
    let text = field[..end].strip_prefix(' ').unwrap_or(&field[..end]);
    (text.trim_end(), goes_on)
}

/// `-[ RECORD 1 ]----`, above each record of expanded output.
fn record(line: &str) -> bool {
    line.starts_with("-[ RECORD ")
}

/// The record whose first line this is, and how many lines it takes.
fn expanded<'t>(lines: &[Line<'t>], from: usize) -> (Row<'t>, usize) {
    let (mut names, mut cells): (Vec<String>, Vec<Option<Cow<'t, str>>>) = (Vec::new(), Vec::new());
    let mut count = 0;
    let rest = lines.get(from..).unwrap_or_default();
    for (_, line) in rest {
        let line = lines::trim_end(line);
        let Some((name, value)) = line.split_once('|').filter(|_| !record(line) && !is_footer(line)) else {
            break;
        };
        count += 1;
        let value = value.strip_prefix(' ').unwrap_or(value).trim_end();
        if name.trim().is_empty() {
            if let Some(cell) = cells.last_mut() {
                let text = cell.take().unwrap_or_default();
                let above = text.strip_suffix('+').unwrap_or(&text).trim_end();
                *cell = Some(Cow::Owned(format!("{above}\n{value}")));
            }
            continue;
        }
        names.push(name.trim().to_ascii_lowercase());
        cells.push(Some(Cow::Borrowed(value)).filter(|value| !value.is_empty()));
    }
    (Row { names: names.into(), cells }, count)
}

#[cfg(test)]
mod tests {
    use super::super::tests::shown;

    #[test]
    fn several_results_in_one_file_are_several_tables() {
        let text = "bank=# select 1;\n a | b \n---+---\n 1 | x\n(1 row)\n\n c |  d  \n---+-----\n 2 | é|y\n   | z\n(2 rows)\n\nTime: 0.3 ms\n";
        assert_eq!(shown(text), ["a=1 b=x", "c=2 d=é|y", "d=z"]);
    }

    #[test]
    fn what_does_not_line_up_is_no_row() {
        assert_eq!(shown(" a  | b\n----+---\n 漢 | x\n"), ["its columns do not stand under their names"]);
    }
}
