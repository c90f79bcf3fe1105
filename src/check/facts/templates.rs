//! What entries say that no pattern names, by the shape of the message.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::{
    fold::{Bins, FirstN, State},
    model::{Entry, Level, MARK, Window},
};

use super::{logs::Sample, names::Names};

/// Entries kept of each shape.
const SAMPLES: usize = 3;
/// Shapes told apart in one source. Beyond, all of them are masked harder: real systems write hundreds or a few
/// thousand, and a log that makes more has values in it that do not look like values.
const SHAPES: usize = 8192;
/// How hard shapes can be masked. At the last there is one for each level.
const HARDEST: u8 = 3;
/// Words that the hardest mask but one leaves.
const LEAD: usize = 2;
/// Longest word that is not taken for a value, once shapes are masked harder.
const LONG_WORD: usize = 20;

/// Messages by shape and level.
///
/// How hard they are masked is the least that makes them few enough, which depends on the messages alone and not on how
/// they were joined. Bound: `SHAPES` shapes, each with `SAMPLES` messages and 256 bins for each level.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TemplateFacts {
    /// How much harder than by their looks messages are masked: 0 for not at all.
    pub hardness: u8,
    texts: Names,
    /// By the number of the text, then by level, the first seen first.
    shapes: Vec<Vec<(Level, ShapeFacts)>>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ShapeFacts {
    pub count: u64,
    pub window: Window,
    pub samples: FirstN<Sample, SAMPLES>,
    pub bins: Bins,
}

impl TemplateFacts {
    /// Takes in an entry and the shape of its message.
    pub fn observe(&mut self, entry: &Entry<'_>, shape: &str) {
        let number = self.texts.intern(&self.text(shape)) as usize;
        let facts = self.at(number, entry.level);
        facts.count += 1;
        facts.samples.push_with(|| Sample::of(entry));
        if let Some(time) = entry.time {
            facts.window.add(time);
            facts.bins.add(time.0);
        }
        self.fit();
    }

    /// The place among [`TemplateFacts::shapes`] of a shape that was observed.
    pub fn find(&self, level: Level, shape: &str) -> Option<(u32, Level)> {
        let number = self.texts.find(&self.text(shape))?;
        Some((number, level))
    }

    /// All shapes, by number and level.
    pub fn shapes(&self) -> impl Iterator<Item = (u32, Level, &str, &ShapeFacts)> {
        (0..).zip(&self.shapes).flat_map(move |(number, levels)| {
            levels.iter().map(move |(level, facts)| (number, *level, self.texts.get(number), facts))
        })
    }

    pub fn is_empty(&self) -> bool {
        self.shapes.is_empty()
    }

    fn text<'s>(&self, shape: &'s str) -> Cow<'s, str> {
        match self.hardness {
            0 => Cow::Borrowed(shape),
            hardness => Cow::Owned(harder(shape, hardness)),
        }
    }

    fn at(&mut self, number: usize, level: Level) -> &mut ShapeFacts {
        if number == self.shapes.len() {
            self.shapes.push(Vec::new());
        }
        let levels = &mut self.shapes[number];
        let at = levels.iter().position(|(known, _)| *known == level).unwrap_or_else(|| {
            levels.push((level, ShapeFacts::default()));
            levels.len() - 1
        });
        &mut levels[at].1
    }

    fn fit(&mut self) {
        while self.shapes.len() > SHAPES && self.hardness < HARDEST {
            self.harden(self.hardness + 1);
        }
    }

    fn harden(&mut self, hardness: u8) {
        if hardness == self.hardness {
            return;
        }
        let before = std::mem::take(self);
        self.hardness = hardness;
        self.take_in(before);
    }

    /// Adds shapes that are masked as hard as these, or less hard.
    fn take_in(&mut self, next: TemplateFacts) {
        let TemplateFacts { hardness: _, texts, shapes } = next;
        for (number, levels) in (0..).zip(shapes) {
            let number = self.texts.intern(&self.text(texts.get(number))) as usize;
            for (level, facts) in levels {
                self.at(number, level).merge(facts);
            }
        }
    }
}

/// A shape with more masked. Masking a shape that was masked less hard before gives the same.
fn harder(shape: &str, hardness: u8) -> String {
    let is_value = |word: &str| {
        word.contains(MARK) || word.len() > LONG_WORD || !word.bytes().all(|byte| byte.is_ascii_alphabetic())
    };
    let mut words: Vec<&str> = Vec::new();
    let mark = MARK.to_string();
    for word in shape.split(' ') {
        let word = if is_value(word) { &mark } else { word };
        if word != mark || words.last() != Some(&word) {
            words.push(word);
        }
    }
    let kept = match hardness {
        0 | 1 => words.len(),
        2 => LEAD,
        _ => 0,
    };
    if kept < words.len() {
        words.truncate(kept);
        if words.last() != Some(&mark.as_str()) {
            words.push(&mark);
        }
    }
    words.join(" ")
}

impl State for TemplateFacts {
    fn merge(&mut self, next: Self) {
        self.harden(self.hardness.max(next.hardness));
        self.take_in(next);
        self.fit();
    }
}

impl State for ShapeFacts {
    fn merge(&mut self, next: Self) {
        let ShapeFacts { count, window, samples, bins } = next;
        self.count += count;
        self.window.join(&window);
        self.samples.merge(samples);
        self.bins.merge(bins);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        fold::laws,
        model::{Place, Timestamp},
    };

    fn observe(facts: &mut TemplateFacts, at: i64, level: Level, shape: &str) {
        let entry = Entry {
            place: Place::at_byte(at as u64),
            time: Some(Timestamp(at)),
            level,
            message: Some(shape.into()),
            error: None,
            fields: 0..0,
        };
        facts.observe(&entry, shape);
    }

    #[test]
    fn joins_like_one_run() {
        let entries = [
            (5, Level::Error, "a \u{1}"),
            (9, Level::Info, "a \u{1}"),
            (3, Level::Error, "b"),
            (7, Level::Error, "a \u{1}"),
        ];
        laws::hold::<TemplateFacts, _>(&entries, |facts, (at, level, shape)| {
            observe(facts, *at, *level, shape);
        });
    }

    #[test]
    fn too_many_shapes_are_masked_harder_however_they_are_joined() {
        let shapes: Vec<String> = (0..SHAPES + 500)
            .map(|at| format!("took name{at}x from a place"))
            .chain(["b".to_owned()])
            .collect();
        let fold = |range: std::ops::Range<usize>| {
            let mut facts = TemplateFacts::default();
            for at in range {
                observe(&mut facts, at as i64, Level::Info, &shapes[at]);
            }
            facts
        };
        let whole = fold(0..shapes.len());
        let texts: Vec<_> = whole.shapes().map(|(_, _, shape, facts)| (shape, facts.count)).collect();
        assert_eq!(
            (whole.hardness, texts),
            (1, vec![("took \u{1} from a place", SHAPES as u64 + 500), ("b", 1)])
        );
        for cut in [1, 300, SHAPES, SHAPES + 400] {
            let mut joined = fold(0..cut);
            joined.merge(fold(cut..shapes.len()));
            assert_eq!(joined, whole, "cut at {cut}");
        }
        let hard = harder("\u{1} took name1x name2x from", 2);
        assert_eq!((hard.as_str(), harder("a", 3).as_str()), ("\u{1} took \u{1}", "\u{1}"));
        assert_eq!(harder(&harder("one 2 3 four five", 1), 2), harder("one 2 3 four five", 2));
    }
}
