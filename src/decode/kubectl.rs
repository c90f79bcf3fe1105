//! The tables that kubectl prints for people: names in capitals, then rows whose cells begin where their names begin.

use super::lines;

/// Where each column of a table begins, in bytes.
pub(super) struct Columns {
    starts: Vec<(String, usize)>,
}

impl Columns {
    /// Reads a header: words in capitals, two blanks or more between columns.
    pub(super) fn read(line: &str) -> Option<Columns> {
        let (mut starts, mut at) = (Vec::new(), 0);
        for name in line.split("  ") {
            let trimmed = name.trim();
            if !trimmed.is_empty() {
                starts.push((trimmed.to_owned(), at + name.len() - name.trim_start().len()));
            }
            at += name.len() + 2;
        }
        let capital = |name: &str| name.bytes().next().is_some_and(|byte| byte.is_ascii_uppercase());
        (starts.len() > 1 && starts.iter().all(|(name, _)| capital(name))).then_some(Columns { starts })
    }

    pub(super) fn has(&self, names: &[&str]) -> bool {
        names.iter().all(|name| self.starts.iter().any(|(known, _)| known == name))
    }

    /// A row's cell. `None` where there is no such column, or the row is too short to have it.
    pub(super) fn cell<'t>(&self, row: &'t str, name: &str) -> Option<&'t str> {
        let at = self.starts.iter().position(|(known, _)| known == name)?;
        let from = self.starts[at].1;
        let to = self.starts.get(at + 1).map_or(row.len(), |(_, next)| (*next).min(row.len()));
        row.get(from..to).map(str::trim).filter(|cell| !cell.is_empty())
    }
}

/// The columns of the first table in a text, if it has all of these.
pub(super) fn table(text: &str, needs: &[&str]) -> bool {
    lines::lines(text)
        .take(FIRST_LINES)
        .any(|(_, line)| Columns::read(line).is_some_and(|columns| columns.has(needs)))
}

/// A table begins near the top of its file: a prompt, the command and a date may stand above it.
const FIRST_LINES: usize = 5;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_stand_below_their_names() {
        let columns = Columns::read("LAST SEEN   TYPE      OBJECT      MESSAGE").expect("a header");
        let row = "5m          Warning   pod/a       Back-off  restarting";
        for (name, expected) in [
            ("LAST SEEN", Some("5m")),
            ("OBJECT", Some("pod/a")),
            ("MESSAGE", Some("Back-off  restarting")),
            ("NAME", None),
        ] {
            assert_eq!(columns.cell(row, name), expected, "{name}");
        }
        assert_eq!(columns.cell("5m", "TYPE"), None, "too short");
        assert_eq!(columns.cell("5m         \u{e9}x", "TYPE"), None, "inside a letter");
        for text in ["", "NAME", "two  words", "2026  A"] {
            assert!(Columns::read(text).is_none(), "{text}");
        }
    }
}
