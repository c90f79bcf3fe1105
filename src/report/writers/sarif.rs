//! SARIF 2.1.0 (OASIS), for what collects findings of many tools: code hosts, ticket systems and their viewers.
//!
//! What is looked for is a rule, a finding is a result at its evidence, and an incident is a code flow on the finding
//! that it began with. Fingerprints are the ids of findings, which are the same every night.

use std::{collections::BTreeMap, io};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::{
    model::{
        Evidence, FAULT_KINDS, Finding, Severity, Timestamp,
        report::{ChainLink, ChainRole, CheckStatus, EvidenceRow, Incident, Report},
    },
    report::{Layout, Writer, digest, safe},
};

#[derive(Debug)]
pub(crate) struct Sarif;

impl Writer for Sarif {
    fn id(&self) -> &'static str {
        "sarif"
    }

    fn about(&self) -> &'static str {
        "SARIF 2.1.0, for what shows findings of many tools"
    }

    fn extensions(&self) -> &'static [&'static str] {
        &["sarif"]
    }

    fn write(&self, report: &Report, _: &Layout, out: &mut dyn io::Write) -> io::Result<()> {
        let log = json!({ "$schema": SCHEMA, "version": "2.1.0", "runs": [run(report)] });
        serde_json::to_writer_pretty(safe::Json(&mut *out), &log)?;
        out.write_all(b"\n")
    }
}

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// The notification that tells of evidence which could not be read.
const INCOMPLETE: &str = "incomplete";

fn run(report: &Report) -> Value {
    let rules = Rules::of(report);
    let artifacts: Vec<Value> = report.ledger.evidence.iter().map(artifact).collect();
    let results: Vec<Value> = report.findings.iter().map(|finding| result(report, &rules, finding)).collect();
    json!({
        "tool": { "driver": {
            "name": report.run.tool,
            "version": report.run.version,
            "rules": rules.list,
            "notifications": notices(report),
        } },
        "invocations": [invocation(report)],
        "artifacts": artifacts,
        "columnKind": "unicodeCodePoints",
        "results": results,
        "properties": {
            "schemaVersion": report.schema_version,
            "verdict": report.verdict,
            "window": report.window,
        },
    })
}

/// A rule for each kind of finding that was made.
struct Rules<'r> {
    list: Vec<Value>,
    index: BTreeMap<(&'r str, &'r str), usize>,
}

impl<'r> Rules<'r> {
    fn of(report: &'r Report) -> Rules<'r> {
        let mut rules = Rules { list: Vec::new(), index: BTreeMap::new() };
        for finding in &report.findings {
            rules.index.entry((&finding.check, &finding.kind)).or_insert_with(|| {
                rules.list.push(rule(report, finding));
                rules.list.len() - 1
            });
        }
        rules
    }
}

fn rule(report: &Report, finding: &Finding) -> Value {
    let pattern =
        report.patterns.iter().find(|seen| finding.check == "log-patterns" && seen.id == finding.kind);
    let fault = FAULT_KINDS.iter().find(|kind| finding.check == "integrity" && kind.name() == finding.kind);
    let about = match (pattern, fault) {
        (Some(pattern), _) => pattern.title.clone(),
        (_, Some(fault)) => fault.means().to_owned(),
        _ => format!("{} (check {})", finding.kind.replace('-', " "), finding.check),
    };
    let more = format!("`coroner explain {}` says more.", finding.kind);
    let help = [finding.action.as_str(), &more].into_iter().filter(|part| !part.is_empty());
    let help = help.collect::<Vec<_>>().join("\n");
    let tags = [finding.check.as_str(), &finding.category].into_iter().filter(|tag| !tag.is_empty());
    let tags: std::collections::BTreeSet<&str> = tags.collect();
    json!({
        "id": rule_id(finding),
        "shortDescription": message(&about),
        "help": message(&help),
        "defaultConfiguration": { "level": level(finding.severity) },
        "properties": { "tags": tags },
    })
}

fn rule_id(finding: &Finding) -> String {
    format!("{}/{}", finding.check, finding.kind)
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "note",
        Severity::Warning => "warning",
        Severity::Error | Severity::Critical => "error",
    }
}

