//! Facts of one source, hour by hour.
//!
//! A run of entries of one hour is a state of its own. Runs stand in the order of the source, and are joined in that
//! order: so whatever depends on what comes first is as exact as if all had been folded at once, and an hour can be left
//! out. What comes late begins a run of its own hour again.

use serde::{Deserialize, Serialize};

use crate::{check::facts::SourceFacts, fold::State};

/// Runs that are kept of a source: two years of hours, so that no file can become more states than memory holds.
const RUNS: usize = 2 * 366 * 24;

/// Hours are counted from 1970; `None` for what has no time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Hours(Vec<(Option<i64>, SourceFacts)>);

impl Hours {
    pub(super) fn of(hour: Option<i64>, facts: SourceFacts) -> Hours {
        Hours(vec![(hour, facts)])
    }

    /// Adds what follows; what has no time belongs to what is before it.
    pub(super) fn add(&mut self, hour: Option<i64>, facts: SourceFacts) {
        match self.0.last_mut() {
            Some((last, mine)) if last.is_none() || hour.is_none() || *last == hour => {
                *last = last.or(hour);
                mine.merge(facts);
            }
            _ => self.0.push((hour, facts)),
        }
        if self.0.len() > RUNS {
            self.thin();
        }
    }

    /// Joins the older half of the runs two by two: what is newest stays as it is.
    fn thin(&mut self) {
        let newer = self.0.split_off(self.0.len() / 2);
        let mut older = std::mem::take(&mut self.0).into_iter();
        while let Some((mut hour, mut facts)) = older.next() {
            if let Some((later, next)) = older.next() {
                facts.merge(next);
                hour = hour.max(later);
            }
            self.0.push((hour, facts));
        }
        self.0.extend(newer);
    }

    pub(super) fn join(&mut self, next: Hours) {
        for (hour, facts) in next.0 {
            self.add(hour, facts);
        }
    }

    /// All of it as one.
    pub(super) fn whole(self) -> SourceFacts {
        let units = self.each().map(|facts| facts.log.traces.rows.len()).sum();
        let mut hours = self.0.into_iter().map(|(_, facts)| facts);
        let mut whole = hours.next().unwrap_or_default();
        // What grows hour by hour is moved again and again.
        whole.log.traces.rows.reserve(units);
        hours.for_each(|facts| whole.merge(facts));
        whole
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// The hours that are here, as often as they come.
    pub(super) fn hours(&self) -> impl Iterator<Item = i64> {
        self.0.iter().filter_map(|(hour, _)| *hour)
    }

    pub(super) fn each_mut(&mut self) -> impl Iterator<Item = &mut SourceFacts> {
        self.0.iter_mut().map(|(_, facts)| facts)
    }

    pub(super) fn each(&self) -> impl Iterator<Item = &SourceFacts> {
        self.0.iter().map(|(_, facts)| facts)
    }

    /// Leaves out hours; what has no time stays.
    pub(super) fn retain(&mut self, keep: impl Fn(i64) -> bool) {
        self.0.retain(|(hour, _)| hour.is_none_or(&keep));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(note: &str) -> SourceFacts {
        let mut facts = SourceFacts::default();
        facts.notes.add(note);
        facts
    }

    #[test]
    fn the_newest_hours_stay_apart_however_many_there_are() {
        let mut hours = Hours::default();
        let all = 3 * RUNS as i64;
        for hour in 0..all {
            hours.add(Some(hour), noted("it"));
        }
        assert!(hours.count() <= RUNS);
        let newest: Vec<i64> = hours.hours().skip_while(|hour| *hour < all - 35 * 24).collect();
        assert_eq!(newest, (all - 35 * 24..all).collect::<Vec<_>>());
        assert_eq!(hours.whole().notes.values()[0].1, all as u64, "nothing is lost");
    }

    #[test]
    fn runs_stay_in_the_order_of_the_source() {
        let mut hours = Hours::default();
        for (hour, note) in
            [(None, "a"), (Some(5), "b"), (Some(5), "c"), (None, "d"), (Some(4), "late"), (Some(5), "e")]
        {
            hours.add(hour, noted(note));
        }
        assert_eq!(hours.hours().collect::<Vec<_>>(), [5, 4, 5]);
        let notes = |hours: Hours| {
            let whole = hours.whole();
            let mut notes: Vec<_> =
                whole.notes.values().into_iter().map(|(note, _)| note.to_owned()).collect();
            notes.sort();
            notes
        };
        assert_eq!(notes(hours.clone()), ["a", "b", "c", "d", "e", "late"]);
        hours.retain(|hour| hour == 4);
        assert_eq!(notes(hours), ["late"]);
    }
}
