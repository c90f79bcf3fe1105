//! `coroner verify`: a JSON report held against its evidence.

use std::{
    io::{self, Write},
    path::Path,
};

use anyhow::Context;
use serde::Serialize;

use crate::{
    cli::{
        Exit,
        args::{TraceFormat, Verify},
        stored,
    },
    engine::{self, Checked, Fingerprints, Standing, Whereabouts},
    model::report::SCHEMA_VERSION,
    report::printable,
};

/// How many there are of each standing.
#[derive(Debug, Default, Serialize)]
struct Counts {
    verified: usize,
    grown: usize,
    changed: usize,
    missing: usize,
    unverifiable: usize,
}

#[derive(Serialize)]
struct Verified<'a> {
    schema_version: &'static str,
    lines: Counts,
    files: Counts,
    /// What is not plainly verified.
    exceptions: Vec<&'a Checked>,
}

pub(crate) fn run(args: &Verify) -> anyhow::Result<Exit> {
    let report = stored::read(Path::new(&args.result))?;
    let places = if args.evidence.is_empty() {
        Whereabouts::as_named(&report)
    } else {
        Whereabouts::below(&args.evidence)
    };
    let fingerprints = if args.no_hash { Fingerprints::LeftOut } else { Fingerprints::Compared };
    let checked = engine::verify(&report, &places.context("no such evidence")?, fingerprints);
    let of = |line: bool| checked.iter().filter(move |one| one.line.is_some() == line);
    let verified = Verified {
        schema_version: SCHEMA_VERSION,
        lines: Counts::of(of(true)),
        files: Counts::of(of(false)),
        exceptions: checked.iter().filter(|one| one.standing != Standing::Verified).collect(),
    };
    let mut out = io::BufWriter::new(io::stdout().lock());
    match args.format {
        TraceFormat::Json => {
            serde_json::to_writer_pretty(&mut out, &verified).map_err(io::Error::from)?;
            writeln!(out)?;
        }
        TraceFormat::Text => text(&verified, &mut out)?,
    }
    out.flush()?;
    Ok(if checked.iter().all(|one| one.standing == Standing::Unverifiable) {
        Exit::Nothing
    } else if checked.iter().any(Checked::is_wrong) {
        Exit::Findings
    } else {
        Exit::Success
    })
}

fn text(verified: &Verified<'_>, out: &mut dyn Write) -> io::Result<()> {
    for one in &verified.exceptions {
        let line = one.line.map_or(String::new(), |line| format!(":{line}"));
        let text = format!("{}{line}  {}  ({})", one.path, one.why, one.cited_by);
        writeln!(out, "{:<12}  {}", one.standing.name(), printable(&text).replace('\n', " "))?;
    }
    for (what, counts) in [("cited lines", &verified.lines), ("files by hash", &verified.files)] {
        let total = counts.all().iter().map(|(_, count)| count).sum::<usize>();
        let parts = counts.all().into_iter().filter(|(_, count)| *count > 0);
        let parts: Vec<String> = parts.map(|(name, count)| format!("{count} {name}")).collect();
        if total > 0 {
            writeln!(out, "{what:<13} {total}: {}", parts.join(", "))?;
        }
    }
    if verified.lines.is_empty() && verified.files.is_empty() {
        writeln!(out, "nothing to verify: the report cites no line and no file")?;
    }
    Ok(())
}

impl Counts {
    fn of<'c>(checked: impl Iterator<Item = &'c Checked>) -> Counts {
        let mut counts = Counts::default();
        for one in checked {
            *match one.standing {
                Standing::Verified => &mut counts.verified,
                Standing::Grown => &mut counts.grown,
                Standing::Changed => &mut counts.changed,
                Standing::Missing => &mut counts.missing,
                Standing::Unverifiable => &mut counts.unverifiable,
            } += 1;
        }
        counts
    }

    fn all(&self) -> [(&'static str, usize); 5] {
        [
            (Standing::Verified.name(), self.verified),
            (Standing::Grown.name(), self.grown),
            (Standing::Changed.name(), self.changed),
            (Standing::Missing.name(), self.missing),
            (Standing::Unverifiable.name(), self.unverifiable),
        ]
    }

    fn is_empty(&self) -> bool {
        self.all().iter().all(|(_, count)| *count == 0)
    }
}
