//! `kubectl describe pod`: how each container ended last, with its reason, exit code and time, and the pod's events.

use std::{borrow::Cow, sync::Arc};

use chrono::DateTime;

use crate::decode::{
    Chunk, Cutter, Format, Head, Kind, Lexicon,
    kubectl::Columns,
    lines::{self, WholeCutter},
};
use crate::model::{Batch, Entry, Field, Level, Place, Timestamp, Value, Zone};

#[derive(Debug)]
pub(crate) struct KubectlDescribe;

/// Lines that every description of a pod begins with, in this order.
const BEGINS: [&str; 2] = ["Name:", "Namespace:"];
const EVENTS: &[&str] = &["Type", "Reason", "Message"];

impl Format for KubectlDescribe {
    fn id(&self) -> &'static str {
        "kubectl-describe"
    }

    fn kind(&self) -> Kind {
        Kind::Log
    }

    fn about(&self) -> &'static str {
        "containers' last states and events of a pod, as kubectl describe prints them"
    }

    fn sniff(&self, head: &Head<'_>, _: &Lexicon) -> u8 {
        let begins = lines::lines(head.text).zip(BEGINS).all(|((_, line), name)| line.starts_with(name));
        let of_a_pod = ["\nContainers:", "\nEvents:", "\nConditions:"];
        if begins && of_a_pod.iter().any(|part| head.text.contains(part)) { 88 } else { 0 }
    }

    fn cutter(&self, _: &Head<'_>, _: &Arc<Lexicon>) -> Box<dyn Cutter> {
        Box::new(WholeCutter)
    }

    fn decode<'a>(&self, chunk: &Chunk<'a>, _: &Lexicon) -> Batch<'a> {
        let mut batch = Batch::default();
        if chunk.start > 0 {
            batch.reject(
                chunk.place(0, chunk.line),
                chunk.text.len(),
                "behind what is read of one description",
            );
            return batch;
        }
        let mut pod = Pod::default();
        for ((offset, whole), line) in lines::whole_lines(chunk.text).zip(chunk.line..) {
            pod.line(&mut batch, whole, chunk.place(offset, line));
        }
        pod.end_state(&mut batch);
        batch
    }
}

/// Where reading is in the description of a pod.
#[derive(Default)]
struct Pod<'a> {
    name: Option<&'a str>,
    namespace: Option<&'a str>,
    container: Option<&'a str>,
    /// Of the events' table, once its header was read.
    events: Option<Columns>,
    state: Option<State<'a>>,
}

/// A container's state that tells of an end: `Terminated`, or `Waiting` for another start.
struct State<'a> {
    place: Place,
    bytes: usize,
    indent: usize,
    title: &'a str,
    details: Vec<(&'a str, &'a str)>,
}

impl<'a> Pod<'a> {
    fn line(&mut self, batch: &mut Batch<'a>, whole: &'a str, place: Place) {
        let text = lines::trim_end(whole);
        let line = text.trim();
        let indent = text.len() - text.trim_start().len();
        if let Some(state) = self.state.as_mut().filter(|state| indent > state.indent) {
            state.bytes += whole.len();
            state.details.extend(line.split_once(':').map(|(name, value)| (name, value.trim())));
            return;
        }
        self.end_state(batch);
        if let Some(columns) = self.events.as_ref().filter(|_| indent > 0 && !line.starts_with("--")) {
            match event(columns, text) {
                Some((level, message)) => self.push(batch, place, whole.len(), None, level, message),
                None => batch.reject(place, whole.len(), "an event without type or reason"),
            }
            return;
        }
        if let Some((name, value)) = line.split_once(':') {
            match (indent, name, value.trim()) {
                (0, "Name", value) => *self = Pod { name: Some(value), ..Pod::default() },
                (0, "Namespace", value) => self.namespace = Some(value),
                (2, container, "") => self.container = Some(container),
                (4, "State" | "Last State", value) if ["Terminated", "Waiting"].contains(&value) => {
                    let (bytes, title) = (whole.len(), line);
                    self.state = Some(State { place, bytes, indent, title, details: Vec::new() });
                    return;
                }
                _ => {}
            }
        }
        if let Some(columns) = Columns::read(text).filter(|columns| columns.has(EVENTS)) {
            self.events = Some(columns);
        }
        batch.account.skipped(whole.len());
    }

