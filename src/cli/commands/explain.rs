//! `coroner explain`: what a word of a report means, and the runbook for it.

use std::io::{self, Write};

use crate::{
    classify::Packs,
    cli::{Exit, args::Explain, commands::patterns, plan, stored},
    engine,
    model::{FAULT_KINDS, Finding, Keys, Runbook, finding, report::Report},
    report::printable,
};

/// How alike a near word must be (Jaro-Winkler, from 0 to 1), as `clap` takes for mistyped commands.
const NEAR: f64 = 0.8;
/// Near words that are offered.
const OFFERED: usize = 5;

pub(crate) fn run(args: &Explain) -> anyhow::Result<Exit> {
    let packs = plan::data(args.patterns.as_deref())?.packs;
    let report = args.report.as_deref().map(stored::read).transpose()?;
    let mut out = io::BufWriter::new(anstream::AutoStream::auto(io::stdout().lock()));
    match &args.word {
        None => list(&packs, &mut out)?,
        Some(word) => explain(&packs, report.as_ref(), word.trim(), &mut out)?,
    }
    out.flush()?;
    Ok(Exit::Success)
}

fn list(packs: &Packs, out: &mut dyn Write) -> io::Result<()> {
    for runbook in packs.runbooks.iter() {
        writeln!(out, "{:<28}  {}", runbook.id, runbook.title)?;
    }
    Ok(())
}

/// Prints all that is known of a word, or says what it may have meant.
fn explain(packs: &Packs, report: Option<&Report>, word: &str, out: &mut dyn Write) -> anyhow::Result<()> {
    if let Some(said) = report.and_then(|report| Said::of(report, word)) {
        return Ok(said.show(packs, out)?);
    }
    let mut known = false;
    if let Some(kind) = FAULT_KINDS.iter().find(|kind| kind.name() == word) {
        writeln!(out, "{word}: a fault of an event store, {}\n  {}\n", kind.severity().name(), kind.means())?;
        known = true;
    }
    if let Some((id, about)) = engine::checks().find(|(id, _)| *id == word) {
        writeln!(out, "{id}: a check\n  {about}\n")?;
        known = true;
    }
    if let Some(pattern) = packs.get(word) {
        patterns::show(pattern, out)?;
        writeln!(out)?;
        known = true;
    }
    if let Some(runbook) = packs.runbooks.find([word]) {
        let keys = report.map(|report| keys_for(report, runbook)).unwrap_or_default();
        show_runbook(runbook, &keys, out)?;
        known = true;
    }
    if known { Ok(()) } else { Err(unknown(packs, report, word)) }
}

/// A finding or an incident of a report.
enum Said<'r> {
    Incident(&'r crate::model::report::Incident, Option<&'r Finding>),
    Finding(&'r Finding),
}

impl<'r> Said<'r> {
    fn of(report: &'r Report, id: &str) -> Option<Said<'r>> {
        let finding = |id: &str| report.findings.iter().find(|finding| finding.id == id);
        let incident = report.incidents.iter().find(|incident| incident.id == id);
        incident
            .map(|incident| Said::Incident(incident, finding(&incident.root_cause.finding)))
            .or_else(|| finding(id).map(Said::Finding))
    }

    fn show(&self, packs: &Packs, out: &mut dyn Write) -> io::Result<()> {
        let (runbook, keys) = match self {
            Said::Incident(incident, root) => {
                writeln!(out, "{}: {}", incident.id, printable(&incident.title))?;
                writeln!(out, "  {}: {}\n", incident.root_cause.kind, printable(&incident.root_cause.why))?;
                let runbook = incident.runbook.as_deref().and_then(|id| packs.runbooks.get(id));
                (runbook, finding::joined(root.iter().map(|root| &root.keys).chain([&incident.keys])))
            }
            Said::Finding(finding) => {
                writeln!(out, "{}: {}", finding.id, printable(&finding.title))?;
                writeln!(
                    out,
                    "  {}, {}: {}",
                    finding.severity.name(),
                    finding.kind,
                    printable(&finding.detail)
                )?;
                for place in &finding.evidence {
                    let line = format!("{}:{}  {}", place.path, place.line, place.excerpt);
                    writeln!(out, "  {}", printable(&line))?;
                }
                writeln!(out)?;
                let words = [Some(finding.kind.as_str()), finding.cause.as_deref()];
                (packs.runbooks.find(words.into_iter().flatten()), finding.keys.clone())
            }
        };
        match runbook {
            Some(runbook) => show_runbook(runbook, &keys, out),
            None => writeln!(out, "There is no runbook for it."),
        }
    }
}

/// The names that fill in a runbook asked for by its word: those of the first incident that it is attached to.
fn keys_for(report: &Report, runbook: &Runbook) -> Keys {
    let attached = report.incidents.iter().find(|incident| incident.runbook.as_ref() == Some(&runbook.id));
    let Some(incident) = attached else { return Keys::new() };
    let root = report.findings.iter().find(|finding| finding.id == incident.root_cause.finding);
    finding::joined(root.iter().map(|root| &root.keys).chain([&incident.keys]))
}

fn show_runbook(runbook: &Runbook, keys: &Keys, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "# {}\n\n{}", printable(&runbook.title), printable(&runbook.filled(keys)))
}

fn unknown(packs: &Packs, report: Option<&Report>, word: &str) -> anyhow::Error {
    let mut words: Vec<&str> = packs.runbooks.iter().map(|runbook| runbook.id.as_str()).collect();
    words.extend(packs.runbooks.iter().flat_map(|runbook| &runbook.when).map(String::as_str));
    words.extend(packs.patterns.iter().map(|pattern| pattern.id.as_str()));
    words.extend(FAULT_KINDS.iter().map(|kind| kind.name()));
    words.extend(engine::checks().map(|(id, _)| id));
    words.sort_unstable();
    words.dedup();
    let mut near: Vec<(f64, &str)> = words
        .into_iter()
        .map(|known| (strsim::jaro_winkler(word, known), known))
        .filter(|(alike, known)| *alike >= NEAR || known.split(['-', '_']).any(|part| part == word))
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    let near: Vec<String> = near.iter().take(OFFERED).map(|(_, known)| format!("`{known}`")).collect();
    let word = printable(word);
    let is_id = word.starts_with("inc-") || word.starts_with("fnd-");
    match &near[..] {
        _ if is_id && report.is_none() => {
            anyhow::anyhow!(
                "`{word}` is the id of a report's finding: name the report with --report FILE.json"
            )
        }
        _ if is_id => anyhow::anyhow!("`{word}` is not in this report"),
        [] => anyhow::anyhow!("nothing is known of `{word}`; `coroner explain` lists the runbooks"),
        near => anyhow::anyhow!("nothing is known of `{word}`; near it: {}", near.join(", ")),
    }
}
