//! One table as a COPY block. A damaged place ends a scan; the next begins behind it, found by probing.

use rusqlite::{Connection, Row, Statement, types::ValueRef};

use super::{
    Damage,
    schema::{Key, Table},
    seen::{self, Keys, Rowids},
    text::{self, Out},
};

/// Renders a table. Returns where and why rows are missing.
pub(super) fn table(connection: &Connection, table: &Table, bytes: u64, out: &mut Out) -> Vec<Damage> {
    let columns: Vec<String> = table.columns.iter().map(|column| text::name(&column.name)).collect();
    out.put(&format!("COPY main.{} ({}) FROM stdin;\n", text::name(&table.name), columns.join(", ")));
    let seen = match &table.key {
        Key::Rowid(_) => Seen::Rowids(Rowids::default()),
        Key::Columns(places, _) => Seen::Keys(Keys::default(), places),
        Key::Hidden => Seen::Nothing,
    };
    let mut scan = Scan {
        table,
        out,
        seen,
        rows: 0,
        repeated: Odd::default(),
        empty: Odd::default(),
        steps_left: bytes / SMALLEST_CELL,
        places: Vec::new(),
    };
    let read = match &table.key {
        Key::Rowid(rowid) => scan.by_rowid(connection, rowid),
        Key::Columns(_, index) => scan.by_key(connection, index),
        Key::Hidden => scan.once(connection, &scan.select("", "NOT INDEXED")),
    };
    if let Err(err) = read {
        scan.place(&err.to_string());
    }
    let damage = scan.damage();
    out.put("\\.\n");
    out.end_row();
    damage
}

/// A cell's pointer and the least that it points to (file format, 1.6): a table never has more rows than this
/// allows, and a tree that leads back into itself ends here.
const SMALLEST_CELL: u64 = 4;

/// Damaged places in a table that are read around; with more there is little left.
const MOST_PLACES: usize = 1000;

/// Damaged places in a table that are told one by one.
const TOLD_PLACES: usize = 20;

struct Scan<'a> {
    table: &'a Table,
    out: &'a mut Out,
    seen: Seen<'a>,
    rows: u64,
    /// Rows that were read before.
    repeated: Odd,
    /// Cells that are nothing but zeros.
    empty: Odd,
    steps_left: u64,
    places: Vec<Place>,
}

enum Seen<'a> {
    Rowids(Rowids),
    Keys(Keys, &'a [usize]),
    Nothing,
}

/// Where reading was cut off, and after how many rows.
struct Place {
    byte: u64,
    rows: u64,
    why: String,
}

/// Rows that were left out, and where the first of them would be.
#[derive(Default)]
struct Odd {
    count: u64,
    byte: u64,
}

impl Odd {
    fn count(&mut self, byte: u64) {
        if self.count == 0 {
            self.byte = byte;
        }
        self.count += 1;
    }
}

/// How stepping through rows ended.
enum Ended {
    AtTheEnd,
    /// A row that was rendered before came up in a scan that should stop there.
    AtKnown,
    /// Nobody reads any more, or the tree has more rows than can be.
    Stopped,
    Damaged(String),
}

