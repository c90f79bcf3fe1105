//! Rows of one of `PostgreSQL`'s statistics views, in any form in which a table is exported: the shared half of the
//! formats that read them. A format says which columns it needs, and what a row of them is.

use crate::model::{Batch, Observation, Observed, Timestamp, Zone};

use super::{
    Chunk, Head, grid,
    grid::{Row, What},
    time,
};

/// A statistics view, known by its columns.
pub(super) struct Relation {
    /// One of each of these must be there.
    pub(super) needs: &'static [&'static [&'static str]],
    pub(super) read: fn(&Cells<'_>) -> Result<Observed, String>,
}

/// Surer than a log that happens to be JSON, less so than the table of a store.
const SURE: u8 = 88;

/// Columns in which people put when they took a snapshot.
const TAKEN: &[&str] = &[
    "taken_at",
    "captured_at",
    "collected_at",
    "sampled_at",
    "sample_time",
    "snapshot_time",
    "snapshot_at",
    "now",
    "current_timestamp",
    "clock_timestamp",
    "collected",
];

impl Relation {
    pub(super) fn sniff(&self, head: &Head<'_>) -> u8 {
        if grid::headers(head.text).iter().any(|names| self.knows(names)) { SURE } else { 0 }
    }

    /// The columns that a table with some of them lacks.
    pub(super) fn lacks(&self, head: &Head<'_>) -> Option<String> {
        let there = |names: &[String], any: &[&str]| any.iter().any(|name| names.iter().any(|n| n == name));
        grid::headers(head.text).iter().find_map(|names| {
            let missing: Vec<String> = self
                .needs
                .iter()
                .filter(|any| !there(names, any))
                .map(|any| format!("`{}`", any.join("` or `")))
                .collect();
            let alike = !missing.is_empty() && missing.len() < self.needs.len();
            alike.then(|| format!("no column {}", missing.join(", none ")))
        })
    }

    fn knows(&self, names: &[String]) -> bool {
        self.needs.iter().all(|any| any.iter().any(|name| names.iter().any(|known| known == name)))
    }

    pub(super) fn decode<'a>(&self, chunk: &Chunk<'a>) -> Batch<'a> {
        let mut batch = Batch::default();
        if chunk.start > 0 {
            let place = chunk.place(0, chunk.line);
            batch.reject(place, chunk.text.len(), "behind what is read of one snapshot");
            return batch;
        }
        let (mut line, mut left_out) = (chunk.line, 0_usize);
        for part in grid::parts(chunk.text, &|names| self.knows(names)) {
            let text = &chunk.text[part.range.clone()];
            let place = chunk.place(part.range.start, line);
            match part.what {
                What::Skip => {
                    left_out += usize::from(text.contains('|') && !text.contains("-+-"));
                    batch.account.skipped(text.len());
                }
                What::Broken(why) => batch.reject(place, text.len(), why),
                What::Row(row) => match self.observe(&mut batch, &row) {
                    Ok((at, state)) => {
                        batch.observations.push(Observation { place, at, state });
                        batch.account.decoded(text.len());
                    }
                    Err(why) => batch.reject(place, text.len(), why),
                },
            }
            line += text.bytes().filter(|byte| *byte == b'\n').count() as u64;
        }
        if left_out > 1 {
            batch.note("rows of other tables stand in the same file; they were not read");
        }
        batch
    }

    fn observe(&self, batch: &mut Batch<'_>, row: &Row<'_>) -> Result<(Option<Timestamp>, Observed), String> {
        if !self.knows(&row.names) {
            return Err("a row without the columns of the others".to_owned());
        }
        let cells = Cells { row, zone: std::cell::Cell::new(Zone::Unknown) };
        let taken = cells.time(TAKEN)?;
        let state = (self.read)(&cells)?;
        batch.saw_zone(cells.zone.get());
        batch.taken_at = batch.taken_at.max(taken);
        Ok((taken, state))
    }
}

/// The cells of a row as values. Where a column has several names, the first that is there counts.
pub(super) struct Cells<'r> {
    row: &'r Row<'r>,
    zone: std::cell::Cell<Zone>,
}

impl Cells<'_> {
    pub(super) fn get(&self, names: &[&str]) -> Option<&str> {
        self.row.get(names)
    }

    /// Empty for NULL, and where there is no such column.
    pub(super) fn text(&self, names: &[&str]) -> String {
        self.get(names).unwrap_or_default().to_owned()
    }

    pub(super) fn time(&self, names: &[&str]) -> Result<Option<Timestamp>, String> {
        let Some(text) = self.get(names) else { return Ok(None) };
        let (time, zone) = time::parse(text).ok_or_else(|| format!("`{}` is no time", short(text)))?;
        self.zone.set(self.zone.get().max(zone));
        Ok(Some(time))
    }

    pub(super) fn number<T: std::str::FromStr>(&self, names: &[&str]) -> Result<Option<T>, String> {
        let Some(text) = self.get(names) else { return Ok(None) };
        let trimmed = text.trim();
        trimmed.parse().map(Some).map_err(|_| format!("`{}` is no number", short(text)))
    }

    /// A number that a row means nothing without.
    pub(super) fn must<T: std::str::FromStr>(&self, names: &[&str]) -> Result<T, String> {
        self.number(names)?.ok_or_else(|| format!("{} is NULL", names[0]))
    }
}

/// What is quoted of a cell in a reason.
pub(super) fn short(text: &str) -> String {
    text.chars().take(40).collect()
}
