//! Values that one text showed in the open, looked for in every text: whole, encoded, or cut off at the end.

use std::collections::{BTreeMap, HashMap};

use aho_corasick::{AhoCorasick, MatchKind};

use crate::model::SHOWN;

use super::{
    forms::{forms, is_distinct, parts},
    names::Names,
    rules::{Category, Extent},
};

/// The least of a value's beginning that is taken for it, where a text ends.
const BEGINNING: usize = 8;
/// The least run of letters that is told from a word.
const RUN: usize = 6;

/// One value's form in a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hit<'k> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) of: &'k Value,
    pub(super) extent: Extent,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) category: Category,
    pub(super) rule: String,
    pub(super) pseudonym: String,
}

#[derive(Debug)]
pub(super) struct Known {
    automaton: AhoCorasick,
    /// The value of each form, in the automaton's order.
    of_form: Vec<usize>,
    values: Vec<Value>,
    /// What templates leave of secrets, their digits masked with what stands beside them: long runs of letters.
    runs: AhoCorasick,
    of_run: Vec<usize>,
    /// Forms that a text's end may cut, by how they begin.
    beginnings: HashMap<[u8; BEGINNING], Vec<(String, usize)>>,
}

impl Known {
    pub(super) fn new(names: &Names) -> Result<Known, aho_corasick::BuildError> {
        let mut values = Vec::new();
        let mut all: BTreeMap<String, usize> = BTreeMap::new();
        let mut runs: BTreeMap<String, usize> = BTreeMap::new();
        let mut beginnings: HashMap<[u8; BEGINNING], Vec<(String, usize)>> = HashMap::new();
        for (category, seen) in names.iter() {
            let index = values.len();
            values.push(Value { category, rule: seen.rule.clone(), pseudonym: seen.pseudonym.clone() });
            for part in seen
                .spellings
                .iter()
                .filter(|value| is_distinct(category, value))
                .flat_map(|value| parts(value))
            {
                if category == Category::Secret {
                    runs.extend(letter_runs(&part).map(|run| (run.to_owned(), index)));
                }
                for form in forms(&part) {
                    if let Some(start) =
                        form.as_bytes().first_chunk::<BEGINNING>().filter(|_| category != Category::Ip)
                    {
                        beginnings.entry(*start).or_default().push((form.clone(), index));
                    }
                    all.entry(form).or_insert(index);
                }
            }
        }
        let automaton = AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(all.keys())?;
        let longest =
            |words: Vec<&String>| AhoCorasick::builder().match_kind(MatchKind::LeftmostLongest).build(words);
        Ok(Known {
            runs: longest(runs.keys().collect())?,
            of_run: runs.into_values().collect(),
            automaton,
            of_form: all.into_values().collect(),
            values,
            beginnings,
        })
    }

    /// Every form of every value in a text, and the beginning of one at its end.
    pub(super) fn find<'k>(&'k self, text: &'k str) -> impl Iterator<Item = Hit<'k>> {
        let whole = self.automaton.find_iter(text).filter_map(move |found| {
            let of = &self.values[self.of_form[found.pattern().as_usize()]];
            let alone = stands_alone(of.category, text, found.start(), found.end());
            alone.then_some(Hit { start: found.start(), end: found.end(), of, extent: Extent::Whole })
        });
        let template = text.contains(SHOWN).then(|| self.runs.find_iter(text)).into_iter().flatten();
        let runs = template.map(|found| Hit {
            start: found.start(),
            end: found.end(),
            of: &self.values[self.of_run[found.pattern().as_usize()]],
            extent: Extent::Whole,
        });
        whole.chain(runs).chain(self.cut_off(text))
    }

    /// The longest end of a text that is the beginning of a value.
    fn cut_off<'k>(&'k self, text: &'k str) -> Option<Hit<'k>> {
        let bare = text.trim_end_matches(['\u{fffd}', '…']);
        let bare = bare.strip_suffix("...").unwrap_or(bare);
        let last = bare.len().checked_sub(BEGINNING)?;
        (0..=last).find_map(|start| {
            let rest = &bare.as_bytes()[start..];
            let candidates = self.beginnings.get(rest.first_chunk::<BEGINNING>()?)?;
            let of = candidates.iter().find(|(form, _)| form.as_bytes().starts_with(rest))?.1;
            Some(Hit { start, end: bare.len(), of: &self.values[of], extent: Extent::Beginning })
        })
    }
}

/// Runs of letters that are no word: long, and upper and lower case mixed.
fn letter_runs(value: &str) -> impl Iterator<Item = &str> {
    value.split(|c: char| !c.is_ascii_alphabetic()).filter(|run| {
        let inner = run.get(1..).unwrap_or_default();
        run.len() >= RUN
            && inner.contains(|c: char| c.is_uppercase())
            && run.contains(|c: char| c.is_lowercase())
    })
}

/// Whether what was found is the value, and not a part of a longer number or name.
fn stands_alone(category: Category, text: &str, start: usize, end: usize) -> bool {
    let (before, after) = (text[..start].chars().next_back(), text[end..].chars().next());
    let joins = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    let number = text[start..end].bytes().all(|byte| byte.is_ascii_digit());
    match category {
        Category::Secret if !number => true,
        _ => !joins(before) && !joins(after),
    }
}

#[cfg(test)]
mod tests {
    use super::{super::names::Key, *};

    #[test]
    fn values_are_found_whole_encoded_and_cut_off() {
        let mut names = Names::new(Key::from_random([1; 32]));
        names.add(Category::Secret, "of a test", "hunter2/hunter2");
        names.add(Category::Ip, "of a test", "10.0.3.1");
        names.settle();
        let known = Known::new(&names).expect("an automaton");
        for (text, found) in [
            ("a hunter2/hunter2 b", Some("hunter2/hunter2")),
            ("xhunter2/hunter2x", Some("hunter2/hunter2")),
            ("a=hunter2%2Fhunter2&b", Some("hunter2%2Fhunter2")),
            ("a hunter2/h", Some("hunter2/h")),
            ("a hunter2/h…", Some("hunter2/h")),
            ("a hunter2", None),
            ("a hunter2/h b", None),
            ("10.0.3.1:80", Some("10.0.3.1")),
            ("10.0.3.17", None),
        ] {
            let hit = known.find(text).next().map(|hit| &text[hit.start..hit.end]);
            assert_eq!(hit, found, "{text}");
        }
    }
}
