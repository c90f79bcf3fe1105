//! What goes wrong while a stream is read, said by the layer that meets it.
//!
//! A source is read through many layers, and the one on top sees only that reading failed. So each layer says what it
//! knows in a place that all layers of a source share; the first to speak is the lowest, and knows best.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Ending;

/// What the layers of one source have said.
#[derive(Clone, Debug, Default)]
pub(super) struct Trouble(Arc<Mutex<Said>>);

#[derive(Debug, Default)]
struct Said {
    broken: Option<String>,
    notes: Vec<String>,
}

impl Trouble {
    /// The stream breaks off here. What layers above say of the same break is left out.
    pub(super) fn broken(&self, why: String) {
        self.lock().broken.get_or_insert(why);
    }

    /// Worth a note in the ledger; the source is whole.
    pub(super) fn note(&self, note: String) {
        let mut said = self.lock();
        if !said.notes.contains(&note) {
            said.notes.push(note);
        }
    }

    pub(super) fn is_broken(&self) -> bool {
        self.lock().broken.is_some()
    }

    pub(super) fn is_silent(&self) -> bool {
        let said = self.lock();
        said.broken.is_none() && said.notes.is_empty()
    }

    /// How the source ended.
    pub(super) fn ending(&self) -> Ending {
        let said = self.lock();
        match &said.broken {
            Some(why) => Ending::Broken([std::slice::from_ref(why), &said.notes].concat().join("; ")),
            None if said.notes.is_empty() => Ending::Whole,
            None => Ending::Noted(said.notes.join("; ")),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Said> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
