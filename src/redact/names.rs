//! Pseudonyms: the same value has the same one in every place, and with the same key in every run.
//!
//! A pseudonym is a keyed hash (BLAKE3) of category and value, so that nobody without the key can try values. The private
//! map keeps the key and what stands behind each pseudonym; it never comes near a report.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::rules::Category;

/// A key file's least length: what no one guesses.
pub const KEY_BYTES: usize = 16;
/// Hex digits of a pseudonym; more where two values would share one.
const SHORT: usize = 8;
const LONG: usize = 32;
/// Separates this use of a key from any other.
const CONTEXT: &str = "coroner 2026-11 pseudonyms of redacted values";
const MAP_FORMAT: &str = "coroner-redaction-map-1";

/// What pseudonyms are made with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Key([u8; 32]);

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

impl Key {
    /// From what a key file holds.
    pub fn from_secret(secret: &[u8]) -> Option<Key> {
        (secret.len() >= KEY_BYTES).then(|| Key(blake3::derive_key(CONTEXT, secret)))
    }

    /// From 32 random bytes.
    pub fn from_random(bytes: [u8; 32]) -> Key {
        Key(bytes)
    }

    fn hex(self, category: Category, value: &str) -> String {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(category.name().as_bytes()).update(&[0]).update(value.as_bytes());
        hasher.finalize().to_hex().to_string()
    }
}

/// The private map, as its file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrivateMap {
    format: String,
    key: String,
    pseudonyms: BTreeMap<String, Mapped>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Mapped {
    category: Category,
    rule: String,
    /// Every spelling that was seen.
    values: BTreeSet<String>,
    /// Places where it was replaced, in the last run that saw it.
    count: u64,
}

impl PrivateMap {
    /// Whether a file is a map of ours, and not something else that must not be overwritten.
    pub fn is_ours(&self) -> bool {
        self.format == MAP_FORMAT && self.key().is_some()
    }

    pub fn key(&self) -> Option<Key> {
        blake3::Hash::from_hex(&self.key).ok().map(|hash| Key(*hash.as_bytes()))
    }
}

/// The values of a run and their pseudonyms.
#[derive(Debug)]
pub(super) struct Names {
    key: Key,
    /// By category and the one spelling that stands for all.
    values: BTreeMap<(Category, String), Seen>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    pub(super) rule: String,
    pub(super) spellings: BTreeSet<String>,
    pub(super) pseudonym: String,
    pub(super) count: u64,
}

impl Names {
    pub(super) fn new(key: Key) -> Names {
        Names { key, values: BTreeMap::new() }
    }

    /// Takes over what an earlier run named.
    pub(super) fn remember(&mut self, map: PrivateMap) {
        for (pseudonym, mapped) in map.pseudonyms {
            let Mapped { category, rule, values, count } = mapped;
            let Some(first) = values.first() else { continue };
            let of = (category, one_spelling(category, first));
            self.values.insert(of, Seen { rule, spellings: values, pseudonym, count });
        }
    }

    pub(super) fn add(&mut self, category: Category, rule: &str, value: &str) {
        let seen = self.values.entry((category, one_spelling(category, value))).or_default();
        if seen.rule.is_empty() {
            seen.rule = rule.to_owned();
        }
        seen.spellings.insert(value.to_owned());
    }

    /// Gives each value its pseudonym: short, and longer for all that would share a short one.
    pub(super) fn settle(&mut self) {
        let mut sharing: BTreeMap<String, u64> = BTreeMap::new();
        for (category, value) in self.values.keys() {
            *sharing.entry(self.pseudonym(*category, value, SHORT)).or_default() += 1;
        }
        let named: Vec<String> = (self.values.keys())
            .map(|(category, value)| {
                let short = self.pseudonym(*category, value, SHORT);
                if sharing[&short] == 1 { short } else { self.pseudonym(*category, value, LONG) }
            })
            .collect();
        for (seen, pseudonym) in self.values.values_mut().zip(named) {
            if seen.pseudonym.is_empty() {
                seen.pseudonym = pseudonym;
            }
        }
    }

