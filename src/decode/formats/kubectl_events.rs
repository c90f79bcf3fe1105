//! `kubectl get events`: what the kubelet, the scheduler and the controllers reported, an entry a row. It says how long
//! ago each was last seen, not when, so entries have no time: what they say counts, not their order.

use std::{borrow::Cow, sync::Arc};

use crate::decode::{
    Chunk, Cutter, Format, Head, Kind, Lexicon,
    kubectl::{self, Columns},
    lines::{self, WholeCutter},
};
use crate::model::{Batch, Entry, Field, Level, Place, Value};

#[derive(Debug)]
pub(crate) struct KubectlEvents;

const NEEDS: &[&str] = &["TYPE", "REASON", "OBJECT", "MESSAGE"];

impl Format for KubectlEvents {
    fn id(&self) -> &'static str {
        "kubectl-events"
    }

    fn kind(&self) -> Kind {
        Kind::Log
    }

    fn about(&self) -> &'static str {
        "events of a Kubernetes cluster, as kubectl get events prints them"
    }

    fn sniff(&self, head: &Head<'_>, _: &Lexicon) -> u8 {
        if kubectl::table(head.text, NEEDS) { 88 } else { 0 }
    }

    fn cutter(&self, _: &Head<'_>, _: &Arc<Lexicon>) -> Box<dyn Cutter> {
        Box::new(WholeCutter)
    }

    fn decode<'a>(&self, chunk: &Chunk<'a>, _: &Lexicon) -> Batch<'a> {
        let mut batch = Batch::default();
        if chunk.start > 0 {
            batch.reject(chunk.place(0, chunk.line), chunk.text.len(), "behind what is read of one listing");
            return batch;
        }
        batch.note("events are listed by how long ago they were seen, so they have no time");
        let mut columns: Option<Columns> = None;
        for ((offset, whole), line) in lines::whole_lines(chunk.text).zip(chunk.line..) {
            let text = lines::trim_end(whole);
            if let Some(found) = Columns::read(text).filter(|found| found.has(NEEDS)) {
                columns = Some(found);
                batch.account.skipped(whole.len());
                continue;
            }
            let Some(columns) = columns.as_ref().filter(|_| !text.trim().is_empty()) else {
                batch.account.skipped(whole.len());
                continue;
            };
            let place = chunk.place(offset, line);
            if push(&mut batch, columns, text, place).is_some() {
                batch.account.decoded(whole.len());
            } else {
                batch.reject(place, whole.len(), "a row without type, reason or object");
            }
        }
        batch
    }
}

/// The reason stands before the message, as patterns expect of `OOMKilling` and its kind.
fn push<'a>(batch: &mut Batch<'a>, columns: &Columns, row: &'a str, place: Place) -> Option<()> {
    let cell = |name| columns.cell(row, name);
    let (kind, reason, object) = (cell("TYPE")?, cell("REASON")?, cell("OBJECT")?);
    let message = match cell("MESSAGE") {
        Some(message) => Cow::Owned(format!("{reason}: {message}")),
        None => Cow::Borrowed(reason),
    };
    let first = batch.fields.len();
    let (what, name) = object.split_once('/').unwrap_or(("object", object));
    let mut field = |name: &'a str, value: &'a str| {
        batch.fields.push(Field::new(Cow::Borrowed(name), Value::Text(Cow::Borrowed(value))));
    };
    field(what, name);
    if let Some(namespace) = cell("NAMESPACE") {
        field("namespace", namespace);
    }
    batch.entries.push(Entry {
        place,
        time: None,
        level: if kind == "Normal" { Level::Info } else { Level::Warn },
        message: Some(message),
        error: None,
        fields: first..batch.fields.len(),
    });
    Some(())
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::read;

    use super::*;

    #[test]
    fn a_row_is_an_entry() {
        let text = "LAST SEEN   TYPE      REASON       OBJECT       MESSAGE\n2m10s       Warning   OOMKilling   pod/bank-1   Memory cgroup out of memory\n3h          Normal    Pulled       pod/bank-1   Container image  present\n<unknown>   Normal\n";
        assert_eq!(
            read(&KubectlEvents, text, text.len()),
            [
                "2 - warn OOMKilling: Memory cgroup out of memory pod=bank-1",
                "3 - info Pulled: Container image  present pod=bank-1",
                "4 rejected a row without type, reason or object",
                "note events are listed by how long ago they were seen, so they have no time",
                "records 2 rejected 1 skipped 1",
            ]
        );
    }
}
