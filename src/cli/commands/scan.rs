//! `coroner scan`: what evidence is there, why some of it is not read, and what more would be worth collecting.
//!
//! It reads all of the evidence, as `analyze` does: counts, windows and clocks are in no beginning of a file, and a
//! sample that says otherwise than the report would be worse than none.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    sync::Arc,
};

use anyhow::Context;
use serde::{Deserialize, Serialize};

use crate::{
    cli::{
        Exit,
        args::{Scan, TraceFormat},
        output,
        plan::{self, NothingToRead},
    },
    engine::{self, Beginning, Progress},
    ingest,
    model::report::{CheckStatus, EvidenceRow, Report, SCHEMA_VERSION, Status},
    report::inventory::{self, Inventory, Lack, Seen, Wanted},
};

/// What checks ask for, as data.
const COLLECT: &str = include_str!("../../../patterns/collect.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Collect {
    collect: Vec<Collected>,
}

/// One kind of evidence and how it is collected.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Collected {
    what: String,
    /// Ids of checks.
    enables: Vec<String>,
    command: String,
}

pub(crate) fn run(args: &Scan) -> anyhow::Result<Exit> {
    let plan = plan::plain(plan::data(args.patterns.as_deref())?)?;
    let found = ingest::walk(&args.evidence).context("no such evidence")?;
    if found.evidence.is_empty() {
        return Err(NothingToRead(args.evidence.join(", ")).into());
    }
    let progress = Arc::new(Progress::default());
    let partial = engine::scan(&plan, &found, &progress)?;
    let report = engine::conclude(&plan, &found, partial)?;
    let beginnings = engine::survey(&plan.lexicon, &found);
    let inventory = inventory(&report, beginnings)?;
    let mut out = io::BufWriter::new(anstream::AutoStream::auto(io::stdout().lock()));
    match args.format {
        TraceFormat::Json => {
            serde_json::to_writer_pretty(
                &mut out,
                &Printed { schema_version: SCHEMA_VERSION, inventory: &inventory },
            )
            .map_err(io::Error::from)?;
            writeln!(out)?;
        }
        TraceFormat::Text => inventory::write(&inventory, output::columns(args.width), &mut out)?,
    }
    out.flush()?;
    Ok(match report.verdict.status {
        _ if inventory.sources.iter().all(|seen| seen.row.bytes == 0) => Exit::Nothing,
        Status::Incomplete => Exit::Incomplete,
        Status::Clean | Status::Findings => Exit::Success,
    })
}

#[derive(Serialize)]
struct Printed<'a> {
    schema_version: &'static str,
    #[serde(flatten)]
    inventory: &'a Inventory,
}

fn inventory(report: &Report, mut beginnings: BTreeMap<String, Beginning>) -> anyhow::Result<Inventory> {
    let sources = report.ledger.evidence.iter().map(|row| seen(row, beginnings.remove(&row.path)));
    let unable = report.ledger.checks.iter().filter(|check| check.status == CheckStatus::CouldNotRun);
    let unable: BTreeMap<String, String> =
        unable.map(|check| (check.id.clone(), check.why.clone().unwrap_or_default())).collect();
    let able = report.ledger.checks.iter().filter(|check| check.status == CheckStatus::Ran);
    let Collect { collect } = toml::from_str(COLLECT).context("collect.toml")?;
    let wanted = collect.into_iter().filter_map(|collected| {
        let enables: Vec<String> =
            collected.enables.into_iter().filter(|check| unable.contains_key(check)).collect();
        (!enables.is_empty()).then_some(Wanted { what: collected.what, enables, command: collected.command })
    });
    Ok(Inventory {
        sources: sources.collect(),
        checks: able.map(|check| check.id.clone()).collect(),
        wanted: wanted.collect(),
        unable,
        incomplete: report.verdict.incomplete.clone(),
    })
}

fn seen(row: &EvidenceRow, beginning: Option<Beginning>) -> Seen {
    let Beginning { fields, likenesses, lines } = beginning.unwrap_or_default();
    Seen {
        row: row.clone(),
        fields: fields
            .into_iter()
            .map(|(name, seen)| {
                let means = seen
                    .means
                    .iter()
                    .filter_map(|means| serde_json::to_value(means).ok()?.as_str().map(str::to_owned));
                (name, means.collect())
            })
            .collect(),
        resembles: likenesses
            .into_iter()
            .map(|likeness| Lack { format: likeness.format.to_owned(), lacks: likeness.lacks })
            .collect(),
        first_lines: lines,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_collect_names_checks_that_there_are() {
        let Collect { collect } = toml::from_str(COLLECT).expect("embedded");
        let known: Vec<&str> = engine::checks().map(|(id, _)| id).collect();
        for Collected { what, enables, .. } in &collect {
            assert!(enables.iter().all(|id| known.contains(&id.as_str())), "{what}: {enables:?}");
        }
        let missing: Vec<&&str> = known
            .iter()
            .filter(|id| !collect.iter().any(|one| one.enables.iter().any(|e| e == **id)))
            .collect();
        assert!(missing.is_empty(), "nothing says what to collect for {missing:?}");
    }
}