    pub(super) fn get(&self, category: Category, value: &str) -> Option<&str> {
        self.values.get(&(category, one_spelling(category, value))).map(|seen| seen.pseudonym.as_str())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Category, &Seen)> {
        self.values.iter().map(|((category, _), seen)| (*category, seen))
    }

    /// Says how often each pseudonym was put in.
    pub(super) fn count(&mut self, counts: &BTreeMap<String, u64>) {
        for seen in self.values.values_mut() {
            if let Some(count) = counts.get(&seen.pseudonym) {
                seen.count = *count;
            }
        }
    }

    pub(super) fn map(&self) -> PrivateMap {
        let mapped = self.iter().map(|(category, seen)| {
            let Seen { rule, spellings, pseudonym, count } = seen.clone();
            (pseudonym, Mapped { category, rule, values: spellings, count })
        });
        PrivateMap {
            format: MAP_FORMAT.to_owned(),
            key: blake3::Hash::from_bytes(self.key.0).to_hex().to_string(),
            pseudonyms: mapped.collect(),
        }
    }

    fn pseudonym(&self, category: Category, value: &str, digits: usize) -> String {
        format!("{}-{}", category.name(), &self.key.hex(category, value)[..digits])
    }
}

/// The spelling that stands for all of a value's: an address has one meaning in any case, a card in any grouping.
fn one_spelling(category: Category, value: &str) -> String {
    match category {
        Category::Email => value.to_lowercase().replace("%40", "@"),
        Category::Ip => value.to_lowercase().replace('-', "."),
        Category::Card => value.chars().filter(char::is_ascii_digit).collect(),
        Category::Personal => {
            value.chars().filter(|c| c.is_alphanumeric()).collect::<String>().to_uppercase()
        }
        Category::Secret | Category::Field => value.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(key: u8, values: &[(Category, &str)]) -> Vec<String> {
        let mut names = Names::new(Key::from_secret(&[key; KEY_BYTES]).expect("long enough"));
        for (category, value) in values {
            names.add(*category, "of a test", value);
        }
        names.settle();
        values.iter().filter_map(|(category, value)| names.get(*category, value)).map(str::to_owned).collect()
    }

    #[test]
    fn a_value_has_one_pseudonym_for_a_key() {
        let values = [
            (Category::Secret, "hunter2"),
            (Category::Email, "Ada@bank.example"),
            (Category::Email, "ada@bank.example"),
        ];
        let first = named(1, &values);
        assert_eq!(first, named(1, &values));
        assert_ne!(first, named(2, &values));
        assert_eq!(first[1], first[2], "in any case");
        assert_eq!(first[0].len(), "secret-".len() + SHORT);
        assert!(first[0].starts_with("secret-") && first[1].starts_with("email-"), "{first:?}");
        assert_eq!(Key::from_secret(b"short"), None);
    }

    #[test]
    fn values_that_would_share_a_pseudonym_have_longer_ones() {
        let mut names = Names::new(Key::from_random([7; 32]));
        // Among 200,000 values some share 32 bits (about five pairs).
        for number in 0..200_000 {
            names.add(Category::Secret, "of a test", &number.to_string());
        }
        names.settle();
        let all: BTreeSet<&str> = names.iter().map(|(_, seen)| seen.pseudonym.as_str()).collect();
        assert_eq!(all.len(), 200_000, "each has its own");
        assert!(all.iter().any(|name| name.len() > "secret-".len() + SHORT), "some shared the short one");
    }

    #[test]
    fn a_map_gives_its_names_back() {
        let mut names = Names::new(Key::from_random([7; 32]));
        names.add(Category::Secret, "of a test", "hunter2");
        names.settle();
        let map = names.map();
        assert!(map.is_ours());
        let mut later = Names::new(map.key().expect("a key"));
        later.remember(map);
        assert_eq!(later.get(Category::Secret, "hunter2"), names.get(Category::Secret, "hunter2"));
    }
}
