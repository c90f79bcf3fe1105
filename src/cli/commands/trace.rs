//! `coroner trace`: one command or request, by any of its ids.

use std::{
    io::{self, Write},
    sync::Arc,
};

use anyhow::Context;
use serde::Serialize;

use crate::{
    cli::{
        Exit,
        args::{Trace, TraceFormat},
        output,
        plan::{self, NothingToRead},
    },
    engine::{self, PIECE_BYTES, Told},
    ingest,
    model::TraceEntry,
    report::{printable, waterfall},
};

#[derive(Serialize)]
struct Found<'a> {
    schema_version: &'static str,
    id: &'a str,
    traces: Vec<OneOf<'a>>,
}

#[derive(Serialize)]
struct OneOf<'a> {
    #[serde(flatten)]
    trace: &'a crate::model::Trace,
    log: &'a [TraceEntry],
}

pub(crate) fn run(args: &Trace) -> anyhow::Result<Exit> {
    let lexicon = Arc::new(plan::lexicon(args.patterns.as_deref())?);
    let found = ingest::walk(&args.evidence).context("no such evidence")?;
    if found.evidence.is_empty() {
        return Err(NothingToRead(args.evidence.join(", ")).into());
    }
    let pool = rayon::ThreadPoolBuilder::new()
        .num_threads(plan::threads(args.threads)?)
        .build()
        .context("threads cannot be started")?;
    let told = pool.install(|| engine::find(&lexicon, PIECE_BYTES, &found, args.id.trim()));
    if told.is_empty() {
        eprintln!("coroner: no entry carries {}", printable(&args.id));
        return Ok(Exit::Nothing);
    }
    let mut out = io::BufWriter::new(anstream::AutoStream::auto(io::stdout().lock()));
    match args.format {
        TraceFormat::Json => json(args, &told, &mut out)?,
        TraceFormat::Text => {
            let width = output::columns(args.width);
            for (number, told) in told.iter().enumerate() {
                if number > 0 {
                    writeln!(out)?;
                }
                waterfall::whole(&told.trace, &told.entries, width, &mut out)?;
            }
        }
    }
    out.flush()?;
    Ok(Exit::Success)
}

fn json(args: &Trace, told: &[Told], out: &mut dyn Write) -> anyhow::Result<()> {
    let traces = told.iter().map(|told| OneOf { trace: &told.trace, log: &told.entries }).collect();
    let found = Found { schema_version: crate::model::report::SCHEMA_VERSION, id: &args.id, traces };
    serde_json::to_writer_pretty(&mut *out, &found).map_err(io::Error::from)?;
    Ok(writeln!(out)?)
}
