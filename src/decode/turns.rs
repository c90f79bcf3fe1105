//! Where in a unit of work an entry stands, by the words of its message (`patterns/fields.toml`, `[traces]`).

use std::hash::BuildHasher;

use crate::model::{Entry, Level, Means, Turn, Values};

use super::Lexicon;

/// Messages whose words are remembered; a power of two. A service has some hundred distinct fixed messages.
const MEMO: usize = 256;
/// Where the words that tell stand: near the beginning.
const LOOKED_AT: usize = 120;

/// What the words of a message say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Words {
    starts: bool,
    ends: bool,
    writes: bool,
}

/// One thread's reading of entries, with its memory.
#[derive(Debug)]
pub struct Turns<'l> {
    lexicon: &'l Lexicon,
    memo: Vec<(String, Words)>,
    hasher: foldhash::fast::FixedState,
}

impl Lexicon {
    pub fn turns(&self) -> Turns<'_> {
        let memo = vec![(String::new(), Words::default()); MEMO];
        Turns { lexicon: self, memo, hasher: foldhash::fast::FixedState::default() }
    }
}

impl Turns<'_> {
    pub fn of(&mut self, entry: &Entry<'_>, values: &Values<'_>) -> Turn {
        let words = self.words(entry);
        let measured = values.has(Means::Duration) || values.has(Means::Success);
        match (words.ends, measured) {
            (true, true) => Turn::End,
            (true, false) | (false, true) => Turn::MayEnd,
            (false, false) if entry.level >= Level::Error => Turn::MayEnd,
            (false, false) if words.starts => Turn::Start,
            (false, false) => Turn::Inside,
        }
    }

    /// How many events an entry says were written.
    pub fn written(&mut self, entry: &Entry<'_>, values: &Values<'_>) -> Option<u64> {
        let known = values.get(Means::EventsWritten)?;
        let says = known.name.contains("ritten") || self.words(entry).writes;
        says.then(|| values.count(Means::EventsWritten)).flatten()
    }

    fn words(&mut self, entry: &Entry<'_>) -> Words {
        let Some(message) = entry.message.as_deref() else { return Words::default() };
        let message = head(message);
        let slot = self.hasher.hash_one(message) as usize & (MEMO - 1);
        let known = &mut self.memo[slot];
        if known.0 != message {
            known.0.clear();
            known.0.push_str(message);
            known.1 = read(self.lexicon, message);
        }
        known.1
    }
}

fn head(message: &str) -> &str {
    let line = message.split('\n').next().unwrap_or_default();
    let end = (0..=LOOKED_AT.min(line.len())).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
    &line[..end]
}

fn read(lexicon: &Lexicon, message: &str) -> Words {
    let known = &lexicon.fields.traces;
    let one_of = |list: &[String], word: &str| list.iter().any(|known| known.eq_ignore_ascii_case(word));
    let mut words = Words::default();
    // A name with dots, dashes or underscores is one word: `postgres.append_events` says nothing of an end.
    for word in message.split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))) {
        let word = word.trim_matches(['.', '-', '_']);
        words.starts |= one_of(&known.starts, word);
        words.ends |= one_of(&known.ends, word);
        words.writes |= one_of(&known.writes, word);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Batch, Place};

    #[test]
    fn tells_where_an_entry_stands() {
        let lexicon = Lexicon::load(&[]).expect("the embedded files");
        let mut turns = lexicon.turns();
        for (line, expected) in [
            (r#"{"level":"INFO","msg":"Started command trace"}"#, Turn::Start),
            (r#"{"level":"INFO","msg":"Operation started"}"#, Turn::Start),
            (r#"{"level":"DEBUG","msg":"Command will read from streams","stream_count":1}"#, Turn::Inside),
            (
                r#"{"level":"INFO","msg":"[postgres.append_events] appending events to postgres"}"#,
                Turn::Inside,
            ),
            (r#"{"level":"INFO","msg":"Completed command trace","duration_ms":5,"success":true}"#, Turn::End),
            (r#"{"level":"ERROR","msg":"Command failed","total_duration_ms":"5"}"#, Turn::End),
            (r#"{"level":"INFO","msg":"command execution succeeded"}"#, Turn::MayEnd),
            (
                r#"{"level":"WARN","msg":"High latency event store operation","duration_ms":"1001","success":false}"#,
                Turn::MayEnd,
            ),
            (r#"{"level":"ERROR","max_retries":4}"#, Turn::MayEnd),
            (r#"{"level":"INFO","msg":"GET /accounts","status":200,"duration_ms":3}"#, Turn::MayEnd),
        ] {
            let mut batch = Batch::default();
            super::super::entry::json_entry(&mut batch, line, Place::default(), &lexicon).expect("valid");
            let mut values = Values::default();
            lexicon.value_reader().read(batch.fields_of(&batch.entries[0]), &mut values);
            // Twice: read, and remembered.
            for _ in 0..2 {
                assert_eq!(turns.of(&batch.entries[0], &values), expected, "{line}");
            }
        }
    }
}
