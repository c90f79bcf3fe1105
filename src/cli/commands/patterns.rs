//! `coroner patterns`: what is looked for, and whether it does what it says.

mod suggest;

use std::{
    io::{self, Write},
    path::Path,
};

use crate::{
    classify::{lint, test_samples},
    cli::{
        Exit,
        args::{Patterns, PatternsAction},
        plan::{self, Data},
        store_samples,
    },
    model::{Condition, Pattern, Sample},
    redact,
};

pub(crate) fn run(args: &Patterns) -> anyhow::Result<Exit> {
    let data = plan::data(args.patterns.as_deref())?;
    let mut out = io::BufWriter::new(io::stdout().lock());
    let exit = match &args.action {
        PatternsAction::List => list(&data, &mut out)?,
        PatternsAction::Show { id } => match data.packs.get(id) {
            Some(pattern) => show(pattern, &mut out)?,
            None => anyhow::bail!("no pattern has the id `{id}`; `coroner patterns list` names all"),
        },
        PatternsAction::Stores => stores(&data, &mut out)?,
        PatternsAction::Test => test(data, args.patterns.as_deref(), &mut out)?,
        PatternsAction::Lint => run_lint(&data, &mut out)?,
        PatternsAction::Suggest { evidence, top } => suggest::run(data, evidence, *top, &mut out)?,
    };
    out.flush()?;
    Ok(exit)
}

fn list(data: &Data, out: &mut dyn Write) -> io::Result<Exit> {
    for (index, pattern) in data.packs.patterns.iter().enumerate() {
        writeln!(
            out,
            "{:<8}  {:<12}  {:<44}  {}",
            pattern.severity.name(),
            data.packs.pack_name(index),
            pattern.id,
            pattern.title
        )?;
    }
    Ok(Exit::Success)
}

pub(super) fn show(pattern: &Pattern, out: &mut dyn Write) -> io::Result<Exit> {
    writeln!(out, "{}\n  {}\n", pattern.id, pattern.title)?;
    let mut row =
        |name: &str, text: &str| if text.is_empty() { Ok(()) } else { writeln!(out, "  {name:<16} {text}") };
    row("severity", pattern.severity.name())?;
    row("category", &pattern.category)?;
    row("root cause", pattern.kind.as_deref().unwrap_or_default())?;
    row("raises at", pattern.raises_at.name())?;
    row("looks at", &pattern.fields.join(", "))?;
    for (name, conditions) in [("any of", &pattern.any), ("all of", &pattern.all), ("none of", &pattern.none)]
    {
        for condition in conditions {
            row(name, &shown(condition))?;
        }
    }
    row("keys", &pattern.extract.join(", "))?;
    row("action", &pattern.action)?;
    row("runbook", pattern.runbook.as_deref().unwrap_or_default())?;
    for text in &pattern.references {
        row("reference", text)?;
    }
    for text in &pattern.false_positives {
        row("harmless when", text)?;
    }
    for (name, samples) in [("matches", &pattern.samples.hits), ("does not match", &pattern.samples.misses)] {
        for sample in samples {
            row(name, &shown_sample(sample))?;
        }
    }
    Ok(Exit::Success)
}

fn shown(condition: &Condition) -> String {
    match condition {
        Condition::Text(regex) => regex.clone(),
        Condition::Field { field, regex } => format!("{field} =~ {regex}"),
        Condition::Exists { field, exists: true } => format!("{field} is there"),
        Condition::Exists { field, exists: false } => format!("{field} is missing"),
    }
}

fn shown_sample(sample: &Sample) -> String {
    match sample {
        Sample::Message(text) => text.replace('\n', "\\n"),
        Sample::Entry { message, fields, .. } => {
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}={value}")).collect();
            format!("{} [{}]", message.as_deref().unwrap_or("(no message)"), fields.join(", "))
        }
    }
}

fn stores(data: &Data, out: &mut dyn Write) -> io::Result<Exit> {
    for profile in &data.lexicon.stores {
        writeln!(out, "{:<20}  {}", profile.id, profile.about)?;
    }
    Ok(Exit::Success)
}

fn test(data: Data, folder: Option<&Path>, out: &mut dyn Write) -> anyhow::Result<Exit> {
    let failures = test_samples(&data.packs, &data.matcher);
    let patterns = data.packs.patterns.len();
    for failure in &failures {
        let expected = if failure.expected { "must match" } else { "must not match" };
        writeln!(out, "FAILED {}: {expected}: {}", failure.pattern, failure.sample)?;
    }
    let samples: usize = data
        .packs
        .patterns
        .iter()
        .map(|pattern| pattern.samples.hits.len() + pattern.samples.misses.len())
        .sum();
    writeln!(out, "{patterns} patterns, {samples} samples, {} failed", failures.len())?;
    let tested = store_samples::test(data.lexicon)?;
    for failure in &tested.failures {
        writeln!(out, "FAILED {failure}")?;
    }
    let (profiles, samples) = (tested.profiles, tested.samples);
    writeln!(out, "{profiles} store profiles, {samples} samples, {} failed", tested.failures.len())?;
    let redaction = test_redaction(folder, out)?;
    let all = failures.is_empty() && tested.failures.is_empty() && redaction;
    Ok(if all { Exit::Success } else { Exit::Findings })
}

/// Whether every sample of the redaction rules holds.
fn test_redaction(folder: Option<&Path>, out: &mut dyn Write) -> anyhow::Result<bool> {
    let rules = redact::Rules::load(&plan::files(folder)?, &[])?;
    let (samples, failures) = redact::test_samples(&rules);
    for failure in &failures {
        writeln!(out, "FAILED {}: found {:?} in: {}", failure.rule, failure.found, failure.sample)?;
    }
    writeln!(out, "{} redaction rules, {samples} samples, {} failed", rules.count(), failures.len())?;
    Ok(failures.is_empty())
}

fn run_lint(data: &Data, out: &mut dyn Write) -> io::Result<Exit> {
    let lints = lint(&data.packs, &data.matcher);
    for found in &lints {
        writeln!(out, "{}: {}: {}", found.pattern, found.rule, found.detail)?;
    }
    writeln!(out, "{} patterns, {} to mend", data.packs.patterns.len(), lints.len())?;
    Ok(if lints.is_empty() { Exit::Success } else { Exit::Findings })
}
