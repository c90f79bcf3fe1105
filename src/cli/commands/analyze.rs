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
    let plan = plan::plan(args, scope)?;
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
    let partial = {
        let _shown = progress::show(&progress, &found, args.quiet);
        pool.install(|| engine::scan(&plan, &found, &progress))?
    };
    let report = pool.install(|| engine::conclude(&plan, &found, partial));
    for output in &outputs {
        output.write(&report, args.color)?;
    }
    // Where no person reads the report, its verdict still belongs on the terminal.
    if !args.quiet
        && !outputs.iter().any(output::Output::is_for_terminal)
        && report.verdict.status == Status::Incomplete
    {
        for reason in &report.verdict.incomplete {
            eprintln!("coroner: incomplete: {reason}");
        }
    }
    Ok(exit(args, &report))
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
