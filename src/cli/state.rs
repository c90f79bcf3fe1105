//! `--state`: what a run takes from the runs before it, and leaves to the next.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use anyhow::{Context, bail};
use clap::Args as ClapArgs;

use crate::{
    engine::{History, Memory, Normal, Partial, Plan},
    ingest::Found,
    model::{
        self, Timestamp,
        report::{Report, StateUsed},
    },
    state::{Folder, Lock, Record, Unread},
};

use super::{
    baseline::Accepted,
    suppress::{self, Rules},
};

#[derive(Debug, ClapArgs)]
pub(super) struct StateFlags {
    /// Keep there what was read, so that the next run reads only what is new; the report is of all that is kept
    #[arg(long = "state", value_name = "DIR", env = "CORONER_STATE", help_heading = "State")]
    pub(super) folder: Option<PathBuf>,

    /// How long to wait for another run that uses the same state
    #[arg(long, value_name = "DURATION", default_value = "0s", help_heading = "State")]
    pub(super) lock_wait: String,

    /// Forget hours that are older than this, counted from the newest
    #[arg(
        long,
        value_name = "DURATION",
        default_value = "35d",
        env = "CORONER_KEEP",
        help_heading = "State"
    )]
    pub(super) keep: String,

    /// Report what is new, worse or back, and leave out what is known
    #[arg(long, requires = "folder", help_heading = "State")]
    pub(super) new_only: bool,

    /// Exit with 4 if there is nothing that no earlier run has read
    #[arg(long, requires = "folder", help_heading = "State")]
    pub(super) fail_on_empty: bool,
}

impl StateFlags {
    /// The state is no evidence, where it lies among it.
    pub(super) fn leave_out(&self, found: &mut Found) {
        let Some(state) = self.folder.as_ref().and_then(|folder| folder.canonicalize().ok()) else { return };
        let is_state = |path: &Path| path.canonicalize().is_ok_and(|path| path.starts_with(&state));
        found.evidence.retain(|evidence| !is_state(&evidence.path));
        found.passed_over.retain(|passed| !is_state(&passed.evidence.path));
    }
}

/// The state of a command that reads no evidence.
#[derive(Debug, ClapArgs)]
pub(super) struct StateFolder {
    /// The folder that `--state` names
    #[arg(
        long = "state",
        value_name = "DIR",
        env = "CORONER_STATE",
        global = true,
        default_value = ".coroner"
    )]
    folder: PathBuf,

    /// How long to wait for a run that uses the same state
    #[arg(long, value_name = "DURATION", default_value = "0s", global = true)]
    lock_wait: String,
}

impl StateFolder {
    /// The folder, made where there is none, and its lock.
    pub(super) fn open(&self) -> anyhow::Result<(Folder, Lock)> {
        let within = || self.folder.display().to_string();
        let folder = Folder::open(&self.folder).with_context(within)?;
        let lock = Lock::take(&self.folder, wait(&self.lock_wait)?).with_context(within)?;
        Ok((folder, lock))
    }

    /// The same of a folder that is there.
    pub(super) fn existing(&self) -> anyhow::Result<(Folder, Lock)> {
        if !self.folder.is_dir() {
            bail!("{}: no state is kept there", self.folder.display());
        }
        self.open()
    }
}

/// A run with a state: it holds the lock until it is dropped.
pub(super) struct Night {
    folder: Folder,
    lock: Lock,
    keep: i64,
    shows: Shows,
    rules: Rules,
    normal: Normal,
    pub(super) memory: Memory,
    notes: Vec<String>,
}

/// What is to be kept once the reports are out.
pub(super) struct Kept {
    folder: Folder,
    #[expect(dead_code, reason = "held until the state is written")]
    lock: Lock,
    records: Vec<Record>,
    history: History,
    used: StateUsed,
    shows: Shows,
    rules: Rules,
    normal: Normal,
}

/// What a report of many nights is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shows {
    Everything,
    News,
}

