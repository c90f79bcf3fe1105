//! Health reports of projections: a JSON document that lists them with their lag or their checkpoint.
//!
//! Every service names these things its own way, so that shape and names of members decide: a list under a name such as
//! `projections`, a list at the top, or components by name (Spring's actuator). A component that has no figure of a
//! projection is something else's health.

use std::sync::Arc;

use crate::decode::{
    Chunk, Context, Cutter, Format, Head, Kind, Lexicon,
    json::{self, Json},
    time,
};
use crate::model::{Batch, Observation, Observed, Timestamp, snapshot::ProjectionState};

#[derive(Debug)]
pub(crate) struct HealthJson;

/// Members that hold projections.
const LISTS: &[&str] =
    &["checks", "components", "details", "projections", "projectors", "subscriptions", "consumers"];
/// Those whose elements are projections even where they have no figure.
const SURE: &[&str] = &["projections", "projectors"];
const NAME: &[&str] =
    &["name", "projection", "projection_name", "projector", "subscription", "subscription_name"];
const STATUS: &[&str] = &["status", "state", "health"];
const LAG_SECONDS: &[&str] = &["lag_seconds", "lag_secs", "lagSeconds"];
const LAG_MS: &[&str] = &["lag_ms", "lag_millis", "lagMs"];
const BEHIND: &[&str] = &["events_behind", "eventsBehind", "behind", "lag_events"];
const PROCESSED: &[&str] = &["events_processed", "eventsProcessed", "processed"];
const SKIPPED: &[&str] = &["events_skipped", "eventsSkipped", "skipped"];
const POSITION: &[&str] =
    &["last_position", "lastPosition", "checkpoint", "checkpoint_position", "last_event_id", "position"];
const WRITTEN: &[&str] =
    &["checkpoint_updated_at", "checkpoint_at", "updated_at", "updatedAt", "last_processed_at"];
const RUNNING: &[&str] = &["running", "is_running", "active"];
const ERROR: &[&str] = &["last_error", "lastError", "error"];
const SERVICE: &[&str] = &["instance", "service", "application", "host"];
const TAKEN: &[&str] = &["generated_at", "generatedAt", "taken_at", "checked_at", "timestamp", "time"];

/// Nothing deeper is looked into.
const DEPTH: u32 = 4;

impl Format for HealthJson {
    fn id(&self) -> &'static str {
        "health-json"
    }

    fn kind(&self) -> Kind {
        Kind::Snapshot
    }

    fn about(&self) -> &'static str {
        "the health of projections as a service reports it (JSON)"
    }

    fn sniff(&self, head: &Head<'_>, _: &Lexicon) -> u8 {
        let text = head.text.trim_start_matches('\u{feff}').trim_ascii();
        // A log of several lines is no document; a document larger than the head is no health report.
        if !head.whole
            || !text.starts_with(['{', '['])
            || read(text).is_none_or(|read| read.states.is_empty())
        {
            return 0;
        }
        80
    }

    fn cutter(&self, _: &Head<'_>, _: &Arc<Lexicon>) -> Box<dyn Cutter> {
        Box::new(Whole)
    }

    fn decode<'a>(&self, chunk: &Chunk<'a>, _: &Lexicon) -> Batch<'a> {
        let mut batch = Batch::default();
        let place = chunk.place(0, chunk.line);
        let text = chunk.text.trim_start_matches('\u{feff}').trim_ascii();
        let Some(Report { states, taken_at }) = read(text) else {
            batch.reject(place, chunk.text.len(), "not one JSON document");
            return batch;
        };
        batch.taken_at = taken_at;
        let state = |state| Observation { place, at: None, state: Observed::Projection(state) };
        batch.observations.extend(states.into_iter().map(state));
        batch.account.decoded(chunk.text.len());
        if let Some(time) = taken_at {
            batch.rows.add(time);
        }
        batch
    }
}

/// A document is read whole.
struct Whole;

impl Cutter for Whole {
    fn cut(&mut self, bytes: &[u8], _: usize, last: bool) -> Option<(usize, Context)> {
        (last || bytes.len() >= crate::decode::lines::MAX_RECORD).then_some((bytes.len(), Context::None))
    }
}

