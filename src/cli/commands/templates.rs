//! `coroner templates`: what messages say, and which line says what.

use std::{
    io::{self, Write},
    path::Path,
    sync::Arc,
};

use anyhow::{Context, bail};
use serde::Serialize;

use crate::{
    cli::{
        Exit,
        args::{Templates, TraceFormat},
        output,
        plan::{self, NothingToRead},
    },
    decode::Lexicon,
    engine::{self, PIECE_BYTES},
    ingest::{self, Found},
    report::printable,
};

#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    level: &'a str,
    occurrences: u64,
    template: &'a str,
}

pub(crate) fn run(args: &Templates) -> anyhow::Result<Exit> {
    let lexicon = Arc::new(plan::lexicon(None)?);
    let found = ingest::walk(&args.evidence).context("no such evidence")?;
    if found.evidence.is_empty() {
        return Err(NothingToRead(args.evidence.join(", ")).into());
    }
    if args.assign.is_some() && found.evidence.len() > 1 {
        bail!("--assign numbers the lines of one file; {} were named", found.evidence.len());
    }
    let mined = engine::templates(&lexicon, PIECE_BYTES, &found);
    if mined.templates.is_empty() {
        eprintln!("coroner: {}: no log in it", printable(&args.evidence.join(", ")));
        return Ok(Exit::Nothing);
    }
    if let Some(path) = &args.assign {
        assign(&mined, &lexicon, &found, path)
            .with_context(|| format!("{}: cannot be written", path.display()))?;
    } else {
        list(&mined, args.format)?;
    }
    Ok(Exit::Success)
}

fn list(mined: &engine::Templates, format: TraceFormat) -> anyhow::Result<()> {
    let mut out = io::BufWriter::new(io::stdout().lock());
    let rows = mined.templates.iter().map(|template| Listed {
        id: &template.id,
        level: template.level.name(),
        occurrences: template.count,
        template: &template.text,
    });
    match format {
        TraceFormat::Json => {
            serde_json::to_writer_pretty(&mut out, &rows.collect::<Vec<_>>()).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        TraceFormat::Text => {
            for row in rows {
                let Listed { id, level, occurrences, template } = row;
                writeln!(out, "{occurrences:>10}  {level:<7}  {id}  {}", printable(template))?;
            }
        }
    }
    Ok(out.flush()?)
}

/// Writes a row for each line.
fn assign(
    mined: &engine::Templates,
    lexicon: &Arc<Lexicon>,
    found: &Found,
    path: &Path,
) -> anyhow::Result<()> {
    output::write_file(path, |out| {
        let mut rows = csv::Writer::from_writer(out);
        rows.write_record(["line", "template_id", "template"])?;
        let mut written: Result<(), csv::Error> = Ok(());
        mined.assign(lexicon, PIECE_BYTES, found, &mut |line, template| {
            let (id, text) = template.map_or(("", ""), |template| (&template.id, &template.text));
            written = rows.write_record([line.to_string().as_str(), id, text]);
            written.is_ok()
        });
        written?;
        Ok(rows.flush()?)
    })
}
