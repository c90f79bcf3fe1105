//! What is known, as records to keep.

use rayon::prelude::*;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::state::Record;

use super::{Facts, History, Index, Kept, Memory};

/// Why records say nothing to this coroner.
#[derive(Debug, thiserror::Error)]
pub enum Unreadable {
    #[error("its facts are of version {0}, which this coroner does not know")]
    Version(u32),
    #[error("record {at} is none of this coroner's: {why}")]
    Record { at: usize, why: String },
}

/// Grows when facts change their meaning.
const VERSION: u32 = 2;

const HEAD: u8 = 1;
const SOURCE: u8 = 2;
/// Of the source before it.
const FACTS: u8 = 3;
/// Always the last.
const HISTORY: u8 = 4;

#[derive(Debug, Serialize, Deserialize)]
struct Head {
    version: u32,
    /// For people.
    coroner: String,
    runs: u64,
}

impl Memory {
    /// All that is known. What did not fit into memory is read again by the next run.
    pub fn records(&self) -> Vec<Record> {
        let coroner = env!("CARGO_PKG_VERSION").to_owned();
        let head = Head { version: VERSION, coroner, runs: self.run };
        let sources: Vec<&Kept> = self.kept.iter().filter(|source| source.facts.is_in_memory()).collect();
        let mut records = vec![record(HEAD, &head)];
        let of_sources: Vec<[Record; 2]> = sources
            .into_par_iter()
            .map(|source| {
                let facts = source.saved.clone().unwrap_or_else(|| record(FACTS, &source.facts));
                [record(SOURCE, source), facts]
            })
            .collect();
        records.extend(of_sources.into_iter().flatten());
        records.push(self.history.record());
        records
    }

    /// What records tell, for a run that makes its facts in this way.
    ///
    /// # Errors
    ///
    /// Where another version wrote them.
    pub fn load(records: &[Record], made_by: &str) -> Result<Memory, Unreadable> {
        let [first, rest @ .., last] = records else { return Ok(Memory::new(made_by)) };
        let head: Head = read(0, first, HEAD)?;
        if head.version != VERSION {
            return Err(Unreadable::Version(head.version));
        }
        let load = |(at, pair): (usize, &[Record])| -> Result<Kept, Unreadable> {
            let (at, facts) = (1 + 2 * at, pair.get(1).unwrap_or(&pair[0]));
            let source: Kept = read(at, &pair[0], SOURCE)?;
            Ok(Kept { facts: read(at + 1, facts, FACTS)?, saved: Some(facts.clone()), ..source })
        };
        let kept: Vec<Kept> = rest.par_chunks(2).enumerate().map(load).collect::<Result<_, _>>()?;
        let history: History = read(records.len() - 1, last, HISTORY)?;
        let index = Index::of(&kept);
        Ok(Memory { run: head.runs, made_by: made_by.to_owned(), kept, index, history, ..Memory::default() })
    }
}

impl History {
    /// Replaces the last of a memory's records, once the report is known.
    pub fn record(&self) -> Record {
        record(HISTORY, self)
    }
}

impl Facts {
    /// Whether no index was moved to disk.
    fn is_in_memory(&self) -> bool {
        let mut stores = self.hours.each().chain([&self.tail]).flat_map(|facts| facts.stores.values());
        stores.all(|store| store.events.runs.is_empty())
    }
}

fn record(kind: u8, value: &impl Serialize) -> Record {
    let bytes = postcard::to_stdvec(value).expect("every state can be saved");
    Record::pack(kind, &bytes).expect("there is memory for it")
}

fn read<T: DeserializeOwned>(at: usize, record: &Record, kind: u8) -> Result<T, Unreadable> {
    if record.kind != kind {
        return Err(Unreadable::Record { at, why: format!("its kind is {}", record.kind) });
    }
    let unreadable = |why: String| Unreadable::Record { at, why };
    let bytes = record.unpack().map_err(|err| unreadable(err.to_string()))?;
    match postcard::take_from_bytes(&bytes) {
        Ok((value, [])) => Ok(value),
        Ok((_, rest)) => Err(unreadable(format!("{} bytes follow it", rest.len()))),
        Err(err) => Err(unreadable(err.to_string())),
    }
}
