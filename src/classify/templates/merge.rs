//! Joins shapes that differ in words that vary: greedy, the most frequent first, so that the outcome depends on the
//! shapes and their counts alone.
//!
//! What is joined: shapes of one level, as many words, and the same first two words. They may differ in values of the
//! same name (`tag=a`, `tag=b`), or in one word where four fifths of the words are equal. What is not: words that say
//! opposite things, and words of a closed set (`HTTPS` and `SOCKS`), which are part of what a message says.

use std::collections::{BTreeMap, HashMap};

use foldhash::fast::FixedState;

use crate::model::{Level, MARK, SHOWN};

use super::{id, words};

/// A shape and how often it was seen.
#[derive(Clone, Copy, Debug)]
pub struct Shape<'s> {
    pub level: Level,
    pub text: &'s str,
    pub count: u64,
}

/// Shapes that are one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    pub id: String,
    pub level: Level,
    /// With masked parts as [`SHOWN`].
    pub text: String,
    pub count: u64,
    /// Its shapes, as indexes into what was merged.
    pub shapes: Vec<usize>,
}

/// Share of words that must be equal where one differs. Coroot's parser and Drain's default differ in the same range;
/// measured best on `LogHub` at 0.8.
const ALIKE: f64 = 0.8;
/// Words that vary have more than these values, or fewer occurrences of each: a set is closed where it has from two to
/// `CLOSED` values, seen `OFTEN` times each on average.
const CLOSED: usize = 4;
const OFTEN: u64 = 20;
/// Candidates that a shape is compared with, the most frequent: bounds the time that hostile messages take.
const COMPARED: usize = 512;

/// Merges shapes into templates, in order of count and text.
pub fn merge(shapes: &[Shape<'_>]) -> Vec<Template> {
    let rows = rows(shapes);
    let holes = Holes::new(&rows);
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by(|a, b| {
        let (a, b) = (&rows[*a], &rows[*b]);
        b.count.cmp(&a.count).then_with(|| a.words.cmp(&b.words)).then(a.level.cmp(&b.level))
    });
    let mut buckets: HashMap<(Level, usize, [&str; 2]), Vec<usize>, FixedState> = HashMap::default();
    let mut clusters: Vec<Cluster<'_>> = Vec::new();
    for at in order {
        let row = &rows[at];
        let first = |at: usize| row.words.get(at).map_or("", |word| lead(word));
        let bucket = buckets.entry((row.level, row.words.len(), [first(0), first(1)])).or_default();
        let mut best: Option<(usize, usize)> = None;
        let mut closed = None;
        for known in bucket.iter().take(COMPARED) {
            let closed = closed.get_or_insert_with(|| holes.closed(row));
            let Some(equal) = alike(&clusters[*known].words, &row.words, closed) else { continue };
            if best.is_none_or(|(most, _)| equal > most) {
                best = Some((equal, *known));
            }
        }
        if let Some((_, known)) = best {
            clusters[known].add(at, row);
        } else {
            bucket.push(clusters.len());
            clusters.push(Cluster::new(at, row));
        }
    }
    templates(shapes, &rows, clusters)
}

/// What a word at the beginning of a shape must share: its name, if it is a value with a name; any value is alike.
fn lead(word: &str) -> &str {
    match name(word) {
        Some(name) => name,
        None if word.contains(MARK) => SHOWN,
        None => word,
    }
}

/// A shape without what may be missing from it: parentheses around a value alone.
struct Row<'s> {
    level: Level,
    words: Vec<&'s str>,
    count: u64,
    shapes: Vec<usize>,
}

fn rows<'s>(shapes: &[Shape<'s>]) -> Vec<Row<'s>> {
    type Counted = (u64, Vec<usize>);
    let mut rows: BTreeMap<(Level, Vec<&str>), Counted> = BTreeMap::new();
    for (at, shape) in shapes.iter().enumerate() {
        let words = shape.text.split(' ').filter(|word| !is_aside(word)).collect();
        let row = rows.entry((shape.level, words)).or_default();
        row.0 += shape.count;
        row.1.push(at);
    }
    rows.into_iter().map(|((level, words), (count, shapes))| Row { level, words, count, shapes }).collect()
}

/// Whether a word is a value in parentheses, or an empty pair of them.
fn is_aside(word: &str) -> bool {
    let Some(inner) = word.trim_end_matches([',', ';', '.']).strip_prefix('(') else { return false };
    let Some(inner) = inner.strip_suffix(')') else { return false };
    inner.is_empty() || (inner.contains(MARK) && !inner.contains(['=', '(', ')']))
}

/// The words seen in each place of a shape, all else being equal.
struct Holes(HashMap<u64, Hole, FixedState>);

#[derive(Default)]
struct Hole {
    /// By hash: the few that tell whether the set is closed.
    words: Vec<u64>,
    count: u64,
}

