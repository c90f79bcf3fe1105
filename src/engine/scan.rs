//! Reads, decodes, classifies and folds: everything that runs in parallel.

use std::{
    collections::{BTreeMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::Ordering,
};

use rayon::prelude::*;

use crate::{
    check::facts::{Seen, SourceFacts, StoreKey, has_id},
    classify::{Hit, templates::Miner},
    decode::{self, Chunk, Context, Cutter, Format, Head, Identity, Kind},
    fold::State,
    ingest::{Damage, Ending, Evidence, Found, Listed, Piece, Reader, Sources, Step, Summary},
    model::{Compared, FaultKind, Means, RowFault, Tells, Turn, Values},
};

use super::{Partial, Plan, Progress, Reading, Scope, SourcePart, Stopped};

/// Pieces of a wave, for each thread. A wave ends when its last piece does, so short waves leave threads idle: with 8
/// a gigabyte took 0.88 of the time that it took with 2, for 30 MiB more.
const WAVE: usize = 8;

/// Damage that the ledger lists of one source; all of it is among the faults.
const DAMAGE_NOTES: usize = 5;

/// How much of a source is shown to the formats that might read it.
pub(super) const HEAD: usize = 64 << 10;

/// Reads all evidence into facts.
///
/// # Errors
///
/// Being stopped, or a full disk where the index did not fit into memory: what is wrong with a source is part of the
/// result.
pub fn scan(plan: &Plan, found: &Found, progress: &Progress) -> Result<Partial, Stopped> {
    let mut waiting: VecDeque<&Evidence> = found.evidence.iter().collect();
    let mut lanes: Vec<Lane<'_>> = Vec::new();
    let mut partial = Partial::default();
    let mut wave: Vec<Job> = Vec::new();
    let mut folded: Vec<(String, SourceFacts)> = Vec::new();
    let mut spare: Vec<Vec<u8>> = Vec::new();
    loop {
        progress.stopped()?;
        while lanes.len() < plan.threads {
            let Some(evidence) = waiting.pop_front() else { break };
            lanes.push(Lane::open(plan, evidence));
        }
        if lanes.is_empty() && wave.is_empty() {
            join(&mut partial, folded);
            partial.sources.values_mut().for_each(give_damage);
            return Ok(partial);
        }
        // The next wave is read while this one is decoded and the one before is joined.
        let before = std::mem::take(&mut folded);
        let (next, (facts, ())) = rayon::join(
            || fill(plan, &mut lanes, &mut spare, progress),
            || rayon::join(|| fold(plan, &wave), || join(&mut partial, before)),
        );
        for (job, facts) in wave.drain(..).zip(facts) {
            folded.push((job.source, facts));
            spare.push(job.piece.bytes);
        }
        partial.make_room(&plan.room)?;
        wave = next;
        for lane in &mut lanes {
            for (name, part) in lane.finished.drain(..) {
                let known = partial.sources.entry(name).or_default();
                known.facts.merge(part.facts);
                (known.evidence, known.reading) = (part.evidence, part.reading);
            }
        }
        lanes.retain(|lane| !lane.done);
    }
}

/// Joins the facts of a wave, in the order of its pieces.
fn join(partial: &mut Partial, folded: Vec<(String, SourceFacts)>) {
    for (source, facts) in folded {
        partial.sources.entry(source).or_default().facts.merge(facts);
    }
}

/// A piece of evidence being read: its sources, one after another.
struct Lane<'e> {
    evidence: &'e Evidence,
    sources: Option<Sources>,
    current: Option<Current>,
    /// What was read to its end and not yet handed over.
    finished: Vec<(String, SourcePart)>,
    done: bool,
    /// Bytes of the evidence that were already counted as progress.
    counted: u64,
}

