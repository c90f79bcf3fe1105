//! Holes in the versions of a stream.
//!
//! An event store numbers the events of a stream without holes, from a first version that its profile knows. A hole
//! in a backup is an event that was lost, whatever it swallows: one hole is one fault. Versions below the first are
//! rows that the store cannot have written.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran, StoreView, facts::EventRow, shown_id};
use crate::model::{Absence, Fault, FaultKind, Missing, Severity, TableRole, TableRules};

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
            let rules = store.facts.rules(TableRole::Events);
            let mut expected = Expected::default();
            store.events.each_stream(&mut |name, rows| {
                streams += 1;
                if !store.is_concurrent(name) {
                    stream(store, &rules, name, rows, &mut expected, out);
                }
            });
            expected.tell(store, out);
        }
        if any {
            Ran::Over(format!("{streams} streams"))
        } else {
            Ran::CouldNot("no events of a store were supplied".to_owned())
        }
    }
}

/// Holes that the store leaves by design, told once.
#[derive(Default)]
struct Expected {
    holes: u64,
    first: Option<Fault>,
}

impl Expected {
    fn add(&mut self, fault: Fault) {
        self.holes += 1;
        self.first.get_or_insert(fault);
    }

    fn tell(self, store: &StoreView, out: &mut Outcome) {
        let Some(first) = self.first else { return };
        let more = match self.holes - 1 {
            0 => String::new(),
            more => format!(", and {more} more such holes"),
        };
        let detail = format!("{}{more}; this store leaves holes by design", first.detail);
        out.fault(store, Fault { severity: Severity::Info, detail, ..first });
    }
}

fn stream(
    store: &StoreView,
    rules: &TableRules,
    name: &str,
    rows: &[EventRow],
    expected: &mut Expected,
    out: &mut Outcome,
) {
    let mut before: Option<&EventRow> = None;
    for row in rows {
        if row.version < store.base {
            let detail =
                format!("version {} in stream {name}; this store numbers from {}", row.version, store.base);
            let fault = store.fault_at(FaultKind::BadBase, row, detail);
            out.fault(store, Fault { expected_version: Some(store.base), ..fault });
            continue;
        }
        let next = before.map_or(store.base, |before| before.version.saturating_add(1));
        if row.version > next {
            let hole = hole(store, name, before, row, Missing { from: next, to: row.version - 1 });
            let fault = Fault { last_version: rows.last().map(|last| last.version), ..hole };
            let absence = match before {
                Some(_) => rules.gaps,
                None if row.mark.is_opener() => Absence::Expected,
                None => rules.heads,
            };
            match absence {
                // So many holes are one finding: see `filtered-export`.
                Absence::Lost | Absence::Suspicious if store.is_filtered() => {}
                Absence::Lost => out.fault(store, fault),
                Absence::Suspicious => out.fault(store, Fault { severity: Severity::Warning, ..fault }),
                Absence::Expected => expected.add(fault),
            }
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
        other_event_id: before.and_then(|before| shown_id(before.id())),
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
