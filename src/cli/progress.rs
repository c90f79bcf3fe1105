//! Progress on standard error: bytes, rate and time left, for runs that last. None where nobody watches.

use std::{
    io::{self, IsTerminal},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::{
    engine::Progress,
    ingest::{Evidence, Found},
};

/// Short runs show nothing.
const AFTER: Duration = Duration::from_millis(400);
const TICK: Duration = Duration::from_millis(100);

/// A bar that follows a run until it is dropped.
pub(super) struct Shown {
    done: Arc<AtomicBool>,
    watcher: Option<thread::JoinHandle<()>>,
}

/// Follows `progress` if a person is there to see it.
pub(super) fn show(progress: &Arc<Progress>, found: &Found, quiet: bool) -> Shown {
    let total: u64 = found.evidence.iter().map(Evidence::size).sum();
    progress.total.store(total, Ordering::Relaxed);
    let done = Arc::new(AtomicBool::new(false));
    let watcher = (!quiet && io::stderr().is_terminal()).then(|| {
        let (progress, done) = (Arc::clone(progress), Arc::clone(&done));
        thread::spawn(move || watch(&progress, &done))
    });
    Shown { done, watcher }
}

fn watch(progress: &Progress, done: &AtomicBool) {
    let mut waited = Duration::ZERO;
    while waited < AFTER {
        thread::sleep(TICK / 5);
        waited += TICK / 5;
        if done.load(Ordering::Relaxed) {
            return;
        }
    }
    let bar = ProgressBar::with_draw_target(
        Some(progress.total.load(Ordering::Relaxed)),
        ProgressDrawTarget::stderr(),
    );
    if let Ok(style) =
        ProgressStyle::with_template("reading {bar:30} {bytes} of {total_bytes}  {bytes_per_sec}  {eta} left")
    {
        bar.set_style(style);
    }
    while !done.load(Ordering::Relaxed) {
        bar.set_position(progress.read.load(Ordering::Relaxed));
        thread::sleep(TICK);
    }
    bar.finish_and_clear();
}

impl Drop for Shown {
    fn drop(&mut self) {
        self.done.store(true, Ordering::Relaxed);
        if let Some(watcher) = self.watcher.take() {
            // A watcher that panicked has drawn its last bar; the run does not depend on it.
            let _ = watcher.join();
        }
    }
}
