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
        args::Analyze,
        deliver::Delivery,
        plan::{self, NothingToRead},
        progress,
        redaction::{self, Redaction},
    },
    engine::{self, Baseline, Plan, Progress, Scope},
    ingest,
    model::report::{Report, SCHEMA_VERSION},
};

/// Which of the two commands runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Everything,
    Stores,
}

pub(crate) fn run(args: &Analyze, what: What) -> anyhow::Result<Exit> {
    let delivery = Delivery::decide(&args.output, &args.text, &args.gate, redaction(args)?)?;
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
        let _shown = progress::show(&progress, &found, args.output.quiet);
        pool.install(|| engine::scan(plan, &found, &progress))
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
    let report = pool.install(|| engine::conclude_against(&plan, &found, partial, baseline))?;
    if report.ledger.evidence.iter().all(|row| row.bytes == 0) && report.verdict.incomplete.is_empty() {
        return Err(NothingToRead(args.evidence.join(", ")).into());
    }
    delivery.deliver(report)
}

fn redaction(args: &Analyze) -> anyhow::Result<Option<Redaction>> {
    redaction::redaction(&args.redaction, &plan::files(args.patterns.as_deref())?)
}

/// Reads what to compare with: a report where there is one, or else evidence.
fn baseline(plan: &Plan, path: &Path, progress: &Progress) -> anyhow::Result<Baseline> {
    let within = || format!("{}: no baseline", path.display());
    let inside = path.join("report.json");
    let file = if inside.is_file() { &inside } else { path };
    if file.is_file() && file.extension().is_some_and(|extension| extension == "json") {
        let bytes = fs::read(file).with_context(within)?;
        // A log may be called .json as well.
        match serde_json::from_slice::<Report>(&bytes) {
            Ok(report) if report.schema_version == SCHEMA_VERSION => {
                return Ok(Baseline::Report(Box::new(report)));
            }
            Ok(report) => bail!("{}: a report of version {}", file.display(), report.schema_version),
            Err(_) => {}
        }
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