impl Holes {
    fn new(rows: &[Row<'_>]) -> Holes {
        let mut holes = Holes(HashMap::default());
        for row in rows {
            for (at, word, key) in keys(row) {
                if is_word(word) && !(at > 0 && words::names_follow(row.words[at - 1])) {
                    let hole = holes.0.entry(key).or_default();
                    hole.count += row.count;
                    let word = hash(word);
                    if hole.words.len() <= CLOSED && !hole.words.contains(&word) {
                        hole.words.push(word);
                    }
                }
            }
        }
        holes
    }

    /// For each word of a shape, whether it is of a closed set.
    fn closed(&self, row: &Row<'_>) -> Vec<bool> {
        let is_closed = |hole: &Hole| {
            (2..=CLOSED).contains(&hole.words.len()) && hole.count >= OFTEN * hole.words.len() as u64
        };
        keys(row)
            .map(|(at, word, key)| {
                is_word(word)
                    && !(at > 0 && words::names_follow(row.words[at - 1]))
                    && self.0.get(&key).is_some_and(is_closed)
            })
            .collect()
    }
}

/// Each word of a shape with a key for its place between the others. Words with a mask are all alike there.
fn keys<'r>(row: &'r Row<'_>) -> impl Iterator<Item = (usize, &'r str, u64)> {
    let of = |word: &str| if word.contains(MARK) { 1 } else { hash(word) };
    // A sum is quick to take one word out of; the place makes each term its own.
    let term = move |at: usize, word: &str| hash_pair(at as u64, of(word));
    let whole = row.words.iter().enumerate().map(|(at, word)| term(at, word)).fold(0_u64, u64::wrapping_add);
    let whole = whole.wrapping_add(hash_pair(row.words.len() as u64, row.level as u64));
    row.words
        .iter()
        .enumerate()
        .map(move |(at, word)| (at, *word, hash_pair(whole.wrapping_sub(term(at, word)), at as u64)))
}

fn hash(word: &str) -> u64 {
    std::hash::BuildHasher::hash_one(&FixedState::default(), word)
}

fn hash_pair(first: u64, second: u64) -> u64 {
    std::hash::BuildHasher::hash_one(&FixedState::default(), (first, second))
}

/// Whether a word can be of a closed set: it has no mask, or is a name with a number behind it.
fn is_word(word: &str) -> bool {
    match word.strip_suffix(MARK) {
        Some(name) => name.len() > 2 && name.bytes().all(|byte| byte.is_ascii_alphabetic()),
        None => !word.contains(MARK),
    }
}

/// Shapes found to be one message.
struct Cluster<'s> {
    words: Vec<Word<'s>>,
    rows: Vec<usize>,
    count: u64,
}

