//! `coroner analyze` and `coroner integrity`: one run over the evidence, as many reports as asked for.

use std::{
    fs,
    path::Path,
    sync::{Arc, atomic::Ordering},
};

use anyhow::{Context, bail};

use crate::{
    cli::{
        Exit,
        args::{Analyze, ColorChoice},
        output, plan,
        plan::NothingToRead,
        progress, state,
        state::{Kept, Night},
    },
    engine::{self, Baseline, Plan, Progress, Scope},
    ingest,
    model::{
        Finding,
        report::{Report, SCHEMA_VERSION, Status},
    },
    report::Layout,
};

/// Which of the two commands runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Everything,
    Stores,
}

pub(crate) fn run(args: &Analyze, what: What) -> anyhow::Result<Exit> {
    let outputs = output::outputs(&args.output)?;
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
        let _shown = progress::show(&progress, &found, args.quiet);
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
    let out = write(&outputs, &report, args.color)?;
    kept.as_ref().map_or(Ok(()), Kept::write)?;
    if out == 0 {
        return Ok(Exit::Success);
    }
    let is_seen = outputs.iter().any(output::Output::is_for_terminal);
    if !args.quiet && !is_seen {
        say(&report);
    }
    let is_empty = kept.is_some_and(|kept| !kept.has_news());
    if is_empty && !args.quiet {
        eprintln!("coroner: nothing new: all of the evidence was read by earlier runs");
    }
    Ok(if is_empty && args.state.fail_on_empty { Exit::Nothing } else { exit(args, &report) })
}

pub(crate) fn pool(threads: usize) -> anyhow::Result<rayon::ThreadPool> {
    rayon::ThreadPoolBuilder::new().num_threads(threads).build().context("threads cannot be started")
}

/// Where no person reads the report, its verdict still belongs on the terminal.
fn say(report: &Report) {
    for reason in report.verdict.incomplete.iter().filter(|_| report.verdict.status == Status::Incomplete) {
        eprintln!("coroner: incomplete: {}", crate::report::printable(reason));
    }
}

/// A report that a path names, or that lies in the folder that it names; `None` where it is something else.
pub(crate) fn written(path: &Path) -> anyhow::Result<Option<Report>> {
    let inside = path.join("report.json");
    let file = if inside.is_file() { &inside } else { path };
    if !file.is_file() || file.extension().is_none_or(|extension| extension != "json") {
        return Ok(None);
    }
    let bytes = fs::read(file).with_context(|| file.display().to_string())?;
    // A log may be called .json as well.
    match serde_json::from_slice::<Report>(&bytes) {
        Ok(report) if report.schema_version == SCHEMA_VERSION => Ok(Some(report)),
        Ok(report) => bail!("{}: a report of version {}", file.display(), report.schema_version),
        Err(_) => Ok(None),
    }
}

/// Reads what to compare with: a report where there is one, or else evidence.
fn baseline(plan: &Plan, path: &Path, progress: &Progress) -> anyhow::Result<Baseline> {
    let within = || format!("{}: no baseline", path.display());
    if let Some(report) = written(path).with_context(within)? {
        return Ok(Baseline::Report(Box::new(report)));
    }
    let found = ingest::walk(&[path.display().to_string()]).with_context(within)?;
    if found.evidence.is_empty() {
        bail!("{}: no baseline: nothing to read", path.display());
    }
    Ok(Baseline::Evidence(engine::scan(plan, &found, progress)?))
}

/// Writes every report and returns how many found their reader. One that closes the pipe has seen enough of that
/// report: that is a quiet success, and the others are still wanted.
pub(crate) fn write(
    outputs: &[output::Output],
    report: &Report,
    color: ColorChoice,
) -> anyhow::Result<usize> {
    let mut written = 0;
    for output in outputs {
        let closed = |err: &anyhow::Error| {
            err.downcast_ref::<std::io::Error>()
                .is_some_and(|err| err.kind() == std::io::ErrorKind::BrokenPipe)
        };
        match output.write(report, &Layout::default(), color) {
            Err(err) if closed(&err) => {}
            Err(err) => return Err(err),
            Ok(()) => written += 1,
        }
    }
    Ok(written)
}

fn exit(args: &Analyze, report: &Report) -> Exit {
    let counts = |finding: &&Finding| {
        !args.state.fail_on_new || ["new", "recurring", "worse"].contains(&finding.state.as_str())
    };
    let at_or_above =
        |severity| report.findings.iter().filter(counts).any(|finding| finding.severity >= severity);
    if report.verdict.status == Status::Incomplete && !args.allow_partial {
        Exit::Incomplete
    } else if plan::fail_on(args).is_some_and(at_or_above) {
        Exit::Findings
    } else {
        Exit::Success
    }
}

fn stop_on_signal(progress: &Arc<Progress>) -> anyhow::Result<()> {
    let progress = Arc::clone(progress);
    ctrlc::set_handler(move || progress.stop.store(true, Ordering::Relaxed))
        .context("signals cannot be handled")
}
