//! An axis of time: where a moment lies, and which moments deserve a tick.

use crate::model::{Timestamp, time::SECOND};

/// Steps between ticks that people count in, in seconds: from a second to a year.
const ROUND: [i64; 22] = [
    1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800,
    604_800, 2_592_000, 31_536_000,
];
/// Ticks at most: each has a time of eight characters.
const TICKS: i64 = 8;

/// A stretch of time over a stretch of the picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    from: Timestamp,
    /// Microseconds, at least one.
    span: i64,
    left: f64,
    width: f64,
}

impl Axis {
    pub(super) fn new(from: Timestamp, to: Timestamp, left: f64, width: f64) -> Axis {
        Axis { from, span: to.since(from).max(1), left, width }
    }

    /// Where a time lies, held within the picture.
    pub(super) fn x(&self, time: Timestamp) -> f64 {
        let share = time.since(self.from) as f64 / self.span as f64;
        self.left + share.clamp(0.0, 1.0) * self.width
    }

    /// Round times.
    pub(super) fn ticks(&self) -> Vec<Timestamp> {
        let step = ROUND
            .into_iter()
            .find(|step| self.span / (step * SECOND) <= TICKS)
            .unwrap_or(self.span / SECOND / TICKS)
            * SECOND;
        let first = self.from.0.div_euclid(step) + 1;
        let last = self.from.plus(self.span).0.div_euclid(step);
        (first..=last).map(|tick| Timestamp(tick * step)).collect()
    }
}

/// A coordinate with as many digits as a screen shows.
pub(super) fn px(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        for (seconds, expected) in [(7, 7), (61, 6), (3_600, 6), (86_400, 8), (40 * 86_400, 5)] {
            let from = Timestamp(1_700_000_003 * SECOND);
            let axis = Axis::new(from, from.plus(seconds * SECOND), 0.0, 100.0);
            let ticks = axis.ticks();
            assert!(ticks.len() <= TICKS as usize + 1, "{seconds}: {}", ticks.len());
            assert!(ticks.len() + 1 >= expected, "{seconds}: {}", ticks.len());
            assert!(ticks.iter().all(|tick| (0.0..=100.0).contains(&axis.x(*tick))));
        }
        let moment = Axis::new(Timestamp(5), Timestamp(5), 10.0, 50.0);
        assert_eq!(
            (px(moment.x(Timestamp(5))), px(moment.x(Timestamp(99)))),
            ("10".to_owned(), "60".to_owned())
        );
    }
}
