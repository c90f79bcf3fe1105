//! `coroner analyze` and `coroner integrity`: one run over the evidence, as many reports as asked for.

use std::sync::{Arc, atomic::Ordering};

use anyhow::Context;

use crate::{
    cli::{Exit, args::Analyze, output, plan, plan::NothingToRead, progress},
    engine::{self, Progress, Scope},
    ingest,
    model::report::{Report, Status},
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
    let found = ingest::walk(&args.evidence).context("no such evidence")?;
    if found.evidence.is_empty() {
        return Err(NothingToRead(args.evidence.join(", ")).into());
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(plan.threads)
        .build()
        .context("threads cannot be started")?;
    let progress = Arc::new(Progress::default());
    stop_on_signal(&progress)?;
    let scan = |plan: &engine::Plan| {
        let _shown = progress::show(&progress, &found, args.quiet);
        pool.install(|| engine::scan(plan, &found, &progress))
    };
    let mut partial = scan(&plan)?;
    if args.auto_clock {
        plan.clocks.find(&partial);
        if !plan.clocks.is_empty() {
            partial = scan(&plan)?;
        }
    }
    let report = pool.install(|| engine::conclude(&plan, &found, partial))?;
    if report.ledger.evidence.iter().all(|row| row.bytes == 0) && report.verdict.incomplete.is_empty() {
        return Err(NothingToRead(args.evidence.join(", ")).into());
    }
    if write(&outputs, &report, args)? == 0 {
        return Ok(Exit::Success);
    }
    // Where no person reads the report, its verdict still belongs on the terminal.
    if !args.quiet
        && !outputs.iter().any(output::Output::is_for_terminal)
        && report.verdict.status == Status::Incomplete
    {
        for reason in &report.verdict.incomplete {
            eprintln!("coroner: incomplete: {}", crate::report::printable(reason));
        }
    }
    Ok(exit(args, &report))
}

/// Writes every report and returns how many found their reader. One that closes the pipe has seen enough of that
/// report: that is a quiet success, and the others are still wanted.
fn write(outputs: &[output::Output], report: &Report, args: &Analyze) -> anyhow::Result<usize> {
    let mut written = 0;
    for output in outputs {
        let closed = |err: &anyhow::Error| {
            err.downcast_ref::<std::io::Error>()
                .is_some_and(|err| err.kind() == std::io::ErrorKind::BrokenPipe)
        };
        match output.write(report, args.color) {
            Err(err) if closed(&err) => {}
            Err(err) => return Err(err),
            Ok(()) => written += 1,
        }
    }
    Ok(written)
}

fn exit(args: &Analyze, report: &Report) -> Exit {
    let at_or_above = |severity| report.findings.iter().any(|finding| finding.severity >= severity);
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
