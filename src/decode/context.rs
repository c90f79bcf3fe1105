//! The values of an entry whose meaning is known: its own, and those of the spans it was written in.

use std::{borrow::Cow, hash::BuildHasher, ops::Range};

use crate::model::{Entry, Field, Known, Level, Means, Meant, NameNumber, Value, Values};

use super::{
    Lexicon,
    json::{self, Json},
};

/// More than one meaning has names: ranks of an inner span come after all those of an outer one.
const NAMES: usize = 10_000;
/// Spans remembered; a power of two. Entries of one unit of work repeat the spans that they stand in.
const MEMO: usize = 64;

/// One thread's use of the names of values.
#[derive(Debug)]
pub struct ValueReader<'l> {
    lexicon: &'l Lexicon,
    memo: Vec<Spans>,
    hasher: foldhash::fast::FixedState,
}

/// The text of an object or a list of them, and the values in it.
#[derive(Clone, Debug, Default)]
struct Spans {
    text: String,
    found: Vec<Found>,
}

#[derive(Clone, Debug)]
struct Found {
    meant: Meant,
    name: Range<usize>,
    value: Range<usize>,
}

impl Lexicon {
    pub fn value_reader(&self) -> ValueReader<'_> {
        ValueReader {
            lexicon: self,
            memo: vec![Spans::default(); MEMO],
            hasher: foldhash::fast::FixedState::default(),
        }
    }

    /// The names of the spans that an entry was written in, the outermost first.
    pub fn spans<'a>(fields: &'a [Field<'_>]) -> Vec<&'a str> {
        let nested =
            |name: &str| fields.iter().find(|field| field.name == name).map(|field| field.value.text());
        let mut names = Vec::new();
        let mut name = |object: &'a str| {
            let _ = json::members(object, |key, value| {
                if let ("name", Json::Text { raw, .. }) = (key, value) {
                    names.push(raw);
                }
            });
        };
        match (nested("spans"), nested("span")) {
            (Some(list), _) => {
                let _ = json::elements(list, |element| {
                    if let Json::Object(object) = element {
                        name(object);
                    }
                });
            }
            (None, Some(object)) => name(object),
            (None, None) => {
                let named = fields.iter().filter(|field| field.name == "span.name");
                names.extend(named.map(|field| field.value.text()));
            }
        }
        names
    }

    /// What the values of a field are taken for.
    pub fn means(&self, name: &str) -> Vec<Means> {
        let mut means: Vec<Means> = self.meanings(name, 0).map(|meant| meant.means).collect();
        means.dedup();
        means
    }

    /// Whether an entry says that time ran out.
    pub fn says_timed_out(&self, entry: &Entry<'_>) -> bool {
        let says = |text: &Option<Cow<'_, str>>| {
            text.as_deref().is_some_and(|text| {
                self.fields.timed_out.iter().any(|words| contains_ignoring_case(text, words))
            })
        };
        !matches!(entry.level, Level::Trace | Level::Debug | Level::Info)
            && (says(&entry.error) || says(&entry.message))
    }

    /// What a name means. `depth` is 0 for the entry's own values, and rises from its outermost span to the innermost.
    fn meanings(&self, name: &str, depth: usize) -> impl Iterator<Item = Meant> {
        let known = self.fields.of(self.fields.get(name));
        known
            .into_iter()
            .flat_map(|known| &known.values)
            .map(move |meant| Meant { rank: meant.rank + depth * NAMES, ..*meant })
    }

    /// The values in the members of an object, or of each object of a list. Their text was valid when the entry was.
    fn within(&self, text: &str, found: &mut Vec<Found>) {
        if !text.starts_with('[') {
            self.members(text, text, 1, found);
            return;
        }
        let mut depth = 0;
        let _ = json::elements(text, |element| {
            if let Json::Object(object) = element {
                depth += 1;
                self.members(text, object, depth, found);
            }
        });
    }

    fn members(&self, whole: &str, object: &str, depth: usize, found: &mut Vec<Found>) {
        let place = |part: &str| {
            let from = part.as_ptr() as usize - whole.as_ptr() as usize;
            from..from + part.len()
        };
        let _ = json::members(object, |name, value| match value {
            // What is escaped is no id and no number; the few streams and names that are can be told apart without it.
            Json::Text { raw, .. } | Json::Bare(raw) => {
                for meant in self.meanings(name, depth) {
                    found.push(Found { meant, name: place(name), value: place(raw) });
                }
            }
            Json::Object(_) | Json::Array(_) | Json::Null => {}
        });
    }
}

