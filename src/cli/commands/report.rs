//! `coroner report`: a report of some days of a state, without reading evidence again.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, bail};
use clap::Args as ClapArgs;

use crate::{
    cli::{
        Exit,
        args::{ColorChoice, SettingFlags},
        commands::analyze,
        config, output, plan,
    },
    decode,
    engine::{self, Memory, Plan},
    ingest::Found,
    model::{Timestamp, settings, time::DAY},
    report::{Day, WRITERS},
    state::{Folder, Record},
};

#[derive(Debug, ClapArgs)]
pub(crate) struct Report {
    /// The folder that `--state` names
    #[arg(long = "state", value_name = "DIR", env = "CORONER_STATE")]
    folder: PathBuf,

    /// The first hour, as a time, a day, or so long before the newest time that is known, as `7d` [default: all]
    #[arg(long, value_name = "TIME")]
    since: Option<String>,

    /// Where the last hour ends, in the same way
    #[arg(long, value_name = "TIME")]
    until: Option<String>,

    /// Where to write the report, as for `analyze`
    #[arg(short, long = "output", value_name = "[FORMAT:]PATH")]
    output: Vec<String>,

    /// Write a report for each day there, and an index.html that links them
    #[arg(long, value_name = "DIR", conflicts_with = "output")]
    days: Option<PathBuf>,

    /// When to use colours
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: ColorChoice,

    #[command(flatten)]
    settings: SettingFlags,

    /// A folder of pattern packs that adds to or overrides the built-in ones
    #[arg(short, long, value_name = "DIR", env = "CORONER_PATTERNS")]
    patterns: Option<PathBuf>,
}

pub(crate) fn run(args: &Report) -> anyhow::Result<Exit> {
    let outputs = output::outputs(&args.output)?;
    let within = || args.folder.display().to_string();
    let mut plan = plan::plain(plan::data(args.patterns.as_deref())?)?;
    plan.settings = config::configured(&args.settings)?.settings;
    plan.arguments = [("since", &args.since), ("until", &args.until)]
        .into_iter()
        .filter_map(|(name, value)| Some(format!("--{name}={}", value.as_ref()?)))
        .collect();
    if !args.folder.is_dir() {
        bail!("{}: no state is kept there", within());
    }
    // No lock: a state is replaced whole.
    let records = Folder::open(&args.folder)?.read().with_context(within)?.unwrap_or_default();
    let mut memory = Memory::load(&records, "").with_context(within)?;
    let Some(newest) = memory.newest() else { bail!("{}: nothing is kept there", within()) };
    let from = args.since.as_deref().map(|text| hour(text, newest)).transpose()?;
    let to = args.until.as_deref().map(|text| hour(text, newest)).transpose()?;
    memory.within(from.unwrap_or(i64::MIN), to.map_or(i64::MAX, |to| to - 1));
    let pool = analyze::pool(plan.threads)?;
    if let Some(folder) = &args.days {
        pool.install(|| days(&plan, &records, &memory.days(), folder))
            .with_context(|| folder.display().to_string())?;
        return Ok(Exit::Success);
    }
    let partial = memory.into_partial();
    let report = pool.install(|| engine::conclude(&plan, &Found::default(), partial))?;
    analyze::write(&outputs, &report, args.color)?;
    Ok(Exit::Success)
}

/// A report for each day, as a page where there is a writer of pages, and what links them.
fn days(plan: &Plan, records: &[Record], days: &BTreeSet<i64>, folder: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let writes = |extension: &&&str| WRITERS.iter().any(|writer| writer.extensions().contains(*extension));
    let extension = ["html", "md"].iter().find(writes).unwrap_or(&"json");
    let mut rows = Vec::new();
    for day in days {
        let mut memory = Memory::load(records, "")?;
        memory.within(day * 24, day * 24 + 23);
        let report = engine::conclude(plan, &Found::default(), memory.into_partial())?;
        let date: String = Timestamp(day * DAY).to_string().chars().take(10).collect();
        let file = format!("{date}.{extension}");
        let outputs = output::outputs(&[folder.join(&file).display().to_string()])?;
        analyze::write(&outputs, &report, ColorChoice::Never)?;
        let mut incidents: BTreeMap<String, u64> = BTreeMap::new();
        for incident in &report.incidents {
            *incidents.entry(incident.root_cause.kind.clone()).or_default() += 1;
        }
        let worst = report.verdict.worst_severity;
        rows.push(Day { day: *day, date, file, worst, findings: report.findings.len(), incidents });
    }
    output::write_file(&folder.join("index.html"), |file| Ok(crate::report::index(&rows, file)?))
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
