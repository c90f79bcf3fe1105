//! Which tables a database has, and how each is to be read.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, types::ValueRef};

/// The tables, in order of name.
pub(super) struct Schema {
    pub(super) tables: Vec<Table>,
    pub(super) notes: Vec<String>,
    /// Why tables may be missing.
    pub(super) damage: Vec<String>,
}

/// A table as it is read.
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    pub(super) key: Key,
}

pub(super) struct Column {
    pub(super) name: String,
    /// Declared to hold text, so a blob in it may be text.
    pub(super) textual: bool,
    /// Whether a row that is nothing but zeros shows NULL here.
    pub(super) bare: bool,
}

/// What tells rows apart.
pub(super) enum Key {
    /// The rowid, by the name that no column has taken.
    Rowid(&'static str),
    /// A table WITHOUT ROWID: the places of the columns of its primary key, and the index that is the table.
    Columns(Vec<usize>, String),
    /// Columns have taken all names of the rowid.
    Hidden,
}

/// Reads the schema as far as it can be read.
pub(super) fn read(connection: &Connection) -> Schema {
    let mut schema = Schema { tables: Vec::new(), notes: Vec::new(), damage: Vec::new() };
    let declared = match declared(connection, &mut schema.damage) {
        Ok(declared) => declared,
        Err(err) => {
            schema.damage.push(format!("the schema cannot be read: {err}"));
            return schema;
        }
    };
    let known = known(connection).unwrap_or_else(|err| {
        schema.damage.push(format!("the list of tables cannot be read: {err}"));
        BTreeMap::new()
    });
    // A damaged entry may be known by another name than it is declared by.
    let names: BTreeSet<&String> = declared.keys().chain(known.keys()).collect();
    for name in names {
        let sql = declared.get(name).map(String::as_str).unwrap_or_default();
        schema.add(connection, name, sql, &known);
    }
    schema
}

/// What `SQLite` knows of a table: its kind, and whether it is WITHOUT ROWID.
type Known = BTreeMap<String, (String, bool)>;

impl Schema {
    fn add(&mut self, connection: &Connection, name: &str, sql: &str, known: &Known) {
        let is_virtual = sql.trim_ascii_start().to_ascii_uppercase().starts_with("CREATE VIRTUAL");
        let (kind, without_rowid) = match known.get(name) {
            _ if is_virtual => ("virtual", false),
            Some((kind, without_rowid)) => (kind.as_str(), *without_rowid),
            None => {
                self.damage.push(format!("table {name} cannot be read: its definition is damaged"));
                return;
            }
        };
        match kind {
            "virtual" => self.notes.push(format!("table {name} is virtual and was left out")),
            "shadow" => self.notes.push(format!("table {name} belongs to a virtual table and was left out")),
            "view" => {}
            _ => match table(connection, name, without_rowid) {
                Ok(table) if !table.columns.is_empty() => self.tables.push(table),
                Ok(_) => self.damage.push(format!("table {name} cannot be read: it has no columns")),
                Err(err) => self.damage.push(format!("table {name} cannot be read: {err}")),
            },
        }
    }
}

/// The tables of the schema with their definitions. What cannot be read is said, not fatal.
fn declared(connection: &Connection, damage: &mut Vec<String>) -> rusqlite::Result<BTreeMap<String, String>> {
    let mut declared = BTreeMap::new();
    let mut statement = connection.prepare("SELECT type, name, sql FROM sqlite_master ORDER BY rowid")?;
    let mut rows = statement.query([])?;
    let mut entries = 0_u64;
    loop {
        let row = match rows.next() {
            Ok(Some(row)) => row,
            Ok(None) => return Ok(declared),
            Err(err) => {
                damage.push(format!("the schema cannot be read behind its {entries} first entries: {err}"));
                return Ok(declared);
            }
        };
        entries += 1;
        let [kind, name, sql] = [text(row.get_ref(0)?), text(row.get_ref(1)?), text(row.get_ref(2)?)];
        if kind == "table" && !is_internal(&name) {
            declared.insert(name, sql);
        }
    }
}

/// `SQLite` keeps these names for itself.
fn is_internal(name: &str) -> bool {
    name.to_ascii_lowercase().starts_with("sqlite_")
}

fn text(value: ValueRef<'_>) -> String {
    match value {
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        _ => String::new(),
    }
}

fn known(connection: &Connection) -> rusqlite::Result<Known> {
    let mut statement =
        connection.prepare("SELECT name, type, wr FROM pragma_table_list WHERE schema = 'main'")?;
    let rows = statement.query_map([], |row| {
        Ok((text(row.get_ref(0)?), (text(row.get_ref(1)?), row.get::<_, i64>(2)? != 0)))
    })?;
    rows.filter(|row| !row.as_ref().is_ok_and(|(name, _)| is_internal(name))).collect()
}

fn table(connection: &Connection, name: &str, without_rowid: bool) -> rusqlite::Result<Table> {
    let mut statement =
        connection.prepare("SELECT name, type, dflt_value, pk FROM pragma_table_xinfo(?1, 'main')")?;
    let rows = statement.query_map([name], |row| {
        let declared = text(row.get_ref(1)?).to_ascii_uppercase();
        let place: i64 = row.get(3)?;
        let rowid = place > 0 && declared == "INTEGER";
        let bare = !rowid && matches!(row.get_ref(2)?, ValueRef::Null);
        let textual = TEXTUAL.iter().any(|word| declared.contains(word));
        Ok((place, Column { name: text(row.get_ref(0)?), textual, bare }))
    })?;
    let (places, columns): (Vec<i64>, Vec<Column>) =
        rows.collect::<rusqlite::Result<Vec<_>>>()?.into_iter().unzip();
    let key = if without_rowid {
        let find = "SELECT name FROM pragma_index_list(?1, 'main') WHERE origin = 'pk'";
        let index = connection.query_row(find, [name], |row| Ok(text(row.get_ref(0)?)))?;
        Key::Columns(primary(&places), index)
    } else {
        rowid(&columns)
    };
    Ok(Table { name: name.to_owned(), columns, key })
}

/// Words of types that hold text (<https://sqlite.org/datatype3.html>, 3.1), and what holds JSON by its name alone.
const TEXTUAL: [&str; 4] = ["CHAR", "CLOB", "TEXT", "JSON"];

/// The places of the columns of the primary key.
fn primary(places: &[i64]) -> Vec<usize> {
    places.iter().enumerate().filter(|(_, place)| **place > 0).map(|(at, _)| at).collect()
}

/// The rowid has three names, each of which a column may take (<https://sqlite.org/lang_createtable.html#rowid>).
fn rowid(columns: &[Column]) -> Key {
    let free = |name: &&str| !columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    ["rowid", "_rowid_", "oid"].into_iter().find(free).map_or(Key::Hidden, Key::Rowid)
}
