//! Clocks that were wrong: what is taken off the times of a source before anything is made of them.

use std::collections::BTreeMap;

use globset::{Glob, GlobMatcher};

use crate::{
    check,
    model::{Batch, Timestamp},
};

use super::Partial;

/// How far the clocks of sources were ahead, as told or as found.
#[derive(Debug, Default)]
pub struct Clocks {
    /// By what the name of a source matches; the last that matches counts.
    told: Vec<(GlobMatcher, i64)>,
    found: BTreeMap<String, i64>,
}

impl Clocks {
    /// The clock of every source whose name matches was this many microseconds ahead.
    ///
    /// # Errors
    ///
    /// A pattern that is none.
    pub fn tell(&mut self, sources: &str, ahead: i64) -> Result<(), globset::Error> {
        self.told.push((Glob::new(sources)?.compile_matcher(), ahead));
        Ok(())
    }

    /// What shared ids tell of the clocks. What was told by hand is believed instead.
    pub fn find(&mut self, partial: &Partial) {
        let logs = partial.sources.iter().map(|(name, part)| (name.as_str(), &part.facts.log));
        self.found =
            check::clock_offsets(logs).into_iter().map(|(source, offset)| (source, offset.ahead)).collect();
    }

    pub fn is_empty(&self) -> bool {
        self.told.is_empty() && self.found.is_empty()
    }

    /// Microseconds that the clock of a source was ahead.
    pub fn ahead(&self, source: &str) -> i64 {
        let told =
            self.told.iter().rev().find(|(sources, _)| sources.is_match(source)).map(|(_, ahead)| *ahead);
        told.or_else(|| self.found.get(source).copied()).unwrap_or_default()
    }

    /// Puts the times of what was decoded right.
    pub(super) fn correct(&self, source: &str, batch: &mut Batch<'_>) {
        let ahead = self.ahead(source);
        if ahead == 0 {
            return;
        }
        let right = |time: &mut Option<Timestamp>| *time = time.map(|time| time.plus(-ahead));
        for entry in &mut batch.entries {
            right(&mut entry.time);
        }
        for observation in &mut batch.observations {
            right(&mut observation.at);
        }
        right(&mut batch.taken_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_that_matches_counts() {
        let mut clocks = Clocks::default();
        clocks.tell("logs/*", 2).expect("a pattern");
        clocks.tell("*-b.log*", -3).expect("a pattern");
        for (source, ahead) in [("logs/a.log", 2), ("logs/app-b.log.1.gz", -3), ("dump.sql", 0)] {
            assert_eq!(clocks.ahead(source), ahead, "{source}");
        }
        assert!(clocks.tell("[", 1).is_err());
    }
}
