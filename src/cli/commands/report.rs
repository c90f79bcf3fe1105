//! `coroner report`: reports without reading evidence again, of a JSON report or of some days of a state.

use std::path::Path;

use anyhow::{Context, bail};

use crate::{
    cli::{Exit, args::Report, commands::analyze, config, deliver::Delivery, plan, redaction, stored},
    decode,
    engine::{self, Memory},
    ingest::Found,
    model::{Timestamp, report, settings},
    state::Folder,
};

pub(crate) fn run(args: &Report) -> anyhow::Result<Exit> {
    let redaction = redaction::redaction(&args.redaction, &plan::files(args.patterns.as_deref())?)?;
    let delivery = Delivery::decide(&args.output, &args.text, &args.gate, redaction)?;
    let report = match (&args.result, &args.folder) {
        (Some(result), _) => stored::read(Path::new(result))?,
        (None, Some(folder)) => of_state(args, folder)?,
        (None, None) => bail!("name a RESULT.json, or a state with --state DIR"),
    };
    delivery.deliver(report, || Ok(()))
}

/// What the hours that a state keeps come to.
fn of_state(args: &Report, path: &Path) -> anyhow::Result<report::Report> {
    let within = || path.display().to_string();
    let mut plan = plan::plain(plan::data(args.patterns.as_deref())?)?;
    plan.settings = config::configured(&args.settings)?.settings;
    plan.arguments = [("since", &args.since), ("until", &args.until)]
        .into_iter()
        .filter_map(|(name, value)| Some(format!("--{name}={}", value.as_ref()?)))
        .collect();
    if !path.is_dir() {
        bail!("{}: no state is kept there", within());
    }
    // No lock: a state is replaced whole.
    let records = Folder::open(path)?.read().with_context(within)?.unwrap_or_default();
    let mut memory = Memory::load(&records, "").with_context(within)?;
    let Some(newest) = memory.newest() else { bail!("{}: nothing is kept there", within()) };
    let from = args.since.as_deref().map(|text| hour(text, newest)).transpose()?;
    let to = args.until.as_deref().map(|text| hour(text, newest)).transpose()?;
    memory.within(from.unwrap_or(i64::MIN), to.map_or(i64::MAX, |to| to - 1));
    let pool = analyze::pool(plan.threads)?;
    let partial = memory.into_partial();
    Ok(pool.install(|| engine::conclude(&plan, &Found::default(), partial))?)
}

/// The hour that a time falls into, counted from 1970; a length of time is one before the newest.
fn hour(text: &str, newest: Timestamp) -> anyhow::Result<i64> {
    if let Ok(before) = settings::duration(text) {
        return Ok(newest.plus(-before).hour() + 1);
    }
    let whole = format!("{text}T00:00:00Z");
    match decode::parse_time(text).or_else(|| decode::parse_time(&whole)) {
        Some((time, _)) => Ok(time.hour()),
        None => bail!("{text}: no time; write it as 2026-11-23T16:00:00Z, 2026-11-23 or 7d"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_times_days_and_lengths() {
        let newest = Timestamp(50 * 3_600_000_000 - 1);
        for (text, expected) in [
            ("1d", 26),
            ("2h", 48),
            ("1970-01-02", 24),
            ("1970-01-02T03:30:00Z", 27),
            ("1970-01-01T00:00:00Z", 0),
        ] {
            assert_eq!(hour(text, newest).expect(text), expected, "{text}");
        }
        assert!(hour("yesterday", newest).is_err());
    }
}
