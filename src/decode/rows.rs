//! From the cells of a row to an event or a checkpoint: what every container of a store shares.
//!
//! A cell that breaks a rule becomes a [`RowFault`] and the row still counts where its stream and version are known:
//! one bad cell must not turn into a false gap.

use std::{borrow::Cow, sync::Arc};

use crate::model::{
    Batch, Checkpoint, EventId, FaultKind, IdShape, RowFault, StoredEvent, Table, TableRole, TableRows, Zone,
};

use super::{json, time};

/// One cell of a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum Cell<'a> {
    /// The row has no such cell.
    #[default]
    Missing,
    Null,
    Text(Cow<'a, str>),
    /// JSON that was valid when its line was read.
    Json(&'a str),
}

impl<'a> Cell<'a> {
    fn text(&self) -> Option<&str> {
        match self {
            Cell::Text(text) => Some(text),
            Cell::Json(text) => Some(text),
            Cell::Missing | Cell::Null => None,
        }
    }

    fn take(&mut self) -> Cow<'a, str> {
        match std::mem::take(self) {
            Cell::Text(text) => text,
            Cell::Json(text) => Cow::Borrowed(text),
            Cell::Missing | Cell::Null => Cow::Borrowed(""),
        }
    }
}

/// Where a row stands.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowAt {
    pub(super) byte: u64,
    /// Bytes of the row.
    pub(super) len: usize,
    /// A byte of it was no UTF-8.
    pub(super) damaged: bool,
}

/// The rows of `table` in this batch so far.
pub(super) fn of_table<'b, 'a>(batch: &'b mut Batch<'a>, table: &Arc<Table>) -> &'b mut TableRows<'a> {
    let at = batch.tables.iter().position(|rows| Arc::ptr_eq(&rows.table, table) || rows.table == *table);
    let at = at.unwrap_or_else(|| {
        batch.tables.push(TableRows::new(Arc::clone(table)));
        batch.tables.len() - 1
    });
    &mut batch.tables[at]
}

/// Takes in a row whose cells were all read.
pub(super) fn row<'a>(batch: &mut Batch<'a>, table: &Arc<Table>, at: RowAt, mut cells: Vec<Cell<'a>>) {
    let zone = match table.role {
        TableRole::Events => {
            let rows = of_table(batch, table);
            event(rows, at, &mut cells)
        }
        TableRole::Checkpoints => {
            let rows = of_table(batch, table);
            checkpoint(rows, at, &mut cells)
        }
    };
    if let Some((time, zone)) = zone {
        batch.rows.add(time);
        batch.saw_zone(zone);
    }
    batch.account.decoded(at.len);
}

/// A row that could not be read whole: what was read of it is saved, and the row is a fault of `kind`.
pub(super) fn broken_row<'a>(
    batch: &mut Batch<'a>,
    table: &Arc<Table>,
    at: RowAt,
    mut cells: Vec<Cell<'a>>,
    kind: FaultKind,
    detail: String,
) {
    let rows = of_table(batch, table);
    let columns = &table.columns;
    let mut named = |column: Option<usize>| {
        let cell = column.and_then(|column| cells.get_mut(column))?;
        cell.text().filter(|text| !text.is_empty())?;
        Some(cell.take())
    };
    let stream = named(columns.stream);
    let version = named(columns.version).and_then(|text| text.trim_ascii().parse::<i64>().ok());
    let id_text = named(columns.id);
    let id = id_text.as_deref().and_then(EventId::parse);
    rows.faults.push(RowFault {
        byte: at.byte,
        kind,
        stream: stream.as_deref().map(str::to_owned),
        event_id: id_text.map(Cow::into_owned),
        version,
        detail,
    });
    if let (TableRole::Events, Some(stream), Some(version)) = (table.role, stream, version) {
        let id = id.unwrap_or(EventId::NONE);
        rows.events.push(StoredEvent { byte: at.byte, stream, version, id, time: None });
    }
    batch.account.rejected(at.len);
}

type Dated = Option<(crate::model::Timestamp, Zone)>;

fn event<'a>(rows: &mut TableRows<'a>, at: RowAt, cells: &mut [Cell<'a>]) -> Dated {
    let table = Arc::clone(&rows.table);
    let Examined { id, version, dated, faults } = examine(&table, at, cells);
    let text = |column: Option<usize>| column.and_then(|column| cells.get(column)?.text()).map(str::to_owned);
    if !faults.is_empty() {
        let (stream, event_id) = (text(table.columns.stream), text(table.columns.id));
        rows.faults.extend(faults.into_iter().map(|(kind, detail)| RowFault {
            byte: at.byte,
            kind,
            stream: stream.clone(),
            event_id: event_id.clone(),
            version,
            detail,
        }));
    }
    let stream =
        table.columns.stream.and_then(|column| cells.get_mut(column)).map(Cell::take).unwrap_or_default();
    if let Some(version) = version {
        let time = dated.map(|(time, _)| time);
        rows.events.push(StoredEvent { byte: at.byte, stream, version, id, time });
    }
    dated
}

