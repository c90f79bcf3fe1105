//! `coroner baseline`: what is normal here and so no news, with a reason and an owner.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use clap::{Args as ClapArgs, Subcommand};

use crate::{
    cli::{
        Exit,
        baseline::{Accepted, Entry},
        state::StateFolder,
    },
    engine::{History, Memory, Reported},
    model::settings,
    report::printable,
};

#[derive(Debug, ClapArgs)]
pub(crate) struct Baseline {
    #[command(flatten)]
    state: StateFolder,

    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Take what the last run reported for normal, with its count; more than twice as many a night is worse
    Accept {
        /// Ids of findings, incidents, patterns and templates, or kinds [default: all that the last run reported]
        #[arg(value_name = "ID|KIND")]
        what: Vec<String>,

        /// Why it is normal
        #[arg(long)]
        reason: String,

        /// Who says so
        #[arg(long)]
        owner: String,
    },
    /// Everything that was accepted
    List,
    /// Forget what no run has seen for so long, or ever
    Prune {
        #[arg(long, value_name = "DURATION", default_value = "35d")]
        keep: String,
    },
}

pub(crate) fn run(args: &Baseline) -> anyhow::Result<Exit> {
    let (folder, _lock) = args.state.existing()?;
    let within = || folder.path().display().to_string();
    let mut accepted = Accepted::load(folder.path())?;
    let history = || -> anyhow::Result<History> {
        let records = folder.read().with_context(within)?.unwrap_or_default();
        // Nothing is read, so it is the same how facts would be made.
        Ok(Memory::load(&records, "").with_context(within)?.history)
    };
    match &args.action {
        Action::Accept { what, reason, owner } => {
            let entries = accept(&history()?, what, reason, owner)?;
            println!("{} accepted", entries.len());
            for entry in entries {
                accepted.add(entry);
            }
            accepted.save(folder.path())?;
        }
        Action::List => accepted.all.iter().for_each(print),
        Action::Prune { keep } => {
            let keep = settings::duration(keep).context("--keep")?;
            let before = accepted.all.len();
            prune(&mut accepted, &history()?, keep);
            accepted.save(folder.path())?;
            println!("{} forgotten", before - accepted.all.len());
        }
    }
    Ok(Exit::Success)
}

/// What the last run reported of these ids and kinds, or all of it.
fn accept(history: &History, what: &[String], reason: &str, owner: &str) -> anyhow::Result<Vec<Entry>> {
    let mut reported = history.reported();
    reported.retain(|told| told.is_of_last_run);
    for name in what {
        if !reported.iter().any(|told| told.is(name)) {
            bail!("{name}: the last run reported no such id or kind");
        }
    }
    let wanted = |told: &&Reported<'_>| what.is_empty() || what.iter().any(|name| told.is(name));
    let entry = |told: &Reported<'_>| Entry {
        what: told.what.to_owned(),
        id: told.id.to_owned(),
        title: told.title.to_owned(),
        count: told.count,
        reason: reason.to_owned(),
        owner: owner.to_owned(),
        at: history.newest(),
    };
    Ok(reported.iter().filter(wanted).map(entry).collect())
}

fn print(entry: &Entry) {
    let Entry { what, id, title, count, reason, owner, .. } = entry;
    println!("{}", printable(&format!("{what:<8}  {id:<14}  {count} a night  {title}  {owner}: {reason}")));
}

/// Leaves out what is no longer known, and what the evidence went on without for so many microseconds.
fn prune(accepted: &mut Accepted, history: &History, keep: i64) {
    let oldest = history.newest().map(|newest| newest.plus(-keep));
    let reported = history.reported();
    let seen: BTreeMap<_, _> = reported.iter().map(|told| ((told.what, told.id), told.seen_at)).collect();
    accepted.all.retain(|entry| match seen.get(&(entry.what.as_str(), entry.id.as_str())) {
        Some(Some(seen_at)) => Some(*seen_at) >= oldest,
        // In evidence without times.
        Some(None) => true,
        None => false,
    });
}
