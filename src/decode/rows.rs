//! From the cells of a row to an event or a checkpoint: what every container of a store shares.
//!
//! A cell that breaks a rule becomes a [`RowFault`] and the row still counts where its stream and version are known:
//! one bad cell must not turn into a false gap.

use std::{
    borrow::Cow,
    hash::{BuildHasher, Hasher},
    sync::Arc,
};

use foldhash::fast::FixedState;

use crate::model::{
    Batch, Checkpoint, EventId, FaultKind, IdShape, Mark, PayloadShape, RowFault, StoredEvent, StreamClaim,
    Table, TableRole, TableRows, Zone, profile::fits,
};

use super::{
    json::{self, Json},
    oddities, time,
};

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

    /// The same cell, borrowing from nothing.
    pub(super) fn into_owned<'b>(self) -> Cell<'b> {
        match self {
            Cell::Missing => Cell::Missing,
            Cell::Null => Cell::Null,
            Cell::Text(text) => Cell::Text(text.into_owned().into()),
            Cell::Json(text) => Cell::Text(text.to_owned().into()),
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

/// The cells of one row after another, in memory that is used again: a backup has millions of rows.
#[derive(Debug, Default)]
pub(super) struct Cells<'a> {
    cells: Vec<Cell<'a>>,
    spare: Vec<String>,
}

impl<'a> Cells<'a> {
    /// Forgets the row before.
    pub(super) fn clear(&mut self) {
        for cell in self.cells.drain(..) {
            if let Cell::Text(Cow::Owned(text)) = cell {
                self.spare.push(text);
            }
        }
    }

    pub(super) fn push(&mut self, cell: Cell<'a>) {
        self.cells.push(cell);
    }

    /// Room for a text that does not stand in the source as it is meant; what it holds is to be replaced.
    pub(super) fn room(&mut self) -> String {
        self.spare.pop().unwrap_or_default()
    }

    /// As many cells as a row may have, none of them there yet.
    pub(super) fn missing(&mut self, width: usize) {
        self.clear();
        self.cells.resize(width, Cell::Missing);
    }
}

impl<'a> std::ops::Deref for Cells<'a> {
    type Target = [Cell<'a>];

    fn deref(&self) -> &[Cell<'a>] {
        &self.cells
    }
}

impl std::ops::DerefMut for Cells<'_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.cells
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
pub(super) fn row<'a>(batch: &mut Batch<'a>, table: &Arc<Table>, at: RowAt, cells: &mut [Cell<'a>]) {
    let rows = of_table(batch, table);
    let dated = match table.role() {
        TableRole::Events | TableRole::Bodies => event(rows, table, at, cells),
        TableRole::Checkpoints => checkpoint(rows, table, at, cells),
        TableRole::Snapshots | TableRole::Streams => claims(rows, table, at, cells),
    };
    if let Some((time, zone)) = dated {
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
    cells: &mut [Cell<'a>],
    kind: FaultKind,
    detail: String,
) {
    let rows = of_table(batch, table);
    let columns = &table.columns;
    let stream = stream(table, cells).filter(|stream| !stream.is_empty());
    let mut named = |column: Option<usize>| {
        let cell = column.and_then(|column| cells.get_mut(column))?;
        cell.text().filter(|text| !text.is_empty())?;
        Some(cell.take())
    };
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
    if let (TableRole::Events, Some(stream), Some(version)) = (table.role(), stream, version) {
        let id = id.unwrap_or(EventId::NONE);
        rows.events.push(StoredEvent {
            byte: at.byte,
            stream,
            version: Some(version),
            id,
            ..StoredEvent::default()
        });
    }
    batch.account.rejected(at.len);
}

type Dated = Option<(crate::model::Timestamp, Zone)>;

fn event<'a>(rows: &mut TableRows<'a>, table: &Table, at: RowAt, cells: &mut [Cell<'a>]) -> Dated {
    let out = left_out(table, cells);
    let Examined { id, version, dated, faults } = examine(table, at, cells, out);
    let columns = &table.columns;
    let number = |column: Option<usize>| get(cells, column).text()?.trim_ascii().parse::<i64>().ok();
    let position = number(columns.position);
    let mark = mark(table, cells);
    let cause = columns
        .causation
        .and_then(|_| EventId::parse(get(cells, columns.causation).text()?))
        .filter(|_| !out);
    let event_id = get(cells, columns.id).text().filter(|_| !faults.is_empty()).map(str::to_owned);
    let kind = columns.kind.and_then(|column| cells.get_mut(column)).map(Cell::take).unwrap_or_default();
    let named = stream(table, cells).filter(|stream| !stream.is_empty());
    rows.faults.extend(faults.into_iter().map(|(kind, detail)| RowFault {
        byte: at.byte,
        kind,
        stream: named.as_deref().map(str::to_owned),
        event_id: event_id.clone(),
        version,
        detail,
    }));
    // A row without a version that must have one has its fault, and no place in its stream.
    let placed = version.is_some() || out || table.rules.unversioned || table.role() == TableRole::Bodies;
    if placed {
        let time = dated.map(|(time, _)| time);
        let version = version.filter(|_| !out);
        let stream = named.unwrap_or_default();
        let byte = at.byte;
        rows.events.push(StoredEvent { byte, stream, version, id, time, position, mark, kind, cause });
    }
    dated
}

/// Whether the profile leaves this row out of its stream.
fn left_out(table: &Table, cells: &[Cell<'_>]) -> bool {
    table.rules.leave_out.iter().zip(&table.columns.filters).any(|(filter, (column, other))| {
        let value = get(cells, Some(*column)).text();
        match other {
            Some(other) => value != get(cells, Some(*other)).text(),
            None => value.is_some_and(|value| filter.is.iter().any(|pattern| fits(pattern, value))),
        }
    })
}

/// What the cells of an event come to.
struct Examined {
    id: EventId,
    version: Option<i64>,
    dated: Dated,
    faults: Vec<(FaultKind, String)>,
}

fn examine(table: &Table, at: RowAt, cells: &[Cell<'_>], out: bool) -> Examined {
    let (columns, rules) = (&table.columns, &table.rules);
    let get = |column: Option<usize>| get(cells, column);
    let mut faults: Vec<(FaultKind, String)> = Vec::new();
    let mut fault = |kind, detail: String| faults.push((kind, detail));

    let id = match event_id(rules.id_shape, get(columns.id).text().unwrap_or_default()) {
        Ok(id) => id,
        Err((kind, detail)) => {
            if columns.id.is_some() {
                fault(kind, detail);
            }
            EventId::NONE
        }
    };
    let version_text = get(columns.version).text();
    let version = version_text.and_then(|text| text.trim_ascii().parse::<i64>().ok());
    let may_lack = out || columns.version.is_none() || (rules.unversioned && version_text.is_none());
    if version.is_none() && !may_lack {
        let text = version_text.unwrap_or_default();
        fault(FaultKind::InvalidVersion, format!("`{}` is no version number", shown(text)));
    }
    let unnamed = columns.stream.iter().all(|part| get(Some(*part)).text().unwrap_or_default().is_empty());
    if unnamed && !out && table.role() == TableRole::Events && !(rules.unversioned && version.is_none()) {
        fault(FaultKind::EmptyStreamId, "the stream id is empty".to_owned());
    }
    let required = columns.payload.is_some() && rules.payload == PayloadShape::Json;
    let judged = judge_json(get(columns.payload), rules.payload, required);
    let longest = judged.as_ref().ok().copied().flatten();
    if let Some(odd) = get(columns.payload).text().and_then(|text| oddities::oddity(text, longest)) {
        fault(FaultKind::LossyPayload, odd);
    }
    if let Err(why) = judged {
        fault(FaultKind::InvalidPayload, why);
    }
    if let Err(why) = judge_json(get(columns.metadata), rules.payload, false) {
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

/// The id of an event, or what is wrong with it.
fn event_id(shape: IdShape, text: &str) -> Result<EventId, (FaultKind, String)> {
    match (EventId::parse(text), shape) {
        (Some(EventId::NONE), _) => Err((FaultKind::NilEventId, "the event id is all zeroes".to_owned())),
        (Some(id), _) => Ok(id),
        (None, IdShape::Uuid) => Err((FaultKind::InvalidEventId, format!("`{}` is no UUID", shown(text)))),
        (None, IdShape::Text) if text.is_empty() => {
            Err((FaultKind::InvalidEventId, "the event id is empty".to_owned()))
        }
        (None, IdShape::Text) => Ok(EventId::of_text(text)),
    }
}

fn mark(table: &Table, cells: &[Cell<'_>]) -> Mark {
    let columns = &table.columns;
    let mut hasher = FixedState::default().build_hasher();
    for column in [columns.kind, columns.payload, columns.metadata].into_iter().flatten() {
        hasher.write(get(cells, Some(column)).text().unwrap_or_default().as_bytes());
        hasher.write_u8(0xff);
    }
    let archived = is_archived(table, cells);
    let opener = !table.rules.openers.is_empty()
        && get(cells, columns.kind)
            .text()
            .is_some_and(|kind| table.rules.openers.iter().any(|opener| fits(opener, kind)));
    Mark::new(hasher.finish(), archived, opener)
}

fn is_archived(table: &Table, cells: &[Cell<'_>]) -> bool {
    matches!(get(cells, table.columns.archived).text(), Some("t" | "true" | "1" | "TRUE"))
}

/// The stream of a row: one column, or several joined with slashes.
fn stream<'a>(table: &Table, cells: &mut [Cell<'a>]) -> Option<Cow<'a, str>> {
    if let [column] = table.columns.stream[..] {
        let cell = cells.get_mut(column)?;
        cell.text()?;
        return Some(cell.take());
    }
    let unnamed = &table.rules.unnamed_parts;
    let parts = table.columns.stream.iter().filter_map(|column| cells.get(*column)?.text());
    let named: Vec<&str> = parts.filter(|part| !unnamed.iter().any(|known| known == part)).collect();
    (!named.is_empty()).then(|| named.join("/").into())
}

fn get<'c, 'a>(cells: &'c [Cell<'a>], column: Option<usize>) -> &'c Cell<'a> {
    column.and_then(|column| cells.get(column)).unwrap_or(&Cell::Missing)
}

fn checkpoint<'a>(rows: &mut TableRows<'a>, table: &Table, at: RowAt, cells: &mut [Cell<'a>]) -> Dated {
    let columns = &table.columns;
    let dated = get(cells, columns.time).text().and_then(time::parse);
    if left_out(table, cells) {
        return dated;
    }
    let position = match columns.version.and_then(|column| cells.get_mut(column)) {
        Some(cell) if cell.text().is_some() => Some(cell.take()),
        _ => None,
    };
    let begun = |position: &Cow<'_, str>| !table.rules.not_begun.iter().any(|known| known == position);
    rows.checkpoints.push(Checkpoint {
        byte: at.byte,
        name: stream(table, cells).unwrap_or_default(),
        position: position.filter(begun),
        updated_at: dated.map(|(time, _)| time),
    });
    dated
}

/// A row of a stream table, or a snapshot: of one stream, or of several in an object of versions.
fn claims(rows: &mut TableRows<'_>, table: &Table, at: RowAt, cells: &mut [Cell<'_>]) -> Dated {
    let columns = &table.columns;
    let dated = get(cells, columns.time).text().and_then(time::parse);
    if left_out(table, cells) {
        return dated;
    }
    let version = get(cells, columns.version).text().and_then(|text| text.trim_ascii().parse().ok());
    let archived = is_archived(table, cells);
    let versions = get(cells, columns.versions).text().map(str::to_owned);
    let name = stream(table, cells).unwrap_or_default().into_owned();
    if let Some(version) = version {
        let claim =
            StreamClaim { byte: at.byte, name: String::new(), stream: name.clone(), version, archived };
        rows.claims.push(claim);
    }
    let mut claims = Vec::new();
    let read = json::members(versions.as_deref().unwrap_or("{}"), |stream, version| {
        if let Json::Bare(text) = version
            && let Ok(version) = text.parse()
        {
            let stream = json::unescape(stream);
            claims.push(StreamClaim { byte: at.byte, name: name.clone(), stream, version, archived });
        }
    });
    rows.claims.extend(claims);
    if let (Err(err), Some(versions)) = (read, versions) {
        rows.faults.push(RowFault {
            byte: at.byte,
            kind: FaultKind::MalformedRecord,
            stream: None,
            event_id: None,
            version: None,
            detail: format!("the versions of snapshot {name}: {}", json_error(&versions, err)),
        });
    }
    dated
}

/// Why a cell that should hold JSON does not; of one that was found to, the length of its longest number. NULL and
/// absence are fine unless `required`.
fn judge_json(cell: &Cell<'_>, shape: PayloadShape, required: bool) -> Result<Option<usize>, String> {
    let text = match cell {
        // A string that holds JSON is a text column exported as JSON; any other string is itself the payload.
        Cell::Json(text) if !text.starts_with('"') => return Ok(None),
        Cell::Json(text) => {
            let inner = json::unescape(text.trim_matches('"'));
            if inner.starts_with(['{', '[']) {
                json::validate(&inner).map_err(|err| json_error(&inner, err))?;
            }
            return Ok(None);
        }
        Cell::Text(text) => text,
        Cell::Null if required => return Err("is NULL".to_owned()),
        Cell::Missing | Cell::Null => return Ok(None),
    };
    match bytes_of_hex(text) {
        Some(bytes) => json_bytes(&bytes).map_or(Ok(None), Err),
        // XML, YAML, Avro and what is encrypted are their writer's business.
        None if shape == PayloadShape::Any && !text.trim_ascii_start().starts_with(['{', '[']) => Ok(None),
        None => json::validate(text).map(Some).map_err(|err| json_error(text, err)),
    }
}

/// The bytes of a `bytea` as `PostgreSQL` writes it: `\x` and hexadecimal digits.
fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("\\x")?.as_bytes();
    let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
    digits.chunks(2).map(|pair| Some(digit(*pair.first()?)? << 4 | digit(*pair.get(1)?)?)).collect()
}

/// Binary payloads are opaque unless they are text that begins as JSON does.
fn json_bytes(bytes: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(bytes).ok()?;
    if !text.trim_ascii_start().starts_with(['{', '[']) {
        return None;
    }
    json::validate(text).err().map(|err| json_error(text, err))
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
