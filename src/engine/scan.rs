//! Reads, decodes, classifies and folds: everything that runs in parallel.

use std::{
    collections::{BTreeMap, HashSet, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
};

use rayon::prelude::*;

use crate::{
    check::facts::{Seen, SourceFacts, StoreKey, has_id},
    classify::{Hit, Session, templates::Miner},
    decode::{Chunk, Context, Kind, Turns, ValueReader},
    fold::State,
    ingest::{Damage, Evidence, Found, Piece},
    model::{Batch, Compared, Entry, FaultKind, Means, RowFault, Tells, Timestamp, Turn, Values},
};

use super::{
    Partial, Plan, Progress, SourcePart, Stopped,
    hours::Hours,
    lane::{Job, Lane, Share},
    nights::Memory,
};

/// Pieces of a wave, for each thread. A wave ends when its last piece does, so short waves leave threads idle: with 8
/// a gigabyte took 0.88 of the time that it took with 2, for 30 MiB more.
const WAVE: usize = 8;

/// Runs of one hour that a piece may have beyond two for each of its hours: where entries are in no order at all they
/// must not become as many states as they are, and the rest stays with the last run.
const OUT_OF_ORDER: usize = 64;

/// Reads all evidence into facts.
///
/// # Errors
///
/// Being stopped, or a full disk where the index did not fit into memory: what is wrong with a source is part of the
/// result.
pub fn scan(plan: &Plan, found: &Found, progress: &Progress) -> Result<Partial, Stopped> {
    scan_new(plan, found, None, progress)
}

/// Reads what no earlier run has read. The rest is put before it by [`Memory::after`].
///
/// # Errors
///
/// As [`scan`].
pub fn scan_new(
    plan: &Plan,
    found: &Found,
    memory: Option<&Memory>,
    progress: &Progress,
) -> Result<Partial, Stopped> {
    let mut waiting: VecDeque<&Evidence> = found.evidence.iter().collect();
    let mut lanes: Vec<Lane<'_>> = Vec::new();
    let mut partial = Partial::default();
    let mut wave: Vec<Job> = Vec::new();
    let mut folded: Vec<Folded> = Vec::new();
    let mut spare: Vec<Vec<u8>> = Vec::new();
    loop {
        progress.stopped()?;
        while lanes.len() < plan.threads {
            let Some(evidence) = waiting.pop_front() else { break };
            lanes.push(Lane::new(evidence, memory));
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
        for (job, hours) in wave.drain(..).zip(facts) {
            folded.push(Folded { source: job.source, share: job.share, hours });
            spare.push(job.piece.bytes);
        }
        partial.make_room(&plan.room)?;
        wave = next;
        for lane in &mut lanes {
            for (name, part) in lane.finished.drain(..) {
                let known = partial.sources.entry(name).or_default();
                known.facts.merge(part.facts);
                (known.evidence, known.reading, known.recalled) =
                    (part.evidence, part.reading, part.recalled);
            }
        }
        lanes.retain(|lane| !lane.is_done());
    }
}

/// What one piece came to.
struct Folded {
    source: String,
    share: Share,
    hours: Hours,
}

/// Joins the facts of a wave, in the order of its pieces.
fn join(partial: &mut Partial, folded: Vec<Folded>) {
    for Folded { source, share, hours } in folded {
        let part = partial.sources.entry(source).or_default();
        match share {
            Share::Whole => part.facts.merge(hours.whole()),
            Share::Settled => part.hours.join(hours),
            Share::Tail => part.tail.merge(hours.whole()),
        }
    }
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
fn fold(plan: &Plan, wave: &[Job]) -> Vec<Hours> {
    wave.par_iter().map(|job| fold_guarded(plan, job)).collect()
}

/// What the ledger says of a piece whose decoder failed; it makes the report incomplete.
pub(super) const NOT_DECODED: &str =
    "a piece could not be decoded: a bug in coroner, please report it with this file";

/// A bug in a decoder must not take the other evidence with it: a panic costs its piece, and says so.
fn fold_guarded(plan: &Plan, job: &Job) -> Hours {
    catch_unwind(AssertUnwindSafe(|| fold_piece(plan, job))).unwrap_or_else(|_| {
        let mut facts = SourceFacts::default();
        facts.account.rejected(job.piece.bytes.len());
        facts.notes.add(NOT_DECODED);
        Hours::of(None, facts)
    })
}

fn fold_piece(plan: &Plan, job: &Job) -> Hours {
    let piece = &job.piece;
    let (cleaned, invalid) = clean(&piece.bytes);
    let chunk = chunk(piece, cleaned.as_deref(), &invalid, &job.context);
    let mut batch = job.format.decode(&chunk, &plan.lexicon);
    plan.clocks.correct(&job.source, &mut batch);
    debug_assert_eq!(batch.account.bytes(), piece.bytes.len() as u64, "every byte is accounted for");
    let mut folder = Folder::new(plan, matches!(job.format.kind(), Kind::ServerLog { .. }));
    let mut facts = SourceFacts::default();
    facts.observe(&batch);
    let (mut hours, mut hour, mut values) = (Hours::default(), None, Values::default());
    let mut seen: HashSet<i64> = HashSet::new();
    for entry in &batch.entries {
        let begins = entry.time.map(Timestamp::hour).filter(|_| job.share == Share::Settled);
        if let Some(begins) = begins.filter(|begins| hour != Some(*begins)) {
            seen.insert(begins);
            if hour.is_some() && hours.count() < OUT_OF_ORDER + 2 * seen.len() {
                hours.add(hour, dated(std::mem::take(&mut facts)));
            }
        }
        hour = begins.or(hour);
        folder.observe(&mut facts, &batch, entry, &mut values);
    }
    hours.add(hour, dated(facts));
    hours
}

/// The window of a source is that of its rows and of its entries.
fn dated(mut facts: SourceFacts) -> SourceFacts {
    let dated = facts.log.window;
    facts.window.join(&dated);
    facts
}

/// One thread's way from an entry to facts, with its memory.
struct Folder<'p> {
    plan: &'p Plan,
    server: bool,
    session: Session<'p>,
    reader: ValueReader<'p>,
    turns: Turns<'p>,
    miner: Miner,
}

impl<'p> Folder<'p> {
    fn new(plan: &'p Plan, server: bool) -> Folder<'p> {
        Folder {
            plan,
            server,
            session: plan.matcher.session(),
            reader: plan.lexicon.value_reader(),
            turns: plan.lexicon.turns(),
            miner: Miner::default(),
        }
    }

    /// `values` is room to read into.
    fn observe<'b>(
        &mut self,
        facts: &mut SourceFacts,
        batch: &'b Batch<'_>,
        entry: &'b Entry<'_>,
        values: &mut Values<'b>,
    ) {
        let Folder { plan, server, session, reader, turns, miner } = self;
        let fields = batch.fields_of(entry);
        reader.read(fields, values);
        let values = &*values;
        let hits = session.classify(entry, fields);
        let tells = tells(plan, &hits);
        let hits: Vec<_> =
            hits.into_iter().map(|hit| (plan.packs.patterns[hit.pattern].id.as_str(), hit.keys)).collect();
        let timed_out = values.has(Means::Duration) && plan.lexicon.says_timed_out(entry);
        // Who has no id is no part of a unit of work.
        let of_unit = has_id(values);
        let turn = if of_unit { turns.of(entry, values) } else { Turn::Inside };
        let written = of_unit.then(|| turns.written(entry, values)).flatten();
        let shape = hits.is_empty().then(|| entry.message.as_deref().map(|said| miner.shape(said))).flatten();
        let seen = Seen { entry, values, hits, tells, timed_out, turn, written, shape };
        if plan.compared == Compared::WithBaseline {
            facts.log.flow.observe(&seen, fields);
        }
        facts.log.observe(seen);
        if *server {
            facts.log.observe_server(batch, entry);
        }
    }
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
