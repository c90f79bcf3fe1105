//! Things that are no text, read as text that a format knows: archives of `pg_dump`, `SQLite` databases, the folders of
//! a file store.

use std::{
    io::{self, Read},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{pg_archive::PgArchive, sqlite::Sqlite};

/// What was wrong with something that a renderer read: offset in the rendered text, and a sentence with the place in
/// the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    pub byte: u64,
    pub why: String,
}

/// Rendered text of something that is no text.
pub(super) trait Render: Read + Send {
    /// What was rendered, as the ledger calls it.
    fn format(&self) -> &'static str;

    /// Notes for the ledger; may grow until the text has been read to its end.
    fn about(&self) -> Vec<String>;

    /// How it packs what it holds.
    fn compression(&self) -> Option<&'static str>;

    /// Complete once read to the end.
    fn damage(&mut self) -> Vec<Damage>;
}

/// A renderer that is read at one place and asked at another.
#[derive(Clone)]
pub(super) struct Rendering(Arc<Mutex<Box<dyn Render>>>);

impl Rendering {
    pub(super) fn new(render: Box<dyn Render>) -> Rendering {
        Rendering(Arc::new(Mutex::new(render)))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Box<dyn Render>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read for Rendering {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.lock().read(buffer)
    }
}

impl Render for PgArchive {
    fn format(&self) -> &'static str {
        PgArchive::format(self)
    }

    fn about(&self) -> Vec<String> {
        vec![PgArchive::about(self)]
    }

    fn compression(&self) -> Option<&'static str> {
        Some(PgArchive::compression(self)).filter(|name| *name != "none")
    }

    fn damage(&mut self) -> Vec<Damage> {
        let known = PgArchive::damage(self);
        known.iter().map(|damage| Damage { byte: damage.byte, why: damage.why.clone() }).collect()
    }
}

impl Render for Sqlite {
    fn format(&self) -> &'static str {
        "sqlite"
    }

    fn about(&self) -> Vec<String> {
        self.notes().to_vec()
    }

    fn compression(&self) -> Option<&'static str> {
        None
    }

    fn damage(&mut self) -> Vec<Damage> {
        let known = Sqlite::damage(self);
        known.into_iter().map(|damage| Damage { byte: damage.byte, why: damage.why }).collect()
    }
}
