//! Projections that lag, that never began, that cannot get past an event, and that never saw events that are there.
//!
//! What is asked of them stands in [`crate::check::projections`]; here is where it enters the report, and where a run
//! says that no source named a projection.

use crate::check::{Check, Evidence, Judgement, Meta, Outcome, Ran, projections};

#[derive(Debug)]
pub(crate) struct Projections;

impl Check for Projections {
    fn meta(&self) -> Meta {
        Meta {
            id: "projections",
            about: "projections that lag, never began, cannot get past an event, or lack events that are there",
        }
    }

    fn conclude(&self, evidence: &Evidence, judgement: &Judgement<'_>, out: &mut Outcome) -> Ran {
        match projections::judge(evidence, judgement, out) {
            Some(over) => Ran::Over(over),
            None => Ran::CouldNot(
                "projection lag: no checkpoints, and no log or snapshot names a projection".to_owned(),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::testing::{check, check_with};
    use crate::model::{Counts, PositionMeans, Reads, TableRules};

    use super::*;

    fn by_type() -> TableRules {
        TableRules { reads: Reads::EventType, ..TableRules::default() }
    }

    #[test]
    fn lag_counts_the_events_that_a_projection_reads() {
        check_with(
            &Projections,
            &by_type(),
            "a 1 100 3500 :Bank
             a 2 200 3400 :Bank
             o 1 1000 2600 :Order
             a 3 2700 900 :Bank
             o 2 3590 10 :Order
             @all #2700 880
             @dangling #7
             @late #100 3400
             @new -
             @orders #1000 2500
             @slow #200 3300",
            &[
                "all: healthy, lag 0 s, 0 behind, - never seen, -",
                "dangling: -, lag - s, - behind, - never seen, full the first (-)",
                "late: critical, lag 2600 s, 2 behind, - never seen, from-checkpoint 0064 (2)",
                "new: never-processed, lag - s, - behind, - never seen, full the first (-)",
                "orders: critical, lag 2590 s, 1 behind, - never seen, from-checkpoint 03e8 (1)",
                "slow: critical, lag 2500 s, 1 behind, - never seen, from-checkpoint 00c8 (1)",
                "error projection-lag: late is 43 min behind: 2 events wait",
                "error projection-lag: slow is 41 min behind: 1 events wait",
            ],
        );
        check(
            &Projections,
            "a 1 1 90",
            &["could not run: projection lag: no checkpoints, and no log or snapshot names a projection"],
        );
    }

    #[test]
    fn positions_count_where_everything_is_read() {
        let rules = |reads| TableRules {
            counts: Counts::Position,
            means: PositionMeans::NextToRead,
            reads,
            ..TableRules::default()
        };
        let rows = "a 1 1 3599 1\n a 2 2 3598 2\n a 3 900 2700 5\n @p 3 3000";
        check_with(
            &Projections,
            &rules(Reads::All),
            rows,
            &[
                "p: warning, lag 898 s, 1 behind, - never seen, from-checkpoint 3 (1)",
                "warning projection-lag: p is 14 min behind: 1 events wait",
            ],
        );
        check_with(&Projections, &rules(Reads::Some), rows, &["p: -, lag - s, - behind, - never seen, -"]);
    }

    #[test]
    fn an_event_that_nothing_gets_past_is_one_story() {
        check(
            &Projections,
            "a 1 100 3500
             a 2 2000 1600
             @p #100 3499
             @q #2000 1500
             =log
             >p 1590 Projector failed to apply event | #2000
             >p 1580 Projector failed to apply event | #2000
             >q 1580 Projector failed to apply event | #2000
             >p 1570 Projector failed to apply event | #2000
             >p 1565 Projector paused by operator
             >q 1560 Skipping failed event | #2000",
            &[
                "p: critical, lag 1900 s, 1 behind, - never seen, from-checkpoint 07d0 (1)",
                "q: healthy, lag 0 s, 0 behind, - never seen, -",
                "error projector-stuck: p cannot get past event 01a2090a-4e00-7000-8000-0000000007d0",
            ],
        );
    }

    /// Two writers, the second with a clock 2 s ahead of the first; a projection that stands at its last event never
    /// sees what the first wrote meanwhile.
    fn two_writers(last: &str) -> String {
        let mut rows = String::new();
        for n in 0..60 {
            let (written, ahead) = (3500 - n * 10, 102 + n * 10);
            rows.push_str(&format!("b {} {ahead} {written}\n", n + 1));
            rows.push_str(&format!("a {} {} {}\n", n + 1, ahead - 1, written - 1));
        }
        rows + last
    }

    #[test]
    fn events_behind_a_checkpoint_are_never_seen() {
        let rows = two_writers(
            "@p #692 2910
             =health
             ?p a - 0 3550
             ?p a #392 30 3200
             ?p b #692 0 2905
             ?p a #692 60 2905",
        );
        check(
            &Projections,
            &rows,
            &[
                "p: healthy, lag 0 s, 0 behind, 60 never seen, from-event 0065 (120)",
                "error events-never-projected: p never saw 60 of 120 events, though its lag reads 0 s",
                "warning projection-skip-risk a@60 (p never reads 1 events: they were written since 2026-11-23T15:11:31.000Z when its checkpoint had passed their ids (the ids were made by clocks 2.0 s apart, 60 events by the second))",
            ],
        );
    }

    #[test]
    fn a_counter_that_began_anew_proves_nothing() {
        // 30 events were counted by the process before.
        let mut rows: Vec<String> = (1..=100).map(|n| format!("a {n} {n} {}", 3600 - n)).collect();
        rows.push("@p #100 3500\n=health\n?p a #50 20 3550\n?p a #100 70 3500".to_owned());
        let rows = rows.join("\n");
        check(&Projections, &rows, &["p: healthy, lag 0 s, 0 behind, - never seen, -"]);
    }
}
