//! Reads, decodes, classifies and folds: everything that runs in parallel.

use std::{
    collections::VecDeque,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::atomic::Ordering,
};

use rayon::prelude::*;

use crate::{
    check::facts::SourceFacts,
    decode::{self, Chunk, Context, Cutter, Format, Head, Identity, Kind},
    fold::State,
    ingest::{Ending, Evidence, Found, Piece, Reader},
};

use super::{Partial, Plan, Progress, Reading, Scope, SourcePart, Stopped};

/// Pieces of a wave, for each thread. A wave ends when its last piece does, so short waves leave threads idle: with 8
/// a gigabyte took 0.88 of the time that it took with 2, for 30 MiB more.
const WAVE: usize = 8;

/// How much of a source is shown to the formats that might read it.
const HEAD: usize = 64 << 10;

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
    let mut spare: Vec<Vec<u8>> = Vec::new();
    loop {
        progress.stopped()?;
        while lanes.len() < plan.threads {
            let Some(evidence) = waiting.pop_front() else { break };
            lanes.push(Lane::open(plan, evidence));
        }
        if lanes.is_empty() && wave.is_empty() {
            return Ok(partial);
        }
        // The next wave is read while this one is decoded.
        let (next, folded) =
            rayon::join(|| fill(plan, &mut lanes, &mut spare, progress), || fold(plan, &wave));
        for (job, facts) in wave.drain(..).zip(folded) {
            let part = partial.sources.entry(job.source).or_default();
            part.facts.merge(facts);
            spare.push(job.piece.bytes);
        }
        partial.make_room(&plan.room)?;
        wave = next;
        for lane in std::mem::take(&mut lanes) {
            if lane.done {
                let name = lane.evidence.name.clone();
                let part = partial.sources.entry(name).or_default();
                lane.close(part);
            } else {
                lanes.push(lane);
            }
        }
    }
}

/// One source being read.
struct Lane<'e> {
    evidence: &'e Evidence,
    reader: Option<Reader>,
    format: Option<(&'static dyn Format, Box<dyn Cutter>)>,
    reading: Reading,
    /// Unpacked bytes that no format looked at.
    unread: u64,
    done: bool,
    /// Bytes of the file that were already counted as progress.
    counted: u64,
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
        let mut lane = Lane {
            evidence,
            reader: None,
            format: None,
            reading: Reading::default(),
            unread: 0,
            done: false,
            counted: 0,
        };
        match Reader::open(evidence, plan.hash) {
            Ok(reader) => {
                lane.reader = Some(reader);
                lane.identify(plan);
            }
            Err(err) => {
                lane.reading.kind = "other".to_owned();
                lane.reading.format = "unknown".to_owned();
                let why = format!("{}: cannot be read: {err}", evidence.name);
                lane.reading.notes.push(format!("cannot be read: {err}"));
                lane.reading.incomplete = Some(why);
                lane.done = true;
            }
        }
        lane
    }

    /// Looks at the beginning and picks a format, or names what it is.
    fn identify(&mut self, plan: &Plan) {
        let Some(reader) = &mut self.reader else { return };
        let (bytes, whole) = reader.head(HEAD);
        let text = clean_head(bytes);
        let head = Head { text: &text, whole };
        match decode::identify(bytes, &head, &plan.lexicon) {
            Identity::Readable(format) => {
                self.reading.kind = format.kind().name().to_owned();
                self.reading.format = format.id().to_owned();
                if let Kind::ServerLog { rank } = format.kind() {
                    self.reading.server_rank = Some(rank);
                }
                if plan.scope == Scope::Stores && format.kind() != Kind::Store {
                    self.reading
                        .notes
                        .push("a log: `coroner analyze` reads it, `integrity` does not".to_owned());
                    return;
                }
                self.format = Some((format, format.cutter(&head, &plan.lexicon)));
            }
            Identity::Named(named) => {
                self.reading.kind = named.kind.to_owned();
                self.reading.format = named.format.to_owned();
                if named.needed {
                    self.reading.incomplete = Some(format!("{}: {}", self.evidence.name, named.advice));
                }
                self.reading.notes.push(named.advice);
            }
        }
    }

    /// Reads up to `count` pieces.
    fn fill(
        &mut self,
        plan: &Plan,
        count: usize,
        buffers: &mut Vec<Vec<u8>>,
        progress: &Progress,
    ) -> Vec<Job> {
        let mut jobs = Vec::new();
        let Some(reader) = &mut self.reader else { return jobs };
        match &mut self.format {
            None => {
                self.unread = reader.drain();
                self.done = true;
            }
            Some((format, cutter)) => {
                while jobs.len() < count {
                    let mut context = Context::None;
                    let mut cut = |bytes: &[u8], last: bool| {
                        let (taken, found) = cutter.cut(bytes, plan.piece_bytes, last)?;
                        context = found;
                        Some(taken)
                    };
                    let Some(piece) =
                        reader.next(plan.piece_bytes, buffers.pop().unwrap_or_default(), &mut cut)
                    else {
                        self.done = true;
                        break;
                    };
                    jobs.push(Job { source: self.evidence.name.clone(), piece, context, format: *format });
                }
            }
        }
        let read = reader.raw_bytes();
        progress.read.fetch_add(read - self.counted, Ordering::Relaxed);
        self.counted = read;
        jobs
    }

    /// Records how the source ended.
    fn close(self, part: &mut SourcePart) {
        let Lane { evidence, reader, mut reading, unread, .. } = self;
        if let Some(reader) = reader {
            let summary = reader.finish();
            reading.bytes = summary.bytes;
            reading.hash = summary.hash;
            reading.compression = summary.compression;
            match summary.ending {
                Ending::Whole => {}
                Ending::Noted(note) => reading.notes.push(note),
                Ending::Broken(why) => {
                    reading.incomplete = Some(format!("{}: {why}", evidence.name));
                    reading.notes.push(why);
                }
            }
        }
        part.facts.account.bytes_skipped += unread;
        part.evidence = Some(evidence.clone());
        part.reading = reading;
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
        .map(|(lane, mut buffers)| lane.fill(plan, share, &mut buffers, progress))
        .collect();
    jobs.into_iter().flatten().collect()
}

