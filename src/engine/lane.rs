//! Evidence being read, one source after another: what each is, what of it is new, and where its pieces end.

use std::sync::atomic::Ordering;

use crate::{
    decode::{self, Context, Cutter, Format, Head, Identity, Kind},
    ingest::{Damage, Ending, Evidence, HashKind, Listed, Piece, Reader, Sources, Step, Summary},
};

use super::{Plan, Progress, Reading, Scope, SourcePart, copies::Opening, nights::Memory, scan::clean_head};

/// Damage that the ledger lists of one source; all of it is among the faults.
const DAMAGE_NOTES: usize = 5;

/// How much of a source is shown to the formats that might read it.
pub(super) const HEAD: usize = 64 << 10;

/// A piece of evidence being read: its sources, one after another.
pub(super) struct Lane<'e> {
    evidence: &'e Evidence,
    /// What earlier runs have read.
    memory: Option<&'e Memory>,
    sources: Option<Sources>,
    current: Option<Current>,
    /// What was read to its end and not yet handed over.
    pub(super) finished: Vec<(String, SourcePart)>,
    stage: Stage,
    /// Bytes of the evidence that were already counted as progress.
    counted: u64,
}

/// How far a lane is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Open,
    Done,
}

/// A source being read.
struct Current {
    reader: Reader,
    format: Option<(&'static dyn Format, Box<dyn Cutter>)>,
    part: SourcePart,
    /// Whether it may grow: another run may go on where this one ends.
    goes_on: bool,
    share: Share,
}

/// A piece on its way to a thread.
pub(super) struct Job {
    pub(super) source: String,
    pub(super) piece: Piece,
    pub(super) context: Context,
    pub(super) format: &'static dyn Format,
    pub(super) share: Share,
}

/// What becomes of a piece's facts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    /// They are of this run.
    Whole,
    /// They are kept hour by hour, for later runs.
    Settled,
    /// The last record may grow yet: they are of this run, and a later one reads it again.
    Tail,
}

impl<'e> Lane<'e> {
    pub(super) fn new(evidence: &'e Evidence, memory: Option<&'e Memory>) -> Lane<'e> {
        Lane {
            evidence,
            memory,
            sources: None,
            current: None,
            finished: Vec::new(),
            stage: Stage::Waiting,
            counted: 0,
        }
    }

    pub(super) fn is_done(&self) -> bool {
        self.stage == Stage::Done
    }

    /// Takes what did not change from memory, or opens it.
    fn open(&mut self, plan: &Plan) {
        self.stage = Stage::Open;
        let known = self.memory.and_then(|memory| memory.unchanged(plan.hash, self.evidence));
        if let Some(known) = known {
            for (name, part) in known {
                self.finish(name, part);
            }
            self.stage = Stage::Done;
            self.counted = self.evidence.size();
            return;
        }
        match Sources::open(self.evidence, Some(plan.hash)) {
            Ok(sources) => self.sources = Some(sources),
            Err(err) => self.fail(format!("cannot be read: {err}")),
        }
    }

    /// Nothing more comes of this evidence.
    pub(super) fn fail(&mut self, why: String) {
        let name = self
            .current
            .take()
            .map_or(self.evidence.name.clone(), |current| current.reader.name().to_owned());
        let reading = Reading {
            kind: "other".to_owned(),
            format: "unknown".to_owned(),
            incomplete: Some(why.clone()),
            notes: vec![why],
            ..Reading::default()
        };
        self.finish(name, SourcePart { reading, ..SourcePart::default() });
        self.sources = None;
        self.stage = Stage::Done;
    }

    fn finish(&mut self, name: String, part: SourcePart) {
        self.finished.push((name, SourcePart { evidence: Some(self.evidence.clone()), ..part }));
    }

    /// Reads up to `count` pieces, of as many sources as it takes.
    pub(super) fn fill(
        &mut self,
        plan: &Plan,
        count: usize,
        buffers: &mut Vec<Vec<u8>>,
        progress: &Progress,
    ) -> Vec<Job> {
        if self.stage == Stage::Waiting {
            self.open(plan);
        }
        let mut jobs = Vec::new();
        while jobs.len() < count && !self.is_done() {
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
        let read = self.sources.as_ref().map_or(self.counted, Sources::raw_bytes).max(self.counted);
        progress.read.fetch_add(read - self.counted, Ordering::Relaxed);
        self.counted = read;
        jobs
    }

    /// Goes to the next source.
    fn step(&mut self, plan: &Plan) {
        match self.sources.as_mut().and_then(Sources::step) {
            Some(Step::Read(reader)) => {
                let mut current = Current::new(plan, reader);
                if let Some(memory) = self.memory {
                    current.recall(plan, memory, self.evidence);
                }
                self.current = Some(current);
            }
            Some(Step::Listed(listed)) => {
                let Listed { name, kind, format, summary } = listed;
                let mut part = SourcePart::default();
                part.reading.kind = kind.to_owned();
                part.reading.format = format.to_owned();
                settle(&mut part.reading, summary);
                self.finish(name, part);
            }
            None => self.stage = Stage::Done,
        }
    }

    /// Records how the source ended.
    fn close(&mut self) {
        let Some(Current { mut reader, mut part, .. }) = self.current.take() else { return };
        let name = reader.name().to_owned();
        let drained = reader.drain();
        part.facts.account.bytes_skipped += drained;
        part.reading.unpacked = reader.handed_out() + drained;
        settle(&mut part.reading, reader.finish());
        self.finish(name, part);
    }
}

