//! Entries of units of work, read again: facts keep where a unit lies, not what it says.
//!
//! A plain file is read at the wanted places alone; what is packed is unpacked up to the last of them.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use crate::{
    check::facts::{Seen, UnitKey, unit_of},
    decode::{self, Context, Cutter, Format, Head, Identity, Lexicon, Turns},
    ingest::{Evidence, Piece, Reader, STDIN, Sources, Step},
    model::{Entry, Field, IdKind, Known, Means, TraceEntry, TracePart, Values, stream_list},
};

use super::{
    lane::HEAD,
    scan::{chunk, clean, clean_head},
};

/// Room for the last entry of a run: where it ends is not known.
const TAIL: u64 = 64 << 10;
/// Longest way into what is packed: unpacking is slow, and a report must not take twice as long for it.
const UNPACKED: u64 = 256 << 20;

/// The format of a source, and what its pieces need to know.
pub(super) struct Opened {
    format: &'static dyn Format,
    cutter: Box<dyn Cutter>,
    context: Context,
}

/// Looks at the beginning; `None` for what is no log.
pub(super) fn open(reader: &mut Reader, lexicon: &Arc<Lexicon>) -> Option<Opened> {
    let (bytes, whole) = reader.head(HEAD);
    let text = clean_head(bytes);
    let head = Head { text: &text, whole };
    let Identity::Readable(format) = decode::identify(bytes, &head, lexicon) else { return None };
    if !matches!(format.kind(), decode::Kind::Log) {
        return None;
    }
    let context = format.cutter(&head, lexicon).cut(text.as_bytes(), 1, true);
    let context = context.map_or(Context::None, |(_, context)| context);
    Some(Opened { format, cutter: format.cutter(&head, lexicon), context })
}

impl Opened {
    /// The next piece of the source.
    pub(super) fn next(&mut self, reader: &mut Reader, want: usize, buffer: Vec<u8>) -> Option<Piece> {
        let (cutter, context) = (&mut self.cutter, &mut self.context);
        reader.next(want, buffer, &mut |bytes, last| {
            let (taken, found) = cutter.cut(bytes, want, last)?;
            *context = found;
            Some(taken)
        })
    }

    /// Hands out the entries of a piece that have an id.
    pub(super) fn each(
        &self,
        piece: &Piece,
        lexicon: &Lexicon,
        visit: &mut dyn FnMut(&Seen<'_>, &[Field<'_>], UnitKey),
    ) {
        let (cleaned, invalid) = clean(&piece.bytes);
        let chunk = chunk(piece, cleaned.as_deref(), &invalid, &self.context);
        let batch = self.format.decode(&chunk, lexicon);
        let (mut values, mut turns) = (Values::default(), lexicon.turns());
        let mut reader = lexicon.value_reader();
        for entry in &batch.entries {
            let fields = batch.fields_of(entry);
            reader.read(fields, &mut values);
            if let Some((_, key, ..)) = unit_of(&values) {
                visit(&seen(lexicon, &mut turns, entry, &values), fields, key);
            }
        }
    }
}

fn seen<'b>(
    lexicon: &Lexicon,
    turns: &mut Turns<'_>,
    entry: &'b Entry<'b>,
    values: &'b Values<'b>,
) -> Seen<'b> {
    Seen {
        entry,
        values,
        hits: Vec::new(),
        tells: None,
        timed_out: values.has(Means::Duration) && lexicon.says_timed_out(entry),
        turn: turns.of(entry, values),
        written: turns.written(entry, values),
        shape: None,
    }
}

