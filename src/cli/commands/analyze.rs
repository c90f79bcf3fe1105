//! `coroner analyze` and `coroner integrity`: one run over the evidence, as many reports as asked for.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
};

use anyhow::{Context, bail};

use crate::{
    cli::{
        Exit,
        args::Analyze,
        deliver::Delivery,
        plan::{self, NothingToRead},
        progress,
        redaction::{self, Redaction},
        state::{self, Kept, Night},
        stored,
    },
    engine::{self, Baseline, Plan, Progress, Scope},
    ingest,
};

/// Which of the two commands runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Everything,
    Stores,
}

pub(crate) fn run(args: &Analyze, what: What) -> anyhow::Result<Exit> {
    let mut delivery = Delivery::decide(&args.output, &args.text, &args.gate, redaction(args)?)?;
    let scope = match what {
        What::Everything => Scope::Everything,
        What::Stores => Scope::Stores,
    };
    let mut plan = plan::plan(args, scope)?;
    let mut found = ingest::walk(&args.evidence).context("no such evidence")?;
    args.state.leave_out(&mut found);
    if args.state.folder.is_some() && found.evidence.iter().any(|one| one.name == ingest::STDIN) {
        bail!("--state: what comes from standard input cannot be told from what was read before");
    }
    let night = Night::open(&args.state, &state::made_by(&plan, &plan::told(args)?))?;
    if found.evidence.is_empty() && night.as_ref().is_none_or(|night| night.memory.runs() == 0) {
        return Err(NothingToRead(args.evidence.join(", ")).into());
    }
    let pool = pool(plan.threads)?;
    let progress = Arc::new(Progress::default());
    stop_on_signal(&progress)?;
    let scan = |plan: &engine::Plan| {
        let _shown = progress::show(&progress, &found, args.output.quiet);
        let memory = night.as_ref().map(|night| &night.memory);
        pool.install(|| engine::scan_new(plan, &found, memory, &progress))
    };
    let mut partial = scan(&plan)?;
    if args.auto_clock {
        plan.clocks.find(&partial);
        if !plan.clocks.is_empty() {
            partial = scan(&plan)?;
        }
    }
    let baseline = match &args.baseline {
        Some(path) => pool.install(|| baseline(&plan, path, &progress))?,
        None => Baseline::None,
    };
    let (partial, mut kept) = pool.install(|| state::after(night, partial));
    let mut report = pool.install(|| engine::conclude_against(&plan, &found, partial, baseline))?;
    if report.ledger.evidence.iter().all(|row| row.bytes == 0) && report.verdict.incomplete.is_empty() {
        return Err(NothingToRead(args.evidence.join(", ")).into());
    }
    if let Some(kept) = &mut kept {
        kept.tell(&mut report);
    }
    let exit = delivery.deliver(report, || kept.as_ref().map_or(Ok(()), Kept::write))?;
    let is_empty = kept.as_ref().is_some_and(|kept| !kept.has_news());
    if is_empty && !args.output.quiet {
        eprintln!("coroner: nothing new: all of the evidence was read by earlier runs");
    }
    // Evidence that could not be read is not nothing.
    let empty = is_empty && args.state.fail_on_empty && exit != Exit::Incomplete;
    Ok(if empty { Exit::Nothing } else { exit })
}

fn redaction(args: &Analyze) -> anyhow::Result<Option<Redaction>> {
    redaction::redaction(&args.redaction, &plan::files(args.patterns.as_deref())?)
}

pub(crate) fn pool(threads: usize) -> anyhow::Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("threads cannot be started")
}

/// Reads what to compare with: a report where there is one, or else evidence.
fn baseline(plan: &Plan, path: &Path, progress: &Progress) -> anyhow::Result<Baseline> {
    let within = || format!("{}: no baseline", path.display());
    if let Some(report) = stored::found(path).with_context(within)? {
        return Ok(Baseline::Report(Box::new(report)));
    }
    let found = ingest::walk(&[path.display().to_string()]).with_context(within)?;
    if found.evidence.is_empty() {
        bail!("{}: no baseline: nothing to read", path.display());
    }
    Ok(Baseline::Evidence(engine::scan(plan, &found, progress)?))
}

fn stop_on_signal(progress: &Arc<Progress>) -> anyhow::Result<()> {
    let progress = Arc::clone(progress);
    ctrlc::set_handler(move || progress.stop.store(true, Ordering::Relaxed))
        .context("signals cannot be handled")
}