impl Current {
    /// Looks at the beginning and picks a format, or names what it is.
    fn new(plan: &Plan, mut reader: Reader) -> Current {
        let mut reading = Reading::default();
        let mut picked = None;
        let rendered = reader.rendered_from();
        let (bytes, whole) = reader.head(HEAD);
        let text = clean_head(bytes);
        let head = Head { text: &text, whole };
        let mut goes_on = false;
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
                    goes_on = matches!(format.kind(), Kind::Log | Kind::ServerLog { .. });
                    reading.opening = goes_on.then(|| Opening::of(bytes, whole));
                }
            }
            Identity::Named(named) => {
                reading.kind = named.kind.to_owned();
                reading.format = rendered.unwrap_or(named.format).to_owned();
                if named.needed {
                    reading.incomplete = Some(named.advice.clone());
                }
                reading.notes.push(named.advice);
            }
        }
        let part = SourcePart { reading, ..SourcePart::default() };
        Current { reader, format: picked, part, goes_on, share: Share::Whole }
    }

    /// Goes on where an earlier run ended, where one did; else sees to it that a later one can.
    fn recall(&mut self, plan: &Plan, memory: &Memory, evidence: &Evidence) {
        self.share = Share::Settled;
        let Some((_, cutter)) = self.format.as_mut().filter(|_| self.goes_on) else { return };
        self.reader.watch();
        let Some(opening) = self.part.reading.opening else { return };
        let head = self.reader.head(HEAD).0.to_vec();
        let recalled = memory.recall(&head, opening, &self.reader, evidence);
        if let Some(bookmark) = memory.bookmark(recalled.before) {
            // What a cutter learns from the head, it must know behind it too.
            let _ = cutter.cut(&head, 1, false);
            self.reader.go_on(bookmark, plan.hash == HashKind::Blake3);
        }
        self.part.reading.notes.clone_from(&recalled.notes);
        self.part.recalled = recalled;
    }

    /// The next piece; `None` at the end, and for what no format reads.
    fn next(&mut self, plan: &Plan, buffer: Vec<u8>) -> Option<Job> {
        let (format, cutter) = self.format.as_mut()?;
        let (mut context, mut share) = (Context::None, self.share);
        let splits = self.goes_on && share == Share::Settled;
        let mut cut = |bytes: &[u8], last: bool| {
            let ended = last && splits;
            let settled = if ended { settled(cutter.as_mut(), bytes, plan.piece_bytes) } else { None };
            if settled.is_none() && ended {
                share = Share::Tail;
            }
            let (taken, found) = settled.or_else(|| cutter.cut(bytes, plan.piece_bytes, last))?;
            context = found;
            Some(if share == Share::Tail { bytes.len() } else { taken })
        };
        if splits {
            // Should the piece be the tail, a later run goes on before it.
            self.part.recalled.bookmark = self.reader.bookmark();
        }
        let piece = self.reader.next(plan.piece_bytes, buffer, &mut cut)?;
        self.share = share;
        Some(Job { source: self.reader.name().to_owned(), piece, context, format: *format, share })
    }
}

/// Records at the end of a source that are surely whole: whatever is appended later begins behind them.
fn settled(cutter: &mut dyn Cutter, bytes: &[u8], want: usize) -> Option<(usize, Context)> {
    let mut want = want.min(bytes.len() / 2).max(1);
    loop {
        match cutter.cut(bytes, want, false) {
            Some((taken, context)) if taken <= bytes.len() => return Some((taken, context)),
            _ if want == 1 => return None,
            _ => want /= 2,
        }
    }
}

/// What reading came to, and what a renderer found damaged: that is a finding about the store, and no gap in the
/// report.
fn settle(reading: &mut Reading, summary: Summary) {
    let Summary { bytes, hash, compression, ending, notes, damage } = summary;
    (reading.bytes, reading.hash, reading.compression) = (bytes, hash, compression);
    reading.notes.extend(notes);
    match ending {
        Ending::Whole => {}
        Ending::Noted(note) => reading.notes.push(note),
        Ending::Broken(why) => {
            reading.incomplete = Some(why.clone());
            reading.notes.push(why);
        }
    }
    reading.notes.extend(damage.iter().take(DAMAGE_NOTES).map(|damage: &Damage| damage.why.clone()));
    if damage.len() > DAMAGE_NOTES {
        reading.notes.push(format!("and {} more places that are damaged", damage.len() - DAMAGE_NOTES));
    }
    reading.damage = damage;
}
