//! Tables as people export and print them: delimited, psql's aligned and expanded output, and JSON rows.
//!
//! For snapshots alone: a store's table has to come in a form that loses nothing. Columns are known by name, so a row
//! hands out its cells by name, and their order and company never matter.

use std::{borrow::Cow, ops::Range, rc::Rc};

use super::{Shape, csv_text, json, lines};

mod aligned;

/// A run of the text and what it is. Parts follow each other without a hole.
pub(super) struct Part<'t> {
    pub(super) range: Range<usize>,
    pub(super) what: What<'t>,
}

pub(super) enum What<'t> {
    /// A header, a ruler, a footer, a blank line.
    Skip,
    Row(Row<'t>),
    Broken(String),
}

/// The cells of a row, by the lower-case name of their column.
#[derive(Clone, Debug)]
pub(super) struct Row<'t> {
    pub(super) names: Rc<[String]>,
    pub(super) cells: Vec<Option<Cow<'t, str>>>,
}

impl Row<'_> {
    /// The first of these columns that is there and not NULL.
    pub(super) fn get(&self, names: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| {
            let at = self.names.iter().position(|known| known == name)?;
            self.cells.get(at)?.as_deref()
        })
    }
}

/// Rows between a header and a footer are the whole of what psql prints of one result.
const FOOTER: [&str; 2] = [" row)", " rows)"];

/// The column names of each table in the text, lower-case; of a text that is cut off, of what is there.
pub(super) fn headers(text: &str) -> Vec<Rc<[String]>> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let start = text.trim_ascii_start();
    if start.starts_with(['{', '[']) {
        return json_names(start).into_iter().collect();
    }
    let tables = aligned::names(text);
    if !tables.is_empty() {
        return tables;
    }
    delimited_header(text).map(|header| header.names).into_iter().collect()
}

/// The parts of a whole text. `wanted` says of a header whether its rows are: those of other tables are left out.
pub(super) fn parts<'t>(text: &'t str, wanted: &dyn Fn(&[String]) -> bool) -> Vec<Part<'t>> {
    let start = text.trim_start_matches('\u{feff}').trim_ascii_start();
    if start.starts_with('[') {
        json_array(text, start)
    } else if start.starts_with('{') {
        json_lines(text)
    } else if !aligned::names(text).is_empty() {
        aligned::parts(text, wanted)
    } else {
        delimited(text)
    }
}

struct Header {
    names: Rc<[String]>,
    shape: Shape,
}

/// The first line, as the names of columns between one delimiter.
fn delimited_header(text: &str) -> Option<Header> {
    let end = text.find('\n').map_or(text.len(), |at| at + 1);
    let line = text[..end].strip_prefix('\u{feff}').unwrap_or(&text[..end]);
    [b',', b';', b'\t', b'|'].into_iter().find_map(|delimiter| {
        let ranges = csv_text::fields(line.as_bytes(), delimiter);
        let names: Rc<[String]> = ranges
            .into_iter()
            .map(|range| csv_text::unquote(line[range].trim()).0.trim().to_ascii_lowercase())
            .collect();
        let fields = (names.len(), names.len());
        let shape = Shape { name: String::new(), delimiter, fields, header: end, zoned: false };
        (names.len() > 1 && names.iter().all(|name| is_name(name))).then_some(Header { names, shape })
    })
}

/// Whether a text can be the name of a column.
fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_' || c == '?')
        && text.len() < 64
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_ ?.-".contains(&byte))
}

fn is_footer(line: &str) -> bool {
    let line = line.trim();
    line.starts_with('(') && FOOTER.iter().any(|end| line.ends_with(end))
}

fn delimited(text: &str) -> Vec<Part<'_>> {
    let Some(Header { names, shape }) = delimited_header(text) else {
        return vec![Part { range: 0..text.len(), what: What::Broken("no header".to_owned()) }];
    };
    let mut parts = vec![Part { range: 0..shape.header, what: What::Skip }];
    let mut at = shape.header;
    while let Some(row) =
        (at < text.len()).then(|| csv_text::row(text.as_bytes(), at, &shape, true)).flatten()
    {
        let record = &text[at..row.end];
        let cells: Vec<Option<Cow<'_, str>>> = csv_text::fields(record.as_bytes(), shape.delimiter)
            .into_iter()
            .map(|range| match csv_text::unquote(&record[range]) {
                // What psql writes for NULL.
                (text, false) if text.is_empty() => None,
                (text, _) => Some(text),
            })
            .collect();
        let what = if record.trim_ascii().is_empty() || is_footer(record) {
            What::Skip
        } else if !row.closed {
            What::Broken("a quote that does not close".to_owned())
        } else if cells.len() == names.len() {
            What::Row(Row { names: Rc::clone(&names), cells })
        } else {
            What::Broken(format!("{} columns, expected {}", cells.len(), names.len()))
        };
        parts.push(Part { range: at..row.end, what });
        at = row.end;
    }
    parts
}

fn json_lines(text: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    for (at, line) in lines::whole_lines(text) {
        let what = if line.trim_ascii().is_empty() {
            What::Skip
        } else {
            json_row(line.trim_start_matches('\u{feff}')).map_or_else(
                |err| What::Broken(format!("no valid JSON: {} (byte {} of the line)", err.why, err.at)),
                What::Row,
            )
        };
        parts.push(Part { range: at..at + line.len(), what });
    }
    parts
}

