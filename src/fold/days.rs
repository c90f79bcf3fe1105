//! When things happened, by day: enough to tell a newest time that can be trusted from a stray one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::State;

/// How many times fell on each day, with the newest of each day.
///
/// Bound: one entry per distinct day (3.65 million for years 0 to 9999), whatever the number of records.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Days {
    days: BTreeMap<i64, (u64, i64)>,
}

/// A newest stretch with at most this share of all times, cut off from the rest by an empty month, is stray: a
/// planted or mistyped date, not the end of the evidence. One in a thousand, and never less than one.
const STRAY_SHARE: u64 = 1000;
/// Days. A store that rests over a weekend or a holiday is healthy.
const STRAY_AFTER: i64 = 31;

impl Days {
    /// Takes in a time, given with its day so that the unit is the caller's.
    pub fn add(&mut self, day: i64, time: i64) {
        let (count, newest) = self.days.entry(day).or_insert((0, time));
        *count += 1;
        *newest = (*newest).max(time);
    }

    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// The newest time that is not stray: walks back stretch by stretch, a stretch being days without a month between.
    pub fn newest_trusted(&self) -> Option<i64> {
        let total: u64 = self.days.values().map(|(count, _)| count).sum();
        let allowed = (total / STRAY_SHARE).max(1);
        let mut passed = 0;
        let mut newest_of_stretch = None;
        let mut days = self.days.iter().rev().peekable();
        while let Some((day, (count, newest))) = days.next() {
            passed += count;
            newest_of_stretch.get_or_insert(*newest);
            let Some((older, _)) = days.peek() else { break };
            let ends = day - **older > STRAY_AFTER;
            // With few records in all, one beside another is no stray: there is no bulk to stray from.
            let stray = passed <= allowed && passed * 2 < total;
            if ends && !stray {
                break;
            }
            if ends {
                newest_of_stretch = None;
            }
        }
        newest_of_stretch
    }
}

impl State for Days {
    fn merge(&mut self, next: Self) {
        let Days { days } = next;
        for (day, (count, newest)) in days {
            let (mine, mine_newest) = self.days.entry(day).or_insert((0, newest));
            *mine += count;
            *mine_newest = (*mine_newest).max(newest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fold::laws;

    fn days(counts: &[(i64, u64)]) -> Days {
        let mut days = Days::default();
        for (day, count) in counts {
            for n in 0..*count {
                days.add(*day, day * 100 + n as i64);
            }
        }
        days
    }

    #[test]
    fn joins_like_one_run() {
        laws::hold::<Days, _>(&[(3, 31), (1, 10), (3, 30), (9, 90)], |state, (day, time)| {
            state.add(*day, *time);
        });
    }

    #[test]
    fn a_stray_date_is_not_the_newest() {
        for (counts, newest) in [
            (&[(10, 50)][..], Some(1049)),
            (&[(10, 50), (400, 1)], Some(1049)),
            (&[(10, 3000), (400, 1), (401, 1), (700, 1)], Some(10 * 100 + 2999)),
            // The next day is no stray: nothing lies between.
            (&[(10, 50), (11, 1)], Some(1100)),
            // Two records a year apart: neither is the bulk.
            (&[(10, 1), (400, 1)], Some(40_000)),
            // A tenth of everything is a second export, not a stray.
            (&[(10, 90), (400, 10)], Some(40_009)),
            (&[], None),
        ] {
            assert_eq!(days(counts).newest_trusted(), newest, "{counts:?}");
        }
    }
}
