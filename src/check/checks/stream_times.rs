//! Streams whose time runs backwards.
//!
//! Within a stream a later version is a later append, so its time may not be earlier by more than clocks differ. One
//! fault a stream, at the first step back; events that are out of time altogether are `event-times`' to name.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran, facts::EventRow, shown_id};
use crate::model::{Fault, FaultKind};

#[derive(Debug)]
pub(crate) struct StreamTimes;

impl Check for StreamTimes {
    fn meta(&self) -> Meta {
        Meta { id: "stream-times", about: "streams whose time runs backwards by more than clocks differ" }
    }

    fn conclude(&self, evidence: &Evidence, judgement: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let (mut streams, settings) = (0_u64, judgement.settings);
        let in_time = |row: &&EventRow| match (row.time(), judgement.as_of) {
            (Some(time), Some(as_of)) => {
                let late = time.since(as_of);
                late <= settings.future_after && late >= -settings.ancient_before
            }
            (Some(_), None) => true,
            (None, _) => false,
        };
        for store in evidence.event_stores() {
            store.events.each_stream(&mut |name, rows| {
                streams += 1;
                let rows = rows.iter().filter(in_time);
                let Some((before, row, steps)) = backwards(rows, settings.regression_over) else { return };
                let detail = format!(
                    "version {} of stream {name} is dated {} s before version {} ({steps} such events)",
                    row.version,
                    before.time.saturating_sub(row.time) / 1_000_000,
                    before.version
                );
                let fault = store.fault_at(FaultKind::TimestampRegression, row, detail);
                out.fault(store, Fault { other_event_id: shown_id(before.id()), ..fault });
            });
        }
        if streams > 0 {
            Ran::Over(format!("{streams} streams"))
        } else {
            Ran::CouldNot("no events of a store were supplied".to_owned())
        }
    }
}

/// The first step back of more than `over` microseconds (the event before it and the one after), and how many there
/// are.
fn backwards<'a>(
    rows: impl Iterator<Item = &'a EventRow>,
    over: i64,
) -> Option<(&'a EventRow, &'a EventRow, u64)> {
    let mut latest: Option<&EventRow> = None;
    let (mut first, mut steps) = (None, 0_u64);
    for row in rows {
        let back = latest.map_or(0, |latest| latest.time.saturating_sub(row.time));
        if back > over {
            steps += 1;
            first = first.or(latest.map(|latest| (latest, row)));
        } else if back <= 0 {
            latest = Some(row);
        }
    }
    first.map(|(before, row)| (before, row, steps))
}

#[cfg(test)]
mod tests {
    use crate::check::testing::check;

    use super::*;

    #[test]
    fn one_fault_a_stream_beyond_ten_seconds() {
        check(
            &StreamTimes,
            "a 1 1 100
             a 2 2 110
             b 1 3 100
             b 2 4 111
             b 3 5 112
             b 4 6 50
             future 1 7 -9999
             future 2 8 10",
            &[
                "warning timestamp-regression b@2 (version 2 of stream b is dated 11 s before version 1 (2 such events))",
            ],
        );
    }
}
