//! Figures of a run for `node_exporter`'s textfile collector, so that what cron found at night can raise an alert.
//!
//! Each series that an alert may ask for is there at zero as well: an absent series matches no rule.

use std::{collections::BTreeMap, fmt::Display, io};

use crate::{
    model::{
        FAULT_KINDS, SEVERITIES, Severity, Timestamp,
        report::{CheckStatus, EvidenceRow, Report},
    },
    report::{Layout, Writer, safe},
};

#[derive(Debug)]
pub(crate) struct Prometheus;

impl Writer for Prometheus {
    fn id(&self) -> &'static str {
        "prometheus"
    }

    fn about(&self) -> &'static str {
        "figures for node_exporter's textfile collector, for alerts"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["prom"]
    }

    fn write(&self, report: &Report, _: &Layout, out: &mut dyn io::Write) -> io::Result<()> {
        let families = [found(report), run(report), evidence(report)];
        for Family { name, help, series } in families.into_iter().flatten() {
            if series.is_empty() {
                continue;
            }
            writeln!(out, "# HELP {name} {help}\n# TYPE {name} gauge")?;
            for Series { labels, value } in series {
                writeln!(out, "{name}{labels} {value}")?;
            }
        }
        Ok(())
    }
}

/// Incidents with a series of their own: the names of incidents come and go, and a metrics store keeps all of them.
const INCIDENTS: usize = 10;

/// One metric; all are gauges, for each run starts from nothing.
struct Family {
    name: &'static str,
    help: &'static str,
    series: Vec<Series>,
}

struct Series {
    labels: String,
    value: String,
}

fn found(report: &Report) -> Vec<Family> {
    let findings = report.findings.iter().map(|finding| finding.severity);
    let incidents = report.incidents.iter().map(|incident| incident.severity);
    let scores = report.incidents.iter().take(INCIDENTS).map(|incident| {
        let (id, kind) = (incident.id.as_str(), incident.root_cause.kind.as_str());
        series(&[("id", id), ("kind", kind), ("severity", incident.severity.name())], &incident.score)
    });
    vec![
        family("coroner_findings", "Findings of the last run, by severity.", by_severity(findings)),
        family("coroner_incidents", "Incidents of the last run, by severity.", by_severity(incidents)),
        family("coroner_incident_score", "Score of the first incidents.", scores.collect()),
        family("coroner_faults", "Faults of event stores, by kind.", faults(report)),
    ]
}

fn run(report: &Report) -> Vec<Family> {
    let complete = u64::from(report.verdict.incomplete.is_empty());
    let checks =
        [("ran", CheckStatus::Ran), ("could-not-run", CheckStatus::CouldNotRun)].map(|(name, status)| {
            let count = report.ledger.checks.iter().filter(|check| check.status == status).count();
            series(&[("status", name)], &count)
        });
    vec![
        family("coroner_run_complete", "Whether all evidence could be read.", one(&complete)),
        family("coroner_checks", "Checks, by whether there was evidence for them.", checks.into()),
        family(
            "coroner_build_info",
            "The version that wrote this.",
            vec![series(&[("version", &report.run.version)], &1)],
        ),
    ]
}

fn evidence(report: &Report) -> Vec<Family> {
    let sum = |of: fn(&EvidenceRow) -> u64| one(&report.ledger.evidence.iter().map(of).sum::<u64>());
    let time = |time: Option<Timestamp>| time.map_or(Vec::new(), |time| one(&(time.0 as f64 / 1e6)));
    vec![
        family(
            "coroner_evidence_newest_timestamp_seconds",
            "Newest time in the evidence.",
            time(report.window.to),
        ),
        family(
            "coroner_evidence_oldest_timestamp_seconds",
            "Oldest time in the evidence.",
            time(report.window.from),
        ),
        family("coroner_evidence_bytes", "Bytes of the evidence, as found.", sum(|row| row.bytes)),
        family("coroner_evidence_pieces", "Rows of the ledger.", one(&report.ledger.evidence.len())),
        family("coroner_records", "Records that were decoded.", sum(|row| row.records)),
        family("coroner_rejected_records", "Records that could not be read.", sum(|row| row.rejected)),
    ]
}

fn family(name: &'static str, help: &'static str, series: Vec<Series>) -> Family {
    Family { name, help, series }
}

fn one(value: &dyn Display) -> Vec<Series> {
    vec![series(&[], value)]
}

fn by_severity(found: impl Iterator<Item = Severity>) -> Vec<Series> {
    let mut counts = SEVERITIES.map(|severity| (severity, 0_u64));
    for severity in found {
        counts[severity as usize].1 += 1;
    }
    counts.iter().map(|(severity, count)| series(&[("severity", severity.name())], count)).collect()
}

/// With those that are counted and not listed.
fn faults(report: &Report) -> Vec<Series> {
    let mut counts: BTreeMap<&str, u64> = FAULT_KINDS.iter().map(|kind| (kind.name(), 0)).collect();
    for fault in &report.integrity.faults {
        *counts.entry(fault.kind.name()).or_default() += 1;
    }
    for unlisted in &report.integrity.unlisted {
        *counts.entry(&unlisted.kind).or_default() += unlisted.count;
    }
    counts.into_iter().map(|(kind, count)| series(&[("kind", kind)], &count)).collect()
}

fn series(labels: &[(&str, &str)], value: &dyn Display) -> Series {
    let labels: Vec<String> =
        labels.iter().map(|(name, value)| format!("{name}=\"{}\"", safe::label(value))).collect();
    let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
    Series { labels, value: format!("{value}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_found_is_zero_and_what_is_not_known_is_absent() {
        let mut out = Vec::new();
        Prometheus.write(&Report::default(), &Layout::default(), &mut out).expect("memory");
        let text = String::from_utf8(out).expect("UTF-8");
        for series in
            ["coroner_findings{severity=\"critical\"} 0\n", "coroner_faults{kind=\"version-gap\"} 0\n"]
        {
            assert!(text.contains(series), "{text}");
        }
        assert!(!text.contains("newest"), "{text}");
        assert!(!text.contains("coroner_incident_score"), "{text}");
    }

    #[test]
    fn severities_are_counted_and_labels_escaped() {
        assert_eq!(series(&[("id", "a\"b"), ("kind", "c")], &7).labels, "{id=\"a\\\"b\",kind=\"c\"}");
        assert_eq!(by_severity([Severity::Error, Severity::Error].into_iter())[2].value, "2");
    }
}
