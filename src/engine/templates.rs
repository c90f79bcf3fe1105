//! `coroner templates`: every message by its template, whether a pattern names it or not.
//!
//! The evidence is read twice: shapes are counted first, and what shapes make together is known only then. Plain text is
//! taken line by line, whatever may belong together, for a line of it is what is asked about.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use crate::{
    check::facts::TemplateFacts,
    classify::templates::{Miner, Shape, Template, merge},
    decode::{self, Context, Cutter, Format, Head, Identity, Kind, Lexicon},
    ingest::{Evidence, Found, Piece, Reader, STDIN, Sources, Step},
    model::{Entry, Level, Place},
};

use super::{
    lane::HEAD,
    scan::{chunk, clean, clean_head},
};

/// Longest line that is read as one.
const LINE: usize = 16 << 20;

/// Templates of all messages of some evidence.
#[derive(Debug)]
pub struct Templates {
    /// In order of count and text.
    pub templates: Vec<Template>,
    /// The template of each shape.
    of: BTreeMap<(u32, Level), usize>,
    facts: TemplateFacts,
}

/// Finds the templates of all messages.
pub fn templates(lexicon: &Arc<Lexicon>, piece_bytes: usize, found: &Found) -> Templates {
    let (mut facts, mut miner) = (TemplateFacts::default(), Miner::default());
    read(lexicon, piece_bytes, found, &mut |entry| {
        let shape = miner.shape(entry.message.as_deref().unwrap_or_default());
        facts.observe(entry, shape);
        true
    });
    let shapes: Vec<_> = facts.shapes().collect();
    let listed: Vec<Shape<'_>> = shapes
        .iter()
        .map(|(_, level, text, facts)| Shape { level: *level, text, count: facts.count })
        .collect();
    let templates = merge(&listed);
    let mut of = BTreeMap::new();
    for (number, template) in templates.iter().enumerate() {
        of.extend(template.shapes.iter().map(|at| ((shapes[*at].0, shapes[*at].1), number)));
    }
    drop(listed);
    drop(shapes);
    Templates { templates, of, facts }
}

impl Templates {
    /// Hands out each line with its template, in order; the visitor says whether it wants more. A line that was not
    /// there before has none.
    pub fn assign(
        &self,
        lexicon: &Arc<Lexicon>,
        piece_bytes: usize,
        found: &Found,
        visit: &mut dyn FnMut(u64, Option<&Template>) -> bool,
    ) {
        let mut miner = Miner::default();
        read(lexicon, piece_bytes, found, &mut |entry| {
            let shape = miner.shape(entry.message.as_deref().unwrap_or_default());
            let template = self.facts.find(entry.level, shape).and_then(|place| self.of.get(&place));
            visit(entry.place.line, template.map(|number| &self.templates[*number]))
        });
    }
}

type Visit<'v> = dyn FnMut(&Entry<'_>) -> bool + 'v;

fn read(lexicon: &Arc<Lexicon>, piece_bytes: usize, found: &Found, visit: &mut Visit<'_>) {
    for evidence in &found.evidence {
        if !of_evidence(lexicon, piece_bytes, evidence, visit) {
            return;
        }
    }
}

/// False where nothing more is wanted.
fn of_evidence(
    lexicon: &Arc<Lexicon>,
    piece_bytes: usize,
    evidence: &Evidence,
    visit: &mut Visit<'_>,
) -> bool {
    if evidence.path == Path::new(STDIN) {
        return true;
    }
    let Ok(mut sources) = Sources::open(evidence, None) else { return true };
    while let Some(step) = sources.step() {
        let Step::Read(mut reader) = step else { continue };
        let wanted = match logs(&mut reader, lexicon) {
            Some(Way::Format(format, cutter)) => {
                entries(&mut reader, piece_bytes, lexicon, format, cutter, visit)
            }
            Some(Way::Lines) => lines(&mut reader, piece_bytes, visit),
            None => true,
        };
        reader.skip();
        if !wanted {
            return false;
        }
    }
    true
}

/// How a log is read here.
enum Way {
    Format(&'static dyn Format, Box<dyn Cutter>),
    Lines,
}

fn logs(reader: &mut Reader, lexicon: &Arc<Lexicon>) -> Option<Way> {
    let (bytes, whole) = reader.head(HEAD);
    let text = clean_head(bytes);
    let head = Head { text: &text, whole };
    match decode::identify(bytes, &head, lexicon) {
        Identity::Readable(format) if format.id() == "text-log" => Some(Way::Lines),
        Identity::Readable(format) if matches!(format.kind(), Kind::Log | Kind::ServerLog { .. }) => {
            Some(Way::Format(format, format.cutter(&head, lexicon)))
        }
        Identity::Readable(_) => None,
        // Who asks for the templates of a file knows better than its first line what it is.
        Identity::Named(_) => memchr::memchr(0, bytes).is_none().then_some(Way::Lines),
    }
}

fn entries(
    reader: &mut Reader,
    piece_bytes: usize,
    lexicon: &Lexicon,
    format: &'static dyn Format,
    mut cutter: Box<dyn Cutter>,
    visit: &mut Visit<'_>,
) -> bool {
    let (mut context, mut buffer) = (Context::None, Vec::new());
    loop {
        let mut cut = |bytes: &[u8], last: bool| {
            let (taken, found) = cutter.cut(bytes, piece_bytes, last)?;
            context = found;
            Some(taken)
        };
        let Some(piece) = reader.next(piece_bytes, std::mem::take(&mut buffer), &mut cut) else {
            return true;
        };
        let (cleaned, invalid) = clean(&piece.bytes);
        let chunk = chunk(&piece, cleaned.as_deref(), &invalid, &context);
        if !format.decode(&chunk, lexicon).entries.iter().all(&mut *visit) {
            return false;
        }
        buffer = piece.bytes;
    }
}

/// Takes each line as a message.
fn lines(reader: &mut Reader, piece_bytes: usize, visit: &mut Visit<'_>) -> bool {
    let mut buffer = Vec::new();
    let mut cut = |bytes: &[u8], last: bool| match memchr::memrchr(b'\n', bytes) {
        Some(end) if !last => Some(end + 1),
        // A file without line ends is no reason to hold all of it.
        _ => (last || bytes.len() > LINE).then_some(bytes.len()),
    };
    while let Some(piece) = reader.next(piece_bytes, std::mem::take(&mut buffer), &mut cut) {
        let (cleaned, _) = clean(&piece.bytes);
        let text = text_of(&piece, cleaned.as_deref());
        let mut place = Place { byte: piece.start, line: piece.line };
        for line in text.split_inclusive('\n') {
            let entry = Entry {
                place,
                time: None,
                level: Level::Unknown,
                message: Some(line.trim_ascii_end().into()),
                error: None,
                fields: 0..0,
            };
            if !visit(&entry) {
                return false;
            }
            place.byte += line.len() as u64;
            place.line += 1;
        }
        buffer = piece.bytes;
    }
    true
}

fn text_of<'p>(piece: &'p Piece, cleaned: Option<&'p str>) -> &'p str {
    cleaned.unwrap_or_else(|| std::str::from_utf8(&piece.bytes).unwrap_or_default())
}
