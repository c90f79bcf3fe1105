//! Archives, read member after member. Nothing is unpacked to disk, so a member's path is only a name.

pub(super) mod tar;
pub(super) mod zip;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{layers::Stream, trouble::Trouble};

/// An archive that is read from its beginning to its end.
pub(super) trait Archive: Send {
    fn format(&self) -> &'static str;

    /// The next member. What was not read of the last one is passed by.
    fn next(&mut self) -> Option<Member>;
}

pub(super) struct Member {
    /// As the archive has it, with `/` between parts.
    pub(super) path: String,
    pub(super) inside: Inside,
}

/// What a member is.
pub(super) enum Inside {
    File {
        bytes: Stream,
        size: u64,
        trouble: Trouble,
    },
    Folder,
    /// It cannot be read, or is no file. With `missed` the report is incomplete without it.
    Passed {
        why: String,
        missed: bool,
    },
}

/// The members of an open archive: who reads one may find that it belongs to somebody else, and give it back.
#[derive(Clone)]
pub(super) struct Members(Arc<Mutex<State>>);

struct State {
    archive: Box<dyn Archive>,
    held: Option<Member>,
    files: u64,
    folders: u64,
}

impl Members {
    pub(super) fn new(archive: Box<dyn Archive>) -> Members {
        Members(Arc::new(Mutex::new(State { archive, held: None, files: 0, folders: 0 })))
    }

    pub(super) fn next(&self) -> Option<Member> {
        let mut state = self.lock();
        if let Some(held) = state.held.take() {
            return Some(held);
        }
        let mut member = state.archive.next()?;
        member.path = tidy(&member.path);
        match member.inside {
            Inside::Folder => state.folders += 1,
            Inside::File { .. } | Inside::Passed { .. } => state.files += 1,
        }
        Some(member)
    }

    /// Gives a member back, unread.
    pub(super) fn hold(&self, member: Member) {
        self.lock().held = Some(member);
    }

    pub(super) fn format(&self) -> &'static str {
        self.lock().archive.format()
    }

    /// How many there were, for people.
    pub(super) fn counted(&self) -> String {
        let state = self.lock();
        let one_or_more = |count, one| format!("{count} {one}{}", if count == 1 { "" } else { "s" });
        let members = one_or_more(state.files, "member");
        match state.folders {
            0 => members,
            folders => format!("{members}, {}", one_or_more(folders, "folder")),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A path without `./` in front of it, `//` inside and `/` at its end.
fn tidy(path: &str) -> String {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    parts.join("/")
}
