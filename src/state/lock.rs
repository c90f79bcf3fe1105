//! One run at a time. The lock is the operating system's: whoever dies lets go of it.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read as _, Seek as _, Write as _},
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// Held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Another run holds the lock, or it cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum Locked {
    #[error("another run{holder} uses this state; --lock-wait waits for it")]
    Held { holder: String },
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// How often a held lock is asked for again.
const AGAIN: Duration = Duration::from_millis(50);

impl Lock {
    /// Takes the lock of a folder, waiting for it at most so long.
    ///
    /// # Errors
    ///
    /// Where another run still has it, or the folder cannot be written to.
    pub fn take(folder: &Path, wait: Duration) -> Result<Lock, Locked> {
        let path = folder.join("lock");
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let since = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(err)) => return Err(err.into()),
                Err(TryLockError::WouldBlock) if since.elapsed() < wait => thread::sleep(AGAIN),
                Err(TryLockError::WouldBlock) => return Err(Locked::Held { holder: holder(&mut file) }),
            }
        }
        // For whoever finds it held; nobody depends on it.
        let _ = file.set_len(0).and_then(|()| write!(file, "{}", std::process::id()));
        Ok(Lock { _file: file })
    }
}

/// ` (process 123)`, where the file says so.
fn holder(file: &mut File) -> String {
    let mut said = String::new();
    let read = file.rewind().and_then(|()| file.take(20).read_to_string(&mut said));
    match said.trim().parse::<u32>() {
        Ok(process) if read.is_ok() => format!(" (process {process})"),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = Lock::take(dir.path(), Duration::ZERO).expect("free");
        let held = Lock::take(dir.path(), Duration::ZERO);
        let own = format!("(process {})", std::process::id());
        assert!(
            matches!(&held, Err(Locked::Held { holder }) if holder.contains(&own)),
            "{held:?} names the holder"
        );
        let folder = dir.path().to_owned();
        let waiting = thread::spawn(move || Lock::take(&folder, Duration::from_secs(60)).is_ok());
        thread::sleep(2 * AGAIN);
        drop(first);
        assert!(waiting.join().expect("no panic"), "who waits gets it");
        assert!(Lock::take(dir.path(), Duration::ZERO).is_ok());
    }

    #[test]
    fn of_twenty_that_start_at_once_exactly_one_runs() {
        let dir = tempfile::tempdir().expect("a folder");
        for round in 0..100 {
            let start = std::sync::Barrier::new(20);
            let took = thread::scope(|scope| {
                let one = || {
                    scope.spawn(|| {
                        start.wait();
                        let lock = Lock::take(dir.path(), Duration::ZERO);
                        // Who has it keeps it until all have tried.
                        start.wait();
                        lock.is_ok()
                    })
                };
                let all: Vec<_> = (0..20).map(|_| one()).collect();
                all.into_iter().filter_map(|one| one.join().ok()).filter(|took| *took).count()
            });
            assert_eq!(took, 1, "round {round}");
        }
    }
}