/// A word of a template.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Word<'s> {
    Same(&'s str),
    /// `name=` or `name:` with a value that varies.
    Named(&'s str),
    Varies,
}

impl<'s> Cluster<'s> {
    fn new(at: usize, row: &Row<'s>) -> Cluster<'s> {
        let words = row.words.iter().map(|word| Word::Same(word)).collect();
        Cluster { words, rows: vec![at], count: row.count }
    }

    fn add(&mut self, at: usize, row: &Row<'s>) {
        for (mine, word) in self.words.iter_mut().zip(&row.words) {
            *mine = match *mine {
                Word::Same(same) if same == *word => continue,
                Word::Same(same) => match name(same) {
                    Some(known) if name(word) == Some(known) => Word::Named(known),
                    _ => Word::Varies,
                },
                Word::Named(known) if name(word) == Some(known) => continue,
                Word::Named(_) | Word::Varies => Word::Varies,
            };
        }
        self.rows.push(at);
        self.count += row.count;
    }

    fn shown(&self) -> String {
        let mut text = String::new();
        for word in &self.words {
            if !text.is_empty() {
                text.push(' ');
            }
            match word {
                Word::Same(same) => text.push_str(&super::shown(same)),
                Word::Named(name) => text.extend([*name, SHOWN]),
                Word::Varies => text.push_str(SHOWN),
            }
        }
        text
    }
}

/// `tag=` of `tag="x"`, brackets before it included.
fn name(word: &str) -> Option<&str> {
    let open = word.len() - word.trim_start_matches(['(', '[', '{']).len();
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let end = open + word[open..].find(|c| !is_name(c))?;
    let begins = word[open..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    (begins && word[end..].starts_with(['=', ':']) && word.len() > end + 1).then(|| &word[..=end])
}

/// How many words are equal, if a shape may join a template.
fn alike(known: &[Word<'_>], words: &[&str], closed: &[bool]) -> Option<usize> {
    let (mut equal, mut named, mut differ) = (0, 0, 0);
    for ((mine, word), closed) in known.iter().zip(words).zip(closed) {
        let (text, named_by) = match *mine {
            Word::Same(same) if same == *word => {
                equal += 1;
                continue;
            }
            Word::Same(same) => (same, name(same)),
            Word::Named(known) => (known, Some(known)),
            Word::Varies => ("", None),
        };
        if *closed || opposite(text, word) {
            return None;
        }
        let value = |word: &str| word.len() == 1 && word.contains(MARK);
        if named_by.is_some() && name(word) == named_by {
            named += 1;
        } else if text.is_empty() || value(text) || value(word) {
            // Whatever stands there is a value.
        } else {
            let masked = matches!(mine, Word::Named(_)) || text.contains(MARK);
            differ += usize::from(!(masked && word.contains(MARK)));
        }
    }
    let share = |equal: usize| equal as f64 >= words.len() as f64 * ALIKE;
    let joins = (differ == 0 && share(equal + named)) || (differ <= 1 && share(equal));
    joins.then_some(equal)
}

/// Whether one of two words has an outcome in it that the other has not.
fn opposite(first: &str, second: &str) -> bool {
    let outcomes = |word: &str| -> Vec<String> {
        let parts = word.split(|c: char| !c.is_ascii_alphabetic()).filter(|part| words::is_outcome(part));
        let mut found: Vec<String> = parts.map(str::to_ascii_lowercase).collect();
        found.sort_unstable();
        found.dedup();
        found
    };
    outcomes(first) != outcomes(second)
}

fn templates(shapes: &[Shape<'_>], rows: &[Row<'_>], clusters: Vec<Cluster<'_>>) -> Vec<Template> {
    // Two clusters may end up with one text: they are one template.
    let mut by_text: BTreeMap<(Level, String), (u64, Vec<usize>)> = BTreeMap::new();
    for cluster in clusters {
        let level = shapes[rows[cluster.rows[0]].shapes[0]].level;
        let template = by_text.entry((level, cluster.shown())).or_default();
        template.0 += cluster.count;
        template.1.extend(cluster.rows.iter().flat_map(|row| rows[*row].shapes.iter().copied()));
    }
    let mut templates: Vec<Template> = by_text
        .into_iter()
        .map(|((level, text), (count, mut shapes))| {
            shapes.sort_unstable();
            Template { id: id(level, &text), level, text, count, shapes }
        })
        .collect();
    templates.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| (a.level, &a.text).cmp(&(b.level, &b.text))));
    templates
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::Miner;
    use super::*;

    /// Templates of messages that were seen so often, as `count text`.
    fn texts(messages: &[(&str, u64)]) -> Vec<String> {
        let mut miner = Miner::default();
        let shapes: Vec<(String, u64)> =
            messages.iter().map(|(message, count)| (miner.shape(message).to_owned(), *count)).collect();
        let listed: Vec<Shape<'_>> =
            shapes.iter().map(|(text, count)| Shape { level: Level::Info, text, count: *count }).collect();
        merge(&listed).iter().map(|template| format!("{} {}", template.count, template.text)).collect()
    }

    #[test]
    fn words_that_vary_are_masked() {
        let users = [("session of user anna closed by peer", 40), ("session of user bob closed by peer", 9)];
        assert_eq!(texts(&users), ["49 session of user <*> closed by peer"]);
        let keyed = [("lock=1 tag=a name=x", 3), ("lock=2 tag=b name=y", 2)];
        assert_eq!(texts(&keyed), ["5 lock=<*> tag=<*> name=<*>"]);
        let aside = [("sent 5 bytes (1 KB) to a", 3), ("sent 5 bytes to a", 2), ("sent 5 bytes () to a", 2)];
        assert_eq!(texts(&aside), ["7 sent <*> bytes to a"]);
    }

    #[test]
    fn what_a_message_says_is_not() {
        for pair in [
            [("the link to the peer is up now", 2), ("the link to the peer is down now", 1)],
            [("through the proxy at 1 over HTTPS", 900), ("through the proxy at 1 over SOCKS5", 2)],
            [("ready=true mode=a", 2), ("ready=false mode=a", 1)],
            [("a b c d e", 2), ("a b c d e f", 1)],
        ] {
            assert_eq!(texts(&pair).len(), 2, "{pair:?}");
        }
        let shape = |level| Shape { level, text: "same words", count: 1 };
        let templates = merge(&[shape(Level::Info), shape(Level::Error)]);
        assert_eq!(templates.len(), 2);
        assert_ne!(templates[0].id, templates[1].id);
    }

    proptest! {
        #[test]
        fn order_changes_nothing(
            messages in prop::collection::vec(("[ab]{1,2} [xy]=[ab] [0-9c]{1,2}( ok| fail| \\([0-9]\\))?", 1..90_u64), 1..30),
            turn in any::<prop::sample::Index>(),
        ) {
            let mut messages: Vec<(&str, u64)> = messages.iter().map(|(text, count)| (text.as_str(), *count)).collect();
            let before = texts(&messages);
            let at = turn.index(messages.len());
            messages.rotate_left(at);
            prop_assert_eq!(texts(&messages), before);
        }
    }
}