/// A source being read.
struct Current {
    reader: Reader,
    format: Option<(&'static dyn Format, Box<dyn Cutter>)>,
    reading: Reading,
}

/// A piece on its way to a thread.
struct Job {
    source: String,
    piece: Piece,
    context: Context,
    format: &'static dyn Format,
}

impl<'e> Lane<'e> {
    fn open(plan: &Plan, evidence: &'e Evidence) -> Lane<'e> {
        let mut lane =
            Lane { evidence, sources: None, current: None, finished: Vec::new(), done: false, counted: 0 };
        match Sources::open(evidence, Some(plan.hash)) {
            Ok(sources) => lane.sources = Some(sources),
            Err(err) => lane.fail(format!("cannot be read: {err}")),
        }
        lane
    }

    /// Nothing more comes of this evidence.
    fn fail(&mut self, why: String) {
        let name = self
            .current
            .take()
            .map_or(self.evidence.name.clone(), |current| current.reader.name().to_owned());
        let reading = Reading {
            kind: "other".to_owned(),
            format: "unknown".to_owned(),
            incomplete: Some(format!("{name}: {why}")),
            notes: vec![why],
            ..Reading::default()
        };
        self.finish(name, SourcePart { reading, ..SourcePart::default() });
        self.sources = None;
        self.done = true;
    }

    fn finish(&mut self, name: String, part: SourcePart) {
        self.finished.push((name, SourcePart { evidence: Some(self.evidence.clone()), ..part }));
    }

    /// Reads up to `count` pieces, of as many sources as it takes.
    fn fill(
        &mut self,
        plan: &Plan,
        count: usize,
        buffers: &mut Vec<Vec<u8>>,
        progress: &Progress,
    ) -> Vec<Job> {
        let mut jobs = Vec::new();
        while jobs.len() < count && !self.done {
            match &mut self.current {
                None => self.step(plan),
                Some(current) => match current.next(plan, buffers.pop().unwrap_or_default()) {
                    Some(job) => jobs.push(job),
                    None => self.close(),
                },
            }
            if progress.stop.load(Ordering::Relaxed) {
                break;
            }
        }
        let read = self.sources.as_ref().map_or(self.counted, Sources::raw_bytes);
        progress.read.fetch_add(read - self.counted, Ordering::Relaxed);
        self.counted = read;
        jobs
    }

    /// Goes to the next source.
    fn step(&mut self, plan: &Plan) {
        match self.sources.as_mut().and_then(Sources::step) {
            Some(Step::Read(reader)) => self.current = Some(Current::new(plan, reader)),
            Some(Step::Listed(listed)) => {
                let Listed { name, kind, format, summary } = listed;
                let mut part = SourcePart::default();
                part.reading.kind = kind.to_owned();
                part.reading.format = format.to_owned();
                settle(&name, &mut part, summary);
                self.finish(name, part);
            }
            None => self.done = true,
        }
    }

    /// Records how the source ended.
    fn close(&mut self) {
        let Some(Current { mut reader, reading, .. }) = self.current.take() else { return };
        let name = reader.name().to_owned();
        let mut part = SourcePart { reading, ..SourcePart::default() };
        part.facts.account.bytes_skipped += reader.drain();
        settle(&name, &mut part, reader.finish());
        self.finish(name, part);
    }
}

impl Current {
    /// Looks at the beginning and picks a format, or names what it is.
    fn new(plan: &Plan, mut reader: Reader) -> Current {
        let mut reading = Reading::default();
        let mut picked = None;
        let name = reader.name().to_owned();
        let rendered = reader.rendered_from();
        let (bytes, whole) = reader.head(HEAD);
        let text = clean_head(bytes);
        let head = Head { text: &text, whole };
        match decode::identify(bytes, &head, &plan.lexicon) {
            Identity::Readable(format) => {
                reading.kind = format.kind().name().to_owned();
                reading.format = rendered.unwrap_or(format.id()).to_owned();
                if let Kind::ServerLog { rank } = format.kind() {
                    reading.server_rank = Some(rank);
                }
                if plan.scope == Scope::Stores && format.kind() != Kind::Store {
                    let note = "a log: `coroner analyze` reads it, `integrity` does not";
                    reading.notes.push(note.to_owned());
                } else {
                    picked = Some((format, format.cutter(&head, &plan.lexicon)));
                }
            }
            Identity::Named(named) => {
                reading.kind = named.kind.to_owned();
                reading.format = rendered.unwrap_or(named.format).to_owned();
                if named.needed {
                    reading.incomplete = Some(format!("{name}: {}", named.advice));
                }
                reading.notes.push(named.advice);
            }
        }
        Current { reader, format: picked, reading }
    }