/// An entry that borrows from nothing.
pub(super) fn entry(path: &str, seen: &Seen<'_>, fields: &[Field<'_>], key: UnitKey) -> TraceEntry {
    let (entry, values) = (seen.entry, seen.values);
    let own = |means| values.text(means).map(str::to_owned);
    let millis = |means| values.micros(means).map(|micros| micros as f64 / 1000.0);
    let streams = match values.text(Means::Stream) {
        Some(stream) => stream_list(stream),
        None => values.text(Means::Streams).map(stream_list).unwrap_or_default(),
    };
    TraceEntry {
        path: path.to_owned(),
        line: entry.place.line,
        byte: entry.place.byte,
        time: entry.time,
        level: entry.level,
        message: entry.message.as_deref().unwrap_or("(no message)").to_owned(),
        error: entry.error.as_deref().map(str::to_owned),
        spans: Lexicon::spans(fields).into_iter().map(str::to_owned).collect(),
        service: own(Means::Service),
        ids: ids(values),
        streams: streams.into_iter().map(str::to_owned).collect(),
        operation: own(Means::Operation),
        duration_ms: millis(Means::Duration),
        delay_ms: millis(Means::Delay),
        turn: seen.turn,
        key,
        offset_ms: None,
    }
}

/// The ids of an entry, by kind.
fn ids(values: &Values<'_>) -> BTreeMap<String, String> {
    let id = |kind: IdKind, means| {
        let Known { text, .. } = values.get(means).filter(|known| !known.text.is_empty())?;
        Some((kind.name().to_owned(), (*text).to_owned()))
    };
    [
        id(IdKind::Command, Means::Command),
        id(IdKind::Trace, Means::Trace),
        id(IdKind::Request, Means::Request),
        id(IdKind::Correlation, Means::Correlation),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Hands out the entries that lie in these runs of the sources of one piece of evidence.
pub(super) fn runs(
    lexicon: &Arc<Lexicon>,
    piece_bytes: usize,
    evidence: &Evidence,
    wanted: &BTreeMap<String, Vec<TracePart>>,
    visit: &mut dyn FnMut(TraceEntry),
) {
    if evidence.path == Path::new(STDIN) {
        return;
    }
    let Ok(mut sources) = Sources::open(evidence, None) else { return };
    let mut left = wanted.len();
    while left > 0 {
        match sources.step() {
            Some(Step::Read(mut reader)) => match wanted.get(reader.name()) {
                Some(parts) => {
                    left -= 1;
                    let runs = joined(parts);
                    if let Some(opened) = open(&mut reader, lexicon) {
                        of_source(lexicon, piece_bytes, &mut reader, opened, &runs, visit);
                    }
                    reader.skip();
                }
                None => reader.skip(),
            },
            Some(Step::Listed(_)) => {}
            None => return,
        }
    }
}

fn of_source(
    lexicon: &Lexicon,
    piece_bytes: usize,
    reader: &mut Reader,
    mut opened: Opened,
    runs: &[TracePart],
    visit: &mut dyn FnMut(TraceEntry),
) {
    let path = reader.name().to_owned();
    let within = |byte: u64| runs.iter().any(|run| run.from <= byte && byte <= run.to);
    let mut keep = |opened: &Opened, piece: &Piece| {
        opened.each(piece, lexicon, &mut |seen, fields, key| {
            if within(seen.entry.place.byte) {
                visit(entry(&path, seen, fields, key));
            }
        });
    };
    if reader.range(0, 0).is_some() {
        for run in runs {
            let Some(Ok(bytes)) = reader.range(run.from, (run.to - run.from + TAIL) as usize) else { return };
            keep(&opened, &Piece { bytes, start: run.from, line: run.line, last: false });
        }
        return;
    }
    let Some(end) = runs.iter().map(|run| run.to).filter(|to| *to < UNPACKED).max() else { return };
    let mut buffer = Vec::new();
    while let Some(piece) = opened.next(reader, piece_bytes, std::mem::take(&mut buffer)) {
        let to = piece.start + piece.bytes.len() as u64;
        if runs.iter().any(|run| run.from < to && piece.start <= run.to) {
            keep(&opened, &piece);
        }
        if to > end {
            return;
        }
        buffer = piece.bytes;
    }
}

/// Runs that overlap, or lie close, are read once.
fn joined(parts: &[TracePart]) -> Vec<TracePart> {
    let mut sorted = parts.to_vec();
    sorted.sort_by_key(|part| (part.from, part.to));
    let mut runs: Vec<TracePart> = Vec::new();
    for part in sorted {
        match runs.last_mut().filter(|last| part.from <= last.to + TAIL) {
            Some(last) => last.to = last.to.max(part.to),
            None => runs.push(part),
        }
    }
    runs
}