impl ValueReader<'_> {
    /// Collects into `values`, which is cleared first.
    pub fn read<'a>(&mut self, fields: &'a [Field<'_>], values: &mut Values<'a>) {
        values.clear();
        let lexicon = self.lexicon;
        let names = &lexicon.fields;
        let known = |field: &Field<'_>| match field.known {
            NameNumber::Unasked => names.of(names.get(&field.name)),
            number => names.of(number),
        };
        let (mut contexts, mut spans) = (false, false);
        for field in fields {
            let Some(known) = known(field) else { continue };
            // A list may be a value itself: the streams of a command.
            for meant in &known.values {
                values.add(Known { meant: *meant, name: &field.name, text: field.value.text() });
            }
            if known.context && matches!(field.value, Value::Nested(_)) {
                contexts = true;
                spans |= field.name == "spans";
            }
        }
        if !contexts {
            return;
        }
        let context = |field: &&Field<'_>| known(field).is_some_and(|known| known.context);
        for field in fields.iter().filter(context) {
            // The list of spans has the innermost one in it, which stands beside it too.
            if let Value::Nested(text) = &field.value
                && !(spans && field.name == "span")
            {
                self.nested(text, values);
            }
        }
    }

    fn nested<'a>(&mut self, text: &'a str, values: &mut Values<'a>) {
        let known = &mut self.memo[self.hasher.hash_one(text) as usize & (MEMO - 1)];
        if known.text != text {
            known.text.clear();
            known.text.push_str(text);
            known.found.clear();
            self.lexicon.within(text, &mut known.found);
        }
        for Found { meant, name, value } in &known.found {
            values.add(Known { meant: *meant, name: &text[name.clone()], text: &text[value.clone()] });
        }
    }
}

fn contains_ignoring_case(text: &str, words: &str) -> bool {
    text.as_bytes().windows(words.len()).any(|window| window.eq_ignore_ascii_case(words.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        decode::entry,
        model::{Batch, Means, Place},
    };

    #[test]
    fn own_values_come_before_those_of_spans() {
        let lexicon = Lexicon::load(&[]).expect("the embedded files");
        let mut reader = lexicon.value_reader();
        for (text, expected) in [
            (
                r#"{"fields":{"message":"m","operation":"read","duration_ms":"7"},"spans":[{"command_type":"Transfer","instance":"a"},{"command_type":"Inner"}]}"#,
                "read duration_ms=7000 a -",
            ),
            (
                r#"{"level":"INFO","fields":{"elapsed_secs":2.5,"elapsed":"2.5s"},"span":{"command_type":"Other"},"spans":[{"command_type":"Transfer","command_id":"c1"},{"command_type":"Inner"}]}"#,
                "Transfer elapsed_secs=2500000 - c1",
            ),
            (r#"{"msg":"m","mdc":{"service":"bank","took_ms":3}}"#, "- took_ms=3000 bank -"),
            (r#"{"msg":"m","timeout_ms":5000}"#, "- - - -"),
        ] {
            let mut batch = Batch::default();
            entry::json_entry(&mut batch, text, Place::default(), &lexicon).expect("valid");
            // The second time from memory.
            for _ in 0..2 {
                let mut values = Values::default();
                reader.read(&batch.fields, &mut values);
                let text = |means| values.text(means).unwrap_or("-");
                let duration =
                    values.get(Means::Duration).and_then(|known| Some((known.name, known.micros()?)));
                let duration = duration.map_or("-".to_owned(), |(name, micros)| format!("{name}={micros}"));
                let shown = format!(
                    "{} {duration} {} {}",
                    text(Means::Operation),
                    text(Means::Service),
                    text(Means::Command)
                );
                assert_eq!(shown, expected);
            }
        }
    }
}
