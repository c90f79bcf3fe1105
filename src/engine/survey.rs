//! The beginnings of sources, looked at for a person: which fields a log has and what they are taken for, and why
//! something was not recognised. Reading all of it is [`super::scan`]'s; this opens each source and reads no further.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use crate::{
    decode::{self, Chunk, Context, Head, Identity, Kind, Lexicon, Likeness},
    ingest::{Evidence, Found, Reader, STDIN, Sources, Step},
    model::Means,
};

use super::{
    lane::HEAD,
    scan::{clean, clean_head},
};

/// Lines shown of what was not recognised.
const LINES: usize = 3;
/// Bytes shown of one of them.
const LINE: usize = 160;

/// How a source begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beginning {
    /// Of a log: its fields beside time, level and message, by name.
    pub fields: BTreeMap<String, FieldSeen>,
    /// Of what nothing reads: what it resembles, and what it lacks of that.
    pub likenesses: Vec<Likeness>,
    /// Of what nothing reads.
    pub lines: Vec<String>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSeen {
    /// Entries of the beginning that have it.
    pub entries: u64,
    /// What its values are taken for; empty where they are only kept.
    pub means: Vec<Means>,
}

/// Looks at the beginning of every source, by name. Standard input has been read by then and has none.
pub fn survey(lexicon: &Arc<Lexicon>, found: &Found) -> BTreeMap<String, Beginning> {
    let named = found.evidence.par_iter().filter(|evidence| evidence.path != Path::new(STDIN));
    named.flat_map_iter(|evidence| of_evidence(lexicon, evidence)).collect()
}

fn of_evidence(lexicon: &Arc<Lexicon>, evidence: &Evidence) -> Vec<(String, Beginning)> {
    let mut beginnings = Vec::new();
    let Ok(mut sources) = Sources::open(evidence, None) else { return beginnings };
    while let Some(step) = sources.step() {
        if let Step::Read(mut reader) = step {
            beginnings.push((reader.name().to_owned(), beginning(lexicon, &mut reader)));
            reader.skip();
        }
    }
    beginnings
}

fn beginning(lexicon: &Arc<Lexicon>, reader: &mut Reader) -> Beginning {
    let (bytes, whole) = reader.head(HEAD);
    let text = clean_head(bytes);
    let head = Head { text: &text, whole };
    match decode::identify(bytes, &head, lexicon) {
        Identity::Readable(format) if matches!(format.kind(), Kind::Log | Kind::ServerLog { .. }) => {
            Beginning { fields: fields(lexicon, format, bytes, &head), ..Beginning::default() }
        }
        Identity::Readable(_) => Beginning::default(),
        Identity::Named(_) => Beginning {
            likenesses: decode::likenesses(&head, lexicon),
            lines: text.lines().take(LINES).map(|line| line.chars().take(LINE).collect()).collect(),
            ..Beginning::default()
        },
    }
}

/// The fields of the entries that the beginning holds whole.
fn fields(
    lexicon: &Arc<Lexicon>,
    format: &'static dyn decode::Format,
    bytes: &[u8],
    head: &Head<'_>,
) -> BTreeMap<String, FieldSeen> {
    let mut seen: BTreeMap<String, FieldSeen> = BTreeMap::new();
    let cut = format.cutter(head, lexicon).cut(bytes, bytes.len() / 2, head.whole);
    let (taken, context) = cut.unwrap_or((0, Context::None));
    let (cleaned, invalid) = clean(&bytes[..taken]);
    let text = cleaned.as_deref().or_else(|| std::str::from_utf8(&bytes[..taken]).ok()).unwrap_or_default();
    let chunk = Chunk { text, start: 0, line: 1, last: head.whole, invalid: &invalid, context: &context };
    let batch = format.decode(&chunk, lexicon);
    for entry in &batch.entries {
        for field in batch.fields_of(entry) {
            let known = seen.entry(field.name.clone().into_owned()).or_default();
            known.entries += 1;
            if known.entries == 1 {
                known.means = lexicon.means(&field.name);
            }
        }
    }
    seen
}