/// What the cells of an event come to.
struct Examined {
    id: EventId,
    version: Option<i64>,
    dated: Dated,
    faults: Vec<(FaultKind, String)>,
}

fn examine(table: &Table, at: RowAt, cells: &[Cell<'_>]) -> Examined {
    let columns = &table.columns;
    let get = |column: Option<usize>| column.and_then(|column| cells.get(column)).unwrap_or(&Cell::Missing);
    let mut faults: Vec<(FaultKind, String)> = Vec::new();
    let mut fault = |kind, detail: String| faults.push((kind, detail));

    let id_text = get(columns.id).text().unwrap_or_default();
    let id = match (table.id_shape, EventId::parse(id_text)) {
        (IdShape::Uuid, Some(id)) => id,
        (IdShape::Uuid, None) | (IdShape::Text, _) => EventId::NONE,
    };
    if table.id_shape == IdShape::Uuid && columns.id.is_some() {
        match EventId::parse(id_text) {
            Some(EventId::NONE) => fault(FaultKind::NilEventId, "the event id is all zeroes".to_owned()),
            Some(_) => {}
            None => fault(FaultKind::InvalidEventId, format!("`{}` is no UUID", shown(id_text))),
        }
    }
    let version_text = get(columns.version).text().unwrap_or_default();
    let version = version_text.trim_ascii().parse::<i64>().ok();
    if version.is_none() {
        fault(FaultKind::InvalidVersion, format!("`{}` is no version number", shown(version_text)));
    }
    if get(columns.stream).text().unwrap_or_default().is_empty() {
        fault(FaultKind::EmptyStreamId, "the stream id is empty".to_owned());
    }
    if let Some(why) = not_json(get(columns.payload), columns.payload.is_some()) {
        fault(FaultKind::InvalidPayload, why);
    }
    if let Some(why) = not_json(get(columns.metadata), false) {
        fault(FaultKind::InvalidMetadata, why);
    }
    if at.damaged {
        fault(FaultKind::InvalidUtf8, "the row has bytes that are not UTF-8".to_owned());
    }
    let time_text = get(columns.time).text();
    let dated = time_text.and_then(time::parse);
    if let (None, Some(text)) = (dated, time_text) {
        fault(FaultKind::MalformedRecord, format!("`{}` is no time", shown(text)));
    }
    Examined { id, version, dated, faults }
}

fn checkpoint<'a>(rows: &mut TableRows<'a>, at: RowAt, cells: &mut [Cell<'a>]) -> Dated {
    let table = Arc::clone(&rows.table);
    let columns = &table.columns;
    let dated = columns.time.and_then(|column| cells.get(column)?.text()).and_then(time::parse);
    let mut take = |column: Option<usize>| match column.and_then(|column| cells.get_mut(column)) {
        Some(cell) if cell.text().is_some() => Some(cell.take()),
        _ => None,
    };
    let position = take(columns.version);
    let name = take(columns.stream).unwrap_or_default();
    rows.checkpoints.push(Checkpoint {
        byte: at.byte,
        name,
        position,
        updated_at: dated.map(|(time, _)| time),
    });
    dated
}

/// Why a cell that should hold JSON does not. NULL and absence are fine unless `required`.
fn not_json(cell: &Cell<'_>, required: bool) -> Option<String> {
    match cell {
        // A string that holds JSON is a text column exported as JSON; any other string is itself the payload.
        Cell::Json(text) if !text.starts_with('"') => None,
        Cell::Json(text) => {
            let inner = json::unescape(text.trim_matches('"'));
            if inner.starts_with(['{', '[']) {
                json::validate(&inner).err().map(|err| json_error(&inner, err))
            } else {
                None
            }
        }
        Cell::Text(text) => json::validate(text).err().map(|err| json_error(text, err)),
        Cell::Null if required => Some("is NULL".to_owned()),
        Cell::Missing | Cell::Null => None,
    }
}

pub(super) fn json_error(text: &str, err: json::Error) -> String {
    let near: String = text
        .get(..err.at)
        .unwrap_or(text)
        .chars()
        .rev()
        .take(20)
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    format!("no valid JSON: {} at byte {}, after `{near}`", err.why, err.at)
}

/// The beginning of a cell, for a message.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(60).collect();
    if shown.len() < text.len() {
        shown.push_str("...");
    }
    shown
}
