//! An export that holds only a part of its store.
//!
//! A query with a condition, a limit or a time window leaves holes in streams everywhere; so does a dump of which a part
//! was lost. Hundreds of holes are then one finding: this copy cannot be verified, and is no backup.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran};
use crate::model::FaultKind;

#[derive(Debug)]
pub(crate) struct FilteredExport;

impl Check for FilteredExport {
    fn meta(&self) -> Meta {
        Meta {
            id: "filtered-export",
            about: "holes in so many streams that only a part of the store is here",
        }
    }

    fn conclude(&self, evidence: &Evidence, _: &Judgement<'_>, out: &mut Outcome) -> Ran {
        let mut streams = 0;
        for store in evidence.event_stores() {
            streams += store.events.streams();
            if !store.is_filtered() {
                continue;
            }
            let (mut names, mut heads) = (Vec::new(), 0_u64);
            store.events.each_stream(&mut |name, rows| {
                let head = rows[0].version > store.base;
                let inside = rows.windows(2).any(|pair| pair[1].version > pair[0].version.saturating_add(1));
                heads += u64::from(head && !inside);
                if (head || inside) && names.len() < 5 {
                    names.push(name.to_owned());
                }
            });
            let how = if heads == store.holed { ", all at their beginning" } else { "" };
            let detail = format!(
                "{} of {} streams lack versions{how} ({}, ...): an export with a condition, a limit or a time window, or a damaged copy; single holes are not listed",
                store.holed,
                store.numbered,
                names.join(", ")
            );
            out.fault(store, store.fault(FaultKind::FilteredExport, 0, detail));
        }
        if streams > 0 {
            Ran::Over(format!("{streams} streams"))
        } else {
            Ran::CouldNot("no events of a store were supplied".to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::{checks::version_gaps::VersionGaps, testing::check};

    use super::*;

    #[test]
    fn many_holes_are_one_finding() {
        let rows = |holed: usize| -> String {
            let row = |n| format!("s{n:02} {} {n} 50\n", if n < holed { 2 } else { 1 });
            (0..12).map(row).collect::<Vec<_>>().concat()
        };
        check(
            &FilteredExport,
            &rows(6),
            &[
                "error filtered-export (6 of 12 streams lack versions, all at their beginning (s00, s01, s02, s03, s04, ...): an export with a condition, a limit or a time window, or a damaged copy; single holes are not listed)",
            ],
        );
        check(&VersionGaps, &rows(6), &[]);
        check(&FilteredExport, &rows(5), &[]);
    }
}