#[derive(Debug, Default)]
struct Report {
    states: Vec<ProjectionState>,
    taken_at: Option<Timestamp>,
}

/// `None` where the text is not one JSON document.
fn read(text: &str) -> Option<Report> {
    json::validate(text).ok()?;
    let mut report = Report::default();
    if text.starts_with('[') {
        list(text, None, false, 0, &mut report.states);
    } else {
        let members = Members::read(text);
        report.taken_at = members.time(TAKEN);
        within(&members, members.text(SERVICE).as_deref(), 0, &mut report.states);
    }
    Some(report)
}

/// The lists of an object.
fn within(members: &Members<'_>, service: Option<&str>, depth: u32, out: &mut Vec<ProjectionState>) {
    for (name, value) in &members.0 {
        let sure = SURE.contains(name);
        match value {
            Json::Array(text) if LISTS.contains(name) => list(text, service, sure, depth, out),
            Json::Object(text) if LISTS.contains(name) && depth < DEPTH => {
                for (name, value) in Members::read(text).0 {
                    if let Json::Object(text) = value {
                        element(text, Some(name), service, sure, depth, out);
                    }
                }
            }
            _ => {}
        }
    }
}

fn list(text: &str, service: Option<&str>, sure: bool, depth: u32, out: &mut Vec<ProjectionState>) {
    // The text was validated, so that nothing is left out here.
    let _ = json::elements(text, |value| {
        if let Json::Object(text) = value {
            element(text, None, service, sure, depth, out);
        }
    });
}

/// One that may be a projection, or has some inside.
fn element(
    text: &str,
    name: Option<&str>,
    service: Option<&str>,
    sure: bool,
    depth: u32,
    out: &mut Vec<ProjectionState>,
) {
    let mut members = Members::read(text);
    let own = members.text(NAME).or_else(|| name.map(json::unescape));
    let details = members.0.iter().find_map(|(name, value)| match value {
        Json::Object(text) if *name == "details" => Some(Members::read(text)),
        _ => None,
    });
    if let Some(details) = details {
        members.0.extend(details.0);
    }
    match own.filter(|_| sure && members.text(STATUS).is_some() || members.has_figure()) {
        Some(name) => out.push(members.state(name, service)),
        None if depth < DEPTH => within(&members, service, depth + 1, out),
        None => {}
    }
}

/// The members of an object, in order.
struct Members<'a>(Vec<(&'a str, Json<'a>)>);

