//! `coroner report`: reports without reading evidence again, of a JSON report or of some days of a state.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, bail};

use crate::{
    cli::{
        Exit, args::Report, commands::analyze, config, deliver::Delivery, output, plan, redaction, stored,
    },
    decode,
    engine::{self, Memory, Plan},
    ingest::Found,
    model::{Timestamp, report, settings, time::DAY},
    report::{Day, index},
    state::{Folder, Record},
};

pub(crate) fn run(args: &Report) -> anyhow::Result<Exit> {
    match (&args.result, &args.folder, &args.days) {
        (None, Some(state), Some(folder)) => {
            days(&kept(args, state)?, args, folder).with_context(|| folder.display().to_string())
        }
        (None, Some(state), None) => {
            delivery(args)?.deliver(kept(args, state)?.report(i64::MIN, i64::MAX)?, || Ok(()))
        }
        (Some(result), ..) => delivery(args)?.deliver(stored::read(Path::new(result))?, || Ok(())),
        (None, None, _) => bail!("name a RESULT.json, or a state with --state DIR"),
    }
}

fn delivery(args: &Report) -> anyhow::Result<Delivery> {
    let redaction = redaction::redaction(&args.redaction, &plan::files(args.patterns.as_deref())?)?;
    Delivery::decide(&args.output, &args.text, &args.gate, redaction)
}

/// What the state keeps of the hours that were asked for.
fn kept(args: &Report, path: &Path) -> anyhow::Result<Kept> {
    let mut plan = plan::plain(plan::data(args.patterns.as_deref())?)?;
    plan.settings = config::configured(&args.settings)?.settings;
    plan.arguments = [("since", &args.since), ("until", &args.until)]
        .into_iter()
        .filter_map(|(name, value)| Some(format!("--{name}={}", value.as_ref()?)))
        .collect();
    let kept = Kept::read(plan, path)?;
    let hour = |text: &Option<String>| text.as_deref().map(|text| hour(text, kept.newest)).transpose();
    let (from, to) = (hour(&args.since)?, hour(&args.until)?);
    Ok(Kept { from: from.unwrap_or(i64::MIN), to: to.map_or(i64::MAX, |to| to - 1), ..kept })
}

/// What a state keeps, between some hours.
pub(super) struct Kept {
    plan: Plan,
    records: Vec<Record>,
    newest: Timestamp,
    from: i64,
    to: i64,
}

impl Kept {
    /// All of it.
    pub(super) fn read(plan: Plan, path: &Path) -> anyhow::Result<Kept> {
        let within = || path.display().to_string();
        if !path.is_dir() {
            bail!("{}: no state is kept there", within());
        }
        // No lock: a state is replaced whole.
        let records = Folder::open(path)?.read().with_context(within)?.unwrap_or_default();
        let memory = Memory::load(&records, "").with_context(within)?;
        let Some(newest) = memory.newest() else { bail!("{}: nothing is kept there", within()) };
        Ok(Kept { plan, records, newest, from: i64::MIN, to: i64::MAX })
    }

    /// All that these hours come to.
    fn memory(&self, from: i64, to: i64) -> anyhow::Result<Memory> {
        let mut memory = Memory::load(&self.records, "")?;
        memory.within(self.from.max(from), self.to.min(to));
        Ok(memory)
    }

    /// The report of the day of a time.
    pub(super) fn day(&self, text: &str) -> anyhow::Result<report::Report> {
        let day = hour(text, self.newest)?.div_euclid(24);
        if !self.memory(i64::MIN, i64::MAX)?.days().contains(&day) {
            bail!("{text}: nothing of that day is kept");
        }
        self.of_day(day)
    }

    fn of_day(&self, day: i64) -> anyhow::Result<report::Report> {
        self.report(day * 24, day * 24 + 23)
    }

    fn report(&self, from: i64, to: i64) -> anyhow::Result<report::Report> {
        let partial = self.memory(from, to)?.into_partial();
        let pool = analyze::pool(self.plan.threads)?;
        Ok(pool.install(|| engine::conclude(&self.plan, &Found::default(), partial))?)
    }
}

/// A page for each day, and what links them. One delivery for all: pseudonyms are the same on every page. The run ends
/// as its worst day does.
fn days(kept: &Kept, args: &Report, folder: &Path) -> anyhow::Result<Exit> {
    fs::create_dir_all(folder)?;
    let mut delivery = delivery(args)?;
    let (mut rows, mut worst) = (Vec::new(), Exit::Success);
    for day in kept.memory(i64::MIN, i64::MAX)?.days() {
        let report = kept.of_day(day)?;
        let date: String = Timestamp(day * DAY).to_string().chars().take(10).collect();
        let file = format!("{date}.html");
        rows.push(row(day, date, file.clone(), &report));
        delivery.send_to(&[format!("html:{}", folder.join(file).display())])?;
        worst = worst.max(delivery.deliver(report, || Ok(()))?);
    }
    output::write_file(&folder.join("index.html"), |file| Ok(index(&rows, file)?))?;
    Ok(worst)
}

fn row(day: i64, date: String, file: String, report: &report::Report) -> Day {
    let mut incidents: BTreeMap<String, u64> = BTreeMap::new();
    for incident in &report.incidents {
        *incidents.entry(incident.root_cause.kind.clone()).or_default() += 1;
    }
    let (status, worst) = (report.verdict.status, report.verdict.worst_severity);
    Day { day, date, file, status, worst, findings: report.findings.len(), incidents }
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
