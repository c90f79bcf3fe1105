//! One finding a line, for what reads logs: each line says of which run and which incident it is part.

use std::io;

use serde::Serialize;

use crate::{
    model::{
        Finding, Severity,
        report::{CauseVerdict, ChainRole, Report, ReportWindow, Status},
    },
    report::{Layout, Writer, digest, safe},
};

#[derive(Debug)]
pub(crate) struct Jsonl;

impl Writer for Jsonl {
    fn id(&self) -> &'static str {
        "jsonl"
    }

    fn about(&self) -> &'static str {
        "one finding a line, as JSON, for log stores and jq"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["jsonl", "ndjson"]
    }

    fn write(&self, report: &Report, _: &Layout, out: &mut dyn io::Write) -> io::Result<()> {
        for finding in &report.findings {
            serde_json::to_writer(safe::Json(&mut *out), &line(report, finding))?;
            out.write_all(b"\n")?;
        }
        Ok(())
    }
}

/// A finding as in the JSON report, and what it is part of.
#[derive(Serialize)]
struct Line<'r> {
    schema_version: &'r str,
    run_window: &'r ReportWindow,
    run_status: Status,
    #[serde(flatten)]
    finding: &'r Finding,
    incident_rank: Option<usize>,
    incident_title: Option<&'r str>,
    incident_severity: Option<Severity>,
    incident_score: Option<i64>,
    incident_role: Option<ChainRole>,
    root_cause: Option<&'r str>,
    root_cause_verdict: Option<CauseVerdict>,
    root_cause_finding: Option<&'r str>,
}

fn line<'r>(report: &'r Report, finding: &'r Finding) -> Line<'r> {
    let incident = digest::incident_of(report, finding);
    let cause = incident.map(|incident| &incident.root_cause);
    Line {
        schema_version: &report.schema_version,
        run_window: &report.window,
        run_status: report.verdict.status,
        finding,
        incident_rank: incident.map(|incident| incident.rank),
        incident_title: incident.map(|incident| incident.title.as_str()),
        incident_severity: incident.map(|incident| incident.severity),
        incident_score: incident.map(|incident| incident.score),
        incident_role: incident.and_then(|incident| digest::role_of(incident, finding)),
        root_cause: cause.map(|cause| cause.kind.as_str()),
        root_cause_verdict: cause.map(|cause| cause.verdict),
        root_cause_finding: cause.map(|cause| cause.finding.as_str()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_of_no_incident_says_so() {
        let finding = serde_json::json!({
            "id": "fnd-1", "check": "a", "kind": "b", "severity": "info", "title": "", "detail": "", "count": 1,
            "window": { "from": null, "to": null }, "keys": {}, "evidence": [], "incident": null, "state": "new",
        });
        let finding: Finding = serde_json::from_value(finding).expect("a finding");
        let report = Report { findings: vec![finding], ..Report::default() };
        let mut out = Vec::new();
        Jsonl.write(&report, &Layout::default(), &mut out).expect("memory");
        let line: serde_json::Value = serde_json::from_slice(&out).expect("one line");
        assert_eq!(line["id"], "fnd-1");
        assert!(line.get("incident_rank").is_some_and(serde_json::Value::is_null), "{line}");
        assert_eq!(line["run_status"], "clean");
    }
}