impl<'a> Members<'a> {
    fn read(text: &'a str) -> Members<'a> {
        let mut members = Vec::new();
        let _ = json::members(text, |name, value| members.push((name, value)));
        Members(members)
    }

    /// The first of these names that has a value.
    fn text(&self, names: &[&str]) -> Option<String> {
        let value = |name: &&str| {
            let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
            value.text().map(std::borrow::Cow::into_owned).filter(|text| !text.is_empty())
        };
        names.iter().find_map(value)
    }

    fn number(&self, names: &[&str]) -> Option<f64> {
        self.text(names)?.parse().ok().filter(|number: &f64| number.is_finite())
    }

    fn count(&self, names: &[&str]) -> Option<u64> {
        self.text(names)?.parse().ok()
    }

    fn time(&self, names: &[&str]) -> Option<Timestamp> {
        time::parse(&self.text(names)?).map(|(time, _)| time)
    }

    /// Whether it has what only a projection has.
    fn has_figure(&self) -> bool {
        [LAG_SECONDS, LAG_MS, BEHIND].into_iter().flatten().any(|name| self.text(&[name]).is_some())
            || self.text(POSITION).is_some() && self.text(STATUS).is_some()
    }

    fn state(&self, name: String, service: Option<&str>) -> ProjectionState {
        let lag = self.number(LAG_SECONDS).map(|lag| lag * 1e3).or_else(|| self.number(LAG_MS));
        ProjectionState {
            name,
            service: self.text(SERVICE).or_else(|| service.map(str::to_owned)),
            status: self.text(STATUS),
            lag_ms: lag.map(|lag| lag.round() as i64),
            events_behind: self.count(BEHIND),
            events_processed: self.count(PROCESSED),
            events_skipped: self.count(SKIPPED),
            position: self.text(POSITION),
            checkpoint_at: self.time(WRITTEN),
            running: self.text(RUNNING).and_then(|text| text.parse().ok()),
            error: self.text(ERROR),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::model::Place;

    use super::*;

    /// A line for each projection, behind the time of the report.
    fn shown(text: &str) -> Vec<String> {
        let lexicon = Lexicon::load(&[]).expect("the embedded files");
        let head = Head { text, whole: true };
        if HealthJson.sniff(&head, &lexicon) == 0 {
            return vec!["not a health report".to_owned()];
        }
        let chunk = Chunk { text, start: 0, line: 1, last: true, invalid: &[], context: &Context::None };
        let batch = HealthJson.decode(&chunk, &lexicon);
        assert_eq!(batch.account.bytes(), text.len() as u64, "every byte is accounted for");
        let mut lines = vec![batch.taken_at.map_or("-".to_owned(), |time| time.to_string())];
        for observation in &batch.observations {
            assert_eq!(observation.place, Place { byte: 0, line: 1 });
            let Observed::Projection(state) = &observation.state else { continue };
            let number = |number: Option<u64>| number.map_or("-".to_owned(), |number| number.to_string());
            lines.push(format!(
                "{} {} {} lag {} behind {} processed {} skipped {} at {} {} {}",
                state.service.as_deref().unwrap_or("-"),
                state.name,
                state.status.as_deref().unwrap_or("-"),
                state.lag_ms.map_or("-".to_owned(), |lag| lag.to_string()),
                number(state.events_behind),
                number(state.events_processed),
                number(state.events_skipped),
                state.position.as_deref().unwrap_or("-"),
                state.checkpoint_at.map_or("-".to_owned(), Timestamp::clock),
                state.error.as_deref().unwrap_or("-"),
            ));
        }
        lines
    }

    #[test]
    fn reads_reports_of_any_shape() {
        let expected: &[(&str, &[&str])] = &[
            (
                r#"{"generated_at": "2026-11-23T15:35:11.439071928+00:00", "instance": "bank-a", "projections": [
                    {"checkpoint_updated_at": "2026-11-23 15:35:11.36+00", "events_behind": 1, "events_processed": 30, "events_skipped": 2,
                     "lag_seconds": 0.014, "last_error": null, "last_position": "01a2090c-00d4-701b-a0ef-5da1f1ff55f3",
                     "name": "balances", "running": true, "status": "Healthy"},
                    {"error": "canceling statement", "last_position": null, "name": "orders", "status": "Unknown"}], "status": "healthy"}"#,
                &[
                    "2026-11-23T15:35:11.439071Z",
                    "bank-a balances Healthy lag 14 behind 1 processed 30 skipped 2 at 01a2090c-00d4-701b-a0ef-5da1f1ff55f3 15:35:11 -",
                    "bank-a orders Unknown lag - behind - processed - skipped - at - - canceling statement",
                ],
            ),
            (
                r#"[{"subscription": "orders", "lag_ms": 1200, "state": "live"}]"#,
                &["-", "- orders live lag 1200 behind - processed - skipped - at - - -"],
            ),
            (
                r#"{"status":"UP","components":{"db":{"status":"UP"},"orders":{"status":"UP","details":{"eventsBehind":7}}}}"#,
                &["-", "- orders UP lag - behind 7 processed - skipped - at - - -"],
            ),
            (r#"{"status":"UP","components":{"db":{"status":"UP"}}}"#, &["not a health report"]),
            (
                r#"{"checks":[{"name":"disk","status":"pass"},{"name":"pool","status":"pass"}]}"#,
                &["not a health report"],
            ),
            (
                "{\"level\":\"info\",\"msg\":\"a\"}\n{\"level\":\"info\",\"msg\":\"b\"}",
                &["not a health report"],
            ),
            (r#"{"items":[{"name":"pod-a","status":{"phase":"Running"}}]}"#, &["not a health report"]),
            (r#"{"projections": []}"#, &["not a health report"]),
        ];
        for (text, expected) in expected {
            assert_eq!(shown(text), *expected, "{text}");
        }
    }
}
