//! What messages say when nobody has named them: their shapes, and the templates that shapes make together.
//!
//! ```text
//! message --mask, on every thread--> shape, counted --merge, once--> template with an id
//! ```
//!
//! A shape is the message with every part masked that looks like a value by itself: a number, an id, an address, a
//! path. That needs no other message, so shapes can be counted in any order by any thread. What looks like a word and
//! varies all the same (a user's name) shows only beside other shapes; one merge over all shapes, in an order that
//! depends on their counts and texts alone, masks those. The same messages make the same templates however they came.

mod mask;
mod merge;
mod words;

use std::hash::BuildHasher;

use foldhash::fast::FixedState;

use crate::model::{Level, MARK, SHOWN};

pub use merge::{Shape, Template, merge};

/// Messages remembered with their shapes, a power of two: loggers repeat themselves.
const MEMO: usize = 512;
/// Longest message remembered.
const MEMO_TEXT: usize = 512;

/// Makes shapes of messages, for one thread.
#[derive(Debug)]
pub struct Miner {
    memo: Vec<Remembered>,
    hasher: FixedState,
    long: String,
}

#[derive(Clone, Debug, Default)]
struct Remembered {
    text: String,
    shape: String,
}

impl Default for Miner {
    fn default() -> Miner {
        let memo = vec![Remembered::default(); MEMO];
        Miner { memo, hasher: FixedState::default(), long: String::new() }
    }
}

impl Miner {
    /// The shape of a message; empty where it says nothing.
    pub fn shape(&mut self, message: &str) -> &str {
        if message.len() > MEMO_TEXT {
            mask::mask(message, &mut self.long);
            return &self.long;
        }
        let slot = self.hasher.hash_one(message) as usize & (MEMO - 1);
        let Remembered { text, shape } = &mut self.memo[slot];
        if text != message {
            text.clear();
            text.push_str(message);
            mask::mask(message, shape);
        }
        shape
    }
}

/// A template's id: of its text and level alone, so that it is the same every night.
fn id(level: Level, template: &str) -> String {
    let hash = blake3::hash(format!("{} {template}", level.name()).as_bytes());
    format!("t-{}", &hash.to_hex()[..16])
}

/// A shape or a template as people read it.
pub fn shown(shape: &str) -> String {
    shape.replace(MARK, SHOWN)
}
