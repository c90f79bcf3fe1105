//! `coroner diff`: what is new, worse, better or gone between two reports, two sets of evidence or two days of a state.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Args as ClapArgs;

use crate::{
    cli::{Exit, args::TraceFormat, commands::analyze, plan, stored},
    engine::{self, History, Plan, Progress},
    ingest,
    model::report::{NewsState, Report},
    report::printable,
};

use super::report::Kept;

#[derive(Debug, ClapArgs)]
pub(crate) struct Diff {
    /// A report in JSON, a folder that holds a report.json, or evidence; with --state a day, as 2026-11-23
    #[arg(value_name = "OLD")]
    old: String,

    /// The same of a later time
    #[arg(value_name = "NEW")]
    new: String,

    /// The folder that `analyze --state` keeps: compare two of its days
    #[arg(long = "state", value_name = "DIR")]
    folder: Option<PathBuf>,

    /// What goes on as before, too
    #[arg(long)]
    all: bool,

    /// For a person or for a program
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    format: TraceFormat,

    /// A folder of pattern packs that adds to or overrides the built-in ones
    #[arg(short, long, value_name = "DIR", env = "CORONER_PATTERNS")]
    patterns: Option<PathBuf>,
}

pub(crate) fn run(args: &Diff) -> anyhow::Result<Exit> {
    let plan = plan::plain(plan::data(args.patterns.as_deref())?)?;
    let pool = analyze::pool(plan.threads)?;
    let (old, new) = match &args.folder {
        Some(folder) => {
            let kept = Kept::read(plan, folder)?;
            (kept.day(&args.old)?, kept.day(&args.new)?)
        }
        None => pool.install(|| {
            anyhow::Ok((report(&plan, Path::new(&args.old))?, report(&plan, Path::new(&args.new))?))
        })?,
    };
    let mut standing = History::difference(&old, &new);
    standing.retain(|one| args.all || one.state != NewsState::Persisting);
    standing.sort_by(|a, b| (a.state, &a.what, &a.id).cmp(&(b.state, &b.what, &b.id)));
    if let TraceFormat::Json = args.format {
        println!("{}", serde_json::to_string_pretty(&standing)?);
        return Ok(Exit::Success);
    }
    for one in &standing {
        println!("{:<10}  {:<8}  {:<14}  {}", one.state.name(), one.what, one.id, printable(&one.title));
    }
    if standing.is_empty() {
        println!("nothing is new, worse, better or gone");
    }
    Ok(Exit::Success)
}

/// A report as it was written, or one of evidence.
fn report(plan: &Plan, path: &Path) -> anyhow::Result<Report> {
    if let Some(report) = stored::found(path)? {
        return Ok(report);
    }
    let found = ingest::walk(&[path.display().to_string()])?;
    if found.evidence.is_empty() {
        bail!("{}: neither a report nor evidence", path.display());
    }
    let partial = engine::scan(plan, &found, &Progress::default())?;
    engine::conclude(plan, &found, partial).with_context(|| path.display().to_string())
}
