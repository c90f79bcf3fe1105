//! Holes in the versions of a stream.
//!
//! An event store numbers the events of a stream without holes, from a first version that its profile knows. A hole
//! in a backup is an event that was lost, whatever it swallows: one hole is one fault. Versions below the first are
//! rows that the store cannot have written.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran, StoreView, facts::EventRow};
use crate::model::{Fault, FaultKind, Missing};

#[derive(Debug)]
pub(crate) struct VersionGaps;

impl Check for VersionGaps {
    fn meta(&self) -> Meta {
        Meta {
            id: "version-gaps",
            about: "streams with missing versions, at their head or inside, or below the first",
        }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let (mut streams, mut any) = (0_u64, false);
        for store in evidence.event_stores() {
            any = true;
            for (name, rows) in store.streams() {
                streams += 1;
                stream(store, name, rows, out);
            }
        }
        if any {
            Ran::Over(format!("{streams} streams"))
        } else {
            Ran::CouldNot("no events of a store were supplied".to_owned())
        }
    }
}

fn stream(store: &StoreView, name: &str, rows: &[EventRow], out: &mut Outcome) {
    let mut before: Option<&EventRow> = None;
    for row in rows {
        if row.version < store.base {
            let detail =
                format!("version {} in stream {name}; this store numbers from {}", row.version, store.base);
            out.fault(
                store,
                Fault {
                    expected_version: Some(store.base),
                    ..store.fault_at(FaultKind::BadBase, row, detail)
                },
            );
            continue;
        }
        let expected = before.map_or(store.base, |before| before.version.saturating_add(1));
        if row.version > expected {
            let missing = Missing { from: expected, to: row.version - 1 };
            out.fault(store, hole(store, name, before, row, missing));
        }
        before = Some(row);
    }
}

fn hole(store: &StoreView, name: &str, before: Option<&EventRow>, row: &EventRow, missing: Missing) -> Fault {
    let count = missing.to.saturating_sub(missing.from).saturating_add(1);
    let (kind, place) = match before {
        Some(before) => {
            (FaultKind::VersionGap, format!("between versions {} and {}", before.version, row.version))
        }
        None => (FaultKind::HeadTruncated, format!("before its first event here, version {}", row.version)),
    };
    let versions = if count == 1 {
        format!("version {}", missing.from)
    } else {
        format!("{count} versions, {} to {},", missing.from, missing.to)
    };
    let verb = if count == 1 { "is" } else { "are" };
    Fault {
        expected_version: Some(missing.from),
        missing: Some(missing),
        other_event_id: before.filter(|before| !before.id.is_none()).map(|before| before.id.to_string()),
        ..store.fault_at(kind, row, format!("{versions} {verb} missing in stream {name}, {place}"))
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::check;

    use super::*;

    #[test]
    fn one_hole_is_one_fault() {
        check(
            &VersionGaps,
            "b 2 4 60
             a 1 1 90
             a 5 3 70
             a 2 2 80
             a 7 5 60
             ok 2 7 10
             ok 1 6 11
             '' 9 8 10",
            &[
                "critical head-truncated b@2 missing 1..1 (version 1 is missing in stream b, before its first event here, version 2)",
                "critical version-gap a@5 missing 3..4 (2 versions, 3 to 4, are missing in stream a, between versions 2 and 5)",
                "critical version-gap a@7 missing 6..6 (version 6 is missing in stream a, between versions 5 and 7)",
            ],
        );
    }

    #[test]
    fn a_version_below_the_first_is_no_hole() {
        check(
            &VersionGaps,
            "a 0 1 90\n a 1 2 80\n a 2 3 70",
            &["error bad-base a@0 (version 0 in stream a; this store numbers from 1)"],
        );
        check(&VersionGaps, "@p -", &["could not run: no events of a store were supplied"]);
    }
}
