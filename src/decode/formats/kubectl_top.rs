//! `kubectl top pods`: memory and processor of each pod or container, in tables one after another, each perhaps below
//! the time at which it was taken.

use std::sync::Arc;

use crate::decode::{
    Chunk, Cutter, Format, Head, Kind, Lexicon,
    kubectl::{self, Columns},
    lines::{self, WholeCutter},
    time, units,
};
use crate::model::{Batch, Observation, Observed, Timestamp, snapshot::ProcessUsage};

#[derive(Debug)]
pub(crate) struct KubectlTop;

const CPU: &str = "CPU(cores)";
const MEMORY: &str = "MEMORY(bytes)";

impl Format for KubectlTop {
    fn id(&self) -> &'static str {
        "kubectl-top"
    }

    fn kind(&self) -> Kind {
        Kind::Snapshot
    }

    fn about(&self) -> &'static str {
        "memory and processor of pods and containers, as kubectl top prints them"
    }

    fn sniff(&self, head: &Head<'_>, _: &Lexicon) -> u8 {
        if kubectl::table(head.text, &[CPU, MEMORY]) { 88 } else { 0 }
    }

    fn cutter(&self, _: &Head<'_>, _: &Arc<Lexicon>) -> Box<dyn Cutter> {
        Box::new(WholeCutter)
    }

    fn decode<'a>(&self, chunk: &Chunk<'a>, _: &Lexicon) -> Batch<'a> {
        let mut batch = Batch::default();
        if chunk.start > 0 {
            batch.reject(chunk.place(0, chunk.line), chunk.text.len(), "behind what is read of one snapshot");
            return batch;
        }
        let (mut columns, mut at): (Option<Columns>, Option<Timestamp>) = (None, None);
        for ((offset, whole), line) in lines::whole_lines(chunk.text).zip(chunk.line..) {
            let text = lines::trim_end(whole).trim_start_matches('\u{feff}');
            if let Some(found) = Columns::read(text).filter(|found| found.has(&[CPU, MEMORY])) {
                columns = Some(found);
                batch.account.skipped(whole.len());
            } else if let Some((time, zone)) = time::parse(text.trim()) {
                at = Some(time);
                batch.saw_zone(zone);
                batch.taken_at = batch.taken_at.max(at);
                batch.account.skipped(whole.len());
            } else if let Some(columns) = columns.as_ref().filter(|_| !text.trim().is_empty()) {
                let place = chunk.place(offset, line);
                match usage(columns, text) {
                    Ok(usage) => {
                        batch.observations.push(Observation { place, at, state: Observed::Process(usage) });
                        batch.account.decoded(whole.len());
                    }
                    Err(why) => batch.reject(place, whole.len(), why),
                }
            } else {
                batch.account.skipped(whole.len());
            }
        }
        batch
    }
}

/// A container is told apart from others of its pod by both names; equal names of two namespaces by the namespace.
fn usage(columns: &Columns, row: &str) -> Result<ProcessUsage, String> {
    let pod = columns.cell(row, "POD").or_else(|| columns.cell(row, "NAME")).ok_or("a row without a name")?;
    let container = columns.cell(row, "POD").and_then(|_| columns.cell(row, "NAME"));
    let parts = [columns.cell(row, "NAMESPACE"), Some(pod), container];
    let cell = |name: &str| columns.cell(row, name).ok_or_else(|| format!("a row without {name}"));
    let (cpu, memory) = (cell(CPU)?, cell(MEMORY)?);
    Ok(ProcessUsage {
        name: parts.into_iter().flatten().collect::<Vec<_>>().join("/"),
        memory_bytes: Some(units::bytes(memory).ok_or_else(|| format!("`{memory}` is no size"))?),
        cpu_milli: Some(units::cpu_milli(cpu).ok_or_else(|| format!("`{cpu}` is no share of a processor"))?),
        ..ProcessUsage::default()
    })
}

#[cfg(test)]
mod tests {
    use crate::decode::testing::{check, read};

    use super::*;

    #[test]
    fn reads_pods() {
        let shown = read(
            &KubectlTop,
            "NAME     CPU(cores)   MEMORY(bytes)   \nbank-1   250m         310Mi           \nbank-2   1            much            \n",
            1000,
        );
        assert!(
            shown[0].contains("name: \"bank-1\"")
                && shown[0].contains("memory_bytes: Some(325058560)")
                && shown[0].contains("cpu_milli: Some(250)"),
            "{shown:?}"
        );
        assert_eq!(shown[1..], ["3 rejected `much` is no size", "records 1 rejected 1 skipped 1"]);
    }

    #[test]
    fn tables_follow_each_other_below_their_times() {
        let text = "2026-11-23T15:00:00Z\nNAMESPACE   POD      NAME   CPU(cores)   MEMORY(bytes)\nprod        bank-1   app    1m           1Mi\n\n2026-11-23T15:01:00Z\nNAMESPACE   POD      NAME   CPU(cores)   MEMORY(bytes)\nprod        bank-1   app    1m           2Mi\nprod\n";
        let batch = KubectlTop.decode(
            &Chunk {
                text,
                start: 0,
                line: 1,
                last: true,
                invalid: &[],
                context: &crate::decode::Context::None,
            },
            &Lexicon::load(&[]).expect("the embedded files"),
        );
        let rows: Vec<(Option<String>, String)> = batch
            .observations
            .iter()
            .map(|row| {
                let Observed::Process(usage) = &row.state else { panic!("a process") };
                (row.at.map(Timestamp::clock), format!("{} {:?}", usage.name, usage.memory_bytes))
            })
            .collect();
        let expected =
            [("15:00:00", "prod/bank-1/app Some(1048576)"), ("15:01:00", "prod/bank-1/app Some(2097152)")];
        assert_eq!(rows, expected.map(|(at, row)| (Some(at.to_owned()), row.to_owned())));
        assert_eq!((batch.account.rejected, batch.account.bytes()), (1, text.len() as u64));
    }

    #[test]
    fn a_table_cut_anywhere_keeps_its_account() {
        check(&KubectlTop, "NAME   CPU(cores)   MEMORY(bytes)\n", &["records 0 rejected 0 skipped 1"]);
    }
}
