//! What a snapshot states: kept as it is, for snapshots are small and a judgement needs them whole.

use serde::{Deserialize, Serialize};

use crate::{
    fold::State,
    model::{Batch, Observation, Timestamp},
};

/// Memory: every observation; of metrics only those with a known meaning are observations.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct SnapshotFacts {
    /// When it was taken: by its content, and else by its name.
    pub taken_at: Option<Timestamp>,
    pub observations: Vec<Observation>,
}

impl SnapshotFacts {
    pub fn observe(&mut self, batch: &Batch<'_>) {
        self.taken_at = self.taken_at.max(batch.taken_at);
        self.observations.extend(batch.observations.iter().cloned());
    }

    /// Takes the time from the source's name where the content has none.
    #[must_use]
    pub fn dated_by(mut self, name: &str) -> SnapshotFacts {
        self.taken_at = self.taken_at.or_else(|| time_in(name));
        self
    }
}

impl State for SnapshotFacts {
    fn merge(&mut self, next: Self) {
        let SnapshotFacts { taken_at, observations } = next;
        self.taken_at = self.taken_at.max(taken_at);
        self.observations.extend(observations);
    }
}

/// A time in a file's name: `pg_stat_activity-20261123T155229Z.csv`, `metrics-2026-11-23_15-52-29.prom`. Read as UTC.
fn time_in(name: &str) -> Option<Timestamp> {
    let file = name.rsplit('/').next().unwrap_or(name);
    let digits: Vec<(usize, u8)> =
        file.bytes().enumerate().filter(|(_, byte)| byte.is_ascii_digit()).collect();
    digits.windows(14).find_map(|run| {
        // Between the digits of a date and its time stand single separators at most.
        let tight = run.windows(2).all(|pair| pair[1].0 - pair[0].0 <= 2);
        let number = |from: usize, len: usize| {
            run[from..from + len].iter().fold(0, |number, (_, digit)| number * 10 + u32::from(digit - b'0'))
        };
        let date = chrono::NaiveDate::from_ymd_opt(number(0, 4).cast_signed(), number(4, 2), number(6, 2))?;
        let time = date.and_hms_opt(number(8, 2), number(10, 2), number(12, 2))?;
        (tight && (1990..2100).contains(&number(0, 4))).then(|| Timestamp(time.and_utc().timestamp_micros()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_when_a_snapshot_was_taken() {
        for (name, expected) in [
            ("snapshots/pg_stat_activity-20261123T155229Z.csv", "2026-11-23T15:52:29.000Z"),
            ("metrics-a-2026-11-23_15-52-29.prom", "2026-11-23T15:52:29.000Z"),
            ("2026-11-23T15:52:29/top.txt", "-"),
            ("top-20261123155229", "2026-11-23T15:52:29.000Z"),
            ("health-20269923T155229Z.json", "-"),
            ("build-1234567890123456.csv", "-"),
            ("checkpoints-final.csv", "-"),
        ] {
            let found = time_in(name).map_or("-".to_owned(), |time| time.to_string());
            assert_eq!(found, expected, "{name}");
        }
    }
}