impl Night {
    /// Takes the lock and reads what is there; `None` without `--state`.
    pub(super) fn open(flags: &StateFlags, made_by: &str) -> anyhow::Result<Option<Night>> {
        let Some(path) = &flags.folder else { return Ok(None) };
        let within = || path.display().to_string();
        let keep = model::settings::duration(&flags.keep).context("--keep")?;
        let folder = Folder::open(path).with_context(within)?;
        let lock = Lock::take(path, wait(&flags.lock_wait)?).with_context(within)?;
        let shows = if flags.new_only { Shows::News } else { Shows::Everything };
        folder.sweep().with_context(within)?;
        let (rules, normal) = (Rules::load(path)?, Accepted::load(path)?.normal());
        let mut notes = Vec::new();
        let why = match folder.read() {
            Ok(records) => match Memory::load(&records.unwrap_or_default(), made_by) {
                Ok(memory) => {
                    return Ok(Some(Night { folder, lock, keep, shows, rules, normal, memory, notes }));
                }
                Err(why) => why.to_string(),
            },
            Err(Unread::Io(err)) => return Err(err).with_context(within),
            Err(why) => why.to_string(),
        };
        // What is there is not this coroner's to throw away, and no reason to do without a report.
        let aside = folder.set_aside().with_context(within)?;
        let note = format!("the state is {why}; it is kept as {}, and all was read anew", aside.display());
        eprintln!("coroner: {}", crate::report::printable(&note));
        notes.push(note);
        let memory = Memory::new(made_by);
        Ok(Some(Night { folder, lock, keep, shows, rules, normal, memory, notes }))
    }

    /// Puts what was known before what was read now. Returns all of it, for the report, and what is to be kept.
    fn after(self, partial: Partial) -> (Partial, Kept) {
        let Night { folder, lock, keep, shows, rules, normal, memory, notes } = self;
        let mut memory = memory.after(partial, now());
        memory.prune(keep);
        let records = memory.records();
        let used = StateUsed { notes, ..memory.used() };
        let history = std::mem::take(&mut memory.history);
        (memory.into_partial(), Kept { folder, lock, records, history, used, shows, rules, normal })
    }
}

impl Kept {
    /// Says in a report what the runs before knew of it.
    pub(super) fn tell(&mut self, report: &mut Report) {
        report.run.state = Some(self.used.clone());
        self.history.tell(report, &self.normal);
        if let Some(last) = self.records.last_mut() {
            *last = self.history.record();
        }
        if self.shows == Shows::News {
            only_news(report);
        }
        self.rules.apply(report);
    }

    /// Whether there was anything to read that no earlier run had.
    pub(super) fn has_news(&self) -> bool {
        self.used.new + self.used.continued > 0
    }

    /// Replaces the state; only once the reports are out, so that a run that is killed is simply run again.
    pub(super) fn write(&self) -> anyhow::Result<()> {
        self.folder
            .write(&self.records)
            .with_context(|| format!("{}: the state cannot be written", self.folder.path().display()))
    }
}

/// Leaves out what is known. What was left out is counted, and what went away stays among the states.
fn only_news(report: &mut Report) {
    let Some(used) = &mut report.run.state else { return };
    let news: BTreeSet<(&str, &str)> = used
        .standing
        .iter()
        .filter(|standing| standing.state.is_news())
        .map(|standing| (standing.what.as_str(), standing.id.as_str()))
        .collect();
    let known = report.findings.len() + report.incidents.len();
    report.incidents.retain(|incident| news.contains(&("incident", &incident.id)));
    // An incident that is news is told whole, whatever of it was there before.
    let told: BTreeSet<&str> = report.incidents.iter().map(|incident| incident.id.as_str()).collect();
    report.findings.retain(|finding| {
        news.contains(&("finding", &finding.id))
            || finding.incident.as_ref().is_some_and(|id| told.contains(id.as_str()))
    });
    report.patterns.retain(|seen| news.contains(&("pattern", &seen.id)));
    report.templates.retain(|seen| news.contains(&("template", &seen.id)));
    used.left_out = (known - report.findings.len() - report.incidents.len()) as u64;
    suppress::recount(report);
}

/// What was read, and with a state what was known before it.
pub(super) fn after(night: Option<Night>, read: Partial) -> (Partial, Option<Kept>) {
    let Some(night) = night else { return (read, None) };
    let (partial, kept) = night.after(read);
    (partial, Some(kept))
}

/// All that facts depend on besides the evidence; what was read in another way is read again.
pub(super) fn made_by(plan: &Plan, told: &[String]) -> String {
    let mut hasher = blake3::Hasher::new();
    let mut add = |text: &str| {
        hasher.update(&(text.len() as u64).to_le_bytes());
        hasher.update(text.as_bytes());
    };
    add(env!("CARGO_PKG_VERSION"));
    plan.packs.packs.iter().for_each(|pack| add(&pack.hash));
    for text in told {
        add(text);
    }
    add(&format!("{:?} {:?} {:?}", plan.scope, plan.compared, plan.hash));
    hasher.finalize().to_hex()[..16].to_owned()
}

fn wait(text: &str) -> anyhow::Result<Duration> {
    let micros = model::settings::duration(text).context("--lock-wait")?;
    Ok(Duration::from_micros(micros.unsigned_abs()))
}

/// For people who ask when a file was seen; no report depends on it.
fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