    /// A state ends where a line stands no deeper.
    fn end_state(&mut self, batch: &mut Batch<'a>) {
        let Some(State { place, bytes, title, details, .. }) = self.state.take() else { return };
        let detail = |name: &str| details.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let mut message = title.split_whitespace().collect::<Vec<_>>().join(" ");
        for name in ["Reason", "Exit Code", "Message"] {
            if let Some(value) = detail(name) {
                message.push_str(&format!("  {name}: {value}"));
            }
        }
        let finished = detail("Finished").and_then(|text| DateTime::parse_from_rfc2822(text).ok());
        let at = finished.map(|time| Timestamp(time.timestamp_micros()));
        let well = detail("Exit Code") == Some("0") || detail("Reason") == Some("ContainerCreating");
        let level = if well { Level::Info } else { Level::Warn };
        self.push(batch, place, bytes, at, level, message);
    }

    fn push(
        &self,
        batch: &mut Batch<'a>,
        place: Place,
        bytes: usize,
        time: Option<Timestamp>,
        level: Level,
        message: String,
    ) {
        let first = batch.fields.len();
        // Events are the pod's; a state is a container's.
        let container = self.container.filter(|_| self.events.is_none());
        for (name, value) in [("pod", self.name), ("namespace", self.namespace), ("container", container)] {
            if let Some(value) = value {
                batch.fields.push(Field::new(Cow::Borrowed(name), Value::Text(Cow::Borrowed(value))));
            }
        }
        if time.is_some() {
            batch.saw_zone(Zone::Explicit);
        }
        batch.entries.push(Entry {
            place,
            time,
            level,
            message: Some(Cow::Owned(message)),
            error: None,
            fields: first..batch.fields.len(),
        });
        batch.account.decoded(bytes);
    }
}

/// The reason stands before the message, as patterns expect of `OOMKilling` and its kind.
fn event(columns: &Columns, row: &str) -> Option<(Level, String)> {
    let (kind, reason) = (columns.cell(row, "Type")?, columns.cell(row, "Reason")?);
    let level = if kind == "Normal" { Level::Info } else { Level::Warn };
    let message = columns.cell(row, "Message").unwrap_or_default();
    Some((level, format!("{reason}: {message}")))
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::read;

    use super::*;

    const POD: &str = "Name:         bank-1
Namespace:    prod
Containers:
  app:
    State:          Running
      Started:      Mon, 23 Nov 2026 15:54:12 +0000
    Last State:     Terminated
      Reason:       OOMKilled
      Exit Code:    137
      Finished:     Mon, 23 Nov 2026 15:54:10 +0000
    Ready:          True
Events:
  Type     Reason   Age               From     Message
  ----     ------   ----              ----     -------
  Warning  BackOff  3m (x10 over 1h)  kubelet  Back-off restarting failed container
";

    #[test]
    fn a_last_state_and_an_event_are_entries() {
        assert_eq!(
            read(&KubectlDescribe, POD, POD.len()),
            [
                "7 15:54:10 warn Last State: Terminated  Reason: OOMKilled  Exit Code: 137 pod=bank-1 namespace=prod container=app",
                "15 - warn BackOff: Back-off restarting failed container pod=bank-1 namespace=prod",
                "records 2 rejected 0 skipped 10",
            ]
        );
    }

    #[test]
    fn only_a_pods_description_is_recognised() {
        let lexicon = Lexicon::load(&[]).expect("the embedded files");
        for (text, likely) in
            [(POD, true), ("Name: a\nNamespace: b\n", false), ("Name: a\nEvents: 3\n", false)]
        {
            let sniffed = KubectlDescribe.sniff(&Head { text, whole: true }, &lexicon);
            assert_eq!(sniffed > 0, likely, "{text}");
        }
    }
}