fn message(text: &str) -> Value {
    json!({ "text": safe::sarif(text) })
}

fn result(report: &Report, rules: &Rules<'_>, finding: &Finding) -> Value {
    let incident = digest::incident_of(report, finding);
    let mut places = finding.evidence.iter().enumerate().map(|(number, place)| {
        let mut location = location(place);
        location.insert("id".to_owned(), json!(number));
        Value::Object(location)
    });
    let text = [finding.title.as_str(), &finding.detail].into_iter().filter(|part| !part.is_empty());
    let mut result = json!({
        "ruleId": rule_id(finding),
        "ruleIndex": rules.index.get(&(finding.check.as_str(), finding.kind.as_str())),
        "level": level(finding.severity),
        "rank": rank(finding, incident),
        "message": message(&text.collect::<Vec<_>>().join(": ")),
        "locations": places.next().into_iter().collect::<Vec<_>>(),
        "relatedLocations": places.collect::<Vec<_>>(),
        "partialFingerprints": { "coronerFinding/v1": finding.id },
        "occurrenceCount": finding.count.clamp(1, i32::MAX as u64),
        "suppressions": [],
        "properties": properties(finding, incident),
    });
    if let Some(state) = baseline_state(report, finding) {
        result["baselineState"] = json!(state);
    }
    let flow = incident.filter(|incident| incident.root_cause.finding == finding.id);
    if let Some(flow) = flow.and_then(|incident| code_flow(report, incident)) {
        result["codeFlows"] = json!([flow]);
    }
    result
}

/// Severity first, then how its incident is ranked: 25 points for each severity, a quarter of the incident's score.
fn rank(finding: &Finding, incident: Option<&Incident>) -> f64 {
    let score = incident.map_or(0, |incident| incident.score.clamp(0, 100));
    f64::from(finding.severity as u8) * 25.0 + score as f64 / 4.0
}

fn properties(finding: &Finding, incident: Option<&Incident>) -> Value {
    json!({
        "id": finding.id,
        "severity": finding.severity,
        "count": finding.count,
        "window": finding.window,
        "keys": finding.keys,
        "state": finding.state,
        "action": finding.action,
        "incident": incident.map(|incident| json!({
            "id": incident.id,
            "rank": incident.rank,
            "title": incident.title,
            "rootCause": incident.root_cause.kind,
            "role": digest::role_of(incident, finding),
        })),
    })
}

/// `None` where nothing was compared, or nothing is known of this finding.
fn baseline_state(report: &Report, finding: &Finding) -> Option<&'static str> {
    // Without a baseline every finding is new, and every pattern is known.
    let compared = report.findings.iter().any(|finding| finding.state != "new")
        || report.patterns.iter().any(|seen| !matches!(seen.state.as_str(), "" | "known"));
    match finding.state.as_str() {
        _ if !compared => None,
        "new" => Some("new"),
        "persisting" => Some("unchanged"),
        "worse" | "improved" => Some("updated"),
        "gone" | "resolved" => Some("absent"),
        _ => None,
    }
}

/// The chain of an incident, in its order; `None` where it has no link that can be shown.
fn code_flow(report: &Report, incident: &Incident) -> Option<Value> {
    let links = incident.chain.iter().enumerate();
    let steps: Vec<Value> = links.filter_map(|(number, link)| step(report, number + 1, link)).collect();
    let flow =
        json!({ "message": message(&incident.root_cause.why), "threadFlows": [{ "locations": steps }] });
    (!steps.is_empty()).then_some(flow)
}

fn step(report: &Report, order: usize, link: &ChainLink) -> Option<Value> {
    let finding = report.findings.iter().find(|finding| finding.id == link.finding)?;
    let mut place = finding.evidence.first().map_or_else(Map::new, location);
    place.insert("message".to_owned(), message(&finding.title));
    let (importance, nesting) = match link.role {
        ChainRole::Root => ("essential", 0),
        ChainRole::Effect => ("important", 1),
        ChainRole::Symptom => ("unimportant", 2),
    };
    let mut step = json!({
        "executionOrder": order,
        "importance": importance,
        "location": place,
        "nestingLevel": nesting,
        "properties": { "finding": link.finding, "role": link.role, "after": link.after, "why": link.why },
    });
    if let Some(at) = link.at.and_then(date_time) {
        step["executionTimeUtc"] = json!(at);
    }
    Some(step)
}