/// Decodes and folds a wave. Facts come back in the order of the pieces.
fn fold(plan: &Plan, wave: &[Job]) -> Vec<SourceFacts> {
    wave.par_iter().map(|job| fold_guarded(plan, job)).collect()
}

/// A bug in a decoder must not take the other evidence with it: a panic costs its piece, and says so.
fn fold_guarded(plan: &Plan, job: &Job) -> SourceFacts {
    catch_unwind(AssertUnwindSafe(|| fold_piece(plan, job))).unwrap_or_else(|_| {
        let mut facts = SourceFacts::default();
        facts.account.rejected(job.piece.bytes.len());
        facts.notes.add("a piece could not be decoded: a bug in coroner, please report it with this file");
        facts
    })
}

fn fold_piece(plan: &Plan, job: &Job) -> SourceFacts {
    let piece = &job.piece;
    let (cleaned, invalid) = clean(&piece.bytes);
    let text = match &cleaned {
        Some(cleaned) => cleaned.as_str(),
        None => std::str::from_utf8(&piece.bytes).unwrap_or_default(),
    };
    let chunk = Chunk {
        text,
        start: piece.start,
        line: piece.line,
        last: piece.last,
        invalid: &invalid,
        context: &job.context,
    };
    let batch = job.format.decode(&chunk, &plan.lexicon);
    debug_assert_eq!(batch.account.bytes(), piece.bytes.len() as u64, "every byte is accounted for");
    let mut facts = SourceFacts::default();
    facts.observe(&batch);
    let server = matches!(job.format.kind(), Kind::ServerLog { .. });
    let mut session = plan.matcher.session();
    for entry in &batch.entries {
        let hits = session.classify(entry, batch.fields_of(entry));
        let named = hits.into_iter().map(|hit| (plan.packs.patterns[hit.pattern].id.as_str(), hit.keys));
        facts.log.observe(entry, named);
        if server {
            facts.log.observe_twin(&batch, entry);
        }
    }
    let dated = facts.log.window;
    facts.window.join(&dated);
    facts
}

/// The text of bytes that are not all UTF-8: each offending byte becomes `?`, so that offsets stay true. Returns
/// where they were; `None` where nothing had to change.
fn clean(bytes: &[u8]) -> (Option<String>, Vec<usize>) {
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
fn clean_head(bytes: &[u8]) -> String {
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
