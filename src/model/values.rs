//! What the named values of a log entry mean, whatever its logger calls them (`patterns/fields.toml`).

use serde::{Deserialize, Serialize};

use super::time::SECOND;

/// What a named value is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Means {
    /// How long something took.
    Duration,
    /// What took it: a command type, an operation, a job.
    Operation,
    /// Whether it succeeded.
    Success,
    /// How often it was tried.
    Attempts,
    /// Which try failed, from 1.
    Retry,
    /// How long it waits before the next try.
    Delay,
    /// How often it may be tried.
    MaxRetries,
    Stream,
    Streams,
    StreamCount,
    ExpectedVersion,
    ActualVersion,
    EventsWritten,
    Phases,
    Projection,
    Lag,
    EventsBehind,
    EventsProcessed,
    Position,
    Status,
    PoolActive,
    PoolIdle,
    PoolSize,
    PoolMax,
    PoolWaiting,
    /// Share of the pool that is in use.
    PoolUse,
    /// How long a connection was waited for.
    Waited,
    Memory,
    MemoryBefore,
    MemoryAfter,
    MemoryDelta,
    MemoryLimit,
    Trace,
    Command,
    Request,
    Correlation,
    /// Of a span: what it is called.
    Span,
    Service,
    Host,
    Job,
    /// Of a validation failure: which field or rule, and what it found.
    Rule,
    Reason,
}

/// In what a value is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    #[default]
    Text,
    Ns,
    Us,
    Ms,
    S,
    /// A duration with its unit behind it: `2.5s`, `1m30s`, `350µs`.
    Duration,
    Count,
    Bytes,
    Kib,
    Mib,
    Percent,
}

/// Meaning and unit of a name, and its rank: of two names of one meaning the lower rank counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Meant {
    pub means: Means,
    pub unit: Unit,
    pub rank: usize,
}

/// A value whose meaning is known.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    pub meant: Meant,
    /// As the logger calls it.
    pub name: &'a str,
    pub text: &'a str,
}

/// The values of one entry whose meaning is known.
#[derive(Clone, Debug, Default)]
pub struct Values<'a> {
    found: Vec<Known<'a>>,
    /// A bit for each meaning that is there.
    there: u64,
}

impl<'a> Values<'a> {
    pub fn clear(&mut self) {
        self.found.clear();
        self.there = 0;
    }

    /// Adds a value, unless one of the same meaning and a lower or equal rank is there: the entry's own come before
    /// those of its spans, and those of outer spans before inner ones.
    pub fn add(&mut self, known: Known<'a>) {
        let bit = 1 << known.meant.means as u64;
        if self.there & bit == 0 {
            self.there |= bit;
            self.found.push(known);
        } else if let Some(mine) = self.found.iter_mut().find(|mine| mine.meant.means == known.meant.means)
            && known.meant.rank < mine.meant.rank
        {
            *mine = known;
        }
    }

    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }

    pub fn has(&self, means: Means) -> bool {
        self.there & (1 << means as u64) != 0
    }

    pub fn get(&self, means: Means) -> Option<&Known<'a>> {
        if !self.has(means) {
            return None;
        }
        self.found.iter().find(|known| known.meant.means == means)
    }

    pub fn text(&self, means: Means) -> Option<&'a str> {
        self.get(means).map(|known| known.text).filter(|text| !text.is_empty())
    }

    /// A duration in microseconds.
    pub fn micros(&self, means: Means) -> Option<u64> {
        self.get(means).and_then(Known::micros)
    }

    /// A count, a number of bytes, or a share from 0 to 1.
    pub fn number(&self, means: Means) -> Option<f64> {
        self.get(means).and_then(Known::number)
    }

    pub fn count(&self, means: Means) -> Option<u64> {
        let number = self.number(means)?;
        (number >= 0.0 && number < 2_f64.powi(63)).then_some(number as u64)
    }

    pub fn truth(&self, means: Means) -> Option<bool> {
        match self.text(means)? {
            "true" | "True" | "1" | "ok" | "success" | "succeeded" => Some(true),
            "false" | "False" | "0" | "error" | "failure" | "failed" => Some(false),
            _ => None,
        }
    }
}

impl Known<'_> {
    /// A duration in microseconds; `None` for what is none, is negative, or would not fit.
    pub fn micros(&self) -> Option<u64> {
        let scale = match self.meant.unit {
            Unit::Ns => 0.001,
            Unit::Us => 1.0,
            Unit::Ms => 1e3,
            Unit::S => SECOND as f64,
            Unit::Duration => return duration(self.text),
            Unit::Text | Unit::Count | Unit::Bytes | Unit::Kib | Unit::Mib | Unit::Percent => return None,
        };
        match self.text.parse::<f64>() {
            Ok(number) => within(number * scale),
            // A logger may write the unit though its name says it.
            Err(_) => duration(self.text),
        }
    }

    pub fn number(&self) -> Option<f64> {
        let scale = match self.meant.unit {
            Unit::Kib => 1024.0,
            Unit::Mib => 1024.0 * 1024.0,
            Unit::Percent => 0.01,
            _ => 1.0,
        };
        let number: f64 = self.text.trim_end_matches('%').parse().ok()?;
        number.is_finite().then_some(number * scale)
    }
}

fn within(micros: f64) -> Option<u64> {
    (micros >= 0.0 && micros < 2_f64.powi(63)).then(|| micros.round() as u64)
}

/// `2.501006207s`, `1m30s`, `350µs`, `1h2m`: as Rust's and Go's formatters write durations.
fn duration(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut total = 0.0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_end = rest[digits..]
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .map_or(rest.len(), |unit| digits + unit);
        let scale = match rest[digits..unit_end].trim() {
            "ns" => 0.001,
            "us" | "µs" | "μs" => 1.0,
            "ms" => 1e3,
            "s" | "sec" | "secs" => 1e6,
            "m" | "min" => 60e6,
            "h" => 3600e6,
            _ => return None,
        };
        total += number * scale;
        rest = &rest[unit_end..];
    }
    within(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_as_loggers_write_them() {
        for (text, unit, expected) in [
            ("9002", Unit::Ms, Some(9_002_000)),
            ("0.25", Unit::Ms, Some(250)),
            ("2.501006207", Unit::S, Some(2_501_006)),
            ("2.501006207s", Unit::Duration, Some(2_501_006)),
            ("1m30s", Unit::Duration, Some(90_000_000)),
            ("350µs", Unit::Duration, Some(350)),
            ("12ms", Unit::Ms, Some(12_000)),
            ("-1", Unit::Ms, None),
            ("NaN", Unit::Ms, None),
            ("soon", Unit::Ms, None),
            ("", Unit::Duration, None),
        ] {
            let meant = Meant { means: Means::Duration, unit, rank: 0 };
            assert_eq!(Known { meant, name: "", text }.micros(), expected, "{text}");
        }
    }

    #[test]
    fn the_lower_rank_counts() {
        let mut values = Values::default();
        for (rank, text) in [(3, "a"), (1, "b"), (2, "c"), (1, "d")] {
            let meant = Meant { means: Means::Operation, unit: Unit::Text, rank };
            values.add(Known { meant, name: "", text });
        }
        assert_eq!(values.text(Means::Operation), Some("b"));
        assert!(!values.has(Means::Duration));
    }
}