    /// The next piece; `None` at the end, and for what no format reads.
    fn next(&mut self, plan: &Plan, buffer: Vec<u8>) -> Option<Job> {
        let (format, cutter) = self.format.as_mut()?;
        let mut context = Context::None;
        let mut cut = |bytes: &[u8], last: bool| {
            let (taken, found) = cutter.cut(bytes, plan.piece_bytes, last)?;
            context = found;
            Some(taken)
        };
        let piece = self.reader.next(plan.piece_bytes, buffer, &mut cut)?;
        Some(Job { source: self.reader.name().to_owned(), piece, context, format: *format })
    }
}

/// What reading came to, and what a renderer found damaged: that is a finding about the store, and no gap in the
/// report.
fn settle(name: &str, part: &mut SourcePart, summary: Summary) {
    let Summary { bytes, hash, compression, ending, notes, damage } = summary;
    let reading = &mut part.reading;
    (reading.bytes, reading.hash, reading.compression) = (bytes, hash, compression);
    reading.notes.extend(notes);
    match ending {
        Ending::Whole => {}
        Ending::Noted(note) => reading.notes.push(note),
        Ending::Broken(why) => {
            reading.incomplete = Some(format!("{name}: {why}"));
            reading.notes.push(why);
        }
    }
    reading.notes.extend(damage.iter().take(DAMAGE_NOTES).map(|damage| damage.why.clone()));
    if damage.len() > DAMAGE_NOTES {
        reading.notes.push(format!("and {} more places that are damaged", damage.len() - DAMAGE_NOTES));
    }
    reading.damage = damage;
}

/// Puts what a renderer found damaged behind what the rows themselves showed, in whatever order both were read.
fn give_damage(part: &mut SourcePart) {
    // A damaged page shows in many messages at one place: they are one fault, and the first says most.
    let mut places: BTreeMap<u64, (String, usize)> = BTreeMap::new();
    for Damage { byte, why } in std::mem::take(&mut part.reading.damage) {
        places.entry(byte).or_insert((why, 0)).1 += 1;
    }
    for (byte, (why, count)) in places {
        let more = match count - 1 {
            0 => String::new(),
            more => format!(" (and {more} more messages, see the ledger)"),
        };
        let fault = RowFault {
            byte,
            kind: FaultKind::TornDump,
            stream: None,
            event_id: None,
            version: None,
            detail: why + &more,
        };
        let of_source = part.facts.stores.entry(StoreKey::default()).or_default();
        of_source.faults.entry(fault.kind).or_default().push(fault);
    }
}

/// Reads the next pieces of every open source, side by side: decompression is the slow part.
fn fill(plan: &Plan, lanes: &mut [Lane<'_>], spare: &mut Vec<Vec<u8>>, progress: &Progress) -> Vec<Job> {
    let share = (WAVE * plan.threads).div_ceil(lanes.len().max(1));
    let mut buffers: Vec<Vec<Vec<u8>>> = lanes.iter().map(|_| Vec::new()).collect();
    for (at, buffer) in std::mem::take(spare).into_iter().enumerate() {
        let lane = at % lanes.len().max(1);
        if let Some(buffers) = buffers.get_mut(lane).filter(|buffers| buffers.len() < share) {
            buffers.push(buffer);
        }
    }
    let jobs: Vec<Vec<Job>> = lanes
        .par_iter_mut()
        .zip(buffers)
        .map(|(lane, mut buffers)| fill_guarded(plan, lane, share, &mut buffers, progress))
        .collect();
    jobs.into_iter().flatten().collect()
}

/// A bug in what unpacks or renders costs its evidence, as one in a decoder costs its piece.
fn fill_guarded(
    plan: &Plan,
    lane: &mut Lane<'_>,
    count: usize,
    buffers: &mut Vec<Vec<u8>>,
    progress: &Progress,
) -> Vec<Job> {
    let filled = catch_unwind(AssertUnwindSafe(|| lane.fill(plan, count, buffers, progress)));
    filled.unwrap_or_else(|_| {
        lane.fail("cannot be unpacked: a bug in coroner, please report it with this file".to_owned());
        Vec::new()
    })
}

/// Decodes and folds a wave. Facts come back in the order of the pieces.
fn fold(plan: &Plan, wave: &[Job]) -> Vec<SourceFacts> {
    wave.par_iter().map(|job| fold_guarded(plan, job)).collect()
}

/// What the ledger says of a piece whose decoder failed; it makes the report incomplete.
pub(super) const NOT_DECODED: &str =
    "a piece could not be decoded: a bug in coroner, please report it with this file";

/// A bug in a decoder must not take the other evidence with it: a panic costs its piece, and says so.
fn fold_guarded(plan: &Plan, job: &Job) -> SourceFacts {
    catch_unwind(AssertUnwindSafe(|| fold_piece(plan, job))).unwrap_or_else(|_| {
        let mut facts = SourceFacts::default();
        facts.account.rejected(job.piece.bytes.len());
        facts.notes.add(NOT_DECODED);
        facts
    })
}

fn fold_piece(plan: &Plan, job: &Job) -> SourceFacts {
    let piece = &job.piece;
    let (cleaned, invalid) = clean(&piece.bytes);
    let chunk = chunk(piece, cleaned.as_deref(), &invalid, &job.context);
    let mut batch = job.format.decode(&chunk, &plan.lexicon);
    plan.clocks.correct(&job.source, &mut batch);
    debug_assert_eq!(batch.account.bytes(), piece.bytes.len() as u64, "every byte is accounted for");
    let mut facts = SourceFacts::default();
    facts.observe(&batch);
    let server = matches!(job.format.kind(), Kind::ServerLog { .. });
    let mut session = plan.matcher.session();
    let (mut reader, mut turns) = (plan.lexicon.value_reader(), plan.lexicon.turns());
    let (mut values, mut miner) = (Values::default(), Miner::default());
    for entry in &batch.entries {
        let fields = batch.fields_of(entry);
        reader.read(fields, &mut values);
        let hits = session.classify(entry, fields);
        let tells = tells(plan, &hits);
        let hits: Vec<_> =
            hits.into_iter().map(|hit| (plan.packs.patterns[hit.pattern].id.as_str(), hit.keys)).collect();
        let timed_out = values.has(Means::Duration) && plan.lexicon.says_timed_out(entry);
        // Who has no id is no part of a unit of work.
        let of_unit = has_id(&values);
        let turn = if of_unit { turns.of(entry, &values) } else { Turn::Inside };
        let written = of_unit.then(|| turns.written(entry, &values)).flatten();
        let shape = hits.is_empty().then(|| entry.message.as_deref().map(|said| miner.shape(said))).flatten();
        let seen = Seen { entry, values: &values, hits, tells, timed_out, turn, written, shape };
        if plan.compared == Compared::WithBaseline {
            facts.log.flow.observe(&seen, fields);
        }
        facts.log.observe(seen);
        if server {
            facts.log.observe_server(&batch, entry);
        }
    }
    let dated = facts.log.window;
    facts.window.join(&dated);
    facts
}

/// What an entry tells of, and the hit that says so: of several the one that says most.
fn tells(plan: &Plan, hits: &[Hit<'_>]) -> Option<(Tells, usize)> {
    let tells =
        hits.iter().enumerate().filter_map(|(at, hit)| Some((plan.packs.patterns[hit.pattern].tells?, at)));
    tells.min()
}

/// A piece as a decoder wants it; `cleaned` and `invalid` are what [`clean`] made of its bytes.
pub(super) fn chunk<'p>(
    piece: &'p Piece,
    cleaned: Option<&'p str>,
    invalid: &'p [usize],
    context: &'p Context,
) -> Chunk<'p> {
    Chunk {
        text: cleaned.unwrap_or_else(|| std::str::from_utf8(&piece.bytes).unwrap_or_default()),
        start: piece.start,
        line: piece.line,
        last: piece.last,
        invalid,
        context,
    }
}

/// The text of bytes that are not all UTF-8: each offending byte becomes `?`, so that offsets stay true. Returns
/// where they were; `None` where nothing had to change.
pub(super) fn clean(bytes: &[u8]) -> (Option<String>, Vec<usize>) {
    if std::str::from_utf8(bytes).is_ok() {
        return (None, Vec::new());
    }
    let (mut text, mut invalid) = (String::with_capacity(bytes.len()), Vec::new());
    for part in bytes.utf8_chunks() {
        text.push_str(part.valid());
        for _ in part.invalid() {
            invalid.push(text.len());
            text.push('?');
        }
    }
    (Some(text), invalid)
}

/// The beginning as text; a character cut in two at its end is left off.
pub(super) fn clean_head(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(err) if err.error_len().is_none() => {
            String::from_utf8_lossy(&bytes[..err.valid_up_to()]).into_owned()
        }
        Err(_) => clean(bytes).0.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cleaning_keeps_every_offset() {
        let bytes = b"a\xffb\xe2\x82c\xc3\xa9";
        let (text, invalid) = clean(bytes);
        assert_eq!(text.as_deref(), Some("a?b??c\u{e9}"));
        assert_eq!(invalid, [1, 3, 4]);
        assert_eq!(clean("é".as_bytes()), (None, Vec::new()));
    }
}
