//! The one place that maps a file into memory.
#![allow(unsafe_code)]

use std::{
    fs::File,
    io,
    path::Path,
    time::{Duration, SystemTime},
};

use memmap2::Mmap;

/// A file untouched for this long is not being written: no logger and no dump pauses for an hour in mid-file.
const SETTLED_FOR: Duration = Duration::from_secs(3600);

/// Maps a file that nobody writes any more; `None` where it may still change, and then it is read instead.
///
/// # Errors
///
/// What the operating system says.
pub(super) fn map_settled(path: &Path) -> io::Result<Option<Mmap>> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    let settled =
        metadata.modified().ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
    if metadata.len() == 0 || settled.is_none_or(|age| age < SETTLED_FOR) {
        return Ok(None);
    }
    // SAFETY: a map is unsound only if the file changes under it: writes would change bytes behind a shared
    // reference, truncation would raise SIGBUS. The map is private and read-only; the file was last modified an
    // hour ago or longer, so it has no writer at work; and the map lives for one citation pass of a few
    // milliseconds, whose bytes are copied out before anything is concluded from them.
    let map = unsafe { Mmap::map(&file)? };
    Ok(Some(map))
}