impl Scan<'_> {
    /// A SELECT of the table itself, never of an index that has all its columns. `first` is what is selected before
    /// the columns.
    fn select(&self, first: &str, how: &str) -> String {
        let columns: Vec<String> =
            self.table.columns.iter().map(|column| text::quoted(&column.name)).collect();
        let (columns, table) = (columns.join(", "), text::quoted(&self.table.name));
        format!("SELECT {first}{columns} FROM main.{table} {how}")
    }

    fn by_rowid(&mut self, connection: &Connection, rowid: &str) -> rusqlite::Result<()> {
        let select = self.select(&format!("{rowid}, "), "NOT INDEXED");
        let mut forward = connection.prepare(&format!("{select} WHERE {rowid} >= ?1 ORDER BY {rowid}"))?;
        let mut from = i64::MIN;
        loop {
            let mut last = None;
            match self.step(&mut forward, &[from], false, &mut last) {
                Ended::Damaged(why) => self.place(&why),
                Ended::AtTheEnd | Ended::AtKnown | Ended::Stopped => break,
            }
            // Before the first row nothing says where to go on; rowids begin with 1.
            let behind = last.unwrap_or(if from == i64::MIN { -1 } else { from });
            match self.resume(&mut forward, behind) {
                Some(next) if self.places.len() < MOST_PLACES => from = next,
                _ => break,
            }
        }
        if !self.places.is_empty() {
            let mut backward = connection.prepare(&format!("{select} ORDER BY {rowid} DESC"))?;
            self.step(&mut backward, &[], true, &mut None);
        }
        Ok(())
    }

    /// A table WITHOUT ROWID is an index: it is read from both ends.
    fn by_key(&mut self, connection: &Connection, index: &str) -> rusqlite::Result<()> {
        let select = self.select("", &format!("INDEXED BY {}", text::quoted(index)));
        self.once(connection, &select)?;
        let full = matches!(&self.seen, Seen::Keys(keys, _) if keys.is_full());
        if !self.places.is_empty() && !full {
            // An ORDER BY may sort, and sorting reads all before it shows any; this pragma turns the scan around.
            connection.pragma_update(None, "reverse_unordered_selects", "ON")?;
            let read = connection
                .prepare(&select)
                .map(|mut backward| self.step(&mut backward, &[], true, &mut None));
            connection.pragma_update(None, "reverse_unordered_selects", "OFF")?;
            read?;
        }
        Ok(())
    }

    fn once(&mut self, connection: &Connection, select: &str) -> rusqlite::Result<()> {
        let mut statement = connection.prepare(select)?;
        if let Ended::Damaged(why) = self.step(&mut statement, &[], false, &mut None) {
            self.place(&why);
        }
        Ok(())
    }

    /// Steps through a statement and renders its rows. `last` is the rowid of the last row.
    fn step(
        &mut self,
        statement: &mut Statement<'_>,
        from: &[i64],
        until_known: bool,
        last: &mut Option<i64>,
    ) -> Ended {
        let mut rows = match statement.query(rusqlite::params_from_iter(from)) {
            Ok(rows) => rows,
            Err(err) => return Ended::Damaged(err.to_string()),
        };
        loop {
            match rows.next() {
                Ok(Some(row)) => match self.row(row, last) {
                    Ok(true) => {}
                    Ok(false) if until_known => return Ended::AtKnown,
                    Ok(false) => self.repeated.count(self.out.byte()),
                    Err(err) => return Ended::Damaged(err.to_string()),
                },
                Ok(None) => return Ended::AtTheEnd,
                Err(err) => return Ended::Damaged(err.to_string()),
            }
            if self.out.stopped() {
                return Ended::Stopped;
            }
            self.steps_left = self.steps_left.saturating_sub(1);
            if self.steps_left == 0 {
                self.place("more rows come up than the file has room for");
                return Ended::Stopped;
            }
        }
    }

    /// Renders a row, unless it is none or was rendered before; then `false`.
    fn row(&mut self, row: &Row<'_>, last: &mut Option<i64>) -> rusqlite::Result<bool> {
        let first = usize::from(matches!(self.seen, Seen::Rowids(_)));
        if let Seen::Rowids(_) = self.seen {
            *last = Some(row.get_ref(0)?.as_i64().unwrap_or_default());
        }
        // A cell of zeros has the rowid 0, or no key.
        if last.unwrap_or_default() == 0 && self.is_empty(row, first)? {
            self.empty.count(self.out.byte());
            return Ok(true);
        }
        if !self.is_new(row, last.unwrap_or_default())? {
            return Ok(false);
        }
        for (at, column) in self.table.columns.iter().enumerate() {
            if at > 0 {
                self.out.tab();
            }
            self.out.cell(row.get_ref(first + at)?, column.textual);
        }
        self.out.end_row();
        self.rows += 1;
        Ok(true)
    }

    fn is_empty(&self, row: &Row<'_>, first: usize) -> rusqlite::Result<bool> {
        let null = |at: usize| row.get_ref(first + at).map(|value| value == ValueRef::Null);
        if let Seen::Keys(_, places) = &self.seen {
            return places.first().map_or(Ok(false), |place| null(*place));
        }
        let mut bare = false;
        for (at, column) in self.table.columns.iter().enumerate() {
            if column.bare && !null(at)? {
                return Ok(false);
            }
            bare |= column.bare;
        }
        Ok(bare && matches!(self.seen, Seen::Rowids(_)))
    }

    fn is_new(&mut self, row: &Row<'_>, rowid: i64) -> rusqlite::Result<bool> {
        match &mut self.seen {
            Seen::Rowids(seen) => Ok(seen.insert(rowid)),
            Seen::Keys(seen, places) => {
                let key: rusqlite::Result<Vec<ValueRef<'_>>> =
                    places.iter().map(|place| row.get_ref(*place)).collect();
                Ok(seen.insert(seen::hash(key?.into_iter())))
            }
            Seen::Nothing => Ok(true),
        }
    }

    /// The first rowid behind `last` from which rows can be read again. The tree leads to each rowid by its inner
    /// pages alone, so a damaged leaf stops only the scans that begin in it.
    fn resume(&self, forward: &mut Statement<'_>, last: i64) -> Option<i64> {
        let mut readable = |from: i64| {
            forward.query([from]).and_then(|mut rows| rows.next().map(|row| row.is_some())).is_ok()
        };
        let (mut bad, mut good) = (last.checked_add(1)?, last.checked_add(1)?);
        while !readable(good) {
            if self.out.stopped() {
                return None;
            }
            bad = good;
            // Steps grow with the way gone, so that rows between two damaged places are met.
            let step = (bad.saturating_sub(last) / STEP).max(1);
            good = bad.checked_add(step)?;
        }
        while good.saturating_sub(bad) > 1 {
            let middle = bad + (good - bad) / 2;
            if readable(middle) { good = middle } else { bad = middle }
        }
        Some(good)
    }

    fn place(&mut self, why: &str) {
        if !self.out.stopped() {
            self.places.push(Place { byte: self.out.byte(), rows: self.rows, why: why.to_owned() });
        }
    }

    fn damage(&self) -> Vec<Damage> {
        let name = format!("table main.{}", text::name(&self.table.name));
        let mut damage: Vec<Damage> = self
            .places
            .iter()
            .take(TOLD_PLACES)
            .map(|place| {
                let (before, behind) = (place.rows, self.rows - place.rows);
                let why = format!(
                    "{name}: {}; {before} rows were read before this place and {behind} behind it",
                    place.why
                );
                Damage { byte: place.byte, why }
            })
            .collect();
        if let Some(place) = self.places.get(TOLD_PLACES) {
            let more = self.places.len() - TOLD_PLACES;
            damage.push(Damage {
                byte: place.byte,
                why: format!("{name}: {more} more damaged places; {} rows were read in all", self.rows),
            });
        }
        let odd = [
            (&self.repeated, "rows came up again, or out of order, and were left out"),
            (&self.empty, "cells are nothing but zeros and were left out"),
        ];
        damage.extend(
            odd.into_iter()
                .filter(|(odd, _)| odd.count > 0)
                .map(|(odd, what)| Damage { byte: odd.byte, why: format!("{name}: {} {what}", odd.count) }),
        );
        damage
    }
}

/// A step is this part of the way gone since the last row.
const STEP: i64 = 8;