/// An array of objects; what stands between two of them belongs to the first.
fn json_array<'t>(text: &'t str, array: &'t str) -> Vec<Part<'t>> {
    let offset_of = |part: &str| part.as_ptr() as usize - text.as_ptr() as usize;
    let mut starts: Vec<(usize, What<'t>)> = vec![(0, What::Skip)];
    // Where the last whole element ends: what cannot be read begins there.
    let mut end = offset_of(array) + 1;
    let read = json::elements(array, |element| match element {
        json::Json::Object(object) => {
            let what = json_row(object).map_or_else(|err| What::Broken(err.why.to_owned()), What::Row);
            starts.push((offset_of(object), what));
            end = offset_of(object) + object.len();
        }
        json::Json::Text { raw, .. } | json::Json::Bare(raw) | json::Json::Array(raw) => {
            starts.push((offset_of(raw), What::Broken("no object".to_owned())));
            end = offset_of(raw) + raw.len();
        }
        json::Json::Null => {}
    });
    if let Err(err) = read {
        starts.push((end.min(text.len()), What::Broken(format!("no valid JSON: {}", err.why))));
    }
    let ends: Vec<usize> = starts.iter().skip(1).map(|(start, _)| *start).chain([text.len()]).collect();
    let parts = starts.into_iter().zip(ends).map(|((start, what), end)| Part { range: start..end, what });
    parts.filter(|part| !part.range.is_empty()).collect()
}

fn json_row(object: &str) -> Result<Row<'_>, json::Error> {
    let (mut names, mut cells) = (Vec::new(), Vec::new());
    json::members(object, |key, value| {
        names.push(key.to_ascii_lowercase());
        cells.push(match value {
            json::Json::Object(text) | json::Json::Array(text) => Some(Cow::Borrowed(text)),
            other => other.text(),
        });
    })?;
    Ok(Row { names: names.into(), cells })
}

/// The names of the first object; what follows it may be cut off.
fn json_names(text: &str) -> Option<Rc<[String]>> {
    let mut names: Vec<String> = Vec::new();
    let mut first = |object: &str| {
        if names.is_empty() {
            // A valid object's members cannot fail.
            let _ = json::members(object, |key, _| names.push(key.to_ascii_lowercase()));
        }
    };
    if text.starts_with('[') {
        let _ = json::elements(text, |element| {
            if let json::Json::Object(object) = element {
                first(object);
            }
        });
    } else {
        let line = text.lines().next().unwrap_or_default();
        json::validate(line).ok()?;
        first(line);
    }
    (!names.is_empty()).then(|| names.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each row as `name=value`, NULL left out; other parts as `.` or what is wrong.
    pub(super) fn shown(text: &str) -> Vec<String> {
        let parts = parts(text, &|_| true);
        let mut at = 0;
        let mut lines = Vec::new();
        for part in parts {
            assert_eq!(part.range.start, at, "no hole");
            at = part.range.end;
            match part.what {
                What::Skip => {}
                What::Broken(why) => lines.push(why),
                What::Row(row) => {
                    let cells = row.names.iter().zip(&row.cells);
                    let cells = cells.filter_map(|(name, cell)| Some(format!("{name}={}", cell.as_ref()?)));
                    lines.push(cells.collect::<Vec<_>>().join(" ").replace('\n', "\\n"));
                }
            }
        }
        assert_eq!(at, text.len(), "to the end");
        lines
    }

    #[test]
    fn every_form_of_a_table_gives_the_same_rows() {
        let expected = ["pid=1 query=SELECT a\\n  FROM b", "pid=22"];
        for text in [
            "pid,query\n1,\"SELECT a\n  FROM b\"\n22,\n",
            "\u{feff}\"PID\"|\"query\"\n1|\"SELECT a\n  FROM b\"\n22|\n(2 rows)\n",
            " pid |  query   \n-----+----------\n   1 | SELECT a+\n     |   FROM b\n  22 | \n(2 rows)\n\n",
            "-[ RECORD 1 ]---\npid   | 1\nquery | SELECT a+\n      |   FROM b\n-[ RECORD 2 ]---\npid   | 22\nquery | \n",
            "{\"pid\":1,\"query\":\"SELECT a\\n  FROM b\"}\n{\"pid\":22,\"query\":null}\n",
            "[{\"pid\":1,\"query\":\"SELECT a\\n  FROM b\"},\n {\"pid\":22,\"query\":null}]\n",
        ] {
            assert_eq!(shown(text), expected, "{text}");
            assert_eq!(headers(text)[0].join(" "), "pid query", "{text}");
        }
    }

    #[test]
    fn damage_costs_the_row_it_is_in() {
        for (text, expected) in [
            ("a,b\n1\n2,3\n", &["1 columns, expected 2", "a=2 b=3"][..]),
            ("a,b\n1,\"x\n2,3\n", &["a quote that does not close", "a=2 b=3"]),
            ("{\"a\":1}\n{\"a\":\n", &["a=1", "no valid JSON: ends before a value (byte 5 of the line)"]),
            ("[{\"a\":1},{\"a\"", &["a=1", "no valid JSON: ends before a value"]),
        ] {
            let found = shown(text);
            assert_eq!(found.len(), expected.len(), "{text}: {found:?}");
            for (found, expected) in found.iter().zip(expected) {
                let same =
                    found == expected || expected.starts_with("no valid") && found.starts_with("no valid");
                assert!(same, "{text}: {found}");
            }
        }
    }
}