/// A time that RFC 3339 can say: a damaged record's may lie beyond.
fn date_time(time: Timestamp) -> Option<String> {
    let shown = time.to_string();
    (shown.ends_with('Z') && shown.as_bytes().get(4) == Some(&b'-')).then_some(shown)
}

fn location(place: &Evidence) -> Map<String, Value> {
    let mut region = Map::new();
    if place.line > 0 {
        region.insert("startLine".to_owned(), json!(place.line));
    }
    region.insert("byteOffset".to_owned(), json!(place.byte));
    if !place.excerpt.is_empty() {
        region.insert("snippet".to_owned(), json!({ "text": place.excerpt }));
    }
    let place = json!({ "artifactLocation": { "uri": uri(&place.path) }, "region": region });
    Map::from_iter([("physicalLocation".to_owned(), place)])
}

/// What RFC 3986 leaves unreserved, and the separator. A colon would make a scheme of a name.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Relative as the path is; from the root it is a file URI, for two slashes would name a host.
fn uri(path: &str) -> String {
    let encoded = utf8_percent_encode(path, KEPT);
    if path.starts_with('/') { format!("file://{encoded}") } else { encoded.to_string() }
}

fn artifact(row: &EvidenceRow) -> Value {
    let mut artifact = json!({
        "location": { "uri": uri(&row.path) },
        "length": row.bytes,
        "roles": ["analysisTarget"],
        "properties": { "format": row.format, "records": row.records, "rejected": row.rejected },
    });
    match row.hash.split_once(':') {
        // The name that IANA gave it.
        Some(("sha256", hash)) => artifact["hashes"] = json!({ "sha-256": hash }),
        Some((kind, hash)) => artifact["hashes"] = json!({ kind: hash }),
        None => {}
    }
    artifact
}

fn invocation(report: &Report) -> Value {
    let incomplete = report.verdict.incomplete.iter().map(|reason| notification("error", INCOMPLETE, reason));
    let unable = report.ledger.checks.iter().filter(|check| check.status == CheckStatus::CouldNotRun);
    let unable = unable.map(|check| {
        let why = check.why.as_deref().unwrap_or_default();
        notification("note", &check.id, &format!("{} could not run: {why}", check.id))
    });
    json!({
        "executionSuccessful": report.verdict.incomplete.is_empty(),
        "arguments": report.run.arguments,
        "toolExecutionNotifications": incomplete.chain(unable).collect::<Vec<_>>(),
    })
}

fn notification(level: &str, id: &str, text: &str) -> Value {
    json!({ "level": level, "descriptor": { "id": id }, "message": message(text) })
}

/// What the notifications of the invocation point at.
fn notices(report: &Report) -> Vec<Value> {
    let incomplete = json!({
        "id": INCOMPLETE,
        "shortDescription": message("Evidence could not be read to its end"),
    });
    let checks = report.ledger.checks.iter();
    let checks = checks.map(|check| json!({ "id": check.id, "shortDescription": message("A check") }));
    std::iter::once(incomplete).chain(checks).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_uris() {
        assert_eq!(uri("logs/app a#1.log"), "logs/app%20a%231.log");
        assert_eq!(uri("a:b"), "a%3Ab");
        assert_eq!(uri("//host/ä"), "file:////host/%C3%A4");
    }

    #[test]
    fn times_that_no_calendar_has_are_left_out() {
        assert_eq!(date_time(Timestamp(0)).as_deref(), Some("1970-01-01T00:00:00.000Z"));
        assert_eq!(date_time(Timestamp(i64::MAX)), None);
        assert_eq!(date_time(Timestamp(800_000_000_000_000_000)), None);
    }
}
