//! One point in time, and how sure we are of its zone.
//!
//! The type lives here because every stage names it; reading a time from text is `decode::time`.

use std::{borrow::Cow, fmt};

use chrono::{DateTime, Utc};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Microseconds since 1970-01-01T00:00:00Z, the resolution that `PostgreSQL` stores.
///
/// Covers years -290,000 to 290,000, so that no sentinel of a damaged dump (year 1, year 9999) saturates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(pub i64);

/// One second, in the unit of [`Timestamp`].
pub const SECOND: i64 = 1_000_000;
/// One hour, in the unit of [`Timestamp`].
pub const HOUR: i64 = 3_600 * SECOND;
/// One day, in the unit of [`Timestamp`].
pub const DAY: i64 = 86_400 * SECOND;

/// What a time's zone rests on. Ordered from sure to unsure, so that a source shows its weakest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Zone {
    /// No time was seen.
    #[default]
    Unknown,
    /// Written beside the time: `Z`, `+02:00`, `UTC`.
    Explicit,
    /// A count since 1970, which has no zone.
    Epoch,
    /// Nothing was written: read as UTC.
    AssumedUtc,
}

impl Zone {
    pub fn name(self) -> &'static str {
        match self {
            Zone::Unknown => "none",
            Zone::Explicit => "explicit",
            Zone::Epoch => "epoch",
            Zone::AssumedUtc => "assumed-utc",
        }
    }
}

impl Timestamp {
    /// The day it falls on, counted from 1970-01-01.
    pub fn day(self) -> i64 {
        self.0.div_euclid(DAY)
    }

    /// The hour it falls into, counted from 1970-01-01.
    pub fn hour(self) -> i64 {
        self.0.div_euclid(HOUR)
    }

    /// `self - earlier`, in microseconds, saturating.
    pub fn since(self, earlier: Timestamp) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    #[must_use]
    pub fn plus(self, micros: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(micros))
    }

    /// `15:53:39`, for a line whose date was said before.
    pub fn clock(self) -> String {
        self.to_string().get(11..19).map_or_else(|| self.to_string(), str::to_owned)
    }
}

/// RFC 3339 in UTC with milliseconds, or microseconds where there are any.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(time) = DateTime::<Utc>::from_timestamp_micros(self.0) else {
            return write!(f, "{} us since 1970", self.0);
        };
        let digits = if self.0 % 1000 == 0 { "%Y-%m-%dT%H:%M:%S%.3fZ" } else { "%Y-%m-%dT%H:%M:%S%.6fZ" };
        write!(f, "{}", time.format(digits))
    }
}

/// As text, like every time in a report; as a number of microseconds where nobody reads it.
impl Serialize for Timestamp {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "Timestamp".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "RFC 3339 in UTC with milliseconds, or microseconds where there are any. What a damaged \
                record may hold beyond the years 0 to 9999 is written with a sign, or as a count.",
            "type": "string",
            "anyOf": [
                { "format": "date-time", "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.(\d{3}|\d{6})Z$" },
                { "pattern": r"^[+-]\d{4,6}-\d\d-\d\dT\d\d:\d\d:\d\d\.(\d{3}|\d{6})Z$" },
                { "pattern": r"^-?\d+ us since 1970$" },
            ],
        })
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        if !deserializer.is_human_readable() {
            return i64::deserialize(deserializer).map(Timestamp);
        }
        let text = String::deserialize(deserializer)?;
        let parsed = match text.strip_suffix(" us since 1970") {
            Some(micros) => micros.parse().map_err(serde::de::Error::custom)?,
            // Not the parser of RFC 3339: it knows no year beyond 9999, and damaged records do.
            None => text.parse::<DateTime<Utc>>().map_err(serde::de::Error::custom)?.timestamp_micros(),
        };
        Ok(Timestamp(parsed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_milliseconds_and_microseconds_where_there_are_any() {
        for (micros, expected) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (1_795_449_219_228_169, "2026-11-23T15:53:39.228169Z"),
            (1_795_449_219_228_000, "2026-11-23T15:53:39.228Z"),
            (-62_135_596_800_000_000, "0001-01-01T00:00:00.000Z"),
        ] {
            assert_eq!(Timestamp(micros).to_string(), expected);
            let json = serde_json::to_string(&Timestamp(micros)).expect("a string");
            assert_eq!(serde_json::from_str::<Timestamp>(&json).expect("read back").0, micros);
            let number = postcard::to_stdvec(&Timestamp(micros)).expect("a number");
            assert!(number.len() <= 9, "{micros}");
            assert_eq!(postcard::from_bytes::<Timestamp>(&number).expect("read back").0, micros);
        }
    }

    #[test]
    fn survives_what_a_calendar_cannot_show() {
        let far = serde_json::to_string(&Timestamp(i64::MAX)).expect("a string");
        assert_eq!(serde_json::from_str::<Timestamp>(&far).expect("read back").0, i64::MAX);
        assert_eq!(Timestamp(i64::MIN).since(Timestamp(1)), i64::MIN);
    }
}
